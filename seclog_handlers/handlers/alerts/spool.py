"""Alerts on disk: one append-only file per process, read and settled by the one process that holds the sender's lock.

```
<spool>/<channel set>/sender.lock            held by the process that sends
                      journal.jsonl          what it has sent, settled, given up
                      <pid>-<time>-<random>.alerts   one line per alert; its owner holds a lock on it while alive
                      dead-letters.jsonl     what no channel took within max_age
```
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seclog_handlers.errors import warn_once
from seclog_handlers.handlers.alerts.content import decoded

SEGMENT = 1_048_576  # bytes after which a process begins its next file
SUFFIX = ".alerts"
LOCK = "sender.lock"
DEAD_LETTERS = "dead-letters.jsonl"
_CHUNK = 262_144  # bytes read at a time; longer than any line
_STALE = 3_600.0  # s after which a file without its name has no living owner
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_GUARD_WAIT = 1.0  # s; rather a descriptor shared with a child than a deadlock
_FLAGS = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)

# Tests only: the name of a change of the spool's state, optionally ":n", at which this process kills itself.
_KILL_AT, _, _KILL_COUNT = os.environ.get("SECLOG_TEST_KILL_POINT", "").partition(":")
_passed = 0

# Held while descriptors and locks are taken or given back, and by os.fork: a child must know all it inherits.
_guard = threading.RLock()


def kill_point(name: str) -> None:
    """Die here by SIGKILL if the environment says so: how the tests prove that no state loses an alert."""
    global _passed  # noqa: PLW0603 - counts calls of this process
    if _KILL_AT and name == _KILL_AT:
        _passed += 1
        if _passed >= int(_KILL_COUNT or 1):
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def guarded() -> Iterator[None]:
    """Keep os.fork out for the moment in which a descriptor is opened and noted down."""
    held = _guard.acquire(timeout=_GUARD_WAIT)
    try:
        yield
    finally:
        if held:
            _guard.release()


_fork_held = False


def _before_fork() -> None:
    global _fork_held  # noqa: PLW0603 - read by the hooks below, in the same thread
    held = _guard.acquire(timeout=_GUARD_WAIT)
    _fork_held = held


def _after_fork_in_parent() -> None:
    if _fork_held:
        _guard.release()


def _after_fork_in_child() -> None:
    global _guard  # noqa: PLW0603 - the parent's may be held by a thread that is not here
    _guard = threading.RLock()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)


def lock_file(descriptor: int) -> bool:
    """Try to lock an open file for this process; the kernel frees the lock when the process dies."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def close_quietly(descriptor: int | None) -> None:
    """Close a descriptor; a failure leaves nothing to be done."""
    try:
        if descriptor is not None:
            os.close(descriptor)
    except OSError:
        pass  # it is gone either way


def write_all(descriptor: int, data: bytes) -> None:
    """Write the whole of `data` with one call; a full disk's half of a line raises OSError."""
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(28, "only part of a line was written")


class Writer:
    """The file of this process. Its log calls append to it, nobody else does."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        self._folder = folder
        self._fsync = fsync
        self._descriptor: int | None = None
        self._size = 0
        self._torn = False
        self._name = ""
        self.names: dict[str, int] = {}  # every file of this process, and the alerts appended to it

    def append(self, line: bytes) -> None:
        """Append one line.

        Raises:
            OSError: If the disk does not take it; the line counts as not written.
        """
        # A file without a name is one that somebody has removed: whoever sends next would not find it.
        if self._descriptor is None or self._size > SEGMENT or os.fstat(self._descriptor).st_nlink == 0:
            self._begin()
        descriptor = self._descriptor
        if descriptor is None:  # closed by a fork in between
            raise OSError(9, "the spool is closed")
        kill_point("before-append")
        try:
            write_all(descriptor, b"\n" + line if self._torn else line)
        except OSError:
            self._torn = True
            raise
        self._torn = False
        self._size += len(line)
        self.names[self._name] += 1
        if self._fsync:
            self._sync(descriptor)
        kill_point("after-append")

    def _sync(self, descriptor: int) -> None:
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            warn_once(f"The alert spool {str(self._folder)!r} cannot be synced to its disk ({error.strerror}): "
                      "alerts survive the end of the process, but not a power loss.")  # fmt: skip

    def _begin(self) -> None:
        """Open the next file under a name that nobody reads, lock it, then give it its name."""
        make_private(self._folder)
        name = f"{os.getpid()}-{time.time_ns():x}-{secrets.token_hex(4)}{SUFFIX}"
        hidden = self._folder / (name + ".new")
        with guarded():
            self.close()
            descriptor = os.open(hidden, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | _FLAGS, _PRIVATE_FILE)
            lock_file(descriptor)
            self._descriptor, self._size, self._torn, self._name = descriptor, 0, False, name
        kill_point("before-rename")
        hidden.rename(self._folder / name)
        self.names[name] = 0
        if self._fsync:
            sync_folder(self._folder)

    def close(self) -> None:
        """Let go of the file: whoever sends may remove it once all in it is settled."""
        descriptor, self._descriptor = self._descriptor, None
        close_quietly(descriptor)


def make_private(folder: Path) -> None:
    """Make a folder and its parent, which the spool is, for this user alone."""
    folder.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)


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


def holds_alerts(folder: Path) -> bool:
    """Whether a folder is that of a channel set; one in which nobody has sent yet has no lock file."""
    return (folder / LOCK).exists() or any(folder.glob("*" + SUFFIX))


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


@dataclass
class Line:
    """One alert as read from a file."""

    ref: tuple[str, int]
    at: float
    alert: dict[str, Any]


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
                descriptor = os.open(self._folder / LOCK, os.O_CREAT | os.O_RDWR | _FLAGS, _PRIVATE_FILE)
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
                self._sources[name] = _Source(os.open(self._folder / name, os.O_RDONLY | _FLAGS))
        except OSError as error:
            text = f"The alert file {str(self._folder / name)!r} cannot be read ({error.strerror}): its alerts wait. "
            warn_once(text + "Run all processes that share a spool as one user.")

    def _read(self, name: str, source: _Source, limit: int) -> Iterator[Line]:
        data = os.pread(source.descriptor, _CHUNK, source.offset)
        while limit > 0:
            end = data.find(b"\n")
            if end < 0:
                return
            ref, content = (name, source.offset), decoded(data[:end])
            data = data[end + 1 :]
            source.offset += end + 1
            if content is None:
                self.torn += end > 0
                continue
            limit -= 1
            source.unsettled += 1
            yield Line(ref, *content)

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
