"""thumbnail and metadata: small pictures of files, and what files say of themselves."""

import io
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from local_server import UPLOAD, Local, describe, make_clip, make_picture, serving, task_of
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from modules.cloudconvert.local.records import Status, TaskRecord
from modules.cloudconvert.local.store import Store


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def thumbnail(output_format: str = "png", **options: Any) -> dict[str, Any]:
    return {"operation": "thumbnail", "output_format": output_format, **options}


def document(pages: int = 1) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(400, 200))
    for number in range(pages):
        canvas.drawString(10, 50, f"page {number + 1}")
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def seen(content: bytes) -> tuple[str | None, tuple[int, int]]:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image.format, image.size


@pytest.mark.parametrize(
    ("name", "options", "shown"),
    [
        ("a.png", {}, ("PNG", (300, 150))),
        ("a.png", {"output_format": "webp", "width": 40}, ("WEBP", (40, 20))),
        ("a.pdf", {"output_format": "jpg", "width": 100}, ("JPEG", (100, 50))),
        ("a.pdf", {"width": 50, "height": 50, "fit": "crop"}, ("PNG", (50, 50))),
        ("a.txt", {"height": 100}, ("PNG", (71, 100))),
    ],
)
async def test_a_thumbnail_has_the_size_and_format_asked_for(
    local: Local, name: str, options: dict[str, Any], shown: tuple[str, tuple[int, int]]
) -> None:
    files = {"a.png": make_picture(size=(800, 400)), "a.pdf": document(), "a.txt": b"words"}
    task = {**thumbnail(), **options}
    results = await local.results({name: files[name]}, task)
    assert list(results) == [f"a.{task['output_format']}"]
    [content] = results.values()
    assert seen(content) == shown


