"""`FolderFiles`: contents by hash, streamed, complete or not there."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import (
    DataError,
    MaxFileSizeExceededError,
    OutOfSpaceError,
    ServiceConnectionError,
    StoreError,
)
from engine.model.bundle import File
from engine.store import blob as disk
from engine.store.blob import CHUNK
from engine.store.files import STEP, FolderFiles, media_type

BIG = b"0123456789abcdef" * (STEP // 16) + b"and some"


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    return FolderFiles(tmp_path / "files")


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def broken(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    raise ServiceConnectionError("reset")


def contents(tmp_path: Path) -> list[str]:
    """Return the names of all files in the store."""
    return sorted(path.name for path in (tmp_path / "files").rglob("*") if path.is_file())


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_a_stream_becomes_a_file_under_its_hash(files: FolderFiles, tmp_path: Path) -> None:
    file = await files.receive("../clip.MOV", stream(b"mo", b"", b"ov"), expected=4)
    assert file == File(".._clip.MOV", 4, "video/quicktime", digest(b"moov"), file.path)
    assert file.type == "video/quicktime"
    assert file.path.read_bytes() == b"moov"
    assert file.path == files.path_of(digest(b"moov"))
    assert contents(tmp_path) == [digest(b"moov")]


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, len(BIG)])
async def test_any_size_comes_through_whole(files: FolderFiles, tmp_path: Path, size: int) -> None:
    content = BIG[:size]
    pieces = [content[at : at + 70_001] for at in range(0, size, 70_001)]
    file = await files.receive("a.bin", stream(*pieces))
    assert (file.size, file.sha256) == (size, digest(content))
    source = tmp_path / "source.bin"
    source.write_bytes(content)
    taken = await files.take(source)
    assert (taken.size, taken.sha256) == (size, digest(content))
    await files.copy(taken, tmp_path / "copy.bin")
    assert digest((tmp_path / "copy.bin").read_bytes()) == digest(content)
    assert contents(tmp_path) == [digest(content)]


async def test_contents_are_closed_to_others(files: FolderFiles, tmp_path: Path) -> None:
    file = await files.receive("a", stream(b"a"))
    assert file.path.stat().st_mode & 0o777 == 0o600
    folders = [tmp_path / "files", tmp_path / "files" / "incoming", file.path.parent]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}


async def test_the_same_content_is_kept_once_under_any_name(
    files: FolderFiles, tmp_path: Path
) -> None:
    one = await files.receive("a.txt", stream(b"same"))
    other = await files.receive("b.txt", stream(b"same"))
    assert one.path == other.path
    assert contents(tmp_path) == [digest(b"same")]


async def test_a_content_that_lost_its_end_is_replaced(files: FolderFiles) -> None:
    file = await files.receive("a.txt", stream(b"whole"))
    file.path.write_bytes(b"wh")
    assert (await files.receive("a.txt", stream(b"whole"))).path.read_bytes() == b"whole"


@pytest.mark.parametrize("expected", [3, 5])
async def test_a_stream_of_another_length_than_promised_is_a_data_error(
    files: FolderFiles, tmp_path: Path, expected: int
) -> None:
    with pytest.raises(DataError, match=f"4 of {expected} bytes"):
        await files.receive("a", stream(b"abcd"), expected=expected)
    assert contents(tmp_path) == []


async def test_a_stream_that_breaks_leaves_nothing(files: FolderFiles, tmp_path: Path) -> None:
    with pytest.raises(ServiceConnectionError):
        await files.receive("a", broken(BIG))
    assert contents(tmp_path) == []


async def test_a_stream_past_the_limit_is_cut_off(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "files", max_file_size=CHUNK)
    came = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal came
        while True:
            came += 1
            yield bytes(CHUNK // 2)

    with pytest.raises(MaxFileSizeExceededError, match=str(CHUNK)):
        await files.receive("a", endless())
    assert came == 3
    with pytest.raises(MaxFileSizeExceededError):
        await files.receive("a", stream(b""), expected=CHUNK + 1)
    assert contents(tmp_path) == []
    await files.receive("a", stream(bytes(CHUNK)), expected=CHUNK)


async def test_a_users_file_past_the_limit_is_not_taken(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"1234")
    with pytest.raises(MaxFileSizeExceededError):
        await FolderFiles(tmp_path / "files", max_file_size=3).take(source)
    assert contents(tmp_path) == []


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_leaves_nothing_and_work_goes_on_when_space_returns(
    files: FolderFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"1234")
    kept = await files.receive("kept", stream(b"kept"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OutOfSpaceError):
            await files.receive("a", stream(b"1234"))
        with pytest.raises(OutOfSpaceError):
            await files.take(source)
        with pytest.raises(OutOfSpaceError):
            await files.copy(kept, tmp_path / "copy")
    assert contents(tmp_path) == [kept.sha256]
    assert not (tmp_path / "copy").exists()
    await files.take(source)


async def test_a_cancelled_stream_leaves_nothing(files: FolderFiles, tmp_path: Path) -> None:
    halfway = asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield BIG
        halfway.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(files.receive("a", stalled()))
    await halfway.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert contents(tmp_path) == []


async def test_a_taken_file_does_not_follow_its_original(
    files: FolderFiles, tmp_path: Path
) -> None:
    source = tmp_path / "note.txt"
    source.write_text("before")
    file = await files.take(source, name="a/b.txt")
    source.write_text("after!")
    assert file.name == "a_b.txt"
    assert file.path.read_text() == "before"
    await files.copy(file, tmp_path / "copy.txt")
    (tmp_path / "copy.txt").write_text("edited")
    assert file.path.read_text() == "before"


def writing_while_read(source: Path, times: int) -> Callable[[int, int], tuple[int, int]]:
    """Return a stand-in for `identity`, called before and after each copy: it writes first."""
    left = times
    identity = disk.identity

    def changing(descriptor: int) -> tuple[int, int]:
        nonlocal left
        if left:
            left -= 1
            source.write_bytes(source.read_bytes() + b"+")
        return identity(descriptor)

    return changing  # type: ignore[return-value]


async def test_a_file_that_changes_once_while_it_is_taken_is_taken_again(
    files: FolderFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"a")
    monkeypatch.setattr(disk, "identity", writing_while_read(source, 2))
    file = await files.take(source)
    assert file.path.read_bytes() == b"a++"
    assert contents(tmp_path) == [file.sha256]


async def test_a_file_that_keeps_changing_is_a_data_error(
    files: FolderFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"a")
    monkeypatch.setattr(disk, "identity", writing_while_read(source, 99))
    with pytest.raises(DataError, match="keeps changing"):
        await files.take(source)
    assert contents(tmp_path) == []


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
async def test_what_is_no_file_is_an_os_error(
    files: FolderFiles, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=kind):
        await files.take(tmp_path / kind)


async def test_a_copy_never_replaces_a_file(files: FolderFiles, tmp_path: Path) -> None:
    file = await files.receive("a", stream(b"new"))
    target = tmp_path / "target"
    target.write_text("old")
    with pytest.raises(FileExistsError):
        await files.copy(file, target)
    assert target.read_text() == "old"


async def test_name_and_data_make_a_file(files: FolderFiles) -> None:
    file = await files.file_of({"name": "a.txt", "data": "grüße"})
    assert (file.name, file.type) == ("a.txt", "text/plain")
    assert file.path.read_bytes() == "grüße".encode()
    renamed = await files.file_of({"name": "../b.json", "data": file})
    assert (renamed.name, renamed.type) == (".._b.json", "application/json")
    assert renamed.path == file.path
    assert (await files.file_of({"name": "c", "data": b"\0"})).size == 1


@pytest.mark.parametrize(
    "value", [{}, {"name": "a"}, {"data": "a"}, {"name": 1, "data": "a"}, {"name": "a", "data": {}}]
)
async def test_other_collections_are_no_file(files: FolderFiles, value: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="not a file"):
        await files.file_of(value)


async def test_text_that_utf8_cannot_write_is_a_data_error(
    files: FolderFiles, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="UTF-8"):
        await files.file_of({"name": "a.txt", "data": "\ud800"})
    assert contents(tmp_path) == []


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_path_is_made_from_a_hash_only(files: FolderFiles, sha256: str) -> None:
    with pytest.raises(StoreError, match="SHA-256"):
        files.path_of(sha256)


async def test_sync_refuses_a_content_that_is_gone(files: FolderFiles) -> None:
    file = await files.receive("a.txt", stream(b"a"))
    files.sync([file, file])
    files.sync([])
    gone = await files.receive("gone.txt", stream(b"gone"))
    gone.path.unlink()
    with pytest.raises(StoreError, match=r"gone\.txt"):
        files.sync([file, gone])


async def test_sweeping_removes_what_is_not_kept_and_what_was_left_half_written(
    files: FolderFiles, tmp_path: Path
) -> None:
    kept = await files.receive("kept", stream(b"kept"))
    await files.receive("loose", stream(b"loose"))
    (tmp_path / "files" / "incoming" / "left.part").write_bytes(b"half")
    assert files.sweep({kept.sha256}) == len(b"loosehalf")
    assert contents(tmp_path) == [kept.sha256]


def test_sweeping_an_empty_store_frees_nothing(files: FolderFiles) -> None:
    assert files.sweep(set()) == 0


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("a.MP4", "video/mp4"),
        ("a.mov", "video/quicktime"),
        ("a.tar.gz", "application/gzip"),
        ("a.webp", "image/webp"),
        ("a.pdf", "application/pdf"),
        ("a.xyzzy", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_the_extension(name: str, type_: str) -> None:
    assert media_type(name) == type_
