"""Alerts left by processes that had other channels: they are taken over, since their senders will not come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seclog_handlers.handlers.alerts.content import decoded
from seclog_handlers.handlers.alerts.journal import read_history
from seclog_handlers.handlers.alerts.spool import SUFFIX, Reader, holds_alerts


def adopt(root: Path, living: set[Path | None], take: Callable[[bytes], None]) -> None:
    """Hand every waiting alert of dead processes with other channels to `take`, and remove their files.

    Args:
        root: The spool.
        living: Folders that handlers of this process use.
        take: Appends a line to this process's own file.
    """
    for folder in sorted(root.iterdir()):
        if folder not in living and holds_alerts(folder):
            _adopt_folder(folder, take)


def _adopt_folder(folder: Path, take: Callable[[bytes], None]) -> None:
    reader = Reader(folder)
    if not reader.lead():
        return
    try:
        for path in sorted(folder.glob("*" + SUFFIX)):
            if reader.is_abandoned(path.name):
                for line in waiting_lines(path, folder):
                    take(line)
                path.unlink()
    finally:
        reader.close()


def waiting_lines(path: Path, folder: Path) -> list[bytes]:
    """Return the lines of one file that are not settled."""
    finished = read_history(folder).finished
    lines, offset = [], 0
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []  # all of it was settled meanwhile
    for line in content.splitlines(keepends=True):
        if decoded(line) is not None and (path.name, offset) not in finished:
            lines.append(line)
        offset += len(line)
    return lines
