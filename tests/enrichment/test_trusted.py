"""Trusted sources: what matches, until when, and which entries stop the start."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.enrichment.trusted import TrustedSources
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.pseudonym import Pseudonymizer

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.timezone.utc).timestamp()
ENGINE = Pseudonymizer(keys=["3:" + "key material " * 2])


def trusted(**entry) -> TrustedSources:
    return TrustedSources({"scanner": {"reason": "weekly scan", **entry}})


def matches(sources: TrustedSources, fields: dict | None = None, address: str | None = None, when: float = NOW) -> bool:
    return sources.match(fields or {}, address, when) is not None


def test_says_name_and_reason():
    """A match names the entry and why it is there."""
    assert trusted(ranges=["192.0.2.0/24"]).match({}, "192.0.2.7", NOW) == {"name": "scanner", "reason": "weekly scan"}


def test_nothing_is_trusted_by_default():
    """Without entries nothing matches, and the object is false."""
    assert not TrustedSources({})
    assert TrustedSources({}).match({}, "192.0.2.7", NOW) is None
    assert trusted(users=["bob"])


@pytest.mark.parametrize("address", ["192.0.2.7", "192.0.2.7:443", "::ffff:192.0.2.7", "2001:db8::1"])
def test_ranges(address):
    """CIDRs and single addresses of both families, in every notation."""
    assert matches(trusted(ranges="192.0.2.0/24, 2001:db8::1"), address=address)


@pytest.mark.parametrize("address", ["192.0.3.7", "2001:db8::2", "bob", None, 5])
def test_outside_of_ranges(address):
    """Other addresses, and what is none, are not trusted."""
    assert not matches(trusted(ranges=["192.0.2.0/24", "2001:db8::1"]), address=address)


@pytest.mark.parametrize("fields", [{"username": "Bob"}, {"user_id": " bob "}, {"email": "bob"}])
def test_users_by_name(fields):
    """Where pseudonyms are off, users are compared as they are, in any case."""
    assert matches(trusted(users=["bob"]), fields)


def test_users_by_number():
    """A number and its text are one user."""
    assert matches(trusted(users=["42"]), {"user_id": 42})
    assert not matches(trusted(users=["42"]), {"user_id": 43})


def test_users_by_token():
    """Where the event's users are tokens already, the configured names are compared as tokens."""
    sources = TrustedSources({"bot": {"users": ["deploy"]}}, token=ENGINE.token)

    assert sources.match({"username": ENGINE.token("username", "Deploy")}, None, NOW)
    assert sources.match({"email": ENGINE.token("email", "deploy")}, None, NOW)
    assert not sources.match({"username": ENGINE.token("username", "eve")}, None, NOW)


def test_agents_by_part():
    """A part of the user agent is enough, in any case."""
    sources = trusted(agents=["UptimeRobot"])

    assert matches(sources, {"user_agent": "Mozilla/5.0 (compatible; uptimerobot/2.0)"})
    assert not matches(sources, {"user_agent": "curl/8"})
    assert not matches(sources, {"user_agent": None})
    assert not matches(sources)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"path": "/status"}, True), ({"path": "/status?full=1"}, True), ({"endpoint": "/internal/a/b"}, True),
        ({"api_endpoint": "/internal/"}, True), ({"path": "/status/x"}, False), ({"path": "/internal"}, False),
        ({"path": "/internal/../admin"}, False), ({"path": "/internal/%2E%2e/admin"}, False), ({"path": 5}, False), ({}, False),
    ],
)  # fmt: skip
def test_paths(fields, expected):
    """Exact paths, and everything below a path with a star; a path that climbs out is not below it."""
    assert matches(trusted(paths=["/status", "/internal/*"]), fields) is expected


def test_all_criteria_must_fit():
    """Range and agent together: neither alone is enough."""
    sources = trusted(ranges=["192.0.2.0/24"], agents=["nessus"])

    assert matches(sources, {"user_agent": "Nessus"}, "192.0.2.7")
    assert not matches(sources, {"user_agent": "Nessus"}, "198.51.100.7")
    assert not matches(sources, {"user_agent": "curl"}, "192.0.2.7")


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        ("2026-06-15", True), ("2026-06-14", False), ("2026-06-15T12:00:01Z", True), ("2026-06-15T12:00:00Z", False),
        ("2026-06-15T14:00:01+02:00", True), ("2026-06-15 12:00:01", True), (dt.date(2026, 6, 15), True),
        (dt.datetime(2026, 6, 15, 11), False),
    ],
)  # fmt: skip
def test_entries_expire(expires, expected):
    """The day named still counts, in UTC; after it the entry matches nothing."""
    assert matches(trusted(ranges=["192.0.2.0/24"], expires=expires), address="192.0.2.7") is expected


def test_the_first_entry_wins():
    """Entries are tried in their order."""
    sources = TrustedSources({
        "old": {"ranges": ["192.0.2.0/24"], "expires": "2020-01-01"}, "a": {"ranges": ["192.0.2.0/24"]},
        "b": {"ranges": ["192.0.2.7"]},
    })  # fmt: skip

    assert sources.match({}, "192.0.2.7", NOW) == {"name": "a", "reason": ""}


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({}, "trust everything"),
        ({"reason": "x"}, "trust everything"),
        ({"ranges": []}, "trust everything"),
        ({"range": ["192.0.2.0/24"]}, "trusted.scanner.range is not known"),
        ({"ranges": ["192.0.2.0/33"]}, "trusted.scanner.ranges contains '192.0.2.0/33'"),
        ({"ranges": [5]}, "trusted.scanner.ranges contains 5"),
        ({"users": ["bob"], "expires": "soon"}, "trusted.scanner.expires is 'soon'"),
        ({"users": ["bob"], "expires": "2026-02-30"}, "trusted.scanner.expires"),
        ({"users": ["bob"], "reason": ["x"]}, "trusted.scanner.reason"),
        ({"paths": ["status"]}, "starts with '/'"),
        ({"paths": ["/a*b"]}, "at its end only"),
        ("192.0.2.0/24", "must be a mapping"),
    ],
)
def test_wrong_entries_stop_the_start(entry, text):
    """Each error names the entry, what was given, and what it must be."""
    with pytest.raises(ConfigurationError, match="trusted") as caught:
        TrustedSources({"scanner": entry})

    assert text in str(caught.value)


values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(["username", "user_id", "user_agent", "path", "endpoint"]), values), values)
def test_any_event_can_be_asked_about(fields, address):
    """Whatever the fields hold, matching does not raise."""
    sources = trusted(ranges=["192.0.2.0/24"], users=["x"], agents=["y"], paths=["/z/*"])

    assert sources.match(fields, address, NOW) is None
