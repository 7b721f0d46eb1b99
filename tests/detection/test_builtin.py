from __future__ import annotations

import pytest

from seclog_handlers.detection import BUILTIN
from tests.detection.support import START, detector, failure, feed, states


def opened(alerts, rule):
    return [alert for alert in alerts if alert["rule"] == rule and alert["incident_state"] == "open"]


def denial(user=7, **fields):
    return {
        "event_type": "authorization", "granted": False, "user_id": user, "resource": "admin_panel",
        "action": "read", **fields,
    }  # fmt: skip


def success(**fields):
    return {**failure(**fields), "success": True}


def test_five_failures_of_an_address_are_a_brute_force():
    """Five failed logins from one address, of whichever users, alert once."""
    alerts = feed(detector(), *[(second, failure(user=f"user{second}")) for second in range(5)])

    assert states(alerts) == [("brute_force_ip", "open")]
    assert alerts[0]["message"] == "suspicious_authentication_pattern"
    assert alerts[0]["severity"] == "HIGH"


def test_ten_failures_of_a_user_from_anywhere_are_a_brute_force():
    """Ten failed logins of one user alert although no address tries five times."""
    alerts = feed(detector(), *[(second, failure(f"203.0.{second % 4}.7")) for second in range(10)])

    assert states(alerts) == [("brute_force_user", "open")]


def test_many_users_of_one_address_are_spraying():
    """Fifteen tries at five users within an hour are spraying, however slow."""
    events = [(200 * number, failure(user=f"user{number % 5}")) for number in range(15)]

    assert opened(feed(detector(), *events), "password_spraying")


def test_a_forgetful_user_is_not_spraying():
    """Fifteen slow failures of one user are no spraying."""
    assert not opened(feed(detector(), *[(200 * number, failure()) for number in range(15)]), "password_spraying")


def test_a_success_after_failures_is_critical():
    """A login that works after five failures of that user alerts, CRITICAL, at the success."""
    engine = detector()
    feed(engine, *[(second, failure()) for second in range(5)])
    (alert,) = feed(engine, (30, success(address="198.51.100.1")))

    assert (alert["rule"], alert["severity"], alert["level"]) == ("success_after_failures", "CRITICAL", 50)


def test_a_success_after_four_failures_is_none():
    """Who mistypes four times and then logs in is nobody's attacker."""
    assert not feed(detector(), *[(second, failure()) for second in range(4)], (5, success()))


def test_three_different_denied_privileged_actions_are_an_escalation():
    """A user who is denied three different things that need an administrator alerts."""
    alerts = feed(
        detector(), *[(number, denial(action=action)) for number, action in enumerate(("read", "write", "delete"))]
    )

    assert states(alerts) == [("privilege_escalation", "open")]
    assert alerts[0]["message"] == "privilege_escalation_attempt"
    assert alerts[0]["group"] == {"user_id": "7"}


def test_permissions_of_an_administrator_count_too():
    """What needs an admin's permission is privileged, whatever it is called."""
    events = [
        (number, denial(resource="thing", action="open", required_permissions=[f"admin:{number}"]))
        for number in range(3)
    ]

    assert states(feed(detector(), *events)) == [("privilege_escalation", "open")]


def test_one_page_reloaded_is_no_escalation():
    """The same denied page, ten times, is one denied thing."""
    assert not feed(detector(), *[(number, denial()) for number in range(10)])


def test_ordinary_denials_are_no_escalation():
    """Denied documents that need no administrator are no escalation."""
    events = [(number, denial(resource=f"doc{number}", required_permissions=["doc:read"])) for number in range(10)]

    assert not feed(detector(), *events)


def test_a_grant_after_denials_is_critical():
    """A privileged action that was denied three times and is then granted alerts, CRITICAL."""
    engine = detector()
    feed(engine, *[(second, denial()) for second in range(3)])
    (alert,) = feed(engine, (10, {**denial(), "granted": True}))

    assert (alert["rule"], alert["severity"]) == ("grant_after_denials", "CRITICAL")


@pytest.mark.parametrize("field", ["path", "endpoint", "api_endpoint"])
def test_thirty_requests_in_a_second_are_a_flood(field):
    """Thirty requests of one address to one endpoint in a second alert, whatever the field is called."""
    event = {"event_type": "api_request", "ip_address": "203.0.113.7", field: "/search"}
    alerts = feed(detector(), *[(number / 40, event) for number in range(30)])

    assert states(alerts) == [("flood_ip", "open")]
    assert alerts[0]["message"] == "potential_ddos_attack"
    assert alerts[0]["group"] == {"ip_address": "203.0.113.7", "endpoint": "/search"}


def test_thirty_requests_to_thirty_endpoints_are_none():
    """A page that loads thirty things at once is no flood."""
    events = [
        (0, {"event_type": "api_request", "ip_address": "203.0.113.7", "path": f"/{number}"}) for number in range(30)
    ]

    assert not feed(detector(), *events)


def test_twenty_addresses_over_their_limit_are_a_flood():
    """Twenty addresses that break the limit of one endpoint within a minute alert once."""
    events = [
        (number, {"event_type": "rate_limit_violation", "ip_address": f"203.0.113.{number}", "endpoint": "/login"})
        for number in range(20)
    ]

    assert states(feed(detector(), *events)) == [("flood_distributed", "open")]


