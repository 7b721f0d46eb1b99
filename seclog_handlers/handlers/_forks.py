"""Around a fork: no other thread is inside a handler of ours, and a child starts with counts of its own."""

from __future__ import annotations

import os
import threading
from typing import Any

from seclog_handlers.handlers.accounting import live

# How long a fork waits for a handler that another thread is using; after that it goes on without.
FORK_WAIT_S = 1.0

_held: dict[int, list[Any]] = {}


def _locks() -> list[Any]:
    """Every lock that a log call takes on its way, outermost first, as a log call takes them."""
    ours = sorted(live(), key=lambda handler: handler.fork_order)
    targets = [target for handler in ours for target in handler.chain]
    return [handler.lock for handler in dict.fromkeys([*ours, *targets]) if handler.lock is not None]


def _before() -> None:
    """Take every lock on the way, so that no other thread is inside a target's buffer while forking.

    The wait is bounded: whoever holds the logging module's lock and waits for a handler must not be waited for.
    """
    held = _held[threading.get_ident()] = []
    held.extend(lock for lock in _locks() if lock.acquire(timeout=FORK_WAIT_S))


def _after_in_parent() -> None:
    for lock in reversed(_held.pop(threading.get_ident(), [])):
        lock.release()


def _after_in_child() -> None:
    """Make the locks new; what other threads held belongs to threads that do not exist here."""
    _held.clear()
    for lock in _locks():
        lock._at_fork_reinit()  # noqa: SLF001 - what logging itself calls
    for handler in live():
        handler.forget_parent()


def install() -> None:
    """Register the hooks, once."""
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
