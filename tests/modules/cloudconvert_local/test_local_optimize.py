"""optimize: smaller, of the same format, and still what it was to readers that did not write it."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from local_server import TOKEN, Local, make_picture, serving
from PIL import Image, ImageChops, ImageDraw, ImageStat
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from modules.cloudconvert.local.settings import Limits, Settings


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def optimize(profile: str | None = None, **options: Any) -> dict[str, Any]:
    chosen = {"profile": profile} if profile else {}
    return {"operation": "optimize", **chosen, **options}


async def optimized(local: Local, name: str, content: bytes, task: dict[str, Any]) -> bytes:
    results = await local.results({name: content}, task)
    assert list(results) == [name]
    return results[name]


def encoded(image: Image.Image, format_name: str, **saving: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, format_name, **saving)
    return target.getvalue()


def decoded(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def photo(size: tuple[int, int] = (600, 400)) -> Image.Image:
    bands = [Image.effect_noise(size, spread) for spread in (10, 20, 30)]
    return Image.merge("RGB", bands)


def scan(size: tuple[int, int] = (620, 877)) -> Image.Image:
    image = Image.effect_noise(size, 8).point(lambda value: min(255, value + 110)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for top in range(60, size[1] - 60, 30):
        draw.text((50, top), "the quick brown fox jumps", fill=(20, 20, 60), font_size=20)
    return image


def pdf_with(image: Image.Image, width: float = 595, height: float = 842) -> bytes:
    """Return a PDF of one A4 page with a picture and a line of text."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(595, 842), pageCompression=0)
    canvas.drawImage(
        ImageReader(io.BytesIO(encoded(image, "JPEG", quality=97))), 0, 0, width, height
    )
    canvas.drawString(100, 20, "a line of text")
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def pictures_in(document: pikepdf.Pdf) -> list[Any]:
    return list(document.pages[0].resources["/XObject"].values())


def rendered(pdf: bytes) -> Image.Image:
    image: Image.Image = pypdfium2.PdfDocument(pdf)[0].render(scale=0.5).to_pil().convert("RGB")
    return image


def text_of(pdf: bytes) -> str:
    text: str = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
    return text


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return how far two pictures are apart on average, of 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize(
    ("profile", "at_most", "apart"),
    [
        ("web", 0.5, 8),
        ("print", 0.7, 6),
        ("archive", 0.85, 0.01),
        ("mrc", 0.2, 8),
        ("max", 0.3, 8),
    ],
)
async def test_each_profile_makes_a_scan_smaller_and_keeps_what_it_shows(
    local: Local, profile: str, at_most: float, apart: float
) -> None:
    document = pdf_with(scan())
    result = await optimized(local, "scan.pdf", document, optimize(profile))
    assert len(result) < at_most * len(document)
    assert text_of(result) == text_of(document) == "a line of text"
    assert difference(rendered(result), rendered(document)) < apart


async def test_a_scan_in_layers_keeps_its_writing_sharp(local: Local) -> None:
    result = await optimized(local, "scan.pdf", pdf_with(scan()), optimize("mrc"))
    with pikepdf.open(io.BytesIO(result)) as document:
        [form] = document.pages[0].resources["/XObject"].values()
        writing = form.Resources.XObject.Writing
        assert (str(form.Subtype), str(writing.Filter)) == ("/Form", "/CCITTFaxDecode")
        assert (int(writing.Width), int(writing.Height)) == (620, 877)


async def test_pictures_get_the_pixels_at_which_they_are_shown(local: Local) -> None:
    small = pdf_with(photo(), width=144, height=96)  # 300 pixels per inch
    for profile, width in (("web", 300), ("print", 600), ("archive", 600), ("max", 200)):
        result = await optimized(local, "a.pdf", small, optimize(profile))
        with pikepdf.open(io.BytesIO(result)) as document:
            [picture] = pictures_in(document)
            assert int(picture.Width) == width, profile


async def test_greyscale_takes_the_colours_of_a_pdfs_pictures(local: Local) -> None:
    document = pdf_with(photo())
    result = await optimized(local, "a.pdf", document, optimize("web", colorspace="greyscale"))
    with pikepdf.open(io.BytesIO(result)) as opened:
        [picture] = pictures_in(opened)
        assert picture.ColorSpace == "/DeviceGray"


async def test_a_pdf_that_cannot_get_smaller_comes_back_as_it_was(local: Local) -> None:
    first = await optimized(local, "a.pdf", pdf_with(photo()), optimize("web"))
    assert await optimized(local, "a.pdf", first, optimize("web")) == first