@pytest.mark.parametrize("severity", ["HIGH", "CRITICAL"])
def test_a_severe_security_event_alerts_at_once(severity):
    """A security event that the application calls HIGH or CRITICAL alerts at once, under its own name."""
    event = {"event_type": "security_token_forged", "severity": severity}
    (alert,) = feed(detector(), (0, event))

    assert alert["message"] == "security_token_forged"
    assert alert["severity"] == severity
    assert alert["group"] == {"event_type": "security_token_forged"}


@pytest.mark.parametrize("severity", ["LOW", "MEDIUM", "urgent", None, 5])
def test_other_security_events_do_not(severity):
    """A security event of another severity is logged, no more."""
    assert not feed(detector(), (0, {"event_type": "security_probe", "severity": severity}))


def test_a_security_event_is_one_incident_for_an_hour():
    """The same event again prolongs its incident; another event is another incident; it ends after an hour."""
    engine = detector()
    event = {"event_type": "security_a", "severity": "HIGH"}
    alerts = feed(engine, (0, event), (1800, event), (1801, {**event, "event_type": "security_b"}))

    assert [(alert["message"], alert["incident_state"]) for alert in alerts] == [
        ("security_a", "open"), ("security_a", "update"), ("security_b", "open"),
    ]  # fmt: skip
    assert [alert["created"] - START for alert in engine.tick(START + 10_000)] == [5400, 5401]


def test_a_rising_severity_is_told():
    """An incident that was HIGH and meets a CRITICAL event is told again, as CRITICAL."""
    event = {"event_type": "security_a", "severity": "HIGH"}
    engine = detector()
    feed(engine, *[(0, event)] * 3)
    (alert,) = feed(engine, (1, {**event, "severity": "CRITICAL"}))

    assert (alert["incident_state"], alert["severity"]) == ("update", "CRITICAL")


def test_unhandled_exceptions_are_one_incident_a_fingerprint():
    """A thousand exceptions of one kind are one incident, those of another kind another."""
    event = {"event_type": "security_unhandled_exception", "severity": "HIGH", "fingerprint": "aaaa"}
    alerts = feed(detector(), *[(0, event)] * 1000, (1, {**event, "fingerprint": "bbbb"}))

    assert len(opened(alerts, "unhandled_exception")) == 2
    assert not opened(alerts, "security_event")


def test_an_unhandled_exception_without_fingerprint_alerts_too():
    """An exception whose fingerprint is not known is still an alert."""
    event = {"event_type": "security_unhandled_exception", "severity": "HIGH"}

    assert states(feed(detector(), (0, event))) == [("security_event", "open")]


def test_an_alert_never_escalates():
    """A security_alert that comes back to the detector alerts nobody."""
    assert not feed(detector(), (0, {"event_type": "security_alert", "severity": "CRITICAL"}))


@pytest.mark.parametrize("rule", [entry["name"] for entry in BUILTIN])
def test_trusted_sources_are_never_told(rule):
    """Events of a trusted source open no incident of any built-in rule."""
    trusted = {"trusted": {"name": "office"}}
    events = [
        *[(number, failure(**trusted)) for number in range(20)],
        *[(number, failure(user=f"user{number % 6}", **trusted)) for number in range(30)],
        (31, success(**trusted)),
        *[(number, denial(action=f"delete{number}", **trusted)) for number in range(5)],
        *[(number, denial(**trusted)) for number in range(5)],
        (6, {**denial(**trusted), "granted": True}),
        *[(0, {"event_type": "api_request", "ip_address": "203.0.113.7", "path": "/", **trusted})] * 40,
        *[
            (0, {"event_type": "rate_limit_violation", "ip_address": f"203.0.113.{n}", "endpoint": "/", **trusted})
            for n in range(30)
        ],
        (0, {"event_type": "security_x", "severity": "CRITICAL", **trusted}),
        (0, {"event_type": "security_unhandled_exception", "severity": "CRITICAL", "fingerprint": "a", **trusted}),
    ]

    assert not feed(detector(rule), *events)


def test_access_logs_alone_make_a_medium_incident():
    """What nothing but status codes of an access log says is MEDIUM."""
    (alert,) = feed(detector(), *[(second, failure(user=None, source="access_log")) for second in range(5)])

    assert alert["severity"] == "MEDIUM"


def test_one_event_of_the_application_makes_it_high():
    """One failure that the application itself logged, among those that count, makes the incident HIGH."""
    events = [(second, failure(user=None, source="access_log")) for second in range(4)]
    (alert,) = feed(detector(), *events, (4, failure(user=None)))

    assert alert["severity"] == "HIGH"


def test_the_applications_word_raises_an_open_incident():
    """An incident of access logs that the application then confirms rises to HIGH, once."""
    engine = detector()
    feed(engine, *[(second, failure(user=None, source="access_log")) for second in range(5)])
    alerts = feed(engine, (6, failure(user=None)), (7, failure(user=None)))

    assert [(alert["incident_state"], alert["severity"]) for alert in alerts] == [("update", "HIGH")]


def test_an_older_word_of_the_application_does_not_count():
    """A failure that fell out of the window long ago does not make an incident of access logs HIGH."""
    events = [(0, failure(user=None)), *[(700 + n, failure(user=None, source="access_log")) for n in range(5)]]
    (alert,) = feed(detector(), *events)

    assert alert["severity"] == "MEDIUM"


def test_a_severity_of_ones_own_is_kept():
    """Who gives a rule a severity gets it, also for access logs."""
    engine = detector({"name": "brute_force_ip", "severity": "HIGH"})
    (alert,) = feed(engine, *[(second, failure(user=None, source="access_log")) for second in range(5)])

    assert alert["severity"] == "HIGH"
