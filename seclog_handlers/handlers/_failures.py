"""Failures that a target swallows: its `handleError` is wrapped while it is a target, and only then."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import time
import weakref
from typing import TYPE_CHECKING, Any

from seclog_handlers._record import mark_of, private_copy
from seclog_handlers.errors import tell_stderr
from seclog_handlers.filters import withhold
from seclog_handlers.handlers.accounting import name_of, reason_of

if TYPE_CHECKING:
    from seclog_handlers.handlers.accounting import Account

# A target that fails for every record says so once in this time.
SAY_EVERY_S = 60.0

_NAME = "handleError"
_PACK = __name__.partition(".")[0] + "."
_SILENT = frozenset({logging.Handler.handleError, logging.handlers.SocketHandler.handleError})


class Witness:
    """Stands in for a target's `handleError`: counts, says what failed without a word of the record.

    Only records of the pack are its business; the target's own ones go where they went before.
    """

    def __init__(self, target: logging.Handler) -> None:
        self._target = weakref.ref(target)
        self._before = target.__dict__.get(_NAME)
        self._accounts: list[weakref.ref[Account]] = []
        self._silent_until = 0.0

    def add(self, account: Account) -> None:
        """Count for one more handler that this is a target of."""
        if all(known() is not account for known in self._accounts):
            self._accounts.append(weakref.ref(account))

    def remove(self, account: Account) -> None:
        """Stop counting for a handler; the last one takes the wrap off."""
        self._accounts = [known for known in self._accounts if known() not in (account, None)]
        target = self._target()
        if not self._accounts and target is not None and target.__dict__.get(_NAME) is self:
            del target.__dict__[_NAME]
            if self._before is not None:
                target.__dict__[_NAME] = self._before

    def __call__(self, record: logging.LogRecord) -> None:
        """Take note of a failure; never raises for a record of the pack."""
        target = self._target()
        if target is None:
            return
        account = self._of(record)
        if account is None:
            self._pass_on(target, record)
            return
        error = sys.exc_info()[1]
        account.fail(error)
        try:
            self._answer(target, record, error)
        except Exception:
            pass  # it is counted; a handler's own handleError that fails has nobody left to tell

    def _of(self, record: logging.LogRecord) -> Account | None:
        accounts = [account for known in self._accounts if (account := known()) is not None]
        for account in accounts:
            if account.current is record:
                return account
        return accounts[0] if accounts and mark_of(record) is not None else None  # a queue's listener, a full buffer

    def _pass_on(self, target: logging.Handler, record: logging.LogRecord) -> None:
        if self._before is not None:
            self._before(record)
        else:
            type(target).handleError(target, record)

    def _answer(self, target: logging.Handler, record: logging.LogRecord, error: BaseException | None) -> None:
        """Let the target do what it does about a failure, but not print the record."""
        function = type(target).handleError
        if self._before is None and function.__module__.startswith(_PACK):
            function(target, record)
            return
        if self._before is None and function in _SILENT:
            _close_socket(target)
        else:
            stand_in = private_copy(record)
            withhold(stand_in)
            self._pass_on(target, stand_in)
        self._say(target, error)

    def _say(self, target: logging.Handler, error: BaseException | None) -> None:
        now = time.monotonic()
        if logging.raiseExceptions and now >= self._silent_until:
            self._silent_until = now + SAY_EVERY_S
            tell_stderr(f"target {name_of(target)!r} failed with {reason_of(error)}; what it cannot write is counted")


def _close_socket(target: Any) -> None:
    """Do what SocketHandler does: connect anew for the next record."""
    if getattr(target, "closeOnError", False) and target.sock:
        target.sock.close()
        target.sock = None


def watch(target: logging.Handler, account: Account) -> None:
    """Count the failures of a target, and of the handlers that it passes records on to."""
    for handler in _behind(target):
        witness = handler.__dict__.get(_NAME)
        if not isinstance(witness, Witness):
            witness = Witness(handler)
            handler.__dict__[_NAME] = witness
        witness.add(account)


def release(target: logging.Handler, account: Account) -> None:
    """Take back what `watch` did."""
    for handler in _behind(target):
        witness = handler.__dict__.get(_NAME)
        if isinstance(witness, Witness):
            witness.remove(account)


def _behind(target: logging.Handler) -> list[logging.Handler]:
    """Return the target, and what stock handlers that buffer or queue pass its records on to."""
    found: list[logging.Handler] = []
    waiting: list[Any] = [target]
    while waiting:
        handler = waiting.pop()
        if isinstance(handler, logging.Handler) and handler not in found:
            found.append(handler)
            if not type(handler).__module__.startswith(_PACK):  # ours watch their own
                listener = getattr(handler, "listener", None)
                waiting += [getattr(handler, "target", None), *getattr(listener, "handlers", ())]
    return found
