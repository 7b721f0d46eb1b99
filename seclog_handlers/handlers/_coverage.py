"""Loggers that a SecurityHandler once covered and no longer does: somebody disabled them, or removed the handler."""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Any

from seclog_handlers.handlers.accounting import live

if TYPE_CHECKING:
    from collections.abc import Iterator

DISABLED, REMOVED = "disabled", "removed"

# Logger's name -> the handler that covered it; None when that handler was closed, which removes it on purpose.
_covered: dict[str, weakref.ref[Any] | None] = {}


def look() -> dict[str, list[str]]:
    """Return the loggers that were covered at an earlier look and are not now, by what happened to them.

    Each is named once, and again only after it has been covered anew.
    """
    ours = {id(handler): handler for handler in live() if not handler.judges}
    lost: dict[str, list[str]] = {}
    for name, logger in _loggers():
        handler = _covering(logger, ours)
        if handler is not None and not logger.disabled:
            _covered[name] = weakref.ref(handler)
        elif name in _covered:
            reference = _covered.pop(name)
            if logger.disabled:
                lost.setdefault(DISABLED, []).append(name)
            elif reference is not None:
                lost.setdefault(REMOVED, []).append(name)
    return lost


def closed(handler: Any) -> None:
    """Take note that a handler was closed: that loggers lose it is no surprise."""
    for name, reference in list(_covered.items()):
        if reference is not None and reference() is handler:
            _covered[name] = None


def _loggers() -> Iterator[tuple[str, logging.Logger]]:
    yield "root", logging.root
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger):
            yield name, logger


def _covering(logger: logging.Logger, ours: dict[int, Any]) -> Any:
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            if id(handler) in ours:
                return handler
        current = current.parent if current.propagate else None
    return None
