"""State in a SQLite file that forked workers share and that survives a restart and a kill."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.state.entry import (
    NEVER,
    Entry,
    Found,
    Result,
    State,
    StateUnavailableError,
    Transition,
)
from seclog_handlers.errors import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

# How long one event waits for other processes' turns before local state takes over.
BUSY_WAIT_S = 0.25
BUSY_PAUSE_S = 0.0005

# Every so many events so many rows are looked at: expired ones go, and light ones where the file is full.
TIDY_EVERY = 256
TIDY_ROWS = 512
MAX_PAGES = 32_768  # 128 MiB of 4 KiB
MAX_DUE = 200

SATURATED = "detector_state_saturated"

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS entries_v1 (
        key TEXT PRIMARY KEY, body TEXT NOT NULL,
        expires INTEGER NOT NULL, due INTEGER NOT NULL, weight INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS due_v1 ON entries_v1 (due) WHERE due > 0",
)
_DUE = "SELECT key FROM entries_v1 WHERE due > 0 AND due <= ? ORDER BY due, key LIMIT ?"
_EARLIEST = "SELECT min(due) FROM entries_v1 WHERE due > 0"
_ROWS = "SELECT key, expires, weight, due FROM entries_v1 WHERE key > ? ORDER BY key LIMIT ?"

# Connections of a parent process: never used here, never closed either, since closing would touch its file.
_parents: list[sqlite3.Connection] = []


class SqliteState:
    """Entries in a file, one transaction an event.

    Args:
        path: The file; made, readable by its owner only, when the first event comes.
    """

    shared = True
    backup: State | None = None

    def __init__(self, path: str) -> None:
        self.notices: list[str] = []
        self.next_due = 0  # unknown: another process may have left incidents
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._writes = 0
        self._cursor = ""

    def apply(self, keys: Sequence[str], now: int, transition: Transition[Result]) -> Result:
        """Run `transition` on the rows of `keys` and store what it leaves, in one transaction."""
        connection = self._connected()
        try:
            # The lock first, so that no other process changes what is about to be read.
            _patiently(connection, "BEGIN IMMEDIATE")
            try:
                found = _load(connection, keys)
                known = set(found)
                result = transition(found)
                self._store(connection, found, known)
                self._tidy(connection, now)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        return result

    def _store(self, connection: sqlite3.Connection, found: Found, known: set[str]) -> None:
        rows: list[Any] = []
        gone = []
        for key, entry in found.items():
            if entry.weight or entry.incidents:
                body = json.dumps(entry.pack(), separators=(",", ":"))
                rows += (key, body, entry.expires, entry.due, entry.weight)
                if entry.due and entry.due < self.next_due:
                    self.next_due = entry.due
            elif key in known:
                gone.append(key)
        if rows:
            values = ",".join(["(?,?,?,?,?)"] * (len(rows) // 5))
            connection.execute(f"INSERT OR REPLACE INTO entries_v1 VALUES {values}", rows)  # noqa: S608 - marks only
        if gone:
            _delete(connection, gone)

    def _tidy(self, connection: sqlite3.Connection, now: int) -> None:
        """Look at the next rows every now and then: the file stays small, and no event pays for all."""
        self._writes += 1
        if self._writes % TIDY_EVERY:
            return
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
        if gone:
            _delete(connection, gone)
        # Incidents of other processes, which may have ended without resolving them.
        self.next_due = min(self.next_due, connection.execute(_EARLIEST).fetchone()[0] or NEVER)

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
        _patiently(connection, "PRAGMA journal_mode=WAL")
        # Survives a kill; a power cut may take the last moments, never the file.
        connection.execute("PRAGMA synchronous=NORMAL")
        for statement in _SCHEMA:
            _patiently(connection, statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Execute a statement that needs the file's write lock, waiting for other processes' turns."""
    deadline = time.monotonic() + BUSY_WAIT_S
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
        else:
            return
        time.sleep(BUSY_PAUSE_S * random.random())  # noqa: S311 - only so that waiters do not march in step


def _load(connection: sqlite3.Connection, keys: Sequence[str]) -> Found:
    wanted = list(dict.fromkeys(keys))
    marks = ",".join("?" * len(wanted))
    rows = connection.execute(f"SELECT key, body FROM entries_v1 WHERE key IN ({marks})", wanted)  # noqa: S608
    return {key: entry for key, body in rows if (entry := _unpacked(body)) is not None}


def _unpacked(body: str) -> Entry | None:
    """Return the entry of a row; a row that somebody else wrote into the file counts as none."""
    try:
        return Entry.unpack(json.loads(body))
    except (ValueError, TypeError):
        return None


def _delete(connection: sqlite3.Connection, keys: list[str]) -> None:
    connection.executemany("DELETE FROM entries_v1 WHERE key = ?", [(key,) for key in keys])


def _pages(connection: sqlite3.Connection) -> int:
    used = connection.execute("PRAGMA page_count").fetchone()[0]
    return int(used) - int(connection.execute("PRAGMA freelist_count").fetchone()[0])
