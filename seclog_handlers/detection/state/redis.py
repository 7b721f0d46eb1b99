"""State in Redis, which processes on several hosts share: one round trip reads an event's entries, one writes them."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seclog_handlers.detection.state.entry import (
    NEVER,
    Found,
    StateSlowError,
    StateUnavailableError,
    StateUncertainError,
    StateUnsureError,
)
from seclog_handlers.detection.state.optimistic import GONE, Bodies, Optimistic, changed
from seclog_handlers.errors import ConfigurationError, warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

# How long a connection and an answer may take; a slower Redis counts as dead (`?socket_timeout=` in the URL).
TIMEOUT_S = 0.002

PREFIX = "seclog:1:"
DUE = PREFIX + "due"
# Lost with everything else when Redis loses its data, and so says that it did.
EPOCH = PREFIX + "epoch"

# Characters before each text that change with it: they are compared instead of the text.
STAMP = 8

# Milliseconds that an entry stays after it expired by event time: hosts' clocks may differ by that.
LINGER = 60_000
OFFSET_LINGER_S = 400 * 86400
MAX_DUE = 200
SCAN = 500

# Everything still the same? Then everything new, which process did it last, and when the next incident is due. An
# atomic step of Redis.
_WRITE = """
local count = tonumber(ARGV[1])
if redis.call('GET', KEYS[count + 2]) ~= ARGV[2] then return {-1, ''} end
for index = 1, count do
  if redis.call('GETRANGE', KEYS[index], 0, 7) ~= ARGV[2 + index] then return {0, ''} end
end
redis.call('SET', KEYS[count + 3], ARGV[3 + count], 'PX', 60000)
for place = 4 + count, #ARGV, 5 do
  local key = KEYS[tonumber(ARGV[place])]
  if ARGV[place + 2] == '' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, ARGV[place + 2], 'PX', ARGV[place + 3])
  end
  if ARGV[place + 4] == '0' then
    redis.call('ZREM', KEYS[count + 1], ARGV[place + 1])
  else
    redis.call('ZADD', KEYS[count + 1], ARGV[place + 4], ARGV[place + 1])
  end
