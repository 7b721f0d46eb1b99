"""How many events may wait in a group, from what its entries hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection import incidents
from seclog_handlers.detection.deferral.groups import NO_VALUE, Check, Group
from seclog_handlers.detection.deferral.routes import MAX_PENDING
from seclog_handlers.detection.measures import UNLIMITED
from seclog_handlers.detection.state.entry import NEVER, Entry

if TYPE_CHECKING:
    from seclog_handlers.detection.compiled import Counter
    from seclog_handlers.detection.deferral.routes import Label
    from seclog_handlers.detection.rules import Rule
    from seclog_handlers.detection.state.memory import MemoryState

# Groups of one event, by the fields that they group by.
Judged = Mapping[str, "str | None"]

_EMPTY = Entry()
_OPEN_END = (UNLIMITED, UNLIMITED, UNLIMITED)


class Room:
    """Works out how many events may wait.

    Args:
        state: The entries.
        labels: Prefix of a counter -> its label.
        groups: Name -> group.
    """

    def __init__(self, state: MemoryState, labels: Mapping[str, Label], groups: Mapping[str, Group]) -> None:
        self._peek = state.peek
        self._labels = labels
        self._groups = groups

    def weigh(self, group: Group, judged: Judged) -> None:
        """Find out anew how many events may wait in a group.

        Args:
            group: The group.
            judged: Those of the event that has just changed its entries, if any.
        """
        key, label = group.key, group.label
        room, fresh, spread, check = MAX_PENDING, UNLIMITED, UNLIMITED, None
        group.open = any(map(self._is_open, [counter.prefix + key for counter in label.others]))
        seen: list[Any] = []
        for counter, tells in label.waiting:
            entry = self._peek(counter.prefix + key) or _EMPTY
            if entry.incidents:
                group.open = True
            if tells:
                seen.append(entry.counter or ())
            for name, found in counter.patient.slack(entry).items():
                more, new, wide, until = found
                incident = entry.incidents.get(name) if entry.incidents else None
                if incident is not None:
                    check = check or Check()
                    more, new, wide, until = self._while_open(
                        counter, counter.rules[name], incident, group, judged, check, found,
                    )  # fmt: skip
                if until < NEVER:
                    check = check or Check()
                    check.until = min(check.until, until)
                room, fresh, spread = min(room, more), min(fresh, new), min(spread, wide)
        waiting = group.number if group.pending else 0
        group.room, group.fresh, group.spread, group.check = room - waiting, fresh - waiting, spread - waiting, check
        group.begun, group.begun_last = 0, -1
        for entry in self._sequences(group):
            group.begun, group.begun_last = max(group.begun, entry.weight), max(group.begun_last, entry.last)
        group.last = max(group.last, group.begun_last)
        if group.known:
            group.known = {
                raw: digits for raw, digits in group.known.items()
                if digits is NO_VALUE or all(digits in values for values in seen)
            }  # fmt: skip

    def _is_open(self, key: str) -> bool:
        entry = self._peek(key)
        return entry is not None and bool(entry.incidents)

    def _sequences(self, group: Group) -> list[Entry]:
        return [self._peek(counter.prefix + group.key) or _EMPTY for counter in group.label.sequences]

    def _while_open(
        self, counter: Counter, rule: Rule, incident: Mapping[str, Any], group: Group, judged: Judged, check: Check,
        slack: tuple[int, int, int, int],
    ) -> tuple[int, int, int, int]:  # fmt: skip
        """Return how much room an open incident leaves: a crossing that is no news may wait."""
        severity = incident["severity"]
        if severity < rule.highest:
            check.own = False
            if severity < rule.highest_of_access:
                return (0, *slack[1:])
        if not counter.measure.tallies or len(incident["samples"]) < incidents.MAX_SAMPLES:
            return slack
        if incident["told"]:
            until_update = 2 * incident["told"] - incident["count"] - 1
            enough = until_update > min(slack[0], max(slack[1], slack[2]))
            return (until_update, UNLIMITED, UNLIMITED, NEVER) if enough else slack
        muted = self._muted(counter, rule.name, group, judged)
        if muted is None:
            return slack
        if muted[0] is not group:
            check.muted_by.append((muted[0], muted[0].resolved))
        return (*_OPEN_END, muted[1])

    def _muted(self, counter: Counter, name: str, group: Group, judged: Judged) -> tuple[Group, int] | None:
        """Return the group whose open incident speaks for a rule's, and how long at least."""
        best: tuple[Group, int] | None = None
        for muted, other, inhibitor in counter.inhibitors:
            key = judged.get(inhibitor.group) if inhibitor.group != counter.group else group.key
            entry = self._peek(inhibitor.prefix + key) if key and muted == name else None
            incident = (entry.incidents or {}).get(other) if entry is not None else None
            if incident is not None and (best is None or incident["due"] > best[1]):
                companion = self._groups.get(self._labels[inhibitor.prefix].tag + (key or ""))
                best = best if companion is None else (companion, incident["due"])
        return best
