"""A shared state with a local one behind it: a store that fails costs a moment, never an incident."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from seclog_handlers.detection.state.entry import (
    NEVER,
    Entry,
    Found,
    Result,
    State,
    StateBusyError,
    StateSlowError,
    StateUnavailableError,
    StateUncertainError,
    StateUnsureError,
    Transition,
)
from seclog_handlers.detection.state.substitute import Substitute, counts_of, merged, without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Seconds after a failure before the store is tried again; a dead store costs one short wait in that time.
RETRY_S = 5.0

# Events, and seconds, that may wait for other processes before the store counts as failing.
MAX_WAITING = 256
MAX_WAITING_S = 1.0
# So long a store that was slow is left alone: few calls pay for a wait, and none for two.
PAUSE_S = 0.01
# Events that are counted together: with more of them, one call would take what many have saved.
MAX_TOGETHER = 32
# Incidents that one event brings back into a store that answers again, and that leaving does at a time.
MAX_GIVEN_BACK, MANY_GIVEN_BACK = 4, 64
# Incidents of the store that are remembered here, in case the store goes.
MAX_REMEMBERED = 1000

DEGRADED = "detector_degraded"

_Event = tuple["Sequence[str]", int, Transition[Any]]


class Store(State, Protocol):
    """A state that processes share.

    Attributes:
        hurries: Whether it must not wait for other processes.
    """

    hurries: bool


class Failover:
    """Use the store; after a failure use local memory for a while, and say so.

    Events that find the store busy wait here for the next one and are then counted in their order, together.

    Args:
        store: The shared state. Its transitions return lists.
    """

    shared = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self._local = Substitute()
        self._retry_at = 0.0
        self._waiting: list[_Event] = []
        self._waiting_since = 0.0
        self._latest = 0  # time of the latest event
        self._again_at = 0.0  # until then a store that was slow is not asked
        # So many of those that wait may have been counted, and what tells whether they were.
        self._unsure: tuple[int, Callable[[], bool]] | None = None
        self._remembered: dict[str, Entry] = {}
        self._owing = False  # local memory may hold what the store should
        self._is_busy = False  # when that was last to be brought back
        # Events of the incidents that the store may have got then, and what tells whether it has.
        self._gave: tuple[dict[str, int], Callable[[], bool]] | None = None
        self._made: list[Any] = []
        self.backup: State | None = self._local

    @property
    def notices(self) -> list[str]:
        """What went wrong, in the store or in local memory, whose list it is."""
        return self._local.notices

    @property
    def next_due(self) -> int:
        """The store's; never while it is left alone; at once while events wait."""
        if self._waiting:
            return 0
        return self._store.next_due if self._usable() else NEVER

    def _usable(self) -> bool:
        return self._retry_at <= 0.0 or time.monotonic() >= self._retry_at

    def _pauses(self) -> bool:
        return self._again_at > 0.0 and time.monotonic() < self._again_at

    def apply(self, keys: Sequence[str], now: int, transition: Transition[Result]) -> Result:
        """Run `transition` on the store, or on local memory while the store fails."""
        self._latest = max(self._latest, now)
        if self._usable() and (not self._owing or self._give_back(keys, now)):
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting.append((keys, now, transition))
            if len(self._waiting) < MAX_WAITING and self._pauses():
                return []  # type: ignore[return-value]  # transitions of a shared state return lists
            return self._flushed()  # type: ignore[return-value]
        return self._local.apply(keys, now, transition)

    def _flushed(self) -> list[Any]:
        """Count what waits in the store; in local memory if the store fails; later if it is only busy."""
        waiting: Sequence[_Event] = ()
        told: list[Any] = []
        trouble: StateUnavailableError
        try:
            told = self._settled_attempt()
            waiting = self._waiting[:MAX_TOGETHER]
            result = told + (self._counted(self._store, waiting, self._remember) if waiting else [])
        except StateUncertainError as error:
            if isinstance(error, StateUnsureError) and self._may_wait(slow=True):
                self._unsure = len(waiting), error.wrote
                return told
            # Its incidents are remembered, so what it made of these events may be told.
            rest = self._waiting[len(waiting) :]
            self._give_up(error)
            return told + self._made + self._counted_here(rest)
        except StateBusyError as error:
            if self._may_wait(slow=isinstance(error, StateSlowError)):
                return told
            trouble = error
        except StateUnavailableError as error:
            trouble = error
        except BaseException:
            self._waiting, self._unsure = [], None
            raise
        else:
            self._waiting, self._waiting_since = self._waiting[len(waiting) :], time.monotonic()
            self._retry_at, self._again_at = 0.0, 0.0
            self._pass_on_notices()
            return result
        rest = self._waiting
        if self._unsure is not None:  # sent, and told of: to count them here too would count them twice
            told, rest = told + self._made, rest[self._unsure[0] :]
        self._give_up(trouble)
        return told + self._counted_here(rest)

    def _counted_here(self, waiting: Sequence[_Event]) -> list[Any]:
        return self._counted(self._local, waiting, None) if waiting else []

    def _settled_attempt(self) -> list[Any]:
        """Drop the events of a write that was done although its answer was late; return what it made of them."""
        if self._unsure is None:
            return []
        number, wrote = self._unsure
        done = wrote()
        self._unsure = None
        if not done:
            return []
        self._waiting = self._waiting[number:]
        return self._made

    def _may_wait(self, *, slow: bool) -> bool:
        """Tell whether events may go on waiting for the store; a slow one that has failed gets no second chance."""
        now = time.monotonic()
        if slow:
            if self._retry_at > 0.0:
                return False
            self._again_at = now + PAUSE_S
        return len(self._waiting) < MAX_WAITING and now - self._waiting_since < MAX_WAITING_S

    def _give_up(self, error: StateUnavailableError) -> None:
        if isinstance(error, (StateSlowError, StateUnsureError)):
            error.complain()
        self._failed()
        self._waiting, self._unsure, self._again_at = [], None, 0.0

    def _counted(self, state: State, waiting: Sequence[_Event], remember: Any) -> list[Any]:
        def together(found: Found) -> list[Any]:
            results = [transition(found) for _, _, transition in waiting]
            if remember:
                remember(found)
            self._made = results[0] if len(results) == 1 else [entry for result in results for entry in result]
            return self._made

        keys = [key for wanted, _, _ in waiting for key in wanted]
        return state.apply(keys, max(now for _, now, _ in waiting), together)

    def _remember(self, found: Found) -> None:
        """Keep at hand what is known of open incidents."""
        for key, entry in found.items():
            if entry.incidents:
                self._remembered[key] = entry
                if len(self._remembered) > MAX_REMEMBERED:
                    del self._remembered[next(iter(self._remembered))]
            elif self._remembered:
                self._remembered.pop(key, None)

    def _pass_on_notices(self) -> None:
        if self._store.notices:
            self.notices.extend(self._store.notices)
            self._store.notices.clear()

    def _failed(self) -> None:
        """Go on in local memory, with the open incidents that are known."""
        self._retry_at = time.monotonic() + RETRY_S
        self._owing = True
        if DEGRADED not in self.notices:
            self.notices.append(DEGRADED)
        remembered, self._remembered = self._remembered, {}
        self._local.borrow(remembered)

    def _give_back(self, keys: Sequence[str], now: int, most: int = MAX_GIVEN_BACK) -> bool:
        """Bring incidents of local memory back into a store that answers again; it may have lost them.

        Those that an event needs come first, a few others with each event.

        Returns:
            Whether the store does answer.
        """
        taken: Found = {}
        given: Found = {}
        ended: dict[str, str] = {}

        def merge(found: Found) -> list[Any]:
            for key, entry in taken.items():
                found[key] = merged(found.get(key), entry, self._local.borrowed)
            for entry in found.values():
                without(entry, ended)
            given.update(found)
            return []

        try:
            if self._gave is not None:
                counts, wrote = self._gave
                if wrote():  # it has those events, though its answer was late
                    self._local.borrowed.update(counts)
                self._gave = None
            taken, ended = self._local.give_back(keys, most)
            if not taken and not ended:
                self._owing = False
                return True
            self._store.apply([*taken, *ended.values()], now, merge)
        except StateUnavailableError as error:
            if isinstance(error, StateUnsureError):
                self._gave = counts_of(taken), error.wrote
            self._failed()
            self._local.take_back(taken)
            self._local.ended.update(ended)
            self._is_busy = isinstance(error, (StateBusyError, StateUnsureError))
            return False
        self._local.settle(taken)
        self._remember(given)
        return True

    def flush(self, seconds: float = 0.0) -> list[Any]:
        """Count what waits, within so many seconds or at once; given time, bring back what was counted here."""
        deadline = time.monotonic() + seconds
        results: list[Any] = []
        # An event that is about to be counted comes next, and waits for its turn itself.
        self._store.hurries = seconds <= 0.0
        try:
            while self._waiting and (seconds > 0.0 or not self._pauses()):
                results += self._flushed()
                if time.monotonic() >= deadline:
                    break
        finally:
            self._store.hurries = False
        if seconds > 0.0:
            self._leave(time.monotonic() + seconds)
        return results

    def _leave(self, deadline: float) -> None:
        """Bring back what was counted here, as far as there is time."""
        most = MANY_GIVEN_BACK
        while self._owing and time.monotonic() < deadline:
            if not self._give_back((), self._latest, most):
                if not self._is_busy:
                    break
                most = max(1, most // 4)  # others write all the time: what needs fewer entries is done sooner

    def due_keys(self, now: int) -> list[str]:
        """Return keys that are due in the store; none while it fails, or is busy."""
        if self._usable() and not self._waiting:
            try:
                return self._store.due_keys(now)
            except StateUnavailableError as error:
                self._excuse(error)
        return []

    def earliest_due(self) -> int:
        """Return when the store's next incident is to be resolved; at once while events wait; NEVER while it fails."""
        if self._waiting:
            return 0
        if self._usable():
            try:
                return self._store.earliest_due()
            except StateUnavailableError as error:
                self._excuse(error)
        return NEVER

    def _excuse(self, error: StateUnavailableError) -> None:
        if isinstance(error, StateSlowError):
            error.complain()
            self._failed()
        elif not isinstance(error, StateBusyError):
            self._failed()

    def offset(self, boot: str, candidate: float) -> float:
        """Return the offset that the store keeps, or the candidate while it fails."""
        if self._usable():
            try:
                return self._store.offset(boot, candidate)
            except StateUnavailableError as error:
                self._excuse(error)
        return candidate

    def forget(self, fragments: Sequence[str]) -> int:
        """Drop entries of both states; a store that cannot be used is an error here."""
        self._remembered.clear()
        return self._store.forget(fragments) + self._local.forget(fragments)

    def after_fork(self) -> None:
        """Leave the incidents of local memory, and what waits, to the parent."""
        self._waiting, self._unsure, self._again_at, self._gave = [], None, 0.0, None
        self._store.after_fork()
        self._local.after_fork()

    def close(self) -> None:
        """Let go of the store's file or connection."""
        self._store.close()