end
return {1, redis.call('ZRANGE', KEYS[count + 1], 0, 0, 'WITHSCORES')[2] or ''}
"""


class RedisState(Optimistic):
    """Entries in Redis. Its clock expires keys, and decides nothing else.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py takes it.

    Raises:
        ConfigurationError: Without the package `redis`, or for a URL that it does not take.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._place = urlsplit(url).hostname or urlsplit(url).path or "localhost"
        self._client, self._failures = connect(url)
        self._late = late()
        self._script = self._client.register_script(_WRITE)
        self._stamps: dict[str, str] = {}
        self._last = _own_key()
        self._epoch = ""

    def _asked(self, command: str, *values: Any) -> Any:
        """Ask Redis; whatever goes wrong makes the store unavailable, or slow."""
        try:
            return getattr(self._client, command)(*values)
        except self._late as error:
            raise StateSlowError(type(error).__name__, partial(self._unavailable, error)) from error
        except self._failures as error:
            raise self._unavailable(error) from error

    def _read(self, keys: Sequence[str]) -> Bodies:
        if not self._epoch:
            self._asked("setnx", EPOCH, secrets.token_hex(8))
            self._epoch = self._asked("get", EPOCH) or ""
        if not keys:
            return {}
        texts = self._asked("mget", [PREFIX + key for key in keys])
        found = {key: text for key, text in zip(keys, texts, strict=True) if type(text) is str}
        self._stamps = {key: text[:STAMP] for key, text in found.items()}
        return {key: text[STAMP:] for key, text in found.items()}

    def _write(self, keys: Sequence[str], before: Bodies, found: Found, now: int, deadline: float) -> bool:  # noqa: ARG002 - one signature
        all_keys = list(dict.fromkeys([*keys, *found]))
        places = {key: index for index, key in enumerate(all_keys, 1)}
        rows: list[Any] = []
        for key, body, entry in changed(before, found):
            stays = max(entry.expires - now, 0) + LINGER
            rows += (places[key], key, "" if body == GONE else secrets.token_hex(STAMP // 2) + body, stays, entry.due)
        if not rows:
            return True
        attempt = secrets.token_hex(8)
        values = [len(all_keys), self._epoch, *(self._stamps.get(key, "") for key in all_keys), attempt, *rows]
        try:
            code, due = self._script([*(PREFIX + key for key in all_keys), DUE, EPOCH, self._last], values)
        except self._late as error:
            complain = partial(self._unavailable, error)
            raise StateUnsureError(
                type(error).__name__, complain, lambda: bool(self._asked("get", self._last) == attempt)
            ) from error
        except self._failures as error:
            raise StateUncertainError(str(self._unavailable(error))) from error
        if code < 0:
            raise self._unavailable(RuntimeError("Redis lost its data"))
        if code:
            self.next_due = int(float(due)) if due else NEVER
        return bool(code)

    def due_keys(self, now: int) -> list[str]:
        """Return keys of entries with an incident to resolve by `now`, and learn what is due after them."""
        keys: list[str] = self._asked("zrangebyscore", DUE, "-inf", now, 0, MAX_DUE)
        present = self._read(keys)
        lost = [key for key in keys if key not in present]
        if lost:
            self._asked("zrem", DUE, *lost)
        if len(keys) < MAX_DUE:
            self.next_due = self._earliest(f"({now}")
        return keys

    def earliest_due(self) -> int:
        """Return when the next incident is to be resolved; NEVER without any."""
        return self._earliest("-inf")

    def _earliest(self, after: str) -> int:
        found = self._asked("zrangebyscore", DUE, after, "+inf", 0, 1, True)
        return int(found[0][1]) if found else NEVER

    def offset(self, boot: str, candidate: float) -> float:
        """Return the clock's offset that the first process of this boot kept here."""
        key = f"{PREFIX}clock:{boot}"
        self._asked("set", key, repr(candidate), OFFSET_LINGER_S, None, True)  # nx, in redis-py's order
        return float(self._asked("get", key) or candidate)

    def forget(self, fragments: Sequence[str]) -> int:
        """Drop the entries that hold one of these texts."""
        gone, cursor = 0, 0
        while True:
            cursor, keys = self._asked("scan", cursor, PREFIX + "*", SCAN)
            texts = self._asked("mget", keys) if keys else []
            found = [key for key, text in zip(keys, texts, strict=True) if _holds(key, text, fragments)]
            for key in found:
                gone += self._asked("delete", key)
                self._asked("zrem", DUE, key[len(PREFIX) :])
            if not cursor:
                return gone

    def _unavailable(self, error: Exception) -> StateUnavailableError:
        self._epoch = ""
        warn_once(
            f"The detection state in Redis ({self._place}) cannot be used now ({type(error).__name__}); each process "
            "counts in its own memory meanwhile, so attacks spread over processes may be missed. Redis must answer "
            f"within {TIMEOUT_S * 1000:g} ms, or what socket_timeout in its URL says.",
            key=f"state {self._place}",
        )
        return StateUnavailableError(type(error).__name__)

    def after_fork(self) -> None:
        """Sign as another process; redis-py opens connections of its own in each."""
        self._last = _own_key()

    def close(self) -> None:
        """Close this process's connections; the next event opens one again."""
        self._epoch = ""
        try:
            self._client.close()
            self._client.connection_pool.disconnect()
        except Exception:
            pass  # they are given up either way


def _own_key() -> str:
    """Return where a process leaves what it wrote last, for a minute."""
    return f"{PREFIX}last:{secrets.token_hex(8)}"


def late() -> tuple[type[Exception], ...]:
    """Return what redis-py raises when Redis has not answered in time."""
    import redis  # noqa: PLC0415 - an extra, and loaded by now

    return (redis.TimeoutError, TimeoutError)


def _holds(key: str, text: Any, fragments: Sequence[str]) -> bool:
    return type(text) is str and any(fragment in key or fragment in text for fragment in fragments)


def connect(url: str, setting: str = "state") -> tuple[Any, tuple[type[Exception], ...]]:
    """Return a client that fails fast, and what it raises when it does.

    Raises:
        ConfigurationError: If redis-py is missing or does not take the URL of this setting.
    """
    try:
        import redis  # noqa: PLC0415 - 77 ms, and an extra
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            f"The 'redis' package is needed for {setting}='redis://...'. Install seclog-handlers[redis].",
        ) from error
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0),
            decode_responses=True, protocol=2,
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{setting} is a Redis URL that redis-py does not take ({type(error).__name__}): "
            "give 'redis://[user:password@]host:port/number'.",
        ) from error
    return client, (redis.RedisError, OSError, ValueError)