@pytest.mark.parametrize(("options", "colours"), [({}, 256), ({"quality": 10}, 27)])
async def test_a_png_gets_fewer_colours(
    local: Local, options: dict[str, Any], colours: int
) -> None:
    picture = encoded(photo((200, 150)), "PNG")
    result = await optimized(local, "a.png", picture, optimize(**options))
    image = decoded(result)
    assert len(result) < 0.6 * len(picture)
    assert (image.format, image.size) == ("PNG", (200, 150))
    found = image.convert("RGB").getcolors(1000)
    assert found is not None
    assert len(found) <= colours


async def test_a_png_keeps_its_transparency(local: Local) -> None:
    picture = photo((100, 80))
    picture.putalpha(Image.linear_gradient("L").resize((100, 80)))
    result = decoded(await optimized(local, "a.png", encoded(picture, "PNG"), optimize("max")))
    alpha = result.convert("RGBA").getchannel("A")
    assert difference(alpha, picture.getchannel("A")) < 20


@pytest.mark.parametrize("kind", ["photo", "few colours", "palette", "deep"])
async def test_without_loss_a_png_keeps_every_pixel(local: Local, kind: str) -> None:
    pictures = {
        "photo": photo((100, 80)),
        "few colours": Image.new("RGB", (100, 80), "teal"),
        "palette": photo((100, 80)).quantize(16),
        "deep": Image.new("I;16", (100, 80), 12_345),
    }
    before = encoded(pictures[kind], "PNG", compress_level=1)
    after = await optimized(local, "a.png", before, optimize("archive"))
    assert len(after) <= len(before)
    first, second = decoded(before), decoded(after)
    assert first.convert("RGBA").tobytes() == second.convert("RGBA").tobytes()
    if kind == "deep":
        assert after == before


async def test_a_jpeg_gets_smaller_by_quality_or_profile(local: Local) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera"
    picture = encoded(photo((300, 200)), "JPEG", quality=97, exif=exif)
    sizes = {}
    for name, task in {
        "archive": optimize("archive"),
        "web": optimize(),
        "max": optimize("max"),
        "low": optimize(quality=5),
    }.items():
        result = await optimized(local, "a.jpg", picture, task)
        sizes[name] = len(result)
        image = decoded(result)
        turned = image.getexif().get(0x0112, 1) == 1
        assert image.size == ((200, 300) if turned else (300, 200))
        assert turned is (name != "archive")
        assert image.getexif().get(0x010F) == (None if turned else "Camera")
    assert sizes["low"] < sizes["max"] < sizes["web"] < sizes["archive"] < len(picture)


async def test_a_jpeg_can_be_in_printing_colours(local: Local) -> None:
    picture = make_picture("JPEG")
    result = await optimized(local, "a.jpg", picture, optimize(colorspace="cmyk"))
    assert decoded(result).mode == "CMYK"


async def test_signatures_become_part_of_their_page(local: Local) -> None:
    document = pikepdf.new()
    document.add_blank_page(page_size=(200, 100))
    look = pikepdf.Stream(document, b"1 0 0 rg 0 0 50 20 re f")
    look.Type, look.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
    look.BBox = pikepdf.Array([0, 0, 50, 20])
    field = document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Sig, T="s",
            F=4, Rect=[20, 20, 70, 40], AP=pikepdf.Dictionary(N=look),
        )
    )  # fmt: skip
    document.pages[0].Annots = pikepdf.Array([field])
    document.Root.AcroForm = pikepdf.Dictionary(Fields=[field], SigFlags=3)
    target = io.BytesIO()
    document.save(target)
    task = optimize(flatten_signatures=True)
    result = await optimized(local, "signed.pdf", target.getvalue(), task)
    with pikepdf.open(io.BytesIO(result)) as opened:
        assert list(opened.pages[0].Annots) == []
        assert list(opened.Root.AcroForm.Fields) == []
    assert rendered(result).getpixel((20, 35)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"%PDF-1.7\nthis is no document", "OPEN_FAILED"),
        ("a.txt", b"words", "INVALID_CONVERSION_TYPE"),
        ("a.png", make_picture()[:50], "CONVERSION_FAILED"),
        ("a.jpg", b"\xff\xd8\xff" + bytes(100), "OPEN_FAILED"),
    ],
)
async def test_what_cannot_be_optimized_fails_with_a_code(
    local: Local, name: str, content: bytes, code: str
) -> None:
    task = await local.failure({name: content}, optimize())
    assert task["code"] == code


