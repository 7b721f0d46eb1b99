"""Counts of alerts, from the files themselves, so that nothing is counted that is not there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seclog_handlers.handlers.alerts.content import decoded
from seclog_handlers.handlers.alerts.journal import History, read_history
from seclog_handlers.handlers.alerts.ledger import MEMORY
from seclog_handlers.handlers.alerts.sender import Sender
from seclog_handlers.handlers.alerts.spool import DEAD_LETTERS


@dataclass
class Counts:
    """What senders that have ended leave to be counted, and what never reached one."""

    settled: dict[str, int] = field(default_factory=dict)
    dead_by_file: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    dead: int = 0
    taken_over: int = 0

    def add(self, sender: Sender) -> None:
        """Add what a sender has done."""
        for mine, theirs in ((self.settled, sender.ledger.settled), (self.dead_by_file, sender.ledger.dead)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for lane in sender.lanes:
            self.told[lane.name] = self.told.get(lane.name, 0) + lane.told


def statistics(
    *,
    folder: Path | None,
    files: dict[str, int],
    accepted: int,
    ignored: int,
    failed: int,
    past: Counts,
    sender: Sender | None,
    memory: int,
) -> dict[str, Any]:
    """Return what `AlertHandler.stats` promises."""
    delivered, waiting, dead = _of_files(folder, files)
    counts = Counts(settled=dict(past.settled), dead_by_file=dict(past.dead_by_file), told=dict(past.told))
    if sender is not None:
        counts.add(sender)
    delivered += counts.settled.get(MEMORY, 0)
    dead += counts.dead_by_file.get(MEMORY, 0) + past.dead
    foreign = _foreign(files, counts, sender)
    return {
        "alerts": accepted + sum(foreign),
        "delivered": delivered + foreign[0],
        "waiting": waiting + (memory if sender is None else sender.waiting_in_memory()) + foreign[1],
        "dead_lettered": dead + foreign[2],
        "ignored": ignored,
        "failed": failed,
        "taken_over": past.taken_over + sum(foreign),
        "sender": sender is not None and sender.leads,
        "channels": {} if sender is None else _channels(sender, counts.told),
    }


def _channels(sender: Sender, told: dict[str, int]) -> dict[str, Any]:
    return {
        lane.name: {
            "circuit": "open" if lane.is_open else "closed",
            "failures": lane.failures,
            "notifications": told.get(lane.name, 0),
        }
        for lane in sender.lanes
    }


def _foreign(files: dict[str, int], counts: Counts, sender: Sender | None) -> tuple[int, int, int]:
    """Return (delivered, waiting, dead) of the alerts that other processes have logged and this one sends."""
    own = {*files, MEMORY}
    delivered = sum(count for name, count in counts.settled.items() if name not in own)
    dead = sum(count for name, count in counts.dead_by_file.items() if name not in own)
    if sender is None:
        return delivered, 0, dead
    open_ones = sum(
        count - sender.ledger.settled.get(name, 0) - sender.ledger.dead.get(name, 0)
        for name, count in sender.ledger.read.items()
        if name not in own
    )
    return delivered, open_ones, dead


def _of_files(folder: Path | None, files: dict[str, int]) -> tuple[int, int, int]:
    """Return (delivered, waiting, dead) of this process's own files."""
    if folder is None or not files:
        return 0, 0, 0
    history = read_history(folder)
    sums = [0, 0, 0]
    for name, appended in files.items():
        for index, count in enumerate(_of_file(folder, name, appended, history)):
            sums[index] += count
    return sums[0], sums[1], sums[2]


def _of_file(folder: Path, name: str, appended: int, history: History) -> tuple[int, int, int]:
    try:
        data = (folder / name).read_bytes()
    except FileNotFoundError:  # removed: all of it was settled
        dead = len(buried(folder, name))
        return appended - dead, 0, dead
    refs, offset = set(), 0
    for line in data.splitlines(keepends=True):
        if decoded(line) is not None:
            refs.add((name, offset))
        offset += len(line)
    dead = len(refs & history.dead)
    return len(refs & history.finished) - dead, len(refs - history.finished), dead


def buried(folder: Path, name: str) -> set[int]:
    """Return which alerts of a file are in the dead-letter file."""
    return {letter["ref"][1] for letter in dead_letters(folder) if letter["ref"][0] == name}


def dead_letters(folder: Path) -> list[dict[str, Any]]:
    """Return the content of a folder's dead-letter file."""
    try:
        lines = (folder / DEAD_LETTERS).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    letters = []
    for line in lines:
        try:
            letter = json.loads(line)
            _ = letter["ref"][1], letter["alert"]["rule"], letter["channel"]
        except (ValueError, TypeError, KeyError, IndexError):
            continue  # half a line of a process that was killed
        letters.append(letter)
    return letters
