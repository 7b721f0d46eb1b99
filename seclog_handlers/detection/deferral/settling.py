"""Counting what has waited: nothing that an alert says depends on when that was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seclog_handlers.detection.case import PREFIX
from seclog_handlers.detection.deferral.groups import Group, Timed, by_plan, events, grouped, joined
from seclog_handlers.detection.deferral.table import NOBODY, Table
from seclog_handlers.detection.distinct import Distinct
from seclog_handlers.detection.measures import NOTHING, add_each
from seclog_handlers.detection.state.entry import NEVER, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seclog_handlers.detection.caps import Caps
    from seclog_handlers.detection.case import Identities
    from seclog_handlers.detection.compiled import Counter, Plan
    from seclog_handlers.detection.deferral.room import Judged
    from seclog_handlers.detection.measures import ByValue, Counted, Events
    from seclog_handlers.detection.rules import Rule
    from seclog_handlers.detection.state.memory import MemoryState


# A group with less room than that is busy: so many events of it are counted at once, until its room is found out again.
LITTLE_ROOM = 2
BUSY = 8


class Settling(Table):
    """Groups whose events can be counted into the entries.

    Args:
        counters: All counters.
        rules: name -> rule.
        state: Holds the entries.
        identities: What stands for values in keys.
        caps: How much may be remembered.
    """

    def __init__(
        self, counters: Sequence[Counter], rules: Mapping[str, Rule], state: MemoryState, identities: Identities,
        caps: Caps,
    ) -> None:  # fmt: skip
        super().__init__(counters, state, identities, caps)
        self._rules = rules

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
                by_value = grouped(runs) if len(runs) > 1 and whole[0].ordered else None
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
                        self._settle_values(plan, counter, entry, runs, by_value)
                    if entry.weight or entry.incidents:
                        entries[key] = entry

    def _settle(self, plan: Plan, counter: Counter, entry: Entry, runs: Iterable[Events]) -> None:
        for run in runs:
            self._settled(plan, counter, entry, counter.patient.add_all(entry, run))

    def _settle_values(
        self, plan: Plan, counter: Counter, entry: Entry, runs: Sequence[Timed], by_value: ByValue | None,
    ) -> None:  # fmt: skip
        measure = counter.measure
        if by_value is not None and type(measure) is Distinct and measure.add_values(entry, by_value):
            self._settled(plan, counter, entry, (by_value.number, by_value.newest, {}))
            return
        counted = NOTHING
        for times, digits in runs:
            if len(times) == 1 and digits:
                counted = add_each(measure, entry, times, digits, counted)
            elif digits:
                self._settle(plan, counter, entry, [events(times, digits)])
        self._settled(plan, counter, entry, counted)

    def _settled(self, plan: Plan, counter: Counter, entry: Entry, counted: Counted) -> None:
        """Bring an entry up to date with events that were counted in it."""
        number, newest, crossed = counted
        if plan.own and newest > entry.own:
            entry.own = newest
        if number and entry.incidents:
            self._grow(entry, counter, number, crossed)

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

    def weigh(self, groups: Iterable[Group], judged: Judged = NOBODY) -> None:
        """Find out anew how many events may wait in groups whose entries have changed.

        Args:
            groups: The groups.
            judged: All groups of the event that changed them, by the fields that they group by.
        """
        for group in groups:
            self._room.weigh(group, judged)

    def weigh_judged(self, groups: Iterable[Group], judged: Judged, now: int) -> None:
        """Do what `weigh` does after an event was counted at once, but seldom for groups whose events seldom wait."""
        for group in groups:
            if not group.stays_busy(now):
                self._room.weigh(group, judged)
                if group.room <= LITTLE_ROOM or (group.fresh < 0 and group.spread <= LITTLE_ROOM):
                    group.room, group.busy = 0, BUSY

    def has(self, keys: Iterable[str]) -> None:
        """Be told that these entries may have come to be."""
        for key in keys:
            self._labels[key[:PREFIX]].has(key[PREFIX:])

    def resolved(self, keys: Iterable[str]) -> None:
        """Be told the entries whose incidents were resolved."""
        for group in self.waiting(keys):
            group.resolved += 1
            self._room.weigh(group, NOBODY)

    def count_open(self) -> None:
        """Count what waits in groups with open incidents, before those go: it waits because of them."""
        self.end_streak()
        for group in list(self._groups.values()):
            if group.open and group.pending:
                self.count([group], group.last)
