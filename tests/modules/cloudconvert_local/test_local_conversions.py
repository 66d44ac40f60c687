"""Real conversions by the engines that are here, checked with other programs' eyes."""

import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from local_server import (
    TOKEN,
    UPLOAD,
    Local,
    make_picture,
    serving,
    task_of,
)
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from modules.cloudconvert.local.settings import Limits, Settings


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def convert(output_format: str, **options: Any) -> dict[str, Any]:
    return {"operation": "convert", "output_format": output_format, **options}


def make_pdf(pages: int = 1, size: tuple[float, float] = (200, 100), **more: Any) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=size, **more)
    for number in range(pages):
        canvas.drawString(10, 50, f"page {number + 1}")
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def picture_of(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


# Pictures


@pytest.mark.parametrize(
    ("output_format", "pillow_name"),
    [
        *(("jpg", "JPEG"), ("webp", "WEBP"), ("gif", "GIF"), ("tiff", "TIFF"), ("bmp", "BMP")),
        *(("avif", "AVIF"), ("ico", "ICO"), ("jp2", "JPEG2000"), ("tga", "TGA"), ("ppm", "PPM")),
    ],
)
async def test_pictures_become_one_another(
    local: Local, output_format: str, pillow_name: str
) -> None:
    results = await local.results({"Bild ü.png": make_picture()}, convert(output_format))
    [(name, content)] = results.items()
    assert name == f"Bild ü.{output_format}"
    assert picture_of(content).format == pillow_name


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"width": 30}, (30, 15)),
        ({"width": 30, "height": 30}, (30, 15)),
        ({"width": 30, "height": 30, "fit": "crop"}, (30, 30)),
        ({"width": 30, "height": 30, "fit": "scale"}, (30, 30)),
        ({"height": 10, "fit": "scale"}, (20, 10)),
        ({"width": 900, "height": 900}, (60, 30)),
    ],
)
async def test_pictures_are_resized(
    local: Local, options: dict[str, Any], size: tuple[int, int]
) -> None:
    picture = make_picture(size=(60, 30))
    [content] = (await local.results({"a.png": picture}, convert("png", **options))).values()
    assert picture_of(content).size == size


async def test_turned_photos_stand_upright_and_metadata_can_go(local: Local) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera"
    photo = make_picture("JPEG", (60, 30), exif=exif)
    [turned] = (await local.results({"a.jpg": photo}, convert("jpg"))).values()
    image = picture_of(turned)
    assert image.size == (30, 60)
    assert image.getexif().get(0x0112, 1) == 1
    assert image.getexif()[0x010F] == "Camera"
    [bare] = (await local.results({"a.jpg": photo}, convert("jpg", strip=True))).values()
    assert not picture_of(bare).getexif()


async def test_transparency_is_filled_with_the_background(local: Local) -> None:
    clear = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(clear, "PNG")
    for options, colour in (({}, (255, 255, 255)), ({"background": "#00ff00"}, (0, 255, 0))):
        results = await local.results({"a.png": clear.getvalue()}, convert("bmp", **options))
        assert picture_of(results["a.bmp"]).getpixel((4, 4)) == colour


async def test_sixteen_bit_grey_is_scaled_not_clipped(local: Local) -> None:
    grey = io.BytesIO()
    Image.new("I;16", (4, 4), 257 * 100).save(grey, "PNG")
    [content] = (await local.results({"a.png": grey.getvalue()}, convert("bmp"))).values()
    assert picture_of(content).getpixel((1, 1)) == 100


async def test_animations_keep_moving(local: Local) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "green", "blue")]
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:], duration=50)
    [content] = (await local.results({"a.gif": moving.getvalue()}, convert("webp"))).values()
    assert getattr(picture_of(content), "n_frames", 1) == 3


