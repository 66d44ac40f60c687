"""The only way from a browser to the network: each connection under the rules of `fetch`.

A proxy as browsers speak to it (RFC 9112 and RFC 9110, CONNECT). Names are looked up here, once for
each connection, so what was checked is what is spoken to; redirects, pictures and scripts of a page
come this way like the page itself.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from engine.connect.fetch import GuardedFetch, Streams
from engine.errors import DataError, ModuleError
from engine.module import Fetch

Connect = Callable[[str, int], Awaitable[Streams]]

SOCKET = "proxy"
"""Name of the socket in the folder of a browser that has a network of its own."""
HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30
CHUNK = 64 * 1024
MOST_CONNECTIONS = 256
MOST_REFUSALS = 20
_OF_ONE_HOP = frozenset(
    ("connection", "proxy-connection", "keep-alive", "proxy-authorization", "te", "upgrade")
)


def connect_of(fetch: Fetch) -> Connect:
    """Return what opens connections under the rules of `fetch`; without rules there are none."""
    if isinstance(fetch, GuardedFetch):
        return fetch.connect
    return _refuse


async def _refuse(host: str, _port: int) -> Streams:
    raise DataError(f"nothing here may connect to `{host}`")


@dataclass(slots=True)
class Proxy:
    """What went through, and what did not. `place` tells the browser's side where it listens."""

    connect: Connect
    most_bytes: int
    place: Mapping[str, Any] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    received: int = 0
    _open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the browser to its end."""
        self._open += 1
        try:
            if self._open <= MOST_CONNECTIONS:
                await self._served(reader, writer)
        except (OSError, ModuleError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # It ends without an answer, which the page can tell from no answer of any server.
            return
        finally:
            self._open -= 1
            await _closed(writer)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        request = _Request.read(head)
        try:
            there, to_there = await self.connect(request.host, request.port)
        except ModuleError as error:
            if len(self.refusals) < MOST_REFUSALS:
                self.refusals.append(f"{request.host}: {error.message}")
            raise
        try:
            if request.tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                to_there.write(request.passed_on)
            await self._relayed((reader, to_there), (there, writer))
        finally:
            await _closed(to_there)

    async def _relayed(self, up: Streams, down: Streams) -> None:
        """Pass bytes both ways until the server is done, or the page has had enough."""
        sending = asyncio.create_task(_passed(*up))
        try:
            reader, writer = down
            while chunk := await reader.read(CHUNK):
                self.received += len(chunk)
                if self.received > self.most_bytes:
                    raise DataError("the page is larger than allowed")
                writer.write(chunk)
                await writer.drain()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    with suppress(OSError, NotImplementedError):
        writer.write_eof()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@dataclass(frozen=True, slots=True)
class _Request:
    host: str
    port: int
    tunnel: bool
    passed_on: bytes = b""
    """The head as the server is to see it."""

    @classmethod
    def read(cls, head: bytes) -> "_Request":
        """Read a request's head. Raises DataError for one that is not for a proxy."""
        lines = head.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        target = rest.partition(" ")[0]
        if method == "CONNECT":
            host, port = _place(urlsplit(f"//{target}"), None)
            return cls(host, port, tunnel=True)
        parts = urlsplit(target)
        if parts.scheme != "http":
            raise DataError("only http and https are passed on")
        host, port = _place(parts, 80)
        path = target[target.index(parts.netloc) + len(parts.netloc) :].partition("#")[0]
        path = path if path.startswith("/") else f"/{path}"
        kept = [line for line in lines[1:] if line and line.partition(":")[0].lower() not in _OWN]
        # One request for each connection: the next one's host is another question.
        own = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", *kept, "Connection: close"]
        return cls(
            host, port, tunnel=False, passed_on="\r\n".join([*own, "", ""]).encode("latin-1")
        )


_OWN = _OF_ONE_HOP | {"host"}


def _place(parts: SplitResult, port: int | None) -> tuple[str, int]:
    try:
        found = parts.port or port
    except ValueError as error:
        raise DataError("not a port") from error
    if parts.username is not None or not parts.hostname or found is None:
        raise DataError("not a host and a port")
    return parts.hostname, found


@asynccontextmanager
async def proxied(connect: Connect, folder: Path | None, most_bytes: int) -> AsyncIterator[Proxy]:
    """Serve a proxy while the block runs: on a socket in `folder`, or on a port of this machine.

    The socket is for a browser that has a network of its own, and reaches no port of ours.
    """
    proxy = Proxy(connect, most_bytes)
    if folder is None:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", limit=HEAD_BYTES)
        proxy.place = {"port": server.sockets[0].getsockname()[1]}
    else:
        # A socket's path is short; the task's folder may lie deep.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            path = f"/proc/self/fd/{opened}/{SOCKET}"
            server = await asyncio.start_unix_server(proxy.serve, path, limit=HEAD_BYTES)
        finally:
            os.close(opened)
        proxy.place = {"socket": SOCKET}
    async with server:
        yield proxy
