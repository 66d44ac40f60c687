"""uvicorn on a socket of ours, for applications of `engine.web`; slow senders are cut off."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.errors import SetupError

BACKLOG: Final = 128
GRACE_SECONDS: Final = 2
"""How long answers under way may still take when the server stops."""

HEAD_SECONDS: Final = 10.0
"""How long the head of a request may take, from when its connection is made or was last used."""

HEAD_BYTES: Final = 16_384
MOST_CONNECTIONS: Final = 500
"""More are answered 503."""


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take an address; port 0 is a free one. Raises SetupError (E307) if it cannot be taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is written out: by it asyncio knows a connection that must not hold back what is
    # small, which with the other side's patience costs 40 ms an answer.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
            taken.listen(BACKLOG)
        except OSError as error:
            raise SetupError(
                f"cannot listen on {host}, port {port}: {error.strerror or error}",
                code="E307",
                notes=("--port 0 takes any free port",),
            ) from error
        yield taken


def origin_of(taken: socket.socket) -> str:
    """Return how this machine reaches what listens there, as `http://127.0.0.1:8600`."""
    host, port = taken.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is read
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@asynccontextmanager
async def hosted(
    app: ASGIApp, taken: socket.socket, *, head_seconds: float = HEAD_SECONDS
) -> AsyncIterator[None]:
    """Serve the application while the block runs."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=_impatient(head_seconds),
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=int(max(1, head_seconds)),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[taken]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves signals to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _impatient(head_seconds: float) -> type[H11Protocol]:
    """Return uvicorn's protocol that closes a connection whose request does not come.

    uvicorn itself waits for ever once the first byte of a head is there.
    """

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._patience = self.loop.call_later(head_seconds, self._cut)

        def connection_lost(self, exc: Exception | None) -> None:
            self._patience.cancel()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            self._patience.cancel()
            self._patience = self.loop.call_later(head_seconds, self._cut)
            super().on_response_complete()

        def _cut(self) -> None:
            """Close, unless a request has come meanwhile; its end begins a new wait."""
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

    return Impatient
