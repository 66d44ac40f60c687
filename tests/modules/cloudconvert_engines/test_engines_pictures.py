"""Pictures by librsvg and ImageMagick, metadata by exiftool; checked by Pillow and Poppler."""

import io
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from local_server import UPLOAD, Local, make_picture, serving, task_of
from outside_tools import pdf_facts
from PIL import Image

SVG = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='96' height='48'>"
    b"<rect width='96' height='48' fill='#00ff00'/></svg>"
)


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def convert(output_format: str, **options: Any) -> dict[str, Any]:
    return {"operation": "convert", "output_format": output_format, **options}


def picture_of(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def photoshop(width: int = 8, height: int = 4) -> bytes:
    """Make a red picture as Photoshop writes it. Source: Adobe Photoshop file formats."""
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, height, width, 8, 3)
    channels = (b"\xff" + b"\0" * 2)[0:3]
    data = b"".join(bytes([channels[number]]) * (width * height) for number in range(3))
    return head + struct.pack(">III", 0, 0, 0) + struct.pack(">H", 0) + data


@pytest.mark.needs("rsvg-convert")
@pytest.mark.needs("qpdf")
async def test_drawings_become_pictures_and_pdfs(local: Local, tmp_path: Path) -> None:
    [png] = (await local.results({"a.svg": SVG}, convert("png", width=192))).values()
    image = picture_of(png).convert("RGB")
    assert (image.size, image.getpixel((10, 10))) == ((192, 96), (0, 255, 0))
    [pdf] = (await local.results({"-a.svg": SVG}, convert("pdf"))).values()
    assert pdf_facts(tmp_path, pdf)["Page size"].startswith("72 x 36 pts")


@pytest.mark.needs("rsvg-convert")
async def test_drawings_bring_in_no_file_and_no_endless_size(local: Local, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(make_picture(colour="red"))
    link = f"<image href='{secret.as_uri()}' width='96' height='48'/></svg>".encode()
    hostile = SVG.replace(b"</svg>", link)
    [png] = (await local.results({"a.svg": hostile}, convert("png"))).values()
    assert picture_of(png).convert("RGB").getpixel((10, 10)) == (0, 255, 0)
    huge = SVG.replace(b"width='96' height='48'>", b"width='900000' height='900000'>")
    assert (await local.failure({"a.svg": huge}, convert("png")))["code"] == "CONVERSION_FAILED"


@pytest.mark.needs("identify")
@pytest.mark.parametrize(("target", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
async def test_photoshop_files_become_pictures(local: Local, target: str, kind: str) -> None:
    job = await local.run({"a.psd": photoshop()}, convert(target, width=4))
    assert task_of(job, "process")["engine"] == "imagemagick"
    [file] = task_of(job, "export")["result"]["files"]
    image = picture_of((await local.plain.get(file["url"])).content)
    assert (image.format, image.size) == (kind, (4, 2))
    red, green, _ = image.convert("RGB").getpixel((1, 1))  # type: ignore[misc]  # of RGB
    assert red > 200
    assert green < 60


@pytest.mark.needs("identify")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("msl:a.psd", b"<image><read filename='/etc/passwd'/></image>"),
        ("a.psd", b"push graphic-context image over 0,0 0,0 '/etc/passwd'"),
        ("@a.psd", photoshop()[:20]),
        ("-write.psd", photoshop(30_000, 30_000)[:100]),
    ],
)
async def test_no_name_and_no_content_makes_imagemagick_do_something_else(
    local: Local, name: str, content: bytes
) -> None:
    failed = await local.failure({name: content}, convert("png", input_format="psd"))
    assert failed["code"] in ("OPEN_FAILED", "CONVERSION_FAILED")


@pytest.mark.needs("exiftool")
async def test_exiftool_tells_of_files_that_nothing_else_here_reads(local: Local) -> None:
    tasks = {"in": UPLOAD, "process": {"operation": "metadata", "input": "in"}}
    job = await local.create(tasks)
    await local.upload(task_of(job, "in"), "a.psd", photoshop())
    task = task_of(await local.ended(job["id"]), "process")
    found = task["result"]["metadata"]
    assert task["engine"] == "exiftool"
    assert found == found | {"FileName": "a.psd", "ImageWidth": 8, "ColorMode": "RGB"}
    assert not any("/tasks/" in str(value) for value in found.values())
