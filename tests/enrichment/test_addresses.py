"""IP addresses as logs write them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.enrichment.addresses import documentation, ipv4_network, parse_address, scope, truncate

addresses = st.ip_addresses()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.5", "203.0.113.5"),
        (" 203.0.113.5\n", "203.0.113.5"),
        ("203.0.113.5:443", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("[::ffff:203.0.113.5]:443", "203.0.113.5"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:65535", "2001:db8::1"),
        ("[fe80::1%eth0]:443", "fe80::1"),
        ("fe80::1%eth0", "fe80::1"),
        (ipaddress.ip_address("203.0.113.5"), "203.0.113.5"),
        (ipaddress.ip_address("::ffff:203.0.113.5"), "203.0.113.5"),
        (ipaddress.ip_address("fe80::1%eth0"), "fe80::1"),
    ],
)
def test_reads_every_notation(text, expected):
    """Ports, brackets, zone ids, spaces and IPv4 in IPv6 all lead to the plain address."""
    assert str(parse_address(text)) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "-", "unknown", "unix:", "localhost", "1.2.3", "1.2.3.4.5", "010.0.0.1", "256.1.1.1", "1.2.3.4:x",
        "1.2.3.4:99999", "1.2.3.4:", "[::1", "[::1]x", "[::1]:", "[]", "::1::", "1.2.3.4/24", "1.2.3.4, 5.6.7.8",
        "1.2.3.4:٣", "١.2.3.4", "1" * 10_000, "\ud800", None, True, 5, 3405803781, 1.5, b"\x01\x02\x03\x04", ["1.2.3.4"],
        ("127.0.0.1", 80), object(),
    ],
    ids=lambda value: repr(value)[:20].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_anything_else_is_no_address(value):
    """Names, numbers, lists and broken notations give None."""
    assert parse_address(value) is None


@given(st.one_of(st.text(), st.integers(), st.binary(), st.none(), st.lists(st.text())))
def test_never_raises(value):
    """Whatever an application puts into ip_address is read or is None."""
    assert parse_address(value) is None or scope(parse_address(value)) in (None, "private", "loopback", "reserved")


@given(addresses, st.integers(0, 65535))
def test_round_trip(address, port):
    """Every address is read back from its text, with a port and without."""
    plain = getattr(address, "ipv4_mapped", None) or address
    shown = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"

    assert parse_address(str(address)) == plain
    assert parse_address(shown) == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", "loopback"), ("127.9.9.9", "loopback"), ("::1", "loopback"),
        ("10.0.0.1", "private"), ("172.16.0.1", "private"), ("172.32.0.1", None), ("192.168.1.1", "private"),
        ("169.254.169.254", "private"), ("100.64.0.1", "private"), ("fe80::1", "private"), ("fd00::1", "private"),
        ("0.0.0.0", "reserved"), ("::", "reserved"), ("224.0.0.1", "reserved"), ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"), ("ff02::1", "reserved"), ("198.18.0.1", "reserved"),
        ("203.0.113.5", None), ("198.51.100.1", None), ("192.0.2.1", None), ("2001:db8::1", None),
        ("8.8.8.8", None), ("2606:4700::1111", None),
    ],
)  # fmt: skip
def test_scope(text, expected):
    """Addresses without a place are named; documentation ranges count as ordinary ones."""
    assert scope(parse_address(text)) == expected


def test_documentation_ranges_are_known():
    """The look-up can still tell that nobody has these addresses."""
    assert documentation(parse_address("203.0.113.5"))
    assert not documentation(parse_address("8.8.8.8"))


def test_truncates_to_the_network():
    """IPv4 is cut to /24, IPv6 to /48, from objects and text alike."""
    assert truncate("203.0.113.77") == "203.0.113.0/24"
    assert truncate(parse_address("2001:db8:1:2::3")) == "2001:db8:1::/48"
    assert truncate("::ffff:203.0.113.77") == "203.0.113.0/24"


def test_truncate_refuses_other_text():
    """What is no address has no network; the error does not repeat it."""
    with pytest.raises(ValueError, match="Not an IP address") as caught:
        truncate("bob")

    assert "bob" not in str(caught.value)


@given(addresses)
def test_a_network_contains_its_address(address):
    """The network in the log is the one the address is in."""
    plain = parse_address(str(address))

    assert plain in ipaddress.ip_network(truncate(plain))


@given(number=st.integers(0, 2**32 - 1), prefix=st.integers(1, 32))
def test_the_short_way_for_ipv4_is_that_of_ipaddress(number: int, prefix: int):
    """Address and network are what the stdlib's parser makes of the same text."""
    text = str(ipaddress.IPv4Address(number))

    assert parse_address(text) == ipaddress.IPv4Address(number)
    assert ipv4_network(text, prefix) == str(ipaddress.ip_network(f"{text}/{prefix}", strict=False))


@given(
    st.one_of(st.text(alphabet="0123456789.:%/x ", max_size=20), st.text(max_size=20), st.ip_addresses(v=6).map(str))
)
def test_the_short_way_takes_nothing_else(text: str):
    """Leading zeros, hexadecimal digits, three parts, spaces: what ipaddress refuses is no IPv4 network."""
    try:
        expected = ipaddress.IPv4Address(text)
    except ValueError:
        assert ipv4_network(text, 24) is None
    else:
        assert parse_address(text) == expected
