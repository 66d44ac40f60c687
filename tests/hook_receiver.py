"""A receiver of webhooks on loopback: notes what it is told, and answers as a test wants."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from wire import Request, serving

SECONDS = 30
"""How long a test waits for a delivery before it fails."""


@dataclass(frozen=True, slots=True)
class Told:
    """One delivery."""

    request: Request

    @property
    def body(self) -> Any:
        return orjson.loads(self.request.body)

    @property
    def event(self) -> str:
        return str(self.body["event"])

    def is_signed_with(self, secret: str) -> bool:
        expected = hmac.new(secret.encode(), self.request.body, "sha256").hexdigest()
        return expected == self.request.headers["cloudconvert-signature"]


@dataclass
class Hook:
    """Answers with the statuses one after the other, the last one for ever; 0 breaks off."""

    statuses: list[int]
    url: str = ""
    port: int = 0
    queue: asyncio.Queue[Told] = field(default_factory=asyncio.Queue)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    """Answers wait until it is set."""

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.queue.put_nowait(Told(request))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        await self.hold.wait()
        if status:
            writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode())

    async def next(self) -> Told:
        async with asyncio.timeout(SECONDS):
            return await self.queue.get()

    async def events(self, count: int) -> list[str]:
        """Return the events of the next deliveries."""
        return [(await self.next()).event for _ in range(count)]


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Hook]:
    hook = Hook(list(statuses) or [200])
    hook.hold.set()
    async with serving(hook.respond) as wire:
        hook.url, hook.port = f"{wire.url}/hook", wire.port
        yield hook
        hook.hold.set()
