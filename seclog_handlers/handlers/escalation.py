"""EscalationHandler: records are judged by rules, and what they add up to is told as alerts."""

from __future__ import annotations

import logging
import math
import os
import socket
import weakref
from types import MethodType
from typing import TYPE_CHECKING, Any

from seclog_handlers import rendering
from seclog_handlers._config import plain
from seclog_handlers._record import MARK, Mark, mark_of, private_copy
from seclog_handlers.detection import Detector
from seclog_handlers.detection.state import shown
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.events import SECURITY_ALERT
from seclog_handlers.handlers._targets import TargetsHandler
from seclog_handlers.handlers._ticker import Ticker
from seclog_handlers.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LOGGER = "seclog"

# Records of the last second may still be on their way when an incident is due; one of them may prolong it.
GRACE_S = 1.0
# The state may be shared: how long to believe what it said about the next incident.
MAX_WAIT_S = 10.0

# Handlers that reach people, by name: importing them to compare would cost more than they do.
_CHANNELS = frozenset({"AlertHandler", "SMTPHandler", "HTTPHandler", "AdminEmailHandler"})
_SHARED = ("sqlite:", "redis:", "rediss:", "unix:")
_JUDGING = frozenset({"full", "observe"})

_handlers: weakref.WeakSet[EscalationHandler] = weakref.WeakSet()


