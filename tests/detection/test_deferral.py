from __future__ import annotations

import random
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers.detection import BUILTIN, engine
from seclog_handlers.detection.deferral.groups import Streak, grouped
from seclog_handlers.detection.distinct import Distinct
from seclog_handlers.detection.measures import NOTHING, Bucket, Events, Limit, Steps, Window, add_each
from seclog_handlers.detection.state import Entry
from tests.detection.support import BRUTE, START, detector, failure, feed

ALL = [rule["name"] for rule in BUILTIN]
ADDRESSES = [*(f"203.0.113.{number}" for number in range(6)), "198.51.100.7", "2001:db8::1"]
USERS = ["root", "admin", "u1", "u2", "u3", "u4", "u5", None, "", 17, "17", True, ["a"]]


def counted_at_once(*rules, **options):
    """The reference: a detector that lets no event wait."""
    engine.DEFERS = False
    try:
        return detector(*rules, **options)
    finally:
        engine.DEFERS = True


GAPS = st.sampled_from([(0, 0.01, 0.5), (0, 1, 20), (1, 60, 600), (0.01, 1, 60, 600, 4000, 20000), (0, 0, 0, 100)])
LATE = st.sampled_from([0, 0, 0, 1, 30, 700, 90_000])
EVENTS = st.one_of(
    st.builds(
        failure,
        st.sampled_from(ADDRESSES),
        st.sampled_from(USERS),
        success=st.sampled_from([False, False, False, True, 1]),
    ),
    st.builds(failure, st.just("203.0.113.1"), st.sampled_from(USERS[:7])),
    st.builds(failure, st.sampled_from(ADDRESSES), st.just("root"), source=st.sampled_from(["access_log", "app"])),
    st.builds(failure, st.just("203.0.113.1"), st.just("root"), trusted=st.sampled_from([None, "office"])),
    st.fixed_dictionaries({
        "event_type": st.just("api_response"), "status_code": st.sampled_from([200, 403, 404, "404"]),
        "ip_address": st.sampled_from(ADDRESSES), "path": st.sampled_from([f"/{number}" for number in range(15)]),
    }),
    st.fixed_dictionaries({
        "event_type": st.just("api_request"), "ip_address": st.sampled_from(ADDRESSES[:2]), "path": st.just("/a"),
    }),
    st.fixed_dictionaries({
        "event_type": st.just("authorization"), "granted": st.booleans(), "user_id": st.sampled_from([1, "1", 2]),
        "resource": st.sampled_from(["/a/1", "/a/2"]), "action": st.sampled_from(["admin.x", "read"]),
    }),
)  # fmt: skip
STEPS = st.lists(st.tuples(st.integers(0, 4), LATE, EVENTS, st.integers(1, 14)), max_size=40)


def told_by(engine, gaps, steps, ticks):
    """All alerts, with whether an event or a tick told them; bursts of one event repeat it."""
    told, now, chance = [], 0.0, random.Random(7)
    for gap, late, event, times in steps:
        for _ in range(times):
            now += gaps[gap % len(gaps)]
            told += [("event", alert) for alert in engine.observe(dict(event), START + now - late)]
            if ticks and chance.random() < 0.02:
                told += [("tick", alert) for alert in engine.tick(START + now + chance.choice([0, 100, 5000]))]
    return told + [("tick", alert) for alert in engine.tick(START + now + 10**7)]


@settings(max_examples=60)
@given(GAPS, STEPS, st.booleans(), st.sampled_from([None, ALL, ["brute_force_ip", "success_after_failures"]]))
def test_waiting_changes_no_alert(gaps, steps, ticks, rules):
    """Alerts are the same to the digit whether events wait or are counted at once, late ones included."""
    told = told_by(detector(*(rules or ())), gaps, steps, ticks)

    assert told == told_by(counted_at_once(*(rules or ())), gaps, steps, ticks)


@pytest.mark.parametrize("seed", range(4))
def test_waiting_changes_no_alert_of_a_long_attack(seed):
    """The same over attacks of hundreds of events, whose incidents grow, mute each other and end."""
    chance = random.Random(seed)
    gaps = chance.choice([(0, 0.01), (0, 1, 20), (1, 60, 600), (0.01, 60, 4000)])
    users, addresses = chance.choice([1, 3, 40]), chance.choice([1, 3, 20])
    events, now = [], 0.0
    for _ in range(1500):
        now += chance.choice(gaps)
        address, user = f"203.0.113.{chance.randrange(addresses)}", f"u{chance.randrange(users)}"
        events.append((now, {**failure(address, user), "success": chance.random() < 0.02}))

    assert feed(detector(), *events) == feed(counted_at_once(), *events)


