"""`engine.module.Http` over connections that are kept; credentials go to their own origin only."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Self, TypeVar

import httpx
import orjson

from engine.connect.body import parsed, whole
from engine.connect.form import FormBody
from engine.connect.limits import LIMITS, Limits
from engine.connect.pace import Pace
from engine.connect.sending import Sender
from engine.connect.statuses import (
    STATUSES,
    STORAGE_STATUSES,
    UNSENT,
    error_of_reply,
    error_of_transport,
    retry_after,
    shown_url,
)
from engine.connect.streams import (
    REDIRECTS,
    checked_headers,
    download_of,
    open_file,
    origin_of,
    url_of,
)
from engine.connect.transport import KeptConnections
from engine.errors import (
    DataError,
    ModuleError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Connection, Download, File, Progress, Reply
from engine.run.ports import Clock

BACK_OFF = tuple(timedelta(seconds=wait) for wait in (0.5, 1, 2))
"""Waits before a request is repeated that was not sent, or that only reads."""

JITTER = 0.25
"""Largest part of a wait that is added to it at random, so that many do not come back at once."""

RETRY_AFTER = "retry_after"
"""What the detail of an error has, in seconds, if the service says when to come again."""

RATE_LIMIT_WAITS = 5
"""How often one request waits for a rate limit; each wait also ends inside the deadline."""

SILENCE = 0.5
"""Share of the longest silence for which an answer is awaited that may take any time."""

_JSON = {"Accept": "application/json", "Accept-Encoding": "gzip"}

_PASSING = frozenset({502, 503, 504})

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, as often as it is sent. `raises` types its error statuses."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | FormBody | None
    raises: Mapping[int, type[ModuleError]]
    accept: Sequence[int] = ()

    def __str__(self) -> str:
        return f"{self.method} {shown_url(self.url)}"

    @property
    def reads(self) -> bool:
        return self.method in ("GET", "HEAD")


class HttpClient:
    """HTTP to one service. An async context manager; connections are kept for its whole life.

    `chance` gives numbers from 0 to 1. How many requests are under way and begin in a minute is
    limited by the connection, and what waits for that is not late for it.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock,
        raises: Mapping[int, type[ModuleError]] = MappingProxyType({}),
        limits: Limits = LIMITS,
        transport: httpx.AsyncBaseTransport | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._connection = connection
        self._base = url_of(connection.base_url.rstrip("/"))
        waiting = connection.sync_base_url
        self._waiting_base = url_of(waiting.rstrip("/")) if waiting else None
        self._origins = {origin_of(base) for base in (self._base, self._waiting_base) if base}
        self._clock = clock
        self._raises = {**STATUSES, **raises}
        self._limits = limits
        self._sender = Sender(transport or KeptConnections(), limits)
        self._pace = Pace(connection, clock)
        self._chance = chance

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        await self._sender.aclose()

    @property
    def base_url(self) -> str:
        return str(self._base)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Sequence[int] = (),
    ) -> Reply:
        """Send a request to a path below the base URL, which starts with a slash.

        GET follows redirects, with the credential on its own origin only; another method's redirect
        is a ServiceConnectionError, unless accepted.
        """
        url = self._below(path, query)
        own = _JSON | checked_headers(headers)
        content = None if json is None else _encoded(json)
        if content is not None:
            own["Content-Type"] = "application/json"
        call = _Call(method.upper(), url, own, content, self._raises, accept)
        async with self._pace.place():
            return await self._repeated(call, self._followed)

    async def awaited(self, path: str, limit: timedelta) -> Reply | None:
        """GET where the answer comes at the end; asked anew before silence counts as a failure."""
        if self._waiting_base is None:
            return None
        call = _Call("GET", self._below(path, None, self._waiting_base), _JSON, None, self._raises)
        until = self._clock.monotonic() + limit.total_seconds()
        with self._pace.wait() as allowed:
            while allowed and (left := until - self._clock.monotonic()) > 0:
                until += await self._pace.turn()
                try:
                    async with asyncio.timeout(min(left, self._limits.read_seconds * SILENCE)):
                        return await self._read(call, await self._send(call, trusted=True))
                except TimeoutError:
                    continue
                except (httpx.TransportError, ModuleError):
                    return None
        return None

    async def upload(
        self, url: str, form: Mapping[str, str], file: File, *, progress: Progress | None = None
    ) -> Reply:
        """POST a form and a file without credentials. Any 2xx and 303 are a success."""
        try:
            body = FormBody(form, file, secrets.token_hex(16), progress)
        except OSError as error:
            raise DataError(f"content of `{file.name}` is gone: {error.strerror}") from error
        call = _Call("POST", url_of(url), body.headers, body, STORAGE_STATUSES, (303,))
        async with self._pace.place():
            return await self._repeated(call, self._sent, size=file.size)

    @asynccontextmanager
    async def download(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Download]:
        """GET a file without credentials, through redirects.

        Its chunks raise ServiceConnectionError if fewer bytes come than were announced.
        """
        call = _Call("GET", url_of(url), checked_headers(headers), None, STORAGE_STATUSES)
        async with self._pace.place():
            response = await self._repeated(call, self._opened)
            try:
                yield download_of(response, call, self._limits)
            finally:
                await response.aclose()

    def _below(
        self, path: str, query: Mapping[str, str | int] | None, base: httpx.URL | None = None
    ) -> httpx.URL:
        base = base or self._base
        if not path.startswith("/"):
            raise DataError(f"path of a request must start with a slash: {path[:80]!r}")
        url = url_of(f"{base}{path}")
        if origin_of(url) != origin_of(base):
            raise DataError(f"path of a request must stay with its service: {path[:80]!r}")
        return url.copy_merge_params(dict(query)) if query else url

    async def _repeated(
        self, call: _Call, send: Callable[[_Call], Awaitable[Answer]], *, size: int = 0
    ) -> Answer:
        """Send until there is an answer, within the deadline; a file's size lengthens that."""
        until = self._clock.monotonic() + self._limits.deadline_seconds
        until += size / self._limits.slowest_rate
        tries = 0
        while True:
            tries += 1
            until += await self._pace.turn()
            try:
                async with asyncio.timeout(max(until - self._clock.monotonic(), 0)):
                    return await send(call)
            except (httpx.TransportError, TimeoutError) as error:
                failure = error_of_transport(error, call)
                failure.__cause__ = error
            except ModuleError as error:
                failure = error
            wait = self._wait(call, failure, tries)
            if wait is None or self._clock.monotonic() + wait.total_seconds() >= until:
                raise failure
            await self._clock.sleep(wait)

    def _wait(self, call: _Call, failure: ModuleError, tries: int) -> timedelta | None:
        wait = _wait_before_repeat(call, failure, tries)
        return wait and wait * (1 + JITTER * self._chance())

    async def _sent(self, call: _Call) -> Reply:
        return await self._read(call, await self._send(call))

    async def _followed(self, call: _Call) -> Reply:
        """Send an API call; a GET follows redirects."""
        for _hop in range(self._limits.redirects + 1):
            response = await self._send(call, trusted=True)
            target = response.headers.get("location")
            moved = response.status_code in REDIRECTS and target
            if not moved or response.status_code in call.accept or not call.reads:
                return await self._read(call, response)
            await response.aclose()
            call = _redirected(call, url_of(target, call.url))
        raise ServiceConnectionError(f"{call}: more than {self._limits.redirects} redirects")

    async def _opened(self, call: _Call) -> httpx.Response:
        response = await open_file(self._sender, call.url, call.headers, self._limits)
        if response.is_success:
            return response
        await self._read(call, response)
        raise AssertionError("an error status raises")

    async def _send(self, call: _Call, *, trusted: bool = False) -> httpx.Response:
        headers = call.headers
        if trusted and origin_of(call.url) in self._origins:
            headers = {**headers, "authorization": f"Bearer {self._connection.credential}"}
        return await self._sender.send(call.method, call.url, headers, call.content)

    async def _read(self, call: _Call, response: httpx.Response) -> Reply:
        """Return the answer. Raises the error of its status, unless that is accepted."""
        try:
            content = await whole(response, call, self._limits)
        finally:
            await response.aclose()
        status = response.status_code
        good = response.is_success or status in call.accept
        if not good:
            content = self._without_secret(content)
        try:
            body = parsed(content, response.headers.get("content-type", ""))
        except ValueError as error:
            if good:
                detail = {"status": status, "answer": "unreadable"}
                raise DataError(f"{call}: answer is not whole JSON", detail=detail) from error
            body = None
        reply = Reply(status, dict(response.headers.items()), body)
        if good:
            return reply
        failure = error_of_reply(reply, call, call.raises)
        asked_for = retry_after(reply.headers, self._clock.now())
        if isinstance(failure, RateLimitError):
            failure.retry_after = asked_for
        elif asked_for is not None:
            failure.detail[RETRY_AFTER] = asked_for.total_seconds()
        raise failure

    def _without_secret(self, content: bytes) -> bytes:
        secret = self._connection.credential.encode()
        return content.replace(secret, b"***") if len(secret) >= SHORTEST_SECRET else content


