"""pdf/a by Ghostscript, pdf/ocr by Tesseract; looked at by pikepdf, Poppler and pdfium."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from local_server import Local, make_picture, serving, task_of
from outside_tools import said
from PIL import Image, ImageChops, ImageCms, ImageDraw
from reportlab.pdfgen.canvas import Canvas

from modules.cloudconvert.local.converters.srgb import srgb_profile


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def written() -> bytes:
    """Return a PDF with what no PDF/A may have: a font outside of it, a script."""
    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.drawString(100, 500, "some text")
    canvas.showPage()
    canvas.save()
    with pikepdf.open(target) as document:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        document.Root.OpenAction = document.make_indirect(script)
        changed = io.BytesIO()
        document.save(changed)
    return changed.getvalue()


def test_the_profile_of_an_archived_pdf_is_srgb_in_its_second_version() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    assert profile.profile.version == pytest.approx(2.1)
    spectrum = Image.linear_gradient("L")
    image = Image.merge("RGB", (spectrum, spectrum.rotate(90), spectrum.rotate(180)))
    own = ImageCms.createProfile("sRGB")
    through = ImageCms.profileToProfile(image, profile, own)
    assert through is not None
    furthest = ImageChops.difference(image, through).getextrema()
    assert all(highest <= 1 for _, highest in furthest)  # type: ignore[misc]  # three bands


@pytest.mark.needs("gs")
@pytest.mark.needs("pdftotext")
@pytest.mark.parametrize("level", ["1b", "2b", None])
async def test_a_pdf_becomes_one_for_archives(
    local: Local, tmp_path: Path, level: str | None
) -> None:
    chosen = {"conformance_level": level} if level else {}
    [(name, made)] = (
        await local.results({"a.pdf": written()}, {"operation": "pdf/a", **chosen})
    ).items()
    assert name == "a.pdf"
    with pikepdf.open(io.BytesIO(made)) as document:
        with document.open_metadata() as metadata:
            found = metadata.get("pdfaid:part"), metadata.get("pdfaid:conformance")
        [intent] = document.Root.OutputIntents
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.read_bytes() == srgb_profile()
        assert "/OpenAction" not in document.Root
    assert found == ((level or "3b")[0], "B")
    (tmp_path / "made.pdf").write_bytes(made)
    fonts = said("pdffonts", tmp_path / "made.pdf").splitlines()[2:]
    assert fonts
    assert all(line.split()[-5] == "yes" for line in fonts)
    assert "some text" in said("pdftotext", tmp_path / "made.pdf", "-")


@pytest.mark.needs("gs")
async def test_what_is_no_pdf_or_a_closed_one_is_not_archived(local: Local) -> None:
    task = {"operation": "pdf/a"}
    assert (await local.failure({"a.png": make_picture()}, task))["code"] == "OPEN_FAILED"
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(written())) as document:
        document.save(target, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    failed = await local.failure({"a.pdf": target.getvalue()}, task)
    assert failed["code"] == "OPEN_FAILED"


def scanned(turn: int = 0) -> bytes:
    """Return a PDF of two pages that are pictures of words, for readers turned by an angle."""
    target = io.BytesIO()
    pages = []
    for word in ("QUICK", "BROWN"):
        image = Image.new("RGB", (1000, 1400), "white")
        ImageDraw.Draw(image).text((120, 200), word, fill="black", font_size=90)
        pages.append(image.rotate(turn, expand=True))
    pages[0].save(target, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    with pikepdf.open(target) as document:
        for page in document.pages:
            page.rotate(turn, relative=False)
        changed = io.BytesIO()
        document.save(changed)
    return changed.getvalue()


def drawn(pdf: bytes) -> Image.Image:
    image: Image.Image = pypdfium2.PdfDocument(pdf)[0].render(scale=1).to_pil().convert("RGB")
    return image


@pytest.mark.needs("tesseract")
@pytest.mark.parametrize("turn", [0, 90])
async def test_a_scan_gets_its_text_where_it_is_seen(local: Local, turn: int) -> None:
    before = scanned(turn)
    [made] = (await local.results({"a.pdf": before}, {"operation": "pdf/ocr"})).values()
    document = pypdfium2.PdfDocument(made)
    texts = [page.get_textpage().get_text_range().split() for page in document]
    assert texts == [["QUICK"], ["BROWN"]]
    left, bottom, _right, top = document[0].get_textpage().get_charbox(0)
    # The word begins 120 and 200 pixels, 150 an inch, from the corner that is upper left when seen;
    # on a page that is turned by 90 degrees to be read, that is the lower left one.
    seen = (120 * 72 / 150, 200 * 72 / 150)
    own = (left, 672 - top) if turn == 0 else (bottom, left)
    assert own == pytest.approx(seen, abs=40)
    assert ImageChops.difference(drawn(before), drawn(made)).getbbox() is None


@pytest.mark.needs("tesseract")
@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"language": ["xyz"]}, "language"),
        ({"language": "eng,../../etc"}, "language"),
        ({"language": ["eng", "-c"]}, "language"),
        ({"language": []}, "language"),
        ({"auto_orient": True}, "auto_orient"),
    ],
)
async def test_what_is_not_served_of_text_recognition_is_refused(
    local: Local, more: dict[str, Any], field: str
) -> None:
    answer = await local.refused("/v2/pdf/ocr", {"input": "0" * 8, **more})
    assert field in " ".join(answer["errors"])


@pytest.mark.needs("tesseract")
async def test_text_is_recognised_in_several_languages_at_once(local: Local) -> None:
    task = {"operation": "pdf/ocr", "language": "eng+osd"}
    job = await local.run({"a.pdf": scanned()}, task)
    assert task_of(job, "process")["engine"] == "tesseract"
