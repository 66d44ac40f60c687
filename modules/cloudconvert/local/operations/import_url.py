"""import/url: fetch a file that somebody else serves, through the guarded fetch."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator

from engine.errors import (
    MaxFileSizeExceededError,
    ModuleError,
    ModuleTimeoutError,
)
from engine.module import Download
from modules.cloudconvert.local.naming import clean_name
from modules.cloudconvert.local.operations.operation import (
    Made,
    Operation,
    Outcome,
    RequiredText,
    TaskFields,
    Text,
    Work,
)
from modules.cloudconvert.local.refusal import TaskFailure

CHUNK = 1 << 20


class UrlFields(TaskFields):
    url: RequiredText
    filename: Text | None = None
    headers: dict[str, str] = Field(default_factory=dict)

    @field_validator("url")
    @classmethod
    def _http_only(cls, url: str) -> str:
        if not url.lower().startswith(("http://", "https://")):
            raise ValueError("The {path} must be a valid http or https URL.")
        return url


async def _run(work: Work) -> Outcome:
    fields: UrlFields = work.fields
    target = work.folder.work / "download"
    try:
        fetching = work.fetch(fields.url, headers=fields.headers, max_bytes=work.limits.file_bytes)
        async with fetching as download:
            name = fields.filename or _name_of(download, fields.url)
            await _receive(download, target, work)
    except MaxFileSizeExceededError as error:
        raise TaskFailure("FILE_TOO_LARGE", error.message) from error
    except ModuleTimeoutError as error:
        raise TaskFailure("TIMEOUT", error.message) from error
    except ModuleError as error:
        raise TaskFailure("DOWNLOAD_FAILED", error.message) from error
    return Outcome([Made(target, clean_name(name))])


def _name_of(download: Download, url: str) -> str:
    return download.name or unquote(urlsplit(url).path.rpartition("/")[2]) or "file"


async def _receive(download: Download, target: Path, work: Work) -> None:
    received = 0
    with target.open("wb") as file:
        async for block in _blocks(download.chunks):
            await asyncio.to_thread(file.write, block)
            received += len(block)
            if download.size:
                work.report(min(99, received * 100 // download.size))
    if download.size is not None and received != download.size:
        raise TaskFailure("DOWNLOAD_FAILED", f"The source sent {received} of {download.size} bytes")


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    block = bytearray()
    async for chunk in chunks:
        block += chunk
        if len(block) >= CHUNK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


IMPORT_URL = Operation(name="import/url", fields=UrlFields, run=_run, takes_input=False)
