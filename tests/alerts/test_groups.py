"""Alertmanager's timers, with time as a number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers.handlers.alerts import groups
from seclog_handlers.handlers.alerts.content import complete
from seclog_handlers.handlers.alerts.groups import Batch, Pending, Timers
from seclog_handlers.handlers.alerts.lane import CIRCUIT_FAILURES, Lane

DAYS = 172_800  # s
TIMERS = Timers(group_wait=30, group_interval=300, repeat_interval=14_400)


class Clock:
    """A lane, fed and asked at chosen times."""

    def __init__(self, timers: Timers = TIMERS, limit: int = 50, per_minute: int = 100, patience: float = 0) -> None:
        self.lane = Lane("webhook:x", timers, limit, per_minute, patience)
        self.count = 0
        self.fed: list[Pending] = []

    def feed(self, now: float, incident: str = "a", state: str = "open", **fields: Any) -> Pending:
        self.count += 1
        content = {
            "rule": "r",
            "severity": "HIGH",
            "incident_id": incident,
            "incident_state": state,
            "count": 5,
            **fields,
        }
        pending = Pending(("f", self.count), now, complete(content), frozenset({"webhook:x"}), since=now)
        self.lane.add(pending)
        self.fed.append(pending)
        return pending

    def send(self, now: float, **options: Any) -> list[tuple[str, str]] | None:
        batch = self.lane.next(now, now, **options)
        if batch is None:
            return None
        self.lane.arrived(batch, now)
        for pending in batch.covered:
            pending.left = frozenset()
        return shown(batch)


def shown(batch: Batch) -> list[tuple[str, str]]:
    return [(alert["incident_id"], alert["status"]) for alert in batch.alerts]


def test_waits_group_wait_before_the_first_notification():
    """The alerts of one rule are collected for group_wait, then told in one notification."""
    clock = Clock()
    clock.feed(0, "a")
    clock.feed(20, "b")

    assert clock.send(29.9) is None
    assert clock.send(30) == [("a", "firing"), ("b", "firing")]


def test_critical_does_not_wait():
    """A CRITICAL alert is told at once, with all that its group has."""
    clock = Clock()
    clock.feed(0, "a")
    clock.feed(1, "b", severity="CRITICAL")

    assert clock.send(1) == [("b", "firing"), ("a", "firing")]


def test_waits_group_interval_between_notifications():
    """While incidents of a group go on, changes are told once per group_interval."""
    clock = Clock()
    clock.feed(0, "a")
    clock.send(30)
    clock.feed(40, "b")

    assert clock.send(329) is None
    assert clock.send(330) == [("b", "firing"), ("a", "firing")]


def test_repeats_what_goes_on():
    """Incidents that are still open are told again after repeat_interval, not earlier."""
    clock = Clock()
    clock.feed(0, "a")
    clock.send(30)

    assert clock.send(14_429) is None
    assert clock.send(14_430) == [("a", "firing")]


def test_does_not_repeat_what_nobody_has_heard_of_for_a_day():
    """An incident whose end was never logged is not repeated for ever."""
    clock = Clock()
    clock.feed(0, "a")
    clock.send(30)
    times = [now for now in range(0, 400_000, 600) if clock.send(now)]

    assert max(times) <= 90_000
    assert clock.lane.groups == {}


def test_tells_the_end_after_the_opening():
    """An incident that ended before its opening was told is told as firing, and as resolved right after."""
    clock = Clock()
    clock.feed(0, "a")
    clock.feed(5, "a", "resolve")

    assert clock.send(30) == [("a", "firing")]
    assert clock.send(30) == [("a", "resolved")]
    assert clock.lane.groups == {}


def test_an_end_that_comes_alone_is_told_as_resolved():
    """A process may have to tell the end of an incident whose opening another process told."""
    clock = Clock()
    clock.feed(0, "a", "resolve")

    assert clock.send(30) == [("a", "resolved")]


def test_the_end_alone_waits_for_company():
    """Where people read, the end of an incident comes with the next opening, of whichever rule, which it does not delay."""
    clock = Clock(patience=DAYS)
    clock.feed(0, "a")
    told = [clock.send(30)]
    clock.feed(700, "a", "resolve")
    told += [clock.send(50_000)]
    clock.feed(50_000, "b", rule="other")
    told += [clock.send(50_029), clock.send(50_030)]

    assert told == [[("a", "firing")], None, None, [("b", "firing"), ("a", "resolved")]]


def test_the_end_alone_waits_for_two_days_at_most():
    """Without company an end is told alone, once, and meanwhile nothing is repeated that does not go on."""
    clock = Clock(patience=DAYS)
    clock.feed(0, "a")
    clock.send(30)
    clock.feed(700, "a", "resolve")
    told = {now: shown for now in range(1_000, 400_000, 100) if (shown := clock.send(now))}

    assert told == {700 + DAYS: [("a", "resolved")]}
    assert clock.lane.groups == {}


def test_an_end_that_waits_goes_with_a_repetition():
    """What goes on is repeated, and says what has ended."""
    clock = Clock(patience=DAYS)
    clock.feed(0, "a")
    clock.feed(0, "b")
    clock.send(30)
    clock.feed(700, "a", "resolve")

    assert clock.lane.wake_at(800) == 14_430
    assert clock.send(14_430) == [("a", "resolved"), ("b", "firing")]


def test_an_end_that_waits_is_told_when_the_process_ends():
    """The end of the process is the last company there is."""
    clock = Clock(patience=DAYS)
    clock.feed(0, "a")
    clock.send(30)
    clock.feed(700, "a", "resolve")

    assert clock.send(701, drain=True) == [("a", "resolved")]


def test_who_keeps_incidents_hears_of_each_end_at_once():
    """A channel of single incidents is never left with one that has ended."""
    clock = Clock(limit=1, patience=DAYS)
    clock.feed(0, "a")
    clock.send(30)
    clock.feed(700, "a", "resolve")

    assert clock.send(730) == [("a", "resolved")]


def test_a_larger_count_is_no_reason_to_tell():
    """An update whose count grew less than a hundredfold waits for the next notification of its group and is settled by it."""
    clock = Clock()
    clock.feed(0, "a")
    clock.send(30)
    update = clock.feed(100, "a", "update", count=49)

    assert clock.send(3_000) is None
    clock.feed(3_100, "a", "resolve", count=49)
    assert clock.send(3_200) == [("a", "resolved")]
    assert update.left == set()


def test_hundredfold_growth_and_higher_severity_are_told():
    """An incident that grew a hundredfold or became more severe is news."""
    clock = Clock()
    clock.feed(0, "a")
    clock.send(30)

    clock.feed(100, "a", "update", count=500)
    assert clock.send(330) == [("a", "firing")]
    clock.feed(400, "a", "update", count=501, severity="CRITICAL")
    assert clock.send(400) == [("a", "firing")]


def test_a_storm_of_one_attack_is_at_most_three_notifications_in_five_minutes():
    """10,000 events of one attack make an opening and doublings; people hear of it at most three times in five minutes."""
    clock = Clock()
    count, sent = 5, []
    for second in range(300):
        if second % 20 == 0:
            clock.feed(second, "a", "open" if second == 0 else "update", count=count)
            count *= 2
        if clock.send(second):
            sent.append(second)

    assert sent[0] == 30
    assert len(sent) <= 3


def test_a_large_group_is_told_in_parts_at_once():
    """More incidents than fit one notification are told in several, without waiting in between."""
    clock = Clock(limit=2)
    for name in "abcde":
        clock.feed(0, name)
    told = [clock.send(30) for _ in range(4)]

    assert told == [[("a", "firing"), ("b", "firing")], [("c", "firing"), ("d", "firing")],
                    [("e", "firing"), ("a", "firing")], None]  # fmt: skip


def test_a_channel_of_single_incidents_hears_each_change_once():
    """PagerDuty keeps incidents itself: one event per change, no repetition."""
    clock = Clock(limit=1)
    clock.feed(0, "a")
    clock.feed(0, "b")

    assert [clock.send(30), clock.send(30), clock.send(30)] == [[("a", "firing")], [("b", "firing")], None]
    clock.feed(50, "a", "update", count=10)
    assert clock.send(330) == [("a", "firing")]
    assert clock.send(50_000) is None


def test_the_cap_per_minute_holds_back_and_counts():
    """Beyond the cap notifications wait for the minute to pass, and the next says how many alerts were held back."""
    clock = Clock(per_minute=2)
    for rule in ("r1", "r2", "r3"):
        clock.feed(0, rule, rule=rule, severity="CRITICAL")

    assert [clock.send(0) is not None for _ in range(3)] == [True, True, False]
    assert clock.lane.wake_at(0) == 60
    late = clock.lane.next(60, 60)
    assert late is not None
    assert late.held_back == 1


def test_a_failed_notification_is_tried_again_as_it_was():
    """After a failure the same notification with the same key is sent, though more has happened since."""
    clock = Clock()
    clock.feed(0, "a")
    first = clock.lane.next(30, 30)
    clock.lane.failed(30, None)
    clock.feed(30, "b")
    second = clock.lane.next(32, 32)

    assert first is second is not None
    assert clock.lane.next(30.1, 30.1) is None


def test_backoff_grows_and_the_circuit_opens():
    """Failures in a row double the pause up to a minute; success closes the circuit."""
    clock = Clock()
    clock.feed(0, "a")
    pauses = []
    now = 30.0
    for _ in range(15):
        assert clock.lane.next(now, now) is not None
        clock.lane.failed(now, None)
        pauses.append(clock.lane.blocked_until - now)
        now = clock.lane.blocked_until

    assert 0.25 <= pauses[0] <= 0.5
    assert 30 <= pauses[-1] <= 60
    assert clock.lane.is_open
    assert clock.lane.failures > CIRCUIT_FAILURES
    assert clock.send(now) == [("a", "firing")]
    assert not clock.lane.is_open


def test_retry_after_is_honoured_even_at_the_end():
    """A server that asked for a pause gets it, also while the process ends."""
    clock = Clock()
    clock.feed(0, "a")
    clock.lane.next(30, 30)
    clock.lane.failed(30, 120)

    assert clock.send(149, drain=True) is None
    assert clock.send(150) == [("a", "firing")]


def test_refused_content_is_halved_until_the_bad_alert_stands_alone():
    """A notification that a server will not take is split, so that one bad alert does not hold up the others."""
    clock = Clock()
    for name in "abcd":
        clock.feed(0, name)
    told: list[Any] = []
    for _ in range(12):
        batch = clock.lane.next(30, 30)
        if batch is None:
            break
        if any(alert["incident_id"] == "c" for alert in batch.alerts):
            clock.lane.give_up(clock.lane.refused(batch))
            continue
        clock.lane.arrived(batch, 30)
        told += shown(batch)

    assert {name for name, _ in told} == {"a", "b", "d"}


def test_drain_flushes_open_groups():
    """When the process ends, groups that wait for their timers are told at once."""
    clock = Clock()
    clock.feed(0, "a")

    assert clock.send(1) is None
    assert clock.send(1, drain=True) == [("a", "firing")]
    assert clock.send(1, drain=True) is None


def test_an_alert_that_was_held_by_a_crash_does_not_wait_again():
    """group_wait counts from the log call, not from the restart."""
    clock = Clock()
    pending = Pending(("f", 9), 0, complete({"rule": "r", "incident_id": "a"}), frozenset({"webhook:x"}), since=-500)
    clock.lane.add(pending)

    assert clock.send(0) == [("a", "firing")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["open", "update", "resolve"]), st.integers(0, 400),
                          st.sampled_from(["LOW", "HIGH", "CRITICAL"]), st.booleans()), max_size=40),
       st.dictionaries(st.sampled_from("01234"), st.lists(st.sampled_from(["r0", "r1", "r2", "r3", "r4"]))),
       st.sampled_from([1, 2, groups.IN_VIEW]), st.sampled_from([0, DAYS]))  # fmt: skip
def test_every_alert_is_settled_exactly_once(
    steps: list[tuple[int, str, int, str, bool]], inhibits: dict[str, list[str]], in_view: int, patience: float
):
    """Whatever comes, whoever speaks for whom and whenever a channel fails: each alert is settled exactly once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "IN_VIEW", in_view)
        clock = Clock(limit=3, per_minute=1_000, patience=patience)
        now, covered = 0.0, []
        for incident, state, pause, severity, fails in steps:
            name = str(incident)
            clock.feed(now, name, state, severity=severity, rule=f"r{incident % 3}", inhibits=inhibits.get(name))
            now += pause
            batch = clock.lane.next(now, now)
            if batch is not None and fails:
                clock.lane.failed(now, None)
            elif batch is not None:
                clock.lane.arrived(batch, now)
                covered += batch.covered
        for _ in range(400):
            now += 20_000
            if (batch := clock.lane.next(now, now)) is not None:
                clock.lane.arrived(batch, now)
                covered += batch.covered

    assert sorted(map(id, covered)) == sorted(map(id, clock.fed))
    assert all(not group.waiting for group in clock.lane.groups.values())


