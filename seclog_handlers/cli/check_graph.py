"""Where the records of each logger end, and whether something protected them on the way."""

from __future__ import annotations

import logging
import logging.handlers
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seclog_handlers.filters import RedactionFilter
from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.escalation import EscalationHandler
from seclog_handlers.handlers.queued import QueueHandler
from seclog_handlers.handlers.security import SecurityHandler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Arrival:
    """A record's end: a handler that writes it or judges it.

    Attributes:
        handler: The handler at the end.
        protected: Whether a SecurityHandler that redacts, or a RedactionFilter, stands before it.
    """

    handler: logging.Handler
    protected: bool


def arrivals(logger: logging.Logger) -> list[Arrival]:
    """Return where a record of `logger` ends, once for each way that leads there."""
    return [end for handler in effective_handlers(logger) for end in ends(handler)]


def effective_handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    """Yield the handlers that Logger.callHandlers would call, in its order."""
    current: logging.Logger | None = logger
    while current is not None:
        yield from current.handlers
        current = current.parent if current.propagate else None


def ends(handler: logging.Handler, protected: bool = False, path: tuple[int, ...] = ()) -> Iterator[Arrival]:
    """Yield the handlers at which a record ends that `handler` is given."""
    if id(handler) in path or isinstance(handler, logging.NullHandler):
        return
    protected = protected or any(isinstance(stage, RedactionFilter) for stage in handler.filters)
    further = next_handlers(handler)
    if not further:
        yield Arrival(handler, protected)
    for target in further:
        yield from ends(target, protected or redacts(handler), (*path, id(handler)))


def next_handlers(handler: logging.Handler) -> Sequence[logging.Handler]:
    """Return the handlers that `handler` passes records to; none where it writes or judges them itself."""
    if isinstance(handler, (SecurityHandler, QueueHandler)):
        return handler._resolved()  # noqa: SLF001 - names are resolved nowhere else
    if isinstance(handler, EscalationHandler):
        return ()
    if isinstance(handler, logging.handlers.MemoryHandler):
        return [handler.target] if handler.target is not None else ()
    if isinstance(handler, logging.handlers.QueueHandler):
        listener = getattr(handler, "listener", None)
        return tuple(listener.handlers) if listener is not None else ()
    return ()


def redacts(handler: logging.Handler) -> bool:
    """Whether what `handler` passes on has been redacted by it."""
    return isinstance(handler, SecurityHandler) and any(
        isinstance(stage, RedactionFilter)
        for stage in handler._stages  # noqa: SLF001
    )


def writes(handler: logging.Handler) -> bool:
    """Whether the handler at a record's end writes the record; the others judge it and make alerts."""
    return not isinstance(handler, (EscalationHandler, AlertHandler))


def every_handler() -> list[logging.Handler]:
    """Return each handler that a logger leads to, on the way or at the end, once."""
    seen: dict[int, logging.Handler] = {}
    waiting = [handler for logger in loggers() for handler in logger.handlers]
    while waiting:
        handler = waiting.pop(0)
        if id(handler) not in seen:
            seen[id(handler)] = handler
            waiting += next_handlers(handler)
            if isinstance(handler, EscalationHandler):
                waiting += handler._resolved()  # noqa: SLF001 - where its alerts go
    return list(seen.values())


def loggers() -> list[logging.Logger]:
    """Return the root logger and every logger that exists, by name."""
    known = logging.root.manager.loggerDict
    named = [known[name] for name in sorted(known)]
    return [logging.root, *(logger for logger in named if isinstance(logger, logging.Logger))]


def describe(handler: logging.Handler) -> str:
    """Return the handler's name in the configuration and its class."""
    kind = type(handler)
    place = kind.__module__ if kind.__module__.partition(".")[0] != "seclog_handlers" else "seclog_handlers"
    return f"{handler.get_name() or 'unnamed'} ({place}.{kind.__qualname__})"
