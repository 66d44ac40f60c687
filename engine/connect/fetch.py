"""The one way to ask an address that somebody else chose: security rules H1 to H3.

Light to import; the HTTP client is loaded with the first fetch.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeAlias

from engine.connect.addresses import ANY_PORT, PUBLIC_PORTS, AddressRules
from engine.connect.limits import FETCH_LIMITS, Limits
from engine.errors import ServiceConnectionError
from engine.module import Download, Fetch

if TYPE_CHECKING:
    import httpx

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Look up a host name: all its addresses, best first. Raises ServiceConnectionError."""


Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

MOST_ADDRESSES = 4
"""Addresses of one name that are tried."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServiceConnectionError(f"host `{host}` cannot be found") from error
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return [address for address in addresses if "%" not in address]


@dataclass(frozen=True, slots=True)
class GuardedFetch:
    """A `Fetch` under the operator's rules; stateless, so it serves any thread and event loop.

    `transport` makes what carries requests to a checked address; None: the network. `hook_origins`
    are those of our own hooks, as `http://127.0.0.1:8000`: a POST reaches them whatever the rules
    say, a GET does not.
    """

    rules: AddressRules
    limits: Limits = FETCH_LIMITS
    resolve: Resolve = resolve
    transport: "Callable[[], httpx.AsyncBaseTransport] | None" = None
    hook_origins: Sequence[str] = ()

    def __call__(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> AbstractAsyncContextManager[Download]:
        from engine.connect.guarded import fetched  # noqa: PLC0415 - 0.1 s that most runs can save

        return fetched(self, url, headers=headers, max_bytes=max_bytes)

    async def checked_addresses(self, host: str, port: int) -> list[str]:
        """Look a host up once; return those of its addresses that are tried, best first.

        Raises DataError if any of its addresses is not allowed.
        """
        found = await self.resolve(host, port)
        for address in found:
            self.rules.check_address(ip_address(address))
        return list(found[:MOST_ADDRESSES])

    async def connect(self, host: str, port: int) -> Streams:
        """Open a connection to a host for whoever speaks for somebody else, such as a browser.

        Raises DataError if the address is not allowed, ServiceConnectionError if nobody answers.
        """
        self.rules.check_target(host, port, named_user=False)
        for address in await self.checked_addresses(host, port):
            try:
                async with asyncio.timeout(self.limits.connect_seconds):
                    return await asyncio.open_connection(address, port)
            except OSError:
                # Refused, unreachable or too slow (TimeoutError is one): the next may answer.
                continue
        raise ServiceConnectionError(f"host `{host}` does not answer on port {port}")

    async def post(
        self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None
    ) -> int:
        from engine.connect.guarded import posted  # noqa: PLC0415 - 0.1 s that most runs can save

        return await posted(self, url, content, headers=headers)


def guarded_fetch(
    *,
    allow_private_networks: bool = False,
    allowed_ports: Sequence[int] | None = None,
    hook_origins: Sequence[str] = (),
) -> Fetch:
    """Return a fetch that stays out of networks which the operator does not allow.

    `allowed_ports` None: those of the public web, or any if private networks are allowed, where
    servers seldom run on these two. `hook_origins` are those of hooks that this process serves
    itself, such as `http://127.0.0.1:8000`: webhooks are delivered there without any switch.
    """
    if allowed_ports is None:
        allowed_ports = ANY_PORT if allow_private_networks else PUBLIC_PORTS
    rules = AddressRules(allow_private_networks, allowed_ports)
    return GuardedFetch(rules, hook_origins=tuple(hook_origins))
