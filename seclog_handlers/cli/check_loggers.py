"""What a loaded configuration does to the records of each logger."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from seclog_handlers.cli.check_findings import Finding, found
from seclog_handlers.cli.check_graph import Arrival, arrivals, describe, loggers, writes
from seclog_handlers.cli.check_handlers import MEMORY, state_of
from seclog_handlers.handlers.escalation import EscalationHandler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NAMES_SHOWN = 4
# What each server logs to; checked as well when no file names it.
SERVER_LOGGERS: dict[str, tuple[str, ...]] = {
    "gunicorn": ("gunicorn.access", "gunicorn.error"),
    "uvicorn": ("uvicorn", "uvicorn.access", "uvicorn.error"),
    "django": ("django", "django.request", "django.security", "django.server"),
    "plain": (),
}
_MAIL = (
    "It mails the settings, the traceback with its local variables and the request, whose query string, form "
    "and cookies are the visitor's"
)


def findings(server: str | None, ignored: frozenset[str]) -> list[Finding]:
    """Return what happens to records between their logger and their end.

    Args:
        server: The server's logging set-up that the configuration was loaded into, or None.
        ignored: Names of loggers that existed before anything of the user's ran.
    """
    named = set(SERVER_LOGGERS.get(server or "plain", ()))
    watched = [logger for logger in loggers() if logger.name in named or logger.name not in ignored]
    ends = {logger.name: arrivals(logger) for logger in watched}
    if not any(end.protected for arrived in ends.values() for end in arrived):
        covered: list[Finding] = [found("no-security-handler", "the configuration", "It has no SecurityHandler.")]
    else:
        covered = [*_uncovered(watched, ends), *_doubled(watched, ends), *_deaf(watched, ends, named)]
    return [*covered, *_raw(watched, ends), *_disabled(watched), *_filtered(watched)]


def raw_handlers(ends: dict[str, list[Arrival]]) -> dict[int, tuple[logging.Handler, list[str]]]:
    """Return each handler that writes records nobody redacted, with the loggers whose records they are."""
    raw: dict[int, tuple[logging.Handler, list[str]]] = {}
    for name, arrived in ends.items():
        for end in arrived:
            if not end.protected and writes(end.handler):
                names = raw.setdefault(id(end.handler), (end.handler, []))[1]
                if name not in names:
                    names.append(name)
    return raw


def _raw(watched: Iterable[logging.Logger], ends: dict[str, list[Arrival]]) -> Iterator[Finding]:
    enabled = {logger.name for logger in watched if not logger.disabled}
    for handler, names in raw_handlers({name: ends[name] for name in ends if name in enabled}).values():
        what = f"It receives the records of {shown(names)} as they were logged."
        if type(handler).__name__ == "AdminEmailHandler":
            what = f"{what} {_MAIL}."
        yield found("raw-records", f"handler {describe(handler)}", what)


def _uncovered(watched: Iterable[logging.Logger], ends: dict[str, list[Arrival]]) -> Iterator[Finding]:
    missing = {logger.name for logger in watched if not any(end.protected for end in ends[logger.name])}
    for logger in watched:
        # A child of a logger that is missing already is the same finding.
        if logger.name in missing and not (_above(logger) in missing and logger.propagate):
            reason = "has no handler" if not ends[logger.name] else "reaches no SecurityHandler"
            extra = "" if logger.propagate or logger is logging.root else " and does not propagate"
            yield found("logger-not-covered", f"logger {logger.name}", f"It {reason}{extra}.")


def _above(logger: logging.Logger) -> str:
    return logger.parent.name if logger.parent is not None else ""


def _doubled(watched: Iterable[logging.Logger], ends: dict[str, list[Arrival]]) -> Iterator[Finding]:
    doubled: set[str] = set()
    for logger in watched:
        # An EscalationHandler judges what nothing protected as well.
        counted = [end for end in ends[logger.name] if end.protected or not writes(end.handler)]
        counts = Counter(_identity(end.handler) for end in counted)
        again = [end.handler for end in ends[logger.name] if counts[_identity(end.handler)] > 1]
        if not again:
            continue
        doubled.add(logger.name)
        if _above(logger) not in doubled or logger.handlers:
            times = max(counts.values())
            yield found(
                "double-counting",
                f"logger {logger.name}",
                f"Its records reach {describe(again[0])} {times} times, on more than one way.",
            )


def _identity(handler: logging.Handler) -> Any:
    """Two handlers that keep their counts in one place are one."""
    state = state_of(handler) if isinstance(handler, EscalationHandler) else MEMORY
    return id(handler) if state == MEMORY else state


def _deaf(
    watched: Iterable[logging.Logger], ends: dict[str, list[Arrival]], named: set[str],
) -> Iterator[Finding]:  # fmt: skip
    for logger in watched:
        relevant = logger is logging.root or logger.name in named or bool(logger.handlers)
        if relevant and logger.getEffectiveLevel() > logging.INFO and ends[logger.name]:
            level = logging.getLevelName(logger.getEffectiveLevel())
            yield found("level-hides-events", f"logger {logger.name}", f"Its level is {level}.")


def _disabled(watched: Iterable[logging.Logger]) -> Iterator[Finding]:
    names = [logger.name for logger in watched if logger.disabled]
    if names:
        yield found("logger-disabled", f"logger {shown(names)}", "Disabled when the configuration had been loaded.")
    level = logging.root.manager.disable
    if level:
        yield found("logging-disabled", "logging.disable", f"Called with {logging.getLevelName(level)}.")


def _filtered(watched: Iterable[logging.Logger]) -> Iterator[Finding]:
    for logger in watched:
        for each in logger.filters:
            kind = getattr(type(each), "__qualname__", "a function")
            yield found("filter-on-logger", f"logger {logger.name}", f"It has the filter {kind}.")


def shown(names: Iterable[str]) -> str:
    """Return a few of the names, and how many more there are."""
    every = list(names)
    rest = len(every) - NAMES_SHOWN
    return ", ".join(every[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
