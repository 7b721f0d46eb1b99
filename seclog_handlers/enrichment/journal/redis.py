"""A journal in Redis, which hosts share: a stream, read and written in one round trip."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from seclog_handlers.enrichment.journal.book import MAX_ROWS, BookUnavailableError, Row
from seclog_handlers.errors import ConfigurationError

# How long a connection and an answer may take; a slower Redis counts as dead (`?socket_timeout=` in the URL).
TIMEOUT_S = 0.002
STREAM = "seclog:1:risk"
# The stream goes when nobody has written for so long.
KEPT_S = 90 * 86400
SCAN = 500


class RedisBook:
    """Rows in a stream of Redis, about the last 20,000.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py takes it.

    Raises:
        ConfigurationError: Without the package `redis`, or for a URL that it does not take.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.place = f"in Redis ({parts.hostname or parts.path or 'localhost'})"
        self._client, self._failures = _client(url)
        self._last = "-"

    def swap(self, rows: list[Row], most: int) -> tuple[list[Row], bool]:
        """Read what came since the last time, and write."""
        try:
            pipeline = self._client.pipeline(transaction=False)
            pipeline.xrange(STREAM, self._last, "+", most)
            for row in rows:
                fields = {"origin": row.origin, "number": row.number, "body": row.body}
                pipeline.xadd(STREAM, fields, maxlen=MAX_ROWS, approximate=True)
            if rows:
                pipeline.expire(STREAM, KEPT_S)
            entries = pipeline.execute()[0]
        except self._failures as error:
            raise BookUnavailableError(type(error).__name__) from error
        if entries:
            self._last = "(" + entries[-1][0]
        found = [_row(fields) for _, fields in entries]
        return [row for row in found if row is not None], True

    def forget(self, texts: list[str]) -> int:
        """Drop the rows that hold one of these texts."""
        gone, position = 0, "-"
        try:
            while entries := self._client.xrange(STREAM, position, "+", SCAN):
                position = "(" + entries[-1][0]
                found = [name for name, fields in entries if any(text in str(fields.get("body")) for text in texts)]
                gone += self._client.xdel(STREAM, *found) if found else 0
        except self._failures as error:
            raise BookUnavailableError(type(error).__name__) from error
        return gone

    def close(self) -> None:
        """Close this process's connections."""
        try:
            self._client.close()
            self._client.connection_pool.disconnect()
        except Exception:
            pass  # they are given up either way


def _row(fields: dict[str, str]) -> Row | None:
    try:
        return Row(fields["origin"], int(fields["number"]), fields["body"])
    except (KeyError, ValueError):
        return None  # somebody else's


def _client(url: str) -> tuple[Any, tuple[type[Exception], ...]]:
    try:
        import redis  # noqa: PLC0415 - 77 ms, and an extra
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "The 'redis' package is needed for risk.state='redis://...'. Install seclog-handlers[redis].",
        ) from error
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0),
            decode_responses=True, protocol=2,
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"risk.state is a Redis URL that redis-py does not take ({type(error).__name__}): "
            "give 'redis://[user:password@]host:port/number'.",
        ) from error
    return client, (redis.RedisError, OSError, ValueError)
