"""Ending a command on SIGINT or SIGTERM, at whatever moment one comes.

Python notes a signal and raises later, between two instructions: one that comes just before a call that blocks
waits for the call to end, and an exception that is raised inside a hook (`os.register_at_fork`, a weak
reference's callback, `__del__`) is printed and lost. Hence the tick, which interrupts what blocks, and in the end
raises again.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

TICK = 0.5  # seconds
# Counted, not timed: a process that gets no time to clean up gets no ticks either.
TICKS_BEFORE_AGAIN = 8
_ENDING = (signal.SIGINT, signal.SIGTERM)
_HELD = (*_ENDING, signal.SIGALRM)


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGINT and SystemExit for SIGTERM until what runs inside has ended.

    A signal that is ignored when the command starts, as SIGINT is in a background job, stays ignored.
    """
    received = ticks = 0

    def stop(number: int, _: object) -> None:
        nonlocal received
        if not received:
            received = number
            _leave(number)

    def tick(*_: object) -> None:
        nonlocal ticks
        ticks += bool(received)
        if ticks == TICKS_BEFORE_AGAIN:
            ticks = 0
            _leave(received)

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    before = {number: _taken(number, stop) for number in _ENDING}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _taken(number: int, handler: signal._HANDLER) -> signal._HANDLER:
    before = signal.getsignal(number)
    return before if before is signal.SIG_IGN else signal.signal(number, handler)


def _leave(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


@contextmanager
def held() -> Iterator[None]:
    """Let these signals wait for the end of what must be done as a whole."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def let_in() -> Iterator[None]:
    """Let signals in, where they are `held`."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def die_quietly() -> None:
    """Let SIGTERM end this forked process at once and Ctrl-C be its parent's business; undoes an inherited `held`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
