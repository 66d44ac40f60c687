"""Files of results on their way here. Source: CloudConvert API v2, downloads."""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from engine.errors import DataError, MaxFileSizeExceededError, ServiceConnectionError
from engine.module import Context, File
from modules.cloudconvert.answers import Exported
from modules.cloudconvert.failures import SIZE_TEXT

DOWNLOAD_WAITS: Final = (timedelta(seconds=1), timedelta(seconds=3))
"""Waits before a download that broke off, or was not what it should be, is repeated."""

_MD5 = re.compile(r"[0-9a-fA-F]{32}")


async def downloaded(ctx: Context, entry: Exported) -> File:
    """Fetch one result, again if it breaks off; its size must be what the listing says, and so must
    its hash if the listing has one."""
    waits = iter(DOWNLOAD_WAITS)
    while True:
        try:
            return await _received(ctx, entry)
        except MaxFileSizeExceededError as error:
            raise MaxFileSizeExceededError(SIZE_TEXT, notes=(error.message,)) from error
        except (ServiceConnectionError, DataError) as error:
            refused = isinstance(error, DataError) and "status" in error.detail
            wait = next(waits, None)
            if refused or wait is None:
                raise
        await ctx.sleep(wait)


async def _received(ctx: Context, entry: Exported) -> File:
    async with ctx.http.download(entry.url or "") as incoming:
        size = incoming.size if entry.size is None else entry.size
        name = entry.filename or incoming.name or "file"
        chunks = _watched(ctx, _checked(incoming.chunks, entry, name), name, size)
        return await ctx.files.receive(name, chunks, expected=size)


async def _watched(
    ctx: Context, chunks: AsyncIterator[bytes], name: str, size: int | None
) -> AsyncIterator[bytes]:
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        ctx.progress(received, size, text=f"downloading {name}")
        yield chunk


async def _checked(
    chunks: AsyncIterator[bytes], entry: Exported, name: str
) -> AsyncIterator[bytes]:
    """Pass a file on. Raises DataError at its end if it is not what the listing says."""
    wanted = entry.md5 if entry.md5 and _MD5.fullmatch(entry.md5) else None
    found = hashlib.md5(usedforsecurity=False)
    async for chunk in chunks:
        if wanted:
            found.update(chunk)
        yield chunk
    if wanted and found.hexdigest() != wanted.lower():
        raise DataError(f"`{name}` did not arrive as it was made: its MD5 is another")
