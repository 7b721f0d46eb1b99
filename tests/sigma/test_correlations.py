from __future__ import annotations

from itertools import permutations
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sigma.rules import detector, opened, written

BASES = """
title: A
name: a
logsource: {category: application}
detection: {sel: {kind: a}, condition: sel}
---
title: B
name: b
logsource: {category: application}
detection: {sel: {kind: b}, condition: sel}
---
title: C
name: c
logsource: {category: application}
detection: {sel: {kind: c}, condition: sel}
---
"""
WITHIN = 10
Event = tuple[float, dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("correlations")


def correlation(folder: Path, body: str, name: str = "x") -> str:
    text = f"{BASES}title: X\nname: {name}\ncorrelation:\n  timespan: {WITHIN}s\n  group-by: [source.ip]\n{body}"
    return written(folder, text, f"{abs(hash(body))}.yml")


events = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from("abc"), st.sampled_from(["10.0.0.1", "10.0.0.2"]), st.integers(0, 3)),
    max_size=25,
)
examples = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def spread(steps: list[tuple[int, str, str, int]]) -> list[Event]:
    now, found = 1000.0, []
    for gap, kind, address, number in steps:
        now += gap
        found.append((now, {"kind": kind, "ip_address": address, "user": number, "size": number}))
    return found


def reference(stream: list[Event], fulfilled: Any, meant: str) -> list[float]:
    """Return when incidents open: the events since the last crossing decide; open ones are prolonged."""
    since: dict[str, list[Event]] = {}
    due: dict[str, float] = {}
    found = []
    for when, event in stream:
        if event["kind"] not in meant:
            continue
        address = event["ip_address"]
        window = [entry for entry in [*since.get(address, []), (when, event)] if when - entry[0] <= WITHIN]
        since[address] = window
        if fulfilled(window):
            if when >= due.get(address, 0):
                found.append(when)
            due[address] = when + WITHIN
            since[address] = []
    return found


def values(window: list[Event]) -> list[int]:
    return [event["size"] for _, event in window]


def ordered(window: list[Event], kinds: str) -> bool:
    rest = iter(event["kind"] for _, event in window)
    return all(kind in rest for kind in kinds)


COUNTING = [
    ("  type: event_count\n  rules: [a]\n  condition: {gte: 3}", "a", lambda w: len(w) >= 3),
    ("  type: event_count\n  rules: [a, b]\n  condition: {gt: 3}", "ab", lambda w: len(w) > 3),
    ("  type: event_count\n  rules: a\n  condition: {eq: 2}", "a", lambda w: len(w) == 2),
    (
        "  type: value_count\n  rules: [a]\n  condition: {gte: 3, field: user_x}".replace("user_x", "size"),
        "a",
        lambda w: len(set(values(w))) >= 3,
    ),
    ("  type: value_sum\n  rules: [a]\n  condition: {gte: 5, field: size}", "a", lambda w: sum(values(w)) >= 5),
    ("  type: value_avg\n  rules: [a]\n  condition: {gt: 2, field: size}", "a", lambda w: sum(values(w)) / len(w) > 2),
    ("  type: value_median\n  rules: [a]\n  condition: {gte: 3, field: size}", "a", lambda w: median(values(w)) >= 3),
    ("  type: temporal_ordered\n  rules: [a, b]", "ab", lambda w: ordered(w, "ab")),
    ("  type: temporal_ordered\n  rules: [a, b, c]", "abc", lambda w: ordered(w, "abc")),
]


@pytest.mark.parametrize(("body", "meant", "fulfilled"), COUNTING)
def test_a_correlation_opens_when_its_window_says_so(folder: Path, body: str, meant: str, fulfilled: Any) -> None:
    """Incidents open exactly where a check of the whole window at every event opens them."""
    path = correlation(folder, body)

    @examples
    @given(events)
    def check(steps: list[tuple[int, str, str, int]]) -> None:
        stream = spread(steps)
        found = [when for rule, when in opened(path, stream) if rule == "x"]
        assert sorted(found) == sorted(reference(stream, fulfilled, meant))

    check()


def test_any_order_opens_where_one_of_the_orders_does(folder: Path) -> None:
    """`temporal` alerts once for a group, whichever order came, at the event that completed it first."""
    path = correlation(folder, "  type: temporal\n  rules: [a, b, c]")

    for order in permutations("abc"):
        stream = [(1000.0 + at, {"kind": kind, "ip_address": "10.0.0.1"}) for at, kind in enumerate(order)]
        assert [when for _, when in opened(path, stream)] == [1002.0], order
    assert (
        opened(
            path, [(1000.0, {"kind": "a", "ip_address": "1.1.1.1"}), (1001.0, {"kind": "b", "ip_address": "1.1.1.1"})]
        )
        == []
    )


