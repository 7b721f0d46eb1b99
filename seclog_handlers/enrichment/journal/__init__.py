"""What processes tell each other of the logins they see: a journal in a SQLite file or in Redis, for risk.state."""

from __future__ import annotations

from typing import Any

from seclog_handlers._config import secret
from seclog_handlers.enrichment.journal.book import BookUnavailableError, Journal
from seclog_handlers.errors import ConfigurationError

__all__ = ["MEMORY", "BookUnavailableError", "Journal", "open_journal", "shown"]

MEMORY = "memory://"
_SQLITE = "sqlite:///"
_REDIS = ("redis://", "rediss://", "unix://")
_REFERENCES = ("env:", "file:")


def open_journal(url: Any) -> Journal | None:
    """Return the journal for the URL of a state, None for `memory://`; nothing is opened yet.

    Args:
        url: `memory://`; `sqlite:///relative/path` or `sqlite:////absolute/path`; `redis://`, `rediss://` or
            `unix://`; or `env:NAME`, `file:PATH` for one of them.

    Raises:
        ConfigurationError: For anything else.
    """
    found = secret("risk.state", url) if isinstance(url, str) and url.startswith(_REFERENCES) else url
    if found == MEMORY:
        return None
    if isinstance(found, str) and found.startswith(_REDIS):
        from seclog_handlers.enrichment.journal.redis import RedisBook  # noqa: PLC0415 - an extra

        return Journal(RedisBook(found))
    if isinstance(found, str) and found.startswith(_SQLITE):
        path = found[len(_SQLITE) :]
        if path and path != ":memory:":
            from seclog_handlers.enrichment.journal.sqlite import SqliteBook  # noqa: PLC0415 - sqlite3 at first use

            return Journal(SqliteBook(path))
    raise ConfigurationError(
        f"risk.state is {shown(url)!r}: it must be 'memory://', 'sqlite:///relative/path', "
        "'sqlite:////absolute/path' or 'redis://host:port/number'.",
    )


def shown(url: Any) -> Any:
    """Return a state's URL as an error may show it: without user and password."""
    if not isinstance(url, str) or "@" not in url:
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
