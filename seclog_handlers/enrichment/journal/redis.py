"""A journal in Redis, which hosts share: a stream, read and written in one round trip."""

from __future__ import annotations

from urllib.parse import urlsplit

from seclog_handlers.detection.state.redis import connect
from seclog_handlers.enrichment.journal.book import MAX_ROWS, BookUnavailableError, Row

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
        self._client, self._failures = connect(url, "risk.state")
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