def test_any_order_tells_one_incident_at_a_time(folder: Path) -> None:
    """While one order's incident is open the others are muted."""
    path = correlation(folder, "  type: temporal\n  rules: [a, b]")
    stream = [(1000.0 + at, {"kind": kind, "ip_address": "10.0.0.1"}) for at, kind in enumerate("abab")]

    assert len(opened(path, stream)) == 1


def test_a_percentile_is_measured(folder: Path) -> None:
    """`value_percentile` looks at the percentile that it names."""
    path = correlation(
        folder, "  type: value_percentile\n  rules: [a]\n  condition: {gte: 100, field: size, percentile: 90}"
    )
    low = [(1000.0 + at / 10, {"kind": "a", "ip_address": "10.0.0.1", "size": 1}) for at in range(20)]
    high = [(1003.0 + at / 10, {"kind": "a", "ip_address": "10.0.0.1", "size": 200}) for at in range(5)]

    assert opened(path, low) == []
    assert len(opened(path, [*low, *high])) == 1


def test_many_then_one_is_a_sequence_with_a_count(folder: Path) -> None:
    """An event_count within a temporal_ordered of the same window: so many failures, then the success."""
    text = (
        BASES
        + """title: Many A
name: many_a
correlation: {type: event_count, rules: [a], group-by: [source.ip], timespan: 10s, condition: {gte: 3}}
---
title: Break-in
name: break_in
correlation: {type: temporal_ordered, rules: [many_a, b], group-by: [source.ip], timespan: 10s}
"""
    )
    path = written(folder, text, "sequence.yml")
    failures = [(1000.0 + at, {"kind": "a", "ip_address": "10.0.0.1"}) for at in range(3)]
    success = (1004.0, {"kind": "b", "ip_address": "10.0.0.1"})

    assert opened(path, [*failures, success]) == [("break_in", 1004.0)]
    assert opened(path, [*failures[1:], success]) == []


def test_generate_keeps_the_rules_under_a_correlation(folder: Path) -> None:
    """A rule that a correlation uses alerts itself only if that says `generate: true`."""
    quiet = correlation(folder, "  type: event_count\n  rules: [a]\n  condition: {gte: 2}")
    loud = correlation(folder, "  type: event_count\n  rules: [a]\n  generate: true\n  condition: {gte: 2}")
    event = (1000.0, {"kind": "a", "ip_address": "10.0.0.1"})

    assert opened(quiet, [event]) == []
    assert opened(loud, [event]) == [("a", 1000.0)]
    assert opened(quiet, [(1000.0, {"kind": "b"})]) == [("b", 1000.0)]


def test_an_alias_names_one_field_of_ours(folder: Path) -> None:
    """Names that different rules have for one field group together."""
    path = correlation(
        folder,
        "  type: event_count\n  rules: [a, b]\n  condition: {gte: 2}\n  aliases:\n    source.ip: {a: src_ip, b: client.ip}",
    )
    stream = [(1000.0, {"kind": "a", "ip_address": "10.0.0.1"}), (1001.0, {"kind": "b", "ip_address": "10.0.0.1"})]

    assert opened(path, stream) == [("x", 1001.0)]


def test_what_a_rule_says_about_itself_is_kept(folder: Path) -> None:
    """Level, MITRE tags, title, id and false positives are on the rule."""
    path = written(
        folder,
        """
        title: Somebody guesses
        id: 929a690e-bef0-4204-a928-ef5e620d6fcc
        name: guessing
        description: Why it matters.
        level: critical
        tags: [attack.t1110.001, attack.credential-access, cve.2021-1]
        falsepositives: [a forgotten password]
        logsource: {category: authentication}
        detection: {sel: {success: false}, condition: sel}
        """,
        "described.yml",
    )

    (rule,) = detector(path).rules

    assert (rule.name, rule.pattern, rule.severity, rule.attack) == (
        "guessing",
        "Somebody guesses",
        "CRITICAL",
        ("T1110.001",),
    )
    assert "929a690e-bef0-4204-a928-ef5e620d6fcc" in rule.reason
    assert "a forgotten password" in rule.reason