def test_many_incidents_are_told_in_turn():
    """Beyond what is in view incidents wait behind it; CRITICAL ones do not, and riders hold up nobody."""
    clock = Clock(per_minute=10_000)
    for number in range(1_000):
        clock.feed(0, str(number))
    clock.feed(0, "900", "update", severity="CRITICAL")
    first = clock.send(0)
    told = [pair for now in range(30, 60) for pair in clock.send(now) or ()]
    for number in range(1_000):
        clock.feed(60, str(number), "update", count=6)
    clock.feed(60, "new")

    assert first is not None
    assert first[0] == ("900", "firing")
    assert {name for name, _ in first + told} == {str(number) for number in range(1_000)}
    assert ("new", "firing") in (clock.send(400) or ())


SPRAY = {"rule": "spray", "inhibits": ["r"], "group": {"ip_address": "x"}}
GUESS = {"group": {"ip_address": "x", "username": "u"}}


def test_an_incident_that_goes_on_mutes_those_its_rule_inhibits():
    """Who hears of the cause does not hear of its effects: neither of their opening nor of their end."""
    clock = Clock()
    muted = clock.feed(0, "a", **GUESS)
    clock.feed(10, "s", **SPRAY)
    ended = clock.feed(60, "a", "resolve", **GUESS)
    told = [clock.send(now) for now in (30, 40, 400)]
    clock.feed(500, "s", "resolve", **SPRAY)

    assert told == [None, [("s", "firing")], None]
    assert clock.send(530) == [("s", "resolved")]
    assert muted.left == ended.left == set()
    assert clock.lane.groups == {}


