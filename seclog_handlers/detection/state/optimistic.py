"""Shared stores that are never held: read, count, write if nobody else wrote meanwhile, else do it again."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.state.entry import Entry, Found, Result, State, StateBusyError, Transition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# How long one event waits for other processes' turns; then it waits for the next event, in the local backlog.
BUSY_WAIT_S = 0.002

# What stands for an entry that is gone, until it is tidied away.
GONE = "[]"

Bodies = dict[str, str]


class Optimistic:
    """The part that shared stores have in common. Subclasses read and write entries as texts."""

    shared = True
    backup: State | None = None

    def __init__(self) -> None:
        # Whether nothing is worth waiting for other processes: it will be tried again at once.
        self.hurries = False
        self.notices: list[str] = []
        self.next_due = 0  # unknown: another process may have left incidents

    def apply(self, keys: Sequence[str], now: int, transition: Transition[Result]) -> Result:
        """Run `transition` on the entries of `keys` and store what it leaves, if they are still the same."""
        wanted = list(dict.fromkeys(keys))
        deadline = time.monotonic() + self._patience()
        while True:
            before = self._read(wanted)
            found = unpacked(before)
            result = transition(found)
            if self._write(wanted, before, found, now, deadline):
                return result
            if time.monotonic() >= deadline:
                raise StateBusyError("other processes are faster")

    def _patience(self) -> float:
        """Return how many seconds this event may wait for other processes."""
        return 0.0 if self.hurries else BUSY_WAIT_S

    def _read(self, keys: Sequence[str]) -> Bodies:
        """Return the texts of those that exist."""
        raise NotImplementedError

    def _write(self, keys: Sequence[str], before: Bodies, found: Found, now: int, deadline: float) -> bool:
        """Store entries if every text is still what it was before; False, and nothing done, if not."""
        raise NotImplementedError

    def flush(self, seconds: float = 0.0) -> list[Any]:  # noqa: ARG002 - one signature
        """Nothing waits here."""
        return []


def unpacked(bodies: Mapping[str, str]) -> Found:
    """Return the entries of texts; one that somebody else wrote counts as none."""
    return {key: entry for key, body in bodies.items() if (entry := _entry(body)) is not None}


def _entry(body: str) -> Entry | None:
    if body == GONE:
        return None
    try:
        return Entry.unpack(json.loads(body))
    except (ValueError, TypeError):
        return None


def changed(before: Bodies, found: Found) -> Iterable[tuple[str, str, Entry]]:
    """Return key, new text and entry of what has changed."""
    for key, entry in found.items():
        kept = entry.weight or entry.incidents
        body = json.dumps(entry.pack(), separators=(",", ":")) if kept else GONE
        if before.get(key, GONE) != body:
            yield key, body, entry
