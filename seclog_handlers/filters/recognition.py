"""Stages 1 and 2: what a record is about."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from seclog_handlers import _config
from seclog_handlers._record import DERIVED, derive, ensure_mark, fields_of, reserve
from seclog_handlers.access import DEFAULT_LOGIN_PATHS, AccessLog
from seclog_handlers.enrichment.injection import injected
from seclog_handlers.events import derive as derive_event
from seclog_handlers.filters.stage import Stage, applied, words


class AccessLogFilter(Stage):
    """Turn access records of gunicorn, uvicorn, werkzeug and Django into events.

    Args:
        trusted_proxies: CIDRs, or `unix`, of proxies whose X-Forwarded-For is believed.
        login_paths: Paths where a 401 is a failed login even when no credentials are seen.
        health_paths: Paths that are no events.
    """

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

    def _apply(self, record: logging.LogRecord) -> None:
        attributes = record.__dict__
        if "event_type" not in attributes:
            event = self._log.event(attributes)
            if event:
                attributes.update(event)
                ensure_mark(record).applied.add("access")
        elif not applied(record, "access"):
            self._log.note(attributes)
            ensure_mark(record).applied.add("access")


class EventFilter(Stage):
    """Complete the six event families: derived fields, and the level that the event asks for.

    Args:
        levels: Whether levels are raised where the event asks for it; they are never lowered.
    """

    def __init__(self, levels: bool | str = True) -> None:
        super().__init__()
        self._levels = _config.as_bool("levels", levels)

    def _apply(self, record: logging.LogRecord) -> None:
        attributes = record.__dict__
        if type(attributes.get("event_type")) is not str or applied(record, "event"):
            return
        ensure_mark(record).applied.add("event")
        for name in DERIVED.intersection(attributes):
            reserve(record, name)
        fields = fields_of(record)
        suspects = injected(fields)
        if suspects:
            derive(record, "log_injection", suspects)
        derivation = derive_event(fields)
        for name in derivation.remove:
            attributes.pop(name, None)
        for name, value in derivation.set.items():
            if name in DERIVED:
                derive(record, name, value)
            else:
                attributes[name] = value
        if self._levels and derivation.level is not None:
            _raise_level(record, derivation.level)


def _raise_level(record: logging.LogRecord, level: int) -> None:
    if type(record.levelno) is not int or level > record.levelno:
        record.levelno = level
        record.levelname = logging.getLevelName(level)
