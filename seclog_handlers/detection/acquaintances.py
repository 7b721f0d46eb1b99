"""Whom a group has met before: a success from where its user has succeeded before is no stranger's.

`new` on the last step of a sequence asks for it: the step counts only where this value has not made it in the same
group lately. In this process's memory that is a small table of its own, since every ordinary login is in it; in a
shared state each pair is an entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seclog_handlers.detection.state.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from seclog_handlers.detection.fields import Field

# How long a meeting is remembered, and how old it is before another one is written down, in milliseconds.
LASTING = 31 * 86_400_000
REFRESH = 86_400_000


class Newcomer:
    """What must be new for the last step of a sequence: named like a counter, so that a `Case` finds its key.

    Attributes:
        step: The number of that step.
        prefix: Begins the key of each pair of a group and a value.
        by: Fields of the group, and the one that must be new.
        group: Their labels in one text.
    """

    __slots__ = ("by", "group", "prefix", "step")

    def __init__(self, step: str, prefix: str, by: tuple[Field, ...]) -> None:
        self.step = step
        self.prefix = prefix
        self.by = by
        self.group = "|".join(field.label for field in by)


class Acquaintances:
    """Pairs of a group and a value in this process's memory, those that met longest ago first.

    Args:
        most: Pairs remembered. Those beyond are forgotten: at worst a usual place is taken for a new one.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._met: dict[str, int] = {}

    def meet(self, key: str, now: int) -> bool:
        """Tell whether a pair has met before, and remember that it has."""
        last = self._met.get(key)
        known = last is not None and now - last <= LASTING
        if last is None or now - last >= REFRESH:
            self._met.pop(key, None)
            if len(self._met) >= self._most:
                del self._met[next(iter(self._met))]
            self._met[key] = now
        return known

    def met_lately(self, key: str) -> Meeting:
        """Return what tells later whether a meeting of this pair would be no news."""
        return Meeting(self._met.get, key)

    def part(self, key: str) -> None:
        """Forget a pair."""
        self._met.pop(key, None)

    def forget(self, fragments: Iterable[str]) -> int:
        """Forget the pairs that hold one of these texts; return how many."""
        texts = tuple(fragments)
        gone = [key for key in self._met if any(text in key for text in texts)]
        for key in gone:
            del self._met[key]
        return len(gone)


class Meeting:
    """A pair that met when an event came; the next such event need not be looked at while that is lately."""

    __slots__ = ("_get", "_key")

    def __init__(self, get: Callable[[str], int | None], key: str) -> None:
        self._get = get
        self._key = key

    def passes(self, now: int) -> bool:
        """Tell whether another meeting is no news."""
        last = self._get(self._key)
        return last is not None and now - last < REFRESH


def meet(entries: dict[str, Entry], key: str, now: int) -> bool:
    """Do what `Acquaintances.meet` does, in entries of a shared state."""
    entry = entries.get(key)
    known = entry is not None and now - entry.last <= LASTING
    if entry is None or now - entry.last >= REFRESH:
        entry = entries[key] = Entry(LASTING)
        entry.last, entry.weight = now, 1
    return known


def part(entries: dict[str, Entry], key: str) -> None:
    """Do what `Acquaintances.part` does."""
    if key in entries:
        entries[key].weight = 0
