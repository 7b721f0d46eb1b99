"""Kinds of groups, and how the events of a plan find theirs: worked out once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.case import MAX_CACHED
from seclog_handlers.detection.deferral.sieve import sieve
from seclog_handlers.detection.distinct import Distinct
from seclog_handlers.detection.measures import UNLIMITED, Bucket, Steps, Window
from seclog_handlers.detection.state.entry import NEVER, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from seclog_handlers.detection.acquaintances import Newcomer
    from seclog_handlers.detection.compiled import Counter, Plan
    from seclog_handlers.detection.deferral.groups import Group

# Events that wait in one group at most: under an attack they are counted together.
MAX_PENDING = 1024

_MAX_FIELDS = 2

Pairs = tuple[tuple["Counter", str], ...]


def waits(counter: Counter) -> bool:
    """Whether events of a counter may wait at all: others are counted at once."""
    measure = counter.measure
    if counter.while_open or not 1 <= len(counter.by) <= _MAX_FIELDS or len(counter.distinct) > 1:
        return False
    if type(measure) is Window:
        return min(limit.count for limit in measure.limits) > 1
    return type(measure) in (Distinct, Bucket, Steps)


def tells_values(counter: Counter) -> bool:
    """Whether a counter's events wait by their values."""
    return waits(counter) and type(counter.measure) is Distinct


class Label:
    """One kind of group: counters that group by the same fields, and whose events may be the same.

    Attributes:
        counters: Those counters.
        tag: Tells its groups' names from those of other labels; hexadecimal digits.
        value: The one field whose values they tell apart, or None.
        room, fresh, spread: What a new group has.
        waiting: (counter, whether it tells values apart) of those whose events wait, but for sequences.
        sequences: Those.
        others: All but those that wait.
        ttl: How long its events mean anything, in milliseconds.
        sieve: Where events wait by the first of two fields, or None.
        aliases: Fields as events show them -> group.
    """

    def __init__(self, counters: Sequence[Counter], tag: str, most: int) -> None:
        self._most = most
        self.counters = counters
        self.tag = tag
        patient = [counter for counter in counters if waits(counter)]
        self.sequences = [counter for counter in patient if type(counter.measure) is Steps]
        self.waiting = [(counter, tells_values(counter)) for counter in patient if counter not in self.sequences]
        self.others = [counter for counter in counters if counter not in patient or counter in self.sequences]
        values = [counter.distinct[0].name for counter, tells in self.waiting if tells]
        self.value = values[0] if values else None
        self.ttl = max(counter.measure.ttl for counter in counters)
        self.sieve = sieve(counters)
        self.aliases: dict[Any, Group] = {}
        self._absent: dict[Any, str] = {}
        self._absent_by_key: dict[str, list[Any]] = {}
        self.room, self.fresh, self.spread = MAX_PENDING, UNLIMITED, UNLIMITED
        for counter, _ in self.waiting:
            for room, fresh, spread, _ in counter.patient.slack(Entry()).values():
                self.room, self.fresh = min(self.room, room), min(self.fresh, fresh)
                self.spread = min(self.spread, spread)

    def remember(self, raw: Any, group: Group) -> None:
        """Remember how events show a group."""
        if is_short(raw):
            if len(self.aliases) >= self._most:
                self.aliases.clear()
            self.aliases[raw] = group

    def is_absent(self, raw: Any) -> bool:
        """Whether it is known that there is no such group."""
        return raw in self._absent

    def lacks(self, raw: Any, key: str) -> None:
        """Remember that there is no such group."""
        if is_short(raw):
            if len(self._absent) >= self._most:
                self._absent.clear()
                self._absent_by_key.clear()
            self._absent[raw] = key
            self._absent_by_key.setdefault(key, []).append(raw)

    def has(self, key: str) -> None:
        """Be told that there is such a group now, or an entry of it."""
        for raw in self._absent_by_key.pop(key, ()):
            self._absent.pop(raw, None)

    def forget(self) -> None:
        """Forget how events show groups."""
        self.aliases.clear()
        self._absent.clear()
        self._absent_by_key.clear()


class Track:
    """How to find one group of an event, and the value that is told apart in it.

    Attributes:
        label: The kind of group.
        at: Where the group's field stands among those that the plan reads.
        second: Where its second field stands, or None.
        value: Where the value stands, or None.
        known: Whether values wait by being known; otherwise each is looked up.
        sample: One of the counters.
        valued: One that tells values apart, or None.
    """

    __slots__ = ("at", "known", "label", "sample", "second", "value", "valued")

    def __init__(self, label: Label, counters: Pairs, read: Callable[[Any], int], *, notes: bool) -> None:
        self.label = label
        self.sample = counters[0][0]
        places = [read(field) for field in self.sample.by]
        self.at, self.second = places[0], places[1] if len(places) > 1 else None
        valued = [counter for counter, _ in counters if notes and counter.distinct]
        self.valued = valued[0] if valued else None
        self.value = read(valued[0].distinct[0]) if valued else None
        self.known = any(tells_values(counter) for counter in valued)

    def raw(self, raws: Sequence[Any]) -> Any:
        """Return the group's fields as the event shows them."""
        return raws[self.at] if self.second is None else (raws[self.at], raws[self.second])


