"""Alerts read back from disk, by the one process that holds the sender's lock."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seclog_handlers.errors import warn_once
from seclog_handlers.handlers.alerts.content import decoded, essence
from seclog_handlers.handlers.alerts.spool import (
    FLAGS,
    LOCK,
    PRIVATE_FILE,
    SUFFIX,
    close_quietly,
    guarded,
    kill_point,
    lock_file,
    make_private,
)

_CHUNK = 262_144  # bytes read at a time; longer than any line
_STALE = 3_600.0  # s after which a file without its name has no living owner


def program() -> bytes:
    """Return what tells the programs apart that may share a spool: name and working directory."""
    try:
        directory = os.getcwd()  # noqa: PTH109 - a name, not a path
    except OSError:
        directory = ""  # it has been removed
    return os.fsencode(f"{sys.argv[0] if sys.argv else ''}\n{directory}")


def _sign(lock: int) -> None:
    try:
        os.ftruncate(lock, 0)
        os.write(lock, program())
    except OSError:
        pass  # the disk is full; whoever finds no name takes the alerts for its own


def _remove_stale(path: Path) -> None:
    try:
        if time.time() - path.stat().st_mtime > _STALE:
            path.unlink()
    except OSError:
        pass  # its owner lives and has given it its name


@dataclass(eq=False)
class _Source:
    """A file of alerts as the sending process sees it."""

    descriptor: int
    offset: int = 0
    unsettled: int = 0
    orphan: bool = False


@dataclass(slots=True)
class Line:
    """One alert as read from a file: where it stands, when it was logged, what grouping needs of it, its text."""

    ref: tuple[str, int]
    at: float
    alert: dict[str, Any]
    text: bytes

    @classmethod
    def read(cls, ref: tuple[str, int], text: bytes) -> Line | None:
        """Return the alert of a line, or None if it is torn."""
        content = decoded(text)
        return None if content is None else cls(ref, content[0], essence(content[1]), text)


def _age(name: str) -> str:
    return name.partition("-")[2]  # its time, of a fixed number of hexadecimal digits until the year 2554


class Reader:
    """All files of a folder, for the process that holds the sender's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None
        self._sources: dict[str, _Source] = {}
        self.torn = 0

    @property
    def leads(self) -> bool:
        """Whether this process is the one that sends."""
        return self._lock is not None

    def lead(self) -> bool:
        """Try to become the process that sends.

        Raises:
            OSError: If the folder cannot be written to.
        """
        if self._lock is None:
            make_private(self._folder)
            with guarded():
                descriptor = os.open(self._folder / LOCK, os.O_CREAT | os.O_RDWR | FLAGS, PRIVATE_FILE)
                if not lock_file(descriptor):
                    close_quietly(descriptor)
                    return False
                self._lock = descriptor
            _sign(descriptor)
            self._sweep()
            kill_point("leader")
        return True

    def check(self) -> None:
        """Let go of a lock file that somebody has removed: it keeps no other process from sending."""
        if self._lock is not None and os.fstat(self._lock).st_nlink == 0:
            self._unlock()

    def _sweep(self) -> None:
        """Remove what processes have left that died before their first alert was written."""
        for path in self._folder.glob("*" + SUFFIX + ".new"):
            _remove_stale(path)

    def read(self, limit: int) -> Iterator[Line]:
        """Yield at most `limit` new alerts, file by file."""
        self._discover()
        for name in sorted(self._sources, key=_age):
            for line in self._read(name, self._sources[name], limit):
                limit -= 1
                yield line
            if limit <= 0:
                return

    def _discover(self) -> None:
        try:
            with os.scandir(self._folder) as entries:
                names = [entry.name for entry in entries if entry.name.endswith(SUFFIX)]
        except FileNotFoundError:
            return  # somebody has removed the spool: what is open can still be read
        for name in names:
            if name not in self._sources:
                self._open(name)

    def _open(self, name: str) -> None:
        try:
            with guarded():
                self._sources[name] = _Source(os.open(self._folder / name, os.O_RDONLY | FLAGS))
        except OSError as error:
            text = f"The alert file {str(self._folder / name)!r} cannot be read ({error.strerror}): its alerts wait. "
            warn_once(text + "Run all processes that share a spool as one user.")

    def _read(self, name: str, source: _Source, limit: int) -> Iterator[Line]:
        data, start = os.pread(source.descriptor, _CHUNK, source.offset), 0
        while limit > 0:
            end = data.find(b"\n", start)
            if end < 0 and start == 0 and len(data) == _CHUNK:  # longer than any line: what a power loss has left
                self.torn += 1
                source.offset += _CHUNK
                data = os.pread(source.descriptor, _CHUNK, source.offset)
                continue
            if end < 0:
                return
            line = Line.read((name, source.offset), data[start:end])
            source.offset += end + 1 - start
            empty, start = end == start, end + 1
            if line is None:
                self.torn += not empty
                continue
            limit -= 1
            source.unsettled += 1
            yield line

    def settled(self, ref: tuple[str, int]) -> None:
        """Count one alert of a file as done with."""
        source = self._sources.get(ref[0])
        if source is not None:
            source.unsettled -= 1

    def tidy(self) -> None:
        """Remove the files whose owner is gone and whose alerts are all settled."""
        for name, source in list(self._sources.items()):
            if source.unsettled == 0 and self._is_orphan(source) and self._is_read(source):
                kill_point("before-remove")
                (self._folder / name).unlink(missing_ok=True)
                close_quietly(self._sources.pop(name).descriptor)
                kill_point("after-remove")

    def is_abandoned(self, name: str) -> bool:
        """Whether the process that wrote a file is gone."""
        if name not in self._sources:
            self._open(name)
        return name in self._sources and self._is_orphan(self._sources[name])

    def _is_orphan(self, source: _Source) -> bool:
        source.orphan = source.orphan or lock_file(source.descriptor)
        return source.orphan

    def _is_read(self, source: _Source) -> bool:
        """Whether no whole line is left; half a line of a dead process is a log call that never returned."""
        rest = os.pread(source.descriptor, _CHUNK, source.offset)
        if rest and b"\n" not in rest and len(rest) < _CHUNK:
            self.torn += 1
            return True
        return not rest

    def close(self) -> None:
        """Stop sending: the lock is free for another process."""
        with guarded():
            for source in self._sources.values():
                close_quietly(source.descriptor)
            self._sources.clear()
            self._unlock()

    def _unlock(self) -> None:
        descriptor, self._lock = self._lock, None
        close_quietly(descriptor)