async def test_several_pages_and_moments_are_numbered(local: Local, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", seconds=2)
    for name, source, count in (("a.pdf", document(3), 2), ("a.mp4", clip, 3)):
        results = await local.results({name: source}, thumbnail(count=count, width=64))
        assert list(results) == [f"a-{number}.png" for number in range(1, count + 1)]
        assert len(set(results.values())) == count
        assert {seen(one)[1][0] for one in results.values()} == {64}


async def test_a_moment_of_a_film_can_be_chosen(local: Local, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    [frame] = (await local.results({"a.mp4": clip}, thumbnail(timestamp="00:00:00.5"))).values()
    assert seen(frame) == ("PNG", (300, 169))
    failed = await local.failure({"a.mp4": clip}, thumbnail(timestamp="00:10:00"))
    assert failed["code"] == "CONVERSION_FAILED"


async def test_broken_files_have_no_thumbnail(local: Local, tmp_path: Path) -> None:
    for name, content in (("a.pdf", b"%PDF-1.7 broken"), ("a.mp4", b"\0\0\0\x18ftypisom broken")):
        failed = await local.failure({name: content}, thumbnail())
        assert failed["code"] == "OPEN_FAILED"
    failed = await local.failure({"a.zip": b"PK\x05\x06" + bytes(18)}, thumbnail())
    assert failed["code"] == "INVALID_CONVERSION_TYPE"


async def metadata(local: Local, name: str, content: bytes | Path) -> dict[str, Any]:
    tasks = {"in": UPLOAD, "process": {"operation": "metadata", "input": "in"}}
    job = await local.create(tasks)
    await local.upload(task_of(job, "in"), name, content)
    job = await local.ended(job["id"])
    process = task_of(job, "process")
    assert process["status"] == "finished", process["message"]
    assert (set(process["result"]), process["credits"]) == ({"metadata"}, 0)
    found: dict[str, Any] = process["result"]["metadata"]
    return found


async def test_metadata_have_exiftools_names(local: Local, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera\0\x1b"
    exif[0x9286] = b"binary"
    photo = make_picture("JPEG", exif=exif)
    found = await metadata(local, "a.jpg", photo)
    assert found["FileName"] == "a.jpg"
    assert (found["FileType"], found["MIMEType"]) == ("JPEG", "image/jpeg")
    assert (found["ImageWidth"], found["ImageHeight"]) == (64, 48)
    assert found["Make"] == "Camera\ufffd\ufffd"
    found = await metadata(local, "a.pdf", document(2))
    assert (found["FileType"], found["PageCount"], found["Linearized"]) == ("PDF", 2, "No")
    assert "ReportLab" in found["Producer"]
    found = await metadata(local, "a.mp4", make_clip(tmp_path / "a.mp4"))
    assert (found["FileType"], found["ImageWidth"], found["VideoCodec"]) == ("MP4", 320, "h264")
    assert (found["Duration"][:7], found["VideoFrameRate"]) == ("00:00:0", 10.0)
    found = await metadata(local, "a.txt", b"words")
    # Where exiftool is, it tells more.
    assert found == found | {
        "FileName": "a.txt",
        "FileSize": 5,
        "FileType": "TXT",
        "MIMEType": "text/plain",
    }


async def test_metadata_are_written_and_the_rest_stays(local: Local, tmp_path: Path) -> None:
    given = {"Title": "Größe <1>", "Author": "Ö. Müller"}
    task = {"operation": "metadata/write", "metadata": given}
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    files: dict[str, bytes | Path] = {
        "a.pdf": document(),
        "a.jpg": make_picture("JPEG", exif=exif),
        "a.png": make_picture(),
        "a.mp4": make_clip(tmp_path / "a.mp4"),
    }
    written = {name: (await local.results({name: files[name]}, task))[name] for name in files}
    with pikepdf.open(io.BytesIO(written["a.pdf"])) as pdf:
        assert str(pdf.docinfo["/Title"]) == "Größe <1>"
        with pdf.open_metadata() as xmp:
            assert xmp["dc:title"] == "Größe <1>"
    photo = Image.open(io.BytesIO(written["a.jpg"]))
    assert photo.tobytes() == Image.open(io.BytesIO(files["a.jpg"])).tobytes()  # type: ignore[arg-type]
    assert photo.getexif()[0x010F] == "Camera"
    assert "Title" in Image.open(io.BytesIO(written["a.png"])).info
    assert "Größe <1>" in describe(tmp_path / "b.mp4", written["a.mp4"])
    found = await metadata(local, "a.pdf", written["a.pdf"])
    assert (found["Title"], found["Author"]) == ("Größe <1>", "Ö. Müller")


@pytest.mark.parametrize(
    "values", [{}, {"a b": "x"}, {"/Root": "x"}, {"Title": "a\0b"}, {"Title": None}, [], "x"]
)
async def test_metadata_that_cannot_be_written_are_refused(local: Local, values: Any) -> None:
    body = {"input": "0" * 8, "metadata": values}
    answer = await local.refused("/v2/metadata/write", body)
    assert any(field.startswith("metadata") for field in answer["errors"])


async def test_what_a_format_cannot_say_fails_with_what_it_can(local: Local) -> None:
    task = {"operation": "metadata/write", "metadata": {"Mood": "good"}}
    failed = await local.failure({"a.jpg": make_picture("JPEG")}, task)
    assert (failed["code"], "Copyright" in failed["message"]) == ("INVALID_DATA", True)
    failed = await local.failure({"a.txt": b"words"}, task)
    assert failed["code"] == "INVALID_CONVERSION_TYPE"


def test_a_database_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    Store(path).close()
    with sqlite3.connect(path) as old:
        old.execute("ALTER TABLE tasks DROP COLUMN facts")
    old.close()
    store = Store(path)
    store.add_task(TaskRecord("a", "metadata", 1, status=Status.FINISHED, facts={"x": 1}))
    found = store.task("a")
    assert found is not None
    assert found.facts == {"x": 1}
    store.close()
