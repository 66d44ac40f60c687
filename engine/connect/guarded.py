"""The work behind `engine.connect.fetch`: look up once, check every address, connect to one."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv6Address, ip_address

import httpx

from engine.connect.addresses import ANY_PORT, AddressRules
from engine.connect.fetch import GuardedFetch
from engine.connect.sending import Sender
from engine.connect.statuses import error_of_transport, shown_url
from engine.connect.streams import checked_headers, download_of, open_file, origin_of, url_of
from engine.connect.transport import KeptConnections
from engine.errors import DataError, MaxFileSizeExceededError, ServiceConnectionError
from engine.module import Download

MOST_ADDRESSES = 4
"""Addresses of one name that are tried."""

_OWN_HOOK = AddressRules(allow_private_networks=True, allowed_ports=ANY_PORT)


@asynccontextmanager
async def fetched(
    fetch: GuardedFetch, url: str, *, headers: Mapping[str, str] | None, max_bytes: int | None
) -> AsyncIterator[Download]:
    """Open the file at `url`; see `engine.module.Fetch`."""
    target = url_of(url)
    asked = f"GET {shown_url(target)}"
    own = checked_headers(headers)
    limits = fetch.limits
    async with Sender(_CheckedTransport(fetch), limits) as sender:
        try:
            async with asyncio.timeout(limits.deadline_seconds):
                response = await open_file(
                    sender, target, own, limits, lambda hop: _admit(fetch, hop)
                )
        except (httpx.TransportError, TimeoutError) as error:
            raise error_of_transport(error, asked) from error
        try:
            yield _capped(_successful(response, asked, fetch), asked, max_bytes)
        finally:
            await response.aclose()


async def posted(
    fetch: GuardedFetch, url: str, content: bytes, *, headers: Mapping[str, str] | None
) -> int:
    """POST content to `url`; see `engine.module.Fetch`."""
    target = url_of(url)
    asked = f"POST {shown_url(target)}"
    own = checked_headers(headers)
    if origin_of(target) in {origin_of(url_of(one)) for one in fetch.hook_origins}:
        fetch = replace(fetch, rules=_OWN_HOOK)
    _admit(fetch, target)
    async with Sender(_CheckedTransport(fetch), fetch.limits) as sender:
        try:
            async with asyncio.timeout(fetch.limits.deadline_seconds):
                response = await sender.send("POST", target, own, content)
                await response.aclose()
        except (httpx.TransportError, TimeoutError) as error:
            raise error_of_transport(error, asked) from error
    return response.status_code


def _admit(fetch: GuardedFetch, url: httpx.URL) -> None:
    port = url.port or (443 if url.scheme == "https" else 80)
    fetch.rules.check_target(url.raw_host.decode("ascii"), port, named_user=bool(url.userinfo))


def _successful(response: httpx.Response, asked: str, fetch: GuardedFetch) -> Download:
    if not response.is_success:
        raise DataError(
            f"{asked}: HTTP {response.status_code} {response.reason_phrase}".rstrip(),
            detail={"status": response.status_code},
        )
    return download_of(response, asked, fetch.limits)


def _capped(download: Download, asked: str, max_bytes: int | None) -> Download:
    if max_bytes is None:
        return download
    if download.size is not None and download.size > max_bytes:
        raise MaxFileSizeExceededError(
            f"{asked}: {download.size} bytes, at most {max_bytes} allowed"
        )

    async def counted() -> AsyncIterator[bytes]:
        received = 0
        async for chunk in download.chunks:
            received += len(chunk)
            if received > max_bytes:
                raise MaxFileSizeExceededError(f"{asked}: more than {max_bytes} bytes")
            yield chunk

    return replace(download, chunks=counted())


class _CheckedTransport(httpx.AsyncBaseTransport):
    """Connects to addresses that were checked; the host's name stays in `Host` and in TLS."""

    def __init__(self, fetch: GuardedFetch) -> None:
        self._fetch = fetch
        self._inner = (fetch.transport or KeptConnections)()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.raw_host.decode("ascii")
        refusal: httpx.TransportError | None = None
        for address in await self._addresses(host, request.url.port or 0):
            try:
                return await self._inner.handle_async_request(_pinned(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                refusal = error
        raise refusal or ServiceConnectionError(f"host `{host}` has no address")

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Look the host up once. Raises DataError if any of its addresses is not allowed."""
        return await self._fetch.checked_addresses(host, port)


def _pinned(request: httpx.Request, host: str, address: str) -> httpx.Request:
    literal = f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address
    return httpx.Request(
        request.method,
        request.url.copy_with(host=literal),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
