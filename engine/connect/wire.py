"""One HTTP/1.1 connection as an asyncio protocol: what waits, and what is held up."""

import asyncio
import select
from collections.abc import Mapping
from typing import TypeAlias

import httpx

from engine.connect.http1 import Answers, Head, head_of, length_of

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
        self._answers = Answers()
        self._transport: asyncio.Transport
        self._changed: asyncio.Future[None] | None = None
        self._head: Head | None = None
        self._sent = False
        self._unread = 0
        self._held_up = False
        self._blocked = False
        self._ended = False
        self._failure: Exception | None = None
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
        self._answers.receive(data)
        self._unread += len(data)
        if self._unread > UNREAD_BYTES and not self._held_up:
            self._held_up = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._answers.end()
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
        self._head, self._sent, self.heard = None, False, False
        self._answers.expect(request.method)
        try:
            await self._send(request, timeouts.get("write"))
        except httpx.WriteError:
            if not self.heard:
                raise
        while (head := self._answered()) is None:
            await self._more(timeouts.get("read"))
        return head

    async def chunk(self, seconds: float | None) -> bytes | None:
        """Return the next piece of the answer's body, None at its end; `seconds` of silence."""
        while not (piece := self._answers.piece()):
            if self._answers.done:
                return None
            await self._more(seconds)
        return piece

    def rest(self) -> bool:
        """Make ready for another request after an answer; False if there can be none.

        What is left of the body is skipped if it has come already.
        """
        try:
            while self._answers.piece():
                pass
        except httpx.RemoteProtocolError:
            return False
        if not (self._sent and self._answers.in_step) or self._transport.is_closing():
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
        out, length, sent = head_of(request), length_of(request), 0
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - of an async client
        async for chunk in request.stream:
            if not chunk:
                continue
            sent += len(chunk)
            if length is not None and sent > length:
                break
            out += chunk if length is not None else b"%x\r\n%b\r\n" % (len(chunk), chunk)
            await self._write(out, seconds)
            out = b""
            if self._refused():
                return
        if length is not None and sent != length:
            raise httpx.LocalProtocolError("the request's body is not as long as announced")
        if length is None:
            out += b"0\r\n\r\n"
        if out:
            await self._write(out, seconds)
        self._sent = True

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
        head = self._answered() if self.heard else None
        return head is not None and head.status >= 400

    def _answered(self) -> Head | None:
        """Return the head of the final answer, if it has come."""
        if self._head is None:
            self._head = self._answers.head()
        return self._head

    async def _more(self, seconds: float | None) -> None:
        """Wait until something comes."""
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
        return str(self._failure or "connection closed")


def _expire(changed: "asyncio.Future[None]", late: type[httpx.TimeoutException]) -> None:
    if not changed.done():
        changed.set_exception(late("no answer in time"))