def test_a_muted_incident_that_goes_on_is_told_after_its_cause():
    """An incident that outlives the one that spoke for it is told then."""
    clock = Clock()
    clock.feed(0, "a", **GUESS)
    clock.feed(0, "s", **SPRAY)
    clock.send(30)
    clock.feed(500, "s", "resolve", **SPRAY)

    assert clock.send(530) == [("s", "resolved")]
    assert clock.send(530) == [("a", "firing")]


def test_an_incident_about_somebody_else_is_not_muted():
    """Inhibition is about the same group: the fields that both name agree. With none in common nobody can tell."""
    for group in ({"ip_address": "y"}, {"username": "u"}, {}):
        clock = Clock()
        clock.feed(0, "s", **SPRAY)
        clock.feed(0, "a", group=group)

        assert sorted([clock.send(30), clock.send(30)]) == [[("a", "firing")], [("s", "firing")]]


def test_a_network_speaks_for_its_addresses():
    """A group of a network is about the addresses in it, of which tokens say nothing."""
    for network, address, muted in (("192.0.2.0/24", "192.0.2.7", True), ("192.0.2.0/24", "198.51.100.7", False),
                                    ("192.0.2.0/24 ip_k1", "ip_k1_x", False), ("2001:db8::/64", "2001:db8::1", True)):  # fmt: skip
        clock = Clock()
        clock.feed(0, "s", **{**SPRAY, "group": {"ip_address/24": network}})
        clock.feed(0, "a", group={"ip_address": address})
        told = [clock.send(30), clock.send(30)]

        assert ([("a", "firing")] not in told) is muted


