"""What an operator does by hand: send a test alert, look into a spool, retry or drop what lies there."""

from __future__ import annotations

import platform
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers.alerts.channels import Channel, Outcome
from seclog_handlers.handlers.alerts.content import complete, encoded, timestamp
from seclog_handlers.handlers.alerts.groups import Batch
from seclog_handlers.handlers.alerts.orphans import waiting_lines
from seclog_handlers.handlers.alerts.reading import Reader
from seclog_handlers.handlers.alerts.report import dead_letters
from seclog_handlers.handlers.alerts.sender import PATIENCE
from seclog_handlers.handlers.alerts.spool import DEAD_LETTERS, LOCK, SUFFIX, Writer, holds_alerts, lock_file

TEST_RULE = "seclog_alert_test"


@dataclass
class Sent:
    """What came back from one channel: its name, the payload, and `delivered`, `retry`, `refused` or `not sent`."""

    channel: str
    payload: Any
    kind: str
    detail: str


def send_test(channels: Iterable[Channel], *, dry_run: bool = False) -> list[Sent]:
    """Send one alert that is marked as a test through each channel, and say what came back.

    Args:
        channels: As `AlertHandler.channels` or `open_channels` gives them.
        dry_run: Only make the payloads.
    """
    results = []
    for channel in channels:
        batch = Batch(secrets.token_hex(16), TEST_RULE, [{**_test_alert(), "status": "firing"}], [])
        payload = channel.payload(batch)
        if dry_run:
            results.append(Sent(channel.name, payload, "not sent", "dry run"))
            continue
        outcome = _delivered(channel, batch)
        results.append(Sent(channel.name, payload, outcome.kind, outcome.detail))
    return results


def _delivered(channel: Channel, batch: Batch) -> Outcome:
    """Deliver within the time that the sender would give it."""
    watch = threading.Timer(PATIENCE * channel.options.timeout, channel.abort)
    watch.daemon = True
    watch.start()
    try:
        return channel.deliver(batch)
    finally:
        watch.cancel()


def _test_alert() -> dict[str, Any]:
    now = timestamp(time.time())
    return complete({
        "rule": TEST_RULE,
        "pattern": TEST_RULE,
        "severity": "LOW",
        "incident_id": f"test-{secrets.token_hex(4)}",
        "incident_state": "open",
        "group": {"sent_by": "seclog alert test"},
        "count": 1,
        "first_seen": now,
        "last_seen": now,
        "reason": "This is a test. Nothing has happened, and nothing needs to be done.",
        "service": "seclog",
        "host": platform.node() or "localhost",
        "created": now,
    })  # fmt: skip


@dataclass
class Report:
    """What lies in one channel set's folder of a spool.

    Attributes:
        folder: The folder.
        sending: Whether a process is sending from it now.
        waiting: Alerts that wait, oldest first, each with `at` (seconds).
        dead: Entries of the dead-letter file.
    """

    folder: Path
    sending: bool
    waiting: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    dead: list[dict[str, Any]] = field(default_factory=list)


def spool_report(spool: str | Path) -> list[Report]:
    """Return what waits and what was given up, folder by folder; changes nothing.

    Raises:
        ConfigurationError: If `spool` is no spool.
    """
    reports = []
    for folder in _folders(spool):
        report = Report(folder, _is_sending(folder), dead=dead_letters(folder))
        for path in sorted(folder.glob("*" + SUFFIX)):
            report.waiting += [(at, alert) for _, at, alert in waiting_lines(path, folder)]
        report.waiting.sort(key=lambda entry: entry[0])
        reports.append(report)
    return reports


def retry(spool: str | Path) -> int:
    """Put all dead letters back into the spool, whose sender takes them like new ones; return how many.

    An alert that several channels did not get is put back once, and goes to all channels.
    """
    count = 0
    for folder in _folders(spool):
        letters = {tuple(letter["ref"]): letter["alert"] for letter in dead_letters(folder)}
        writer = Writer(folder, fsync=True)
        for alert in letters.values():
            writer.append(encoded(alert))
        writer.close()
        (folder / DEAD_LETTERS).unlink(missing_ok=True)
        count += len(letters)
    return count


def drop(spool: str | Path) -> int:
    """Delete what waits and what was given up; return how many alerts that were.

    Raises:
        ConfigurationError: If a process is sending from the spool: it would go on with what it has read.
    """
    count = 0
    for report in spool_report(spool):
        reader = Reader(report.folder)
        if not reader.lead():
            raise ConfigurationError(
                f"A process sends from {str(report.folder)!r} now: stop it, then drop what it has left.",
            )
        for path in report.folder.glob("*" + SUFFIX):
            path.unlink()
        (report.folder / DEAD_LETTERS).unlink(missing_ok=True)
        reader.close()
        count += len(report.waiting) + len({tuple(letter["ref"]) for letter in report.dead})
    return count


def _folders(spool: str | Path) -> list[Path]:
    root = Path(spool)
    try:
        folders = sorted(path for path in [root, *root.iterdir()] if holds_alerts(path))
    except OSError as error:
        raise ConfigurationError(f"{str(spool)!r} cannot be read ({error.strerror}): name an alert spool.") from None
    if not folders:
        raise ConfigurationError(f"{str(spool)!r} is no alert spool: name the folder given as 'spool'.")
    return folders


def _is_sending(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("rb") as file:
            return not lock_file(file.fileno())
    except FileNotFoundError:
        return False
