from __future__ import annotations

import tracemalloc

from seclog_handlers.detection.caps import BESIDE
from seclog_handlers.detection.state.entry import Entry
from seclog_handlers.detection.state.memory import MemoryState
from seclog_handlers.detection.state.remains import SLOTS, WAYS, Remains
from tests.detection.support import BRUTE, START, detector, failure, feed, state_key, states

HOUR = 3600


def flood(engine, number, start, span, kind="203"):
    """One failure each of `number` addresses and users, spread over `span` seconds; the alerts they cause."""
    for index in range(number):
        address = f"{kind}.{index >> 16}.{index >> 8 & 255}.{index & 255}"
        yield start + span * index / number, failure(address, f"user{kind}{index}")


def test_a_flood_of_strangers_hides_nobody():
    """Among 200,000 addresses that try once each, the one that tries five times is found, at its fifth try."""
    engine = detector(BRUTE)
    alerts = []
    for index, (offset, event) in enumerate(flood(engine, 200_000, 0, 500)):
        alerts += engine.observe(event, START + offset)
        if index % 40_000 == 20_000:
            alerts += engine.observe(failure("198.51.100.9", f"attacked{index}"), START + offset)

    told = [alert for alert in alerts if alert["incident_state"] == "open"]
    assert [alert["group"] for alert in told if alert["rule"] == "guessing"] == [{"ip_address": "198.51.100.9"}]


def test_a_flood_is_told_once():
    """When groups that still count have to go, one alert says so; it is not repeated."""
    engine = detector(BRUTE)
    alerts = feed(engine, *flood(engine, 80_000, 0, 500))

    assert states(alerts) == [("detector_state_saturated", "open")]
    assert engine.tick(START + 500 + 601)[-1]["incident_state"] == "resolve"


def test_memory_is_capped():
    """However many groups there are, the state takes no more than its cap."""
    engine = detector()
    feed(engine, *flood(engine, 1000, 0, 1))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for offset, event in flood(engine, 15_000, 10, 100, kind="198"):
            engine.observe(event, START + offset)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert engine._deferral._remains is not None
    assert grown < 33 * 2**20


def test_old_groups_make_room_without_a_word():
    """Groups whose windows are over are dropped silently: a busy year is no saturation."""
    engine = detector(BRUTE)
    alerts = []
    for hour in range(3):
        alerts += feed(engine, *flood(engine, 4_000, hour * HOUR, 100, kind=str(10 + hour)))

    assert alerts == []
    assert engine._deferral._bytes <= BESIDE.groups


def test_suspicious_groups_stay():
    """A group with several failures outlives any number of groups with one, without the short form's help."""
    state = MemoryState(max_bytes=40_000)
    held = "ab" * 20

    def count(key, weight):
        def transition(found):
            entry = found.setdefault(key, Entry())
            entry.counter, entry.weight, entry.last, entry.ttl = [1] * weight, weight, 1, 10**9

        return transition

    state.apply([held], 1, count(held, 4))
    for number in range(5000):
        key = f"{number:040x}"
        state.apply([key], 1, count(key, 1))

    assert state.apply([held], 1, lambda found: held in found)
    assert len(state) < 100


def test_a_full_state_ends_incidents_early_and_says_so():
    """When even open incidents must go, they are resolved, not forgotten."""
    engine = detector({**BRUTE, "count": 1, "resolve_after": 10**6})
    engine._state.max_bytes = 200_000
    alerts = []
    for offset, event in flood(engine, 500, 0, 100):
        alerts += engine.observe(event, START + offset)
    alerts += engine.tick(START + 2 * 10**6)

    opened = [alert["incident_id"] for alert in alerts if alert["incident_state"] == "open"]
    resolved = [alert["incident_id"] for alert in alerts if alert["incident_state"] == "resolve"]
    assert sorted(opened) == sorted(resolved)
    assert len(set(opened)) == 501
    assert engine._state._bytes <= 200_000


def test_the_short_form_gives_back_what_it_got():
    """Time, value and origin of a single event come back exactly, once."""
    remains = Remains(64)
    key = state_key("ip_address", "203.0.113.7")
    entry = Entry()
    entry.counter, entry.last, entry.own, entry.weight = {"beef": [1_700_000_000_123]}, 1_700_000_000_123, -1, 1
    remains.put(key, entry)
    found = remains.take(key, 1_700_000_500_000)

    assert (found.seed, found.own) == ((1_700_000_000_123, "beef"), -1)
    assert remains.take(key, 1_700_000_500_000) is None


def test_the_short_form_forgets_the_oldest():
    """A set that is full lets its oldest event go."""
    remains = Remains(WAYS)
    keys = [state_key("a", number) for number in range(WAYS + 1)]
    for number, key in enumerate(keys):
        entry = Entry()
        entry.counter, entry.last, entry.weight = [number], number, 1
        remains.put(key, entry)

    assert [remains.take(key, 100) is not None for key in keys] == [False, *[True] * WAYS]


def test_the_short_form_keeps_only_what_it_can_give_back():
    """Counters that are more than one event are not kept in short form."""
    remains = Remains(WAYS)
    key = state_key("a", 1)
    for counter in ([1, 2], [1.5, 1, 1, 0, []], None):
        entry = Entry()
        entry.counter, entry.last = counter, 1
        remains.put(key, entry)

    assert remains.take(key, 100) is None
    assert SLOTS * 13 + BESIDE.groups + BESIDE.entries <= 32 * 2**20


def test_what_has_expired_goes_before_what_has_not():
    """Groups whose windows are over make room for new ones, also where groups that still count are older."""
    engine = detector(
        {**BRUTE, "name": "slow", "by": ["username"], "within": 86400},
        {**BRUTE, "name": "fast", "within": 60},
    )
    lasting = [(0, {**failure(None, f"user{number}")}) for number in range(1000)]
    alerts = feed(engine, *lasting)
    for minute in range(1, 9):
        alerts += feed(
            engine, *[(minute * 100, {**failure(f"10.{minute}.{n >> 8}.{n & 255}", None)}) for n in range(3000)]
        )

    assert alerts == []


def test_incidents_that_a_flood_ends_early_leave_nothing_behind():
    """The times at which they would have ended are let go of: a million of them took 12 MiB beyond the cap."""
    state = MemoryState(max_bytes=50 * 4000)

    def opening(found, key, now):
        entry = found[key] = Entry(600_000)
        entry.weight, entry.last = 1, now
        entry.incidents, entry.due = {"r": {"id": key, "due": now + 86_400_000}}, now + 86_400_000

    def end(found):
        for entry in found.values():
            entry.incidents, entry.due, entry.weight = None, 0, 0

    ended = 0
    for now in range(20_000):
        key = format(now, "x")
        state.apply([key], now, lambda found, key=key, now=now: opening(found, key, now))
        keys = state.due_keys(now)
        ended += len(keys)
        state.apply(keys, now, end)

    assert ended > 19_000
    assert len(state._queue) < 2_000
    assert state.earliest_due() == min(entry.due for entry in state._entries.values())
