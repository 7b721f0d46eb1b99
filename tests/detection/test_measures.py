from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.detection.distinct import Distinct
from seclog_handlers.detection.measures import Bucket, Limit, Steps, Window
from seclog_handlers.detection.state import Entry

GAPS = st.lists(st.integers(0, 12), max_size=60)
# Mostly forward, now and then back: records of several threads.
JUMPS = st.lists(st.integers(-6, 12), max_size=60)


def times_of(gaps):
    now, times = 100, []
    for gap in gaps:
        now += gap
        times.append(now)
    return times


def run(measure, events):
    """Feed (time, value) pairs as the engine does; the entry travels through a store at each step."""
    entry, crossings = Entry(), []
    for now, value in events:
        entry = Entry.unpack(json.loads(json.dumps(entry.pack())))
        made = measure.add(entry, now, value)
        if made is not None:
            entry.last = max(entry.last, now)
        crossings += [(index, *crossing) for index, crossing in enumerate(made or ())]
        crossings += [()]
    return crossings


def windows(times, count, within):
    """The definition, read aloud: late ones are dropped; a crossing forgets what came before it."""
    seen, newest, made = [], -1, []
    for now in times:
        made.append(())
        if now < newest - within:
            continue
        newest = max(newest, now)
        seen = [past for past in seen if past >= newest - within] + [now]
        if len(seen) >= count:
            made[-1] = (min(seen), count)
            seen = []
    return made


@given(JUMPS, st.integers(1, 5), st.integers(0, 40))
def test_window_is_exact(gaps, count, within):
    """The Nth event of any N that fit into the window crosses, in order and out of order alike."""
    times = times_of(gaps)
    measure, entry, made = Window([Limit("r", count, within)]), Entry(), []
    for now in times:
        crossings = measure.add(entry, now)
        if crossings is not None:
            entry.last = max(entry.last, now)
        made.append((crossings[0].first, crossings[0].size) if crossings else ())

    assert made == windows(times, count, within)


@given(JUMPS, st.lists(st.tuples(st.integers(1, 6), st.integers(0, 60)), min_size=2, max_size=4))
def test_shared_windows_are_as_exact_as_their_own(gaps, limits):
    """Rules that share one list of times cross exactly when each alone would."""
    times = times_of(gaps)
    shared = Window([Limit(str(index), *limit) for index, limit in enumerate(limits)])
    entry, made = Entry(), {str(index): [] for index in range(len(limits))}
    for now in times:
        crossed = {crossing.rule: (crossing.first, crossing.size) for crossing in shared.add(entry, now) or ()}
        entry.last = max(entry.last, now)
        for rule, found in made.items():
            found.append(crossed.get(rule, ()))

    for index, (count, within) in enumerate(limits):
        assert made[str(index)] == windows(times, count, within)


def test_window_counts_its_edge():
    """An event exactly `within` after the first still counts; a millisecond later it does not."""
    assert windows([0, 600], 2, 600)[1]
    for last, crosses in ((600, True), (601, False)):
        entry, measure = Entry(), Window([Limit("r", 2, 600)])
        measure.add(entry, 0)

        assert bool(measure.add(entry, last)) is crosses


def spread(events, within, values, count, most):
    seen, newest, made = [], -1, []
    for now, value in events:
        made.append(())
        if now < newest - within:
            continue
        newest = max(newest, now)
        seen = [pair for pair in seen if pair[0] >= newest - within] + [(now, value)]
        tries = Counter(name for _, name in seen)
        counted = {name for name, number in tries.items() if most is None or number <= most}
        events_counted = sum(tries[name] for name in counted)
        if len(counted) >= values and events_counted >= (count or 0):
            shown = sum(min(tries[name], max(count or 1, (most or 0) + 1)) for name in counted)
            made[-1] = (shown if count else len(counted),)
            seen = []
    return made


EVENTS = st.lists(st.tuples(st.integers(-4, 9), st.sampled_from("abcdef")), max_size=60)


@given(EVENTS, st.integers(1, 40), st.integers(1, 4), st.none() | st.integers(1, 8), st.none() | st.integers(1, 3))
def test_distinct_is_exact(steps, within, values, count, most):
    """Different values, and events beside them, cross exactly when the window holds enough of both."""
    events = list(zip(times_of([gap for gap, _ in steps]), [value for _, value in steps], strict=True))
    measure, entry, made = Distinct("r", within, values, count, most), Entry(), []
    for now, value in events:
        crossings = measure.add(entry, now, value)
        if crossings is not None:
            entry.last = max(entry.last, now)
        made.append((crossings[0].size,) if crossings else ())

    assert made == spread(events, within, values, count, most)


