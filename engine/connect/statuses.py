"""From what a service answers, or fails to answer, to the typed error that an error route sees.

Texts of a service are cut, and their control characters escaped: they end in logs and terminals.
Source of the types: Fusion help, error types; RFC 9110, Retry-After.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from html import unescape
from types import MappingProxyType
from typing import Any

import httpx

from engine.errors import (
    DataError,
    InvalidAccessTokenError,
    ModuleError,
    ModuleTimeoutError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Reply

LONGEST_TEXT = 500
"""Characters of a service's text that go into a message."""

STATUSES: Mapping[int, type[ModuleError]] = MappingProxyType(
    {401: InvalidAccessTokenError, 403: InvalidAccessTokenError, 429: RateLimitError}
)
"""Default error per status; the rest of 4xx is DataError, 3xx and 5xx ServiceConnectionError."""

STORAGE_STATUSES: Mapping[int, type[ModuleError]] = MappingProxyType(
    {401: DataError, 403: DataError, 429: RateLimitError}
)
"""The same for addresses that carry their own right: a refusal is about the address."""

UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Errors of a request of which no byte has left, so that it may be sent again whatever it does."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_XML_ERROR = re.compile(r"<(Code|Message)>([^<>]{1,2000})</\1>")


def clean(text: str, limit: int = LONGEST_TEXT) -> str:
    """Return one line that is safe to show: white space folded, control characters escaped, cut."""
    line = " ".join(text[: limit * 4].split())
    line = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def shown_url(url: httpx.URL) -> str:
    """Return a URL for people: no user, query or fragment, which may hold signatures."""
    return clean(str(url.copy_with(userinfo=b"", query=None, fragment=None)))


def error_of_reply(
    reply: Reply, asked: object, raises: Mapping[int, type[ModuleError]]
) -> ModuleError:
    """Return the error for an answer whose status is not a success.

    `asked` says what was requested, as `POST https://host/path`. The detail has `status`, and
    `code` and `errors` if the service gave them.
    """
    kind = raises.get(reply.status) or _default_of(reply.status)
    message = f"{asked}: {_said(reply)}"
    detail: dict[str, Any] = {"status": reply.status}
    refused = _refused(reply)
    detail |= {key: refused[key] for key in ("code", "errors") if refused.get(key)}
    return kind(message, detail=detail)


def _refused(reply: Reply) -> Mapping[str, Any]:
    """Return what a body says of a refusal, as `message`, `code` and `errors`; empty: nothing.

    Storage says it in XML, of which the rest may hold what was signed. Source: Amazon S3, error
    responses.
    """
    if isinstance(reply.body, Mapping):
        return reply.body
    if not isinstance(reply.body, str) or "xml" not in reply.headers.get("content-type", ""):
        return {}
    return {name.lower(): unescape(text) for name, text in _XML_ERROR.findall(reply.body)}


def _default_of(status: int) -> type[ModuleError]:
    if 400 <= status < 500:
        return DataError
    return ServiceConnectionError


def _said(reply: Reply) -> str:
    """Return the service's own words with the status behind them."""
    words, refused = "", _refused(reply)
    if refused:
        words = str(refused.get("message") or "")
        faults = _flattened(refused.get("errors"), "")
        flat = "; ".join(fault for fault in faults if not words or not fault.endswith(words))
        words = f"{words} ({flat})" if words and flat else words or flat
    elif reply.headers.get("content-type", "").startswith("text/plain"):
        words = str(reply.body)
    status = f"HTTP {reply.status}"
    phrase = httpx.codes.get_reason_phrase(reply.status)
    if not words.strip():
        return f"{status} {phrase}".rstrip()
    return f"{clean(words)} [{status}]"


def _flattened(errors: Any, path: str) -> Iterator[str]:
    """Yield `field: text` for each text in a tree of field errors."""
    match errors:
        case Mapping():
            for key, value in errors.items():
                yield from _flattened(value, f"{path}.{key}" if path else str(key))
        case list():
            for value in errors:
                yield from _flattened(value, path)
        case None:
            return
        case _:
            yield f"{path}: {errors}" if path else str(errors)


def error_of_transport(error: Exception, asked: object) -> ModuleError:
    """Return the error for a request that got no whole answer; the cause is for `__cause__`.

    The detail has `sent` False if none of it left, so that nothing can have come of it.
    """
    if isinstance(error, UNSENT):
        text = f"{asked}: cannot connect: {clean(str(error)) or 'timeout'}"
        return ServiceConnectionError(text, detail={"sent": False})
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return ModuleTimeoutError(f"{asked}: no complete answer in time")
    return ServiceConnectionError(f"{asked}: connection broken: {clean(str(error))}")


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long a service asks to wait, never negative; None if it does not or unreadably."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=now.tzinfo)
    return max(moment - now, timedelta())
