"""The part that SecurityHandler and EscalationHandler share: targets that every configuration can name."""

from __future__ import annotations

import logging
import logging.handlers
import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from seclog_handlers._config import plain
from seclog_handlers.errors import ConfigurationError, tell_stderr
from seclog_handlers.formatters import JsonFormatter
from seclog_handlers.policy import Policy

# How long a fork waits for a handler that another thread is using; after that it goes on without.
FORK_WAIT_S = 1.0

_handlers: weakref.WeakSet[TargetsHandler] = weakref.WeakSet()
_held: dict[int, list[Any]] = {}


class TargetsHandler(logging.handlers.MemoryHandler):
    """A handler that passes records to other handlers, named in an INI file or a dictConfig.

    It is a MemoryHandler since that is the only class whose `target` both kinds of configuration resolve;
    nothing is buffered. Subclasses override `_process`.

    Args:
        target: The handler that records go to; `target = NAME` in an INI, `target: NAME` in a dictConfig.
        targets: Further handlers, or their names in the same configuration.
        policy: A mapping, or the path of an INI or TOML file; None is the default policy.
        level: Records below it are left alone.

    Raises:
        ConfigurationError: If a target is unknown, targets itself, or the policy cannot be used.
    """

    fork_order = 0

    def __init__(
        self,
        target: logging.Handler | None = None,
        targets: Sequence[str | logging.Handler] = (),
        policy: Any = None,
        level: int | str = logging.NOTSET,
    ) -> None:
        owner = type(self).__name__
        # Whatever can be wrong is found before logging knows the handler and would close it at exit.
        self._policy = Policy.load(plain(policy))
        self._further = _checked_targets(owner, targets)
        self._configurator = getattr(targets, "configurator", None)
        if self._configurator is not None:
            self._check_names(targets)
        self._chain: tuple[logging.Handler, ...] | None = None
        self._closed_once = False
        super().__init__(capacity=1, target=_checked_target(owner, target))
        self.setLevel(level)
        _handlers.add(self)

    def _check_names(self, targets: Any) -> None:
        """Check the names against the dictConfig that is being loaded."""
        handlers = self._configurator.config["handlers"]
        for name in self._names():
            if name not in handlers:
                raise ConfigurationError(_unknown(type(self).__name__, name, sorted(map(str, handlers))))
        own = getattr(targets, "parent", None)
        for name in self._names():
            if _reaches(handlers, name, own):
                raise ConfigurationError(_cycle(type(self).__name__, name))

    def _names(self) -> list[str]:
        return [entry for entry in self._further if isinstance(entry, str)]

    def setTarget(self, target: logging.Handler | None) -> None:  # noqa: N802 - stdlib's name
        """Set the target; fileConfig calls this when every handler of the file exists."""
        _checked_target(type(self).__name__, target)
        with self.lock:  # type: ignore[union-attr]  # never None here
            self.target = target
            self._chain = None
            if self._configurator is None and self._names():
                self._further = [_by_name(type(self).__name__, entry) for entry in self._further]
            self._refuse_cycles()

    def _refuse_cycles(self) -> None:
        for handler in [self.target, *self._further]:
            if isinstance(handler, logging.Handler) and self in _descendants(handler):
                raise ConfigurationError(_cycle(type(self).__name__, handler.get_name() or repr(handler)))

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - stdlib's name
        """Refuse a formatter: this handler writes nothing itself."""
        if fmt is not None:
            name = type(self).__name__
            raise ConfigurationError(
                f"{name} was given the formatter {type(fmt).__name__}, but it writes nothing itself: "
                "put the formatter on its target, the handler that writes the line.",
            )

    def _resolved(self) -> tuple[logging.Handler, ...]:
        """Return the target and the further targets, held strongly from the first use on."""
        if self._chain is None:
            further = [self._found(entry) for entry in self._further]
            chain = [self.target, *further]
            self._chain = tuple(handler for handler in chain if handler is not None) or (_last_resort(self),)
            self._further = [handler for handler in further if handler is not None]
            self._configurator = None
        return self._chain

    def _found(self, entry: str | logging.Handler) -> logging.Handler | None:
        if isinstance(entry, logging.Handler):
            return entry
        if self._configurator is not None:
            found = self._configurator.config["handlers"][entry]
        else:
            found = logging._handlers.get(entry)  # type: ignore[attr-defined]  # noqa: SLF001 - public from 3.12
        if isinstance(found, logging.Handler):
            return found
        tell_stderr(
            f"{type(self).__name__}: the handler {entry!r} of 'targets' no longer exists; in an INI file give "
            "the handler a 'target = NAME' line too, so that names are resolved in time.",
        )
        return None

    def handle(self, record: logging.LogRecord) -> Any:
        """Handle the record; whatever goes wrong stays here."""
        try:
            return super().handle(record)
        except Exception:
            self.handleError(record)
            return False

    def emit(self, record: logging.LogRecord) -> None:
        """Process the record at once; nothing is buffered."""
        try:
            if self._closed_once:
                self._reopen()
            self._process(record)
        except Exception:
            self.handleError(record)

    def _process(self, record: logging.LogRecord) -> None:
        raise NotImplementedError

    def _deliver(self, record: logging.LogRecord, handlers: Sequence[logging.Handler]) -> None:
        """Hand the record to each handler whose level it reaches; one that fails stops no other."""
        level = record.levelno if type(record.levelno) is int else logging.NOTSET
        for handler in handlers:
            if level >= handler.level:
                try:
                    handler.handle(record)
                except Exception as error:
                    name = handler.get_name() or type(handler).__name__
                    tell_stderr(f"{type(self).__name__}: target {name!r} raised {type(error).__name__}")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - stdlib's name
        """Report a failure on stderr without a word of the record, which may hold secrets."""
        if logging.raiseExceptions:
            tell_stderr(f"{type(self).__name__} could not handle a record; it was withheld")

    def shouldFlush(self, record: logging.LogRecord) -> bool:  # noqa: ARG002, N802 - stdlib's signature
        """Nothing is buffered."""
        return False

    def flush(self) -> None:
        """Flush the targets."""
        for handler in self._chain or ():
            try:
                handler.flush()
            except Exception as error:
                name = handler.get_name() or type(handler).__name__
                tell_stderr(f"{type(self).__name__}: target {name!r} raised {type(error).__name__} in flush")

    def close(self) -> None:
        """Flush, and leave the shutdown list; the targets stay, and the next record opens it again.

        Frameworks close handlers at worker boot and keep using them (Django does it to gunicorn's).
        """
        self.flush()
        self._closed_once = True
        logging.Handler.close(self)

    def _reopen(self) -> None:
        self._closed_once = False
        if not any(reference() is self for reference in logging._handlerList):  # type: ignore[attr-defined]  # noqa: SLF001
            logging._addHandlerRef(self)  # type: ignore[attr-defined]  # noqa: SLF001 - drains at exit again


