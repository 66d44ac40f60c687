"""Carries httpx's requests: connections are kept per origin, and no origin gets too many of them.

In place of httpx's own pool, whose work for one request grows with the number of its connections.
HTTP/1.1 only; proxies of the environment are not asked.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import httpx

from engine.connect.answer import Head
from engine.connect.reasons import unreached
from engine.connect.wire import Timeouts, Wire

CONNECTIONS = 256
"""Open connections to one origin; more requests wait, first come, first served."""

KEPT_SECONDS = 4.0
"""How long an idle connection may be used again. Common servers close theirs after 5 s, and a
request that crosses that close on its way cannot be told from one that was carried out."""

NEXT_ADDRESS_SECONDS = 0.25
"""Wait before another address of a name is tried beside the first. Source: RFC 8305, 5."""

_ADDRESS = re.compile(r"[\d.]+|.*:.*")

Origin: TypeAlias = tuple[str, bytes, int | None, str]
"""Scheme, host, port if it is not the scheme's, and the name that TLS verifies."""


@dataclass(slots=True)
class _Place:
    """The connections to one origin."""

    slots: asyncio.Semaphore
    idle: list[Wire] = field(default_factory=list)
    users: int = 0
    """Requests that wait for a slot or hold one."""


class KeptConnections(httpx.AsyncBaseTransport):
    """A transport of one event loop; `aclose` closes whatever is still open."""

    def __init__(self, connections: int = CONNECTIONS, kept_seconds: float = KEPT_SECONDS) -> None:
        self._limit = connections
        self._kept_seconds = kept_seconds
        self._places: dict[Origin, _Place] = {}
        self._open: set[Wire] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts: Timeouts = request.extensions.get("timeout", {})
        origin = _origin_of(request)
        place = self._place(origin)
        place.users += 1
        try:
            await _take_slot(place, timeouts.get("pool"))
        except BaseException:
            place.users -= 1
            raise
        try:
            wire, head = await self._asked(place, request, timeouts)
        except BaseException:
            self._give_back(place, None)
            raise
        return httpx.Response(
            head.status,
            headers=head.headers,
            stream=_Body(wire, timeouts.get("read"), lambda: self._give_back(place, wire)),
            extensions={
                "http_version": b"HTTP/" + head.version.encode(),
                "reason_phrase": head.reason,
            },
        )

    async def aclose(self) -> None:
        self._closed = True
        waiting = [wire.gone for wire in self._open]
        for wire in self._open:
            wire.drop()
        if waiting:
            await asyncio.wait(waiting)

    def _place(self, origin: Origin) -> _Place:
        place = self._places.get(origin)
        if place is None:
            self._forget()
            place = self._places[origin] = _Place(asyncio.Semaphore(self._limit))
        return place

    def _forget(self) -> None:
        """Close what is too old in all places, and drop the places that nobody uses."""
        for origin, place in list(self._places.items()):
            while place.idle and not self._usable(place.idle[0]):
                place.idle.pop(0).drop()
            if not (place.idle or place.users):
                del self._places[origin]

    def _usable(self, wire: Wire) -> bool:
        kept = asyncio.get_running_loop().time() - wire.idle_since
        return kept < self._kept_seconds and wire.fresh

    async def _asked(
        self, place: _Place, request: httpx.Request, timeouts: Timeouts
    ) -> tuple[Wire, Head]:
        """Ask over a kept connection, or a new one if those turn out to be closed."""
        while place.idle:
            wire = place.idle.pop()
            if not self._usable(wire) or not (_repeatable(request) or wire.quiet()):
                wire.drop()
                continue
            try:
                return wire, await _ask(wire, request, timeouts)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if wire.heard or self._closed or not _repeatable(request):
                    raise
        wire = await self._connected(request, timeouts.get("connect"))
        return wire, await _ask(wire, request, timeouts)

    async def _connected(self, request: httpx.Request, seconds: float | None) -> Wire:
        if self._closed:
            raise RuntimeError("the transport is closed")
        host = request.url.raw_host.decode("ascii")
        options: dict[str, Any] = {}
        if not _ADDRESS.fullmatch(host):
            options["happy_eyeballs_delay"] = NEXT_ADDRESS_SECONDS
        if request.url.scheme == "https":
            options["ssl"] = tls()
            options["server_hostname"] = request.extensions.get("sni_hostname", host)
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, wire = await loop.create_connection(Wire, host, port, **options)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, ValueError) as error:
            raise httpx.ConnectError(unreached(error)) from error
        self._open.add(wire)
        wire.gone.add_done_callback(lambda _gone: self._open.discard(wire))
        return wire

    def _give_back(self, place: _Place, wire: Wire | None) -> None:
        """End a request; its connection is kept if it is fit for another one."""
        if wire is not None:
            if not self._closed and wire.rest():
                place.idle.append(wire)
            else:
                wire.drop()
        place.users -= 1
        place.slots.release()


class _Body(httpx.AsyncByteStream):
    """The body of an answer; its connection is given back at the end, or when it is closed."""

    def __init__(self, wire: Wire, seconds: float | None, give_back: Callable[[], None]) -> None:
        self._wire = wire
        self._seconds = seconds
        self._give_back: Callable[[], None] | None = give_back
        self._read = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._read:
            raise StopAsyncIteration
        if self._give_back is None:
            raise httpx.StreamClosed
        try:
            chunk = await self._wire.chunk(self._seconds)
        except BaseException:
            self._end()
            raise
        if chunk is None:
            self._read = True
            self._end()
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._end()

    def _end(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


async def _take_slot(place: _Place, seconds: float | None) -> None:
    if not place.slots.locked():
        await place.slots.acquire()
        return
    try:
        async with asyncio.timeout(seconds):
            await place.slots.acquire()
    except TimeoutError as error:
        raise httpx.PoolTimeout("no free connection in time") from error


async def _ask(wire: Wire, request: httpx.Request, timeouts: Timeouts) -> Head:
    try:
        return await wire.ask(request, timeouts)
    except BaseException:
        wire.drop()
        raise


def _repeatable(request: httpx.Request) -> bool:
    """Sending it once more changes nothing at the other side, and its body is still there."""
    return request.method in ("GET", "HEAD") and isinstance(request.stream, httpx.ByteStream)


def _origin_of(request: httpx.Request) -> Origin:
    url = request.url
    return url.scheme, url.raw_host, url.port, request.extensions.get("sni_hostname", "")


@cache
def tls() -> ssl.SSLContext:
    """Return what verifies servers; made once, as it takes 20 ms. No variable changes it."""
    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context
