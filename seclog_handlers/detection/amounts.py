"""Ways of measuring what events carry: sums, averages, percentiles, surges of their number, speed of travel.

Like the ways of counting in `measures`: `add(entry, now, value)` takes one event with its number and returns the
crossings it made. Each holds a bounded number of values, whatever happens within the window.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.measures import Crossing, Crossings

if TYPE_CHECKING:
    from seclog_handlers.detection.state.entry import Entry

# Values that one group keeps at most. Sums, averages and surges join neighbours in time beyond that, so that
# an event counts up to a 512th (a surge: a 32nd) of the window longer; percentiles are those of the latest.
MAX_KEPT = 1024
MAX_SURGE_KEPT = 64
# Numbers beyond this are taken for it: sums stay finite.
MAX_AMOUNT = 1e18

# Places nearer to each other than this, in kilometres, are no journey: what geo databases are off by.
MIN_JOURNEY_KM = 100
EARTH_RADIUS_KM = 6371.0088

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt,
}  # fmt: skip
KINDS = ("sum", "avg", "median", "percentile", "ewma", "speed")


@dataclass(frozen=True)
class Amount:
    """What a rule measures.

    Attributes:
        kind: One of KINDS.
        field: The event's field with the number, or with the place; empty for `ewma`.
        comparison: gte, gt, lte or lt.
        limit: What is compared with: for `ewma` how many times the average, for `speed` km/h.
        percent: Which percentile.
        span: `ewma`: over so many milliseconds the average is taken.
    """

    kind: str
    field: str
    comparison: str
    limit: float
    percent: float = 50
    span: int = 0

    def reached(self, measured: float) -> bool:
        """Tell whether what was measured makes a crossing."""
        return COMPARISONS[self.comparison](measured, self.limit)


class Total:
    """The sum or the average of a number over the window.

    Args:
        rule: Name of the rule.
        within: Milliseconds.
        amount: What is measured.
        least: Events that the window must hold.
    """

    tallies = True

    def __init__(self, rule: str, within: int, amount: Amount, least: int = 1) -> None:
        self.rule = rule
        self.ttl = within
        self._amount = amount
        self._average = amount.kind == "avg"
        self._least = least

    def add(self, entry: Entry, now: int, value: float) -> Crossings | None:
        """Add one event's number."""
        if now < entry.last - self.ttl:
            return None
        slices = entry.counter = entry.counter or [[], [], []]
        times, events, totals = slices
        _put(slices, now, 1, value)
        _forget(slices, max(now, entry.last) - self.ttl)
        _join(slices, self.ttl, MAX_KEPT)
        entry.weight = 2 * len(times) - 1
        number = sum(events)
        total = math.fsum(totals)
        if number < self._least or not self._amount.reached(total / number if self._average else total):
            return ()
        return _emptied(entry, Crossing(self.rule, number, times[0]))


class Percentile:
    """A percentile of a number over the window, between two values by their distance; 50 is the median.

    Args:
        rule: Name of the rule.
        within: Milliseconds.
        amount: What is measured.
        least: Events that the window must hold.
    """

    tallies = True

    def __init__(self, rule: str, within: int, amount: Amount, least: int = 1) -> None:
        self.rule = rule
        self.ttl = within
        self._amount = amount
        self._least = least

    def add(self, entry: Entry, now: int, value: float) -> Crossings | None:
        """Add one event's number."""
        if now < entry.last - self.ttl:
            return None
        kept = entry.counter = entry.counter or [[], []]
        times, values = kept
        _put(kept, now, value)
        _forget(kept, max(now, entry.last) - self.ttl)
        for column in kept:
            del column[:-MAX_KEPT]
        entry.weight = 2 * len(times) - 1
        if len(times) < self._least or not self._amount.reached(percentile(values, self._amount.percent)):
            return ()
        return _emptied(entry, Crossing(self.rule, len(times), times[0]))


