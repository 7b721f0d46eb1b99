"""Bringing SQLite's log into its file beside the log calls: the disk is waited for by a thread of its own.

A checkpoint waits for the disk twice, and so does the first write after it, which begins the log anew; each takes tens
of milliseconds. The thread does all three. Who writes meanwhile finds the file busy at most, and that is bounded.
"""

from __future__ import annotations

import os
import sqlite3
import threading

# A log of more pages is begun anew even if others must wait for it: 32 MiB. How long the thread waits for them.
LONG_LOG = 8192
BUSY_MS = 50

# Held while a thread has the file open: SQLite's own locks must not be held by a thread that a fork leaves behind.
_open = threading.Lock()

os.register_at_fork(before=_open.acquire, after_in_parent=_open.release, after_in_child=_open.release)


def checkpoint(path: str, *, beside: bool) -> None:
    """Bring the log of a file into it; nothing happens while that is done already.

    Args:
        path: Of the file.
        beside: Whether a thread does it, soon: no log call waits, but an event may find the file busy and be counted
            after the next one. A replay waits, since it tells the same each time.
    """
    if _open.locked():
        return
    if not beside:
        run(path)
        return
    try:
        threading.Thread(target=run, args=(path,), name="seclog-checkpoint", daemon=True).start()
    except RuntimeError:
        pass  # the interpreter is about to end; the next process does it


def run(path: str) -> None:
    """Bring the log of a file into it, as far as nobody needs it, and begin it anew."""
    with _open:
        try:
            connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        except sqlite3.Error:
            return
        try:
            connection.execute("PRAGMA synchronous=NORMAL")
            _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if pages > LONG_LOG:
                # Others write all the time, so the log never ends: they find the file busy until it does.
                connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
                connection.execute("PRAGMA wal_checkpoint(RESTART)")
                connection.execute("PRAGMA busy_timeout=0")
            # Changes nothing, but is written: the log's new beginning, which the disk must have before what follows.
            connection.execute("PRAGMA user_version=1")
        except sqlite3.Error:
            pass  # busy, or broken: the next event says so
        finally:
            connection.close()
