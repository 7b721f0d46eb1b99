"""Noise control: of what floods a log the first lines a second, then one in so many, and a count of the rest."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from seclog_handlers import _config, rendering
from seclog_handlers._record import derive, ensure_mark, mark_of
from seclog_handlers.errors import ConfigurationError

FIRST = 10
THEN = 100
KEEP = "WARNING"
LEVELS = ("debug", "info", "warning", "error", "critical")
# The rule for whatever has none of its own.
ANY = "*"

# At most so often is it said how many records were left out, in seconds of event time.
SUMMARY_S = 60.0
SUMMARY = "records_left_out"
LOGGER = "seclog"

# Keys that are counted within one second; further ones count together.
MAX_KEYS = 10_000
MAX_KEY = 200
# Names in a summary; further ones are counted as 'other'.
MAX_NAMES = 100
# A clock that goes back by more starts a new second; a record that comes late by less counts in this one.
LATE_S = 5

_SETTINGS = ("first", "then", "by")


class _Rule(NamedTuple):
    first: int
    then: int
    by: tuple[str, ...]


class SamplingFilter(logging.Filter):
    """Leave out what floods a log; the one filter of the pack that drops records.

    Put it on a handler that writes, never on one that judges: rules of an EscalationHandler need every record. In
    a SecurityHandler the policy's `sampling` does that: escalation sees everything, the outputs what is kept.

    Records of WARNING and above are always kept. What was left out is counted: the next record that passes says in
    `left_out` how many there were of which name, at most once a minute.

    Args:
        rules: name -> {first, then, by}. The name is an event_type, the name of a logger for records without one,
            or `*` for whatever has no rule, each event_type and logger for itself. `first` records a second are
            kept (default 10), then one in `then` (default 100; 0 for none). `by` names fields whose values are
            counted apart.
        keep: Records of this level and above are always kept.
        annotate: Whether records say what was left out; whoever calls `summary` does not need it.

    Raises:
        ConfigurationError: For an unknown setting or a wrong value.
    """

    def __init__(
        self,
        rules: Mapping[str, Mapping[str, Any]] | None = None,
        keep: str = KEEP,
        annotate: bool = True,
    ) -> None:
        super().__init__()
        given = _config.as_mapping("sampling", _config.plain(rules or {}))
        self._rules = {name: _rule(name, settings) for name, settings in given.items()}
        self._keep = getattr(logging, _config.as_choice("sampling.keep", keep, LEVELS).upper())
        self._annotate = _config.as_bool("sampling.annotate", annotate)
        self._second = 0
        self._counts: dict[tuple[str, ...], int] = {}
        self._left_out: dict[str, int] = {}
        self._since = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to keep the record; one that cannot be judged is kept."""
        try:
            kept = self._keeps(record)
            if kept:
                self._say(record)
            return kept
        except Exception:
            return True

    def _keeps(self, record: logging.LogRecord) -> bool:
        if not self._rules or record.levelno >= self._keep:
            return True
        kind = record.__dict__.get("event_type")
        name = kind if type(kind) is str else record.name
        rule = self._rules.get(name) or self._rules.get(ANY)
        if rule is None:
            return True
        beyond = self._count(name[:MAX_KEY], rule, record) - rule.first
        if beyond <= 0 or (rule.then and beyond % rule.then == 0):
            return True
        self._leave_out(name[:MAX_KEY], record.created)
        return False

    def _count(self, name: str, rule: _Rule, record: logging.LogRecord) -> int:
        """Return the how manieth of its key and second the record is."""
        second = int(record.created)
        if second > self._second or second < self._second - LATE_S:
            self._second, self._counts = second, {}
        key = (name, *(_text(record.__dict__.get(field)) for field in rule.by))
        if len(self._counts) >= MAX_KEYS and key not in self._counts:
            key = (name,)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return count

    def _leave_out(self, name: str, when: float) -> None:
        left_out = self._left_out
        if not left_out:
            self._since = when
        if len(left_out) >= MAX_NAMES and name not in left_out:
            name = "other"
        left_out[name] = left_out.get(name, 0) + 1

    def _say(self, record: logging.LogRecord) -> None:
        attributes = record.__dict__
        if "left_out" in attributes:  # said by another output's filter, about another output
            mark = mark_of(record)
            if mark is not None and "left_out" in mark.derived:
                del attributes["left_out"]
        if self._annotate and self._left_out and record.created >= self._since + SUMMARY_S:
            derive(record, "left_out", self._take())

    def _take(self) -> dict[str, int]:
        left_out, self._left_out = self._left_out, {}
        return left_out

    def summary(self, now: float | None) -> logging.LogRecord | None:
        """Return a record that says how many of what were left out, if it is time to say so.

        Args:
            now: Event time, in seconds since 1970; None for what is left at the end, whenever it was.

        Returns:
            A record of level INFO with `left_out` {name: count} and `since`, at most once a minute; or None.
        """
        if not self._left_out or (now is not None and now < self._since + SUMMARY_S):
            return None
        since, left_out = self._since, self._take()
        record = logging.LogRecord(LOGGER, logging.INFO, "", 0, SUMMARY, (), None)
        if now is not None:
            record.created, record.msecs = now, float(int(now * 1000) % 1000)
        record.__dict__.update(event_type=SUMMARY, left_out=left_out, since=since)
        ensure_mark(record).derived.add("left_out")
        return record


def _rule(name: str, settings: Any) -> _Rule:
    key = f"sampling.{name}"
    given = _config.as_mapping(key, settings)
    for setting in given:
        if setting not in _SETTINGS:
            raise ConfigurationError(f"{key}.{setting} is not known: use one of {', '.join(_SETTINGS)}.")
    return _Rule(
        first=int(_config.as_number(f"{key}.first", given.get("first", FIRST))),
        then=int(_config.as_number(f"{key}.then", given.get("then", THEN))),
        by=tuple(_config.as_list(f"{key}.by", given.get("by"))),
    )


def _text(value: Any) -> str:
    return (value if type(value) is str else rendering.text(value))[:MAX_KEY]
