"""State of detection behind one small protocol: in memory, or in a SQLite file that forked workers share."""

from __future__ import annotations

from typing import Any

from seclog_handlers.detection.state.entry import NEVER, Entry, State, StateUnavailableError
from seclog_handlers.detection.state.memory import MemoryState
from seclog_handlers.errors import ConfigurationError

__all__ = ["NEVER", "Entry", "MemoryState", "State", "StateUnavailableError", "open_state"]

_MEMORY = "memory://"
_SQLITE = "sqlite:///"


def open_state(url: Any) -> State:
    """Return the state for a URL; nothing is opened yet.

    Args:
        url: `memory://`, `sqlite:///relative/path` or `sqlite:////absolute/path`.

    Raises:
        ConfigurationError: For anything else.
    """
    if url == _MEMORY:
        return MemoryState()
    if isinstance(url, str) and url.startswith(_SQLITE):
        path = url[len(_SQLITE) :]
        if path and path != ":memory:":
            return _sqlite(path)
    raise ConfigurationError(
        f"state is {url!r}: it must be 'memory://', 'sqlite:///relative/path' or 'sqlite:////absolute/path'.",
    )


def _sqlite(path: str) -> State:
    from seclog_handlers.detection.state.failover import Failover  # noqa: PLC0415 - sqlite3 at first use
    from seclog_handlers.detection.state.sqlite import SqliteState  # noqa: PLC0415

    return Failover(SqliteState(path))
