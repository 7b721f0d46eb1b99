"""State in this process: a table with a hard cap that forgets the least suspicious groups first."""

from __future__ import annotations

import heapq
import json
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.state.entry import (
    ENTRY_BYTES,
    INCIDENT_BYTES,
    ITEM_BYTES,
    NEVER,
    Entry,
    Found,
    Result,
    State,
    Transition,
)
from seclog_handlers.detection.state.remains import Remains

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# About 32 MiB together: entries in full, and a short form of single events once entries had to go.
MAX_BYTES = 18 * 2**20
MAX_DUE = 1000
# Void times that the queue of incidents may hold beside as many as there are others.
SPARE_QUEUE = 1000

# Entries looked at, oldest first, for one that has to go; the lightest of them goes.
EVICTION_SAMPLE = 8
# Entries looked at for each new one, once the table is half full: every one is seen before it is full.
SWEEP = 2
# Evictions for one event: enough to make room for what one event can add.
MAX_EVICTIONS = 32

SATURATED = "detector_state_saturated"


class MemoryState:
    """Entries in a table, oldest first.

    Args:
        max_bytes: Cap on what the entries take, as accounted by ENTRY_BYTES and its kin.
    """

    shared = False
    backup: State | None = None

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.notices: list[str] = []
        self.max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._remains: Remains | None = None
        self._queue: list[tuple[int, str]] = []
        # When each key is in the queue for; what else the queue has of it is void.
        self._queued: dict[str, int] = {}
        self.next_due = NEVER
        # Whether single events of entries that had to go are kept in short form.
        self.shortens = True
        # Called with the key of an entry before it is asked what is due.
        self.before_due: Callable[[str], None] | None = None

    def __len__(self) -> int:
        """Return how many groups it knows in full."""
        return len(self._entries)

    def peek(self, key: str) -> Entry | None:
        """Return an entry that must not be changed."""
        return self._entries.get(key)

    def apply(self, keys: Sequence[str], now: int, transition: Transition[Result]) -> Result:
        """Run `transition` on the entries of `keys` and keep what it leaves."""
        entries, remains = self._entries, self._remains
        found: Found = {}
        for key in keys:
            entry = entries.get(key)
            if entry is None and remains is not None:
                entry = remains.take(key, now)
            if entry is not None:
                found[key] = entry
        result = transition(found)
        for key, entry in found.items():
            if entry.due or not entry.weight or entry.size != ENTRY_BYTES + ITEM_BYTES * entry.weight:
                self._keep(key, entry, now)
        if self._bytes > self.max_bytes:
            self._make_room(now)
        return result

    def _keep(self, key: str, entry: Entry, now: int) -> None:
        size = ENTRY_BYTES + ITEM_BYTES * entry.weight
        if entry.incidents:
            size += INCIDENT_BYTES * len(entry.incidents)
        elif not entry.weight:
            self._drop(key)
            return
        if not entry.size:
            self._entries[key] = entry
            if self._bytes * 2 > self.max_bytes:
                self._sweep(now)
        self._bytes += size - entry.size
        entry.size = size
        if entry.due and entry.due < self._queued.get(key, NEVER):
            self._enqueue(key, entry.due)

    def _enqueue(self, key: str, due: int) -> None:
        self._queued[key] = due
        heapq.heappush(self._queue, (due, key))
        if len(self._queue) > 2 * len(self._queued) + SPARE_QUEUE:
            self._tidy_queue()
        self.next_due = self._queue[0][0]

    def _tidy_queue(self) -> None:
        """Let what is void in the queue go: incidents that a flood ends early leave their later times in it."""
        known = ((key, due, self._entries.get(key)) for key, due in self._queued.items())
        self._queued = {key: due for key, due, entry in known if entry is not None and entry.due}
        self._queue[:] = [(due, key) for key, due in self._queued.items()]
        heapq.heapify(self._queue)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
            entry.size = 0

    def _sweep(self, now: int) -> None:
        """Look at the oldest entries: what has expired goes, the others are looked at again later."""
        entries = self._entries
        for _ in range(min(SWEEP, len(entries))):
            key = next(iter(entries))
            entry = entries[key]
            if entry.last + entry.ttl < now and not entry.due:
                self._drop(key)
            else:
                entries.move_to_end(key)

    def _make_room(self, now: int) -> None:
        for _ in range(MAX_EVICTIONS):
            if self._bytes <= self.max_bytes or not self._evict(now):
                return

    def _evict(self, now: int) -> bool:
        """Let the lightest of the oldest entries go; False if that is an open incident, which ends first."""
        chosen, entry = self._lightest(now)
        if entry.due or entry.last + entry.ttl >= now:
            self.say_saturated()
        if entry.due:
            _end_now(entry, now)
            self._enqueue(chosen, entry.due)
            return False
        if entry.weight == 1 and self.shortens:
            self._remember_briefly(chosen, entry)
        self._drop(chosen)
        return True

    def _lightest(self, now: int) -> tuple[str, Entry]:
        """Return the lightest of a few of the oldest entries; those passed over become the youngest."""
        entries = self._entries
        found: list[tuple[str, Entry]] = []
        for _ in range(min(EVICTION_SAMPLE, len(entries))):
            key = next(iter(entries))
            entry = entries[key]
            if entry.weight <= 1 and not entry.due:
                return key, entry
            entries.move_to_end(key)
            found.append((key, entry))
        return min(found, key=lambda pair: _suspicion(pair[1], now))

    def _remember_briefly(self, key: str, entry: Entry) -> None:
        if self._remains is None:
            self._remains = Remains()
        self._remains.put(key, entry)

    def say_saturated(self) -> None:
        """Leave a notice that groups had to go although they still count."""
        if SATURATED not in self.notices:
            self.notices.append(SATURATED)

    def due_keys(self, now: int) -> list[str]:
        """Return keys of entries with an incident to resolve by `now`."""
        keys: list[str] = []
        queue = self._queue
        while queue and queue[0][0] <= now and len(keys) < MAX_DUE:
            if self.before_due is not None:
                self.before_due(queue[0][1])
            due, key = heapq.heappop(queue)
            if self._queued.get(key) != due:
                continue
            del self._queued[key]
            entry = self._entries.get(key)
            if entry is None or not entry.due:
                continue
            if entry.due <= now:
                keys.append(key)
            else:
                self._enqueue(key, entry.due)
        self.next_due = queue[0][0] if queue else NEVER
        return list(dict.fromkeys(keys))

    def earliest_due(self) -> int:
        """Return when the next incident is to be resolved; a little early where one was prolonged."""
        return self.next_due

    def flush(self, seconds: float = 0.0) -> list[Any]:  # noqa: ARG002 - one signature
        """Nothing waits here."""
        return []

    def offset(self, boot: str, candidate: float) -> float:  # noqa: ARG002 - one signature
        """Return the candidate: nobody else is here."""
        return candidate

    def forget(self, fragments: Sequence[str]) -> int:
        """Drop the entries that hold one of these texts, and all single events in short form."""
        texts = {key: key + json.dumps(entry.pack()) for key, entry in self._entries.items()}
        gone = [key for key, text in texts.items() if any(fragment in text for fragment in fragments)]
        for key in gone:
            self._drop(key)
        self._remains = None
        return len(gone)

    def take_incidents(self, keys: Sequence[str], most: int) -> Found:
        """Return the entries with incidents of these keys and of a few others, and forget them."""
        wanted = [*keys, *islice(self._queued, most)]
        found = {key: entry for key in wanted if (entry := self._entries.get(key)) is not None and entry.due}
        for key in found:
            self._drop(key)
        for key in found:
            self._queued.pop(key, None)
        return found

    def after_fork(self) -> None:
        """Keep the counters and leave the incidents to the parent, which resolves them."""
        for _, key in self._queue:
            entry = self._entries.get(key)
            if entry is not None:
                entry.incidents, entry.due = None, 0
        self._queue.clear()
        self._queued.clear()
        self.next_due = NEVER

    def close(self) -> None:
        """Keep everything: there is nothing to let go of."""


def _suspicion(entry: Entry, now: int) -> tuple[bool, bool, int]:
    return (entry.expires >= now, entry.due > 0, entry.weight)


def _end_now(entry: Entry, now: int) -> None:
    for incident in (entry.incidents or {}).values():
        incident["due"] = min(incident["due"], now)
    entry.due = now