def test_the_end_of_what_was_told_is_told():
    """An incident that people know of is closed for them, whatever speaks for it meanwhile."""
    clock = Clock()
    clock.feed(0, "a", **GUESS)
    clock.send(30)
    clock.feed(40, "s", **SPRAY)
    clock.feed(50, "a", "resolve", **GUESS)

    assert [clock.send(330), clock.send(330)] == [[("s", "firing")], [("a", "resolved")]]


def test_a_cause_without_news_mutes_nobody_for_ever():
    """The end of an incident may never be logged: after repeat_interval without news it speaks for no other."""
    clock = Clock()
    clock.feed(0, "s", **SPRAY)
    clock.feed(0, "a", **GUESS)
    clock.send(30)

    assert clock.send(14_400) is None
    assert [("a", "firing")] in [clock.send(14_431), clock.send(14_431)]


def test_of_incidents_that_inhibit_each_other_the_first_is_told():
    """Rules may inhibit each other, two or three in a ring: one of them speaks, none is lost."""
    ring = {"x": ["y"], "y": ["z"], "z": ["x"]}
    for inhibits in ({"x": ["y"], "y": ["x"]}, ring):
        clock = Clock()
        for number, (rule, others) in enumerate(inhibits.items()):
            clock.feed(number, rule, rule=rule, inhibits=others, group={"ip_address": "x"})

        assert clock.send(40) == [("x", "firing")]
        assert clock.send(40) is None


