"""A record's time as RFC 3339 text."""

from __future__ import annotations

import math
import time
from typing import Any

_LAST_YEAR = 9999  # RFC 3339 has four digits


_HALF_MICROSECOND = 0.0005  # in milliseconds: 1.001 s is 1000.9999999999999 ms in floating point
_MILLIS = tuple(f"{millis:03d}Z" for millis in range(1000))


class Timestamps:
    """Writes times as RFC 3339, UTC, cut to milliseconds; remembers the text of the current second."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known = (0, "1970-01-01T00:00:00.")  # the second, in milliseconds, and its text

    def text(self, created: Any) -> str:
        """Return the time as text; the time of the call if `created` is no time (None, NaN, year 10000).

        Args:
            created: Seconds since the epoch, as logging puts them on a record.
        """
        if type(created) is float and created > 0:
            start, text = self._known
            # Written out, since every line asks; neither NaN nor infinity comes this way.
            millis = created * 1000 + _HALF_MICROSECOND - start
            if 0 <= millis < 1000:  # noqa: PLR2004 - a second
                return text + _MILLIS[int(millis)]
        try:
            return self._text(created if type(created) is float else _number(created))
        except Exception:
            return self._text(time.time())

    def _text(self, created: float) -> str:
        exact = created * 1000 + _HALF_MICROSECOND
        millis = int(exact) if exact >= 0 else math.floor(exact)
        second = millis // 1000
        text = _second_text(second)
        self._known = second * 1000, text
        return text + _MILLIS[millis - second * 1000]


def _number(created: Any) -> float:
    return float(created) if type(created) is int else float.__float__(created)


def _second_text(second: int) -> str:
    year, month, day, hour, minute, seconds, *_ = time.gmtime(second)
    if not 1 <= year <= _LAST_YEAR:
        raise ValueError
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{seconds:02d}."
