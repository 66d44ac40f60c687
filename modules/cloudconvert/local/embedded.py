"""The server inside a run: on a free loopback port, with a token made for this run."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from engine.errors import SetupError
from engine.module import Connection, Embedded, Fetch, Mentioned, nothing_mentioned
from modules.cloudconvert.local.data import DataFolder, DataFolderHeld, take
from modules.cloudconvert.local.hosting import Address, Hosted, Outside
from modules.cloudconvert.local.settings import Settings
from modules.cloudconvert.local.sharing import offer, offered, withdraw


class _Embedded:
    """What the engine sees of the server in `folder`."""

    def __init__(self, hosted: Hosted, connection: Connection, folder: Path) -> None:
        self._hosted = hosted
        self._connection = connection
        self._folder = folder

    @property
    def connection(self) -> Connection:
        return self._connection

    async def wait_idle(self, on_change: Callable[[int], None]) -> None:
        await self._hosted.wait_idle(on_change)

    def share(self) -> None:
        offer(self._folder, self._connection)


class _Joined:
    """A server of another process, which outlives this one."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def wait_idle(self, on_change: Callable[[int], None]) -> None:
        """The other process sees to its jobs."""

    def share(self) -> None:
        """It is shared already."""


@asynccontextmanager
async def embedded(
    data_folder: Path, fetch: Fetch, mentioned: Mentioned = nothing_mentioned
) -> AsyncIterator[Embedded]:
    """Run the server while the block runs. Raises SetupError or OSError if it cannot start.

    Jobs and lone tasks that `mentioned` names by an id or tag do not expire.

    If another process holds the data folder and shares its server, that one is used. Otherwise this
    one works in a numbered folder inside it; the next server that gets the data folder takes over
    what is left there.
    """
    try:
        data = _taken(data_folder)
    except DataFolderHeld as error:
        raise _cannot_start(error) from error
    if isinstance(data, Connection):
        yield _Joined(data)
        return
    token = secrets.token_urlsafe(32)
    try:
        outside = Outside(fetch, _asked_here(mentioned))
        hosted = Hosted(data, Settings(token), outside, Address())
        await asyncio.wrap_future(hosted.start())
    except OSError:
        raise
    except Exception as error:
        raise _cannot_start(error) from error
    connection = Connection(f"{hosted.url}/v2", token, f"{hosted.url}/sync/v2")
    try:
        yield _Embedded(hosted, connection, data.path)
    finally:
        withdraw(data.path)
        await _stopped(hosted)


def _taken(folder: Path) -> DataFolder | Connection:
    """Take a data folder, or return the server that its holder shares."""
    try:
        data = DataFolder(folder)
    except DataFolderHeld:
        return offered(folder) or take(folder)
    withdraw(folder)  # a dead server's
    return data


def _cannot_start(error: Exception) -> SetupError:
    return SetupError(f"the embedded CloudConvert server cannot start: {error}", code="E305")


def _asked_here(mentioned: Mentioned) -> Mentioned:
    """Return the question for the server's thread; it is answered in this event loop."""
    here = asyncio.get_running_loop()

    async def asked(names: Collection[str]) -> Collection[str]:
        answering = asyncio.run_coroutine_threadsafe(_answered(mentioned, names), here)
        return await asyncio.wrap_future(answering)

    return asked


async def _answered(mentioned: Mentioned, names: Collection[str]) -> Collection[str]:
    return await mentioned(names)


async def _stopped(hosted: Hosted) -> None:
    """Stop the server to the end, even if the caller is cancelled meanwhile."""
    stopping = asyncio.ensure_future(asyncio.to_thread(hosted.stop))
    try:
        await asyncio.shield(stopping)
    except asyncio.CancelledError:
        await asyncio.wait([stopping])
        raise
