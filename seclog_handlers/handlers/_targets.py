"""The part that SecurityHandler and EscalationHandler share: targets that every configuration can name."""

from __future__ import annotations

import itertools
import logging
import logging.handlers
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from seclog_handlers._config import plain
from seclog_handlers.errors import ConfigurationError, tell_stderr
from seclog_handlers.formatters import JsonFormatter
from seclog_handlers.handlers import _failures, _forks, _naming, accounting
from seclog_handlers.handlers.accounting import FILTER, Account, Drops, name_of, named, reason_of
from seclog_handlers.policy import Policy

# Records that a record's own handling logs (a signal handler, a finalizer, a target's library) wait until it is
# done. What those cause waits again, this many times: a target that logs whenever it writes would never end.
MAX_ROUNDS = 8
MAX_DEFERRED = 10_000
# A handler that fails for every record says so once in this time; all are counted.
SAY_EVERY_S = 60.0
RECURSION = "recursion"

_serial = itertools.count()


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
    # Whether it only judges what it is given: then it needs nothing while nothing is to be judged.
    judges: ClassVar[bool] = True

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
        self._mode = self._policy.mode
        number = _naming.checked_level(owner, level)
        self._further = _naming.checked_targets(owner, targets)
        self._configurator: Any = getattr(targets, "configurator", None)
        if self._configurator is not None:
            self._check_names(targets)
        self._chain: tuple[logging.Handler, ...] | None = None
        self._closed_once = False
        self._silent_until = 0.0
        self.serial = next(_serial)
        self._accounts: dict[int, Account] = {}
        self._start_counting()
        # Called with each alert record, by those that judge.
        self.listeners: list[Callable[[logging.LogRecord], None]] = []
        super().__init__(capacity=1, target=_naming.checked_target(owner, target))
        self.setLevel(number)
        accounting.register(self)

    def _start_counting(self) -> None:
        self._calls = self._withheld = 0
        self._dropped = Drops()
        self._busy = False
        self._deferred: deque[logging.LogRecord] = deque()

    def _check_names(self, targets: Any) -> None:
        """Check the names against the dictConfig that is being loaded."""
        handlers = self._configurator.config["handlers"]
        for name in self._names():
            if name not in handlers:
                known = sorted(map(str, handlers))
                raise ConfigurationError(_naming.unknown(type(self).__name__, name, known))
        own = getattr(targets, "parent", None)
        for name in self._names():
            if _naming.reaches(handlers, name, own):
                raise ConfigurationError(_naming.cycle(type(self).__name__, name))

    def _names(self) -> list[str]:
        return [entry for entry in self._further if isinstance(entry, str)]

    def setTarget(self, target: logging.Handler | None) -> None:  # noqa: N802 - stdlib's name
        """Set the target; fileConfig calls this when every handler of the file exists."""
        _naming.checked_target(type(self).__name__, target)
        with self.lock:  # type: ignore[union-attr]  # never None here
            self._release_targets()
            self.target = target
            self._chain = None
            if self._configurator is None and self._names():
                self._further = [_naming.by_name(type(self).__name__, entry) for entry in self._further]
            self._refuse_cycles()

    def _refuse_cycles(self) -> None:
        for handler in [self.target, *self._further]:
            if isinstance(handler, logging.Handler) and self in _naming.descendants(handler):
                name = handler.get_name() or repr(handler)
                raise ConfigurationError(_naming.cycle(type(self).__name__, name))

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - stdlib's name
        """Refuse a formatter: this handler writes nothing itself."""
        if fmt is not None:
            name = type(self).__name__
            raise ConfigurationError(
                f"{name} was given the formatter {type(fmt).__name__}, but it writes nothing itself: "
                "put the formatter on its target, the handler that writes the line.",
            )

    @property
    def chain(self) -> tuple[logging.Handler, ...]:
        """The target and the further targets, as far as they have been used."""
        return self._chain or ()

    def _resolved(self) -> tuple[logging.Handler, ...]:
        """Return the target and the further targets, held strongly from the first use on."""
        if self._chain is None:
            further = [self._found(entry) for entry in self._further]
            chain = [self.target, *further]
            self._chain = tuple(handler for handler in chain if handler is not None) or (_last_resort(self),)
            self._further = [handler for handler in further if handler is not None]
            self._configurator = None
            self._watch_targets()
        return self._chain

    def _watch_targets(self) -> None:
        for handler in self.chain:
            account = self._accounts.get(id(handler))
            if account is None:
                account = self._accounts[id(handler)] = Account(handler)
            _failures.watch(handler, account)

    def _release_targets(self) -> None:
        for account in self._accounts.values():
            _failures.release(account.target, account)

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
        if self.filters or self._closed_once or self._busy:
            return self._handle_with_care(record)
        with self.lock:  # type: ignore[union-attr]  # never None here
            if self._busy:
                self.emit(record)
                return True
            # What `emit` does, without a call: every record comes this way.
            self._calls += 1
            self._busy = True
            try:
                self._process(record)
            except Exception:
                self.handleError(record)
            finally:
                self._busy = False
            if self._deferred:
                self._catch_up()
        return True

    def _handle_with_care(self, record: logging.LogRecord) -> Any:
        try:
            return super().handle(record)
        except Exception:
            self.handleError(record)
            return False

    def emit(self, record: logging.LogRecord) -> None:
        """Process the record at once; one that comes from within the processing of another, right after it."""
        self._calls += 1
        if self._busy:
            self._defer(record)
            return
        self._busy = True
        try:
            if self._closed_once:
                self._reopen()
            self._process(record)
        except Exception:
            self.handleError(record)
        finally:
            self._busy = False
        if self._deferred:
            self._catch_up()

    def _process(self, record: logging.LogRecord) -> None:
        raise NotImplementedError

    def _defer(self, record: logging.LogRecord) -> None:
        if len(self._deferred) < MAX_DEFERRED:
            self._deferred.append(record)
        else:
            self._dropped.add(RECURSION)

    def _catch_up(self) -> None:
        """Process the records that were logged while another one was processed."""
        for _ in range(MAX_ROUNDS):
            for _ in range(len(self._deferred)):
                self._alone(self._process, self._deferred.popleft())
            if not self._deferred:
                return
        self._dropped.add(RECURSION, len(self._deferred))
        self._deferred.clear()

    def _alone(self, step: Callable[[Any], None], record: Any) -> None:
        """Take one step, with the handler's lock held, that no log call of its own interrupts."""
        before, self._busy = self._busy, True
        try:
            step(record)
        except Exception:
            self.handleError(record)
        finally:
            self._busy = before

    def _deliver(self, record: logging.LogRecord, handlers: Sequence[logging.Handler]) -> None:
        """Hand the record to each handler whose level it reaches; one that fails stops no other."""
        level = record.levelno if type(record.levelno) is int else logging.NOTSET
        accounts = self._accounts
        for handler in handlers:
            account = accounts[id(handler)]
            account.calls += 1
            if level < handler.level:
                account.below += 1
                continue
            account.current = record
            try:
                taken = handler.handle(record)
            except Exception as error:
                account.fail(error)
                self._tell_of(account, error)
            except BaseException as error:
                account.drop(reason_of(error))
                raise
            else:
                if account.current is record:
                    if taken is False:
                        account.drop(FILTER)
                    elif account.special:
                        account.settle()

    def _tell_of(self, account: Account, error: Exception) -> None:
        """Say that a target raised, if that has not been said of late."""
        now = time.monotonic()
        if now >= account.silent_until:
            account.silent_until = now + SAY_EVERY_S
            name = account.target.get_name() or type(account.target).__name__
            tell_stderr(f"{type(self).__name__}: target {name!r} raised {type(error).__name__}")

    @property
    def withheld(self) -> int:
        """Records whose text was withheld."""
        return self._withheld

    @property
    def unwanted(self) -> int:
        """Records that were dropped although nobody wanted it."""
        return self._dropped.unwanted + sum(account.dropped.unwanted for account in self._accounts.values())

    def report(self) -> dict[str, Any]:
        """Return what became of this process's records; see `seclog_handlers.stats`."""
        accounts = named(list(self._accounts.values()), lambda account: name_of(account.target))
        return {
            "calls": self._calls,
            "pending": len(self._deferred),
            "dropped": dict(self._dropped),
            "withheld": self._withheld,
            "targets": {name: account.report() for name, account in accounts.items()},
        }

    def forget_parent(self) -> None:
        """Start from nothing in a forked child: the parent's records and counts are the parent's."""
        self._start_counting()
        for account in self._accounts.values():
            account.reset()

    def switch(self, mode: str) -> None:
        """Go on in another mode."""
        self._mode = mode

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - stdlib's name
        """Count and report a failure on stderr without a word of the record, which may hold secrets."""
        reason = reason_of(sys.exc_info()[1])
        self._dropped.add(reason)
        now = time.monotonic()
        if logging.raiseExceptions and now >= self._silent_until:
            self._silent_until = now + SAY_EVERY_S
            tell_stderr(f"{type(self).__name__} could not handle a record ({reason}); it was withheld")

    def shouldFlush(self, record: logging.LogRecord) -> bool:  # noqa: ARG002, N802 - stdlib's signature
        """Nothing is buffered."""
        return False

    def flush(self) -> None:
        """Flush the targets."""
        for handler in self.chain:
            try:
                handler.flush()
            except Exception as error:  # noqa: PERF203 - each for itself
                name = handler.get_name() or type(handler).__name__
                tell_stderr(f"{type(self).__name__}: target {name!r} raised {type(error).__name__} in flush")

    def close(self) -> None:
        """Flush, and leave the shutdown list; the targets stay, and the next record opens it again.

        Frameworks close handlers at worker boot and keep using them (Django does it to gunicorn's).
        """
        self.flush()
        self._closed_once = True
        self._release_targets()
        logging.Handler.close(self)

    def _reopen(self) -> None:
        self._closed_once = False
        self._watch_targets()
        known = logging._handlerList  # type: ignore[attr-defined]  # noqa: SLF001 - drains at exit again
        if not any(reference() is self for reference in list(known)):
            # Without logging's lock: whoever loads a configuration holds it and waits for this handler's.
            known.append(weakref.ref(self, logging._removeHandlerRef))  # type: ignore[attr-defined]  # noqa: SLF001


def _last_resort(handler: logging.Handler) -> logging.Handler:
    """Where records go that were given no target: JSON lines on stderr, since a record is never lost."""
    tell_stderr(f"{type(handler).__name__} has no target; its lines go to stderr. Give it 'target = NAME'.")
    stream = logging.StreamHandler()
    stream.setFormatter(JsonFormatter())
    return stream


_forks.install()
