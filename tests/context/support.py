"""A logger whose records are kept, behind the handler that puts request ids on them."""

from __future__ import annotations

import logging
from typing import Any

from seclog_handlers.context import RequestIdFilter


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.addFilter(RequestIdFilter())

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def of(self, event_type: str) -> list[logging.LogRecord]:
        return [record for record in self.records if getattr(record, "event_type", None) == event_type]

    def one(self, event_type: str) -> Any:
        (record,) = self.of(event_type)
        return record

    def ids(self) -> list[Any]:
        return [getattr(record, "request_id", None) for record in self.records]


def kept(name: str = "app") -> tuple[logging.Logger, Kept]:
    logger, handler = logging.getLogger(name), Kept()
    logger.handlers[:], logger.filters[:] = [handler], []
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return logger, handler
