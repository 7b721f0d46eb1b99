"""What the sending process has done, one JSON line a step, so that a successor goes on where it stopped."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seclog_handlers.errors import warn_once
from seclog_handlers.handlers.alerts.groups import KNOWN
from seclog_handlers.handlers.alerts.spool import DEAD_LETTERS, SUFFIX, close_quietly, guarded, kill_point, write_all

COMPACT_AT = 2_097_152  # bytes
_NAME = "journal.jsonl"
Ref = tuple[str, int]


@dataclass
class Told:
    """What a channel was last told of a rule: its open incidents, and when (wall time)."""

    firing: dict[str, dict[str, Any]] = field(default_factory=dict)
    at: float = 0.0


@dataclass
class History:
    """The sum of a journal.

    Attributes:
        sent: channel -> alerts that have reached it or that it will not get.
        finished: Alerts that every channel is done with.
        dead: Those of them that some channel did not get.
        doomed: Alerts not yet finished that some channel did not get.
        told: (channel, rule) -> what it was told.
        doubt: channel -> the notification that was under way when the process ended.
    """

    sent: dict[str, set[Ref]] = field(default_factory=dict)
    finished: set[Ref] = field(default_factory=set)
    dead: set[Ref] = field(default_factory=set)
    doomed: set[Ref] = field(default_factory=set)
    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    doubt: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, step: dict[str, Any]) -> None:
        """Add one step."""
        getattr(self, f"_{step['step']}")(step)

    def _send(self, step: dict[str, Any]) -> None:
        self.doubt[step["channel"]] = step

    def _done(self, step: dict[str, Any]) -> None:
        send = self.doubt.pop(step["channel"], None)
        if send is None or send["key"] != step["key"]:
            return
        self.sent.setdefault(send["channel"], set()).update(_refs(send))
        for alert in send["alerts"]:
            told = self.told.setdefault((send["channel"], alert["rule"]), Told())
            told.at = step["at"]
            told.firing.pop(alert["incident_id"], None)
            if alert["status"] == "firing":
                told.firing[alert["incident_id"]] = alert
            while len(told.firing) > KNOWN:
                del told.firing[next(iter(told.firing))]
        for rule in {alert["rule"] for alert in send["alerts"]}:
            if not self.told[send["channel"], rule].firing:
                del self.told[send["channel"], rule]

    def _undo(self, step: dict[str, Any]) -> None:
        self.doubt.pop(step["channel"], None)

    def _skip(self, step: dict[str, Any]) -> None:
        self.sent.setdefault(step["channel"], set()).update(_refs(step))

    def _lose(self, step: dict[str, Any]) -> None:
        self._skip(step)
        self._doom(step)

    def _doom(self, step: dict[str, Any]) -> None:
        self.doomed.update(_refs(step))

    def _finish(self, step: dict[str, Any]) -> None:
        self.finished.update(_refs(step))
        if step["dead"]:
            self.dead.update(_refs(step))

    def _told(self, step: dict[str, Any]) -> None:
        firing = {alert["incident_id"]: alert for alert in step["alerts"]}
        self.told[step["channel"], step["rule"]] = Told(firing, step["at"])

    def steps(self, files: set[str]) -> list[dict[str, Any]]:
        """Return the fewest steps that give this history, without files that are gone."""
        steps: list[dict[str, Any]] = []
        for channel, refs in self.sent.items():
            left = sorted(ref for ref in refs - self.finished if ref[0] in files)
            steps += [{"step": "skip", "channel": channel, "refs": left}] if left else []
        left = sorted(ref for ref in self.doomed - self.finished if ref[0] in files)
        steps += [{"step": "doom", "refs": left}] if left else []
        for dead in (False, True):
            left = sorted(ref for ref in self.finished if ref[0] in files and (ref in self.dead) is dead)
            steps += [{"step": "finish", "dead": dead, "refs": left}] if left else []
        for (channel, rule), told in self.told.items():
            alerts = list(told.firing.values())
            steps.append({"step": "told", "channel": channel, "rule": rule, "alerts": alerts, "at": told.at})
        return steps + list(self.doubt.values())


def _refs(step: dict[str, Any]) -> list[Ref]:
    return [(name, offset) for name, offset in step["refs"]]


def read_history(folder: Path) -> History:
    """Return the history of a folder; a torn or strange line is left out."""
    history = History()
    try:
        lines = (folder / _NAME).read_bytes().split(b"\n")
    except FileNotFoundError:
        return history
    for line in lines:
        _take(history, line)
    return history


def _take(history: History, line: bytes) -> None:
    try:
        history.take(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError):
        pass  # half a line of a process that was killed


class Journal:
    """The journal of a folder, open for appending by the process that holds the sender's lock."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        self._folder = folder
        self._fsync = fsync
        self._descriptor: int | None = None
        self._size = 0
        self._owed = b""  # what a full disk has not taken yet

    def open(self) -> History:
        """Read the history, rewrite it in its shortest form and go on from there."""
        history = read_history(self._folder)
        files = {path.name for path in self._folder.glob("*" + SUFFIX)}
        try:
            self._replace(b"".join(map(_encoded, history.steps(files))))
        except OSError as error:
            warn_unwritable(self._folder, error)
            self.close()  # the next write goes on behind the long form
        return history

    def _replace(self, data: bytes) -> None:
        hidden = self._folder / (_NAME + ".new")
        self._open(hidden, os.O_TRUNC)
        if self._descriptor is not None and data:
            write_all(self._descriptor, data)
            if self._fsync:  # else log calls would wait meanwhile: file systems write one thing at a time
                os.fsync(self._descriptor)
        kill_point("before-journal-rename")
        hidden.rename(self._folder / _NAME)
        kill_point("after-journal-rename")

    def _open(self, path: Path, flags: int) -> None:
        with guarded():
            self.close()
            self._descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)
        self._size = 0

    def write(self, step: dict[str, Any]) -> None:
        """Append a step with one write, and what is owed before it.

        Raises:
            OSError: If the disk does not take it; it is owed then, up to a limit.
        """
        if self._size > COMPACT_AT:
            self.open()
        data = self._owed + _encoded(step)
        self._owed = data if len(data) < COMPACT_AT else b""
        descriptor = self._descriptor
        if descriptor is None or os.fstat(descriptor).st_nlink == 0:
            self._open(self._folder / _NAME, 0)
            descriptor = self._descriptor
        if descriptor is None:  # a fork has closed it in between
            return
        # A leading newline ends whatever half a line a full disk left behind.
        write_all(descriptor, b"\n" + data)
        self._owed = b""
        if self._fsync:
            os.fdatasync(descriptor)
        self._size += len(data) + 1

    def close(self) -> None:
        """Let go of the file."""
        descriptor, self._descriptor = self._descriptor, None
        close_quietly(descriptor)


def warn_unwritable(folder: Path, error: OSError) -> None:
    """Say once that the journal cannot be written."""
    text = f"The alert journal in {str(folder)!r} cannot be written ({error.strerror}): alerts are sent, "
    warn_once(text + "but after a crash some may be sent twice. Make room on its disk.", key=f"journal {folder}")


def _encoded(step: dict[str, Any]) -> bytes:
    return json.dumps(step, separators=(",", ":")).encode("ascii") + b"\n"


def bury(folder: Path, entries: list[dict[str, Any]]) -> None:
    """Append to the dead-letter file."""
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(folder / DEAD_LETTERS, flags, 0o600)
    try:
        write_all(descriptor, b"".join(map(_encoded, entries)))
    finally:
        os.close(descriptor)
