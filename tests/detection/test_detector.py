from __future__ import annotations

import json
import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers.detection import Detector
from tests.detection.support import BRUTE, START, detector, failure, feed, state_key, states

ALLOWED = {
    "message", "level", "created", "event_type", "rule", "severity", "incident_id", "incident_state", "dedup_key",
    "group", "count", "first_seen", "last_seen", "window_s", "samples", "attack", "owasp", "service", "environment",
    "host", "runbook_url", "query", "mode", "reason", "rule_version", "inhibits",
}  # fmt: skip


def fails(*offsets, **fields):
    return [(offset, failure(**fields)) for offset in offsets]


def test_the_fifth_event_alerts():
    """The fifth failure within the window opens an incident; the fourth is not enough."""
    engine = detector(BRUTE)

    assert feed(engine, *fails(0, 1, 2, 3)) == []
    assert states(feed(engine, *fails(4))) == [("guessing", "open")]


def test_the_window_includes_its_edge():
    """The first event is in the window until exactly `within` seconds have passed."""
    at_the_edge, beyond = detector(BRUTE), detector(BRUTE)

    assert feed(at_the_edge, *fails(0, 1, 2, 3, 600))
    assert not feed(beyond, *fails(0, 1, 2, 3, 600.001))


def test_a_crossing_empties_the_window():
    """After an alert five more events are needed for the next crossing."""
    engine = detector({**BRUTE, "resolve_after": 1})
    feed(engine, *fails(0, 0, 0, 0, 0))

    assert states(feed(engine, *fails(10, 10, 10, 10))) == [("guessing", "resolve")]
    assert states(feed(engine, *fails(10))) == [("guessing", "open")]


def test_crossings_while_open_prolong():
    """An incident ends `resolve_after` seconds after its last crossing, not its first."""
    engine = detector(BRUTE)
    feed(engine, *fails(*[0] * 5), *fails(*[500] * 5))

    assert engine.tick(START + 1099.999) == []
    (resolved,) = engine.tick(START + 1100)
    assert (resolved["incident_state"], resolved["created"]) == ("resolve", START + 1100)


def test_update_only_when_the_count_has_doubled():
    """Of forty events that open and prolong one incident, those that double the count told are told."""
    engine = detector(BRUTE)
    alerts = feed(engine, *fails(*range(40)))

    assert [(alert["incident_state"], alert["count"]) for alert in alerts] == [
        ("open", 5), ("update", 10), ("update", 20), ("update", 40),
    ]  # fmt: skip
    assert len({alert["incident_id"] for alert in alerts}) == 1
    assert len({alert["dedup_key"] for alert in alerts}) == 1


def test_an_incident_is_resolved_once_at_its_due_time():
    """The event that comes after the due time brings the resolve, once, with the due time as its time."""
    engine = detector(BRUTE)
    feed(engine, *fails(0, 1, 2, 3, 4))
    alerts = feed(engine, (5000, {"anything": 1}), (5001, {"anything": 1}))

    assert [(alert["incident_state"], alert["created"]) for alert in alerts] == [("resolve", START + 604)]
    assert engine.next_due() is None


def test_an_event_at_the_due_time_opens_anew():
    """An incident that is due now is over now: five more failures are a new incident."""
    engine = detector(BRUTE)
    first = feed(engine, *fails(*[0] * 5))
    alerts = feed(engine, *fails(*[600] * 5))

    assert states(alerts) == [("guessing", "resolve"), ("guessing", "open")]
    assert alerts[1]["incident_id"] != first[0]["incident_id"]


def test_count_holds_every_event_of_the_incident():
    """The resolve says how many events there were, those after the last crossing included."""
    engine = detector(BRUTE)
    feed(engine, *fails(*range(13)))
    (resolved,) = engine.tick(START + 10_000)

    assert resolved["count"] == 13
    assert resolved["last_seen"] == "2023-11-14T22:13:29.000Z"


def test_groups_are_counted_apart():
    """Failures of five addresses add up to nothing."""
    engine = detector(BRUTE)

    assert not feed(engine, *[(0, failure(f"203.0.113.{number}")) for number in range(20)])


@pytest.mark.parametrize("address", [None, "", "-"])
def test_an_event_without_its_group_is_not_counted(address):
    """An absent, empty or `-` address groups nobody."""
    engine = detector(BRUTE)

    assert not feed(engine, *fails(*range(20), address=address))


def test_numbers_and_their_text_are_one_user():
    """42 and "42" are counted together."""
    engine = Detector([{**BRUTE, "by": ["user_id"]}])
    event = {"event_type": "authentication", "success": False}
    alerts = feed(engine, *[(0, {**event, "user_id": user}) for user in (42, "42", 42, "42", 42)])

    assert states(alerts) == [("guessing", "open")]


