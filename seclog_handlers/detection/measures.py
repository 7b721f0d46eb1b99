"""Ways of counting: pure transitions of an entry over event time, in milliseconds.

Each measure has `ttl`, how long a counter means anything, and `add(entry, now, value)`, which counts one
event and
returns the crossings it made: an empty tuple for none, None for an event that was not counted.

Events may arrive late: one that is older than the newest by no more than the window counts where it belongs,
one
that is older still is not counted.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from seclog_handlers.detection.state.entry import NEVER

if TYPE_CHECKING:
    from seclog_handlers.detection.state.entry import Entry


class Crossing(NamedTuple):
    """A threshold that an event has reached.

    Attributes:
        rule: Name of the rule.
        size: Events that made the crossing, of one value no more than the rule had to keep; different values
            for a rule that counts nothing else.
        first: Time of the earliest of them.
    """

    rule: str
    size: int
    first: int


Crossings = tuple[Crossing, ...]

# More than any group ever holds.
UNLIMITED = 2**31
# rule -> so many further events never cross; of those beyond, so many with new values, or else so many at all, do not
# either; and until when that holds.
Slack = dict[str, tuple[int, int, int, int]]
# How many events were counted, the time of the newest of them, and rule -> latest crossing.
Counted = tuple[int, int, dict[str, int]]
NOTHING: Counted = (0, -1, {})


class Measure(Protocol):
    """One way of counting, for one rule or several."""

    ttl: int
    tallies: bool

    def add(self, entry: Entry, now: int, value: Any) -> Crossings | None:
        """Count one event."""
        ...


class Patient(Measure, Protocol):
    """One whose events may wait and be counted together."""

    def slack(self, entry: Entry) -> Slack:
        """Return how far each rule is from its threshold."""
        ...

    def add_all(self, entry: Entry, events: Events) -> Counted:
        """Count events that waited: what `add` does with one after the other."""
        ...


class Events(NamedTuple):
    """Events of one kind and value that waited.

    Attributes:
        times: In the order in which they came.
        ordered: Whether none is older than one before it.
        value: What they are counted with.
    """

    times: list[int]
    ordered: bool
    value: str

    def follow(self, entry: Entry) -> bool:
        """Whether they are in order, and none is older than what was counted before."""
        return self.ordered and self.times[0] >= entry.last


class ByValue(NamedTuple):
    """Events in order, by their values.

    Attributes:
        values: Value -> times; the value of the newest event is the last one.
        number: How many events.
        oldest: Time of the first.
        newest: Time of the last.
    """

    values: dict[str, list[int]]
    number: int
    oldest: int
    newest: int


def add_each(measure: Measure, entry: Entry, times: Iterable[int], value: str, counted: Counted) -> Counted:
    """Count events of one value in their order, one by one, after those that were counted before."""
    number, newest, crossed = counted
    for now in times:
        crossings = measure.add(entry, now, value)
        if crossings is None:
            continue
        entry.last = max(entry.last, now)
        number += 1
        newest = max(newest, now)
        for crossing in crossings:
            crossed = {**crossed, crossing.rule: max(now, crossed.get(crossing.rule, now))}
    return number, newest, crossed


@dataclass(frozen=True)
class Limit:
    """`count` events no further apart than `within` milliseconds, for one rule of a window."""

    rule: str
    count: int
    within: int


class Window:
    """Exact sliding windows over one stream of events; rules that share it cost one comparison each.

    The Nth event of any N with t - first <= within is a crossing, which empties that rule's window.
    """

    tallies = True

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits = tuple(limits)
        self.ttl = max(limit.within for limit in limits)
        self._longest = max(limit.count for limit in limits)
        self._alone = len(self.limits) == 1

    def add(self, entry: Entry, now: int, value: str = "") -> Crossings | None:  # noqa: ARG002 - one signature
        """Count one event."""
        if now < entry.last - self.ttl:
            return None
        times: list[int] | None = entry.counter
        if times:
            _insert(times, now, max(now, entry.last) - self.ttl, self._longest)
        else:
            times = entry.counter = [now]
        if self._alone:
            limit = self.limits[0]
            if len(times) < limit.count:
                entry.weight = len(times)
                return ()
            crossing = Crossing(limit.rule, limit.count, times[0])
            times.clear()
            entry.weight = 0
            return (crossing,)
        entry.weight = len(times)
        return self._crossed(entry, times, now)

    def slack(self, entry: Entry) -> Slack:
        """Return how far each rule is from its threshold: windows only lose events by themselves."""
        times = entry.counter or ()
        found: Slack = {}
        for limit in self.limits:
            since = times if entry.apart is None else entry.apart.get(limit.rule, times)
            held = len(since) - bisect_left(since, entry.last - limit.within)
            found[limit.rule] = (limit.count - held - 1, UNLIMITED, UNLIMITED, NEVER)
        return found

    def add_all(self, entry: Entry, events: Events) -> Counted:
        """Count events that waited; as `add` one by one, in one go where they are in order."""
        if not events.follow(entry):
            return add_each(self, entry, events.times, events.value, NOTHING)
        added = events.times
        newest = entry.last = added[-1]
        before: list[int] = entry.counter or []
        apart: dict[str, list[int]] = {}
        crossed: dict[str, int] = {}
        for limit in self.limits:
            since = before if entry.apart is None else entry.apart.get(limit.rule, before)
            left, latest = _run(since, added, limit)
            if latest is not None:
                crossed[limit.rule] = latest
            if latest is not None or since is not before:
                apart[limit.rule] = left[max(bisect_left(left, newest - limit.within), len(left) - limit.count) :]
        if self._alone:
            entry.counter = left[bisect_left(left, newest - self.ttl) :]
        else:
            whole = before + added
            entry.counter = whole[max(bisect_left(whole, newest - self.ttl), len(whole) - self._longest) :]
            entry.apart = {rule: left for rule, left in apart.items() if left != entry.counter} or None
        entry.weight = len(entry.counter)
        return len(added), newest, crossed

    def _crossed(self, entry: Entry, times: list[int], now: int) -> Crossings:
        if entry.apart:
            self._keep_apart(entry, entry.apart, times, now)
        crossings: Crossings = ()
        newest = max(now, entry.last)
        for limit in self.limits:
            since = times if entry.apart is None else entry.apart.get(limit.rule, times)
            cut = newest - limit.within
            if len(since) >= limit.count and since[-limit.count] >= cut and now >= cut:
                crossings += (Crossing(limit.rule, limit.count, since[-limit.count]),)
                entry.apart = {**(entry.apart or {}), limit.rule: []}
        return crossings

    def _keep_apart(self, entry: Entry, apart: dict[str, list[int]], times: list[int], now: int) -> None:
        """Carry on the windows that a crossing emptied, until they hold all that the shared one holds."""
        for limit in self.limits:
            since = apart.get(limit.rule)
            if since is None:
                continue
            _insert(since, now, max(now, entry.last) - limit.within, limit.count)
            if since == times:
                del apart[limit.rule]
        entry.apart = apart or None


def _run(since: list[int], added: list[int], limit: Limit) -> tuple[list[int], int | None]:
    """Let a window run over further times in order; return what is left of it, and its latest crossing."""
    times = since + added
    start, latest, last = 0, None, limit.count - 1
    place = max(len(since), last)
    while place < len(times):
        if times[place - last] >= times[place] - limit.within:
            start, latest = place + 1, times[place]
            place = start + last
        else:
            place += 1
    return times[start:], latest


def _insert(times: list[int], now: int, cut: int, longest: int) -> None:
    """Put `now` where it belongs, drop what is older than `cut`, and keep the latest `longest`."""
    if times and now < times[-1]:
        insort(times, now)
    else:
        times.append(now)
    if times[0] < cut:
        del times[: bisect_left(times, cut)]
    if len(times) > longest:
        del times[0]


class Steps:
    """Steps in order: so many events of the first kind, then of the next, all within one window.

    Of all ways to match, the one that began last decides: position p holds the latest beginning of a match
    that
    has come as far as its p-th event. Exact for events in order, in as many numbers as the rule counts
    events.

    Attributes:
        before_last: Events of all steps but the last.
        ends_at_once: Whether the last step is one event.
    """

    tallies = False

    def __init__(self, rule: str, within: int, counts: Sequence[int]) -> None:
        self.rule = rule
        self.ttl = within
        ends = [sum(counts[: index + 1]) for index in range(len(counts))]
        self._spans = tuple(zip([0, *ends], ends, strict=False))
        self._last = str(len(counts) - 1)
        self._length = ends[-1]
        self.before_last, self.ends_at_once = ends[-1] - counts[-1], counts[-1] == 1

    def ends(self, step: str) -> bool:
        """Whether events of a step may complete the sequence."""
        return step == self._last

    def slack(self, entry: Entry) -> Slack:  # noqa: ARG002 - one signature
        """Return nothing: events of any step but the last never cross."""
        return {}

    def add_all(self, entry: Entry, events: Events) -> Counted:
        """Count events of one step that waited."""
        times = events.times
        start, end = self._spans[int(events.value)]
        if start or not events.follow(entry):
            return add_each(self, entry, events.times, events.value, NOTHING)
        begun: list[int | None] = entry.counter or [None] * self._length
        begun[:end] = [*times[: -end - 1 : -1], *begun[:end]][:end]
        entry.counter, entry.last = begun, times[-1]
        entry.weight = self._length - begun.count(None)
        return len(times), times[-1], {}

    def add(self, entry: Entry, now: int, value: str) -> Crossings | None:
        """Count one event of the step whose number is `value`."""
        start, end = self._spans[int(value)]
        if now < entry.last - self.ttl:
            return None
        begun: list[int | None] = entry.counter or [None] * self._length
        before = now if start == 0 else begun[start - 1]
        if before is None:
            return None
        begun[start + 1 : end] = begun[start : end - 1]
        begun[start] = before
        first = begun[-1]
        if end == self._length and first is not None and now - first <= self.ttl:
            entry.counter, entry.weight = None, 0
            return (Crossing(self.rule, self._length, first),)
        entry.counter = begun
        entry.weight = self._length - begun.count(None)
        return ()


class Bucket:
    """A leaky bucket: holds `count` events, loses one every `leak` ms; one more overflows it, then silence.

    CrowdSec's meaning of capacity, leakspeed, distinct and blackhole; a bucket forgets its values and its
    beginning when it was idle for as long as it takes to empty it from overflowing.

    Args:
        rule: Name of the rule.
        count: Capacity; the next event after it overflows.
        leak: Milliseconds in which one event leaves.
        silence: Milliseconds after an overflow in which nothing is counted.
        distinct: Whether only values that the bucket has not seen are poured in.
    """

    tallies = True

    def __init__(
        self, rule: str, count: int, leak: float, silence: int = 0, *, distinct: bool = False,
    ) -> None:  # fmt: skip
        self.rule = rule
        self._idle = (count + 1) * leak
        self.ttl = int(self._idle) + silence
        self._size = count + 1
        self._full = count * leak
        self._leak = leak
        self._silence = silence
        self._distinct = distinct

    def slack(self, entry: Entry) -> Slack:
        """Return how many events more the bucket takes, whatever their values: those may be forgotten by then."""
        level = entry.counter[0] if entry.counter else 0
        # Less a little: sums of a broken leak are not exact.
        return {self.rule: (int((self._full - level) / self._leak - 1e-6), UNLIMITED, UNLIMITED, NEVER)}

    def add_all(self, entry: Entry, events: Events) -> Counted:
        """Pour in events that waited."""
        return add_each(self, entry, events.times, events.value, NOTHING)

    def add(self, entry: Entry, now: int, value: str = "") -> Crossings | None:
        """Pour one event in."""
        level, last, first, silent, values = entry.counter or [0, now, now, 0, []]
        if now < silent:
            return None
        if now - last >= self._idle:
            first, values = now, []
        if self._distinct:
            if value in values:
                return None
            values = [*values, value]
        level = max(0, level - max(0, now - last)) + self._leak
        if level > self._full:
            entry.counter = [0, now, now, now + self._silence, []]
            entry.weight = 2 if self._silence else 0
            return (Crossing(self.rule, self._size, first),)
        entry.counter = [level, max(last, now), first, silent, values]
        entry.weight = max(1, round(level / self._leak))
        return ()
