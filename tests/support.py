"""What the core's tests share: real handlers over StringIO, and records as applications make them."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import seclog_handlers

KEY = "k1:0123456789abcdef0123456789abcdef"
# Fake secrets, each in a shape that some surface shows.
PASSWORD = "hunter2-Hunter2"
BEARER = "k9f8e7d6c5b4a392817061524334251"
SECRETS = (PASSWORD, BEARER)


class Lines(logging.StreamHandler):
    """A real StreamHandler over memory, with its lines parsed."""

    def __init__(self, formatter: logging.Formatter | None = None) -> None:
        super().__init__(io.StringIO())
        self.setFormatter(formatter or seclog_handlers.JsonFormatter())

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def secured(policy: Any = None, formatter: logging.Formatter | None = None, name: str = "app") -> tuple[Any, Lines]:
    """Return a logger behind a SecurityHandler, and where its lines end."""
    out = Lines(formatter)
    settings = {"pseudonyms.keys": [KEY], "geoip": "off", "service": "test"} if policy is None else policy
    handler = seclog_handlers.SecurityHandler(target=out, policy=settings)
    logger = logging.getLogger(name)
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return logger, out


def record(msg: Any = "hello", args: Any = (), **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("app", logging.INFO, __file__, 1, msg, args, None)
    made.__dict__.update(extra)
    return made
