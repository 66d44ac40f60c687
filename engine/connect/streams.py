"""GET of a file: redirects followed by hand, so that each hop is checked and carries no secrets."""

from collections.abc import Callable, Mapping

import httpx

from engine.connect.body import body_of, name_of
from engine.connect.limits import Limits
from engine.connect.sending import Sender
from engine.connect.statuses import shown_url
from engine.errors import DataError, ServiceConnectionError
from engine.module import Download

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
_PLAIN = {"Accept-Encoding": "identity"}
"""A file comes as it is, so that its size can be compared."""


def url_of(text: str, asked_by: httpx.URL | None = None) -> httpx.URL:
    """Return an http or https URL with a host, relative ones joined. Raises DataError."""
    try:
        url = asked_by.join(text) if asked_by else httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise DataError("not a valid URL") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise DataError(f"not an http or https URL: {shown_url(url)}")
    return url


def checked_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the caller's headers. Raises DataError for those that the transfer itself sets."""
    for name, value in (headers or {}).items():
        if name.lower() in _OURS:
            raise DataError(f"header `{name}` cannot be set")
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            raise DataError(f"not a header name: {name[:80]!r}")
        if not value.isascii() or not (value.isprintable() or value == ""):
            raise DataError(f"header `{name}` has a value that cannot be sent")
    return dict(headers or {})


async def open_file(
    sender: Sender,
    url: httpx.URL,
    headers: Mapping[str, str],
    limits: Limits,
    admit: Callable[[httpx.URL], None] = lambda _url: None,
) -> httpx.Response:
    """Return the open answer at the end of all redirects, whatever its status; the caller closes.

    `admit` raises for a hop that is not allowed. The caller's headers stay with the first origin.
    Raises ServiceConnectionError past the redirect limit, and httpx's errors as they are.
    """
    here = url
    for _hop in range(limits.redirects + 1):
        admit(here)
        own = headers if origin_of(here) == origin_of(url) else {}
        response = await sender.send("GET", here, {**own, **_PLAIN})
        target = response.headers.get("location")
        if response.status_code not in REDIRECTS or not target:
            return response
        await response.aclose()
        here = url_of(target, here)
    raise ServiceConnectionError(f"GET {shown_url(url)}: more than {limits.redirects} redirects")


def origin_of(url: httpx.URL) -> tuple[str, str, int]:
    """Return scheme, host and port, with the scheme's own port where none is written."""
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def download_of(response: httpx.Response, asked: object, limits: Limits) -> Download:
    """Return what a caller sees of an open answer."""
    packed = response.headers.get("content-encoding", "identity").lower() != "identity"
    length = response.headers.get("content-length", "")
    return Download(
        name=name_of(response.headers, response.request.url.raw_path.decode().partition("?")[0]),
        size=int(length) if length.isdecimal() and not packed else None,
        chunks=body_of(response, asked, limits),
    )