def test_most_events_of_an_attack_wait():
    """An attack of one kind is noted, not counted: of a thousand events a few per cent are judged one by one."""
    engine = detector()
    judged = []
    judge = engine._judge
    engine._judge = lambda *given: (judged.append(1), judge(*given))[1]
    feed(engine, *[(number / 100, failure()) for number in range(1000)])

    assert len(judged) < 50
    assert type(engine._deferral.streak) is Streak


def test_what_waits_is_forgotten_with_its_person():
    """Events that wait are dropped with the person's state: four failures, forgotten, and a fifth make no alert."""
    engine = detector(BRUTE)
    feed(engine, *[(number, failure()) for number in range(4)])

    assert engine.forget("203.0.113.7") == 1
    assert feed(engine, (5, failure())) == []


def test_a_child_counts_what_waited_when_it_was_forked():
    """After a fork the counters stay, the incidents are the parent's: the child opens one of its own at the threshold."""
    engine = detector(BRUTE)
    feed(engine, *[(number, failure()) for number in range(27)])
    engine.after_fork()
    alerts = feed(engine, *[(27 + number, failure()) for number in range(3)])

    assert [(alert["incident_state"], alert["count"]) for alert in alerts] == [("open", 5)]


GAP_LISTS = st.lists(st.integers(-3, 12), min_size=1, max_size=40)
MEASURES = st.sampled_from([
    Window([Limit("r", 3, 20)]),
    Window([Limit("a", 3, 20), Limit("b", 5, 60)]),
    Distinct("r", 30, 3, 6, 4),
    Distinct("r", 30, 4),
    Steps("r", 40, [3, 2]),
    Bucket("r", 4, 10, 20),
])  # fmt: skip


def remembered(entry):
    """What an entry's future depends on; times that are too old anyway may differ."""
    return entry.last, entry.incidents, entry.own


@given(MEASURES, st.lists(st.tuples(st.sampled_from("01"), GAP_LISTS), max_size=6), GAP_LISTS)
def test_many_at_once_are_as_one_by_one(measure, runs, after):
    """Runs of events that are counted in one go leave an entry that goes on as if each had been counted alone."""
    together, alone = Entry(), Entry()
    now = 1000
    for value, gaps in [*runs, *(("0", [gap]) for gap in after)]:
        times = list(accumulate([now + gaps[0], *gaps[1:]]))
        now = max(now, *times)
        events = Events(times, times == sorted(times), value)

        assert measure.add_all(together, events) == add_each(measure, alone, times, value, NOTHING)
        assert remembered(together) == remembered(alone)


BATCHES = st.lists(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12)), min_size=1, max_size=12), max_size=8
)


@given(st.sampled_from([Distinct("r", 30, 3, 6, 4), Distinct("r", 30, 4), Distinct("r", 30, 3, 9)]), BATCHES)
def test_many_values_at_once_are_as_one_by_one(measure, batches):
    """Events counted by their values leave what counting each leaves, wherever they say that they can be."""
    together, alone, now = Entry(), Entry(), 1000
    for batch in batches:
        runs = [([now := now + gap], value) for value, gap in batch]
        one_by_one = NOTHING
        for times, value in runs:
            one_by_one = add_each(measure, alone, times, value, one_by_one)
        by_value = grouped(runs)
        counted = (by_value.number, by_value.newest, {})
        if not measure.add_values(together, by_value):
            counted = NOTHING
            for times, value in runs:
                counted = add_each(measure, together, times, value, counted)

        assert counted == one_by_one
        assert remembered(together) == remembered(alone)


def test_a_last_step_of_several_events_waits_for_them():
    """A sequence that ends with more than one event is found while its events wait, as it is when each is counted."""
    rule = {"name": "twice", "by": ["username"], "within": 600, "sequence": [
        {"where": {"success": False}, "count": 3}, {"where": {"success": True}, "count": 2},
    ]}  # fmt: skip
    events = [(number, failure(success=number > 2)) for number in range(5)]

    assert [alert["rule"] for alert in feed(detector(rule), *events)] == ["twice"]
    assert [alert["rule"] for alert in feed(counted_at_once(rule), *events)] == ["twice"]


