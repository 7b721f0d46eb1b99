"""Alerts on disk: one append-only file per process, read and settled by the one process that holds the sender's lock.

```
<spool>/<channel set>/sender.lock            held by the process that sends
                      journal.jsonl          what it has sent, settled, given up
                      <pid>-<time>-<random>.alerts   one line per alert; its owner holds a lock on it while alive
                      dead-letters.jsonl     what no channel took within max_age
```
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seclog_handlers.errors import warn_once

SEGMENT = 1_048_576  # bytes after which a process begins its next file
SUFFIX = ".alerts"
LOCK = "sender.lock"
DEAD_LETTERS = "dead-letters.jsonl"
PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_LOOK = 0.1  # s between looks whether the file still has its name
_GUARD_WAIT = 1.0  # s; rather a descriptor shared with a child than a deadlock
FLAGS = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)

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
    """Append the whole of `data` with one call, or nothing: the half that a full disk took is cut off again.

    Raises:
        OSError: If the disk does not take it.
    """
    written = os.write(descriptor, data)
    if written != len(data):
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Writer:
    """The file of this process. Its log calls append to it, nobody else does."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        self._folder = folder
        self._fsync = fsync
        self._descriptor: int | None = None
        self._size = 0
        self._torn = False
        self._look_at = float("-inf")
        self._name = ""
        self.names: dict[str, int] = {}  # every file of this process, and the alerts appended to it

    def append(self, line: bytes) -> None:
        """Append one line.

        Raises:
            OSError: If the disk does not take it; the line counts as not written.
        """
        if self._descriptor is None or self._size > SEGMENT or self._is_removed(self._descriptor):
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

    def _is_removed(self, descriptor: int) -> bool:
        """Whether somebody has removed the file: whoever sends next would not find it.

        Looked at now and then only: each system call lets other threads in, for which this log call then waits.
        """
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK
        return os.fstat(descriptor).st_nlink == 0

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
            descriptor = os.open(hidden, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | FLAGS, PRIVATE_FILE)
            lock_file(descriptor)
            self._descriptor, self._size, self._torn, self._name = descriptor, 0, False, name
            self.names[name] = 0
        kill_point("before-rename")
        try:
            hidden.rename(self._folder / name)
        except OSError:
            self.close()  # nobody would find what is written to it
            raise
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
