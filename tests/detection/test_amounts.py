from __future__ import annotations

import json
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.detection.amounts import Amount, Percentile, Surge, Total, Travel, distance, percentile
from seclog_handlers.detection.state import Entry
from tests.detection.support import detector, feed, states

STEPS = st.lists(st.tuples(st.integers(-5, 12), st.integers(-50, 100)), max_size=50)
COMPARE = {"gte": lambda a, b: a >= b, "gt": lambda a, b: a > b, "lte": lambda a, b: a <= b, "lt": lambda a, b: a < b}


def timed(steps):
    now, events = 1000, []
    for gap, value in steps:
        now += gap
        events.append((now, float(value)))
    return events


def run(measure, events):
    """Feed (time, value) pairs as the engine does; the entry travels through a store at each step."""
    entry, made = Entry(), []
    for now, value in events:
        entry = Entry.unpack(json.loads(json.dumps(entry.pack())))
        crossings = measure.add(entry, now, value)
        if crossings is not None:
            entry.last = max(entry.last, now)
        made.append((crossings[0].size, crossings[0].first) if crossings else ())
    return made


def read_aloud(events, within, least, measured, comparison, limit):
    """The definition: what the window holds is measured after each event; a crossing empties it."""
    seen, newest, made = [], -1, []
    for now, value in events:
        made.append(())
        if now < newest - within:
            continue
        newest = max(newest, now)
        seen = [pair for pair in seen if pair[0] >= newest - within] + [(now, value)]
        if len(seen) >= least and COMPARE[comparison](measured([value for _, value in seen]), limit):
            made[-1] = (len(seen), min(time for time, _ in seen))
            seen = []
    return made


@given(
    STEPS, st.integers(0, 40), st.integers(1, 4), st.sampled_from(["sum", "avg"]), st.sampled_from(list(COMPARE)),
    st.integers(-20, 300),
)  # fmt: skip
def test_totals_are_exact(steps, within, least, kind, comparison, limit):
    """Sums and averages cross exactly when what the window holds does, in order and out of order alike."""
    events = timed(steps)
    measure = Total("r", within, Amount(kind, "x", comparison, limit), least)
    measured = math.fsum if kind == "sum" else lambda values: math.fsum(values) / len(values)

    assert run(measure, events) == read_aloud(events, within, least, measured, comparison, limit)


@given(STEPS, st.integers(0, 40), st.integers(1, 4), st.sampled_from([0, 10, 50, 95, 100]), st.integers(-20, 100))
def test_percentiles_are_exact(steps, within, least, percent, limit):
    """Percentiles cross exactly when those of what the window holds do."""
    events = timed(steps)
    measure = Percentile("r", within, Amount("percentile", "x", "gte", limit, percent), least)

    def measured(values):
        return percentile(values, percent)

    assert run(measure, events) == read_aloud(events, within, least, measured, "gte", limit)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_a_percentile_is_what_others_call_it(values):
    """The 50th is the median, the quartiles are those of the statistics module, the ends are the ends."""
    assert percentile(values, 50) == pytest.approx(statistics.median(values), rel=1e-9, abs=1e-6)
    assert (percentile(values, 0), percentile(values, 100)) == (min(values), max(values))
    if len(values) > 1:
        quartiles = statistics.quantiles(values, n=4, method="inclusive")
        assert percentile(values, 25) == pytest.approx(quartiles[0], rel=1e-9, abs=1e-6)


