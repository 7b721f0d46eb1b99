"""Stages 1 and 2: what a record is about."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from seclog_handlers import _config
from seclog_handlers._record import DERIVED, IN_REQUEST, derive, ensure_mark, reserve
from seclog_handlers.access import DEFAULT_LOGIN_PATHS, AccessLog, is_servers
from seclog_handlers.enrichment.injection import ClientFields
from seclog_handlers.events import SECURITY_ALERT
from seclog_handlers.events import derive as derive_event
from seclog_handlers.filters.stage import Kind, Stage, words

# Sets of attributes that are remembered, and the most names in one.
MAX_SHAPES = 512
MAX_NAMES = 80

# The application's values of fields that the pack owns, and the fields that a client chose.
_Shape = tuple[frozenset[str], ClientFields]


class AccessLogFilter(Stage):
    """Turn access records of gunicorn, uvicorn, werkzeug and Django into events.

    Args:
        trusted_proxies: CIDRs, or `unix`, of proxies whose X-Forwarded-For is believed.
        login_paths: Paths where a 401 is a failed login even when no credentials are seen.
        health_paths: Paths that are no events.
    """

    # Of an application's events nothing changes.
    repeats = True

    def __init__(
        self,
        trusted_proxies: Iterable[str] | str = (),
        login_paths: Iterable[str] | str = DEFAULT_LOGIN_PATHS,
        health_paths: Iterable[str] | str = (),
    ) -> None:
        super().__init__()
        self._log = AccessLog(
            trusted_proxies=words("access_log.trusted_proxies", trusted_proxies),
            login_paths=words("access_log.login_paths", login_paths),
            health_paths=words("access_log.health_paths", health_paths),
        )

    @property
    def log(self) -> AccessLog:
        """What tells which requests have been counted."""
        return self._log

    def concerns(self, kind: Kind) -> bool:
        """Only events, and records of servers, which become events."""
        return "event_type" in kind.fields or is_servers(kind.logger)

    def filter(self, record: logging.LogRecord) -> bool:
        """Note an event of the application, make one of a server's record, once each; always True."""
        attributes = record.__dict__
        if "event_type" in attributes:
            done = ensure_mark(record).applied
            if "access" not in done:
                done.add("access")
                self._log.note(attributes, IN_REQUEST in done)
        elif is_servers(attributes.get("name")):
            super().filter(record)
        return True

    def _apply(self, record: logging.LogRecord) -> None:
        done = ensure_mark(record).applied
        if "access" not in done:
            done.add("access")
            record.__dict__.update(self._log.event(record.__dict__) or ())


class EventFilter(Stage):
    """Complete the six event families: derived fields, and the level that the event asks for.

    Args:
        levels: Whether levels are raised where the event asks for it; they are never lowered.
    """

    repeats = True

    def __init__(self, levels: bool | str = True) -> None:
        super().__init__()
        self._levels = _config.as_bool("levels", levels)
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def concerns(self, kind: Kind) -> bool:
        """Only events, and what looks as if the pack had said it."""
        return "event_type" in kind.fields or "seclog_error" in kind.fields

    def _apply(self, record: logging.LogRecord) -> None:
        attributes = record.__dict__
        kind = attributes.get("event_type")
        if type(kind) is not str:
            reserve(record, "seclog_error")
            return
        mark = ensure_mark(record)
        if "event" in mark.applied:
            return
        mark.applied.add("event")
        if kind == SECURITY_ALERT:  # only escalation says that, and its records bear the mark already
            attributes["extra.event_type"] = attributes.pop("event_type")
            reserve(record, "seclog_error")
            return
        owned, client = self._shape(tuple(attributes))
        suspects = client.injected(attributes)
        for name in owned:
            reserve(record, name)
        if suspects:
            derive(record, "log_injection", suspects)
        changed, removed, level = derive_event(attributes)
        for name in removed:
            del attributes[name]
        for name, value in changed.items():
            if name in DERIVED:
                derive(record, name, value)
            else:
                attributes[name] = value
        if level is not None and self._levels:
            _raise_level(record, level)

    def _shape(self, names: tuple[str, ...]) -> _Shape:
        """Return what follows from a record's attributes by their names alone; an application has few such sets."""
        shape = self._shapes.get(names)
        if shape is None:
            shape = DERIVED.intersection(names), ClientFields(names)
            if len(names) <= MAX_NAMES:
                if len(self._shapes) >= MAX_SHAPES:
                    self._shapes.clear()
                self._shapes[names] = shape
        return shape


def _raise_level(record: logging.LogRecord, level: int) -> None:
    if type(record.levelno) is not int or level > record.levelno:
        record.levelno = level
        record.levelname = logging.getLevelName(level)