def test_distinct_stays_small_under_one_value():
    """A value that comes ten thousand times takes no more room than the rule needs."""
    measure, entry = Distinct("r", 10**6, 5, 15), Entry()
    for now in range(10_000):
        measure.add(entry, now, "root")
        entry.last = now

    assert sum(map(len, entry.counter.values())) == 15


def test_distinct_stays_small_under_many_values_that_do_not_count():
    """Values beyond their maximum are forgotten before they fill the memory."""
    measure, entry = Distinct("r", 10**9, 5, 15, 1), Entry()
    for now in range(4_000):
        measure.add(entry, now, format(now // 2 % 1000, "x"))
        entry.last = now

    assert len(entry.counter) <= 257


def sequences(events, counts, within):
    """Try every beginning: greedy from there, since taking each event as early as possible loses nothing."""
    made, start = [], 0
    for index, (now, _) in enumerate(events):
        made.append(False)
        for begin in range(start, index + 1):
            step, left = 0, counts[0]
            if events[begin][1] != 0:
                continue
            for _, kind in events[begin : index + 1]:
                if step < len(counts) and kind == step:
                    left -= 1
                    if not left:
                        step += 1
                        left = counts[step] if step < len(counts) else 0
            if step == len(counts) and now - events[begin][0] <= within:
                made[-1] = True
        if made[-1]:
            start = index + 1
    return made


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=40),
    st.lists(st.integers(1, 3), min_size=3, max_size=3),
    st.integers(0, 60),
)
def test_steps_are_exact(steps, counts, within):
    """A sequence crosses exactly when some run of its steps, in order, fits into the window."""
    events = list(zip(times_of([gap for gap, _ in steps]), [kind for _, kind in steps], strict=True))
    measure, entry, made = Steps("r", within, counts), Entry(), []
    for now, kind in events:
        crossings = measure.add(entry, now, str(kind))
        if crossings is not None:
            entry.last = max(entry.last, now)
        made.append(bool(crossings))

    assert made == sequences(events, counts, within)


def test_steps_need_their_order():
    """Successes before the failures, however many, make no sequence."""
    measure, entry = Steps("r", 600, [2, 1]), Entry()

    assert [measure.add(entry, now, step) for now, step in enumerate("1110")] == [None, None, None, ()]


def test_bucket_overflows_one_beyond_its_capacity():
    """A bucket of five that leaks one every ten seconds overflows at the sixth event, not the fifth."""
    measure, entry = Bucket("r", 5, 10_000), Entry()
    made = [bool(measure.add(entry, now * 1000)) for now in range(6)]

    assert made == [False] * 5 + [True]


def test_bucket_leaks():
    """Events as slow as the leak never overflow."""
    measure, entry = Bucket("r", 5, 10_000), Entry()

    assert not any(measure.add(entry, now * 10_000) for now in range(100))


def test_bucket_is_silent_after_an_overflow():
    """Nothing is counted in the silence after an overflow; after it the bucket starts empty."""
    measure, entry = Bucket("r", 1, 10_000, silence=60_000), Entry()
    made = [measure.add(entry, now) for now in (0, 1, 2, 60_000, 60_001, 60_002)]

    assert [bool(crossings) for crossings in made] == [False, True, False, False, False, True]
    assert made[2] is None


def test_bucket_pours_only_new_values():
    """With distinct, a value that the bucket has seen does not fill it."""
    measure, entry = Bucket("r", 2, 10_000, distinct=True), Entry()
    made = [bool(measure.add(entry, now, value)) for now, value in enumerate("aaaabbbc")]

    assert made == [False] * 7 + [True]


@given(GAPS, st.integers(1, 5), st.integers(1, 10))
def test_bucket_equals_its_definition(gaps, count, leak):
    """The level falls by one every `leak`, rises by one with each event, and overflows above the capacity."""
    measure, entry, level, last, made = Bucket("r", count, leak), Entry(), 0.0, None, []
    times = times_of(gaps)
    for now in times:
        level = max(0.0, level - (0 if last is None else (now - last) / leak)) + 1
        last = now
        made.append(level > count + 1e-9)
        if made[-1]:
            level = 0.0

    assert [bool(measure.add(entry, now)) for now in times] == made


def test_entries_survive_a_store():
    """An entry that went through JSON counts on as if it had not."""
    measure, entry = Window([Limit("a", 3, 100), Limit("b", 2, 10)]), Entry()
    made = []
    for now in (0, 5, 8, 9):
        entry = Entry.unpack(json.loads(json.dumps(entry.pack())))
        made.append([crossing.rule for crossing in measure.add(entry, now) or ()])

    assert made == [[], ["b"], ["a"], ["b"]]
    assert bisect_left(entry.counter, 0) == 0
