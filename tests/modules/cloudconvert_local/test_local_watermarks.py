"""watermark: what is drawn, where, and on which pages."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from local_server import UPLOAD, Local, make_picture, serving, task_of
from PIL import Image, ImageChops
from reportlab.pdfgen.canvas import Canvas

Box = tuple[int, int, int, int]


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def document(pages: int = 1, rotation: int = 0) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(400, 200))
    for _ in range(pages):
        canvas.showPage()
    canvas.save()
    turned = io.BytesIO()
    with pikepdf.open(target) as pdf:
        pdf.pages[0].rotate(rotation, relative=False)
        pdf.save(turned)
    return turned.getvalue()


def mark(**options: Any) -> dict[str, Any]:
    return {"operation": "watermark", **options}


def drawn(image: Image.Image) -> Box | None:
    """Return the box of what is not white."""
    return ImageChops.invert(image.convert("L")).getbbox()


def pages_of(pdf: bytes) -> list[Image.Image]:
    return [page.render(scale=1).to_pil() for page in pypdfium2.PdfDocument(pdf)]


async def test_a_text_goes_on_the_chosen_pages(local: Local) -> None:
    task = mark(text="Entwurf 日本 ✓", pages="2-", font_size=30, font_color="#ff0000")
    results = await local.results({"a.pdf": document(3)}, task)
    first, second, third = pages_of(results["a.pdf"])
    assert drawn(first) is None
    assert drawn(second) == drawn(third)
    assert drawn(third) is not None
    text = pypdfium2.PdfDocument(results["a.pdf"])[1].get_textpage().get_text_range()
    assert "Entwurf" in text


@pytest.mark.parametrize(
    ("vertical", "horizontal"), [("top", "left"), ("bottom", "right"), ("center", "center")]
)
@pytest.mark.parametrize("rotation", [0, 90])
async def test_a_text_stands_where_it_should_on_turned_pages_too(
    local: Local, vertical: str, horizontal: str, rotation: int
) -> None:
    task = mark(
        text="MARK", font_size=20, position_vertical=vertical, position_horizontal=horizontal,
        margin_vertical=10, margin_horizontal=10,
    )  # fmt: skip
    results = await local.results({"a.pdf": document(rotation=rotation)}, task)
    [page] = pages_of(results["a.pdf"])
    assert page.size == ((200, 400) if rotation else (400, 200))
    box = drawn(page)
    assert box is not None
    assert box[2] - box[0] > box[3] - box[1]  # upright
    middle = ((box[0] + box[2]) / 2 / page.width, (box[1] + box[3]) / 2 / page.height)
    wanted = {"left": 0, "top": 0, "center": 0.5, "right": 1, "bottom": 1}
    assert abs(middle[0] - wanted[horizontal]) < 0.25
    assert abs(middle[1] - wanted[vertical]) < 0.25


async def test_a_picture_of_another_task_is_the_watermark(local: Local) -> None:
    tasks = {
        "in": UPLOAD,
        "logo": UPLOAD,
        "process": mark(input="in", image="logo", image_width=100, opacity=50),
        "out": {"operation": "export/url", "input": "process"},
    }
    job = await local.create(tasks)
    await local.upload(task_of(job, "logo"), "logo.png", make_picture(size=(20, 10), colour="red"))
    assert task_of(job, "process")["depends_on_task_ids"] == [
        task_of(job, name)["id"] for name in ("in", "logo")
    ]
    await local.upload(task_of(job, "in"), "a.pdf", document())
    ended = await local.ended(job["id"])
    [file] = task_of(ended, "out")["result"]["files"]
    [page] = pages_of((await local.plain.get(file["url"])).content)
    assert drawn(page) == (150, 75, 250, 125)
    assert page.getchannel("G").getpixel((200, 100)) == pytest.approx(127, abs=3)
    retry = await local.http.post(f"/v2/tasks/{task_of(ended, 'process')['id']}/retry")
    again = await local.until(retry.json()["data"]["id"], "finished")
    assert [one["filename"] for one in again["result"]["files"]] == ["a.pdf"]


@pytest.mark.parametrize(("name", "format_name"), [("a.png", "PNG"), ("a.jpg", "JPEG")])
async def test_pictures_are_marked_and_keep_their_format(
    local: Local, name: str, format_name: str
) -> None:
    picture = make_picture(format_name, (400, 200), "white")
    task = mark(text="two\nlines", font_width_percent=25, rotation=90, font_align="center")
    image = Image.open(io.BytesIO((await local.results({name: picture}, task))[name]))
    assert (image.format, image.mode, image.size) == (format_name, "RGB", (400, 200))
    box = drawn(image.point(lambda value: 255 if value > 200 else 0))
    assert box is not None
    assert (box[3] - box[1]) == pytest.approx(100, abs=12)  # turned, a quarter of the width


async def test_a_mark_below_is_seen_only_through_what_is_clear(local: Local) -> None:
    clear = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    clear.paste((255, 255, 255, 255), (0, 0, 50, 100))
    target = io.BytesIO()
    clear.save(target, "PNG")
    task = mark(text="█" * 3, layer="below", font_width_percent=100)
    image = Image.open(
        io.BytesIO((await local.results({"a.png": target.getvalue()}, task))["a.png"])
    ).convert("RGBA")
    assert image.getpixel((25, 50)) == (255, 255, 255, 255)
    with pikepdf.open(
        io.BytesIO((await local.results({"a.pdf": document()}, task))["a.pdf"])
    ) as pdf:
        assert len(pdf.pages) == 1


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, ""),
        ({"text": "a", "image": "b"}, ""),
        ({"text": ""}, "text"),
        ({"text": "a", "font_color": "red"}, "font_color"),
        ({"text": "a", "opacity": 101}, "opacity"),
        ({"text": "a", "pages": "x"}, "pages"),
    ],
)
async def test_impossible_watermarks_are_refused(
    local: Local, options: dict[str, Any], field: str
) -> None:
    answer = await local.refused("/v2/watermark", {"input": "0" * 8, **options})
    assert any(name.startswith(field) for name in answer["errors"])


async def test_a_picture_that_no_task_brings_is_refused(local: Local) -> None:
    tasks = {"in": UPLOAD, "process": mark(input="in", image="logo")}
    answer = await local.refused("/v2/jobs", {"tasks": tasks})
    assert list(answer["errors"]) == ["tasks.process.image"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", b"words", "INVALID_CONVERSION_TYPE"),
        ("a.pdf", b"%PDF-1.7 broken", "OPEN_FAILED"),
        ("a.png", make_picture()[:50], "CONVERSION_FAILED"),
    ],
)
async def test_what_cannot_be_marked_fails_with_a_code(
    local: Local, name: str, content: bytes, code: str
) -> None:
    assert (await local.failure({name: content}, mark(text="x")))["code"] == code
