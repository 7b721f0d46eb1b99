"""SharedFileHandler: one file for several processes, whole lines only, under logrotate and on a full disk."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
import time

from seclog_handlers.errors import ConfigurationError, tell_stderr

# A security log is for its owner and a group that may read it; logrotate's `create` may set another mode.
FILE_MODE = 0o640
# A file that fails for every record says so once in this time.
SAY_EVERY_S = 60.0

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY


class SharedFileHandler(logging.Handler):
    r"""Appends lines to a file that other processes append to as well, forked ones too.

    Each line is one `os.write` to a descriptor in append mode, which the kernel does as a whole. Nothing is
    buffered, so nothing is lost with the process and no lock of a buffer is held across a fork. When logrotate has
    renamed or removed the file, the next line goes to a new one. A line that a full disk cuts is taken back, whole or
    not at all; the next line that has room is written. On a pipe (`/dev/stdout`, a FIFO) lines longer than PIPE_BUF
    need more than one write, so there each writer locks the others out with `lockf`.

    The file is opened with the first line. Set a formatter; one of the pack's gives one line per record.

    Args:
        filename: The path; its folder must exist.
        mode: Only `a`: a file that others use is never emptied.
        encoding: What cannot be encoded is written as `\x`, `\u` escapes.
        level: As for every handler.

    Raises:
        ConfigurationError: If the file can never be written, or for another mode.
    """

    def __init__(self, filename: str, mode: str = "a", encoding: str = "utf-8", *, level: int | str = 0) -> None:
        # Whatever can be wrong is found before logging knows the handler and would close it at exit.
        self.baseFilename = _path(filename)
        if mode != "a":
            raise ConfigurationError(f"SharedFileHandler was given mode={mode!r}: it only appends, leave it out.")
        self._encoding = _encoding(encoding)
        self._descriptor: int | None = None
        self._identity: tuple[int, ...] = ()
        self._regular = True
        self._silent_until = 0.0
        super().__init__(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line; a failure is counted by the handler in front, and said on stderr."""
        try:
            line = self.format(record) + "\n"
            self._write(line.encode(self._encoding, "backslashreplace"))
        except Exception:
            self.handleError(record)

    def _write(self, data: bytes) -> None:
        descriptor = self._open()
        if self._regular:
            _append(descriptor, data)
        else:
            _write_locked(descriptor, data)

    def _open(self) -> int:
        """Return this process's own descriptor of the file that has the name now."""
        pid = os.getpid()
        try:
            found = os.stat(self.baseFilename)  # noqa: PTH116 - for every line
            if self._descriptor is not None and (found.st_ino, found.st_dev, pid) == self._identity:
                return self._descriptor
        except FileNotFoundError:
            pass
        self._close()
        descriptor = os.open(self.baseFilename, _FLAGS, FILE_MODE)
        opened = os.fstat(descriptor)
        self._descriptor, self._identity = descriptor, (opened.st_ino, opened.st_dev, pid)
        self._regular = stat.S_ISREG(opened.st_mode)
        return descriptor

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def close(self) -> None:
        """Close the file; a later record opens it again."""
        self.acquire()
        try:
            self._close()
        finally:
            self.release()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's
        """Say on stderr, now and then, what fails; nothing of the record."""
        import sys  # noqa: PLC0415 - rare

        now = time.monotonic()
        if logging.raiseExceptions and now >= self._silent_until:
            self._silent_until = now + SAY_EVERY_S
            error = sys.exc_info()[1]
            reason = getattr(error, "strerror", None) or type(error).__name__
            tell_stderr(f"SharedFileHandler cannot write {self.baseFilename!r}: {reason}")

    def __repr__(self) -> str:
        """Show where the lines go."""
        return f"<{type(self).__name__} {self.baseFilename} ({logging.getLevelName(self.level)})>"


def _write_locked(descriptor: int, data: bytes) -> None:
    """Write all of it to a pipe or a terminal, one process at a time."""
    locks = _lock(descriptor, fcntl.LOCK_EX)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        if locks:
            _lock(descriptor, fcntl.LOCK_UN)


def _lock(descriptor: int, operation: int) -> bool:
    # lockf, not flock: forked children share the descriptor, and with it an flock.
    try:
        fcntl.lockf(descriptor, operation)
    except OSError:  # a device that knows no locks
        return False
    return True


def _append(descriptor: int, data: bytes) -> None:
    """Write a line to a file, whole or not at all."""
    written = os.write(descriptor, data)
    if written == len(data):
        return
    # No room for all of it. It is the end of the file unless another process has appended since.
    end = os.lseek(descriptor, 0, os.SEEK_CUR)
    if os.fstat(descriptor).st_size == end:
        os.ftruncate(descriptor, end - written)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _path(filename: object) -> str:
    if not isinstance(filename, (str, os.PathLike)) or not os.fspath(filename) or "\0" in str(filename):
        raise ConfigurationError(f"SharedFileHandler was given filename={filename!r}: it must be the path of a file.")
    path = os.path.abspath(os.fspath(filename))  # noqa: PTH100 - a later chdir must not move it
    folder = os.path.dirname(path)  # noqa: PTH120
    if not os.path.isdir(folder):  # noqa: PTH112
        raise ConfigurationError(
            f"SharedFileHandler was given filename={filename!r}, but there is no folder {folder!r}: make it first.",
        )
    if os.path.isdir(path):  # noqa: PTH112
        raise ConfigurationError(f"SharedFileHandler was given filename={filename!r}, which is a folder: name a file.")
    existing = path if os.path.exists(path) else folder  # noqa: PTH110
    if not os.access(existing, os.W_OK):
        raise ConfigurationError(
            f"SharedFileHandler was given filename={filename!r}, which this user may not write: "
            "change its owner or mode, or name another file.",
        )
    return path


def _encoding(name: object) -> str:
    try:
        "".encode(name)  # type: ignore[arg-type]
    except (LookupError, TypeError) as error:
        message = f"SharedFileHandler was given encoding={name!r}, which Python does not know."
        raise ConfigurationError(message) from error
    return str(name)
