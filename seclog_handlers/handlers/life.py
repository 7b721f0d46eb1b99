"""Records that the pack writes about itself: start, beats, stop, switches, losses, loggers that somebody silenced."""

from __future__ import annotations

import logging
import os
import time
import weakref
from typing import TYPE_CHECKING, Any

from seclog_handlers._record import ensure_mark
from seclog_handlers.errors import tell_stderr
from seclog_handlers.handlers import _coverage
from seclog_handlers.handlers._ticker import Ticker
from seclog_handlers.handlers.accounting import losses, name_of
from seclog_handlers.handlers.control import ControlFile
from seclog_handlers.policy import MODES

if TYPE_CHECKING:
    from seclog_handlers.handlers.security import SecurityHandler
    from seclog_handlers.policy import Policy

LOGGER = "seclog"
# OWASP Logging Vocabulary, section System; the last two are our own.
STARTUP, RESTART, SHUTDOWN = "sys_startup", "sys_restart", "sys_shutdown"
DISABLED, ENABLED = "sys_monitor_disabled", "sys_monitor_enabled"
HEARTBEAT, LOSSES = "seclog_heartbeat", "seclog_losses"

# Losses are summed up this long before a record says so, so that a broken target makes no flood of them.
SUMMARY_S = 60.0
# Between two beats, loggers are looked after at the first record and at every 4,096th.
LOOK_MASK = 4095
# A record names at most so many loggers.
MAX_NAMES = 50

_WAY_OUT = {
    _coverage.DISABLED: "Load configurations with disable_existing_loggers=False.",
    _coverage.REMOVED: "Find out which library configures logging, and configure yours after it.",
}

# Process id and name of the handlers that have started; the same again is a reload.
_started: set[str] = set()


def notice(
    handler: SecurityHandler, event_type: str, level: int, message: str, fields: dict[str, Any],
) -> logging.LogRecord:  # fmt: skip
    """Return a record of the pack itself; it comes from no logger."""
    record = logging.makeLogRecord(
        {
            **fields,
            "event_type": event_type,
            "name": LOGGER,
            "msg": message,
            "levelno": level,
            "levelname": logging.getLevelName(level),
        },
    )
    mark = ensure_mark(record)
    mark.output, mark.mode = handler.output, handler.mode
    return record


class Life:
    """What a SecurityHandler does beside its records, in one process.

    Attributes:
        armed: Whether the next record has to call `attend` whatever its number.
        told: The number of losses that have been told of.
    """

    def __init__(self, handler: SecurityHandler, policy: Policy) -> None:
        self._reference = weakref.ref(handler)
        self._heartbeat = policy.heartbeat
        self._control = ControlFile(policy.control) if policy.control else None
        self.reset()

    @property
    def _handler(self) -> SecurityHandler:
        handler = self._reference()
        if handler is None:
            raise ReferenceError  # only a handler calls its own life
        return handler

    def reset(self) -> None:
        """Start from nothing: at first, and in every forked child."""
        self.armed = True
        self.told = losses.count
        self._own_told = self._handler.lost
        self._begun_at: float | None = None
        self._summary_at: float | None = None
        self._ticker: Ticker | None = None

    def attend(self, calls: int) -> None:
        """Do what is due before a record, with the handler's lock held."""
        if self._begun_at is None:
            self._begin()
        elif not calls & LOOK_MASK:
            self._look_around()
        self._look_at_control()
        if losses.count != self.told:
            self._sum_up(time.monotonic())

    def _begin(self) -> None:
        self._begun_at = time.monotonic()
        self.armed = self._control is not None
        self._look_around()
        if self._heartbeat:
            name = f"{os.getpid()} {name_of(self._handler)}"
            event_type, message = (RESTART, "started again") if name in _started else (STARTUP, "started")
            _started.add(name)
            self._say(event_type, logging.INFO, message)
            self._ticker = Ticker(self._handler, "seclog-heartbeat", self._tick, self._heartbeat)

    def _tick(self) -> float:
        self._handler.beat()
        return self._heartbeat

    def _look_around(self) -> None:
        """Report loggers that were covered and are no longer."""
        for what, names in _coverage.look().items():
            shown = ", ".join(names[:MAX_NAMES])
            tell_stderr(f"logging was {what} for {shown}: records are lost. {_WAY_OUT[what]}")
            fields = {"reason": what, "loggers": names[:MAX_NAMES], "count": len(names)}
            self._say(DISABLED, logging.ERROR, f"security logging {what}", fields)

    def _look_at_control(self) -> None:
        control = self._control
        if control is None or time.monotonic() < control.next_look:
            return
        mode, earlier = control.look(), self._handler.mode
        if mode is None or mode == earlier:
            return
        weaker = MODES.index(mode) > MODES.index(earlier)
        self._handler.switch(mode)
        fields = {"previous_mode": earlier, "mode": mode, "control": control.path}
        self._say(DISABLED if weaker else ENABLED, logging.WARNING, f"mode switched from {earlier} to {mode}", fields)

    def _sum_up(self, now: float) -> None:
        """Say what was lost, once it is a minute old; a summary that is lost itself is tried again."""
        if self._summary_at is None:
            self._summary_at = now + SUMMARY_S
        elif now >= self._summary_at:
            self._summary_at = now + SUMMARY_S
            self._tell_losses()

    def _tell_losses(self) -> None:
        count, own = losses.count, self._handler.lost
        if own != self._own_told:
            self._say(LOSSES, logging.ERROR, "records were dropped or withheld", self._handler.counts())
        if losses.count == count:
            self.told, self._own_told, self._summary_at = count, own, None

    def beat(self, _: object = None) -> None:
        """Say that all is alive, and do what no record came along to do."""
        self.attend(0)
        if losses.count != self.told:
            self._tell_losses()
        self._say(HEARTBEAT, logging.INFO, "alive", {**self._state(), **self._handler.counts()})

    def end(self, _: object = None) -> None:
        """Say what is still unsaid, and that this is the end, if there was a beginning in this process."""
        if self._begun_at is None:
            return
        if self._handler.lost[0] != self._own_told[0]:
            self._tell_losses()
        if self._ticker is not None:
            self._ticker.stop()
            self._say(SHUTDOWN, logging.INFO, "stopped", {**self._state(), **self._handler.counts()})
        self.reset()

    def _state(self) -> dict[str, Any]:
        policy, engine = self._handler.policy, self._handler.policy.pseudonymizer
        return {
            "version": _version(),
            "policy_hash": policy.digest,
            "key_id": "random" if engine.ephemeral else engine.keys.newest.id,
            "mode": self._handler.mode,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - (self._begun_at or 0), 3),
        }

    def _say(self, event_type: str, level: int, message: str, fields: dict[str, Any] | None = None) -> None:
        shown = self._state() if fields is None else fields
        self._handler.tell(notice(self._handler, event_type, level, message, shown))


def _version() -> str:
    from importlib import metadata  # noqa: PLC0415 - costs more than the rest of the pack

    try:
        return metadata.version("seclog-handlers")
    except metadata.PackageNotFoundError:  # run from its sources
        return "unknown"
