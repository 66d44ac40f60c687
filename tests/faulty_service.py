"""CloudConvert's API on loopback sockets that break where they are told to.

Two servers, as at the service: one for the API, one for files. Source of the calls: the client's
sequence for one conversion with a download.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from clocks import StandingClock, never
from cloudconvert_fake import KEY, FakeService

from engine.connect.client import HttpClient
from engine.module import Connection

RESET_AT_CLOSE = struct.pack("ii", 1, 0)
DRIP_SECONDS = 25.0


@dataclass(frozen=True)
class Break:
    """Where a call breaks: `times` of them do, all if it is None.

    `call`: create, look (for a job by its tag), poll, upload, download. `phase`: connect, request
    head, request body, response head, response body. `kind`: refused (connect only), reset, end (a
    regular close), silence, drip (a byte now and then).
    """

    call: str
    phase: str
    kind: str
    times: int | None = 1


NOTHING = Break("", "", "", 0)
"""Nothing breaks."""


@dataclass
class FaultyService:
    """`broken` counts how often it broke."""

    breach: Break
    service: FakeService = field(default_factory=FakeService)
    broken: int = 0
    _listening: dict[str, asyncio.Server] = field(default_factory=dict)
    _ports: dict[str, int] = field(default_factory=dict)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, side: str) -> None:
        """Listen at the API's or the files' port, the same one each time."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _Dialogue(self, side, reader, writer).run()

        port = self._ports.get(side, 0)
        server = await asyncio.start_server(handle, "127.0.0.1", port, limit=2**16)
        self._listening[side] = server
        self._ports[side] = server.sockets[0].getsockname()[1]

    def http(self) -> HttpClient:
        """A client of the true limits over sockets; between its tries, time moves by itself."""
        connection = Connection(self.service.base, KEY)
        return HttpClient(connection, clock=self.service.clock, chance=never)

    def address(self, side: str) -> str:
        return f"http://127.0.0.1:{self._ports[side]}"

    def is_due(self, call: str, phase: str) -> bool:
        left = self.breach.times is None or self.broken < self.breach.times
        return left and (call, phase) == (self.breach.call, self.breach.phase)

    def next_call(self, side: str) -> str:
        """Tell which call a new connection is for."""
        if side == "files":
            return "download" if self.service.uploads else "upload"
        return "poll" if self.service.payloads else "create"

    def refuse(self, side: str) -> None:
        """Stop to listen if the next call is to be refused; `Reopening` listens again."""
        refused = self.breach.kind == "refused" and self.is_due(self.next_call(side), "connect")
        if refused and side in self._listening:
            self._listening.pop(side).close()
            self.broken += 1

    async def listen_again(self) -> None:
        if self.breach.times is not None:
            for side in self._ports.keys() - self._listening.keys():
                await self.open(side)

    async def over(self) -> None:
        await self._over.wait()

    def close(self) -> None:
        self._over.set()
        for server in self._listening.values():
            server.close()


@dataclass
class Reopening(StandingClock):
    """A standing clock: while the client waits for a refused call, the service comes back."""

    faulty: FaultyService | None = None

    async def sleep(self, wait: timedelta) -> None:
        await super().sleep(wait)
        if self.faulty:
            await self.faulty.listen_again()


@asynccontextmanager
async def serving(breach: Break) -> AsyncIterator[FaultyService]:
    """Serve the API and the files on loopback, which break as told."""
    faulty = FaultyService(breach)
    for side in ("api", "files"):
        await faulty.open(side)
    faulty.service.base = f"{faulty.address('api')}/v2"
    faulty.service.storage = faulty.address("files")
    faulty.service.clock = Reopening(faulty=faulty)
    for side in ("api", "files"):
        faulty.refuse(side)
    try:
        yield faulty
    finally:
        faulty.close()


@dataclass
class _Dialogue:
    """One connection."""

    faulty: FaultyService
    side: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def run(self) -> None:
        try:
            if await self._breaks(self.faulty.next_call(self.side), "connect"):
                return
            while await self._one_request():
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writer.close()

    async def _one_request(self) -> bool:
        """Answer a request; False if there can be no other one on this connection."""
        line = (await self.reader.readuntil(b"\r\n")).decode().split()
        call = _call_of(self.side, line[0], line[1])
        if await self._breaks(call, "request head"):
            return False
        head = await self.reader.readuntil(b"\r\n\r\n")
        headers = dict(each.split(": ", 1) for each in head.decode("latin-1").split("\r\n") if each)
        length = int(
            {name.lower(): text for name, text in headers.items()}.get("content-length", 0)
        )
        body = await self.reader.readexactly(length // 2)
        if length and await self._breaks(call, "request body"):
            return False
        body += await self.reader.readexactly(length - len(body))
        url = f"{self.faulty.address(self.side)}{line[1]}"
        answer = self.faulty.service.answer(
            httpx.Request(line[0], url, headers=headers, content=body)
        )
        return await self._answer(call, answer)

    async def _answer(self, call: str, answer: httpx.Response) -> bool:
        content = answer.content
        head, body = _head_of(answer, closing=self.faulty.breach.phase == "connect"), content
        for phase, sent in (
            ("response head", head[: len(head) // 2]),
            ("response body", head + body[: len(body) // 2]),
        ):
            if self.faulty.is_due(call, phase):
                self.writer.write(sent)
                await self.writer.drain()
                await self._breaks(call, phase)
                return False
        self.writer.write(head + body)
        await self.writer.drain()
        self.faulty.refuse(self.side)
        return self.faulty.breach.phase != "connect"

    async def _breaks(self, call: str, phase: str) -> bool:
        if not self.faulty.is_due(call, phase):
            return False
        self.faulty.broken += 1
        match self.faulty.breach.kind:
            case "reset":
                raw: socket.socket = self.writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                self.writer.transport.abort()
            case "end":
                self.writer.write_eof()
                await self.reader.read(-1)
            case "silence":
                await self.faulty.over()
            case "drip":
                while not self.writer.is_closing():
                    await asyncio.sleep(DRIP_SECONDS)
                    self.writer.write(b"x")
        return True


def _call_of(side: str, method: str, target: str) -> str:
    if side == "files":
        return "upload" if method == "POST" else "download"
    if method == "GET" and "?" in target:
        return "look"
    return {"POST": "create", "GET": "poll"}.get(method, "delete")


def _head_of(answer: httpx.Response, *, closing: bool) -> bytes:
    kept = {name: value for name, value in answer.headers.items() if name != "content-length"}
    kept["content-length"] = str(len(answer.content))
    if closing:
        kept["connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
    lines += [f"{name}: {value}" for name, value in kept.items()]
    return "\r\n".join([*lines, "", ""]).encode()
