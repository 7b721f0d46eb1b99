"""AlertHandler: the log call appends to the spool and returns; a thread does the telling."""

from __future__ import annotations

import atexit
import logging
import os
import platform
import threading
import weakref
from collections import deque
from hashlib import sha256
from pathlib import Path
from typing import Any

from seclog_handlers import _config
from seclog_handlers.errors import ConfigurationError, tell_stderr, warn_once
from seclog_handlers.handlers.alerts import report
from seclog_handlers.handlers.alerts.channels import Channel, open_channels, severity
from seclog_handlers.handlers.alerts.channels.channel import TIMEOUT
from seclog_handlers.handlers.alerts.channels.http import Endpoint
from seclog_handlers.handlers.alerts.content import alert_of, encoded, rank
from seclog_handlers.handlers.alerts.groups import Timers
from seclog_handlers.handlers.alerts.heartbeat import Heartbeat
from seclog_handlers.handlers.alerts.ledger import MEMORY
from seclog_handlers.handlers.alerts.orphans import adopt
from seclog_handlers.handlers.alerts.reading import Line
from seclog_handlers.handlers.alerts.sender import Sender, Settings
from seclog_handlers.handlers.alerts.spool import Writer

GROUP_WAIT = 30  # s; this and the next two are Alertmanager's defaults
GROUP_INTERVAL = 300
REPEAT_INTERVAL = 14_400
MAX_AGE = 259_200  # s: a long weekend
DRAIN_TIMEOUT = 2  # s
PER_MINUTE = 20  # notifications to one channel
MEMORY_LIMIT = 10_000  # alerts kept without a disk
HEARTBEAT_INTERVAL = 60  # s

_handlers: weakref.WeakSet[AlertHandler] = weakref.WeakSet()