@pytest.mark.parametrize(
    ("by", "addresses", "shown"),
    [
        ("ip_address/24", [f"203.0.113.{number}" for number in range(5)], "203.0.113.0/24"),
        ("ip_address/24", ["203.0.113.0/24_ip_k3_aa", "203.0.113.9", "203.0.113.0/24"] * 2, "203.0.113.0/24"),
        ("ip_address/64", [f"2001:db8::{number}" for number in range(5)], "2001:db8::/64"),
    ],
)
def test_groups_by_network(by, addresses, shown):
    """Addresses of one network, also as the `ip` policy shows them, are one group."""
    engine = detector({**BRUTE, "by": [by]})
    alerts = feed(engine, *[(0, failure(address)) for address in addresses])

    assert alerts[0]["group"] == {by: shown}


def test_a_network_of_one_version_groups_no_address_of_the_other():
    """A /24 is a network of IPv4; IPv6 addresses, and what is no address, are not counted."""
    engine = detector({**BRUTE, "by": ["ip_address/24"]})

    assert not feed(engine, *fails(*range(9), address="2001:db8::1"), *fails(*range(9), address="office"))


@given(st.integers(0, 2**32 - 1), st.integers(1, 32))
def test_networks_are_ipaddress_networks(number, bits):
    """A group by network is the network that ipaddress computes."""
    engine = detector({**BRUTE, "by": [f"ip_address/{bits}"], "count": 1})
    (alert,) = feed(engine, (0, failure(str(ip_address(number)))))

    assert ip_address(number) in ip_network(alert["group"][f"ip_address/{bits}"])


def test_unless_leaves_events_out():
    """Events that `unless` describes are not counted: a list of mappings describes any of them."""
    engine = detector({**BRUTE, "unless": [{"trusted": {"exists": True}}, {"username": "probe"}]})

    assert not feed(engine, *fails(*range(9), trusted={"name": "office"}), *fails(*range(9), user="probe"))
    assert feed(engine, *fails(*range(10, 15)))


def test_observed_rules_say_so():
    """Alerts of a rule that is only observed carry the mode; those of others do not have the field."""
    observed = feed(detector({**BRUTE, "mode": "observe"}), *fails(*range(5)))
    paged = feed(detector(BRUTE), *fails(*range(5)))

    assert observed[0]["mode"] == "observe"
    assert "mode" not in paged[0]


def test_an_alert_has_the_promised_fields_and_no_others():
    """An alert is built from an allow-list: no message, no arguments, nothing else of the event."""
    rule = {
        **BRUTE,
        "attack": ["T1110.001"],
        "owasp": "authn_login_fail_max",
        "runbook_url": "https://runbook.example/1",
    }
    engine = detector(rule, service="shop", environment="prod", host="web1")
    event = failure(msg="password hunter2", args=("hunter2",), custom="hunter2", exc_text="hunter2")
    (alert,) = feed(engine, *[(second, event) for second in range(5)])

    assert set(alert) <= ALLOWED
    assert "hunter2" not in json.dumps(alert)
    assert alert["message"] == "guessing"
    assert alert["level"] == 40
    assert alert["created"] == START + 4
    assert alert["group"] == {"ip_address": "203.0.113.7"}
    assert (alert["first_seen"], alert["last_seen"]) == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:24.000Z")
    assert (alert["window_s"], alert["count"], len(alert["samples"])) == (600, 5, 3)
    assert (alert["service"], alert["environment"], alert["host"]) == ("shop", "prod", "web1")
    assert re.fullmatch(r"[0-9a-f]{32}", alert["incident_id"])
    assert len(alert["dedup_key"]) <= 255
    assert 'ip_address:"203.0.113.7"' in alert["query"]


def test_critical_has_the_level_critical():
    """Severity CRITICAL is logging's level CRITICAL, every other one is ERROR."""
    alerts = feed(detector({**BRUTE, "severity": "CRITICAL"}), *fails(*range(5)))

    assert (alerts[0]["severity"], alerts[0]["level"]) == ("CRITICAL", 50)


def test_times_are_cut_to_milliseconds():
    """Microseconds of a record's time are cut, and a time that was written with milliseconds stays what it was."""
    engine = detector({**BRUTE, "count": 1})
    (alert,) = engine.observe(failure(), 1_417_336_924.123_999)
    (other,) = engine.observe(failure("203.0.113.8"), 1_417_336_924.123)

    assert alert["created"] == other["created"] == 1_417_336_924.123
    assert alert["last_seen"] == "2014-11-30T08:42:04.123Z"


