"""A journal that never holds a caller up: what cannot be written now is written later, and the caller goes on alone."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import deque
from typing import NamedTuple, Protocol

from seclog_handlers.enrichment._recent import Recent
from seclog_handlers.errors import warn_once

# Seconds after a failure before the store is tried again.
RETRY_S = 5.0
# How long the end waits for other processes' turns.
CLOSE_WAIT_S = 1.0
# Rows that wait for a store that fails or is busy; the oldest go.
MAX_WAITING = 10_000
# Rows written, and rows read, at once: what one event may pay for.
MAX_WRITTEN = 50
MAX_READ = 200
# Rows that a store keeps; the oldest go.
MAX_ROWS = 20_000
# Processes whose rows are told from repeated ones.
MAX_PROCESSES = 1000


class BookUnavailableError(Exception):
    """The store cannot be used now."""


class Row(NamedTuple):
    """A row of the journal.

    Attributes:
        origin: The process that wrote it.
        number: Its number among those of that process.
        body: What it says.
    """

    origin: str
    number: int
    body: str


class Book(Protocol):
    """A store of rows in one order, which several processes read and write.

    Attributes:
        place: What to call it in a warning.
    """

    place: str

    def swap(self, rows: list[Row], most: int) -> tuple[list[Row], bool]:
        """Write rows at the end; return at most so many that were written since the last time.

        The second value tells whether the rows were written; where others write, they are not and come again.

        Raises:
            BookUnavailableError: If the store cannot be used; the rows may have been written or not.
        """
        ...

    def forget(self, texts: list[str]) -> int:
        """Drop the rows that hold one of these texts; return how many.

        Raises:
            BookUnavailableError: If the store cannot be used.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; the next `swap` opens them again."""
        ...


class Journal:
    """Tells other processes what this one has seen, and this one what they have.

    Args:
        book: Where it is written.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        # Process -> the number of its last row that was seen.
        self._seen: Recent[int] = Recent(MAX_PROCESSES)
        self._begin()

    def _forked(self) -> None:
        """Go on as a process of one's own; what the parent has seen is in its memory, which is this one's too."""
        self._seen[self._origin] = self._number
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        # Never waited for, so that it holds up nobody; and new in a child, where its owner is no more.
        self._turn = threading.Lock()
        self._waiting: deque[Row] = deque(maxlen=MAX_WAITING)
        self._origin = secrets.token_hex(6)
        self._number = 0
        self._retry_at = 0.0

    def swap(self, body: str | None = None) -> list[str]:
        """Add a row; return what other processes have added since the last time, oldest first.

        A store that fails costs one short wait in five seconds; what it misses is written when it is back. Another
        thread's turn is not waited for.
        """
        if self._pid != os.getpid():
            self._forked()
        if body is not None:
            self._number += 1
            self._waiting.append(Row(self._origin, self._number, body))
        if time.monotonic() < self._retry_at or not self._turn.acquire(blocking=False):
            return []
        try:
            return self._swapped()
        except BookUnavailableError as error:
            self._failed(error)
            return []
        finally:
            self._turn.release()

    def _swapped(self) -> list[str]:
        rows = [self._waiting[index] for index in range(min(len(self._waiting), MAX_WRITTEN))]
        found, written = self._book.swap(rows, MAX_READ)
        if written:
            for row in rows:
                if self._waiting and self._waiting[0] is row:
                    self._waiting.popleft()
        return [row.body for row in found if self._is_news(row)]

    def _is_news(self, row: Row) -> bool:
        """Tell whether a row is another process's and came for the first time; after a failure some come twice."""
        if row.origin == self._origin or row.number <= (self._seen.get(row.origin) or 0):
            return False
        self._seen[row.origin] = row.number
        return True

    def _failed(self, error: Exception) -> None:
        self._retry_at = time.monotonic() + RETRY_S
        warn_once(
            f"The risk state {self._book.place} cannot be used now ({error}); each process scores by what it has seen "
            "itself meanwhile, and tells the others later. Give a state in risk.state that this user may write to and "
            "that answers within milliseconds.",
            key=f"risk state {self._book.place}",
        )

    def forget(self, texts: list[str]) -> int:
        """Drop the rows that hold one of these texts, which are keys of people; return how many.

        Raises:
            BookUnavailableError: If the store cannot be used now.
        """
        return self._book.forget(texts)

    def close(self) -> list[str]:
        """Write what waits, as far as the store takes it within a second, and let go of it.

        Returns:
            What other processes have added meanwhile.
        """
        found: list[str] = []
        deadline = time.monotonic() + CLOSE_WAIT_S
        self._retry_at = 0.0
        while self._waiting and deadline > time.monotonic() >= self._retry_at:
            found += self.swap()
        self._book.close()
        return found