class AlertHandler(logging.Handler):
    """Sends `security_alert` records to people; every other record passes by unnoticed.

    Args:
        channels: URLs, or mappings {"url", "key", "min_severity", "timeout", "per_minute", "resolve_wait"}. Schemes:
            `https` (Alertmanager's webhook format), `slack`, `pagerduty`, `smtp`, `smtps`, and with the extra `alerts`
            all of Apprise's. `url` and `key` may be references (env:NAME, file:PATH).
        spool: A folder on a local disk that keeps alerts until they are delivered, over crashes and restarts; processes
            with the same channels share it. Without one alerts are kept in memory only.
        group_wait: Seconds to collect alerts of one rule before its first notification; CRITICAL does not wait.
        group_interval: Seconds between notifications of one rule.
        repeat_interval: Seconds after which incidents that go on are told again.
        min_severity: LOW, MEDIUM, HIGH or CRITICAL; what is below is not sent. A channel may have its own.
        fsync: Whether each alert shall survive a power loss too; costs the log call a disk access.
        drain_timeout: Seconds that closing may take to deliver what waits.
        max_age: Seconds after which an alert that cannot be delivered goes to the dead-letter file.
        per_minute: Notifications a minute to one channel; the rest waits, and is counted in the next.
        resolve_wait: Seconds that the end of an incident waits for other news to be told with. By default none where
            a machine listens (webhook, PagerDuty), two days where people read (Slack, mail, Apprise).
        heartbeat_url: Called every `heartbeat_interval` seconds while alerts can be delivered.
        heartbeat_interval: Seconds.
        level: As for every handler.

    Raises:
        ConfigurationError: If a channel or a number cannot work.
    """

    def __init__(
        self,
        channels: Any = (),
        spool: Any = None,
        group_wait: float = GROUP_WAIT,
        group_interval: float = GROUP_INTERVAL,
        repeat_interval: float = REPEAT_INTERVAL,
        min_severity: str = "HIGH",
        *,
        fsync: Any = False,
        drain_timeout: float = DRAIN_TIMEOUT,
        max_age: float = MAX_AGE,
        per_minute: int = PER_MINUTE,
        resolve_wait: float | None = None,
        heartbeat_url: str | None = None,
        heartbeat_interval: float = HEARTBEAT_INTERVAL,
        level: int | str = 0,
    ) -> None:
        # Whatever can be wrong is found before logging knows the handler and would close it at exit.
        number = _config.as_number
        lowest = severity("min_severity", min_severity)
        if resolve_wait is not None:
            number("resolve_wait", resolve_wait)
        most = int(number("per_minute", per_minute, minimum=1))
        self.channels: list[Channel] = open_channels(channels, lowest, most, resolve_wait)
        self._threshold = min(channel.options.severity for channel in self.channels)
        self._settings = Settings(
            Timers(
                number("group_wait", group_wait),
                number("group_interval", group_interval),
                number("repeat_interval", repeat_interval, minimum=1),
            ),
            number("max_age", max_age, minimum=1),
            _config.as_bool("fsync", fsync),
        )
        self._drain_timeout = number("drain_timeout", drain_timeout)
        self._interval = number("heartbeat_interval", heartbeat_interval, minimum=1)
        self._endpoint = _heartbeat(heartbeat_url)
        self._root = _folder(spool)
        names = "\n".join(sorted(channel.name for channel in self.channels))
        self._folder = None if self._root is None else self._root / sha256(names.encode()).hexdigest()[:12]
        self._host = platform.node() or "localhost"
        self._begin()
        super().__init__(level)
        _handlers.add(self)

    def _begin(self) -> None:
        """Start from nothing: at first, and in every forked child."""
        self._pid = os.getpid()
        self._in_use = True  # until closed; a later record opens it again
        self._append_lock = threading.RLock()
        self._writer = None if self._folder is None else Writer(self._folder, fsync=self._settings.fsync)
        self._memory: deque[Line] = deque()
        self._sender: Sender | None = None
        self._past = report.Counts()
        self._sequence = 0
        self._accepted = 0
        self._ignored = 0
        self._failed = 0

    # ---- the log call

    def handle(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]
        """Take a record without the handler's lock, which `close` holds while it delivers."""
        passed = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return passed

    def emit(self, record: logging.LogRecord) -> None:
        """Append an alert to the spool; never waits for the network, never raises."""
        try:
            if record.__dict__.get("event_type") != "security_alert" or record.__dict__.get("mode") == "observe":
                self._ignored += 1
                return
            alert = alert_of(record, self._host)
            if rank(alert["severity"]) < self._threshold:
                self._ignored += 1
                return
            self._append(encoded(alert))
        except Exception:
            self.handleError(record)

    def _append(self, line: bytes) -> None:
        if self._pid != os.getpid():
            self._begin()
        with self._append_lock:
            self._keep(line)
            self._accepted += 1
            sender = self._sender
            if sender is None:
                sender = self._start()
            sender.appended += 1
        if sender.idle:
            sender.wake.set()

    def _keep(self, line: bytes) -> None:
        if self._writer is not None:
            try:
                self._writer.append(line)
                return
            except OSError as error:
                text = f"The alert spool {str(self._folder)!r} cannot be written ({error.strerror}): alerts are kept "
                warn_once(text + "in memory until sent. Make it a folder on a local disk that this user may write to.")
        kept = Line.read((MEMORY, self._sequence + 1), line)
        if kept is not None:
            self._sequence += 1
            self._memory.append(kept)
        while len(self._memory) > MEMORY_LIMIT:
            self._memory.popleft()
            self._past.dead += 1
            warn_once(f"More than {MEMORY_LIMIT} alerts wait in memory: the oldest are lost, and counted as "
                      "dead-lettered. Look at the channels, and name a 'spool' that can be written.")  # fmt: skip

    def start(self) -> None:
        """Start the sender of this process now, so that alerts left by a dead one are sent before the next alert comes.

        Whoever sees the first record of a process calls this; configuration does not, since its threads would not
        live on in forked workers.
        """
        if self._pid != os.getpid():
            self._begin()
        with self._append_lock:
            if self._sender is None:
                self._start()

    def _start(self) -> Sender:
        if self._folder is None:
            warn_once("AlertHandler has no 'spool': alerts are kept in memory, and those not yet delivered are lost "
                      "when the process dies. Name a folder on a local disk.")  # fmt: skip
        heartbeat = None if self._endpoint is None else Heartbeat(self._endpoint, self._interval)
        sender = Sender(self.channels, self._folder, self._memory, self._settings, heartbeat, self._adopt)
        sender.start()
        self._sender, self._in_use = sender, True
        return sender

    def _adopt(self) -> None:
        """Take over what a process with other channels has left in this spool."""
        if self._root is None or self._folder is None:
            return
        used = {handler._folder for handler in list(_handlers) if handler._in_use}  # noqa: SLF001 - same class
        adopt(self._root, {self._folder, *used}, self._take_over)

    def _take_over(self, line: bytes) -> None:
        with self._append_lock:
            self._keep(line)
            self._accepted += 1
            self._past.taken_over += 1

    # ---- the end

    def flush(self) -> None:
        """Do nothing: a log call returns only after its alert is in the spool."""

    def close(self) -> None:
        """Deliver what can be delivered within `drain_timeout`; a record that comes later opens the handler again."""
        if self._pid == os.getpid():
            self._stop()
        self._in_use = False
        super().close()

    def _stop(self) -> None:
        with self._append_lock:
            sender, self._sender = self._sender, None
            if self._writer is not None:
                self._writer.close()  # so that the sender can remove the file if all of it arrives
        if sender is not None:
            sender.stop(self._drain_timeout)
            self._past.add(sender)
        with self._append_lock:
            waiting = list(self._memory)
            if self._sender is None and self._writer is not None:
                self._memory.clear()
                for line in waiting:
                    self._keep(line.text)
                self._writer.close()

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - logging's name
        """Refuse a formatter: what is sent has the channel's own form."""
        if fmt is not None:
            raise ConfigurationError(
                "AlertHandler takes no formatter, since each channel has its own form: leave 'formatter' out.",
            )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's
        """Count an alert that could not be taken and say so, without its content."""
        import sys  # noqa: PLC0415 - rare

        self._failed += 1
        kind = getattr(sys.exc_info()[0], "__name__", "an error")
        tell_stderr(f"AlertHandler could not take a record ({kind}); its content is withheld.")

    def __repr__(self) -> str:
        """Show the channels' names, which hold no secret."""
        names = ", ".join(channel.name for channel in self.channels)
        return f"<{type(self).__name__} {names} ({logging.getLevelName(self.level)})>"

    def stats(self) -> dict[str, Any]:
        """Return exact counts: alerts = delivered + waiting + dead_lettered.

        Reads this process's spool files; for reports, not for every log call. In processes that share a spool each
        counts the alerts that it logged, and those left by dead processes that it took over.
        """
        with self._append_lock:
            return report.statistics(
                folder=self._folder,
                files=dict(self._writer.names) if self._writer is not None else {},
                accepted=self._accepted,
                ignored=self._ignored,
                failed=self._failed,
                past=self._past,
                sender=self._sender,
                memory=len(self._memory),
            )


