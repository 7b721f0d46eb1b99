"""Times in log lines: with and without a zone, with and without a year."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from seclog_handlers.errors import ConfigurationError

MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1,
    )
}  # fmt: skip
# A step between months larger than this is the turn of a year, not a log that goes back.
HALF_A_YEAR = 6
_SYSLOG_LENGTH = len("Nov 30 06:39:00")
_UTC_LENGTH = len("2026-01-02T03:04:05.678Z")


def zone(name: str) -> tzinfo:
    """Return the zone that a name or an offset such as `+02:00` gives.

    Raises:
        ConfigurationError: If there is none.
    """
    import zoneinfo  # noqa: PLC0415 - not to parse a command line

    if name.upper() in ("UTC", "Z"):
        return timezone.utc
    if name[:1] in "+-":
        return _offset(name)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        text = f"--tz is {name!r}: give a name such as Europe/Berlin, or an offset as +02:00."
        raise ConfigurationError(text) from None


def _offset(text: str) -> timezone:
    digits = text[1:].replace(":", "")
    if len(digits) != 4 or not digits.isdecimal() or int(digits[2:]) >= 60 or int(digits[:2]) >= 24:  # noqa: PLR2004
        raise ConfigurationError(f"--tz is {text!r}: an offset is written as +02:00.")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-span if text[0] == "-" else span)


class Clock:
    """Reads times; each of its readers returns seconds since the epoch, or None for what is no time.

    Args:
        local: Zone of the times that say none.
        year: Year of the first time that lacks one.
    """

    def __init__(self, local: tzinfo, year: int) -> None:
        self._local = local
        self._year = year
        self._month = 0
        # The last minute, and the last day and minute in UTC, that were read: lines of a log share them.
        self._minute: tuple[str, float] = ("", 0.0)
        self._day: tuple[str, float] = ("", 0.0)
        self._iso_minute: tuple[str, float] = ("", 0.0)

    def syslog(self, text: str) -> float | None:
        """Read `Nov 30 06:39:00`: the year follows from where the months turn over."""
        minute, base = self._minute
        if text[:12] != minute:
            found = self._syslog_minute(text)
            if found is None:
                return None
            self._minute = (text[:12], found)
            base = found
        try:
            return base + (int(text[13:]) if len(text) == _SYSLOG_LENGTH else float(text[13:]))
        except ValueError:
            return None

    def _syslog_minute(self, text: str) -> float | None:
        month = MONTHS.get(text[:3])
        if month is None:
            return None
        if self._month:
            step = month - self._month
            self._year += (step < -HALF_A_YEAR) - (step > HALF_A_YEAR)
        self._month = month
        try:
            moment = datetime(
                self._year, month, int(text[4:6]), int(text[7:9]), int(text[10:12]), tzinfo=self._local,
            )  # fmt: skip
        except ValueError:
            return None
        return moment.timestamp()

    def iso(self, text: str) -> float | None:
        """Read ISO 8601, with `T` or a space, `.` or `,` before the fraction, and `Z`, an offset or no zone."""
        if len(text) == _UTC_LENGTH and text[-1] == "Z":
            minute, base = self._iso_minute
            try:
                if text[:17] == minute and text[19] == ".":
                    return base + float(text[17:23])
                day, base = self._day
                if text[:11] == day and text[13:20:3] == "::.":
                    base = base + int(text[11:13]) * 3600 + int(text[14:16]) * 60
                    self._iso_minute = (text[:17], base)
                    return base + float(text[17:23])
            except ValueError:
                return None
        return self._any_iso(text)

    def _any_iso(self, text: str) -> float | None:
        head, zone = text.strip().replace(",", ".").replace("Z", "+00:00"), ""
        for sign in "+-":
            at = head.rfind(sign)
            if at > len("2026-01-02T"):
                head, zone = head[:at], head[at:]
        if len(zone) == len("+0000"):
            zone = f"{zone[:3]}:{zone[3:]}"
        whole, dot, fraction = head.partition(".")
        try:
            moment = datetime.fromisoformat(whole + (f".{fraction[:6]:0<6}" if dot else "") + zone)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._local)
            when = moment.timestamp()
        except (ValueError, OverflowError):
            return None
        if text[-1:] == "Z" and len(text) == _UTC_LENGTH:
            self._day = (text[:11], moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
        return when

    def access(self, text: str) -> float | None:
        """Read `10/Oct/2000:13:55:36 -0700`."""
        key = text[:17] + text[20:]
        minute, base = self._minute
        try:
            if key != minute:
                base = self._access_minute(text)
                self._minute = (key, base)
            return base + int(text[18:20])
        except (ValueError, KeyError, ConfigurationError):
            return None

    def _access_minute(self, text: str) -> float:
        local = _offset(text[21:]) if len(text) > len("10/Oct/2000:13:55:36") else self._local
        return datetime(
            int(text[7:11]), MONTHS[text[3:6]], int(text[:2]), int(text[12:14]), int(text[15:17]), tzinfo=local,
        ).timestamp()  # fmt: skip

    def any(self, value: Any) -> float | None:
        """Read a number of seconds, milliseconds or more since the epoch, or text in one of the known forms."""
        if isinstance(value, bool):
            return None
        if isinstance(value, (int, float)):
            return _seconds(float(value))
        if not isinstance(value, str) or not value:
            return None
        if value[4:5] == "-" and (when := self.iso(value)) is not None:
            return when
        try:
            return _seconds(float(value))
        except ValueError:
            return self.iso(value) or self.syslog(value) or self.access(value)

    def pattern(self, text: str, form: str) -> float | None:
        """Read a time in the form that strptime knows."""
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added below
        except ValueError:
            return None
        if "%y" not in form.lower():
            moment = moment.replace(year=self._year)
        return (moment if moment.tzinfo else moment.replace(tzinfo=self._local)).timestamp()


def _seconds(number: float) -> float | None:
    for _ in range(3):  # milliseconds, microseconds, nanoseconds
        if abs(number) > 1e11:  # noqa: PLR2004 - seconds reach the year 5138
            number /= 1000
    return number if abs(number) < 1e11 else None  # noqa: PLR2004 - neither NaN
