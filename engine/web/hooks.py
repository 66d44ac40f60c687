"""Hooks over HTTP: what is sent to `…/hooks/KEY`, checked before anybody believes it.

Nothing of a body is read before its hook is known, within its rate, and its kind and size are told;
what it means is for the receiver to say. Source: Workfront Fusion's documentation of webhooks (100
requests a second, 5 MB).
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.module import HookRequest

SECOND: Final = 1.0


@dataclass(frozen=True, slots=True)
class HookLimits:
    """What one hook may be sent."""

    body_bytes: int = 5_000_000
    per_second: int = 100
    depth: int = 64
    """Levels of nesting in a body."""
    body_seconds: float = 20
    """How long a body may take, however it comes."""


class Receiver(Protocol):
    """Who makes something of requests; a key is the last part of a hook's path."""

    def knows(self, key: str) -> bool: ...

    async def receive(self, key: str, request: HookRequest) -> tuple[int, str]:
        """Take a request of a known hook; return the status of the answer and a word for the
        sender. 200 means that what it tells is on disk."""


def hook_app(
    receiver: Receiver, monotonic: Callable[[], float], limits: HookLimits | None = None
) -> Starlette:
    """Return the application that a web server serves."""
    endpoint = _Endpoint(receiver, limits or HookLimits(), monotonic)
    return Starlette(routes=[Route("/{path:path}", endpoint.answer, methods=["POST"])])


class _Refused(Exception):  # noqa: N818 - an answer, given early
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = (status, message)


class _Endpoint:
    def __init__(
        self, receiver: Receiver, limits: HookLimits, monotonic: Callable[[], float]
    ) -> None:
        self._receiver = receiver
        self._limits = limits
        self._monotonic = monotonic
        self._latest: dict[str, deque[float]] = defaultdict(deque)
        """When each hook was asked within the last second."""

    async def answer(self, request: Request) -> Response:
        try:
            status, message = await self._received(request)
        except _Refused as refused:
            status, message = refused.answer
        except ClientDisconnect:
            status, message = 400, "the body did not come"
        headers = {"retry-after": "1"} if status in (429, 503) else {}
        if status in (408, 413, 429):
            headers["connection"] = "close"  # what is left of the body is not waited for
        return JSONResponse({"message": message}, status, headers)

    async def _received(self, request: Request) -> tuple[int, str]:
        key = _key_of(request.path_params["path"])
        if not self._receiver.knows(key):
            raise _Refused(404, "there is no such hook")
        self._check_rate(key)
        _check_type(request.headers.get("content-type", ""))
        body = await self._body(request)
        _check_json(body, self._limits.depth)
        headers = {name.lower(): value for name, value in request.headers.items()}
        return await self._receiver.receive(key, HookRequest(body, headers))

    def _check_rate(self, key: str) -> None:
        now, latest = self._monotonic(), self._latest[key]
        while latest and latest[0] <= now - SECOND:
            latest.popleft()
        if len(latest) >= self._limits.per_second:
            raise _Refused(429, f"more than {self._limits.per_second} requests in a second")
        latest.append(now)

    async def _body(self, request: Request) -> bytes:
        most = self._limits.body_bytes
        told = request.headers.get("content-length", "")
        if told[:20].isdecimal() and int(told[:20]) > most:
            raise _Refused(413, f"the body has more than {most} bytes")
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        raise _Refused(413, f"the body has more than {most} bytes")
        except TimeoutError as error:
            raise _Refused(408, "the body comes too slowly") from error
        return bytes(body)


def _key_of(path: str) -> str:
    """Return the key of a hook's path; a proxy may put something in front of it."""
    front, _, key = path.rpartition("/")
    return key if front == "hooks" or front.endswith("/hooks") else ""


def _check_type(header: str) -> None:
    """Take JSON in UTF-8 and nothing else: no other parser ever sees a body."""
    kind, *parameters = (part.strip().lower() for part in header.split(";"))
    harmless = {"", "charset=utf-8", 'charset="utf-8"'}
    if kind != "application/json" or not set(parameters) <= harmless:
        raise _Refused(415, "only application/json is taken")


def _check_json(body: bytes, depth: int) -> None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _Refused(400, "the body is not JSON") from error
    if _is_deeper(value, depth):
        raise _Refused(400, f"the body is nested deeper than {depth} levels")


def _is_deeper(value: Any, depth: int) -> bool:
    level = _held([value])
    for _ in range(depth):
        level = _held(
            item for one in level for item in (one.values() if type(one) is dict else one)
        )
        if not level:
            return False
    return True


def _held(values: Iterable[Any]) -> list[Any]:
    """Return the lists and mappings among values."""
    return [value for value in values if isinstance(value, list | dict)]
