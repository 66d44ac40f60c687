"""7z archives, each member packed for itself by LZMA2.

Source: the public note "7z Archive Format" of the LZMA SDK.
"""

import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
SIGNATURE = b"7z\xbc\xaf\x27\x1c\x00\x04"
START = 32
"""Bytes before the first member."""
PRESET = 3
DICTIONARY_BYTES = 1 << 22
DICTIONARY_CODE = bytes([20])
"""The same as LZMA2 writes it: (2 | code & 1) << code // 2 + 11."""
LZMA2 = b"\x21\x21\x01" + DICTIONARY_CODE
"""One method, whose name has one byte, with one byte of properties."""
STORED = b"\x01\x00"

END, HEADER, STREAMS, FILES = b"\x00", b"\x01", b"\x04", b"\x05"
PACK, UNPACK, SUBSTREAMS = b"\x06", b"\x07", b"\x08"
SIZES, SUMS, FOLDERS, UNPACKED = b"\x09", b"\x0a", b"\x0b", b"\x0c"
EMPTY_STREAM, EMPTY_FILE, NAMES, TIMES = b"\x0e", b"\x0f", b"\x11", b"\x14"
TICKS_BEFORE_1970 = 116_444_736_000_000_000
"""Of 100 ns, since 1601."""


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    size: int
    modified: float
    packed: int = 0
    total: int = 0
    """CRC-32 of the content."""
    method: bytes = STORED


def write_7z(
    files: list[tuple[Path, str]],
    target: Path,
    count: Callable[[int], None],
    is_packed: Callable[[str], bool],
) -> None:
    """Pack files, each `(path, name in the archive)`; `count` hears of the bytes read.

    What `is_packed` by its name is stored as it is.
    """
    with target.open("wb") as archive:
        archive.write(bytes(START))
        members = [_add(archive, path, name, count, stored=is_packed(name)) for path, name in files]
        end, header = archive.tell(), _header(members)
        archive.write(header)
        start = _eight(end - START) + _eight(len(header)) + _four(zlib.crc32(header))
        archive.seek(0)
        archive.write(SIGNATURE + _four(zlib.crc32(start)) + start)


def _add(
    archive: BinaryIO, path: Path, name: str, count: Callable[[int], None], *, stored: bool
) -> _Member:
    facts, before = path.stat(), archive.tell()
    size = total = 0
    filters = [{"id": lzma.FILTER_LZMA2, "preset": PRESET, "dict_size": DICTIONARY_BYTES}]
    packer = None if stored else lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters)
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            size, total = size + len(chunk), zlib.crc32(chunk, total)
            archive.write(chunk if packer is None else packer.compress(chunk))
            count(len(chunk))
    if packer is not None and size:
        archive.write(packer.flush())
    packed = archive.tell() - before
    method = STORED if packer is None else LZMA2
    return _Member(name, size, facts.st_mtime, packed, total, method)


def _header(members: list[_Member]) -> bytes:
    full = [member for member in members if member.size]
    streams = STREAMS + b"".join(_streams(full)) + END if full else b""
    return HEADER + streams + FILES + b"".join(_files(members)) + END


def _streams(full: list[_Member]) -> Iterator[bytes]:
    count = _number(len(full))
    yield PACK + _number(0) + count
    yield SIZES + b"".join(_number(member.packed) for member in full) + END
    yield UNPACK + FOLDERS + count + b"\x00"
    yield from (b"\x01" + member.method for member in full)
    yield UNPACKED + b"".join(_number(member.size) for member in full)
    yield SUMS + b"\x01" + b"".join(_four(member.total) for member in full) + END
    # Nothing to add for streams of one member each; but some readers look for it.
    yield SUBSTREAMS + END


def _files(members: list[_Member]) -> Iterator[bytes]:
    yield _number(len(members))
    empty = [member.size == 0 for member in members]
    if any(empty):
        yield from _property(EMPTY_STREAM, _bits(empty))
        yield from _property(EMPTY_FILE, _bits([True] * sum(empty)))
    names = b"".join(member.name.encode("utf-16-le") + b"\x00\x00" for member in members)
    yield from _property(NAMES, b"\x00" + names)
    ticks = (TICKS_BEFORE_1970 + int(member.modified * 10_000_000) for member in members)
    yield from _property(TIMES, b"\x01\x00" + b"".join(map(_eight, ticks)))
    yield END


def _property(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes]:
    return kind, _number(len(data)), data


def _bits(flags: list[bool]) -> bytes:
    padded = flags + [False] * (-len(flags) % 8)
    return bytes(
        sum(flag << (7 - place) for place, flag in enumerate(padded[start : start + 8]))
        for start in range(0, len(padded), 8)
    )


def _number(value: int) -> bytes:
    """Return a number as 7z writes it: the first byte tells how many more come."""
    for more in range(8):
        if value < 1 << (7 * (more + 1)):
            high = value >> (8 * more)
            marks = 0xFF00 >> more & 0xFF
            return bytes([marks | high]) + (value & ((1 << 8 * more) - 1)).to_bytes(more, "little")
    return b"\xff" + _eight(value)


def _four(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _eight(value: int) -> bytes:
    return value.to_bytes(8, "little")
