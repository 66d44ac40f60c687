"""A loopback server that keeps its connections open, and ways to ask it over the transport."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from engine.connect.transport import KeptConnections

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"

Serve = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request, whose first line it is given."""


async def answer_ok(
    _line: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(OK)


@dataclass
class Server:
    """A loopback server that keeps connections open until its `serve` or its client closes them."""

    serve: Serve = answer_ok
    url: str = ""
    asked: list[list[str]] = field(default_factory=list)
    """First lines of the requests, by connection."""
    open: int = 0
    most: int = 0
    """How many connections were open at once."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [line for connection in self.asked for line in connection]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines: list[str] = []
        self.asked.append(lines)
        self.writers.append(writer)
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines.append(head.split(b"\r\n")[0].decode())
                await self.serve(lines[-1], reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def running(
    serve: Serve = answer_ok, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(serve)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, backlog=512, ssl=tls)
    scheme = "https" if tls else "http"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - a socket's other end has no event
            await asyncio.sleep(0)


def request(url: str, method: str = "GET", **timeouts: float) -> httpx.Request:
    return httpx.Request(method, url, extensions={"timeout": timeouts})


async def ask(kept: KeptConnections, url: str, method: str = "GET", **timeouts: float) -> bytes:
    response = await kept.handle_async_request(request(url, method, **timeouts))
    return await response.aread()


class Gate:
    """Answers requests whose path ends with `ok` at once, others when it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(
        self, line: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if "/ok " not in line:
            await self.open.wait()
        writer.write(OK)


def says(*parts: bytes) -> Serve:
    """Give these answers one after the other over all connections, the last one for ever."""
    left = list(parts)

    async def serve(
        _line: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return serve
