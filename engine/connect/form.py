"""A multipart/form-data body with one file, streamed from disk, its length known before."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from engine.errors import DataError
from engine.module import File, Progress

CHUNK = 256 * 1024


class FormBody(httpx.AsyncByteStream):
    """The form's fields in order, then the file as `file`; may be sent more than once.

    Raises DataError if the file's content is not what the file says, before its end is sent.
    """

    def __init__(
        self, form: Mapping[str, str], file: File, boundary: str, progress: Progress | None = None
    ) -> None:
        fields = (_part(boundary, f'name="{_quoted(name)}"') + value.encode() + b"\r\n"
                  for name, value in form.items())  # fmt: skip
        media_type = f"\r\nContent-Type: {file.type}" if file.type else ""
        opening = f'name="file"; filename="{_quoted(file.name)}"{media_type}'
        self._file = file
        self._progress = progress
        self._head = b"".join(fields) + _part(boundary, opening)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        if file.path.stat().st_size != file.size:
            raise _changed(file)
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self._head) + file.size + len(self._tail)),
        }

    async def __aiter__(self) -> AsyncIterator[bytes]:
        out, sent, found = self._head, 0, hashlib.sha256()
        # A small file costs one visit to a thread, and one piece on the wire.
        source, chunk = await asyncio.to_thread(_opened, self._file.path, found)
        with source:
            while chunk:
                yield out + chunk
                out = b""
                sent += len(chunk)
                if self._progress:
                    self._progress(sent, self._file.size, text=f"uploading {self._file.name}")
                if sent >= self._file.size:
                    break
                chunk = await asyncio.to_thread(_read, source, found)
        if found.hexdigest() != self._file.sha256:
            raise _changed(self._file)
        yield out + self._tail


def _opened(path: Path, found: Any) -> tuple[BinaryIO, bytes]:
    source = path.open("rb")
    return source, _read(source, found)


def _read(source: BinaryIO, found: Any) -> bytes:
    chunk = source.read(CHUNK)
    found.update(chunk)
    return chunk


def _changed(file: File) -> DataError:
    return DataError(f"content of `{file.name}` has changed since it was stored")


def _part(boundary: str, disposition: str) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()


def _quoted(text: str) -> str:
    """Escape as browsers do. Source: HTML, multipart form data."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
