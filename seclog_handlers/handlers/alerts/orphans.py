"""Alerts left by processes that had other channels: they are taken over, since their senders will not come back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seclog_handlers.handlers.alerts.content import decoded
from seclog_handlers.handlers.alerts.journal import read_history
from seclog_handlers.handlers.alerts.reading import Reader, program
from seclog_handlers.handlers.alerts.spool import LOCK, SUFFIX

STRANGERS_WAIT = 3_600.0  # s


def adopt(root: Path, living: set[Path | None], take: Callable[[bytes], None]) -> None:
    """Hand every waiting alert of dead processes with other channels to `take`, and remove their files.

    What another program has left is taken only when it has lain there for long: the program may be about to start
    again, and its alerts are for other people.

    Args:
        root: The spool.
        living: Folders that handlers of this process use.
        take: Appends a line to this process's own file.
    """
    for folder in _listed(root):
        if folder not in living:
            _adopt_folder(folder, take)


def _listed(folder: Path, pattern: str = "*") -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []  # another user's, or gone


def _adopt_folder(folder: Path, take: Callable[[bytes], None]) -> None:
    reader = Reader(folder)
    try:
        paths = _listed(folder, "*" + SUFFIX)
        if not paths or not _is_ours(folder, paths) or not reader.lead():
            return
        for path in paths:
            if reader.is_abandoned(path.name):
                for line, *_ in waiting_lines(path, folder):
                    take(line)
                path.unlink()
    except OSError:
        pass  # it cannot be read: its own user's processes will send it
    finally:
        reader.close()


def _is_ours(folder: Path, paths: list[Path]) -> bool:
    try:
        left_by = (folder / LOCK).read_bytes()
    except FileNotFoundError:
        return True  # nobody has sent there yet
    latest = max(path.stat().st_mtime for path in paths)
    return left_by in {b"", program()} or time.time() - latest > STRANGERS_WAIT


def waiting_lines(path: Path, folder: Path) -> list[tuple[bytes, float, dict[str, Any]]]:
    """Return the lines of one file that are not settled, each with the time of its log call and its alert."""
    finished = read_history(folder).finished
    lines, offset = [], 0
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []  # all of it was settled meanwhile
    for line in data.splitlines(keepends=True):
        content = decoded(line)
        if content is not None and (path.name, offset) not in finished:
            lines.append((line, *content))
        offset += len(line)
    return lines
