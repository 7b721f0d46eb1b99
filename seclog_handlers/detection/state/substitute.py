"""Local memory in a store's place, and how what it counted comes together with what the store has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.state.entry import Entry, Found, Result, Transition
from seclog_handlers.detection.state.memory import MemoryState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Incidents of one group and rule, opened while processes counted alone, that end together.
MAX_ALSO = 64


class Substitute(MemoryState):
    """Local memory that stands in for a store, and knows which of the store's incidents it has ended.

    Attributes:
        borrowed: Ids of the incidents that came from the store, with the number of their events then.
        ended: Ids of those that have ended here, with the key of their entry.
    """

    def __init__(self) -> None:
        super().__init__()
        self.borrowed: dict[str, int] = {}
        self.ended: dict[str, str] = {}

    def borrow(self, entries: Found) -> None:
        """Carry these entries of the store on."""
        for known, count in counts_of(entries).items():
            self.borrowed.setdefault(known, count)
        self.take_back(entries)

    def take_back(self, entries: Found) -> None:
        """Carry these entries on, which the store could not be given."""
        if entries:
            super().apply([], 0, lambda found: found.update(entries))

    def settle(self, entries: Found) -> None:
        """Be told that the store has these entries now."""
        for known in counts_of(entries):
            self.borrowed.pop(known, None)

    def give_back(self, keys: Sequence[str], most: int) -> tuple[Found, dict[str, str]]:
        """Return entries with open incidents, of these keys and a few others, and incidents that ended; forget both."""
        ended = dict(list(self.ended.items())[:most])
        for known in ended:
            del self.ended[known]
        return self.take_incidents(keys, most), ended

    def apply(self, keys: Sequence[str], now: int, transition: Transition[Result]) -> Result:
        """Run `transition`, and note which incidents of the store it ends."""
        if not self.borrowed:
            return super().apply(keys, now, transition)

        def watched(found: Found) -> Result:
            before = {incident["id"]: key for key, entry in found.items() for incident in _incidents(entry)}
            result = transition(found)
            after = {incident["id"] for entry in found.values() for incident in _incidents(entry)}
            for known, key in before.items():
                if known not in after and self.borrowed.pop(known, None) is not None:
                    self.ended[known] = key
            return result

        return super().apply(keys, now, watched)


def counts_of(entries: Found) -> dict[str, int]:
    """Return how many events each incident of these entries has, by its id."""
    return {incident["id"]: incident["count"] for entry in entries.values() for incident in _incidents(entry)}


def _incidents(entry: Entry) -> list[dict[str, Any]]:
    return list((entry.incidents or {}).values())


def without(entry: Entry, ended: dict[str, str]) -> None:
    """Take incidents that have ended elsewhere out of an entry."""
    if any(incident["id"] in ended for incident in _incidents(entry)):
        _set(entry, {name: kept for name, kept in (entry.incidents or {}).items() if kept["id"] not in ended})


def _set(entry: Entry, incidents: dict[str, dict[str, Any]]) -> None:
    entry.incidents = incidents or None
    entry.due = min((incident["due"] for incident in incidents.values()), default=0)


def merged(stored: Entry | None, local: Entry, borrowed: Mapping[str, int]) -> Entry:
    """Return the store's entry with the incidents that local memory carried on, and all of their events.

    Args:
        stored: The store's, or None.
        local: What local memory has made of it.
        borrowed: Id of an incident -> how many events it had when local memory got it.
    """
    if stored is None:
        local.size = 0
        return local
    incidents = dict(stored.incidents or {})
    for name, incident in (local.incidents or {}).items():
        known = incidents.get(name)
        incidents[name] = incident if known is None else _joined(known, incident, borrowed)
    _set(stored, incidents)
    return stored


def _joined(stored: dict[str, Any], local: dict[str, Any], borrowed: Mapping[str, int]) -> dict[str, Any]:
    """Return one incident with the events of both; where each process opened one of its own, it ends for both."""
    same = stored["id"] == local["id"]
    newer = local if same and local["due"] >= stored["due"] else stored
    # Of the same id are also incidents that two processes opened by events of the same millisecond.
    count = stored["count"] + local["count"] - borrowed.get(local["id"], 0)
    also = [*stored.get("also", ()), *local.get("also", ())]
    if not same and local["told"]:
        also.append([local["id"], local["first"]])
    joined = {
        **newer,
        "count": count,
        "also": list({known: [known, first] for known, first in also}.values())[:MAX_ALSO],
    }
    for name in ("told", "severity", "last", "due"):
        joined[name] = max(stored[name], local[name])
    return joined
