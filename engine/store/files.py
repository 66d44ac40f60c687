"""The file store: contents in a folder, each under its own SHA-256, never whole in memory.

    files/incoming/*.part     being written
    files/ab/ab12…            complete, mode 0600, never changed again

A user's file is copied in and a result is copied out, sharing blocks where the disk can, so that
an edit outside never reaches a content that a stored bundle refers to.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from mimetypes import MimeTypes
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeVar, TypeVarTuple

from engine import lasting
from engine.errors import DataError, MaxFileSizeExceededError, StoreError
from engine.mapping.coercion import describe, to_text
from engine.model.bundle import File
from engine.store import blob as disk
from engine.store.blob import Blob
from engine.store.names import clean_name

STEP: Final = 16 * disk.CHUNK
"""Bytes that one hand-over to a thread copies: what a cancellation waits for at most."""

LOOKS: Final = 3
"""How often a file that changes while it is copied is begun again."""

_SHA256 = re.compile(r"[0-9a-f]{64}")

_Args = TypeVarTuple("_Args")
_Result = TypeVar("_Result")


NAME_AND_DATA: Final = "give a file, or a text `name` with `data`: a file, a buffer or a text"


class FolderFiles:
    """`engine.module.Files` in a folder; `max_file_size` in bytes, None: no limit."""

    def __init__(self, folder: Path, *, max_file_size: int | None = None) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._limit = max_file_size
        self._synced: set[str] = set()

    async def take(self, path: Path, *, name: str | None = None) -> File:
        """Copy a file of the user's in; DataError if it keeps changing meanwhile."""
        label = clean_name(path.name if name is None else name)
        for _ in range(LOOKS):
            file = await self._take_once(path, label)
            if file is not None:
                return file
        raise DataError(
            f"{path} keeps changing while it is read",
            notes=("something still writes to it; run again when it is complete",),
        )

    async def receive(
        self, name: str, chunks: AsyncIterator[bytes], *, expected: int | None = None
    ) -> File:
        label = clean_name(name)
        self._check_size(expected or 0, label)
        blob = Blob(self._incoming)
        try:
            buffer = bytearray()
            async for chunk in chunks:
                buffer += chunk
                self._check_size(blob.size + len(buffer), label)
                if len(buffer) >= disk.CHUNK:
                    await in_thread(blob.write, buffer)
                    buffer = bytearray()
            _check_complete(blob.size + len(buffer), expected, label)
            return await in_thread(self._keep, blob, label, buffer)
        finally:
            blob.discard()

    async def file_of(self, value: File | Mapping[str, Any]) -> File:
        if isinstance(value, File):
            return replace(value, name=clean_name(value.name))
        name, data = _name_and_data(value)
        if isinstance(data, File):
            return replace(data, name=clean_name(name), type=media_type(clean_name(name)))
        return await self.receive(name, _one(data))

    async def copy(self, file: File, target: Path) -> None:
        source = await in_thread(disk.open_regular, file.path)
        try:
            descriptor = await in_thread(_create, target)
            try:
                await _copy(source, descriptor, target.parent)
            except BaseException:
                await in_thread(target.unlink)
                raise
            finally:
                os.close(descriptor)
        finally:
            os.close(source)

    def path_of(self, sha256: str) -> Path:
        """Return where a content lies or would lie. Raises StoreError for what is no hash."""
        if not _SHA256.fullmatch(sha256):
            raise StoreError(f"not a SHA-256 of a file: {sha256[:80]!r}")
        return self._folder / sha256[:2] / sha256

    def sync(self, files: Sequence[File]) -> None:
        """Flush contents to disk. Raises StoreError for one that is not in this store."""
        missing = [file for file in files if file.sha256 not in self._synced]
        for file in missing:
            path = self.path_of(file.sha256)
            if not path.is_file():
                raise StoreError(f"the content of `{file.name}` is not in {self._folder}")
            lasting.flush_path(path)
        for folder in {self.path_of(file.sha256).parent for file in missing}:
            lasting.flush_path(folder)
        if missing:
            lasting.flush_path(self._folder)
            self._synced.update(file.sha256 for file in missing)

    def sweep(self, kept: Collection[str]) -> int:
        """Delete contents whose SHA-256 is not in `kept`, and what was left half-written.

        Return the bytes freed. Only while nothing is being taken or received.
        """
        freed = 0
        for path in self._folder.glob("*/*"):
            if path.name not in kept:
                freed += path.lstat().st_size
                path.unlink()
                self._synced.discard(path.name)
        return freed

    async def _take_once(self, path: Path, label: str) -> File | None:
        """Return None if the file changed while it was copied."""
        source = await in_thread(disk.open_regular, path)
        try:
            before = disk.identity(source)
            self._check_size(before[0], label)
            blob = Blob(self._incoming)
            try:
                step = blob.begin
                while await in_thread(step, source, STEP):
                    self._check_size(blob.size, label)
                    step = blob.fill
                if disk.identity(source) != before or blob.size != before[0]:
                    return None
                return await in_thread(self._keep, blob, label, b"")
            finally:
                blob.discard()
        finally:
            os.close(source)

    def _keep(self, blob: Blob, label: str, rest: bytes | bytearray) -> File:
        if rest:
            blob.write(rest)
        sha256 = blob.sha256
        path = self.path_of(sha256)
        blob.keep(path)
        return File(label, blob.size, media_type(label), sha256, path)

    def _check_size(self, size: int, label: str) -> None:
        if self._limit is not None and size > self._limit:
            raise MaxFileSizeExceededError(
                f"`{label}` is larger than the scenario's max_file_size of {self._limit} bytes"
            )


