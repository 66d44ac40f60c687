"""One kind of archive to another: members are unpacked under names of ours, then packed anew.

Nothing that a member is called leaves the folder, because no file is called so here. Folders come
back as parts of names; an empty one is lost. Links and devices are refused.
"""

import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from modules.cloudconvert.local.engines import archive
from modules.cloudconvert.local.engines.talk import Failure, Progress

MOST_MEMBERS = 10_000
MOST_BYTES = 2 << 30
"""Of all members together."""
MOST_TIMES = 200
"""An archive may hold this many times its own size, past `FREE_BYTES`."""
FREE_BYTES = 10 << 20
CHUNK = 1 << 20
BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(NotImplementedError, ValueError, KeyError),
)
ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    modified: int
    """Seconds since 1970."""
    content: IO[bytes]


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Repack one archive; the job is the one of `converters.worked`."""
    folder, source = Path(job["folder"]), Path(job["source"]["path"])
    members = folder / "members"
    members.mkdir()
    try:
        sources = _unpacked(source, job["input_format"], members)
    except BROKEN as error:
        raise Failure("OPEN_FAILED", f"The archive cannot be read: {error}") from error
    progress(40, 100)
    packing = {"sources": sources, "output_format": job["output_format"], "folder": str(folder)}
    return archive.run(packing, progress)


def _unpacked(source: Path, input_format: str, folder: Path) -> list[dict[str, str]]:
    """Write each member to a file and return what `archive` packs."""
    most = min(MOST_BYTES, max(FREE_BYTES, MOST_TIMES * source.stat().st_size))
    taken: set[str] = set()
    sources = []
    for number, member in enumerate(_members(source, input_format)):
        if number >= MOST_MEMBERS:
            raise Failure("FILE_TOO_LARGE", f"The archive has more than {MOST_MEMBERS} members")
        target = folder / str(number)
        most -= _copied(member, target, most)
        os.utime(target, (member.modified, member.modified))
        sources.append({"path": str(target), "filename": _name(member.name, taken)})
    if not sources:
        raise Failure("CONVERSION_FAILED", "The archive has no files")
    return sources


def _copied(member: Member, target: Path, most: int) -> int:
    """Write a member's content and return its size."""
    done = 0
    with target.open("xb") as file:
        while chunk := member.content.read(CHUNK):
            done += len(chunk)
            if done > most:
                raise Failure("FILE_TOO_LARGE", "The archive holds more than is allowed")
            file.write(chunk)
    return done


def _members(source: Path, input_format: str) -> Iterator[Member]:
    return _of_zip(source) if input_format == "zip" else _of_tar(source)


def _of_zip(source: Path) -> Iterator[Member]:
    with zipfile.ZipFile(source) as opened:
        for info in opened.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & ENCRYPTED:
                raise Failure("OPEN_FAILED", "The archive needs a password")
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise _no_file(info.filename)
            with opened.open(info) as content:
                yield Member(info.filename, _moment(info), content)


def _moment(info: zipfile.ZipInfo) -> int:
    try:
        return max(0, timegm((*info.date_time, 0, 0, 0)))
    except ValueError:
        # Some programs leave the date out: month 0, day 0.
        return 0


def _of_tar(source: Path) -> Iterator[Member]:
    with tarfile.open(source) as opened:
        for info in opened:
            if info.isdir():
                continue
            content = opened.extractfile(info) if info.isreg() else None
            if content is None:
                raise _no_file(info.name)
            with content:
                yield Member(info.name, max(0, int(info.mtime)), content)


def _no_file(name: str) -> Failure:
    return Failure("OPEN_FAILED", f"{name} in the archive is no file, but a link or a device")


def _name(name: str, taken: set[str]) -> str:
    """Return a member's name as others unpack it safely, different from those that are taken."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    odd = name.startswith("/") or ".." in parts or not parts or not name.isprintable()
    if odd or ":" in parts[0] or any(len(part.encode("utf-8", "replace")) > 255 for part in parts):
        raise Failure("OPEN_FAILED", f"The archive has a member with the name {name[:100]!r}")
    path = PurePosixPath(*parts)
    unique, number = path, 0
    while str(unique) in taken:
        number += 1
        unique = path.with_name(f"{path.stem}-{number}{path.suffix}")
    taken.add(str(unique))
    return str(unique)
