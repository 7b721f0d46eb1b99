"""What the core's tests share: real handlers over StringIO, and records as applications make them."""

from __future__ import annotations

import io
import json
import logging
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import seclog_handlers

KEY = "k1:0123456789abcdef0123456789abcdef"
# Fake secrets, each in a shape that some surface shows.
PASSWORD = "hunter2-Hunter2"
BEARER = "k9f8e7d6c5b4a392817061524334251"
SECRETS = (PASSWORD, BEARER)


# Seconds to wait for another thread or process: a busy machine is slow, and only what is broken waits so long.
PATIENCE = 60.0
# Below the ports that systems give to outgoing connections: nobody takes one of these by chance.
PORTS = range(10_000, 30_000)


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait for a condition; its last value."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return value


def free_port() -> int:
    """Return a port on loopback that nobody uses: connections to it are refused until somebody listens."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.SystemRandom().choice(PORTS)))
            except OSError:
                continue
            return int(probe.getsockname()[1])


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
