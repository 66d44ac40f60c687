"""zip, 7z, rar, tar, tar.gz and tar.bz2, streamed from file to file."""

import tarfile
import time
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from modules.cloudconvert.local.engines.rar import write_rar
from modules.cloudconvert.local.engines.seven_zip import write_7z
from modules.cloudconvert.local.engines.talk import Progress

CHUNK = 1 << 20
OLDEST = (1980, 1, 1, 0, 0, 0)
"""A zip knows no time before this."""
PACKED = frozenset(
    (
        *(".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".heic", ".mp4", ".mov", ".mkv"),
        *(".webm", ".mp3", ".m4a", ".ogg", ".opus", ".flac", ".zip", ".gz", ".bz2", ".7z", ".rar"),
        *(".docx", ".xlsx", ".pptx", ".epub", ".odt"),
    )
)
"""Extensions of content that does not get smaller; it is stored as it is."""

Mode = Literal["w:", "w:gz", "w:bz2"]
TAR_MODES: dict[str, Mode] = {"tar": "w:", "tar.gz": "w:gz", "tar.bz2": "w:bz2"}


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Pack `sources`, each `{path, filename}`, as `output_format`."""
    target = Path(job["folder"]) / "out.0"
    files = [(Path(one["path"]), one["filename"]) for one in job["sources"]]
    counted = _Counted(progress, sum(path.stat().st_size for path, _ in files))
    if job["output_format"] == "zip":
        _zip(files, target, counted)
    elif job["output_format"] == "7z":
        write_7z(files, target, counted.add, _is_packed)
    elif job["output_format"] == "rar":
        write_rar(files, target, counted.add)
    else:
        _tar(files, target, TAR_MODES[job["output_format"]], counted)
    return [target.name]


class _Counted:
    """Reports bytes read, of all files together."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, count: int) -> None:
        self._done += count
        self._progress(self._done, self._total)


def _zip(files: list[tuple[Path, str]], target: Path, counted: _Counted) -> None:
    with zipfile.ZipFile(target, "w", compresslevel=6) as archive:
        for path, name in files:
            with path.open("rb") as source, archive.open(_zip_info(path, name), "w") as member:
                while chunk := source.read(CHUNK):
                    member.write(chunk)
                    counted.add(len(chunk))


def _zip_info(path: Path, name: str) -> zipfile.ZipInfo:
    facts = path.stat()
    moment = time.gmtime(facts.st_mtime)[:6]
    info = zipfile.ZipInfo(name, date_time=max(moment, OLDEST))
    info.compress_type = zipfile.ZIP_STORED if _is_packed(name) else zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    # Known before writing, so that large members get the 64-bit form from the start.
    info.file_size = facts.st_size
    return info


def _is_packed(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in PACKED


def _tar(files: list[tuple[Path, str]], target: Path, mode: Mode, counted: _Counted) -> None:
    with tarfile.open(target, mode, format=tarfile.PAX_FORMAT) as archive:
        for path, name in files:
            facts = path.stat()
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = facts.st_size, int(facts.st_mtime), 0o644
            with path.open("rb") as source:
                archive.addfile(info, source)
            counted.add(facts.st_size)
