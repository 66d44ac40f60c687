"""Bodies of answers: unpacked in bounded pieces, paced, capped, parsed; and the names of files."""

import asyncio
import json
import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import httpx
import orjson

from engine.connect.limits import Limits
from engine.connect.statuses import error_of_transport
from engine.errors import DataError, ServiceConnectionError

PIECE = 256 * 1024
"""Most bytes that unpacking yields at once: a bomb never stands in memory."""


async def body_of(response: httpx.Response, asked: object, limits: Limits) -> AsyncIterator[bytes]:
    """Yield an answer's body, unpacked, in pieces; the caller may stop at any time.

    Raises ModuleTimeoutError if it drips, ServiceConnectionError if it breaks off, DataError if it
    cannot be unpacked.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + limits.deadline_seconds
    unpack = _unpacker(response.headers.get("content-encoding", ""), asked)
    raw = aiter(_stream_of(response))
    while True:
        try:
            async with asyncio.timeout_at(until):
                chunk = await anext(raw, None)
        except (httpx.TransportError, TimeoutError) as error:
            raise error_of_transport(error, asked) from error
        paused = loop.time()
        for piece in unpack(chunk):
            yield piece
        if chunk is None:
            return
        until += loop.time() - paused + len(chunk) / limits.slowest_rate


def _stream_of(response: httpx.Response) -> httpx.AsyncByteStream:
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - of our transports
    return response.stream


class _Plain:
    def __call__(self, chunk: bytes | None) -> Iterator[bytes]:
        if chunk:
            yield chunk


class _Packed:
    """Unpacks gzip or zlib; called with None at the end of the body."""

    def __init__(self, asked: object) -> None:
        self._asked = asked
        self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        self._started = False

    def __call__(self, chunk: bytes | None) -> Iterator[bytes]:
        if chunk is None:
            if self._started and not self._inflate.eof:
                raise ServiceConnectionError(f"{self._asked}: packed answer breaks off")
            return
        self._started = self._started or bool(chunk)
        try:
            while chunk and not self._inflate.eof:
                piece = self._inflate.decompress(chunk, PIECE)
                if piece:
                    yield piece
                chunk = self._inflate.unconsumed_tail
        except zlib.error as error:
            raise DataError(f"{self._asked}: packed answer cannot be read") from error


def _unpacker(encoding: str, asked: object) -> _Plain | _Packed:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip" | "deflate":
            return _Packed(asked)
        case other:
            raise DataError(f"{asked}: answer is packed as {other[:40]!r}, which was not asked for")


async def whole(response: httpx.Response, asked: object, limits: Limits) -> bytes:
    """Return a body that is not a file; the caller sets its deadline, and closes it.

    Raises DataError past the limit of its size or if it cannot be unpacked, and httpx's errors.
    """
    unpack = _unpacker(response.headers.get("content-encoding", ""), asked)
    content = bytearray()
    async for chunk in _stream_of(response):
        for piece in unpack(chunk):
            _add(content, piece, asked, limits)
    for piece in unpack(None):
        _add(content, piece, asked, limits)
    return bytes(content)


def _add(content: bytearray, piece: bytes, asked: object, limits: Limits) -> None:
    content += piece
    if len(content) > limits.answer_bytes:
        raise DataError(f"{asked}: answer is larger than {limits.answer_bytes} bytes")


def parsed(content: bytes, content_type: str) -> Any:
    """Return JSON as values, anything else as text; None for an empty body.

    Odd bytes in texts of a service are replaced, never fatal. Raises ValueError if the answer calls
    itself JSON and is not.
    """
    if not content:
        return None
    text = content.decode(errors="replace")
    if "json" not in content_type.lower():
        return text
    try:
        return orjson.loads(content)
    except ValueError:
        pass
    try:
        return _without_surrogates(json.loads(text, parse_constant=lambda _name: None))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    return value


_STAR = re.compile(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", re.IGNORECASE)
_QUOTED = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_BARE = re.compile(r"filename\s*=\s*([^;\s\"]+)", re.IGNORECASE)


def name_of(headers: Mapping[str, str], path: str) -> str | None:
    """Return the name that an answer gives its file, else the last part of its address.

    No folder survives. None if neither names it. Source: RFC 6266, RFC 8187.
    """
    name = _disposition_name(headers.get("content-disposition", "")) or unquote(path)
    return name.replace("\\", "/").rpartition("/")[2] or None


def _disposition_name(header: str) -> str:
    if found := _STAR.search(header):
        try:
            return unquote(found[2], encoding=found[1], errors="replace")
        except LookupError:
            pass
    if found := _QUOTED.search(header):
        name = re.sub(r"\\(.)", r"\1", found[1])
    elif found := _BARE.search(header):
        name = found[1]
    else:
        return ""
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name