def percentile(values: list[float], percent: float) -> float:
    """Return the value below which so many per cent of the values lie, interpolated linearly."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


class Surge:
    """The number of events in the window against their usual number in a window: a factor.

    Usual is the exponentially weighted average over whole windows that ended before (aligned to the epoch, empty
    ones included), the plain average until as many have ended as the span holds. Nothing is judged before that.

    Args:
        rule: Name of the rule.
        within: Milliseconds.
        amount: The factor, and the span of the average.
        least: Events that the window must hold.
    """

    tallies = True

    def __init__(self, rule: str, within: int, amount: Amount, least: int = 1) -> None:
        self.rule = rule
        self._within = within
        self.ttl = 2 * amount.span
        self._amount = amount
        self._least = least
        self._learning = max(1, amount.span // within)

    def add(self, entry: Entry, now: int, value: Any = None) -> Crossings | None:  # noqa: ARG002 - one signature
        """Count one event."""
        newest = max(now, entry.last)
        if now < newest - self._within:
            return None
        current = newest // self._within
        if entry.counter is None or newest - entry.last > self.ttl:
            entry.counter = [[[], []], current, 0, 0, 0.0]
        slices, window, number, ended, average = entry.counter
        if current > window:
            ended, average = self._end(window, number, current, ended, average)
            window, number = current, 0
        _put(slices, now, 1)
        _forget(slices, newest - self._within)
        _join(slices, self._within, MAX_SURGE_KEPT)
        entry.counter = [slices, window, number + 1, ended, average]
        entry.weight = 2 * len(slices[0]) + 1
        events = sum(slices[1])
        if ended <= self._learning or events < self._least or not self._amount.reached(_factor(events, average)):
            return ()
        crossing = Crossing(self.rule, events, slices[0][0])
        slices[0], slices[1] = [], []
        return (crossing,)

    def _end(self, window: int, number: int, current: int, ended: int, average: float) -> tuple[int, float]:
        """Return how many windows have ended and their average; the first one was not seen whole."""
        if ended:
            average += (number - average) / min(ended, self._learning)
        ended += 1
        empty = current - window - 1
        plain = max(0, min(empty, self._learning - ended))
        average *= (ended - 1) / (ended - 1 + plain) if plain else 1
        average *= (1 - 1 / self._learning) ** (empty - plain)
        return ended + empty, average


def _factor(events: int, average: float) -> float:
    return events / average if average > 0 else math.inf


class Travel:
    """The speed between one event's place and the next: great circle less both accuracy radii, over their time.

    Args:
        rule: Name of the rule.
        within: Milliseconds.
        amount: The limit in km/h.
        least: Taken and not used: it always takes two.
    """

    tallies = False

    def __init__(self, rule: str, within: int, amount: Amount, least: int = 1) -> None:  # noqa: ARG002 - as the others
        self.rule = rule
        self.ttl = within
        self._amount = amount

    def add(self, entry: Entry, now: int, value: tuple[float, float, float]) -> Crossings | None:
        """Go to the event's place; (latitude, longitude, radius in km)."""
        before = entry.counter[0] if entry.counter else None
        if before is not None and now < before[0]:
            return None
        entry.counter, entry.weight = [[now, *value]], 1
        if before is None or now - before[0] > self.ttl:
            return ()
        journey = distance(before[1:3], value[:2]) - before[3] - value[2]
        hours = (now - before[0]) / 3_600_000
        if journey <= MIN_JOURNEY_KM or not self._amount.reached(journey / hours if hours else math.inf):
            return ()
        return (Crossing(self.rule, 2, before[0]),)


def distance(one: Any, other: Any) -> float:
    """Return the great circle between two (latitude, longitude) in kilometres: the haversine formula."""
    latitude, longitude = math.radians(one[0]), math.radians(one[1])
    latitude2, longitude2 = math.radians(other[0]), math.radians(other[1])
    half = math.sin((latitude2 - latitude) / 2) ** 2
    half += math.cos(latitude) * math.cos(latitude2) * math.sin((longitude2 - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))


MEASURES: dict[str, Any] = {
    "sum": Total, "avg": Total, "median": Percentile, "percentile": Percentile, "ewma": Surge, "speed": Travel,
}  # fmt: skip


def _put(columns: list[list[Any]], *row: Any) -> None:
    """Put a row where its time, the first column, belongs."""
    times = columns[0]
    if not times or times[-1] <= row[0]:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
        return
    place = bisect_right(times, row[0])
    for column, value in zip(columns, row, strict=True):
        column.insert(place, value)


def _forget(columns: list[list[Any]], cut: int) -> None:
    """Drop the rows that are older than `cut`."""
    times = columns[0]
    if times[0] < cut:
        gone = bisect_left(times, cut)
        for column in columns:
            del column[:gone]


def _join(columns: list[list[Any]], within: int, most: int) -> None:
    """Join rows of the same short stretch of time when there are too many; the latest time stands for them."""
    times = columns[0]
    if len(times) <= most:
        return
    stretch = max(1, 2 * within // most)
    joined: list[list[Any]] = [[] for _ in columns]
    for now, *numbers in zip(*columns, strict=True):
        if joined[0] and joined[0][-1] // stretch == now // stretch:
            joined[0][-1] = now
            for column, number in zip(joined[1:], numbers, strict=True):
                column[-1] += number
        else:
            for column, number in zip(joined, (now, *numbers), strict=True):
                column.append(number)
    for column, short in zip(columns, joined, strict=True):
        column[:] = short


def _emptied(entry: Entry, crossing: Crossing) -> Crossings:
    entry.counter, entry.weight = None, 0
    return (crossing,)