class EscalationHandler(TargetsHandler):
    """Look for attacks in the records it is given, and pass on alerts; the records themselves end here.

    It stands in a SecurityHandler's `targets`. Alone on a logger it brings its records into the same shape
    first.

    Args:
        target: The handler that writes the alerts.
        targets: Further handlers, or their names in the same configuration; an AlertHandler stands here.
        rules: None for the built-in pack; or a list of names of built-in rules, mappings that override one by
            name, and new mappings.
        state: `memory://` for this process alone; `sqlite:///relative/path` or `sqlite:////absolute/path` for a
            file that forked workers share and that survives restarts; `redis://host:port/number` for processes
            on several hosts. Shared ones need `pseudonyms.keys`.
        policy: A mapping, or the path of an INI or TOML file; None is the default policy, with the constant
            fields and the mode of the SecurityHandler whose records it is given.
        level: Records below it are not judged.

    Raises:
        ConfigurationError: If rules, state, policy or a target cannot be used.
    """

    fork_order = 1

    def __init__(
        self,
        target: logging.Handler | None = None,
        targets: Sequence[str | logging.Handler] = (),
        rules: Any = None,
        state: str = "memory://",
        policy: Any = None,
        level: int | str = logging.NOTSET,
    ) -> None:
        # Whatever can be wrong is found before logging knows the handler and would close it at exit.
        loaded = Policy.load(plain(policy))
        _check_key(state, has_key=loaded.has_key)
        self._detector = Detector(
            plain(rules),
            state,
            state_key=loaded.pseudonymizer.state_key,
            show=self._show,
            host=socket.gethostname(),
        )
        self._inherits = policy is None
        self._stages: tuple[logging.Filter, ...] | None = None
        self._take_output(loaded.output)
        self._ticker: Ticker | None = None
        # Whether this process's channels were started; records without `event_type` before that time need nothing.
        self._started = False
        self._idle_until = -math.inf
        super().__init__(target, targets, loaded, level)
        _handlers.add(self)

    def handle(self, record: logging.LogRecord) -> Any:
        """Judge the record, with the handler's lock held; whatever goes wrong stays here."""
        fields = record.__dict__
        try:
            if "event_type" not in fields and fields["created"] < self._idle_until and self._is_like_the_last(fields):
                with self.lock:  # type: ignore[union-attr]  # never None here
                    self._calls += 1  # one of an application's many records that are no events
                return True
        except (TypeError, KeyError):
            pass  # no time: it is looked at more closely
        return super().handle(record)

    def _is_like_the_last(self, fields: Mapping[str, Any]) -> bool:
        """Whether a record came the same way as the last one that was looked at."""
        mark = fields.get(MARK)
        if type(mark) is not Mark or mark.output is None:
            return False
        return not self._inherits or (mark.output is self._output and mark.mode == self._mode)

    def _process(self, record: logging.LogRecord) -> None:
        fields = record.__dict__
        mark = fields.get(MARK)
        if type(mark) is not Mark or mark.output is None:
            mark = None
        elif self._inherits and (mark.output is not self._output or mark.mode != self._mode):
            self._inherit(mark)
        kind = fields.get("event_type")
        if self._mode not in _JUDGING or (type(kind) is str and kind == SECURITY_ALERT):
            return
        if not self._started:
            self._start_channels()
        if mark is None:
            record, mark = self._prepared(record)
            fields = record.__dict__
        created = fields["created"]
        detector = self._detector
        alerts = detector.observe(fields, detector.clock.event_time(created), mark.state_keys if mark else None)
        if alerts:
            self._tell(alerts)
        quiet_until = detector.quiet_until
        if quiet_until != self._idle_until:
            self._idle_until = -math.inf if detector.judges_all or self.filters else quiet_until
        if quiet_until != math.inf and ((ticker := self._ticker) is None or not ticker.running):
            self._start_ticker(created)

    def _start_channels(self) -> None:
        """Let channels send what an earlier process left behind, at the first record of this process."""
        self._started = True
        for handler in self._resolved():
            if isinstance(start := getattr(handler, "start", None), MethodType):
                start()

    def _inherit(self, mark: Mark) -> None:
        """Take mode and constant fields from whoever handled the record; SECLOG_MODE has set both alike."""
        if mark.output is not self._output:
            self._take_output(mark.output)
        self._mode = mark.mode

    def _take_output(self, output: dict[str, Any]) -> None:
        self._output = output
        # An alert says for itself what is a constant field of every line.
        self._alert_output = {**output, "repeated": ("service", "environment")}
        self._detector.origin.service = output["service"]
        self._detector.origin.environment = output["static"].get("environment", "")

    def _prepared(self, record: logging.LogRecord) -> tuple[logging.LogRecord, Mark | None]:
        """Return a private copy of a raw record, as a SecurityHandler of the same policy would make it."""
        if self._stages is None:
            self._stages = tuple(self._policy.stages())
        private = private_copy(record)
        for stage in self._stages:
            stage.filter(private)
        return private, mark_of(private)

    def _show(self, event: Mapping[str, Any], field: str, value: Any) -> Any:
        """Return what an alert shows of a value: an identity only ever as its token."""
        engine = self._policy.pseudonymizer
        if field not in engine.fields:
            return value
        mark = event.get(MARK)
        if type(mark) is Mark and mark.tokens.get(field) == value:
            return value
        return engine.token(field, value) or rendering.text(None)

    def _tell(self, alerts: Iterable[dict[str, Any]]) -> None:
        handlers = self._resolved()
        for alert in alerts:
            if self._mode == "observe":
                alert["mode"] = "observe"
            observed = alert.get("mode") == "observe"
            reached = [handler for handler in handlers if not (observed and _is_channel(handler))]
            record = self._alert_record(alert)
            for listener in self.listeners:
                listener(record)
            self._deliver(record, reached)

    def _alert_record(self, alert: Mapping[str, Any]) -> logging.LogRecord:
        """Return the record of an alert: its time is the event's, and it comes from no logger."""
        fields = {key: value for key, value in alert.items() if key not in ("message", "level")}
        mark = Mark()
        mark.output, mark.mode = self._alert_output, self._mode
        mark.applied.add("event")  # it is one, of the pack's own
        return logging.makeLogRecord(
            {
                **fields,
                MARK: mark,
                "name": LOGGER,
                "msg": alert["message"],
                "levelno": alert["level"],
                "levelname": logging.getLevelName(alert["level"]),
                "msecs": float(round(alert["created"] * 1000) % 1000),
            }
        )

    def _start_ticker(self, created: float) -> None:
        """Let a thread resolve incidents when no further record comes; a replay needs none."""
        if self._detector.clock.live(created):
            self._ticker = Ticker(self, "seclog-ticker", self.tick)

    def tick(self) -> float | None:
        """Resolve what is due by now.

        Returns:
            Seconds until the next incident is to be resolved, None without any.
        """
        self._left: float | None = MAX_WAIT_S
        self._alone(self._resolve, None)
        self._catch_up()
        return self._left

    def _resolve(self, _nothing: None) -> None:
        now = self._detector.clock.now() - GRACE_S
        alerts = self._detector.tick(now)
        if alerts:
            self._tell(alerts)
        due = self._detector.next_due()
        self._left = None if due is None else min(max(due - now, 0.01), MAX_WAIT_S)

    def after_fork(self) -> None:
        """Leave the parent's incidents to the parent; called in a forked child."""
        self._ticker = None
        self._started = False
        self._idle_until = -math.inf
        self._detector.after_fork()

    def close(self) -> None:
        """Stop the ticker, let go of the state and flush; the next record opens it again."""
        self.acquire()
        self._idle_until = -math.inf
        try:
            if self._ticker is not None:
                self._ticker.stop()
                self._ticker = None
            self._tell(self._detector.close())
        except Exception as error:
            self.handleError(logging.makeLogRecord({"msg": type(error).__name__}))
        finally:
            self.release()
        super().close()


def _after_fork_in_child() -> None:
    for handler in list(_handlers):
        handler.after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)


def _check_key(state: Any, *, has_key: bool) -> None:
    if isinstance(state, str) and state.startswith(_SHARED) and not has_key:
        raise ConfigurationError(
            f"state is {shown(state)!r}, which processes share, but the policy has no pseudonyms.keys: with random "
            f"keys each "
            "process would know the same user under another name. Set pseudonyms.keys = env:NAME or "
            "file:PATH, or use "
            "state 'memory://'.",
        )


def _is_channel(handler: logging.Handler) -> bool:
    return any(kind.__name__ in _CHANNELS for kind in type(handler).__mro__)
