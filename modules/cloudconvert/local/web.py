"""uvicorn on a socket that is already open, stopped without waiting for idle clients."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 1
"""How long answers under way may still take when the server stops."""

_TICK_SECONDS = 1
"""How often the date of answers is set anew."""

_LOOK_SECONDS = 0.005
"""How often a server that stops looks whether the last answer has gone out."""


@asynccontextmanager
async def serve(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """Serve the application while the block runs."""
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            http="h11",
            ws="none",
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.stop()
        await serving


class _Server(uvicorn.Server):
    """Stops at once; uvicorn's own looks ten times a second whether it should, for each step."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        while not self.should_exit:
            await self.on_tick(0)
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is idle, and let answers under way come to their end for a while."""
        for server in self.servers:
            server.close()
        for taken in sockets or []:
            taken.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
                    await asyncio.sleep(_LOOK_SECONDS)
        for task in state.tasks:
            task.cancel()
