"""A shared state with a local one behind it: a store that fails costs a moment, never an alert's rule."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from seclog_handlers.detection.state.entry import NEVER, Result, State, StateUnavailableError, Transition
from seclog_handlers.detection.state.memory import MemoryState

if TYPE_CHECKING:
    from collections.abc import Sequence

# Seconds after a failure before the store is tried again; a dead store costs one short wait in that time.
RETRY_S = 5.0

DEGRADED = "detector_degraded"


class Failover:
    """Use the store; after a failure use local memory for a while, and say so.

    Args:
        store: The shared state.
    """

    shared = True

    def __init__(self, store: State) -> None:
        self._store = store
        self._local = MemoryState()
        self._retry_at = 0.0
        self.backup: State | None = self._local

    @property
    def notices(self) -> list[str]:
        """What went wrong, in the store or in local memory, whose list it is."""
        return self._local.notices

    @property
    def next_due(self) -> int:
        """The store's; never while it is left alone."""
        return self._store.next_due if self._usable() else NEVER

    def _usable(self) -> bool:
        return self._retry_at <= 0.0 or time.monotonic() >= self._retry_at

    def apply(self, keys: Sequence[str], now: int, transition: Transition[Result]) -> Result:
        """Run `transition` on the store, or on local memory while the store fails."""
        if self._usable():
            try:
                result = self._store.apply(keys, now, transition)
            except StateUnavailableError:
                self._failed()
            else:
                self._retry_at = 0.0
                self._pass_on_notices()
                return result
        return self._local.apply(keys, now, transition)

    def _pass_on_notices(self) -> None:
        if self._store.notices:
            self.notices.extend(self._store.notices)
            self._store.notices.clear()

    def _failed(self) -> None:
        self._retry_at = time.monotonic() + RETRY_S
        if DEGRADED not in self.notices:
            self.notices.append(DEGRADED)

    def due_keys(self, now: int) -> list[str]:
        """Return keys that are due in the store; none while it fails."""
        if self._usable():
            try:
                return self._store.due_keys(now)
            except StateUnavailableError:
                self._failed()
        return []

    def earliest_due(self) -> int:
        """Return when the store's next incident is to be resolved; NEVER while it fails."""
        if self._usable():
            try:
                return self._store.earliest_due()
            except StateUnavailableError:
                self._failed()
        return NEVER

    def after_fork(self) -> None:
        """Leave the incidents of local memory to the parent."""
        self._store.after_fork()
        self._local.after_fork()

    def close(self) -> None:
        """Let go of the store's file."""
        self._store.close()
