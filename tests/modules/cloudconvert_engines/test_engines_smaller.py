"""pngquant, Ghostscript and 7-Zip where they are on PATH; looked at by others than them."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pikepdf
import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from local_server import Local, make_picture, serving, task_of
from outside_tools import said
from PIL import Image, ImageChops, ImageFilter, ImageStat
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def soft_picture() -> bytes:
    """Return a picture of many soft colours, transparent on its left."""
    size = (300, 200)
    bands = [
        Image.effect_noise(size, spread).filter(ImageFilter.GaussianBlur(6))
        for spread in (40, 60, 80)
    ]
    alpha = Image.linear_gradient("L").rotate(90).resize(size)
    target = io.BytesIO()
    Image.merge("RGBA", (*bands, alpha)).save(target, "PNG")
    return target.getvalue()


async def optimized(local: Local, content: bytes, **options: object) -> tuple[str, bytes]:
    """Return the engine that did it, and the result."""
    job = await local.run({"a.png": content}, {"operation": "optimize", **options})
    assert job["status"] == "finished", task_of(job, "process")["message"]
    [file] = task_of(job, "export")["result"]["files"]
    return task_of(job, "process")["engine"], (await local.plain.get(file["url"])).content


@pytest.mark.needs("pngquant")
async def test_pictures_of_many_colours_get_much_smaller_and_look_alike(local: Local) -> None:
    before = soft_picture()
    engine, made = await optimized(local, before)
    assert engine == "pngquant"
    assert len(made) < 0.5 * len(before)
    pictures = [Image.open(io.BytesIO(one)).convert("RGBA") for one in (before, made)]
    on_white = [
        Image.alpha_composite(Image.new("RGBA", one.size, "white"), one) for one in pictures
    ]
    assert max(ImageStat.Stat(ImageChops.difference(*on_white)).rms) < 8


@pytest.mark.needs("pngquant")
async def test_pictures_that_lose_nothing_keep_all_their_colours(local: Local) -> None:
    before = soft_picture()
    engine, made = await optimized(local, before, profile="archive")
    assert engine == "pillow"
    pictures = [Image.open(io.BytesIO(one)) for one in (before, made)]
    assert ImageChops.difference(*pictures).getbbox(alpha_only=False) is None


@pytest.mark.needs("pngquant")
async def test_the_smallest_of_all_results_is_taken(local: Local) -> None:
    plain = make_picture()
    for options in ({}, {"quality": 0}, {"quality": 100}, {"colorspace": "greyscale"}):
        _, made = await optimized(local, plain, **options)
        assert len(made) <= len(plain)
        assert Image.open(io.BytesIO(made)).size == Image.open(io.BytesIO(plain)).size


@pytest.mark.needs("gs")
async def test_a_pdf_for_printing_has_no_colours_of_screens_left(local: Local) -> None:
    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.drawImage(ImageReader(io.BytesIO(make_picture(size=(600, 400)))), 100, 600, 300, 200)
    canvas.setFillColorRGB(1, 0, 0)
    canvas.rect(100, 300, 200, 200, stroke=0, fill=1)
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawString(100, 100, "black text")
    canvas.save()
    task = {"operation": "optimize", "profile": "print", "colorspace": "cmyk"}
    job = await local.run({"a.pdf": target.getvalue()}, task)
    assert task_of(job, "process")["engine"] == "ghostscript"
    [file] = task_of(job, "export")["result"]["files"]
    content = (await local.plain.get(file["url"])).content
    with pikepdf.open(io.BytesIO(content)) as document:
        [page] = document.pages
        commands = {str(one.operator) for one in pikepdf.parse_content_stream(page)}
        spaces = {str(one.ColorSpace) for one in page.resources["/XObject"].values()}
    assert not commands & {"rg", "RG", "sc", "scn", "SC", "SCN"}
    assert "k" in commands
    assert spaces == {"/DeviceCMYK"}
    shown = pypdfium2.PdfDocument(content)[0]
    assert "black text" in shown.get_textpage().get_text_range()
    image = shown.render(scale=1).to_pil().convert("RGB")
    red, green, blue = image.getpixel((200, 842 - 400))
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.needs("7zz")
@pytest.mark.needs("bsdtar")
async def test_7zip_packs_files_of_any_name(local: Local, tmp_path: Path) -> None:
    names = ["-t.txt", "@list.txt", "*.txt", "a b.txt", "ü.txt", ".hidden", "a.txt", "!x"]
    files = {name: f"content of {name}".encode() for name in names}
    [made] = (await local.results(files, {"operation": "archive", "output_format": "7z"})).values()
    (tmp_path / "made.7z").write_bytes(made)
    listed = said("bsdtar", "-tf", tmp_path / "made.7z").splitlines()
    assert sorted(listed) == sorted(names)
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    said("bsdtar", "-xf", tmp_path / "made.7z", "-C", unpacked)
    assert {one.name: one.read_bytes() for one in unpacked.iterdir()} == files
