"""The server inside a run: on a free loopback port, with a token made for this run."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from engine.errors import SetupError
from engine.module import Connection, Embedded, Fetch
from modules.cloudconvert.local.data import take
from modules.cloudconvert.local.hosting import Address, Hosted
from modules.cloudconvert.local.settings import Settings


class _Embedded:
    """What the engine sees of the server."""

    def __init__(self, hosted: Hosted, connection: Connection) -> None:
        self._hosted = hosted
        self._connection = connection

    @property
    def connection(self) -> Connection:
        return self._connection

    async def wait_idle(self, on_change: Callable[[int], None]) -> None:
        await self._hosted.wait_idle(on_change)


@asynccontextmanager
async def embedded(data_folder: Path, fetch: Fetch) -> AsyncIterator[Embedded]:
    """Run the server while the block runs. Raises SetupError if it cannot start.

    If another run holds the data folder, this one works in a numbered folder inside it; the next
    server that gets the data folder takes over what is left there.
    """
    token = secrets.token_urlsafe(32)
    try:
        hosted = Hosted(take(data_folder), Settings(token), fetch, Address())
        await asyncio.wrap_future(hosted.start())
    except Exception as error:
        raise SetupError(
            f"the embedded CloudConvert server cannot start: {error}", code="E305"
        ) from error
    connection = Connection(f"{hosted.url}/v2", token, f"{hosted.url}/sync/v2")
    try:
        yield _Embedded(hosted, connection)
    finally:
        await _stopped(hosted)


async def _stopped(hosted: Hosted) -> None:
    """Stop the server to the end, even if the caller is cancelled meanwhile."""
    stopping = asyncio.ensure_future(asyncio.to_thread(hosted.stop))
    try:
        await asyncio.shield(stopping)
    except asyncio.CancelledError:
        await asyncio.wait([stopping])
        raise