async def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    settings = Settings(TOKEN, limits=Limits(pixels=1000))
    async with serving(tmp_path, settings=settings) as local:
        task = await local.failure({"a.png": make_picture(size=(64, 48))}, convert("jpg"))
    assert task["code"] == "FILE_TOO_LARGE"


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tiff", "a.webp"])
async def test_broken_pictures_fail_with_a_reason(local: Local, name: str) -> None:
    whole = make_picture({"jpg": "JPEG"}.get(name[2:], name[2:].upper()), (200, 200))
    task = await local.failure({name: whole[: len(whole) // 2]}, convert("bmp"))
    assert task["code"] in ("OPEN_FAILED", "CONVERSION_FAILED")
    assert task["message"]


async def test_content_counts_more_than_the_name(local: Local) -> None:
    results = await local.results({"really-png.jpg": make_picture()}, convert("webp"))
    assert picture_of(results["really-png.webp"]).format == "WEBP"
    lie = convert("mp4", input_format="mov")
    task = await local.failure({"film.mov": make_picture()}, lie)
    assert (task["code"], task["message"]) == (
        "OPEN_FAILED",
        "The input file is not mov, it is png",
    )


async def test_a_format_nobody_knows_fails_the_task(local: Local) -> None:
    task = await local.failure({"a.xyz": b"\0\1\2"}, convert("pdf"))
    assert task["code"] == "INVALID_CONVERSION_TYPE"


# PDF


async def test_pictures_become_pages_and_jpegs_stay_as_they_are(local: Local) -> None:
    photo = make_picture("JPEG", (96, 48))
    [content] = (await local.results({"a.jpg": photo}, convert("pdf"))).values()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        [page] = pdf.pages
        assert [round(float(side)) for side in page.mediabox] == [0, 0, 72, 36]
        [image] = page.get_images().values()
        assert image.read_raw_bytes() == photo


async def test_text_of_any_script_becomes_a_pdf(local: Local) -> None:
    text = "Grüße, €5\n" + "long " * 60 + "\nЖди\n\ttab\n日本語\n"
    [content] = (await local.results({"a.txt": text.encode()}, convert("pdf"))).values()
    read = text_of(content)
    assert "Grüße, €5" in read
    assert "tab" in read
    assert read.count("long") == 60


async def test_old_western_text_is_read(local: Local) -> None:
    [content] = (await local.results({"a.txt": "naïve".encode("cp1252")}, convert("pdf"))).values()
    assert "naïve" in text_of(content)


async def test_pages_become_numbered_pictures(local: Local) -> None:
    wanted = convert("png", pixel_density=144)
    results = await local.results({"doc.pdf": make_pdf(3)}, wanted)
    assert list(results) == ["doc-1.png", "doc-2.png", "doc-3.png"]
    assert picture_of(results["doc-2.png"]).size == (400, 200)
    chosen = convert("jpg", pages="2-", width=50, filename="p%02d.jpg")
    results = await local.results({"doc.pdf": make_pdf(3)}, chosen)
    assert list(results) == ["p01.jpg", "p02.jpg"]
    assert picture_of(results["p01.jpg"]).size == (50, 25)


@pytest.mark.parametrize(
    ("pages", "code"), [("7", "INVALID_DATA"), ("1-2-3", "INVALID_DATA"), (None, "OPEN_FAILED")]
)
async def test_pages_that_are_not_there_fail(local: Local, pages: str | None, code: str) -> None:
    content = b"%PDF-1.7 broken" if pages is None else make_pdf()
    task = await local.failure({"doc.pdf": content}, convert("png", pages=pages))
    assert task["code"] == code


async def test_a_mixed_merge_keeps_the_order_of_its_inputs(local: Local) -> None:
    files: dict[str, bytes | Path] = {
        "1.pdf": make_pdf(2, (300, 300)),
        "2.png": make_picture(size=(96, 96)),
        "3.txt": b"third",
        "4.pdf": make_pdf(1, (100, 100)),
    }
    merge = {"operation": "merge", "output_format": "pdf"}
    [(name, content)] = (await local.results(files, merge)).items()
    assert name == "merged.pdf"
    with pikepdf.open(io.BytesIO(content)) as pdf:
        widths = [round(float(page.mediabox[2])) for page in pdf.pages]
    assert widths == [300, 300, 72, 595, 100]


async def test_a_merge_drops_what_would_start_by_itself(local: Local) -> None:
    with pikepdf.open(io.BytesIO(make_pdf())) as pdf:
        action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        pdf.Root.OpenAction = action
        pdf.pages[0].obj.AA = pikepdf.Dictionary(O=action)
        armed = io.BytesIO()
        pdf.save(armed)
    files: dict[str, bytes | Path] = {"1.pdf": armed.getvalue(), "2.pdf": make_pdf()}
    results = await local.results(files, {"operation": "merge", "output_format": "pdf"})
    assert b"JavaScript" not in results["merged.pdf"]


async def test_merges_fail_clearly(local: Local) -> None:
    merge = {"operation": "merge", "output_format": "pdf"}
    task = await local.failure({"1.pdf": make_pdf()}, merge)
    assert task["message"] == "Merging needs at least two input files"
    locked = make_pdf(encrypt="secret")
    task = await local.failure({"1.pdf": make_pdf(), "locked.pdf": locked}, merge)
    assert (task["code"], task["message"]) == ("OPEN_FAILED", "locked.pdf needs a password")
    task = await local.failure({"1.pdf": make_pdf(), "clip.mp3": b"ID3\x04"}, merge)
    assert task["code"] == "INVALID_CONVERSION_TYPE"
    assert task["message"].startswith("clip.mp3: ")


# Archives


@pytest.mark.parametrize("output_format", ["zip", "tar", "tar.gz", "tar.bz2"])
async def test_archives_keep_every_file_whatever_its_name(local: Local, output_format: str) -> None:
    names = ["a.txt", "a.txt", "A.TXT", "../../up.txt", "/etc/passwd", "Straße 日.txt"]
    tasks: dict[str, Any] = {
        f"i{number}": {"operation": "import/raw", "file": f"file {number}", "filename": name}
        for number, name in enumerate(names)
    }
    archive = {"operation": "archive", "input": list(tasks), "output_format": output_format}
    tasks |= {"process": archive, "export": {"operation": "export/url", "input": "process"}}
    job = await local.ended((await local.create(tasks))["id"])
    [file] = task_of(job, "export")["result"]["files"]
    assert file["filename"] == f"archive.{output_format}"
    content = (await local.plain.get(file["url"])).content
    found = members(content, output_format)
    expected = ["a.txt", "a-1.txt", "A-2.TXT", "up.txt", "passwd", "Straße 日.txt"]
    assert found == {name: f"file {number}" for number, name in enumerate(expected)}


def members(content: bytes, output_format: str) -> dict[str, str]:
    if output_format == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name).decode() for name in archive.namelist()}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = {}
        for member in tar.getmembers():
            assert (member.isfile(), member.uid, member.gid) == (True, 0, 0)
            opened = tar.extractfile(member)
            assert opened is not None
            found[member.name] = opened.read().decode()
        return found


TO_PACK: dict[str, bytes | Path] = {
    "words.txt": b"words " * 50_000,
    "Straße 日.bin": bytes(range(256)) * 300,
    "empty.txt": b"",
    "packed.jpg": b"stored as it is",
}


@pytest.mark.needs("bsdtar")
@pytest.mark.parametrize("output_format", ["zip", "7z", "rar", "tar", "tar.gz", "tar.bz2"])
async def test_another_program_opens_every_archive(
    local: Local, tmp_path: Path, output_format: str
) -> None:
    archive = {"operation": "archive", "output_format": output_format}
    [content] = (await local.results(TO_PACK, archive)).values()
    assert unpacked(content, tmp_path / "out") == TO_PACK
    if output_format == "7z":
        assert len(content) < 100_000


@pytest.mark.needs("bsdtar")
async def test_archives_of_nothing_but_empty_files_are_whole(local: Local, tmp_path: Path) -> None:
    for output_format in ("7z", "rar"):
        archive = {"operation": "archive", "output_format": output_format}
        [content] = (await local.results({"empty.txt": b""}, archive)).values()
        assert unpacked(content, tmp_path / output_format) == {"empty.txt": b""}


@pytest.mark.needs("bsdtar")
async def test_7z_archives_are_packed_without_a_program_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = {"operation": "archive", "output_format": "7z"}
    packed: list[bytes] = []
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(tmp_path / "nothing"))
        async with serving(tmp_path / "data") as local:
            for files in (TO_PACK, {"empty.txt": b""}):
                packed += (await local.results(files, task)).values()
    assert unpacked(packed[0], tmp_path / "full") == TO_PACK
    assert unpacked(packed[1], tmp_path / "empty") == {"empty.txt": b""}
    assert len(packed[0]) < 100_000


def unpacked(archive: bytes, folder: Path) -> dict[str, bytes]:
    """Unpack an archive of any kind by a program that is not ours."""
    folder.mkdir()
    path = folder.with_name("archive")
    path.write_bytes(archive)
    environment = {"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath)}
    subprocess.run(["bsdtar", "-xf", path, "-C", folder], check=True, env=environment)
    return {one.name: one.read_bytes() for one in folder.iterdir()}


async def test_an_archive_without_an_engine_is_refused(local: Local) -> None:
    archive = {"operation": "archive", "input": "i", "output_format": "arj"}
    answer = await local.refused("/v2/jobs", {"tasks": {"i": UPLOAD, "p": archive}})
    assert list(answer["errors"]) == ["tasks.p.output_format"]


async def test_several_results_can_be_exported_as_one_zip(local: Local) -> None:
    raw = {"operation": "import/raw", "file": "x", "filename": "same.txt"}
    export = {"operation": "export/url", "input": ["a", "b"], "archive_multiple_files": True}
    job = await local.ended((await local.create({"a": raw, "b": raw, "out": export}))["id"])
    [file] = task_of(job, "out")["result"]["files"]
    content = (await local.plain.get(file["url"])).content
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["same.txt", "same-1.txt"]
