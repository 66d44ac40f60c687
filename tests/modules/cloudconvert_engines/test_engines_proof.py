"""Films, merged files and smaller PDFs, judged by programs that are no engine of ours."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from local_server import Local, make_clip, make_picture, serving
from outside_tools import pdf_facts, pdf_text, said
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def convert(output_format: str, **options: Any) -> dict[str, Any]:
    return {"operation": "convert", "output_format": output_format, **options}


async def only(local: Local, name: str, content: bytes | Path, process: dict[str, Any]) -> bytes:
    [made] = (await local.results({name: content}, process)).values()
    return made


@pytest.mark.needs("exiftool")
async def test_films_are_what_their_codec_and_crf_say(local: Local, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mov", seconds=2)
    sizes = {}
    for codec, crf, sign in (("x264", 18, "avc1"), ("x264", 40, "avc1"), ("x265", 30, "hvc1")):
        wanted = convert("mp4", input_format="mov", video_codec=codec, crf=crf)
        film = await only(local, "clip.mov", clip, wanted)
        (tmp_path / "seen.mp4").write_bytes(film)
        [facts] = json.loads(said("exiftool", "-json", tmp_path / "seen.mp4"))
        assert (facts["FileType"], facts["CompressorID"]) == ("MP4", sign)
        assert (facts["ImageWidth"], facts["ImageHeight"]) == (320, 180)
        assert facts["Duration"].startswith("2.")
        sizes[codec, crf] = len(film)
    assert sizes["x264", 40] < sizes["x264", 18] / 2


@pytest.mark.needs("soffice")
@pytest.mark.needs("pandoc")
@pytest.mark.needs("chromium")
@pytest.mark.needs("qpdf")
@pytest.mark.needs("pdftotext")
async def test_files_of_many_kinds_become_one_pdf_in_order(local: Local, tmp_path: Path) -> None:
    said("pandoc", "-f", "markdown", "-o", tmp_path / "a.docx", content=b"from word\n")
    pdf = await only(local, "e.txt", b"from a pdf\n", convert("pdf"))
    files = {
        "picture.png": make_picture(),
        "z.docx": (tmp_path / "a.docx").read_bytes(),
        "y.html": b"<p>from html</p>",
        "x.md": b"from markdown\n",
        "w.csv": b"from a sheet\n",
        "v.pdf": pdf,
        "u.txt": b"from text\n",
    }
    [merged] = (await local.results(files, {"operation": "merge", "output_format": "pdf"})).values()
    assert pdf_facts(tmp_path, merged)["Pages"] == "7"
    pages = pdf_text(tmp_path, merged).split("\f")[:7]
    wanted = ["", "word", "html", "markdown", "a sheet", "a pdf", "text"]
    assert [text in page for text, page in zip(wanted, pages, strict=True)] == [True] * 7


@pytest.mark.needs("chromium")
async def test_a_page_in_html_becomes_pictures(local: Local) -> None:
    html = b"<body style='margin:0;background:#0000ff'>"
    for target, kind in (("png", "PNG"), ("jpg", "JPEG")):
        wanted = convert(target, screen_width=300, screen_height=200)
        image = Image.open(io.BytesIO(await only(local, "a.html", html, wanted)))
        assert (image.format, image.size) == (kind, (300, 200))
        blue = image.convert("RGB").getpixel((150, 100))
        assert isinstance(blue, tuple)
        assert blue[2] > 240


@pytest.mark.needs("qpdf")
@pytest.mark.needs("pdftotext")
@pytest.mark.parametrize("profile", ["web", "print", "archive", "mrc", "max"])
async def test_each_profile_makes_a_smaller_pdf_that_others_can_read(
    local: Local, tmp_path: Path, profile: str
) -> None:
    noise = Image.effect_noise((1500, 1000), 60).convert("RGB")
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(300, 200), pageCompression=0)
    canvas.drawImage(ImageReader(noise), 0, 0, 300, 200)
    canvas.drawString(20, 20, "still readable")
    canvas.save()
    wanted = {"operation": "optimize", "input_format": "pdf", "profile": profile}
    made = await only(local, "scan.pdf", target.getvalue(), wanted)
    assert len(made) < len(target.getvalue())
    assert pdf_facts(tmp_path, made)["Page size"].startswith("300 x 200")
    if profile != "mrc":
        assert "still readable" in pdf_text(tmp_path, made)
