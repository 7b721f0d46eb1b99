"""State of detection behind one small protocol: in memory, in a SQLite file, or in Redis."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from seclog_handlers._config import secret
from seclog_handlers.detection.state.entry import NEVER, Entry, State, StateUnavailableError
from seclog_handlers.detection.state.memory import MemoryState
from seclog_handlers.errors import ConfigurationError

__all__ = ["NEVER", "Entry", "MemoryState", "State", "StateUnavailableError", "open_state", "shown"]

_MEMORY = "memory://"
_SQLITE = "sqlite:///"
_REDIS = ("redis://", "rediss://", "unix://")
_REFERENCES = ("env:", "file:")


def open_state(url: Any) -> State:
    """Return the state for a URL; nothing is opened yet.

    Args:
        url: `memory://`; `sqlite:///relative/path` or `sqlite:////absolute/path`; `redis://`, `rediss://` or
            `unix://`; or `env:NAME`, `file:PATH` for one of them.

    Raises:
        ConfigurationError: For anything else.
    """
    found = secret("state", url) if isinstance(url, str) and url.startswith(_REFERENCES) else url
    if found == _MEMORY:
        return MemoryState()
    if isinstance(found, str) and found.startswith(_REDIS):
        return _redis(found)
    if isinstance(found, str) and found.startswith(_SQLITE):
        path = found[len(_SQLITE) :]
        if path and path != ":memory:":
            return _sqlite(path)
    raise ConfigurationError(
        f"state is {shown(url)!r}: it must be 'memory://', 'sqlite:///relative/path', 'sqlite:////absolute/path' or "
        "'redis://host:port/number'.",
    )


def shown(url: Any) -> Any:
    """Return a state's URL as an error may show it: without user, password and options."""
    if not isinstance(url, str) or "@" not in url:
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{urlsplit('//' + rest).netloc.rpartition('@')[2]}"


def _redis(url: str) -> State:
    from seclog_handlers.detection.state.failover import Failover  # noqa: PLC0415 - an extra
    from seclog_handlers.detection.state.redis import RedisState  # noqa: PLC0415

    return Failover(RedisState(url))


def _sqlite(path: str) -> State:
    from seclog_handlers.detection.state.failover import Failover  # noqa: PLC0415 - sqlite3 at first use
    from seclog_handlers.detection.state.sqlite import SqliteState  # noqa: PLC0415

    return Failover(SqliteState(path))
