"""A thread that comes back to a handler when no record does."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable


class Ticker:
    """Takes a step from time to time with a handler's lock held; each process has its own, from its first use on.

    Args:
        handler: Whose lock is held.
        name: Of the thread.
        step: Returns the seconds until the next step, or None if there is to be none.
        first: Seconds until the first step.

    Attributes:
        running: Whether the thread runs, in the process that started it.
    """

    def __init__(
        self, handler: logging.Handler, name: str, step: Callable[[], float | None], first: float = 0.0
    ) -> None:
        self._handler = handler
        self._step = step
        self._pid = os.getpid()
        self._done = threading.Event()
        self.running = True
        try:
            threading.Thread(target=self._run, args=(first,), name=name, daemon=True).start()
        except RuntimeError:  # the interpreter ends: what is due is left to whoever comes next
            self.stop()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs, in this process."""
        return self._pid == os.getpid() and not self._done.is_set()

    def stop(self) -> None:
        """End the thread; it is not waited for, since it may be waiting for the handler's lock."""
        self.running = False
        self._done.set()

    def _run(self, wait: float) -> None:
        while not self._done.wait(wait):
            self._handler.acquire()
            try:
                left = None if self._done.is_set() else self._step()
                if left is None:
                    self.stop()
                    return
            finally:
                self._handler.release()
            wait = left