class Route:
    """What becomes of the events of one plan.

    Attributes:
        own: Whether the application itself logged them.
        fields: (name, reads it, whether a state key may stand for it) of all fields that are looked at.
        tracks: Its groups.
        members: Kind of group -> (counter, step): what the events are counted by.
        steps: (track, events that must have come before, and within how many milliseconds): the last step of a
            sequence needs all others.
        newcomers: What must be new for those.
        opened: Tracks of groups of which an open incident makes the event count.
        guarded: Whether there are any of both.
        repeats: Whether its events may be found again by their values: none of them waits with a source.
    """

    def __init__(self, *, own: bool) -> None:
        self.own = own
        self.fields: list[tuple[str, Callable[[Any], Any], bool]] = []
        self.tracks: list[Track] = []
        self.members: dict[Label, Pairs] = {}
        self.steps: list[tuple[Track, int, int]] = []
        self.newcomers: list[Newcomer] = []
        self.opened: list[Track] = []
        self.guarded, self.repeats = False, True
        self._all: Pairs = ()
        self._chosen: dict[tuple[Label, ...], Pairs] = {}

    def complete(self, members: Pairs) -> None:
        """Be told all counters of the plan, in their order."""
        self.guarded = bool(self.steps or self.opened)
        self.repeats = all(track.label.sieve is None for track in self.tracks)
        self._all = members

    def chosen(self, labels: Sequence[Label]) -> Pairs:
        """Return what the events are counted by in groups of some labels, in the order of all."""
        key = tuple(labels)
        found = self._chosen.get(key)
        if found is None:
            pairs = {pair for label in labels for pair in self.members[label]}
            found = self._chosen[key] = tuple(pair for pair in self._all if pair in pairs)
        return found

    def read(self, field: Any) -> int:
        """Return where a field stands among those that are read, from now on."""
        names = [(name, whole) for name, _, whole in self.fields]
        if (field.name, field.whole) not in names:
            self.fields.append((field.name, field.raw, field.whole))
            return len(names)
        return names.index((field.name, field.whole))


def route(plan: Plan, labels: Mapping[str, Label]) -> Route | None:
    """Return how events of a plan may wait; None if each of them must be counted at once.

    Args:
        plan: The plan.
        labels: Prefix of a counter -> its label.
    """
    found = Route(own=plan.own)
    by_label: dict[Label, list[tuple[Counter, str]]] = {}
    opening: dict[Label, Counter] = {}
    for counter, step in plan.members:
        measure = counter.measure
        if counter.while_open:
            opening.update((labels[other.prefix], other) for _, other in counter.while_open)
        elif not waits(counter):
            return None
        elif type(measure) is Steps and measure.ends(step):
            track = Track(labels[counter.prefix], ((counter, step),), found.read, notes=False)
            if counter.newcomer is not None:
                found.newcomers.append(counter.newcomer)
                # Read so that what became of an event is found again by the value too.
                found.read(counter.newcomer.by[-1])
            found.steps.append((track, measure.before_last, measure.ttl if measure.ends_at_once else NEVER))
        else:
            by_label.setdefault(labels[counter.prefix], []).append((counter, step))
    for label, pairs in by_label.items():
        if not _one_value(label, pairs):
            return None
        found.tracks.append(Track(label, tuple(pairs), found.read, notes=True))
        found.members[label] = tuple(pairs)
    if not all(1 <= len(counter.by) <= _MAX_FIELDS for counter in opening.values()):
        return None
    found.opened = [Track(label, ((counter, ""),), found.read, notes=False) for label, counter in opening.items()]
    found.complete(plan.members)
    return found


def _one_value(label: Label, counters: Sequence[tuple[Counter, str]]) -> bool:
    """Whether counters that tell values apart do it by one field; known values are of the label's."""
    valued = {counter.distinct[0].name for counter, _ in counters if counter.distinct}
    known = {counter.distinct[0].name for counter, _ in counters if tells_values(counter)}
    return len(valued) <= 1 and known <= {label.value}


def labels_of(counters: Sequence[Counter], aliases: int) -> dict[str, Label]:
    """Return prefix -> label, so that events that two labels of the same fields count are never the same.

    Args:
        counters: All counters.
        aliases: Ways to write a group's fields that each label remembers.
    """
    parts: list[tuple[str, frozenset[str], list[Counter]]] = []
    for counter in counters:
        shared = [part for part in parts if _joins(counter, part[0], part[1])]
        parts = [part for part in parts if part not in shared]
        kinds = [counter.types, *(part[1] for part in shared)]
        together = frozenset().union(*kinds) if all(kinds) else frozenset()
        members = [member for part in shared for member in part[2]]
        parts.append((counter.group if waits(counter) else "", together, [*members, counter]))
    labels: dict[str, Label] = {}
    for number, (_, _, members) in enumerate(parts):
        label = Label(members, format(number, "x"), aliases)
        labels.update((counter.prefix, label) for counter in members)
    return labels


def _joins(counter: Counter, group: str, types: frozenset[str]) -> bool:
    alike = group == counter.group and waits(counter)
    return alike and (not types or not counter.types or not types.isdisjoint(counter.types))


def is_short(raw: Any) -> bool:
    """Whether a value may be remembered: text, or two."""
    if type(raw) is tuple:
        return all(type(part) is str and len(part) <= MAX_CACHED for part in raw)
    return type(raw) is str and len(raw) <= MAX_CACHED