async def test_a_locked_pdf_fails_and_one_that_only_restricts_stays_restricted(
    local: Local,
) -> None:
    for user, code in (("secret", "OPEN_FAILED"), ("", None)):
        target = io.BytesIO()
        with pikepdf.open(io.BytesIO(pdf_with(photo()))) as document:
            document.save(target, encryption=pikepdf.Encryption(owner="o", user=user))
        if code:
            task = await local.failure({"a.pdf": target.getvalue()}, optimize())
            assert task["code"] == code
        else:
            result = await optimized(local, "a.pdf", target.getvalue(), optimize())
            assert len(result) < len(target.getvalue())
            with pikepdf.open(io.BytesIO(result)) as restricted:
                assert restricted.is_encrypted


async def test_pictures_that_lie_or_break_stay_as_they_are(local: Local) -> None:
    with pikepdf.open(io.BytesIO(pdf_with(photo()))) as document:
        [picture] = pictures_in(document)
        picture.Width = 10**9
        target = io.BytesIO()
        document.save(target)
    result = await optimized(local, "a.pdf", target.getvalue(), optimize("max"))
    with pikepdf.open(io.BytesIO(result)) as opened:
        [picture] = pictures_in(opened)
        assert int(picture.Width) == 10**9


def malformed(content: bytes, **picture: Any) -> bytes:
    """Return a PDF whose page or picture is not what it should be."""
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(200, 200))
    stream = pikepdf.Stream(document, bytes(300))
    stream.Subtype, stream.Width, stream.Height = pikepdf.Name.Image, 10, 10
    stream.BitsPerComponent, stream.ColorSpace = 8, pikepdf.Name.DeviceRGB
    for name, value in picture.items():
        stream[f"/{name}"] = value
    page.Contents = pikepdf.Stream(document, content)
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=stream))
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


@pytest.mark.parametrize(
    "document",
    [
        malformed(b"/x cm (a) 1 2 3 4 5 cm /I Do"),
        malformed(b"Q Q q 100 0 0 100 0 0 cm /I Do << /a"),
        malformed(b"/I Do", Width=pikepdf.String("a")),
        malformed(b"/I Do", ColorSpace=pikepdf.Array([pikepdf.Name.ICCBased, 5])),
        malformed(b"/I Do", SMask=3),
        malformed(b"/I Do", Filter=pikepdf.Name.DCTDecode),
    ],
)
async def test_what_is_written_wrongly_does_not_stop_the_rest(
    local: Local, document: bytes
) -> None:
    result = await optimized(local, "a.pdf", document, optimize("mrc", flatten_signatures=True))
    assert len(pypdfium2.PdfDocument(result)) == 1


async def test_a_form_that_draws_itself_comes_to_an_end(local: Local) -> None:
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(200, 200))
    form = document.make_indirect(pikepdf.Stream(document, b"/F Do " * 20))
    form.Subtype = pikepdf.Name.Form
    form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=form))
    page.Contents = pikepdf.Stream(document, b"/F Do")
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=form))
    target = io.BytesIO()
    document.save(target)
    await optimized(local, "a.pdf", target.getvalue(), optimize("web"))


async def test_a_picture_beyond_the_bounds_is_refused(tmp_path: Path) -> None:
    settings = Settings(TOKEN, limits=Limits(pixels=1000))
    async with serving(tmp_path / "data", settings=settings) as local:
        task = await local.failure({"a.png": make_picture()}, optimize())
    assert task["code"] == "FILE_TOO_LARGE"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"profile": "huge"}, "profile"),
        ({"quality": 101}, "quality"),
        ({"input_format": "docx"}, "input_format"),
        ({"input_format": "png", "colorspace": "cmyk"}, "colorspace"),
        ({"colorspace": "sepia"}, "colorspace"),
    ],
)
async def test_impossible_options_are_refused_before_anything_runs(
    local: Local, options: dict[str, Any], field: str
) -> None:
    answer = await local.refused("/v2/optimize", {"input": "0" * 8, **optimize(**options)})
    assert field in answer["errors"]


async def test_the_formats_that_can_be_optimized_are_listed(local: Local) -> None:
    path = "/v2/operations?filter[operation]=optimize&include=options"
    listed = (await local.get(path))["data"]
    assert [(one["input_format"], one["output_format"]) for one in listed] == [
        ("pdf", "pdf"),
        ("png", "png"),
        ("jpg", "jpg"),
    ]
    options = {one["name"]: one["possible_values"] for one in listed[0]["options"]}
    assert options["profile"] == ["web", "print", "archive", "mrc", "max"]
