"""Windows over two fields, such as address and endpoint, watched by the first alone while it is too slow for any.

A visitor's every page would be a group of its own. But of an address that makes fewer than 30 requests a second,
no endpoint sees 30: its requests wait together, and fall into their groups only when it gets faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.measures import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from seclog_handlers.detection.compiled import Counter, Plan
    from seclog_handlers.detection.rules import Rule

# Smaller counts are soon reached, longer windows make long lists.
_LEAST = 8
_LONGEST = 60_000
_FIELDS = 2
# Events that wait with one source at most, in windows' counts: older ones have expired by then, or it gets hot.
_MOST = 4

SOURCE_BYTES = 400


class Source:
    """One value of the first field, and what waits there.

    Attributes:
        key: What stands for the value.
        pending: (time, the second field as the event shows it, plan), in order.
        last: Time of its latest event.
        hot: Whether its events go into groups of their own.
    """

    __slots__ = ("hot", "key", "last", "pending")

    def __init__(self, key: str, now: int) -> None:
        self.key = key
        self.pending: list[tuple[int, Any, Plan]] = []
        self.last = now
        self.hot = False


class Sieve:
    """The sources of one kind of group.

    Args:
        counters: Those that group by the same two fields; all are windows.
        rules: All of theirs.

    Attributes:
        first, second: The fields.
        sources: Key -> source, the one that was looked at longest ago first.
    """

    def __init__(self, counters: Sequence[Counter], rules: Iterable[Rule]) -> None:
        limits = [limit for counter in counters if type(counter.measure) is Window for limit in counter.measure.limits]
        self.first, self.second = counters[0].by
        self._last = min(limit.count for limit in limits) - 1
        self._within = max(limit.within for limit in limits)
        # By then every incident of its groups has been resolved.
        self._lasting = self._within + max(rule.resolve_after for rule in rules)
        self.sources: dict[str, Source] = {}

    def source(self, key: str, now: int) -> Source | None:
        """Return a source, cold again if it was quiet for long; None if there is none."""
        source = self.sources.get(key)
        if source is not None and source.hot and source.last + self._lasting < now:
            source.hot = False
        return source

    def admits(self, source: Source, now: int) -> int | None:
        """Tell whether one more event of a cold source crosses nothing for sure.

        Returns:
            How many events that have expired were dropped for it; None if it may cross, or comes late.
        """
        pending, last = source.pending, self._last
        if now < source.last:
            return None
        if len(pending) < last:
            return 0
        if pending[-last][0] >= now - self._within:
            return None
        if len(pending) < _MOST * last:
            return 0
        dropped = len(pending) - last
        del pending[:dropped]
        return dropped

    def expired(self, source: Source, now: int) -> bool:
        """Tell whether nothing of a source means anything any more."""
        return source.last + (self._lasting if source.hot else self._within) < now

    def oldest(self) -> Source | None:
        """Return the source that was looked at longest ago; from now on it is the latest."""
        key = next(iter(self.sources), None)
        if key is None:
            return None
        source = self.sources[key] = self.sources.pop(key)
        return source


def sieve(counters: Sequence[Counter]) -> Sieve | None:
    """Return a sieve for counters of one kind of group, if they are such that one may be used."""
    rules = [rule for counter in counters for rule in counter.rules.values()]
    for counter in counters:
        measure = counter.measure
        if type(measure) is not Window or len(counter.by) != _FIELDS or counter.while_open:
            return None
        if any(limit.count < _LEAST or limit.within > _LONGEST for limit in measure.limits):
            return None
    return Sieve(counters, rules)
