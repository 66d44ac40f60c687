"""multipart/form-data on its way in: fields to memory, the file to disk, nothing else kept.

Takes what the official SDKs send: part headers in any case, boundaries and file names with or
without quotes, `filename*`. Source: RFC 7578, RFC 8187.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

CHUNK = 1 << 20
FIELD_BYTES = 64 * 1024
FIELD_COUNT = 100

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')


class BadForm(Exception):  # noqa: N818 - the state of a request
    """The body is no form as it was announced."""


class TooLarge(Exception):  # noqa: N818 - the state of a request
    """The file is larger than allowed."""


def parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header such as `form-data; name=file; filename="a.mov"`."""
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(header):
        text = value.strip()
        if text.startswith('"'):
            text = re.sub(r'\\(["\\])', r"\1", text[1:-1])
        found[name.lower()] = text
    return found


def filename_of(found: Mapping[str, str]) -> str | None:
    """Return a part's file name; the form with an encoding counts more. None: it is no file."""
    encoded = found.get("filename*")
    if encoded is not None and encoded.count("'") >= 2:
        charset, _, text = encoded.split("'", 2)
        try:
            return unquote_to_bytes(text).decode(charset or "utf-8")
        except (LookupError, UnicodeDecodeError):
            return found.get("filename") or "file"
    return found.get("filename")


class Sink:
    """Writes a stream to a new file in large pieces, hashing it on the way."""

    def __init__(self, path: Path, limit: int) -> None:
        self._file = FileIO(path, "w")
        self._limit = limit
        self._block = bytearray()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._writing: asyncio.Task[None] | None = None
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Take more of the stream. Raises TooLarge past the limit, OSError of the disk."""
        self.size += len(data)
        if self.size > self._limit:
            raise TooLarge
        self._block += data
        if len(self._block) >= CHUNK:
            await self._flush()

    async def _flush(self) -> None:
        """Hand the block over to the disk; meanwhile the next one is read."""
        await self._written()
        block, self._block = self._block, bytearray()
        self._writing = asyncio.create_task(asyncio.to_thread(self._put, block))

    async def _written(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)

    def _put(self, block: bytearray) -> None:
        self._md5.update(block)
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) :]

    async def finish(self) -> str:
        """Write what is left and return the content's MD5 in hexadecimal digits."""
        await self._flush()
        await self._written()
        return self._md5.hexdigest()

    async def close(self) -> None:
        """Close the file, whatever became of it; a disk's complaint was raised by then."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        self._file.close()


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What a form brought. `filename` is as it was sent."""

    fields: Mapping[str, str]
    filename: str
    size: int
    md5: str


OpenSink = Callable[[Mapping[str, str], str], Sink]
"""Called once, with the fields that came before the file and the file's name."""


async def read_form(
    content_type: str, chunks: AsyncIterator[bytes], open_sink: OpenSink
) -> Uploaded:
    """Read a form with one file. Raises BadForm, TooLarge, and what `open_sink` raises."""
    kind, _, _ = content_type.partition(";")
    boundary = parameters(content_type).get("boundary")
    if kind.strip().lower() != "multipart/form-data" or not boundary:
        raise BadForm("The body must be multipart/form-data with a boundary")
    reading = _Reading(open_sink)
    try:
        parser = MultipartParser(boundary, reading.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
            await reading.catch_up()
        parser.finalize()
        return await reading.result()
    except FormParserError as error:
        raise BadForm(str(error)) from error
    finally:
        await reading.close()


class _Reading:
    """The parser's events of one chunk, worked off before the next chunk is read."""

    def __init__(self, open_sink: OpenSink) -> None:
        self._open_sink = open_sink
        self._events: list[tuple[str, bytes]] = []
        self._fields: dict[str, str] = {}
        self._headers: dict[str, str] = {}
        self._header, self._value = bytearray(), bytearray()
        self._field: str | None = None
        self._text = bytearray()
        self._sink: Sink | None = None
        self._in_file = False
        self._filename = ""
        self._complete = False

    def callbacks(self) -> "MultipartCallbacks":
        """Return the callbacks in the form that the parser takes."""

        def data(kind: str) -> Callable[[bytes, int, int], None]:
            return lambda block, start, end: self._events.append((kind, block[start:end]))

        def mark(kind: str) -> Callable[[], None]:
            return lambda: self._events.append((kind, b""))

        marks = ("part_begin", "part_end", "header_end", "headers_finished", "end")
        blocks = ("part_data", "header_field", "header_value")
        found = {f"on_{kind}": mark(kind) for kind in marks}
        return cast("MultipartCallbacks", found | {f"on_{kind}": data(kind) for kind in blocks})

    async def catch_up(self) -> None:
        events, self._events = self._events, []
        for kind, block in events:
            if kind == "part_data":
                await self._part_data(block)
            else:
                self._step(kind, block)

    def _step(self, kind: str, block: bytes) -> None:
        match kind:
            case "part_begin":
                self._headers = {}
            case "header_field":
                self._header += block
            case "header_value":
                self._value += block
            case "header_end":
                self._headers[_decoded(self._header).lower()] = _decoded(self._value)
                self._header, self._value = bytearray(), bytearray()
            case "headers_finished":
                self._begin_part()
            case "part_end":
                self._end_part()
            case "end":
                self._complete = True

    def _begin_part(self) -> None:
        found = parameters(self._headers.get("content-disposition", ""))
        filename = filename_of(found)
        if filename is None:
            self._field, self._text = found.get("name", ""), bytearray()
        elif self._sink is not None:
            raise BadForm("A form brings one file")
        else:
            self._sink = self._open_sink(self._fields, filename)
            self._filename, self._in_file = filename, True

    async def _part_data(self, block: bytes) -> None:
        if self._in_file and self._sink is not None:
            await self._sink.write(block)
            return
        self._text += block
        if len(self._text) > FIELD_BYTES or len(self._fields) > FIELD_COUNT:
            raise BadForm("A field of the form is too large")

    def _end_part(self) -> None:
        if self._field is not None:
            self._fields[self._field] = _decoded(self._text)
        self._field, self._in_file = None, False

    async def result(self) -> Uploaded:
        if not self._complete:
            raise BadForm("The form ended too early")
        if self._sink is None:
            raise BadForm("The form brought no file")
        md5 = await self._sink.finish()
        return Uploaded(self._fields, self._filename, self._sink.size, md5)

    async def close(self) -> None:
        if self._sink is not None:
            await self._sink.close()


def _decoded(data: bytearray) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
