"""State in a SQLite file that forked workers share and that survives a restart and a kill."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.state.checkpoint import checkpoint
from seclog_handlers.detection.state.entry import NEVER, Found, StateBusyError, StateUnavailableError
from seclog_handlers.detection.state.optimistic import GONE, Bodies, Optimistic, changed
from seclog_handlers.errors import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

# How long the first event of a process waits for others that begin too, and the pause between two tries.
OPEN_WAIT_S = 0.25
BUSY_PAUSE_S = 0.0005

# Every so many events so many rows are looked at: expired ones go, and light ones where the file is full.
TIDY_EVERY = 256
TIDY_ROWS = 512
MAX_PAGES = 32_768  # 128 MiB of 4 KiB
# The log comes into the file with an fsync, which takes tens of milliseconds: after so many events of a process, in a
# thread, and in a log call only where the log is as long as the file may be. SQLite's own way is each 140 events or so.
CHECKPOINT_EVERY = 512
# Events of so many milliseconds ago are no replay.
LIVE_MS = 5000
MAX_DUE = 200

SATURATED = "detector_state_saturated"

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS entries_v1 (
        key TEXT PRIMARY KEY, body TEXT NOT NULL,
        expires INTEGER NOT NULL, due INTEGER NOT NULL, weight INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS due_v1 ON entries_v1 (due) WHERE due > 0",
    "CREATE TABLE IF NOT EXISTS clock_v1 (boot TEXT PRIMARY KEY, seconds REAL NOT NULL)",
)
_DUE = "SELECT key FROM entries_v1 WHERE due > 0 AND due <= ? ORDER BY due, key LIMIT ?"
_EARLIEST = "SELECT min(due) FROM entries_v1 WHERE due > 0"
_DELETE = "DELETE FROM entries_v1 WHERE key = ? AND expires = ? AND weight = ?"
_ROWS = "SELECT key, expires, weight, due FROM entries_v1 WHERE key > ? ORDER BY key LIMIT ?"

# Connections of a parent process: never used here, never closed either, since closing would touch its file.
_parents: list[sqlite3.Connection] = []


class SqliteState(Optimistic):
    """Entries in a file: one statement reads an event's entries, one writes them.

    Args:
        path: The file; made, readable by its owner only, when the first event comes.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._writes = 0
        self._cursor = ""

    def _patience(self) -> float:
        return OPEN_WAIT_S if self._connection is None or self._pid != os.getpid() else super()._patience()

    def _read(self, keys: Sequence[str]) -> Bodies:
        connection = self._connected()
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, body FROM entries_v1 WHERE key IN ({marks})"  # noqa: S608 - marks only
        try:
            return dict(connection.execute(query, keys).fetchall())
        except sqlite3.OperationalError as error:
            raise (StateBusyError(str(error)) if "locked" in str(error) else self._unavailable(error)) from error
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _write(self, keys: Sequence[str], before: Bodies, found: Found, now: int, deadline: float) -> bool:
        rows: list[Any] = []
        for key, body, entry in changed(before, found):
            rows += (key, body, 0 if body == GONE else entry.expires, entry.due, entry.weight)
            if entry.due and entry.due < self.next_due:
                self.next_due = entry.due
        if not rows:
            return True
        same = [value for key in keys for value in (key, before.get(key))]
        written = self._patiently(_write(len(rows) // 5, len(keys)), [*rows, *same], deadline) > 0
        self._writes += 1
        if not self._writes % TIDY_EVERY:
            self._tidy(now)
        if not self._writes % CHECKPOINT_EVERY:
            checkpoint(self._path, beside=abs(time.time() * 1000 - now) < LIVE_MS)
        return written

    def _patiently(self, statement: str, values: Sequence[Any], deadline: float) -> int:
        """Execute a statement that needs the file's write lock; return how many rows it changed."""
        connection = self._connected()
        while True:
            try:
                return connection.execute(statement, values).rowcount
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise self._unavailable(error) from error
                if time.monotonic() >= deadline:
                    raise StateBusyError(str(error)) from error
            except sqlite3.Error as error:
                raise self._unavailable(error) from error
            time.sleep(BUSY_PAUSE_S * random.random())  # noqa: S311 - only so that waiters do not march in step

    def _tidy(self, now: int) -> None:
        """Look at the next rows every now and then: the file stays small, and no event pays for all."""
        connection = self._connected()
        try:
            rows = connection.execute(_ROWS, (self._cursor, TIDY_ROWS)).fetchall()
            self._cursor = rows[-1][0] if len(rows) == TIDY_ROWS else ""
            full = _pages(connection) > MAX_PAGES
            lightest = min((weight for _, _, weight, due in rows if not due), default=0)
            light = [
                key for key, expires, weight, due in rows if full and not due and weight <= lightest and expires >= now
            ]
            if light and SATURATED not in self.notices:
                self.notices.append(SATURATED)
            gone = light + [key for key, expires, _, _ in rows if expires < now]
            # What has changed since it was looked at stays.
            known = {key: (expires, weight) for key, expires, weight, _ in rows}
            connection.executemany(_DELETE, [(key, *known[key]) for key in gone])
            # Incidents of other processes, which may have ended without resolving them.
            self.next_due = min(self.next_due, connection.execute(_EARLIEST).fetchone()[0] or NEVER)
        except sqlite3.OperationalError:
            pass  # busy: the next one tidies

    def due_keys(self, now: int) -> list[str]:
        """Return keys of rows with an incident to resolve by `now`, and learn what is due after them."""
        connection = self._connected()
        try:
            keys = [key for (key,) in connection.execute(_DUE, (now, MAX_DUE))]
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        if len(keys) < MAX_DUE:
            self.next_due = self._earliest_after(now)
        return keys

    def _earliest_after(self, now: int) -> int:
        connection = self._connected()
        try:
            return int(connection.execute(f"{_EARLIEST} AND due > ?", (now,)).fetchone()[0] or NEVER)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def earliest_due(self) -> int:
        """Return when the next incident is to be resolved; NEVER without any."""
        return self._earliest_after(0)

    def offset(self, boot: str, candidate: float) -> float:
        """Return the clock's offset that the first process of this boot left; that of other boots is forgotten."""
        connection = self._connected()
        known = "SELECT seconds FROM clock_v1 WHERE boot = ?"
        try:
            row = connection.execute(known, (boot,)).fetchone()
            if row is None:
                connection.execute("DELETE FROM clock_v1 WHERE boot <> ?", (boot,))
                connection.execute("INSERT OR IGNORE INTO clock_v1 VALUES (?, ?)", (boot, candidate))
                row = connection.execute(known, (boot,)).fetchone()
        except sqlite3.OperationalError as error:
            raise StateBusyError(str(error)) from error
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        return float(row[0])

    def forget(self, fragments: Sequence[str]) -> int:
        """Drop the rows that hold one of these texts, and what the file still shows of them."""
        connection = self._connected()
        try:
            _opening(connection, "PRAGMA secure_delete=ON")
            deleted = [
                connection.execute(
                    "DELETE FROM entries_v1 WHERE instr(key, ?) OR instr(body, ?)", (text, text)
                ).rowcount
                for text in fragments
            ]
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            raise StateBusyError(str(error)) from error
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        return sum(deleted)

    def _connected(self) -> sqlite3.Connection:
        """Return this process's connection; a parent's is left alone."""
        if self._connection is None or self._pid != os.getpid():
            if self._connection is not None:
                _parents.append(self._connection)
            self._connection = None
            self._pid = os.getpid()
            self.next_due = 0
            try:
                self._connection = _opened(self._path)
            except (sqlite3.Error, OSError) as error:
                raise self._unavailable(error) from error
        return self._connection

    def _unavailable(self, error: Exception) -> StateUnavailableError:
        """Let go of the connection and say once, in this process, what is wrong."""
        if self._pid == os.getpid():
            self._close()
        warn_once(
            f"The detection state {self._path!r} cannot be used now ({type(error).__name__}: {error}); each "
            f"process "
            "counts in its own memory meanwhile, so attacks spread over workers may be missed. Give a path "
            "that the "
            "application may write to.",
            key=f"state {self._path}",
        )
        return StateUnavailableError(str(error))

    def after_fork(self) -> None:
        """Nothing: the file's incidents are everybody's, and the next event opens a connection of its own."""

    def close(self) -> None:
        """Close this process's connection; the next event opens it again."""
        if self._pid == os.getpid():
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                pass  # it is given up either way


def _opened(path: str) -> sqlite3.Connection:
    if not os.path.exists(path):  # noqa: PTH110 - no Path object for one question
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        _opening(connection, "PRAGMA journal_mode=WAL")
        # Survives a kill; a power cut may take the last moments, never the file.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={MAX_PAGES}")
        for statement in _SCHEMA:
            _opening(connection, statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _opening(connection: sqlite3.Connection, statement: str) -> None:
    """Execute a statement of the beginning, waiting for other processes that begin at the same moment."""
    deadline = time.monotonic() + OPEN_WAIT_S
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
        else:
            return
        time.sleep(BUSY_PAUSE_S * random.random())  # noqa: S311 - only so that waiters do not march in step


@lru_cache(maxsize=64)
def _write(rows: int, keys: int) -> str:
    """Return the statement that writes so many rows if so many texts are still what they were."""
    values = ",".join(["(?,?,?,?,?)"] * rows)
    same = " AND ".join(["(SELECT body FROM entries_v1 WHERE key = ?) IS ?"] * keys)
    return f"INSERT OR REPLACE INTO entries_v1 SELECT * FROM (VALUES {values}) WHERE {same}"  # noqa: S608 - marks only


def _pages(connection: sqlite3.Connection) -> int:
    used = connection.execute("PRAGMA page_count").fetchone()[0]
    return int(used) - int(connection.execute("PRAGMA freelist_count").fetchone()[0])
