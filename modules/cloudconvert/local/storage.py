"""Uploads and downloads: what lies at the storage host of the real service.

Neither needs a key: the form and the link carry their own signature.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from modules.cloudconvert.local.data import DataFolder, TaskFolder
from modules.cloudconvert.local.formats import media_type_of_name
from modules.cloudconvert.local.jobs import Jobs
from modules.cloudconvert.local.multipart import BadForm, Sink, TooLarge, Uploaded, read_form
from modules.cloudconvert.local.naming import clean_name
from modules.cloudconvert.local.records import Status, TaskRecord
from modules.cloudconvert.local.refusal import Refusal
from modules.cloudconvert.local.signing import Expired, Forged, Signer

CHUNK = 1 << 20
DRAINED_BYTES = 64 << 20
"""How much of a refused upload is still read, so that its sender gets to see the answer."""

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Storage:
    """The two endpoints."""

    def __init__(
        self,
        jobs: Jobs,
        data: DataFolder,
        signer: Signer,
        now: Callable[[], datetime],
        largest_file: int,
    ) -> None:
        self._jobs, self._data, self._signer, self._now = jobs, data, signer, now
        self._largest = largest_file

    # Uploads

    async def upload(self, request: Request) -> Response:
        """Take the file of an import/upload task. Source: CloudConvert API v2, file uploads."""
        reserved: dict[str, TaskFolder] = {}

        def open_sink(fields: Mapping[str, str], _filename: str) -> Sink:
            task_id = self._signer.task_of_form(fields, self._now())
            reserved[task_id] = self._jobs.begin_upload(task_id)
            return Sink(reserved[task_id].work / "upload", self._largest)

        chunks = request.stream()
        try:
            form = await read_form(request.headers.get("content-type", ""), chunks, open_sink)
            return await self._uploaded(request, form, reserved)
        except Exception as error:
            response = _upload_refused(error)
            if response is None:
                raise
            await _drain(chunks)
            return response
        finally:
            for task_id, folder in reserved.items():
                self._jobs.end_upload(task_id)
                (folder.work / "upload").unlink(missing_ok=True)

    async def _uploaded(
        self, request: Request, form: Uploaded, reserved: Mapping[str, TaskFolder]
    ) -> Response:
        ((task_id, folder),) = reserved.items()
        name = clean_name(form.filename)
        redirect = self._jobs.task(task_id).payload.get("redirect")
        await self._jobs.complete_upload(task_id, folder, name)
        if redirect:
            return RedirectResponse(str(redirect), 303)
        key = f"{task_id}/{name}"
        location = f"{request.url.scheme}://{request.url.netloc}/storage/{quote(key)}"
        tag = f'"{form.md5}"'
        parts = {"Location": location, "Bucket": "tasks", "Key": key, "ETag": tag}
        body = _xml("PostResponse", parts)
        return Response(body, 201, {"Location": location, "ETag": tag}, "application/xml")

    # Downloads

    async def download(self, request: Request) -> Response:
        """Send a result. Any change of path or query is a forgery."""
        try:
            raw_path = request.scope["raw_path"].decode("ascii")
            self._signer.check_link(raw_path, request.url.query, self._now())
        except (Forged, UnicodeDecodeError):
            return _error(403, "AccessDenied", "The signature does not match the link.")
        except Expired:
            return _error(403, "AccessDenied", "The link has expired.")
        try:
            task = self._jobs.task(request.path_params["task_id"])
        except Refusal as refusal:
            return _error(404, "NoSuchKey", refusal.message)
        position = int(request.path_params["position"])
        path = self._data.task(task.id).result(position)
        if task.status is not Status.FINISHED or position >= len(task.files) or not path.exists():
            return _error(404, "NoSuchKey", "The file was deleted.")
        return _file_answer(request, task, position, path)


def _upload_refused(error: Exception) -> Response | None:
    """Return the answer to an upload that is refused; None for a fault of ours."""
    match error:
        case Forged():
            return _error(403, "AccessDenied", "The form's fields do not match its signature.")
        case Expired():
            return _error(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        case TooLarge():
            return _error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum size.")
        case BadForm() | ClientDisconnect():
            return _error(400, "MalformedPOSTRequest", str(error) or "The upload broke off.")
        case Refusal(status=404):
            return _error(404, "NoSuchKey", error.message)
        case Refusal():
            return _error(error.status, error.code, error.message)
        case OSError():
            return _error(507, "InsufficientStorage", os.strerror(error.errno or 0))
    return None


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    read = 0
    try:
        async for chunk in chunks:
            read += len(chunk)
            if read > DRAINED_BYTES:
                return
    except (ClientDisconnect, RuntimeError):
        # Nobody is left to read the answer, or the body was read to its end already.
        return


def _error(status: int, code: str, message: str) -> Response:
    return Response(
        _xml("Error", {"Code": code, "Message": message}), status, media_type="application/xml"
    )


def _xml(name: str, parts: Mapping[str, str]) -> str:
    inner = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in parts.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{inner}</{name}>'


def _file_answer(request: Request, task: TaskRecord, position: int, path: Path) -> Response:
    file = task.files[position]
    tag = f'"{task.id}-{position}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Content-Disposition": _disposition(file.filename, inline=task.payload.get("inline")),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }
    span = _span(request, file.size, tag)
    if span is None:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size}"})
    start, end = span
    headers["Content-Length"] = str(end - start)
    partial = (start, end) != (0, file.size) or _asked_for_all(request, tag)
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    content = _content(path, start, 0 if request.method == "HEAD" else end - start)
    kind = media_type_of_name(file.filename)
    return StreamingResponse(content, 206 if partial else 200, headers, kind)


def _disposition(filename: str, *, inline: object) -> str:
    """Return the header that names the file. Source: RFC 6266."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    kind = "inline" if inline is True else "attachment"
    if plain == filename:
        return f'{kind}; filename="{plain}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _requested(request: Request, tag: str) -> tuple[str, str] | None:
    """Return the two ends of the wanted range; None for the whole file.

    Several ranges, and ranges of another version, are answered with the whole file (RFC 9110).
    """
    if request.headers.get("if-range", tag) != tag:
        return None
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if found is None or found.groups() == ("", ""):
        return None
    return found.group(1), found.group(2)


def _asked_for_all(request: Request, tag: str) -> bool:
    return _requested(request, tag) is not None


def _span(request: Request, size: int, tag: str) -> tuple[int, int] | None:
    """Return the bytes to send as [start, end); None if there are none in the wanted range."""
    wanted = _requested(request, tag)
    if wanted is None:
        return 0, size
    first, last = wanted
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    return (start, end) if start < end else None


async def _content(path: Path, start: int, length: int) -> AsyncIterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        while length > 0:
            chunk = await asyncio.to_thread(os.pread, descriptor, min(CHUNK, length), start)
            if not chunk:
                return
            yield chunk
            start, length = start + len(chunk), length - len(chunk)
    finally:
        os.close(descriptor)