def surges(events, within, span, factor, least):
    """The definition: whole windows that ended before, averaged one by one; the first was not seen whole."""
    whole = max(1, span // within)
    seen, newest, counts, made, window, average, ended = [], -1, 0, [], None, 0.0, 0
    for now in events:
        made.append(False)
        if newest >= 0 and now < newest - within:
            continue
        if newest >= 0 and max(now, newest) - newest > 2 * span:
            seen, window = [], None
        newest = max(newest, now)
        if window is None:
            window, counts, average, ended = newest // within, 0, 0.0, 0
        while window < newest // within:
            if ended:
                average += (counts - average) / min(ended, whole)
            window, counts, ended = window + 1, 0, ended + 1
        counts += 1
        seen = [past for past in seen if past >= newest - within] + [now]
        enough = ended > whole and len(seen) >= least
        if enough and (average <= 1e-12 or len(seen) / average > factor * (1 + 1e-9)):
            made[-1] = True
            seen = []
    return made


@given(
    st.lists(st.tuples(st.integers(-3, 15), st.booleans()), max_size=60),
    st.integers(5, 10), st.integers(1, 5), st.sampled_from([1.37, 2.11, 3.83]), st.integers(1, 4),
)  # fmt: skip
def test_surges_follow_their_definition(steps, within, windows, factor, least):
    """A surge is a window with more than so many times the average of whole windows before it."""
    now, events = 1000, []
    for gap, far in steps:
        now += gap * 8 if far else gap
        events.append(now)
    measure = Surge("r", within, Amount("ewma", "", "gt", factor, span=windows * within), least)

    made = [bool(found) for found in run(measure, [(time, 1.0) for time in events])]

    assert made == surges(events, within, windows * within, factor, least)


def test_nothing_surges_before_it_is_known():
    """Right after a start every number is new: nothing is judged until the span has been seen."""
    measure, entry = Surge("r", 60_000, Amount("ewma", "", "gt", 5, span=3_600_000), 100), Entry()
    made = [measure.add(entry, 1_000_000_000 + now, 1.0) for now in range(5000)]

    assert not any(made)


@pytest.mark.parametrize("kind", ["sum", "ewma"])
def test_memory_is_bounded(kind):
    """A hundred thousand events in a window take no more room than a thousand, and none is lost."""
    amount = Amount(kind, "x", "gte", 1e12, span=10**6)
    measure = Total("r", 10**6, amount) if kind == "sum" else Surge("r", 10**6, amount)
    entry = Entry()
    for now in range(100_000):
        measure.add(entry, now, 1.0)
        entry.last = now
    slices = entry.counter if kind == "sum" else entry.counter[0]

    assert len(slices[0]) <= 1024
    assert sum(slices[1]) == 100_000


def test_a_long_window_forgets_to_a_512th():
    """Beyond what is kept apart an event counts up to 1/512 of the window longer, never shorter."""
    measure, entry, within = Total("r", 51_200, Amount("sum", "x", "gte", 1e12)), Entry(), 51_200
    for now in range(0, 300_000, 7):
        measure.add(entry, now, 1.0)
        entry.last = now
        exact = min(now // 7, within // 7) + 1

        assert exact <= sum(entry.counter[1]) <= exact + 100 // 7 + 1


def test_percentiles_keep_the_latest():
    """A percentile is that of the latest 1,024 values."""
    measure, entry = Percentile("r", 10**9, Amount("median", "x", "gte", 1e12)), Entry()
    for now in range(5000):
        measure.add(entry, now, float(now))
        entry.last = now

    assert entry.counter[1] == [float(now) for now in range(5000 - 1024, 5000)]


BERLIN, PARIS, SYDNEY = (52.52, 13.405), (48.8566, 2.3522), (-33.8688, 151.2093)


def test_distances_are_those_of_the_earth():
    """Great circles: Berlin to Paris 878 km, a quarter and half of the globe."""
    assert distance(BERLIN, PARIS) == pytest.approx(877.5, abs=1)
    assert distance((0, 0), (0, 90)) == pytest.approx(10007.56, abs=0.1)
    assert distance((90, 0), (-90, 77)) == pytest.approx(20015.1, abs=0.1)


@pytest.mark.parametrize(
    ("place", "minutes", "radius", "crosses"),
    [(PARIS, 60, 0, True), (PARIS, 70, 0, False), (PARIS, 60, 80, False), (SYDNEY, 0, 100, True),
     ((52.9, 13.4), 0, 0, False), (SYDNEY, 25 * 60, 0, False), (BERLIN, 1, 0, False)],
)  # fmt: skip
def test_travel(place, minutes, radius, crosses):
    """Faster than 805 km/h over more than 100 km, both accuracy radii taken off, within the window."""
    measure, entry = Travel("r", 86_400_000, Amount("speed", "geo", "gt", 805)), Entry()
    measure.add(entry, 1, (*BERLIN, 0.0))
    crossings = measure.add(entry, 1 + minutes * 60_000, (*place, float(radius)))

    assert bool(crossings) is crosses


def test_travel_into_the_past_is_none():
    """An event that comes late starts no journey."""
    measure, entry = Travel("r", 86_400_000, Amount("speed", "geo", "gt", 805)), Entry()
    measure.add(entry, 10**6, (*BERLIN, 0.0))

    assert measure.add(entry, 10**6 - 1, (*SYDNEY, 0.0)) is None


SUMMED = {
    "name": "much", "where": {"event_type": "api_response"}, "by": ["user_id"], "within": 60,
    "measure": {"sum": "response_size", "gte": 100},
}  # fmt: skip


def response(size, user=7):
    return {"event_type": "api_response", "user_id": user, "response_size": size}


def test_a_rule_may_measure():
    """A rule with a measure opens an incident when its sum is reached, by group."""
    alerts = feed(detector(SUMMED), (0, response(60)), (1, response(60, user=8)), (2, response("40")))

    assert states(alerts) == [("much", "open")]
    assert (alerts[0]["count"], alerts[0]["group"]) == (2, {"user_id": "7"})


@pytest.mark.parametrize("value", [None, "", "many", float("nan"), [50], True, {"a": 1}])
def test_what_is_no_number_is_not_measured(value):
    """Values that are no numbers change nothing."""
    engine = detector(SUMMED)
    alerts = feed(engine, (0, response(99)), *[(1, response(value))] * 5)

    assert alerts == []
    assert states(feed(engine, (2, response(1)))) == [("much", "open")]


def test_huge_numbers_break_nothing():
    """Numbers as large as floats go are taken for the largest that sums can hold."""
    rule = {**SUMMED, "measure": {"sum": "response_size", "gt": 5e18}}
    engine = detector(rule)

    assert feed(engine, *[(0, response(value)) for value in (1e308, "1e308", 10**400, float("inf"), 1e308)]) == []
    assert feed(engine, (1, response(-1e308)), *[(1, response(1e300))] * 3)


def test_beside_a_measure_count_asks_for_events():
    """An average over a single event says little: count asks for more."""
    rule = {**SUMMED, "measure": {"avg": "response_size", "gte": 10}, "count": 3}
    alerts = feed(detector(rule), *[(now, response(50)) for now in range(3)])

    assert [alert["count"] for alert in alerts] == [3]
