"""One HTTP/1.1 connection: an asyncio protocol between `question` and `answer`.

Source: RFC 9112, 9.
"""

import asyncio
import select
from collections.abc import Mapping
from typing import TypeAlias

import httpx

from engine.connect.answer import Answers, Head
from engine.connect.question import sent
from engine.connect.reasons import broken

Timeouts: TypeAlias = Mapping[str, float | None]
"""Seconds by `connect`, `read`, `write` and `pool`; None or absent: no limit."""

UNREAD_BYTES = 256 * 1024
"""Bytes that may wait for their reader before the other side is held up."""


class Wire(asyncio.Protocol):
    """An open connection that carries one request at a time.

    Raises httpx's transport errors. Whoever meets one, or is cancelled, must `drop` the wire.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._changed: asyncio.Future[None] | None = None
        self._answers = Answers()
        self._unread = 0
        self._held_up = False
        self._blocked = False
        self._ended = False
        self._failure: Exception | None = None
        self._broken: httpx.RemoteProtocolError | None = None
        self._unsent = False
        """A part of the last request was not sent."""
        self.heard = False
        """A byte came since the last request began, or since the last answer ended."""
        self.idle_since = 0.0
        """The loop's time when the last answer ended."""
        self.gone: asyncio.Future[None] = self._loop.create_future()
        """Done once the socket is closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a TCP connection
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard = True
        self._take(data)
        self._unread += len(data)
        if self._unread > UNREAD_BYTES and not self._held_up:
            self._held_up = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._take(None)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._failure = exc
        self.gone.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        self._wake()

    async def ask(self, request: httpx.Request, timeouts: Timeouts) -> Head:
        """Send a request and return the head of its answer."""
        self.heard = False
        answers = self._answers
        answers.begin(request.method)
        try:
            await self._send(request, timeouts.get("write"))
        except httpx.WriteError:
            if not self.heard:
                raise
        while answers.head is None:
            await self._more(timeouts.get("read"))
        return answers.head

    async def chunk(self, seconds: float | None) -> bytes | None:
        """Return the next piece of the answer's body, None at its end; `seconds` of silence."""
        answers = self._answers
        while not answers.chunks:
            if answers.whole:
                return None
            await self._more(seconds)
        return answers.chunks.popleft()

    def rest(self) -> bool:
        """Make ready for another request after an answer; False if there can be none.

        What is left of the body is skipped if it has come already.
        """
        answers = self._answers
        answers.chunks.clear()
        if not answers.whole or answers.last or self._unsent or self._transport.is_closing():
            return False
        self._unread, self.heard = 0, False
        self._read_on()
        self.idle_since = self._loop.time()
        return True

    @property
    def fresh(self) -> bool:
        """Nothing has come since the last answer, as far as the loop has looked."""
        return not (self.heard or self._ended or self._transport.is_closing())

    def quiet(self) -> bool:
        """Look at the socket itself: the loop may have been busy while the other side closed it."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def drop(self) -> None:
        """Close the connection at once; what was not sent is lost."""
        self._transport.abort()

    async def _send(self, request: httpx.Request, seconds: float | None) -> None:
        self._unsent = True
        async for piece in sent(request):
            await self._write(piece, seconds)
            if self._refused():
                return
        self._unsent = False

    async def _write(self, data: bytes, seconds: float | None) -> None:
        if self._transport.is_closing():
            raise httpx.WriteError(self._why_gone())
        self._transport.write(data)
        while self._blocked and not self._refused():
            await self._change(seconds, httpx.WriteTimeout)
            if self.gone.done():
                raise httpx.WriteError(self._why_gone())

    def _refused(self) -> bool:
        """The request was refused before all of it was sent: the rest is of no use to anybody.

        Source: RFC 9112, 9.5.
        """
        head = self._answers.head
        return head is not None and head.status >= 400

    def _take(self, data: bytes | None) -> None:
        """Hand on what has come, None: the end; what is wrong with it is told to who waits."""
        try:
            self._answers.end() if data is None else self._answers.feed(data)
        except httpx.RemoteProtocolError as error:
            self._broken = error

    async def _more(self, seconds: float | None) -> None:
        """Wait until something comes."""
        if self._broken is not None:
            raise self._broken
        if self.gone.done():
            raise httpx.ReadError(self._why_gone())
        self._unread = 0
        self._read_on()
        await self._change(seconds, httpx.ReadTimeout)

    def _read_on(self) -> None:
        if self._held_up and not self._transport.is_closing():
            self._held_up = False
            self._transport.resume_reading()

    async def _change(self, seconds: float | None, late: type[httpx.TimeoutException]) -> None:
        """Wait for the other side; cheaper than a Task's timeout, which cancels it."""
        changed = self._changed = self._loop.create_future()
        timer = None
        if seconds is not None:
            timer = self._loop.call_later(seconds, _expire, changed, late)
        try:
            await changed
        finally:
            self._changed = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def _why_gone(self) -> str:
        return broken(self._failure) if self._failure else "connection closed"


def _expire(changed: "asyncio.Future[None]", late: type[httpx.TimeoutException]) -> None:
    if not changed.done():
        changed.set_exception(late("no answer in time"))