def _checked_target(owner: str, target: Any) -> logging.Handler | None:
    if target is None or isinstance(target, logging.Handler):
        return target
    raise ConfigurationError(
        f"{owner} was given target={target!r}: it must be a handler. In an INI file write 'target = NAME' as a "
        "line of the handler's section; in a dictConfig use 'class' instead of '()', which resolves no target.",
    )


def _checked_targets(owner: str, targets: Any) -> list[str | logging.Handler]:
    if not isinstance(targets, (list, tuple)):
        raise ConfigurationError(
            f"{owner} was given targets={targets!r}: it must be a list of handler names; "
            'with one name in an INI file write ("NAME",) with the comma.',
        )
    entries = [_entry(owner, entry) for entry in targets]
    return list(dict.fromkeys(entries))


def _entry(owner: str, entry: Any) -> str | logging.Handler:
    if isinstance(entry, logging.Handler):
        return entry
    if isinstance(entry, str) and entry.strip():
        return entry.removeprefix("cfg://handlers.").strip()
    raise ConfigurationError(f"{owner}: targets contains {entry!r}: it must hold names of handlers.")


def _by_name(owner: str, entry: str | logging.Handler) -> str | logging.Handler:
    if isinstance(entry, logging.Handler):
        return entry
    known = logging._handlers  # type: ignore[attr-defined]  # noqa: SLF001 - public from 3.12
    if entry not in known:
        raise ConfigurationError(_unknown(owner, entry, sorted(map(str, known))))
    found: logging.Handler = known[entry]
    return found


def _unknown(owner: str, name: str, known: list[str]) -> str:
    return (
        f"{owner}: targets names the handler {name!r}, which this configuration does not have; "
        f"it has {', '.join(known) or 'none'}. Add the handler or correct the name."
    )


def _cycle(owner: str, name: str) -> str:
    return f"{owner}: target {name!r} leads back to this handler; a record would never end. Remove one link."


def _reaches(handlers: Any, name: str, own: Any) -> bool:
    """Whether the handler called `name` leads to the section `own`, following raw configuration."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        name = waiting.pop()
        section = dict.get(handlers, name)
        if section is own and own is not None:
            return True
        if name in seen or not isinstance(section, dict):
            continue
        seen.add(name)
        waiting += [dict.get(section, "target"), *(dict.get(section, "targets") or ())]
        waiting = [entry for entry in waiting if isinstance(entry, str)]
    return False


def _descendants(handler: logging.Handler) -> set[logging.Handler]:
    seen: set[logging.Handler] = set()
    waiting: list[Any] = [handler]
    while waiting:
        found = waiting.pop()
        if isinstance(found, logging.Handler) and found not in seen:
            seen.add(found)
            waiting += [getattr(found, "target", None), *getattr(found, "_further", ())]
    return seen


def _last_resort(handler: logging.Handler) -> logging.Handler:
    """Where records go that were given no target: JSON lines on stderr, since a record is never lost."""
    tell_stderr(f"{type(handler).__name__} has no target; its lines go to stderr. Give it 'target = NAME'.")
    stream = logging.StreamHandler()
    stream.setFormatter(JsonFormatter())
    return stream


def _locks() -> list[Any]:
    """Every lock that a log call takes on its way, outermost first, as a log call takes them."""
    ours = sorted(_handlers, key=lambda handler: handler.fork_order)
    targets = [target for handler in ours for target in handler._chain or ()]  # noqa: SLF001 - same module
    return [handler.lock for handler in dict.fromkeys([*ours, *targets]) if handler.lock is not None]


def _before_fork() -> None:
    """Take every lock on the way, so that no other thread is inside a target's buffer while forking.

    The wait is bounded: whoever holds the logging module's lock and waits for a handler must not be waited for.
    """
    held = _held[threading.get_ident()] = []
    for lock in _locks():
        if lock.acquire(timeout=FORK_WAIT_S):
            held.append(lock)


def _after_fork_in_parent() -> None:
    for lock in reversed(_held.pop(threading.get_ident(), [])):
        lock.release()


def _after_fork_in_child() -> None:
    """Make the locks new; what other threads held belongs to threads that do not exist here."""
    _held.clear()
    for lock in _locks():
        lock._at_fork_reinit()  # noqa: SLF001 - what logging itself calls


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
