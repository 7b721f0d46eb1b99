"""The groups of this process, within their caps: found, made, and let go of when there is no room."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.deferral.groups import EVENT_BYTES, GROUP_BYTES, NO_VALUE, Group
from seclog_handlers.detection.deferral.room import Judged, Room
from seclog_handlers.detection.deferral.routes import Label, Track, labels_of
from seclog_handlers.detection.deferral.sieve import SOURCE_BYTES, Sieve, Source
from seclog_handlers.detection.state.remains import Remains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seclog_handlers.detection.caps import Caps
    from seclog_handlers.detection.case import Case, Identities
    from seclog_handlers.detection.compiled import Counter, Plan
    from seclog_handlers.detection.state.memory import MemoryState

# Groups looked at, oldest first: for each new one once the table is half full, and for one that has to go.
SWEEP = 2
EVICTION_SAMPLE = 8
MAX_EVICTIONS = 32

_MAX_KINDS = 256
NOBODY: Judged = {}


class Table:
    """Groups by name, oldest first.

    Args:
        counters: All counters.
        state: Holds the entries, once events are counted.
        identities: What stands for values in keys.
        caps: How much may be remembered.
    """

    def __init__(
        self, counters: Sequence[Counter], state: MemoryState, identities: Identities, caps: Caps,
    ) -> None:  # fmt: skip
        self._state = state
        self._max_bytes = caps.groups
        self._bytes = 0
        self._groups: OrderedDict[str, Group] = OrderedDict()
        self._labels = labels_of(counters, caps.aliases)
        self._identities = identities
        self._sifting = [label for label in dict.fromkeys(self._labels.values()) if label.sieve is not None]
        self._room = Room(state, self._labels, self._groups)
        self._plans: list[Plan] = []
        self._remains: Remains | None = None
        # Whether an event met a group, or missed one, that was not known before.
        self._met_new = False

    def __len__(self) -> int:
        """Return how many groups there are."""
        return len(self._groups)

    def end_streak(self) -> None:
        """Let groups know the events that were noted for several of them at once."""
        raise NotImplementedError

    def count(self, groups: Sequence[Group], now: int) -> None:
        """Count what waits in these groups."""
        raise NotImplementedError

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
                self._met_new = True
                return None
            group = self._made(key, label, case.now)
        label.remember(raw, group)
        return group

    def _has_entries(self, label: Label, key: str) -> bool:
        return len(self._state) > 0 and any(self._state.peek(counter.prefix + key) for counter in label.counters)

    def _made(self, key: str, label: Label, now: int) -> Group:
        self._met_new = True
        group = Group(key, label, now)
        self._groups[group.name] = group
        label.has(key)
        self._bytes += GROUP_BYTES
        if self._remains is not None:
            self._recall(group, now)
        if self._has_entries(label, key):
            self._room.weigh(group, NOBODY)
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
        self._tidy_sources(now, EVICTION_SAMPLE)
        for _ in range(MAX_EVICTIONS):
            if self._bytes <= self._max_bytes:
                return
            if self._groups:
                self._evict(now)
            else:
                self._tidy_sources(now, 1, full=True)

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

    # Sources of sieves.

    def _source(self, label: Label, sieve: Sieve, case: Case) -> Source | None:
        """Return where an event may wait by its first field alone; it is hot if it may not. None without that field."""
        key = self._identities.shown(sieve.first, case.event, case.state_keys)
        if key is None:
            return None
        now = case.now
        source = sieve.source(key, now)
        if source is None:
            source = sieve.sources[key] = Source(key, now)
            self._bytes += SOURCE_BYTES
            if self._bytes * 2 > self._max_bytes:
                self._tidy_sources(now, SWEEP)
        if not source.hot:
            dropped = None
            if not (case.state_keys and sieve.second.name in case.state_keys):
                dropped = sieve.admits(source, now)
            if dropped is None:
                self._heat(source, label)
            else:
                self._bytes -= EVENT_BYTES * dropped
        source.last = max(source.last, now)
        return source

    def _sift(self, plan: Plan, case: Case, source: Source, label: Label) -> None:
        source.pending.append((case.now, label.sieve.second.raw(case.event), plan))  # type: ignore[union-attr]
        self._bytes += EVENT_BYTES

    def _heat(self, source: Source, label: Label) -> None:
        """Let the events that wait with a source fall into their groups."""
        source.hot = True
        pending, source.pending = source.pending, []
        self._bytes -= EVENT_BYTES * len(pending)
        for when, raw, plan in pending:
            second = self._identities.of(label.sieve.second, raw)  # type: ignore[union-attr]
            if second is None:
                continue
            key = f"{source.key}:{second}"
            group = self._groups.get(label.tag + key) or self._made(key, label, when)
            group.source = source
            group.note([when], NO_VALUE, plan)
            self._bytes += EVENT_BYTES

    def _tidy_sources(self, now: int, number: int, *, full: bool = False) -> None:
        """Look at the oldest sources: what has expired goes; if there is no room, what waits in others as well."""
        for label in self._sifting:
            sieve: Sieve = label.sieve  # type: ignore[assignment]
            for _ in range(min(number, len(sieve.sources))):
                source = sieve.oldest()
                if source is None:
                    break
                if full and not source.hot and not sieve.expired(source, now):
                    self._heat(source, label)
                elif full or sieve.expired(source, now):
                    del sieve.sources[source.key]
                    self._bytes -= SOURCE_BYTES + EVENT_BYTES * len(source.pending)

    def start_anew(self) -> None:
        """Find out anew how much room there is, at each group's next event."""
        for group in self._groups.values():
            group.room = 0


def _suspicion(group: Group) -> tuple[bool, int]:
    """Order groups: those that are furthest from any of their rules come first."""
    return group.open, -group.room
