"""QueueHandler: a log call costs a put; a thread hands the records to the targets."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any, ClassVar

from seclog_handlers import _config
from seclog_handlers._record import private_copy
from seclog_handlers.access.log import task_name
from seclog_handlers.context.current import apply, current
from seclog_handlers.handlers import _coverage
from seclog_handlers.handlers._targets import MAX_ROUNDS, RECURSION, TargetsHandler

CAPACITY = 10_000
# The thread lets records gather, so that it does not compete for the interpreter with every single log call.
GATHER_S = 0.02
# After so many times without a record it waits to be woken.
IDLE_ROUNDS = 10

# From 3.12 on a record says itself which task logged it.
_NAMES_TASKS = sys.version_info >= (3, 12)


class QueueHandler(TargetsHandler):
    """Take records from log calls at once, and hand them to the targets in a thread of its own.

    It stands in front of a SecurityHandler where a log call must cost nothing but a put. Unlike the stdlib's
    QueueHandler it needs no listener, formats nothing, works from an INI file, in forked workers and in spawned
    ones, and loses nothing at exit: what waits is handed on by `flush`, `close` and `logging.shutdown`. When
    `capacity` records wait, the log call itself hands on the oldest, so that order, records and memory are kept.

    What is lost is what waits when the process is killed: usually the last 20 ms. Objects that the application
    passes to a log call and changes right after may be logged as they are then.

    Args:
        target: The handler that records go to.
        targets: Further handlers, or their names in the same configuration.
        capacity: How many records may wait.
        level: Records below it are left alone.

    Raises:
        ConfigurationError: If a target is unknown, targets itself, or the capacity is less than 1.
    """

    fork_order = -1
    judges: ClassVar[bool] = False

    def __init__(
        self,
        target: logging.Handler | None = None,
        targets: Sequence[str | logging.Handler] = (),
        capacity: int | str = CAPACITY,
        level: int | str = logging.NOTSET,
    ) -> None:
        self._most = int(_config.as_number("capacity", capacity, minimum=1))
        super().__init__(target, targets, None, level)

    def _start_counting(self) -> None:
        super()._start_counting()
        self._waiting: deque[Any] = deque()
        self._work = threading.RLock()
        self._worker: int | None = None  # the thread that hands records on now
        self._round = 0  # how many handings-on led to the record that is handed on now
        self._asleep = [True]  # holds something while the thread waits for its bell: whoever takes it rings
        self._bell: SimpleQueue[bool] | None = None
        self._pid = 0

    def handle(self, record: logging.LogRecord) -> Any:
        """Take the record, without the handler's lock: to append to a queue needs none."""
        try:
            if self.filters:
                taken = self.filter(record)
                if not taken:
                    return taken
                record = taken if isinstance(taken, logging.LogRecord) else record
            self.emit(record)
            return True
        except Exception:
            self.handleError(record)
            return False

    def emit(self, record: logging.LogRecord) -> None:
        """Let the record wait for the thread."""
        if current() is not None or (not _NAMES_TASKS and "asyncio" in sys.modules):
            record = _bound(record)
        if self._worker is None or self._worker != threading.get_ident():
            self._waiting.append(record)
        elif self._round < MAX_ROUNDS:  # logged by a target while it wrote
            self._waiting.append((self._round + 1, record))
        else:
            self._dropped.add(RECURSION)
        if self._asleep:
            self._wake()
        if len(self._waiting) > self._most:
            self._hand_on(1)

    def _wake(self) -> None:
        try:
            self._asleep.pop()
        except IndexError:  # another thread was faster
            return
        if self._closed_once:
            self._reopen()
        try:
            if self._bell is None or self._pid != os.getpid():
                self._bell, self._pid = SimpleQueue(), os.getpid()
                threading.Thread(target=self._run, args=(self._bell,), name="seclog-queue", daemon=True).start()
            self._bell.put(True)
        except RuntimeError:  # the interpreter ends and starts no thread
            self._bell = None
            self._asleep.append(True)
            self._hand_on()

    def _run(self, bell: SimpleQueue[bool]) -> None:
        while bell.get():
            idle = 0
            while idle < IDLE_ROUNDS and bell is self._bell:
                time.sleep(GATHER_S)
                idle = 0 if self._hand_on() else idle + 1
            if bell is not self._bell:
                return
            self._asleep.append(True)
            if self._waiting:  # came while it lay down
                self._wake()

    def _hand_on(self, number: int = sys.maxsize) -> int:
        """Hand the oldest records to the targets, in this thread; return how many there were."""
        done = 0
        with self._work:
            if self._worker is not None:  # a target that flushes while it writes
                return 0
            self._worker = threading.get_ident()
            try:
                while done < number and self._waiting:
                    self._process(self._waiting.popleft())
                    done += 1
            finally:
                self._worker, self._round = None, 0
        return done

    def _process(self, record: Any) -> None:
        self._round, record = record if type(record) is tuple else (0, record)
        self._calls += 1
        try:
            self._deliver(record, self._resolved())
        except Exception:
            self.handleError(record)

    def report(self) -> dict[str, Any]:
        """Return what became of this process's records; see `seclog_handlers.stats`."""
        waiting = len(self._waiting)
        found = super().report()
        return {**found, "calls": found["calls"] + waiting + found["dropped"].get(RECURSION, 0), "pending": waiting}

    def flush(self) -> None:
        """Hand on what waits, and flush the targets."""
        self._hand_on()
        super().flush()

    def close(self) -> None:
        """Hand on what waits and end the thread; the next record starts it again."""
        bell, self._bell = self._bell, None
        if bell is not None:
            bell.put(False)
        if not self._asleep:
            self._asleep.append(True)
        _coverage.closed(self)
        super().close()


def _bound(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy that says which request and task it is of, since the thread is of none."""
    copy = private_copy(record)
    apply(copy)
    if not _NAMES_TASKS:
        name = task_name()
        if name is not None:
            copy.__dict__.setdefault("taskName", name)
    return copy
