"""IP addresses as logs write them: parsed, classed by scope, cut to their network."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Address = IPv4Address | IPv6Address

# Longest text that can be an address: a mapped IPv6 address (45), a zone id, brackets, a port.
MAX_TEXT = 100
CACHE_SIZE = 4096

IPV4_PREFIX = 24
IPV6_PREFIX = 48

_MAX_PORT = 65535

# The blocks of IANA's special-purpose registries (RFC 6890 and its kin), apart from those for documentation.
_SCOPES = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
        "fc00::/7", "fe80::/10",
    ),
    "reserved": ("0.0.0.0/8", "192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/3", "2001::/23"),
}  # fmt: skip

# RFC 5737, 3849: nobody's addresses, so every example and test uses them as if they were somebody's.
_DOCUMENTATION = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")

# The first three bits of every IPv6 address that is somebody's, 2000::/3.
_GLOBAL_UNICAST = 0b001

_Blocks = tuple[list[int], list[int], list[str]]


def parse_address(value: Any) -> Address | None:
    """Return the address that `value` shows, or None.

    Takes an address object, or text: with a port (`203.0.113.5:443`, `[2001:db8::1]:443`), in brackets, with
    a zone id (`fe80::1%eth0`, dropped), with spaces around. An IPv4-mapped IPv6 address is its IPv4 address.
    Anything else, numbers included, is no address.
    """
    kind = type(value)
    if kind is str:
        return _parse(value) if len(value) <= MAX_TEXT else None
    if kind is IPv4Address or kind is IPv6Address:
        return _parse(str(value))
    return None


@lru_cache(CACHE_SIZE)
def _parse(text: str) -> Address | None:
    packed = _packed(text)
    if packed is not None:
        return IPv4Address(packed)
    try:
        address = ipaddress.ip_address(_bare(text.strip()))
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _bare(text: str) -> str:
    """Return `text` without brackets, port and zone id."""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        return host.partition("%")[0] if bracket and (not port or _is_port(port)) else ""
    host, _, port = text.partition(":")
    if "." in host and _is_port(":" + port):
        return host
    return text.partition("%")[0] if ":" in text else text


def _is_port(text: str) -> bool:
    digits = text[1:]
    return text.startswith(":") and digits.isascii() and digits.isdigit() and int(digits[:6]) <= _MAX_PORT


def scope(address: Address) -> str | None:
    """Return 'loopback', 'private' or 'reserved' for an address that belongs to no place, else None.

    Private includes link-local and carrier-grade NAT addresses. The documentation ranges (192.0.2.0/24,
    198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32) count as ordinary addresses: demonstrations and tests look
    them up, and real traffic has none.
    """
    named = _block(address.version, int(address), _SPECIAL)
    if named is None and isinstance(address, IPv6Address) and int(address) >> 125 != _GLOBAL_UNICAST:
        return "reserved"
    return named


def documentation(address: Address) -> bool:
    """Tell whether the address is of a range set apart for documentation."""
    return _block(address.version, int(address), _EXAMPLES) is not None


def ipv4_scope(text: str) -> str | None:
    """Return what `scope` says of an IPv4 address in its usual form, '' for one of no scope; None for other texts.

    A tenth of the price of `parse_address` and `scope`, for look-ups by the thousand.
    """
    packed = _packed(text)
    if packed is None:
        return None
    if packed[0] not in SPECIAL_BYTES:
        return ""
    return _block(4, int.from_bytes(packed, "big"), _SPECIAL) or ""


def ipv4_network(text: str, prefix: int) -> str | None:
    """Return the network of an IPv4 address in its usual form, as `203.0.113.0/24`; None for other texts."""
    packed = _packed(text)
    if packed is None:
        return None
    spare = 32 - prefix
    first = int.from_bytes(packed, "big") >> spare << spare
    return f"{socket.inet_ntop(socket.AF_INET, first.to_bytes(4, 'big'))}/{prefix}"


def _packed(text: str) -> bytes | None:
    """Return the four bytes of an IPv4 address in its usual form; a tenth of the price of ipaddress's parser."""
    try:
        return socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return None


def _block(version: int, number: int, blocks: Mapping[int, _Blocks]) -> str | None:
    """Return the name of the block that the address of this number is in."""
    firsts, lasts, names = blocks[version]
    at = bisect_right(firsts, number) - 1
    return names[at] if at >= 0 and number <= lasts[at] else None


def _blocks(named: Mapping[str, Sequence[str]]) -> dict[int, _Blocks]:
    """Return, by version, the first and last numbers of the blocks in order, and their names."""
    found: dict[int, _Blocks] = {}
    for version in (4, 6):
        rows = sorted(
            (int(network[0]), int(network[-1]), name)
            for name, texts in named.items()
            for network in map(ipaddress.ip_network, texts)
            if network.version == version
        )
        found[version] = ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    return found


_SPECIAL = _blocks(_SCOPES)
_EXAMPLES = _blocks({"documentation": _DOCUMENTATION})
# The first bytes of IPv4 addresses that may have a scope.
SPECIAL_BYTES = frozenset(
    byte for first, last in zip(*_SPECIAL[4][:2], strict=True) for byte in range(first >> 24, (last >> 24) + 1)
)


def truncate(address: Address | str) -> str:
    """Return the network of an address, /24 for IPv4 and /48 for IPv6, in CIDR form.

    Raises:
        ValueError: If `address` is text that is no address.
    """
    return _truncate(str(address))


@lru_cache(CACHE_SIZE)
def _truncate(text: str) -> str:
    network = ipv4_network(text, IPV4_PREFIX)
    if network is not None:
        return network
    address = parse_address(text)
    if address is None:
        raise ValueError("Not an IP address.")
    prefix = IPV4_PREFIX if isinstance(address, IPv4Address) else IPV6_PREFIX
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))
