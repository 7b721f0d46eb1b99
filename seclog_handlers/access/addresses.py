"""Whose request it is: the peer of the connection, or whom a trusted proxy names."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from seclog_handlers.enrichment.addresses import Address, parse_address
from seclog_handlers.errors import ConfigurationError, warn_once

if TYPE_CHECKING:
    from collections.abc import Iterable

UNIX = "unix"

# The part of X-Forwarded-For that is read, from its right end: what proxies append, not what clients invent.
MAX_FORWARDED = 2048
MAX_HOPS = 32
_CACHE_SIZE = 4096

_NOT_BELIEVED = (
    "X-Forwarded-For came from an address that access_log.trusted_proxies does not name: it is not believed, "
    "and ip_address is the sender's own address. If that is your proxy, add its CIDR (or 'unix') to "
    "access_log.trusted_proxies."
)


class Proxies:
    """The proxies whose X-Forwarded-For is believed.

    Args:
        trusted: CIDRs or addresses, or `unix` for a peer on a Unix socket, which has no address.

    Raises:
        ConfigurationError: If an entry is none of these.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        entries = [entry.strip() for entry in trusted]
        self._unix = UNIX in entries
        self._networks = tuple(_network(entry) for entry in entries if entry != UNIX)
        self._trusts = lru_cache(_CACHE_SIZE)(self._within)

    def _within(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def client(self, peer: str, forwarded: str) -> str:
        """Return the client's address, empty if nobody says it.

        X-Forwarded-For is walked from its right end, as long as the hop before is a trusted one; an entry
        that is no address ends the walk at the hop that wrote it.
        """
        address = parse_address(peer)
        if not forwarded:
            return "" if address is None else str(address)
        if not (self._unix if address is None else self._trusts(address)):
            warn_once(_NOT_BELIEVED)
            return "" if address is None else str(address)
        for hop in reversed(forwarded[-MAX_FORWARDED:].split(",")[-MAX_HOPS:]):
            named = parse_address(hop)
            if named is None:
                break
            address = named
            if not self._trusts(address):
                break
        return "" if address is None else str(address)


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise ConfigurationError(
            f"access_log.trusted_proxies contains {entry!r}: each entry must be an address, a network "
            "such as 10.0.0.0/8, or 'unix' for a Unix socket.",
        ) from None
