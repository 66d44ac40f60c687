"""Archives to one another: all members, and nothing that an archive should not do."""

import io
import stat
import tarfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from local_server import Local, serving, task_of
from outside_tools import said

FILES = {
    "readme.txt": b"words " * 5000,
    "folder/Straße 日.bin": bytes(range(256)) * 30,
    "folder/deep/empty": b"",
}


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def zipped(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder")
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def unpacked(archive: bytes, folder: Path) -> dict[str, bytes]:
    """Unpack by a program that is not ours."""
    folder.mkdir()
    (folder / "archive").write_bytes(archive)
    files = folder / "files"
    files.mkdir()
    said("bsdtar", "-xf", folder / "archive", "-C", files)
    return {
        one.relative_to(files).as_posix(): one.read_bytes()
        for one in files.rglob("*")
        if one.is_file()
    }


async def repacked(local: Local, name: str, content: bytes, target: str) -> bytes:
    task = {"operation": "convert", "output_format": target}
    results = await local.results({name: content}, task)
    [(made, archive)] = results.items()
    assert made == f"a.{target}"
    return archive


@pytest.mark.needs("bsdtar")
async def test_an_archive_becomes_each_other_kind_and_comes_back(
    local: Local, tmp_path: Path
) -> None:
    whole = zipped(FILES)
    for target in ("tar", "tar.gz", "tar.bz2", "7z", "rar"):
        there = await repacked(local, "a.zip", whole, target)
        assert unpacked(there, tmp_path / target) == FILES
        back = await repacked(local, f"a.{target}", there, "zip")
        with zipfile.ZipFile(io.BytesIO(back)) as archive:
            assert {one: archive.read(one) for one in archive.namelist()} == FILES


@pytest.mark.needs("bsdtar")
@pytest.mark.needs("7zz")
async def test_an_archive_of_another_program_is_read(local: Local, tmp_path: Path) -> None:
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(name * 1000)
    made = tmp_path / "a.7z"
    said("7zz", "a", made, tmp_path / "one.txt", tmp_path / "two.txt")
    job = await local.run(
        {"a.7z": made.read_bytes()}, {"operation": "convert", "output_format": "tar.gz"}
    )
    assert task_of(job, "process")["engine"] == "bsdtar"
    closed = tmp_path / "closed.7z"
    said("7zz", "a", "-psecret", "-mhe=on", closed, tmp_path / "one.txt")
    task = {"operation": "convert", "output_format": "zip"}
    assert (await local.failure({"a.7z": closed.read_bytes()}, task))["code"] == "OPEN_FAILED"


async def test_members_keep_their_time_and_equal_names_both_survive(local: Local) -> None:
    first, second = tarfile.TarInfo("folder/a.txt"), tarfile.TarInfo("./folder/a.txt")
    first.mtime, second.mtime = 1_500_000_000, 1_600_000_000
    made = await repacked(local, "a.tar", tarred((first, b"1"), (second, b"2")), "tar.gz")
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        found = {one.name: (one.mtime, archive.extractfile(one)) for one in archive}
        content = {name: (moment, file and file.read()) for name, (moment, file) in found.items()}
    assert content == {
        "folder/a.txt": (1_500_000_000, b"1"),
        "folder/a-1.txt": (1_600_000_000, b"2"),
    }


def special(kind: bytes, target: str = "") -> bytes:
    info = tarfile.TarInfo("odd")
    info.type, info.linkname = kind, target
    return tarred((info, b""))


def zip_link() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        info = zipfile.ZipInfo("odd")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return target.getvalue()


def locked_zip() -> bytes:
    """Return a zip that says of its only member that it is encrypted."""
    whole = bytearray(zipped({"a": b"1"}))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = whole.rfind(signature)
        whole[start + place] |= 1
    return bytes(whole)


HOSTILE: Mapping[str, tuple[str, bytes, str]] = {
    "climbing": ("a.zip", zipped({"../../evil": b"x"}), "OPEN_FAILED"),
    "climbing inside": ("a.zip", zipped({"a/../../evil": b"x"}), "OPEN_FAILED"),
    "climbing by backslash": ("a.zip", zipped({"..\\evil": b"x"}), "OPEN_FAILED"),
    "absolute": ("a.tar", tarred((tarfile.TarInfo("/etc/evil"), b"x")), "OPEN_FAILED"),
    "a drive": ("a.zip", zipped({"C:evil": b"x"}), "OPEN_FAILED"),
    "controls": ("a.zip", zipped({"a\x1b[2J": b"x"}), "OPEN_FAILED"),
    "no name": ("a.tar", tarred((tarfile.TarInfo("./"), b"x")), "OPEN_FAILED"),
    "a symbolic link": ("a.tar", special(tarfile.SYMTYPE, "/etc/passwd"), "OPEN_FAILED"),
    "a hard link": ("a.tar", special(tarfile.LNKTYPE, "/etc/passwd"), "OPEN_FAILED"),
    "a device": ("a.tar", special(tarfile.CHRTYPE), "OPEN_FAILED"),
    "a pipe": ("a.tar", special(tarfile.FIFOTYPE), "OPEN_FAILED"),
    "a link in a zip": ("a.zip", zip_link(), "OPEN_FAILED"),
    "closed": ("a.zip", locked_zip(), "OPEN_FAILED"),
    "cut off": ("a.zip", zipped(FILES)[:-30], "OPEN_FAILED"),
    "cut off, packed": (
        "a.tar.gz",
        tarred((tarfile.TarInfo("a"), bytes(range(256)) * 999), mode="w:gz")[:-500],
        "OPEN_FAILED",
    ),
    "no tar inside": ("a.tar.gz", b"\x1f\x8b" + b"\x00" * 50, "OPEN_FAILED"),
    "bomb": ("a.zip", zipped({"a": bytes(30 << 20)}), "FILE_TOO_LARGE"),
    "packed bomb": (
        "a.tar.bz2",
        tarred((tarfile.TarInfo("a"), bytes(30 << 20)), mode="w:bz2"),
        "FILE_TOO_LARGE",
    ),
    "crowd": ("a.zip", zipped({str(one): b"" for one in range(10_001)}), "FILE_TOO_LARGE"),
    "nothing": ("a.zip", zipped({}), "CONVERSION_FAILED"),
}


async def test_a_hostile_archive_fails_by_name(local: Local) -> None:
    task = {"operation": "convert", "output_format": "tar"}
    found = {}
    for about, (name, content, _) in HOSTILE.items():
        found[about] = (await local.failure({name: content}, task))["code"]
    assert found == {about: code for about, (_, _, code) in HOSTILE.items()}