def test_distinct_counts_values():
    """With `distinct` a field's different values are counted instead of events."""
    engine = detector({**BRUTE, "distinct": "username", "count": 3})
    same = feed(engine, *fails(*range(10)))
    alerts = feed(engine, (11, failure(user="eve")), (12, failure(user="mallory")))

    assert same == []
    assert [(alert["incident_state"], alert["count"]) for alert in alerts] == [("open", 3)]


def test_distinct_beside_count_needs_both():
    """Spraying is many tries and many users; a hard try at one user does not count."""
    rule = {**BRUTE, "count": 6, "distinct": {"field": "username", "count": 3, "per_value_max": 2}}
    engine = detector(rule)
    one_user = feed(engine, *fails(*range(50), user="root"))
    alerts = feed(engine, *[(60 + number, failure(user=f"user{number % 3}")) for number in range(6)])

    assert one_user == []
    assert states(alerts) == [("guessing", "open")]


def test_a_leaky_bucket_alerts_beyond_its_capacity():
    """`leak` instead of `within`: the event beyond the capacity alerts."""
    rule = {key: value for key, value in BRUTE.items() if key != "within"}
    engine = detector({**rule, "leak": 10})

    assert not feed(engine, *fails(*range(5)))
    assert states(feed(engine, *fails(5))) == [("guessing", "open")]


def test_a_sequence_alerts_in_order():
    """Success after failures alerts at the success, and only if enough failures came just before."""
    success = {**failure(), "success": True}
    rule = {
        "name": "broken_in", "by": ["username"], "within": 600,
        "sequence": [{"where": BRUTE["where"], "count": 5}, {"where": {**BRUTE["where"], "success": True}}],
    }  # fmt: skip

    assert not feed(detector(rule), (0, success), *fails(1, 2, 3, 4), (5, success))
    assert not feed(detector(rule), *fails(0, 1, 2, 3, 4), (600.001, success))
    (alert,) = feed(detector(rule), *fails(0, 1, 2, 3, 4), (600, success))
    assert (alert["rule"], alert["count"], alert["created"]) == ("broken_in", 6, START + 600)


def test_while_open_counts_only_during_the_other_incident():
    """A success counts only while the address has an open incident of the other rule."""
    success = {**failure(), "success": True}
    rule = {
        "name": "in", "where": {"event_type": "authentication", "success": True}, "by": ["ip_address"],
        "count": 1, "within": 60, "while_open": ["guessing"],
    }  # fmt: skip
    engine = detector(BRUTE, rule)

    assert not feed(engine, (0, success), *fails(1, 2, 3, 4))
    assert states(feed(engine, *fails(5), (6, success))) == [("guessing", "open"), ("in", "open")]
    assert ("in", "open") not in states(feed(engine, (1000, success)))


def test_an_open_incident_mutes_the_rules_that_it_inhibits():
    """While the network's incident is open, its addresses' incidents are not told; they are when it is over."""
    network = {**BRUTE, "name": "network", "by": ["ip_address/24"], "inhibits": ["guessing"], "resolve_after": 50}
    engine = detector(BRUTE, network)
    alerts = feed(engine, *[(number, failure(f"203.0.113.{number}")) for number in range(5)])
    alerts += feed(engine, *fails(*range(10, 15)))
    later = feed(engine, *fails(*range(100, 105), address="203.0.113.7"))

    assert states(alerts) == [("network", "open"), ("network", "update")]
    assert ("guessing", "open") not in states(later[:1])
    assert states(later)[0] == ("network", "resolve")


def test_an_alert_says_which_form_of_its_rule_was_at_work():
    """Its reason and the rules it inhibits come along; the version changes with the rule and with nothing else."""
    versions = []
    for rule in (BRUTE, dict(reversed(BRUTE.items())), {**BRUTE, "count": 4}):
        (alert,) = feed(detector({**rule, "name": "network", "inhibits": ["guessing"], "reason": "house rule"}, BRUTE),
                        *fails(*range(rule["count"])))[:1]  # fmt: skip
        versions.append(alert["rule_version"])

        assert (alert["reason"], alert["inhibits"]) == ("house rule", ["guessing"])
    assert versions[0] == versions[1] != versions[2]


def test_a_muted_incident_is_never_resolved_aloud():
    """People who were not told of an incident are not told of its end."""
    network = {**BRUTE, "name": "network", "by": ["ip_address/24"], "inhibits": ["guessing"], "count": 1}
    engine = detector(BRUTE, network)
    feed(engine, *fails(*range(5)))

    assert states(engine.tick(START + 10_000)) == [("network", "resolve")]


def test_samples_show_the_events_before():
    """An alert that opens shows up to three events: the one that crossed, and two before it of the same group."""
    engine = detector(BRUTE)
    (alert,) = feed(engine, *[(second, failure(user=f"user{second}")) for second in range(5)])

    assert [sample["username"] for sample in alert["samples"]] == ["user2", "user3", "user4"]


