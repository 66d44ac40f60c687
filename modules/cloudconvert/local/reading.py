"""What a request asks for: its body, its page, what to include, and which way it came."""

import asyncio
import re
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

import orjson
from starlette.requests import ClientDisconnect, Request

from modules.cloudconvert.local.answers import Page
from modules.cloudconvert.local.refusal import Refusal, invalid

PER_PAGE = 100
MOST_PER_PAGE = 1000
MOST_LEVELS = 64
"""Of objects and arrays inside of one another in a body."""

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:]+\](:\d+)?")

T = TypeVar("T")


async def json_object(request: Request, limit: int) -> dict[str, Any]:
    """Read a JSON object of at most `limit` bytes; an empty body counts as one without fields."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refusal(413, "REQUEST_TOO_LARGE", "The request is too large.")
    if not body.strip():
        return {}
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "BAD_REQUEST", f"The body is not valid JSON: {error}") from error
    if _is_deep(parsed):
        raise Refusal(400, "BAD_REQUEST", f"The body is nested deeper than {MOST_LEVELS} levels.")
    if isinstance(parsed, dict):
        return parsed
    if parsed == []:
        # What PHP makes of an empty map.
        return {}
    raise Refusal(400, "BAD_REQUEST", "The body must be a JSON object.")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


async def while_connected(request: Request, waiting: Coroutine[Any, Any, T]) -> T:
    """Wait for an end as long as somebody is there to hear of it. Raises ClientDisconnect."""
    result = asyncio.ensure_future(waiting)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((result, gone), return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            raise ClientDisconnect
        return result.result()
    finally:
        result.cancel()
        gone.cancel()
        await asyncio.gather(result, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def is_blocking(request: Request) -> bool:
    """Tell whether the answer waits for the end of the job or task."""
    host = request.headers.get("host", "")
    return request.url.path.startswith("/sync/") or host.lower().startswith("sync.")


def root_of(request: Request) -> str:
    """Return scheme and host as the client wrote them. Raises Refusal 400."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise Refusal(400, "BAD_REQUEST", "The Host header is not usable.")
    return f"{request.url.scheme}://{host.removeprefix('sync.')}"


def included(request: Request) -> frozenset[str]:
    """Return the parts that are left out unless `include` names them."""
    return frozenset(request.query_params.get("include", "").split(","))


def page_of(request: Request) -> Page:
    """Return the page of a list that is wanted. Raises Refusal 422."""
    number = _positive(request, "page", 1)
    size = _positive(request, "per_page", PER_PAGE)
    return Page(number, min(size, MOST_PER_PAGE))


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:18]) <= 10**15):
        raise invalid({name: [f"The {name} must be at least 1."]})
    return int(text)