async def in_thread(function: Callable[[*_Args], _Result], *args: *_Args) -> _Result:
    """Run blocking work in a thread and wait for its end even when cancelled.

    So nobody closes a descriptor or removes a file that the thread still works on.
    """
    work = asyncio.get_running_loop().run_in_executor(None, function, *args)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        work.exception()
        raise


@cache
def _types() -> Mapping[str, str]:
    """Media types by extension: Python's own table, whatever the machine's says, and some more."""
    known = MimeTypes().types_map[True]
    return {**known, **_MORE_TYPES}


_MORE_TYPES: Final = {
    ".7z": "application/x-7z-compressed",
    ".avif": "image/avif",
    ".bz2": "application/x-bzip2",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".flac": "audio/flac",
    ".gz": "application/gzip",
    ".heic": "image/heic",
    ".m4a": "audio/mp4",
    ".md": "text/markdown",
    ".mkv": "video/x-matroska",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ogg": "audio/ogg",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rtf": "application/rtf",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xz": "application/x-xz",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


def media_type(name: str) -> str:
    """Return the media type that a name's extension stands for."""
    return _types().get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


def _check_complete(size: int, expected: int | None, label: str) -> None:
    if expected is not None and size != expected:
        raise DataError(f"`{label}` is not complete: {size} of {expected} bytes came")


def _create(target: Path) -> int:
    """Create a user's file; its mode follows their umask."""
    with disk.space_in(target.parent):
        return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)


async def _copy(source: int, target: int, folder: Path) -> None:
    if not await in_thread(disk.reflink, source, target):
        while await in_thread(disk.copy_some, source, target, STEP, folder):
            pass
    with disk.space_in(folder):
        await in_thread(lasting.flush, target)


def _name_and_data(value: Mapping[str, Any]) -> tuple[str, File | bytes | str]:
    name, data = value.get("name"), value.get("data")
    if not isinstance(name, str):
        raise DataError(f"not a file: `name` is {describe(name)}; {NAME_AND_DATA}")
    if isinstance(data, File | bytes | str):
        return name, data
    if isinstance(data, bool | int | float | datetime):
        return name, to_text(data)
    raise DataError(f"not a file: `data` is {describe(data)}; {NAME_AND_DATA}")


async def _one(content: bytes | str) -> AsyncIterator[bytes]:
    try:
        yield content if isinstance(content, bytes) else content.encode()
    except UnicodeEncodeError as error:
        raise DataError("the text has characters that UTF-8 cannot write") from error
