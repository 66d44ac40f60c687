"""One HTTP/1.1 connection: an asyncio protocol that h11 gives its meaning.

Source: RFC 9112; h11's states of both sides.
"""

import asyncio
import select
from collections.abc import Mapping
from typing import TypeAlias

import h11
import httpx

Timeouts: TypeAlias = Mapping[str, float | None]
"""Seconds by `connect`, `read`, `write` and `pool`; None or absent: no limit."""

HEAD_BYTES = 100 * 1024
"""Largest head of an answer, and largest line between its chunks."""

UNREAD_BYTES = 256 * 1024
"""Bytes that may wait for their reader before the other side is held up."""


class Wire(asyncio.Protocol):
    """An open connection that carries one request at a time.

    Raises httpx's transport errors. Whoever meets one, or is cancelled, must `drop` the wire.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
        self._transport: asyncio.Transport
        self._changed: asyncio.Future[None] | None = None
        self._head: h11.Response | None = None
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
        self._http.receive_data(data)
        self._unread += len(data)
        if self._unread > UNREAD_BYTES and not self._held_up:
            self._held_up = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._http.receive_data(b"")
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

    async def ask(self, request: httpx.Request, timeouts: Timeouts) -> h11.Response:
        """Send a request and return the head of its answer."""
        self.heard = False
        try:
            await self._send(request, timeouts.get("write"))
        except httpx.WriteError:
            if not self.heard:
                raise
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        while not self._answered():
            await self._more(timeouts.get("read"))
        assert self._head is not None  # noqa: S101 - that is what `_answered` says
        return self._head

    async def chunk(self, seconds: float | None) -> bytes | None:
        """Return the next piece of the answer's body, None at its end; `seconds` of silence."""
        while True:
            event = self._next()
            if isinstance(event, h11.Data):
                return bytes(event.data)
            if isinstance(event, h11.EndOfMessage):
                return None
            if event is not None:
                raise httpx.RemoteProtocolError(f"{event!r} inside an answer")
            await self._more(seconds)

    def rest(self) -> bool:
        """Make ready for another request after an answer; False if there can be none.

        What is left of the body is skipped if it has come already.
        """
        try:
            while self._http.their_state is h11.SEND_BODY and self._next() is not None:
                pass
        except httpx.RemoteProtocolError:
            return False
        both = (self._http.our_state, self._http.their_state)
        ready = both == (h11.DONE, h11.DONE) and not self._http.trailing_data[0]
        if not ready or self._ended or self._transport.is_closing():
            return False
        self._http.start_next_cycle()
        self._head, self._unread, self.heard = None, 0, False
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
        head = h11.Request(
            method=request.method, target=request.url.raw_path, headers=request.headers.raw
        )
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - of an async client
        out = self._http.send(head)
        async for chunk in request.stream:
            if not chunk:
                continue
            await self._write(out + self._http.send(h11.Data(data=chunk)), seconds)
            out = b""
            if self._refused():
                return
        out += self._http.send(h11.EndOfMessage())
        if out:
            await self._write(out, seconds)

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
        return (
            self.heard and self._answered() and bool(self._head and self._head.status_code >= 400)
        )

    def _answered(self) -> bool:
        """Read on to the head of the final answer, as far as it has come."""
        while self._head is None:
            event = self._next()
            if event is None:
                return False
            if isinstance(event, h11.Response):
                self._head = event
            elif not isinstance(event, h11.InformationalResponse):
                raise httpx.RemoteProtocolError(f"{event!r} in place of an answer")
        return True

    def _next(self) -> object:
        """Return h11's next event, None if not enough has come yet."""
        if self._ended and not self.heard:
            raise httpx.RemoteProtocolError("closed without an answer")
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return None if event is h11.NEED_DATA else event

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
