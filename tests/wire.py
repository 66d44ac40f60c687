"""A loopback server that answers with given bytes, for faults that no well-behaved server makes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


Respond = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Wire:
    """Where the server listens, and what it was asked."""

    port: int = 0
    asked: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(respond: Respond) -> AsyncIterator[Wire]:
    """Answer each connection's one request with `respond`, then close it."""
    wire = Wire()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            wire.asked.append(Request(head[0], headers, body))
            await respond(wire.asked[-1], writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()


def sends(content: bytes) -> Respond:
    """Return a responder that sends exactly these bytes."""

    async def respond(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(content)

    return respond


def dripping(head: bytes) -> Respond:
    """Return a responder that sends a head and then byte by byte, for as long as one listens."""

    async def respond(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    return respond