def test_a_refused_cause_speaks_for_nobody():
    """If people cannot be told of the cause, they are told of its effects."""
    clock = Clock()
    clock.feed(0, "s", **SPRAY)
    clock.feed(0, "a", **GUESS)
    clock.feed(1, "a", "resolve", **GUESS)
    batch = clock.lane.next(30, 30)
    assert batch is not None
    gone = clock.lane.refused(batch)
    clock.lane.give_up(gone)

    assert [one.alert["incident_id"] for one in gone] == ["s"]
    assert [clock.send(31), clock.send(31)] == [[("a", "firing")], [("a", "resolved")]]
    assert clock.lane.groups == {}


def test_the_end_of_a_cause_does_not_wait_while_its_effects_go_on():
    """What outlives the incident that spoke for it is told then, also where ends wait for company."""
    clock = Clock(patience=DAYS)
    clock.feed(0, "s", **SPRAY)
    clock.feed(0, "a", **GUESS)
    told = [clock.send(30)]
    clock.feed(500, "s", "resolve", **SPRAY)
    told += [clock.send(530), clock.send(531)]

    assert told == [[("s", "firing")], [("s", "resolved")], [("a", "firing")]]


def test_a_cause_that_has_ended_mutes_nobody():
    """An end that waits for company speaks for no later incident."""
    clock = Clock(patience=DAYS)
    clock.feed(0, "s", **SPRAY)
    clock.send(30)
    clock.feed(500, "s", "resolve", **SPRAY)
    clock.feed(600, "a", **GUESS)

    assert clock.send(630) == [("a", "firing"), ("s", "resolved")]
