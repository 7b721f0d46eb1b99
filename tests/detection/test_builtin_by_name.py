from __future__ import annotations

import pytest

from seclog_handlers.detection import BUILTIN, DEFAULTS
from tests.detection.support import detector, failure, feed, states

HOUR = 3600
BERLIN = {"country": "DE", "latitude": 52.5, "longitude": 13.4, "accuracy_radius_km": 20}
SYDNEY = {"country": "AU", "latitude": -33.9, "longitude": 151.2, "accuracy_radius_km": 20}


def success(user="bob", address="203.0.113.7", **fields):
    return {**failure(address, user), "success": True, **fields}


def failures(times, hosts=1, users=1, network="203.0.113"):
    """Failures at these times, dealt to so many addresses and users."""
    return [(now, failure(f"{network}.{n % hosts}", f"user{n % users}")) for n, now in enumerate(times)]


def probes(number, gap, paths=1000, **fields):
    event = {"event_type": "api_response", "status_code": 404, "ip_address": "203.0.113.7", "source": "access_log"}
    return [(n * gap, {**event, "path": f"/secret{n % paths}.bak", **fields}) for n in range(number)]


def denials(number, user=7, gap=1, **fields):
    event = {
        "event_type": "authorization",
        "granted": False,
        "user_id": user,
        "action": "read",
        "ip_address": "10.0.0.1",
    }
    return [(n * gap, {**event, "resource": f"invoice/{n}", **fields}) for n in range(number)]


def requests(number, gap=0.0, start=0.0, path="/search"):
    return [
        (start + n * gap, {"event_type": "api_request", "ip_address": f"10.0.{n % 9}.1", "path": path})
        for n in range(number)
    ]


def session(**fields):
    return {"event_type": "api_request", "session_id": "s1", "user_agent": "Firefox", "geo_location": BERLIN, **fields}


def exceptions(number, gap):
    event = {"event_type": "security_unhandled_exception", "severity": "LOW"}
    return [(n * gap, {**event, "fingerprint": str(n)}) for n in range(number)]


def inputs(number, gap):
    event = {"event_type": "security_input_validation_failure", "severity": "MEDIUM", "ip_address": "203.0.113.7"}
    return [(n * gap, event) for n in range(number)]


FAR = {"risk_factors": [{"name": "new_country", "points": 20}]}
NEAR = {"risk_factors": [{"name": "unfamiliar_login", "points": 5}]}
ROLE = {"event_type": "authorization", "granted": True, "user_id": 7, "resource": "user:8", "action": "grant_role"}

