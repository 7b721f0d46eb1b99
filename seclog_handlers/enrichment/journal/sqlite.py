"""A journal in a SQLite file, which forked workers share and which survives restarts."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from typing import TYPE_CHECKING

from seclog_handlers.enrichment.journal.book import MAX_ROWS, BookUnavailableError, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

# How long an event waits for other processes' turns; its rows are written with the next one's then.
BUSY_WAIT_S = 0.002
BUSY_PAUSE_S = 0.0005
# The same for the first event of a process, which makes the table.
OPEN_WAIT_S = 0.25
# Old rows go every so many writes.
TIDY_EVERY = 256

_SCHEMA = """CREATE TABLE IF NOT EXISTS risk_v1 (
    id INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL)"""
_READ = "SELECT id, origin, number, body FROM risk_v1 WHERE id > ? ORDER BY id LIMIT ?"
_TIDY = "DELETE FROM risk_v1 WHERE id <= (SELECT max(id) FROM risk_v1) - ?"

# Connections of a parent process: never used here, never closed either, since closing would touch its file.
_parents: list[sqlite3.Connection] = []


class SqliteBook:
    """Rows in a file, which may be the one that detection uses: one statement reads, one writes.

    Args:
        path: The file; made, readable by its owner only, when the first event comes.
    """

    def __init__(self, path: str) -> None:
        self.place = repr(path)
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._last = 0
        self._writes = 0
        self._busy = False

    def swap(self, rows: list[Row], most: int) -> tuple[list[Row], bool]:
        """Read what came since the last time, then write."""
        try:
            connection = self._connected()
            found = connection.execute(_READ, (self._last, most)).fetchall()
            written = not rows or self._write(connection, rows)
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            raise BookUnavailableError(f"{type(error).__name__}: {error}") from error
        if found:
            self._last = found[-1][0]
        return [Row(*row[1:]) for row in found], written

    def _write(self, connection: sqlite3.Connection, rows: list[Row]) -> bool:
        """Write rows; False if other processes write all the time that an event may wait."""
        marks = ",".join(["(?,?,?)"] * len(rows))
        statement = f"INSERT INTO risk_v1 (origin, number, body) VALUES {marks}"  # noqa: S608 - marks only
        values = [value for row in rows for value in row]
        # Who has waited in vain does not wait again until it goes.
        self._busy = not _patiently(connection, statement, values, 0.0 if self._busy else BUSY_WAIT_S)
        if self._busy:
            return False
        self._writes += 1
        if not self._writes % TIDY_EVERY:
            _patiently(connection, _TIDY, [MAX_ROWS], 0.0)
        return True

    def forget(self, texts: list[str]) -> int:
        """Drop rows, and what the file still shows of them."""
        try:
            connection = self._connected()
            connection.execute("PRAGMA secure_delete=ON")
            gone = [connection.execute("DELETE FROM risk_v1 WHERE instr(body, ?)", (text,)).rowcount for text in texts]
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, OSError) as error:
            raise BookUnavailableError(f"{type(error).__name__}: {error}") from error
        return sum(gone)

    def _connected(self) -> sqlite3.Connection:
        """Return this process's connection; a parent's is left alone."""
        if self._connection is None or self._pid != os.getpid():
            if self._connection is not None:
                _parents.append(self._connection)
            self._connection, self._pid = None, os.getpid()
            self._connection = _opened(self._path)
            [(newest,)] = self._connection.execute("SELECT coalesce(max(id), 0) FROM risk_v1").fetchall()
            self._last = min(self._last, newest)  # smaller where somebody has removed the file
        return self._connection

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            try:
                connection.close()
            except sqlite3.Error:
                pass  # it is given up either way

    def close(self) -> None:
        """Close this process's connection."""
        if self._pid == os.getpid():
            self._let_go()


def _opened(path: str) -> sqlite3.Connection:
    if not os.path.exists(path):  # noqa: PTH110 - no Path object for one question
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", _SCHEMA):
            if not _patiently(connection, statement, [], OPEN_WAIT_S):
                raise sqlite3.OperationalError("database is locked")
    except BaseException:
        connection.close()
        raise
    return connection


def _patiently(connection: sqlite3.Connection, statement: str, values: Sequence[object], seconds: float) -> bool:
    """Execute a statement that needs the write lock; False if others hold it for so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.execute(statement, values)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            if time.monotonic() >= deadline:
                return False
        else:
            return True
        time.sleep(BUSY_PAUSE_S * random.random())  # noqa: S311 - only so that waiters do not march in step
