"""The way of an event that may wait, and of those that have waited."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.case import MAX_CACHED, Case
from seclog_handlers.detection.deferral.groups import (
    EVENT_BYTES,
    GROUP_BYTES,
    NO_VALUE,
    Group,
    Streak,
    Timed,
    by_plan,
    events,
    is_plain,
    joined,
)
from seclog_handlers.detection.deferral.room import Judged, Room
from seclog_handlers.detection.deferral.routes import Label, Route, Track, labels_of, route
from seclog_handlers.detection.state.entry import NEVER, Entry
from seclog_handlers.detection.state.remains import Remains

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seclog_handlers.detection.compiled import Counter, Plan
    from seclog_handlers.detection.measures import Events
    from seclog_handlers.detection.rules import Rule
    from seclog_handlers.detection.state.memory import MemoryState

# Caps on groups with what waits, and on entries: with 13 MiB of single events in short form, and what is remembered of
# names and values, 32 MiB.
MAX_BYTES = 7 * 2**20
ENTRIES_BYTES = 3 * 2**20

# Groups looked at, oldest first: for each new one once the table is half full, and for one that has to go.
SWEEP = 2
EVICTION_SAMPLE = 8
MAX_EVICTIONS = 32

# Values that a group knows at most; others are taken for new.
MAX_KNOWN = 32

PREFIX = 8  # characters of a key before its group

_MAX_KINDS = 256
_NONE: dict[str, int] = {}
_NOBODY: Judged = {}


class Deferral:
    """The groups of this process, with the events that wait in them.

    Args:
        counters: All counters.
        rules: name -> rule.
        state: Holds the entries, once events are counted.
        max_bytes: Cap on what the groups take.

    Attributes:
        streak: Events that were like the latest one, or None; asked before `takes`.
    """

    def __init__(
        self, counters: Sequence[Counter], rules: Mapping[str, Rule], state: MemoryState, max_bytes: int = MAX_BYTES,
    ) -> None:  # fmt: skip
        self.streak: Streak | None = None
        self._rules = rules
        self._state = state
        self._max_bytes = max_bytes
        self._bytes = 0
        self._groups: OrderedDict[str, Group] = OrderedDict()
        self._labels = labels_of(counters)
        self._room = Room(state, self._labels, self._groups)
        self._plans: list[Plan] = []
        self._latest: tuple[list[Group], Plan | None] = ([], None)
        self._remains: Remains | None = None
        state.shortens = False
        state.max_bytes = ENTRIES_BYTES
        state.before_due = self._count_key

    def __len__(self) -> int:
        """Return how many groups there are."""
        return len(self._groups)

    def route(self, plan: Plan) -> Route | None:
        """Return how events of a plan may wait; None if each of them must be counted at once."""
        found = route(plan, self._labels)
        if found is not None:
            plan.number = len(self._plans)
            self._plans.append(plan)
        return found

    # The way of an event.

    def takes(self, plan: Plan, case: Case) -> Sequence[Label] | None:
        """Note an event in those of its groups where it cannot matter yet.

        Returns:
            Labels of its other groups: there it must be counted now. None: it was noted nowhere, and must be counted
            by all counters of the plan.
        """
        if self.streak is not None:
            self.end_streak()
        found: Route | None = plan.route
        if found is None:
            return None
        try:
            raws = case.raws(found.fields)
            places = self._places(found, case, raws)
            if found.guarded and self._wanted(found, case, raws):
                return None
        except Exception:  # a value that is no key of a dict, whatever it does instead
            return None
        return self._note(plan, found, case, raws, places)

    def _places(self, found: Route, case: Case, raws: Sequence[Any]) -> list[tuple[Group, Track, str | None, bool]]:
        """Return for each group of an event: group, track, digits if known, and whether it has room for the event."""
        places = []
        for track in found.tracks:
            raw = raws[track.at] if track.second is None else (raws[track.at], raws[track.second])
            group = track.label.aliases.get(raw)
            if group is None or group.gone:
                group = self._found(track, raw, case, make=True)
                if group is None:
                    continue
            known = group.known.get(raws[track.value]) if track.known else None  # type: ignore[index]
            room = group.room > 0 and (not track.known or group.fresh >= (known is None) or group.spread > 0)
            places.append((group, track, known, room))
        return places

    def _note(
        self, plan: Plan, found: Route, case: Case, raws: Sequence[Any],
        places: Sequence[tuple[Group, Track, str | None, bool]],
    ) -> Sequence[Label]:  # fmt: skip
        now = case.now
        groups = [group for group, _, _, _ in places]
        times, left = [now], []
        for group, track, known, room in places:
            check = group.check
            if not room or (check is not None and not check.allows(now, groups, own=found.own)):
                left.append(group.label)
                continue
            digits = known
            if digits is None:
                digits = NO_VALUE if track.value is None else self._fresh(group, track, raws[track.value], case)
            group.note(times, digits, plan)
        self._bytes += EVENT_BYTES * (len(groups) - len(left))
        if self._bytes > self._max_bytes:
            self._make_room(now)
        elif groups and not left:
            self._maybe_streak(plan, found, case, groups)
        return left

    def _maybe_streak(self, plan: Plan, found: Route, case: Case, groups: list[Group]) -> None:
        if self._latest == (groups, plan) and is_plain(case.event, plan.names):
            ids = [name for name, _, whole in found.fields if whole]
            self.streak = Streak(plan, case.event, ids, case.state_keys, groups)
        self._latest = (groups, plan)

    def end_streak(self) -> None:
        """Let the groups of the streak know its events, before anything else is done with them."""
        streak, self.streak = self.streak, None
        self._latest = ([], None)
        if streak is not None:
            self._bytes += streak.end()

    def _fresh(self, group: Group, track: Track, raw: Any, case: Case) -> str:
        """Return the digits of a value that a group does not know yet."""
        digits = case.value(track.valued) or NO_VALUE  # type: ignore[arg-type]
        if track.known:
            group.fresh -= digits is not NO_VALUE
            # Most groups see one event: their value is remembered from the second on, which saves a fifth of them.
            known = group.known
            if (
                group.pending
                and len(known) < MAX_KNOWN
                and (raw is None or (type(raw) is str and len(raw) <= MAX_CACHED))
            ):
                known[raw] = digits
        return digits

    def _wanted(self, found: Route, case: Case, raws: Sequence[Any]) -> bool:
        """Whether an event ends a sequence that may be complete, or comes while an incident may be open."""
        for track, least in found.steps:
            group = self._seen(track, case, raws)
            if group is not None and group.begun + group.number >= least:
                return True
            if group is None and least <= 1 and self._remains is not None:
                return True
        for track in found.opened:
            group = self._seen(track, case, raws)
            if group is not None and group.open:
                return True
        return False

    def _seen(self, track: Track, case: Case, raws: Sequence[Any]) -> Group | None:
        """Return a group if there is one."""
        raw = track.raw(raws)
        group = track.label.aliases.get(raw)
        if group is not None and not group.gone:
            return group
        return None if track.label.is_absent(raw) else self._found(track, raw, case, make=False)

    # Groups.

    def _found(self, track: Track, raw: Any, case: Case, *, make: bool) -> Group | None:
        """Return the group of an event; one that is not known is made if wanted, or if the state has entries of it."""
        label = track.label
        key = case.group_of(track.sample)
        if key is None:
            return None
        group = self._groups.get(label.tag + key)
        if group is None:
            if not make and not self._has_entries(label, key):
                label.lacks(raw, key)
                return None
            group = self._made(key, label, case.now)
        label.remember(raw, group)
        return group

    def _has_entries(self, label: Label, key: str) -> bool:
        return len(self._state) > 0 and any(self._state.peek(counter.prefix + key) for counter in label.counters)

    def _made(self, key: str, label: Label, now: int) -> Group:
        group = Group(key, label, now)
        self._groups[group.name] = group
        label.has(key)
        self._bytes += GROUP_BYTES
        if self._remains is not None:
            self._recall(group, now)
        if self._has_entries(label, key):
            self._room.weigh(group, _NOBODY)
        if self._bytes * 2 > self._max_bytes:
            self._sweep(now)
        return group

    def _recall(self, group: Group, now: int) -> None:
        """Take the one event of a group back that was kept in short form."""
        found = self._remains.recall(group.name, now) if self._remains else None
        if found is not None:
            when, value, kind = found
            group.note([when], NO_VALUE if value == "0" else value, self._plans[kind])
            group.fresh -= 1
            self._bytes += EVENT_BYTES

    def _drop(self, group: Group) -> None:
        if self._groups.pop(group.name, None) is not None:
            self._bytes -= GROUP_BYTES + group.size
        group.gone = True
        group.pending = []

    def _sweep(self, now: int) -> None:
        """Look at the oldest groups: what has expired goes, the others are looked at again later."""
        groups = self._groups
        for _ in range(min(SWEEP, len(groups))):
            name = next(iter(groups))
            if groups[name].expired(now):
                self._drop(groups[name])
            else:
                groups.move_to_end(name)

    def _make_room(self, now: int) -> None:
        self.end_streak()
        for _ in range(MAX_EVICTIONS):
            if self._bytes <= self._max_bytes:
                return
            self._evict(now)

    def _evict(self, now: int) -> None:
        """Let the lightest of the oldest groups go: one event into its short form, more into entries."""
        group = self._lightest(now)
        if not group.expired(now):
            self._state.say_saturated()
            if group.is_single and len(self._plans) <= _MAX_KINDS:
                self._shorten(group)
            elif group.pending:
                self.count([group], now)
        self._drop(group)

    def _lightest(self, now: int) -> Group:
        groups = self._groups
        found: list[Group] = []
        for _ in range(min(EVICTION_SAMPLE, len(groups))):
            name = next(iter(groups))
            group = groups[name]
            if group.is_single or group.expired(now):
                return group
            groups.move_to_end(name)
            found.append(group)
        return min(found, key=_suspicion)

    def _shorten(self, group: Group) -> None:
        (when,), digits, plan = group.pending[0]
        if self._remains is None:
            self._remains = Remains()
        self._remains.keep(group.name, when, int(digits or "0", 16), plan.number)

    # Counting what has waited.

    def waiting(self, keys: Iterable[str]) -> list[Group]:
        """Return the groups of these keys."""
        self.end_streak()
        names = dict.fromkeys(self._labels[key[:PREFIX]].tag + key[PREFIX:] for key in keys)
        return [group for name in names if (group := self._groups.get(name)) is not None]

    def keys(self, groups: Iterable[Group]) -> list[str]:
        """Return the keys of the entries that events of these groups are counted in."""
        return [
            counter.prefix + group.key
            for group in groups if group.pending
            for plan in {plan.number: plan for _, _, plan in group.pending}.values()
            for counter, _ in plan.route.members[group.label]
        ]  # fmt: skip

    def count(self, groups: Sequence[Group], now: int) -> None:
        """Count what waits in these groups."""
        self._state.apply(self.keys(groups), now, lambda entries: self.settle(groups, entries))
        self.weigh(groups)

    def _count_key(self, key: str) -> None:
        for group in self.waiting([key]):
            if group.pending:
                self.count([group], group.last)

    def settle(self, groups: Iterable[Group], entries: dict[str, Entry]) -> None:
        """Count what waits in groups into their entries: no event of it crosses anything that is to be told."""
        for group in groups:
            self._bytes -= group.size
            pending, group.pending = group.pending, []
            for plan, runs in by_plan(pending):
                whole = [events(*runs[0])] if len(runs) == 1 else [joined(runs)]
                for counter, step in plan.route.members[group.label]:
                    key = counter.prefix + group.key
                    entry = entries.get(key)
                    if entry is None:
                        if counter.opening is not None and step != counter.opening:
                            continue
                        entry = Entry(counter.measure.ttl)
                    if counter.counts_all:
                        self._settle(plan, counter, entry, [whole[0]._replace(value=step)])
                    else:
                        self._settle_values(plan, counter, entry, runs)
                    if entry.weight or entry.incidents:
                        entries[key] = entry

    def _settle(self, plan: Plan, counter: Counter, entry: Entry, runs: Iterable[Events]) -> None:
        for run in runs:
            number, newest, crossed = counter.patient.add_all(entry, run)
            if plan.own and newest > entry.own:
                entry.own = newest
            if number and entry.incidents:
                self._grow(entry, counter, number, crossed)

    def _settle_values(self, plan: Plan, counter: Counter, entry: Entry, runs: Iterable[Timed]) -> None:
        add, own = counter.add, plan.own
        for times, digits in runs:
            if not digits:
                continue
            if len(times) > 1:
                self._settle(plan, counter, entry, [events(times, digits)])
                continue
            now = times[0]
            crossings = add(entry, now, digits)
            if crossings is None:
                continue
            entry.last = max(entry.last, now)
            if own and now > entry.own:
                entry.own = now
            if entry.incidents:
                self._grow(entry, counter, 1, {crossing.rule: now for crossing in crossings} if crossings else _NONE)

    def _grow(self, entry: Entry, counter: Counter, number: int, crossed: Mapping[str, int]) -> None:
        """Bring open incidents up to date: how many events, and until when they prolong it."""
        if not crossed:
            if counter.measure.tallies:
                for incident in (entry.incidents or {}).values():
                    incident["count"] += number
            return
        due = NEVER
        for name, incident in (entry.incidents or {}).items():
            if counter.measure.tallies:
                incident["count"] += number
            if name in crossed:
                incident["last"] = max(incident["last"], crossed[name])
                incident["due"] = max(incident["due"], crossed[name] + self._rules[name].resolve_after)
            due = min(due, incident["due"])
        entry.due = due

    def weigh(self, groups: Iterable[Group], judged: Judged = _NOBODY) -> None:
        """Find out anew how many events may wait in groups whose entries have changed.

        Args:
            groups: The groups.
            judged: All groups of the event that changed them, by the fields that they group by.
        """
        for group in groups:
            self._room.weigh(group, judged)

    def has(self, keys: Iterable[str]) -> None:
        """Be told that these entries may have come to be."""
        for key in keys:
            self._labels[key[:PREFIX]].has(key[PREFIX:])

    def resolved(self, keys: Iterable[str]) -> None:
        """Be told the entries whose incidents were resolved."""
        for group in self.waiting(keys):
            group.resolved += 1
            self._room.weigh(group, _NOBODY)

    def count_open(self) -> None:
        """Count what waits in groups with open incidents, before those go: it waits because of them."""
        self.end_streak()
        for group in list(self._groups.values()):
            if group.open and group.pending:
                self.count([group], group.last)

    def forget(self, fragments: Sequence[str]) -> int:
        """Drop the groups that hold one of these texts, and all single events in short form; return how many groups."""
        gone = [group for group in self._groups.values() if group.holds(fragments)]
        for group in gone:
            self._drop(group)
        for label in set(self._labels.values()):
            label.forget()
        for group in self._groups.values():
            group.known.clear()
        self._remains = None
        return len(gone)

    def start_anew(self) -> None:
        """Find out anew how much room there is, at each group's next event."""
        for group in self._groups.values():
            group.room = 0


def _suspicion(group: Group) -> tuple[bool, int]:
    """Order groups: those that are furthest from any of their rules come first."""
    return group.open, -group.room
