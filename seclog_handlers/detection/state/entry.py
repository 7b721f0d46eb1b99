"""What detection remembers of one group under one measure, and what a store of such entries must do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

NEVER = 2**62  # milliseconds; later than any event

# Size of a counted item in memory, and of an entry without any, with its key and its place in the table
# (CPython 3.11, rounded up; 480 for plain windows, 750 where values are told apart); the cap in bytes is kept
# with these.
ENTRY_BYTES = 640
ITEM_BYTES = 48
INCIDENT_BYTES = 3000

Result = TypeVar("Result")
Found = dict[str, "Entry"]
Transition = Callable[[Found], Result]


class StateUnavailableError(Exception):
    """The store cannot be used now; local state takes over."""


class StateBusyError(StateUnavailableError):
    """Other processes had the store all the time that an event may wait; a moment later it will do."""


class StateSlowError(StateBusyError):
    """The store has not answered in time, and nothing was written.

    Attributes:
        complain: Says so, once, where it goes on too long.
    """

    def __init__(self, reason: str, complain: Callable[[], object]) -> None:
        super().__init__(reason)
        self.complain = complain


class StateUncertainError(StateUnavailableError):
    """The store failed while it wrote: it may have written or not."""


class StateUnsureError(StateUncertainError):
    """The store has not answered in time while it wrote.

    Attributes:
        complain: Says so, once, where it goes on too long.
        wrote: Asks it, later, whether it has; may raise that it cannot be used, or is slow.
    """

    def __init__(self, reason: str, complain: Callable[[], object], wrote: Callable[[], bool]) -> None:
        super().__init__(reason)
        self.complain = complain
        self.wrote = wrote


class Entry:
    """Counter and incidents of one group; plain values only, so that any store can keep it.

    Attributes:
        counter: What the measure keeps: times, times by value, positions; None before the first event.
        apart: rule -> times since that rule's crossing, where several rules share one counter.
        incidents: rule -> open incident.
        last: Latest event time in milliseconds.
        own: Time of the latest event that the application itself logged, or -1: access logs alone.
        ttl: Milliseconds after `last` from which the counter says nothing any more.
        due: When the first of the incidents is to be resolved, 0 without any.
        weight: How many events it holds: how suspicious the group is.
        seed: (time, value) of the one event of an entry that was kept in short form; its measure rebuilds it.
        size: What a store has accounted for it.
    """

    __slots__ = ("apart", "counter", "due", "incidents", "last", "own", "seed", "size", "ttl", "weight")

    def __init__(self, ttl: int = 0) -> None:
        self.counter: Any = None
        self.apart: dict[str, list[int]] | None = None
        self.incidents: dict[str, dict[str, Any]] | None = None
        self.last = -1
        self.own = -1
        self.ttl = ttl
        self.due = 0
        self.weight = 0
        self.seed: tuple[int, str] | None = None
        self.size = 0

    @property
    def expires(self) -> int:
        """When the entry may be forgotten: never before its incidents are resolved."""
        return max(self.due, self.last + self.ttl)

    def pack(self) -> list[Any]:
        """Return what a store must keep, as JSON values."""
        return [
            self.counter, self.apart, self.incidents, self.last,
            self.own, self.ttl, self.due, self.weight,
        ]  # fmt: skip

    @classmethod
    def unpack(cls, packed: list[Any]) -> Entry:
        """Return the entry that `pack` gave."""
        entry = cls()
        (
            entry.counter, entry.apart, entry.incidents, entry.last,
            entry.own, entry.ttl, entry.due, entry.weight,
        ) = packed  # fmt: skip
        return entry


class State(Protocol):
    """A store of entries, in this process or shared with others.

    Attributes:
        shared: Whether other processes, or a later run of this one, see the same entries.
        next_due: A lower bound, in milliseconds, for when an incident is to be resolved; NEVER without any.
        notices: Names of what went wrong since the engine looked last, for the engine to tell.
        backup: What takes over while this state cannot be used; it may hold incidents of its own.
    """

    shared: bool

    @property
    def next_due(self) -> int: ...  # noqa: D102

    @property
    def notices(self) -> list[str]: ...  # noqa: D102

    @property
    def backup(self) -> State | None: ...  # noqa: D102

    def apply(self, keys: Sequence[str], now: int, transition: Transition[Result]) -> Result:
        """Run `transition` on the entries of `keys` and store what it leaves, atomically.

        Args:
            keys: Keys of the entries wanted.
            now: Event time in milliseconds.
            transition: Gets key -> entry of those that exist; changes the entries, adds others; an entry left
                with no weight and no incident is forgotten. May be run again if storing failed, on fresh
                entries.

        Returns:
            What the transition returned.
        """
        ...

    def due_keys(self, now: int) -> list[str]:
        """Return keys of entries with an incident to resolve by `now`, a bounded number of them."""
        ...

    def earliest_due(self) -> int:
        """Return when the next incident is to be resolved, in milliseconds; NEVER without any."""
        ...

    def flush(self, seconds: float = 0.0) -> list[Any]:
        """Store what had to wait for other processes, within so many seconds or at once.

        Returns:
            What its transitions returned, joined.
        """
        ...

    def offset(self, boot: str, candidate: float) -> float:
        """Return the clock's offset that the first process of this boot kept here; the candidate if none did."""
        ...

    def forget(self, fragments: Sequence[str]) -> int:
        """Drop every entry that holds one of these texts, in its key, counter or incidents; return how many."""
        ...

    def after_fork(self) -> None:
        """Leave what only the parent process can end to it; called in the child."""
        ...

    def close(self) -> None:
        """Let go of files and connections; the next `apply` opens them again."""
        ...