def _heartbeat(url: str | None) -> Endpoint | None:
    return None if url is None else Endpoint("heartbeat_url", _config.secret("heartbeat_url", str(url)), TIMEOUT)


def _folder(spool: Any) -> Path | None:
    if spool is None:
        return None
    if not isinstance(spool, (str, os.PathLike)) or not str(spool) or "\0" in str(spool):
        raise ConfigurationError(f"spool is {spool!r}: it must be the path of a folder, as '/var/spool/seclog'.")
    path = Path(os.path.abspath(os.path.expanduser(spool)))  # noqa: PTH100, PTH111 - a later chdir must not move it
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"spool is {str(spool)!r}, which is no folder: name one that this user may write to.")
    return path


def live_handlers() -> list[AlertHandler]:
    """Return the AlertHandlers of this process that are not closed."""
    return [handler for handler in list(_handlers) if handler._in_use]  # noqa: SLF001 - this module's own class


def _after_fork_in_child() -> None:
    for handler in list(_handlers):
        sender, writer = handler._sender, handler._writer  # noqa: SLF001 - this module's own class
        if sender is not None:
            sender.forget()
        if writer is not None:
            writer.close()
        handler._begin()  # noqa: SLF001


def _at_exit() -> None:
    for handler in list(_handlers):
        if handler._pid == os.getpid():  # noqa: SLF001
            handler._stop()  # noqa: SLF001


os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
