"""`new` on the last step of a sequence: the success of a stranger counts, that of an old acquaintance does not."""

from __future__ import annotations

import pytest

from seclog_handlers.detection.acquaintances import LASTING, Acquaintances
from seclog_handlers.errors import ConfigurationError
from tests.detection.support import detector, failure, feed, states

HOME, AWAY, STRANGER = "198.51.100.1", "198.51.100.2", "203.0.113.9"
DAY = 86_400
RULE = "success_after_failures"


def success(address, user="bob"):
    return failure(address, user, success=True)


def strangers(start, user="bob"):
    """Five failures of five addresses on one name."""
    return [(start + number, failure(f"203.0.113.{number}", user)) for number in range(5)]


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    state = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"
    made = detector(RULE, state=state)
    yield made
    made.close()


def test_a_login_from_the_usual_address_is_no_alert(engine):
    """Others fail on the name; its owner logs in from where he did before."""
    assert feed(engine, (0, success(HOME)), *strangers(DAY), (DAY + 9, success(HOME))) == []


@pytest.mark.parametrize("address", [STRANGER, "203.0.113.3", AWAY])
def test_a_login_from_elsewhere_is_one(engine, address):
    """From an address that failed, from one that was never seen: the user has not logged in from there."""
    alerts = feed(engine, (0, success(HOME)), *strangers(DAY), (DAY + 9, success(address)))

    assert states(alerts) == [(RULE, "open")]


def test_another_user_of_the_address_is_new_to_it(engine):
    """Who logs in from the office as somebody else has not met that somebody's address."""
    alerts = feed(engine, (0, success(HOME, "alice")), *strangers(DAY), (DAY + 9, success(HOME)))

    assert states(alerts) == [(RULE, "open")]


def test_who_broke_in_stays_a_stranger(engine):
    """The success that made the alert is no introduction: the same again, a week later, is an alert again."""
    again = [*strangers(7 * DAY), (7 * DAY + 9, success(STRANGER))]
    alerts = feed(engine, *strangers(0), (9, success(STRANGER)), *again)

    assert states(alerts) == [(RULE, "open"), (RULE, "resolve"), (RULE, "open")]


def test_acquaintances_last_a_month_after_the_last_login(engine):
    """Each login prolongs; after 31 days without one the address is new again."""
    usual = [(day * DAY, success(HOME)) for day in (0, 20, 45)]

    assert feed(engine, *usual, *strangers(70 * DAY), (70 * DAY + 9, success(HOME))) == []
    alerts = feed(engine, *strangers(102 * DAY), (102 * DAY + 9, success(HOME)))
    assert states(alerts) == [(RULE, "open")]


def test_often_repeated_logins_prolong_too(engine):
    """A login that comes every hour, always in the same words, is remembered by its last, not its first."""
    usual = [(hour * 3600, success(HOME)) for hour in range(40 * 24)]

    assert feed(engine, *usual, *strangers(60 * DAY), (60 * DAY + 9, success(HOME))) == []


def test_a_success_without_address_counts(engine):
    """Nobody knows where it came from: it is taken for a stranger's, each time."""
    nowhere = {**success(HOME), "ip_address": None}
    alerts = feed(engine, (0, nowhere), *strangers(DAY), (DAY + 9, nowhere))

    assert states(alerts) == [(RULE, "open")]


def test_a_forgotten_person_is_met_anew(engine):
    """`seclog forget` drops whom a user has met, found by the user or by the address."""
    for value in ("bob", HOME):
        feed(engine, (0, success(HOME)))
        assert engine.forget(value) >= 1
    alerts = feed(engine, *strangers(1), (9, success(HOME)))

    assert states(alerts) == [(RULE, "open")]


def test_a_network_may_be_what_is_new():
    """`ip_address/24` is met by any address of it."""
    steps = [{"where": {"success": False}, "count": 2}, {"where": {"success": True}, "new": "ip_address/24"}]
    engine = detector({"name": "r", "by": ["username"], "sequence": steps, "within": 600})
    failures = [(1, failure()), (2, failure())]

    assert feed(engine, (0, success(HOME)), *failures, (3, success(AWAY))) == []
    assert states(feed(engine, (4, success(STRANGER)))) == [("r", "open")]


def test_the_table_is_bounded():
    """Those that met longest ago are forgotten; those that met again since are not."""
    known = Acquaintances(2)
    for key, now in (("a", 0), ("b", 1), ("a", LASTING), ("c", LASTING)):
        known.meet(key, now)

    assert [known.meet(key, LASTING) for key in ("a", "c", "b")] == [True, True, False]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([{"where": {}, "new": "ip_address"}, {"where": {}}], "last step"),
        ([{"where": {}}, {"where": {}, "count": 2, "new": "ip_address"}], "one event"),
        ([{"where": {}}, {"where": {}, "new": ["ip_address"]}], "names of fields"),
        ([{"where": {}}, {"where": {}, "new": "path/template"}], "give a field"),
    ],
)
def test_what_cannot_be_new_is_refused(steps, words):
    """The error says where `new` may stand and what it may name."""
    with pytest.raises(ConfigurationError, match=words):
        detector({"name": "r", "by": ["username"], "sequence": steps, "within": 600})
