"""What became of every record that was handed to a target: calls = written + pending + dropped by reason."""

from __future__ import annotations

import errno
import logging
import logging.handlers
import weakref
from typing import TYPE_CHECKING, Any

from seclog_handlers._record import mark_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from seclog_handlers.handlers._targets import TargetsHandler

# Reasons are type names of exceptions; whoever invents new ones for every record fills no memory.
MAX_REASONS = 20
OTHER = "other"
# Dropped as the configuration wants it: counted, but no loss.
LEVEL, FILTER, SAMPLED = "level", "filter", "sampled"
WANTED = frozenset({LEVEL, FILTER, SAMPLED})
# A SocketHandler without a connection drops in silence.
UNSENT = "not_connected"
# A FileHandler in mode `w` that was closed, at exit or by a framework, drops in silence.
CLOSED = "closed"

_live: weakref.WeakSet[TargetsHandler] = weakref.WeakSet()


def register(handler: TargetsHandler) -> None:
    """Let a handler's counts be part of `stats()`."""
    _live.add(handler)


def live() -> list[TargetsHandler]:
    """Return the handlers with targets of this process."""
    try:
        return list(_live)
    except RuntimeError:  # another thread made one meanwhile
        return live()


def reason_of(error: BaseException | None) -> str:
    """Return the name under which a failure is counted: ENOSPC and its like, else the exception's type."""
    number = error.errno if isinstance(error, OSError) else None
    return type(error).__name__ if number is None else errno.errorcode.get(number, type(error).__name__)


class Losses:
    """How many records this process has lost or withheld; whoever has told of them remembers the number."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


losses = Losses()


class Drops(dict[str, int]):
    """Reason -> number of records."""

    def add(self, reason: str, number: int = 1) -> None:
        """Count records that were not written."""
        if reason not in self:
            if len(self) >= MAX_REASONS:
                reason = OTHER
            self.setdefault(reason, 0)
        self[reason] += number
        if reason not in WANTED:
            losses.count += number

    @property
    def unwanted(self) -> int:
        """How many of them are losses."""
        return sum(number for reason, number in self.items() if reason not in WANTED)


class Account:
    """The records that one handler has handed to one of its targets.

    Attributes:
        target: The target.
        calls: Records handed to it, those of the pack itself (alerts, heartbeats, summaries) included.
        below: Of these, the ones that its level left out.
        dropped: The other ones that it did not take, by reason.
        current: The record that it is writing; None when it said that it failed.
        silent_until: When it may be said again, by the monotonic clock, that the target raises.
        special: Whether there is something to settle after a call.
    """

    __slots__ = (
        "__weakref__", "_connects", "_ends", "_held", "_taken", "below", "calls", "current", "dropped", "silent_until",
        "special", "target",
    )  # fmt: skip

    def __init__(self, target: logging.Handler) -> None:
        self.target = target
        self.current: logging.LogRecord | None = None
        self.silent_until = 0.0
        self._connects = isinstance(target, logging.handlers.SocketHandler)
        self._ends = isinstance(target, logging.FileHandler) and target.mode == "w"
        self.reset()

    def reset(self) -> None:
        """Start from nothing, as a forked child does."""
        self.calls = self.below = self._held = 0
        self.dropped = Drops()
        self._taken: int | None = None
        self.special = self._connects or self._ends

    def fail(self, error: BaseException | None) -> None:
        """Count a record that the target could not write.

        A file's buffer may have taken the line all the same: then it is pending, and written with the next one
        that succeeds.
        """
        self.current = None
        before, self._taken = self._taken, _taken(self.target, self._taken)
        if self._taken is not None and (before is None or self._taken > before):
            self._held += 1
            self.special = True
        else:
            self.dropped.add(reason_of(error))

    def drop(self, reason: str) -> None:
        """Count a record that the target did not take."""
        self.dropped.add(reason)

    def settle(self) -> None:
        """See what a call that did not fail has changed."""
        if self._connects and getattr(self.target, "sock", self) is None:
            self.dropped.add(UNSENT)
        elif self._ends and getattr(self.target, "stream", self) is None:
            self.dropped.add(CLOSED)
        if self._held:  # its stream has been flushed
            self._held, self._taken = 0, None
            self.special = self._connects or self._ends

    @property
    def pending(self) -> int:
        """Records that wait in the target: in the buffer of its file, in its queue, in its memory."""
        return self._held + _waiting(self.target)

    def report(self) -> dict[str, Any]:
        """Return {"calls", "written", "pending", "dropped": {reason: number}}."""
        dropped = {**({LEVEL: self.below} if self.below else {}), **self.dropped}
        taken = self.calls - sum(dropped.values())
        pending = min(self.pending, taken)  # what waits besides is a parent's, or another handler's: they came first
        written = taken - pending
        return {"calls": self.calls, "written": written, "pending": pending, "dropped": dropped}


def _taken(target: logging.Handler, before: int | None) -> int | None:
    """Return how many bytes the target's file and its buffer have taken, None without a line in the buffer."""
    try:
        buffer = target.stream.buffer  # type: ignore[attr-defined]
        position: int = buffer.tell()
        return None if before is None and position == buffer.raw.tell() else position
    except Exception:  # no file, or a closed one
        return None


def _waiting(target: logging.Handler) -> int:
    """Return how many of our records a buffering handler holds."""
    try:
        if isinstance(target, logging.handlers.QueueHandler):
            queue: Any = target.queue
            entries = getattr(queue, "queue", None)
            return int(queue.qsize()) if entries is None else _ours(entries)
        if isinstance(target, logging.handlers.BufferingHandler):
            return _ours(target.buffer)
    except Exception:
        pass  # a queue that does not tell
    return 0


def _ours(entries: Any) -> int:
    return sum(isinstance(entry, logging.LogRecord) and mark_of(entry) is not None for entry in list(entries))


def named(handlers: list[Any], name: Callable[[Any], str]) -> dict[str, Any]:
    """Return the handlers by name; a name that is taken gets a number."""
    found: dict[str, Any] = {}
    for handler in handlers:
        own, number = name(handler), 1
        key = own
        while key in found:
            number += 1
            key = f"{own}#{number}"
        found[key] = handler
    return found


def name_of(handler: logging.Handler) -> str:
    """Return a handler's name in the configuration, or its class."""
    return str(handler.get_name() or type(handler).__name__)


def stats() -> dict[str, Any]:
    """Return what became of the records of this process, per handler and target.

    Returns:
        handler name -> {"calls": records it was given, "pending": how many of them wait for it, "dropped": {reason:
        number} before they reached a target, "withheld": how many were written without their text, or a part of it,
        since redaction failed or had too much to do, "targets": {name: {"calls", "written", "pending", "dropped":
        {reason: number}}}}.
        For each target calls = written + pending + the sum of dropped. Reasons are `level` and `filter` (the target
        does not want it), names of system errors (`ENOSPC`), types of exceptions, `not_connected`, `closed`.
        Handlers without a name go by their class; where several have one name, the newest has it alone and the
        others have a number. A forked process counts from nothing.
    """
    handlers = sorted(live(), key=lambda handler: handler.serial, reverse=True)  # a reload's new one has the name
    return {key: handler.report() for key, handler in named(handlers, name_of).items()}
