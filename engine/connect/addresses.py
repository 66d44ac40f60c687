"""Which addresses a request may go to when somebody else chose the URL. Pure.

Source: IANA special-purpose address registries; metadata addresses of the large clouds.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import TypeAlias

from engine.errors import DataError

Address: TypeAlias = IPv4Address | IPv6Address

_METADATA = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
         "fd00:ec2::254"),
    )
)  # fmt: skip
_NOT_PUBLIC = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_PUBLIC_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?", re.IGNORECASE)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)

PUBLIC_PORTS = (80, 443)
ANY_PORT = range(1, 65_536)


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What the operator allows. Metadata, multicast and unspecified addresses never are."""

    allow_private_networks: bool = False
    allowed_ports: Sequence[int] = PUBLIC_PORTS

    def check_target(self, host: str, port: int, *, named_user: bool) -> None:
        """Raise DataError for a URL that may not be asked, before any look-up.

        `host` is ASCII: a name after IDNA, or an address without brackets.
        """
        if named_user:
            raise DataError("a URL with a user name is refused")
        if port not in self.allowed_ports:
            raise DataError(f"port {port} is not allowed")
        literal = _literal(host)
        if literal is not None:
            self.check_address(literal)
        elif not _HOST.fullmatch(host) or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise DataError(f"not a host name: {host[:80]!r}")

    def check_address(self, address: Address) -> None:
        """Raise DataError for an address that may not be connected to."""
        for inner in _unwrapped(address):
            never = inner.is_multicast or inner.is_unspecified or inner in _METADATA
            if never or not (self.allow_private_networks or _is_public(inner)):
                raise DataError("the address is in a network that is not allowed")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _unwrapped(address: Address) -> Iterator[Address]:
    """Yield the address, or the addresses that it carries inside."""
    if isinstance(address, IPv4Address):
        yield address
        return
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or int(address) >> 32 == 0:
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    inner = [one for one in carried if one is not None]
    if int(address) in (0, 1):
        inner = []
    yield from inner or [address]


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address in _PUBLIC_V6 and address.is_global
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)
