"""Whose address counts behind proxies."""

from __future__ import annotations

import warnings

import pytest

from seclog_handlers.access import AccessLog
from seclog_handlers.access.addresses import Proxies
from seclog_handlers.errors import ConfigurationError, SecurityLogWarning

from .shapes import CLIENT, django_record, gunicorn_record

PROXY = "10.0.0.2"


def address(peer, forwarded, trusted=("10.0.0.0/8",)):
    return Proxies(trusted).client(peer, forwarded)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (CLIENT, CLIENT),
        ("6.6.6.6, " + CLIENT, CLIENT),
        ("6.6.6.6,203.0.113.5,10.9.9.9", CLIENT),
        ("203.0.113.5:4711", CLIENT),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("::ffff:203.0.113.5", CLIENT),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("6.6.6.6, unknown", PROXY),
        ("6.6.6.6, unknown, 10.3.3.3", "10.3.3.3"),
        ("", PROXY),
        (" , ", PROXY),
    ],
)
def test_the_chain_is_walked_from_its_trusted_end(forwarded, client):
    """The rightmost address that no trusted proxy has is the client; what stands left of it is hearsay."""
    assert address(PROXY, forwarded) == client


def test_a_strangers_header_is_not_believed():
    """Somebody who sends the header themselves stays who they are, and a warning says so once."""
    with pytest.warns(SecurityLogWarning, match="trusted_proxies") as said:
        first, second = address(CLIENT, "6.6.6.6"), address(CLIENT, "7.7.7.7")

    assert (first, second) == (CLIENT, CLIENT)
    assert len(said) == 1
    assert CLIENT not in str(said[0].message)


@pytest.mark.parametrize("peer", ["", "-", "<local>"])
def test_a_unix_socket_is_trusted_by_name(peer):
    """A peer without an address is believed only where `unix` is trusted."""
    assert address(peer, CLIENT, ["unix"]) == CLIENT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityLogWarning)

        assert address(peer, CLIENT, ["10.0.0.0/8"]) == ""


def test_an_endless_chain_is_read_from_its_end():
    """Only the part that proxies append is read, however much a client invents before it."""
    assert address(PROXY, "1.1.1.1," * 100_000 + CLIENT) == CLIENT
    assert address(PROXY, "10.0.0.1," * 100_000) == PROXY


@pytest.mark.parametrize(
    "make",
    [
        lambda: gunicorn_record(peer=PROXY, headers={"X-Forwarded-For": CLIENT}),
        lambda: django_record(404, peer=PROXY, headers={"x-forwarded-for": CLIENT}),
    ],
)
def test_records_that_show_the_header(make):
    """The atoms of gunicorn and the request of Django show the header."""
    event = AccessLog(trusted_proxies=["10.0.0.0/8"]).event(make().__dict__)

    assert event["ip_address"] == CLIENT


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "proxy.example.org", "*", ""])
def test_a_proxy_must_be_a_network(entry):
    """A trusted proxy that is no network stops the start and says what would be one."""
    with pytest.raises(ConfigurationError, match=r"access_log\.trusted_proxies contains .*'unix'"):
        AccessLog(trusted_proxies=[entry])


def test_a_list_must_be_a_list():
    """A number is no list of paths."""
    with pytest.raises(ConfigurationError, match=r"access_log\.login_paths"):
        AccessLog(login_paths=7)