@given(MEASURES, st.lists(st.tuples(st.sampled_from("0123"), st.integers(-3, 12)), max_size=80))
def test_nothing_crosses_while_there_is_room(measure, steps):
    """A measure never crosses before the number of events, or of new values, that it says it takes at least."""
    entry, now = Entry(), 1000
    slack, number, new, seen = measure.slack(entry), 0, set(), set()
    for value, gap in steps:
        now += gap
        step = value if type(measure) is Distinct or type(measure) is Bucket else "0"
        number += 1
        if step not in seen:
            new.add(step)
        crossings = measure.add(entry, now, step)
        if crossings is not None:
            entry.last = max(entry.last, now)
        for crossing in crossings or ():
            room, fresh, spread, until = slack[crossing.rule]
            assert number > room or (len(new) > fresh and number > spread) or now >= until
        if crossings or number > 6:
            slack, number, new = measure.slack(entry), 0, set()
            seen = set(entry.counter) if type(measure) is Distinct and entry.counter else set()


def test_a_flood_of_neighbours_hides_no_brute_force():
    """Two strangers from each network push each other out of a full table, not the address that is near its fifth."""
    judge = detector()
    judge._deferral._max_bytes, judge._state.max_bytes = 200_000, 100_000
    opened = []

    for number in range(6_000):
        when = START + number / 100
        network = number // 2
        judge.observe(failure(f"11.{network // 256}.{network % 256}.{number % 2 + 1}", f"user{number}"), when)
        if number % 750 == 375:
            alerts = judge.observe(failure("203.0.113.7", "alice"), when)
            opened += [alert["rule"] for alert in alerts if alert.get("incident_state") == "open"]

    assert opened == ["brute_force_ip"]


@pytest.mark.parametrize("seed", range(6))
def test_waiting_with_an_address_changes_no_alert(seed):
    """Requests that wait by their address alone, of visitors and of floods on one page, late ones included."""
    chance = random.Random(seed)
    events, now = [], 0.0
    for number in range(3000):
        flood = number // 150 % 2
        now += chance.choice([0, 0.004, 0.01]) if flood else chance.choice([0, 0.2, 3, 100])
        kind = chance.choice([
            {"event_type": "api_request"},
            {"event_type": "authentication", "success": False, "username": "bob"},
            {"event_type": "api_response", "status_code": chance.choice([200, 404])},
        ])  # fmt: skip
        fields = {
            "ip_address": f"203.0.113.{chance.choice([1, 1, 1, 2])}", "path": chance.choice(["/a", "/a", "/b", "", 7]),
            "source": "access_log", **kind,
        }  # fmt: skip
        late = seed > 3 and chance.random() < 0.01
        events.append((now - (chance.choice([0.5, 2]) if late else 0), fields))
    rules = [["flood_ip", "brute_force_ip", "success_after_failures"], ALL][seed % 2]

    told = feed(detector(*rules), *events)

    assert told == feed(counted_at_once(*rules), *events)
    assert "flood_ip" in {alert["rule"] for alert in told}


def test_a_visitors_pages_are_no_groups():
    """A thousand pages of one address at a walking pace leave one source, and no group for each page."""
    engine = detector("flood_ip")
    feed(engine, *[
        (number, {"event_type": "api_request", "ip_address": "203.0.113.1", "path": f"/{number}"})
        for number in range(1000)
    ])  # fmt: skip

    assert len(engine._deferral) == 0


def test_an_event_in_the_same_words_is_found_again():
    """Guesses for two users in turn take the short way: of a thousand fewer than a tenth are worked out anew."""
    engine = detector()
    long_way = []
    takes = engine._deferral.takes
    engine._deferral.takes = lambda *given: (long_way.append(1), takes(*given))[1]
    events = [failure(f"203.0.113.{number}", f"u{number}") for number in range(2)]
    feed(engine, *[(number / 100, dict(events[number % 2])) for number in range(1000)])

    assert len(long_way) < 100


def test_forgotten_persons_are_not_found_again():
    """After `forget` nothing remembers the person's events, neither by their words nor with a source."""
    engine = detector()
    pages = [{"event_type": "api_request", "ip_address": "203.0.113.1", "path": f"/{number}"} for number in range(9)]
    logins = [failure(f"203.0.113.{1 + number % 2}") for number in range(10)]
    feed(engine, *[(3600 * number, event) for number, event in enumerate([*pages, *logins])])
    assert any(rows.visits.known for rows in engine._rows.values())

    engine.forget("203.0.113.1")

    assert not any(label.sieve.sources for label in engine._deferral._sifting)
    assert not any(rows.visits.known for rows in engine._rows.values())
