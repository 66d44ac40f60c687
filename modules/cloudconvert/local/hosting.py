"""Serves the application in a daemon thread of its own, with an event loop of its own.

Both the server inside a run and the stand-alone one are this; they differ in who stops it. The big
libraries are imported only when it starts.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.module import Fetch, Mentioned, nothing_mentioned
from modules.cloudconvert.local.data import DataFolder
from modules.cloudconvert.local.settings import Settings

if TYPE_CHECKING:
    from modules.cloudconvert.local.server import Running

STOP_SECONDS = 10
BACKLOG = 128


def utc_now() -> datetime:
    """Return the moment; a server has no context that could tell it."""
    return datetime.now(UTC)  # noqa: TID251 - the composition root of the server


@dataclass(frozen=True, slots=True)
class Outside:
    """What a server asks of the world around it."""

    fetch: Fetch
    mentioned: Mentioned = nothing_mentioned


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 means a free one."""

    host: str = "127.0.0.1"
    port: int = 0


def listening(address: Address) -> socket.socket:
    """Return a socket that already takes connections. Raises OSError."""
    host, port = address.host, address.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is written out: by it asyncio knows a connection that must not hold back what is
    # small, which with the other side's patience costs 40 ms an answer.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(BACKLOG)
    except OSError:
        taken.close()
        raise
    return taken


def _reached_at(host: str) -> str:
    """Return the host of URLs; what listens everywhere is reached by loopback."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - not bound
    host = everywhere.get(host, host)
    return f"[{host}]" if ":" in host else host


def _import_the_rest() -> None:
    import modules.cloudconvert.local.server  # noqa: PLC0415 - start-up time
    import modules.cloudconvert.local.web  # noqa: F401, PLC0415 - start-up time


class Hosted:
    """A server in its thread, from `start` to `stop`. It owns the data folder and its socket."""

    def __init__(
        self,
        data: DataFolder,
        settings: Settings,
        outside: Outside,
        address: Address,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Take the address. Raises OSError if it is taken; the data folder is closed then."""
        self._data, self._settings, self._outside, self._now = data, settings, outside, now
        self._host = address.host
        try:
            self._socket = listening(address)
        except OSError:
            data.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Running]] = Future()
        self._thread = threading.Thread(target=self._main, name="cloudconvert", daemon=True)

    @property
    def url(self) -> str:
        """How the server is reached from this machine, as `http://127.0.0.1:8484`."""
        return f"http://{_reached_at(self._host)}:{self.port}"

    def start(self) -> "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Running]]":
        """Start the thread; the result is there once the server takes requests."""
        self._thread.start()
        return self._ready

    def stop(self) -> None:
        """Stop the server and its engines; returns when both are gone. May be called twice."""
        if not self._thread.is_alive():
            return
        loop, stopping, _ = self._ready.result()
        loop.call_soon_threadsafe(stopping.set)
        self._thread.join(STOP_SECONDS)

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._socket.close()
            self._data.close()
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        from modules.cloudconvert.local.inventory import look_around  # noqa: PLC0415 - start-up

        # Programs tell what they are while the rest is imported.
        engines = asyncio.create_task(look_around())
        await asyncio.to_thread(_import_the_rest)
        from modules.cloudconvert.local.server import running  # noqa: PLC0415 - start-up time
        from modules.cloudconvert.local.web import serve  # noqa: PLC0415 - start-up time

        stopping = asyncio.Event()
        own = (self._data, self._settings, self._outside, self._now, self.url)
        async with running(*own, engines) as server, serve(server.app, self._socket):
            self._ready.set_result((asyncio.get_running_loop(), stopping, server))
            await stopping.wait()
            # Engines first: answers that wait for them are given up with it.
            await server.scheduler.stop()

    async def wait_idle(self, on_change: Callable[[int], None]) -> None:
        """Return when no job runs and every webhook is told what it could be told by now.

        Call it from another thread's event loop.
        """
        loop, _, server = self._ready.result()
        here = asyncio.get_running_loop()

        def tell(count: int) -> None:
            here.call_soon_threadsafe(on_change, count)

        waiting = asyncio.run_coroutine_threadsafe(_idle(server, tell), loop)
        await asyncio.wrap_future(waiting)


async def _idle(server: "Running", tell: Callable[[int], None]) -> None:
    last = 0
    while (count := server.scheduler.running_jobs()) or server.deliveries.at_work():
        if count != last:
            tell(count)
            last = count
        await server.scheduler.changed.wait()
