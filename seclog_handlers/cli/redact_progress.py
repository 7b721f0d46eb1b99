"""How far a long command is: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

EVERY = 0.2  # seconds
BAR = 30


class Progress:
    """Shows on standard error how much of the inputs has been read.

    Args:
        total: Bytes to read; None if that is unknown.
        shown: Whether there is a terminal to draw on.
    """

    def __init__(self, total: int | None, *, shown: bool) -> None:
        self._stream: TextIO = sys.stderr
        self._total = total
        self._done = 0
        self._drawn = 0.0
        self._shown = shown
        self._rich = _rich_bar(self._stream, total) if shown else None

    def advance(self, count: int) -> None:
        """Count more bytes as read; draws at most five times a second."""
        self._done += count
        if self._shown and time.monotonic() - self._drawn >= EVERY:
            self._drawn = time.monotonic()
            self._draw()

    def _draw(self) -> None:
        if self._rich is not None:
            self._rich.update(self._rich.task_ids[0], completed=self._done, refresh=True)
            return
        done = f"{self._done / 1e6:,.1f} MB"
        if self._total:
            part = min(1.0, self._done / self._total)
            done = f"[{'#' * round(part * BAR):<{BAR}}] {part:4.0%} of {self._total / 1e6:,.1f} MB"
        self._stream.write(f"\r{done}")
        self._stream.flush()

    def close(self) -> None:
        """Remove the bar."""
        if self._rich is not None:
            self._rich.stop()
        elif self._shown and self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _rich_bar(stream: TextIO, total: int | None) -> Any:
    try:
        from rich import progress  # noqa: PLC0415 - optional
        from rich.console import Console  # noqa: PLC0415
    except ImportError:
        return None
    speed, left = progress.TransferSpeedColumn(), progress.TimeRemainingColumn()
    columns = (progress.BarColumn(), progress.DownloadColumn(), speed, left)
    # No thread of its own: worker processes are forked beside it.
    bar = progress.Progress(*columns, console=Console(file=stream), auto_refresh=False, transient=True)
    bar.add_task("", total=total)
    bar.start()
    return bar
