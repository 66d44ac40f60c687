"""Files of results on their way here. Source: CloudConvert API v2, downloads."""

from collections.abc import AsyncIterator
from typing import Final

from engine.errors import DataError, MaxFileSizeExceededError, ServiceConnectionError
from engine.module import Context, Download, File
from modules.cloudconvert.answers import Exported
from modules.cloudconvert.failures import SIZE_TEXT

DOWNLOAD_TRIES: Final = 3


async def downloaded(ctx: Context, entry: Exported) -> File:
    """Fetch one result, again if it breaks off; its size must be what the listing says."""
    tries = 0
    while True:
        tries += 1
        try:
            return await _received(ctx, entry)
        except MaxFileSizeExceededError as error:
            raise MaxFileSizeExceededError(SIZE_TEXT, notes=(error.message,)) from error
        except (ServiceConnectionError, DataError) as error:
            refused = isinstance(error, DataError) and "status" in error.detail
            if refused or tries == DOWNLOAD_TRIES:
                raise


async def _received(ctx: Context, entry: Exported) -> File:
    async with ctx.http.download(entry.url or "") as incoming:
        size = incoming.size if entry.size is None else entry.size
        name = entry.filename or incoming.name or "file"
        chunks = _watched(ctx, incoming, name, size)
        return await ctx.files.receive(name, chunks, expected=size)


async def _watched(
    ctx: Context, incoming: Download, name: str, size: int | None
) -> AsyncIterator[bytes]:
    received = 0
    async for chunk in incoming.chunks:
        received += len(chunk)
        ctx.progress(received, size, text=f"downloading {name}")
        yield chunk