def test_what_an_alert_shows_goes_through_show():
    """Group and samples show what `show` makes of a value; the state never sees it."""
    engine = detector(
        {**BRUTE, "by": ["username"]}, show=lambda _event, field, value: f"<{field}>" if value == "bob" else value
    )
    (alert,) = feed(engine, *fails(*range(5)))

    assert alert["group"] == {"username": "<username>"}
    assert "bob" not in json.dumps(alert)


def test_stable_keys_outlive_a_rotation_of_tokens():
    """An identity whose token changes, but not its stable key, stays one group."""
    engine = detector({**BRUTE, "by": ["username"]})
    alerts = [
        alert
        for number in range(5)
        for alert in engine.observe(failure(user=f"usr_k{number}_x"), START, {"username": "0123456789abcdef"})
    ]

    assert states(alerts) == [("guessing", "open")]


def test_incident_ids_are_repeatable():
    """The same events in another run, with the same key, give the same alerts to the last field."""
    events = [(second, failure(f"203.0.113.{second % 3}", f"user{second % 4}")) for second in range(100)]

    assert feed(detector(), *events) == feed(detector(), *events)


def test_a_late_event_counts_where_it_belongs():
    """An event that arrives late, within the window, still completes the count."""
    engine = detector(BRUTE)

    assert states(feed(engine, *fails(10, 11, 12, 13, 5))) == [("guessing", "open")]


def test_an_event_from_long_ago_is_not_counted():
    """An old file read by a running process does not complete a window of today."""
    engine = detector(BRUTE)

    assert not feed(engine, *fails(10_000, 10_001, 10_002, 10_003), *fails(*range(4)))


def test_hostile_values_are_no_problem():
    """Lists, dicts, giants and objects where a text is expected raise nothing."""
    engine = detector()
    for value in ([], {}, 10**400, float("nan"), b"\xff", object(), "x" * 10**6, "\ud800", [[["a"]]], {"a": {}}):
        for field in ("event_type", "ip_address", "username", "success", "severity", "endpoint", "source", "trusted"):
            for kind in ("authentication", "authorization", "api_request", "rate_limit_violation", "security_x"):
                engine.observe({**failure(), "event_type": kind, "severity": "HIGH", field: value}, START)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from("abc")), max_size=80), st.integers(1, 5))
def test_incidents_follow_their_definition(steps, count):
    """Opens, and resolves at their times, are those of a list of times kept by hand."""
    engine = detector({**BRUTE, "count": count, "resolve_after": 300})
    seen, due, expected, alerts, now = {}, {}, [], [], 0
    for gap, address in steps:
        now += gap
        alerts += feed(engine, (now, failure(address)))
        expected += [("resolve", end) for end in sorted(end for end in due.values() if end <= now)]
        due = {group: end for group, end in due.items() if end > now}
        times = [past for past in seen.get(address, []) if past >= now - 600] + [now]
        if len(times) >= count:
            if address not in due:
                expected.append(("open", now))
            due[address], times = now + 300, []
        seen[address] = times

    told = [
        (alert["incident_state"], alert["created"] - START) for alert in alerts if alert["incident_state"] != "update"
    ]
    assert told == expected


def test_windows_of_one_stream_are_shared():
    """Two limits on the same events keep one list of times between them."""
    engine = detector(BRUTE, {**BRUTE, "name": "slow", "count": 10, "within": 86400})
    alerts = feed(engine, *fails(*range(10)))

    assert states(alerts) == [("guessing", "open"), ("guessing", "update"), ("slow", "open")]
    assert len(engine._state) == 1


def test_no_identity_is_in_the_state():
    """The keys and entries of the state show neither address nor user."""
    engine = detector()
    feed(engine, *fails(*range(4)))
    groups = list(engine._deferral._groups.values())
    early = json.dumps([(group.name, [digits for _, digits, _ in group.pending]) for group in groups])
    engine._deferral.count(groups, int(START) * 1000)
    text = early + json.dumps([(key, entry.pack()) for key, entry in engine._state._entries.items()])

    assert "203.0.113" not in text
    assert "bob" not in text
    assert state_key("username", "bob") in text


def test_any_number_of_event_types():
    """Types that somebody invents by the thousand are judged like any other, and not all remembered."""
    engine = detector({**BRUTE, "where": {"event_type": {"startswith": "custom_"}}})
    alerts = feed(engine, *[(0, {**failure(), "event_type": f"custom_{number}"}) for number in range(1000)])

    assert states(alerts)[0] == ("guessing", "open")
    assert len(engine._rows) <= 256
