"""What the handlers of a loaded configuration lack: keys, shared state, places to write."""

from __future__ import annotations

import logging
import logging.handlers
import os
from pathlib import Path
from typing import TYPE_CHECKING

from seclog_handlers.cli.check_findings import ADVICE, FINDING, Finding, found
from seclog_handlers.cli.check_graph import describe, every_handler, next_handlers, writes
from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.escalation import EscalationHandler
from seclog_handlers.handlers.security import SecurityHandler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MEMORY = "memory"


def findings(server: str | None) -> list[Finding]:
    """Return what the handlers lack.

    Args:
        server: The server that will run them; 'plain' is one process, None is unknown.
    """
    handlers = every_handler()
    every = [*_unused(handlers), *_without_alerts(handlers), *_reticent(handlers)]
    for handler in handlers:
        every += _of(handler, server)
    return every


def ignored_targets(named: Iterable[str]) -> Iterator[Finding]:
    """Yield the handlers of an INI file, of those that have a `target` line, which have no target.

    Args:
        named: Their names.
    """
    for name in named:
        handler = _named().get(name)
        if handler is not None and not isinstance(handler, logging.handlers.MemoryHandler):
            yield found("ini-target-ignored", f"handler {describe(handler)}", "It has a 'target' line.")


def _named() -> Mapping[str, logging.Handler]:
    """Return the handlers that a configuration has made and that still exist, by name."""
    known: Mapping[str, logging.Handler] = logging._handlers  # type: ignore[attr-defined]  # noqa: SLF001 - 3.12
    return known


def _unused(used: Iterable[logging.Handler]) -> Iterator[Finding]:
    reached = {id(handler) for handler in used}
    for handler in list(_named().values()):
        ours = isinstance(handler, (SecurityHandler, EscalationHandler, AlertHandler))
        if ours and id(handler) not in reached:
            yield found("handler-unused", f"handler {describe(handler)}", "Nothing leads to it.")


def _without_alerts(handlers: Iterable[logging.Handler]) -> Iterator[Finding]:
    makers = [handler for handler in handlers if isinstance(handler, EscalationHandler)]
    told = {id(target) for maker in makers for target in maker._resolved()}  # noqa: SLF001 - where its alerts go
    for handler in handlers:
        if isinstance(handler, AlertHandler) and id(handler) not in told:
            yield found("no-alerts-arrive", f"handler {describe(handler)}", "No EscalationHandler leads to it.")


def _reticent(handlers: Iterable[logging.Handler]) -> Iterator[Finding]:
    targets = [end for handler in handlers if isinstance(handler, SecurityHandler) for end in next_handlers(handler)]
    for handler in {id(target): target for target in targets}.values():
        if writes(handler) and handler.level > logging.INFO:
            what = f"Its level is {logging.getLevelName(handler.level)}."
            yield found("level-hides-lines", f"handler {describe(handler)}", what)


def _of(handler: logging.Handler, server: str | None) -> Iterator[Finding]:
    where = f"handler {describe(handler)}"
    if isinstance(handler, SecurityHandler):
        yield from _policy(where, handler)
    elif isinstance(handler, EscalationHandler):
        yield from _state(where, state_of(handler), server)
    elif isinstance(handler, AlertHandler):
        yield from _spool(where, handler)
    elif isinstance(handler, logging.FileHandler):
        yield from _file(where, handler, server)
    elif isinstance(handler, logging.handlers.QueueHandler):
        yield from _queue(where, handler)


def _policy(where: str, handler: SecurityHandler) -> Iterator[Finding]:
    policy = handler._policy  # noqa: SLF001 - the policy is nobody else's business
    if handler.level > logging.INFO:
        yield found("level-hides-events", where, f"Its level is {logging.getLevelName(handler.level)}.")
    if policy.mode != "full":
        yield found("mode-not-full", where, f"Its mode is {policy.mode!r}.")
    if policy.mode != "off" and policy.pseudonymizer.ephemeral:
        yield found("no-pseudonym-key", where, "Its policy has no pseudonyms.keys.")


def state_of(handler: EscalationHandler) -> str:
    """Return where a handler keeps its counts: the path of its file, or MEMORY."""
    state = handler._detector._state  # noqa: SLF001 - nobody else needs to know
    return str(getattr(getattr(state, "_store", state), "_path", MEMORY))


def _state(where: str, state: str, server: str | None) -> Iterator[Finding]:
    if state != MEMORY:
        yield from _writable(where, "state", Path(state))
    elif server != "plain":
        kind = FINDING if server else ADVICE
        workers = f"{server} runs" if server else "there may be"
        yield found("memory-state", where, f"Its state is memory, and {workers} several workers.", kind=kind)


def _spool(where: str, handler: AlertHandler) -> Iterator[Finding]:
    folder = handler._root  # noqa: SLF001
    if folder is not None:
        yield from _folder(where, "spool", Path(folder))


def _file(where: str, handler: logging.FileHandler, server: str | None) -> Iterator[Finding]:
    if isinstance(handler, logging.handlers.BaseRotatingHandler) and server != "plain":
        kind = FINDING if server else ADVICE
        yield found("rotating-file-shared", where, "Every worker process rotates the same file.", kind=kind)
    yield from _writable(where, "file", Path(handler.baseFilename))


def _queue(where: str, handler: logging.handlers.QueueHandler) -> Iterator[Finding]:
    listener = getattr(handler, "listener", None)
    if listener is None or getattr(listener, "_thread", None) is None:
        what = "It has no listener." if listener is None else "Nobody has started its listener."
        yield found("queue-listener-not-started", where, what)


def _writable(where: str, what: str, path: Path) -> Iterator[Finding]:
    """Check a file that may have to be created: its folder must exist."""
    absolute = path.absolute()
    if not absolute.parent.is_dir():
        yield found("path-not-writable", where, f"The folder of its {what} {str(path)!r} does not exist.")
    elif not os.access(absolute if absolute.exists() else absolute.parent, os.W_OK):
        yield found("path-not-writable", where, f"This user may not write its {what} {str(path)!r}.")


def _folder(where: str, what: str, path: Path) -> Iterator[Finding]:
    """Check a folder that is created when it is missing."""
    existing = path.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield found("path-not-writable", where, f"This user cannot write to its {what} {str(path)!r}.")
