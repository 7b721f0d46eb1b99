"""What is known of each alert of a channel set: which wait, which are done with, and what the disk knows of that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seclog_handlers.errors import warn_once
from seclog_handlers.handlers.alerts.content import timestamp
from seclog_handlers.handlers.alerts.groups import Pending
from seclog_handlers.handlers.alerts.journal import History, Journal, bury, warn_unwritable
from seclog_handlers.handlers.alerts.reading import Line, Reader
from seclog_handlers.handlers.alerts.spool import kill_point

MEMORY = "memory"  # the file name of alerts that no disk has taken


class Ledger:
    """The alerts that wait, read from a folder while this process leads there, and the journal of what became of them.

    Args:
        folder: The spool of a channel set; None: alerts exist in memory only.
        fsync: Whether the journal shall survive a power loss.
    """

    def __init__(self, folder: Path | None, *, fsync: bool) -> None:
        self.folder = folder
        self.reader = Reader(folder) if folder is not None else None
        self.history = History()
        self.pending: dict[tuple[str, int], Pending] = {}
        self.read: dict[str, int] = {}  # file -> alerts read that were not settled before
        self.settled: dict[str, int] = {}  # file -> alerts that reached every channel since
        self.dead: dict[str, int] = {}  # file -> alerts given up since
        self._journal = Journal(folder, fsync=fsync) if folder is not None else None

    @property
    def leads(self) -> bool:
        """Whether this process reads the folder, alone."""
        return self.reader is not None and self.reader.leads

    def lead(self) -> bool:
        """Try to become the process that reads the folder; return whether it has just become so."""
        if self.reader is None or self._journal is None or self.reader.leads:
            return False
        try:
            if self.reader.lead():
                self.history = self._journal.open()
                return True
        except OSError as error:
            self.close()  # to lead without a journal would be to send twice
            text = f"The alert spool {str(self.folder)!r} cannot be used ({error.strerror}): alerts of this process "
            warn_once(text + "are kept in memory until sent. Make it a folder that this user may write to.")
        return False

    def lines(self, limit: int) -> Iterator[Line]:
        """Yield at most `limit` alerts that the folder has and this process has not read."""
        if self.reader is not None and self.reader.leads and limit > 0:
            yield from self.reader.read(limit)

    def take(self, line: Line, now: float) -> Pending | None:
        """Note an alert that waits; None if the history says that it is done with."""
        if line.ref in self.history.finished and self.reader is not None:
            self.reader.settled(line.ref)
            return None
        self.read[line.ref[0]] = self.read.get(line.ref[0], 0) + 1
        pending = Pending(line.ref, line.at, line.alert, text=line.text, since=now - max(0.0, time.time() - line.at))
        pending.dead = line.ref in self.history.doomed
        self.pending[line.ref] = pending
        return pending

    def note(self, step: dict[str, Any]) -> None:
        """Write to the journal; a full disk costs at worst a repeated notification after a crash."""
        if self.folder is None or self._journal is None or not self.leads:
            return
        try:
            self._journal.write(step)
        except OSError as error:
            warn_unwritable(self.folder, error)

    def settle(self, finished: list[Pending]) -> None:
        """Note alerts with which every channel is done."""
        for dead in (False, True):
            part = [pending for pending in finished if pending.dead is dead and pending.ref in self.pending]
            if not part:
                continue
            self.note({"step": "finish", "dead": dead, "refs": refs(part)})
            for pending in part:
                del self.pending[pending.ref]
                counts = self.dead if dead else self.settled
                counts[pending.ref[0]] = counts.get(pending.ref[0], 0) + 1
                if self.reader is not None:
                    self.reader.settled(pending.ref)

    def bury(self, channel: str, gone: list[Pending], reason: str) -> bool:
        """Write to the dead-letter file what a channel will not get; False if the disk does not take it."""
        try:
            if self.folder is not None:
                bury(self.folder, [_letter(channel, pending, reason) for pending in gone])
        except OSError as error:
            text = f"The dead-letter file in {str(self.folder)!r} cannot be written ({error.strerror}): alerts that a "
            warn_once(text + "channel refuses wait until it can. Make room on its disk.", key="dead letters")
            return False
        kill_point("buried")
        self.note({"step": "lose", "channel": channel, "refs": refs(gone)})
        kill_point("lost-noted")
        for pending in gone:
            pending.dead = True
        return True

    def give_back(self) -> list[Line]:
        """Return what exists in memory only, and count it as not read."""
        left = [pending for pending in self.pending.values() if pending.ref[0] == MEMORY]
        self.read[MEMORY] = self.read.get(MEMORY, 0) - len(left)
        return [Line(pending.ref, pending.at, pending.alert, pending.text) for pending in left]

    def in_memory(self) -> int:
        """Return how many alerts exist in this process only, of those that were read."""
        return self.read.get(MEMORY, 0) - self.settled.get(MEMORY, 0) - self.dead.get(MEMORY, 0)

    def tidy(self) -> None:
        """Remove the files that nobody needs any more."""
        if self.reader is not None and self.reader.leads:
            self.reader.tidy()
            self.reader.check()

    def close(self) -> None:
        """Let go of the folder."""
        if self._journal is not None:
            self._journal.close()
        if self.reader is not None:
            self.reader.close()


def refs(pendings: list[Pending]) -> list[tuple[str, int]]:
    """Return where alerts stand on the disk."""
    return [pending.ref for pending in pendings if pending.ref[0] != MEMORY]


def _letter(channel: str, pending: Pending, reason: str) -> dict[str, Any]:
    return {
        "at": timestamp(time.time()),
        "channel": channel,
        "reason": reason,
        "ref": list(pending.ref),
        "spooled": pending.at,
        "alert": pending.content,
    }
