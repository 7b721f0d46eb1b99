"""The file whose one word is the mode while the program runs: the switch for the person at 3 a.m."""

from __future__ import annotations

import os
import stat
import time

from seclog_handlers.errors import warn_once
from seclog_handlers.policy import MODES

# A record looks at the file at most this often; together with the next record a switch takes effect within 5 s.
LOOK_EVERY_S = 2.0
# More than the longest word and some white space; the rest of a huge file is not read.
MAX_BYTES = 64

_WAY_OUT = f"Write one word into it: {', '.join(MODES)}."


class ControlFile:
    """Watches the file, without a thread: whoever asks learns of a new word.

    A file that is missing, is no regular file, may be written by everybody or holds another word changes nothing,
    and is named once for each such reason.

    Args:
        path: The file; relative to the working directory of the start.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)  # noqa: PTH100 - a later chdir must not move it
        self.next_look = 0.0
        self._seen: tuple[int, ...] | None = None

    def look(self) -> str | None:
        """Return the mode that the file asks for if it has changed since the last look, else None."""
        self.next_look = time.monotonic() + LOOK_EVERY_S
        try:
            return self._changed()
        except (OSError, ValueError) as error:
            self._seen = None
            self._ignore(getattr(error, "strerror", None) or type(error).__name__)
            return None

    def _changed(self) -> str | None:
        found = os.stat(self.path)  # noqa: PTH116 - every 2 s on the way of a record
        seen = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)
        if seen == self._seen:
            return None
        self._seen = seen
        word = None
        if not stat.S_ISREG(found.st_mode):
            self._ignore("it is no regular file")
        elif found.st_mode & stat.S_IWOTH:
            self._ignore("everybody may write it")
        else:
            word = self._read()
            if word not in MODES:
                self._ignore("it holds another word")
        return word if word in MODES else None

    def _read(self) -> str:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.read(descriptor, MAX_BYTES).decode("ascii", "replace").strip().lower()
        finally:
            os.close(descriptor)

    def _ignore(self, reason: str) -> None:
        warn_once(f"The control file {self.path!r} is ignored ({reason}), so the mode stays as it is. {_WAY_OUT}")
