"""Groups of this process, with the events that wait in them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.measures import UNLIMITED, ByValue, Events
from seclog_handlers.detection.state.entry import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seclog_handlers.detection.compiled import Plan
    from seclog_handlers.detection.conditions import Event
    from seclog_handlers.detection.deferral.routes import Label
    from seclog_handlers.detection.deferral.sieve import Source

# Size of a group with its names, of an event in it, and of one more that is like it (CPython 3.11, rounded up).
GROUP_BYTES = 840
EVENT_BYTES = 170
TIME_BYTES = 8

# Digits of a value that is none.
NO_VALUE = ""

# Times of events that are alike, and the digits of their value.
Timed = tuple["Sequence[int]", str]
Run = tuple["Sequence[int]", str, "Plan"]


class Group:
    """Events of one group that are not counted yet, and how many more it may hold.

    Attributes:
        key: What the keys of its entries end with.
        name: The same, told from groups of other labels.
        label: The kind of group.
        room: Further events that may be noted.
        fresh: How many of them may have a value that is not known,
        spread: or else, how many there may be whatever their values.
        known: Values as events show them -> their digits; each is in all that tell values apart.
        check: What else must hold for an event to be noted, or None.
        pending: (times, digits, plan) of events that are alike.
        begun, begun_last: Events at most that its sequences hold, and the time of the latest of them.
        open: Whether one of its rules may have an open incident.
        last: Time of its latest event.
        gone: Whether it was dropped from the table.
        resolved: How often incidents of it were resolved.
        busy: How many events are counted at once before it is found out again how many may wait.
        source: Of a sieve, which must know how long its groups have been quiet; or None.
    """

    __slots__ = (
        "begun", "begun_last", "busy", "check", "fresh", "gone", "key", "known", "label", "last", "name", "open",
        "pending", "resolved", "room", "source", "spread",
    )  # fmt: skip

    def __init__(self, key: str, label: Label, now: int) -> None:
        self.key = key
        self.name = label.tag + key
        self.label = label
        self.room, self.fresh, self.spread = label.room, label.fresh, label.spread
        self.known: dict[str | None, str] = {}
        self.check: Check | None = None
        self.pending: list[Run] = []
        self.begun, self.begun_last = 0, -1
        self.open = False
        self.busy = 0
        self.last = now
        self.gone = False
        self.resolved = 0
        self.source: Source | None = None

    def expired(self, now: int) -> bool:
        """Whether nothing of it means anything any more."""
        return self.last + self.label.ttl < now and not self.open

    @property
    def number(self) -> int:
        """How many events wait."""
        return sum(len(times) for times, _, _ in self.pending)

    def may_complete(self, least: int, since: int) -> bool:
        """Whether it may hold so many events of a sequence that are not older than `since`."""
        if self.last < since:
            return False
        found = self.begun if self.begun_last >= since else 0
        for times, _, _ in self.pending:
            if times[-1] >= since or (len(times) > 1 and max(times) >= since):
                found += len(times)
        return found >= least

    @property
    def is_single(self) -> bool:
        """Whether one event waits, and it has no other."""
        return len(self.pending) == 1 and len(self.pending[0][0]) == 1 and not self.begun and not self.open

    @property
    def size(self) -> int:
        """What its events take, in bytes."""
        return sum(EVENT_BYTES + TIME_BYTES * (len(times) - 1) for times, _, _ in self.pending)

    def note(self, times: Sequence[int], digits: str, plan: Plan) -> None:
        """Let an event wait."""
        self.room -= 1
        self.spread -= 1
        self.last = max(self.last, times[0])
        self.pending.append((times, digits, plan))

    def stays_busy(self, now: int) -> bool:
        """Tell whether the next event is counted at once too, without a look at what has changed.

        As long as nobody looks, its sequences may be complete and its incidents open.
        """
        if self.busy <= 0:
            return False
        self.busy -= 1
        self.begun, self.begun_last, self.open = UNLIMITED, NEVER, True
        self.last = max(self.last, now)
        return True

    def holds(self, fragments: Iterable[str]) -> bool:
        """Whether its key or a value that waits is one of these texts, in quotes or not."""
        texts = [f'"{self.key}"', *(f'"{digits}"' for _, digits, _ in self.pending)]
        return any(fragment in text for fragment in fragments for text in texts)


class Check:
    """Rare conditions under which events of a group may be noted.

    Attributes:
        until: Only before this time.
        muted_by: Only events that are of these groups too, while no more of their incidents are resolved than that: an
            open one of theirs speaks for this group's.
        own: Whether events that the application itself logged may be noted; they may raise a severity.
    """

    __slots__ = ("muted_by", "own", "until")

    def __init__(self) -> None:
        self.until = NEVER
        self.muted_by: list[tuple[Group, int]] = []
        self.own = True

    def allows(self, now: int, groups: Sequence[Group], *, own: bool) -> bool:
        """Tell whether an event of these groups may be noted."""
        return (
            now < self.until
            and (self.own or not own)
            and all(group in groups and group.resolved == times for group, times in self.muted_by)
        )


class Streak:
    """Events that are all alike, as attacks are: found again by the values that decide, and noted once for all groups.

    Args:
        plan: What becomes of the events; it names the fields that decide.
        event: The first of them.
        ids: Those of the fields that state keys stand for.
        state_keys: Of the first event.
        groups: Its groups, in which it was noted last.
    """

    __slots__ = ("_groups", "_ids", "_keys", "_left", "_names", "_times", "_until", "_values", "plan")

    def __init__(
        self, plan: Plan, event: Event, ids: Sequence[str], state_keys: Mapping[str, str] | None,
        groups: Sequence[Group],
    ) -> None:  # fmt: skip
        self.plan = plan
        self._names, self._values = plan.names, list(map(event.get, plan.names))
        self._ids = ids
        self._keys = list(map(state_keys.get, ids)) if state_keys else []
        self._groups = groups
        self._times = array("q", groups[0].pending[-1][0])
        for group in groups:
            group.pending[-1] = (self._times, *group.pending[-1][1:])
        self._left = min(group.room if group.fresh >= 0 else min(group.room, group.spread) for group in groups)
        self._until = min([NEVER, *(group.check.until for group in groups if group.check is not None)])

    def takes(self, event: Event, now: int, state_keys: Mapping[str, str] | None) -> bool:
        """Note an event if it is like the others and there is room."""
        if self._left <= 0 or now >= self._until:
            return False
        try:
            alike = list(map(event.get, self._names)) == self._values
        except Exception:  # a value that cannot be compared
            return False
        if not alike or (list(map(state_keys.get, self._ids)) if state_keys else []) != self._keys:
            return False
        self._left -= 1
        self._times.append(now)
        return True

    def end(self) -> int:
        """Let the groups know; return what their events take more than before, in bytes."""
        number = len(self._times) - 1
        newest = max(self._times)
        for group in self._groups:
            group.room -= number
            group.spread -= number
            group.last = max(group.last, newest)
            if group.source is not None:
                group.source.last = max(group.source.last, newest)
        return TIME_BYTES * number * len(self._groups)


def by_plan(pending: Sequence[Run]) -> Iterable[tuple[Plan, list[Timed]]]:
    """Yield events that follow each other under one plan."""
    start = 0
    while start < len(pending):
        plan, end = pending[start][2], start + 1
        while end < len(pending) and pending[end][2] is plan:
            end += 1
        yield plan, [(times, digits) for times, digits, _ in pending[start:end]]
        start = end


def joined(runs: Sequence[Timed]) -> Events:
    """Return events without their values."""
    return events([now for times, _ in runs for now in times], NO_VALUE)


def grouped(runs: Sequence[Timed]) -> ByValue | None:
    """Return events, which are in order, by their values, those with the oldest latest event first."""
    values: dict[str, list[int]] = {}
    number = newest = 0
    for times, digits in runs:
        if digits:
            known = values.pop(digits, None)
            values[digits] = list(times) if known is None else [*known, *times]
            number += len(times)
            newest = times[-1]
    oldest = next((times[0] for times, digits in runs if digits), 0)
    return ByValue(values, number, oldest, newest) if number else None


def events(times: Sequence[int], digits: str) -> Events:
    """Return events of one value."""
    # New numbers, beside each other in memory: walking them takes a tenth of the time.
    found = list(times)
    return Events(found, len(found) == 1 or found == sorted(found), digits)


_COMPARED: frozenset[Any] = frozenset({str, int, bool, type(None)})


def is_plain(event: Event, names: Sequence[str]) -> bool:
    """Whether an event's values can be compared with those of the next: none may change meanwhile."""
    return bool(names) and all(type(event.get(name)) in _COMPARED for name in names)