SHORTEST_SECRET = 8
"""Credentials shorter than this are left in texts: too much else would look like them."""


def _encoded(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise DataError(f"request cannot be written as JSON: {error}") from error


def _redirected(call: _Call, url: httpx.URL) -> _Call:
    """Return the call for the next hop; another origin hears none of the caller's headers."""
    headers = call.headers
    if origin_of(url) != origin_of(call.url):
        headers = {name: call.headers[name] for name in ("Accept", "Accept-Encoding")}
    return replace(call, url=url, headers=headers)


def _wait_before_repeat(call: _Call, failure: ModuleError, tries: int) -> timedelta | None:
    """Return the wait before the call is sent again, None if it must not be."""
    if isinstance(failure, RateLimitError):
        if tries > RATE_LIMIT_WAITS:
            return None
        return failure.retry_after or timedelta(seconds=2 ** (tries - 1))
    if tries > len(BACK_OFF) or not isinstance(failure, ServiceConnectionError):
        return None
    cause = failure.__cause__
    broken = isinstance(cause, httpx.TransportError) and not isinstance(
        cause, httpx.TimeoutException
    )
    passing = broken or failure.detail.get("status") in _PASSING
    if not (isinstance(cause, UNSENT) or (call.reads and passing)):
        return None
    return max(BACK_OFF[tries - 1], timedelta(seconds=failure.detail.get(RETRY_AFTER, 0)))
