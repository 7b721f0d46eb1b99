"""Different values of a field within a window: another way of counting, as measures.py has them."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from seclog_handlers.detection.measures import NOTHING, UNLIMITED, Crossing, add_each
from seclog_handlers.detection.state.entry import NEVER

if TYPE_CHECKING:
    from seclog_handlers.detection.measures import ByValue, Counted, Crossings, Events, Slack
    from seclog_handlers.detection.state.entry import Entry

# Values that one group's distinct counter holds at most, where `per_value_max` leaves some out of the count:
# so many times those that the rule asks for, and no fewer than the least.
VALUES_KEPT = 4
MIN_VALUES_KEPT = 64


class Distinct:
    """Different values of a field within a window, and beside them, if asked, a number of events.

    Args:
        rule: Name of the rule.
        within: Milliseconds.
        values: How many different values make a crossing.
        count: How many events, beside the values; None counts values alone.
        per_value_max: A value seen more often than this counts for nothing: that is not spraying.
    """

    def __init__(
        self, rule: str, within: int, values: int, count: int | None = None, per_value_max: int | None = None,
    ) -> None:  # fmt: skip
        self.rule = rule
        self.ttl = within
        self.tallies = count is not None
        self._values = values
        self._count = count
        self._events = count or 0
        self._maximum = per_value_max
        # Later events of one value tell no more: so many latest ones decide.
        self._kept = max(count or 1, (per_value_max or 0) + 1)
        self._most = max(VALUES_KEPT * values, MIN_VALUES_KEPT)

    def add(self, entry: Entry, now: int, value: str) -> Crossings | None:
        """Count one event with this value."""
        if now < entry.last - self.ttl:
            return None
        seen: dict[str, list[int]] | None = entry.counter
        if seen is None:
            entry.counter, entry.weight = {value: [now]}, 1
            return self._judged(entry, entry.counter)
        times = seen.pop(value, None) or []
        seen[value] = times  # the last one: the values stand in the order of their latest events
        if times and now < times[-1]:
            insort(times, now)
        else:
            times.append(now)
        if len(times) > self._kept:
            del times[0]
        else:
            entry.weight += 1
        cut = max(now, entry.last) - self.ttl
        if len(seen) > self._most or next(iter(seen.values()))[-1] < cut:
            self._forget_stalest(entry, seen, cut)
        # What is too old inside the values is forgotten only when it could matter.
        if len(seen) < self._values or entry.weight < self._events:
            return ()
        entry.weight = _forget(seen, cut)
        return self._judged(entry, seen)

    def slack(self, entry: Entry) -> Slack:
        """Return how many events, and new values, it takes; values beyond their maximum stay so for a while."""
        seen: dict[str, list[int]] = entry.counter or {}
        until, events, values = NEVER, 0, 0
        cut, most = entry.last - self.ttl, self._maximum
        for times in seen.values():
            held = len(times) if times[0] >= cut else len(times) - bisect_left(times, cut)
            if most is not None and held > most:
                until = min(until, times[-most - 1] + self.ttl)
            elif held:
                events += held
                values += 1
        return {self.rule: (UNLIMITED, max(self._values - values, 0) - 1, self._events - events - 1, until)}

    def add_all(self, entry: Entry, events: Events) -> Counted:
        """Count events that waited; in one go where their value is known, and too few others are for it to matter."""
        seen = entry.counter
        times, _, value = events
        if seen is None or value not in seen or len(seen) >= self._values or not events.follow(entry):
            return add_each(self, entry, events.times, events.value, NOTHING)
        before = seen.pop(value)
        left = seen[value] = (before + times)[-self._kept :]
        entry.weight += len(left) - len(before)
        entry.last = times[-1]
        if next(iter(seen.values()))[-1] < entry.last - self.ttl:
            self._forget_stalest(entry, seen, entry.last - self.ttl)
        return len(times), times[-1], {}

    def add_values(self, entry: Entry, events: ByValue) -> bool:
        """Count events that waited, all at once; False, and nothing done, if together they might cross anything."""
        seen: dict[str, list[int]] = entry.counter or {}
        weight, kept = entry.weight if seen else 0, self._kept
        few = weight + events.number < self._events and len(seen) + len(events.values) <= self._most
        if events.oldest < entry.last or not (few or len(seen.keys() | events.values.keys()) < self._values):
            return False
        for value, times in events.values.items():
            before = seen.pop(value, None)
            left = seen[value] = times[-kept:] if before is None else (before + times)[-kept:]
            weight += len(left) - (len(before) if before else 0)
        entry.counter, entry.weight, entry.last = seen, weight, events.newest
        cut = events.newest - self.ttl
        if next(iter(seen.values()))[-1] < cut:
            self._forget_stalest(entry, seen, cut)
        return True

    def _forget_stalest(self, entry: Entry, seen: dict[str, list[int]], cut: int) -> None:
        """Drop the values whose latest event is too old, and the stalest where there are too many."""
        for value in list(seen):
            if seen[value][-1] >= cut and len(seen) <= self._most:
                return
            entry.weight -= len(seen.pop(value))

    def _judged(self, entry: Entry, seen: dict[str, list[int]]) -> Crossings:
        crossing = self._crossing(seen)
        if crossing:
            seen.clear()
            entry.weight = 0
        return crossing

    def _crossing(self, seen: dict[str, list[int]]) -> Crossings:
        if len(seen) < self._values:
            return ()
        counted = list(seen.values())
        if self._maximum is not None:
            counted = [times for times in counted if len(times) <= self._maximum]
        events = sum(map(len, counted))
        if len(counted) < self._values or events < self._events:
            return ()
        size = len(counted) if self._count is None else events
        return (Crossing(self.rule, size, min(times[0] for times in counted)),)


def _forget(seen: dict[str, list[int]], cut: int) -> int:
    """Drop what is older than `cut`; return how many events are left."""
    left = 0
    for value, times in list(seen.items()):
        if times[0] < cut:
            del times[: bisect_left(times, cut)]
            if not times:
                del seen[value]
        left += len(times)
    return left