# rule: (events that are it, events that just are not)
SIDES = {
    "brute_force_ip_fast": (failures(range(6)), failures(range(0, 600, 10))),
    "brute_force_ip_slow": (failures(range(0, 80000, 8000)), failures(range(0, 900_000, 9601))),
    "brute_force_user": (failures(range(10), hosts=9), failures(range(0, 6000, 67), hosts=9)),
    "brute_force_user_hard": (failures(range(100), hosts=50), failures(range(99), hosts=50)),
    "brute_force_network": (failures(range(0, 50000, 10000), hosts=3), failures(range(50), hosts=2)),
    "brute_force_network_ipv6": (
        [(n * HOUR, failure(f"2001:db8:0:1::{n % 3}")) for n in range(5)],
        [(n * HOUR, failure(f"2001:db8:{n % 3}::1")) for n in range(5)],
    ),
    "credential_stuffing": (failures(range(25), users=15), failures(range(45), users=14)),
    "distributed_brute_force": (failures(range(0, 1800, 180), hosts=5), failures(range(0, 1800, 180), hosts=4)),
    "distributed_brute_force_slow": (
        failures(range(0, 80000, 8000), hosts=10), failures(range(0, 80000, 8000), hosts=4),
    ),
    "user_enumeration": (failures(range(6), users=6), failures(range(60), users=5)),
    "impossible_travel": (
        [(0, success(geo_location=BERLIN)), (HOUR, success(geo_location=SYDNEY))],
        [(0, success(geo_location=BERLIN)), (23 * HOUR, success(geo_location=SYDNEY))],
    ),
    "new_country_after_failures": (
        [*failures(range(3)), (9, success("user0", **FAR))], [*failures(range(3)), (9, success("user0", **NEAR))],
    ),
    "session_agent_change": (
        [(0, session()), (60, session(user_agent="curl"))], [(0, session()), (60, session(session_id="s2", user_agent="curl"))],
    ),
    "session_country_change": (
        [(0, session()), (60, session(geo_location=SYDNEY))], [(0, session()), (60, session(geo_location={"scope": "private"}))],
    ),
    "role_change": ([(0, ROLE)], [(0, {**ROLE, "granted": False}), (0, {**ROLE, "action": "read_role"})]),
    "horizontal_escalation": (denials(10), [*denials(9), *denials(9, user=8), *denials(50, resource="invoice/1")]),
    "object_enumeration": (probes(10, 1), probes(50, 1, paths=9)),
    "path_enumeration": (probes(12, 1), [*probes(100, 0.1, paths=10), *probes(100, 1, status_code=200)]),
    "scanner_behaviour": (probes(15, 100), probes(100, 100, paths=11)),
    "crawl": (
        [(n / 100, event) for n, (_, event) in enumerate(probes(41, 0, event_type="api_request"))],
        probes(100, 0.5, event_type="api_request"),
    ),
    "flood_surge": (
        [*requests(100, 60), *requests(200, 0.1, 6000)], [*requests(2000, 3), *requests(70, 0.1, 6000)],
    ),
    "exception_burst": (exceptions(20, 3), exceptions(60, 4)),
    "input_validation_burst": (inputs(10, 6), inputs(60, 7)),
    "log_injection": (
        [(0, failure(user="bob\n2024-01-01 login ok for admin"))], [(0, failure(user="Bób O'Hara-Łęcki", user_agent="Mozilla/5.0 (X11)"))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", SIDES)
def test_alerts_on_its_side_of_the_threshold(rule):
    """Each rule opens one incident for what it is about."""
    events, _ = SIDES[rule]

    assert states(feed(detector(rule), *events))[:1] == [(rule, "open")]


@pytest.mark.parametrize("rule", SIDES)
def test_is_silent_on_the_other_side(rule):
    """Each rule says nothing about what is just not that."""
    _, events = SIDES[rule]

    assert feed(detector(rule), *events) == []


@pytest.mark.parametrize("rule", SIDES)
def test_trusted_sources_open_nothing(rule):
    """What a trusted source does opens no incident, whatever it is."""
    events, _ = SIDES[rule]

    assert feed(detector(rule), *[(now, {**event, "trusted": {"name": "office"}}) for now, event in events]) == []


def test_every_rule_is_tested_from_both_sides():
    """The rules that are not here have tests of their own in test_builtin."""
    elsewhere = {
        "brute_force_ip", "password_spraying", "success_after_failures", "success_during_attack", "privilege_escalation",
        "grant_after_denials", "flood_ip", "flood_distributed", "security_event", "unhandled_exception",
    }  # fmt: skip

    assert {*SIDES} | elsewhere == {entry["name"] for entry in BUILTIN}
    assert {*DEFAULTS} <= {*SIDES} | elsewhere


@pytest.mark.parametrize(
    "text", ["\x1b[31m", "\u202e", "\u2028", "\x00", "%0d%0aSet-Cookie:", "${jndi:ldap://x}", "$%7Bjndi:x"]
)
@pytest.mark.parametrize("field", ["username", "user_agent", "path"])
def test_crafted_text_is_log_injection(field, text):
    """Control characters, ANSI, bidi and look-ups are injection in any field that a client writes."""
    event = {"event_type": "api_request", "ip_address": "203.0.113.7", field: f"x{text}y"}

    assert states(feed(detector("log_injection"), (0, event))) == [("log_injection", "open")]


def brute(start=0, address="203.0.113.7"):
    """Five users tried once each: a brute force of the address, nothing that any user's rule sees."""
    return [(start + n, failure(address, f"user{n}")) for n in range(5)]


@pytest.mark.parametrize(("minutes", "expected"), [(1, 1), (179, 1), (181, 0)])
def test_a_success_during_an_attack_is_critical(minutes, expected):
    """A login that works within 180 minutes of its address's brute force alerts, CRITICAL, at that second."""
    engine = detector()
    feed(engine, *brute())
    alerts = feed(engine, (minutes * 60, success("margaret")))

    found = [alert for alert in alerts if alert["rule"] == "success_during_attack"]
    assert [alert["severity"] for alert in found] == ["CRITICAL"] * expected


def test_a_success_from_elsewhere_is_none():
    """Who logs in from another address while somebody attacks is nobody's attacker."""
    engine = detector()
    feed(engine, *brute())

    assert feed(engine, (60, success("user1", address="198.51.100.1"))) == []


def test_one_success_is_one_alert():
    """A success after failures of the user speaks for the address too: one alert, and no more of the brute force."""
    engine = detector()
    feed(engine, *[(n, failure()) for n in range(5)])
    alerts = feed(engine, (10, success()), *[(20 + n, failure()) for n in range(20)])

    assert states(alerts) == [("success_after_failures", "open")]


def test_a_network_speaks_for_its_addresses():
    """Once a network is an incident, its addresses are not told one by one."""
    engine = detector()
    alerts = feed(engine, *[(n * 60, failure(f"203.0.113.{n % 3}", f"user{n % 3}")) for n in range(60)])

    assert {rule for rule, _ in states(alerts)} == {"brute_force_network"}


def test_a_flip_flopping_vpn_alerts_once():
    """Somebody who is in two places all day is one incident, that grows."""
    engine = detector("impossible_travel")
    places = [success(geo_location=place) for place in (BERLIN, SYDNEY)] * 20
    alerts = feed(engine, *[(n * 600, event) for n, event in enumerate(places)])

    assert [state for _, state in states(alerts)].count("open") == 1
    assert len({alert["incident_id"] for alert in alerts}) == 1


@pytest.mark.parametrize(
    "paths",
    [
        ("/orders/17", "/orders/18"),
        ("/u/0f8fad5b-d9cb-469f-a165-70867728950e?x=1", "/u/7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    ],
)
def test_templated_paths_are_one_group(paths):
    """Paths that differ in their ids alone are one group of `path/template`."""
    rule = {"name": "r", "where": {}, "by": ["path/template"], "count": 2, "within": 9}
    (alert,) = feed(detector(rule), *[(0, {"path": path}) for path in paths])

    assert alert["group"]["path/template"].endswith("/{id}")


def test_templates_keep_what_is_no_id():
    """Words stay words: two paths that differ in one are two groups."""
    rule = {"name": "r", "where": {}, "by": ["path/template"], "count": 2, "within": 9}

    assert not feed(detector(rule), (0, {"path": "/orders/deadbeef/a"}), (0, {"path": "/orders/deadbeef/b"}))
