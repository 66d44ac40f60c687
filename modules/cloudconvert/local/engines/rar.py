"""RAR archives of the fifth version with members that are stored, not packed.

No free program packs into RAR. Source: the public note "RAR 5.0 archive format".
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
SIGNATURE = b"Rar!\x1a\x07\x01\x00"
MAIN, FILE, END = 1, 2, 5
HAS_DATA = 0x02
HAS_TIME_AND_SUM = 0x02 | 0x04
REGULAR_FILE = 0o100644
UNIX = 1


def write_rar(files: list[tuple[Path, str]], target: Path, count: Callable[[int], None]) -> None:
    """Store files, each `(path, name in the archive)`; `count` hears of the bytes read."""
    with target.open("wb") as archive:
        archive.write(SIGNATURE)
        archive.write(_header(_vint(MAIN) + _vint(0) + _vint(0)))
        for path, name in files:
            _store(archive, path, name, count)
        archive.write(_header(_vint(END) + _vint(0) + _vint(0)))


def _store(archive: BinaryIO, path: Path, name: str, count: Callable[[int], None]) -> None:
    facts, label = path.stat(), name.encode()
    total = 0
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            total = zlib.crc32(chunk, total)
        body = b"".join(
            (
                _vint(FILE),
                _vint(HAS_DATA),
                _vint(facts.st_size),
                _vint(HAS_TIME_AND_SUM),
                _vint(facts.st_size),
                _vint(REGULAR_FILE),
                _little(int(facts.st_mtime) & 0xFFFFFFFF),
                _little(total),
                _vint(0),  # stored
                _vint(UNIX),
                _vint(len(label)),
                label,
            )
        )
        archive.write(_header(body))
        source.seek(0)
        while chunk := source.read(CHUNK):
            archive.write(chunk)
            count(len(chunk))


def _header(body: bytes) -> bytes:
    sized = _vint(len(body)) + body
    return _little(zlib.crc32(sized)) + sized


def _vint(value: int) -> bytes:
    """Return a number in groups of seven bits, the low ones first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _little(value: int) -> bytes:
    return value.to_bytes(4, "little")
