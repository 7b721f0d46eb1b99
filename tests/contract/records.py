"""Records that every filter, handler and formatter must survive, each made anew by its function."""

from __future__ import annotations

import datetime
import decimal
import logging
import sys
import uuid
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import BEARER, PASSWORD, record


class Raises:
    """Everything about it raises."""

    def __str__(self) -> str:
        raise RuntimeError(PASSWORD)

    __repr__ = __str__

    def __len__(self) -> int:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError


class Liar(dict):  # type: ignore[type-arg]
    """A dict whose items are not what it says."""

    def items(self) -> Any:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError


@dataclass
class Account:
    name: str
    password: str


Pair = namedtuple("Pair", "key value")


def _exception() -> logging.LogRecord:
    try:
        try:
            raise ValueError(f"password={PASSWORD}")
        except ValueError as error:
            raise KeyError(f"Authorization: Bearer {BEARER}") from error
    except KeyError:
        made = record("failed")
        made.exc_info = sys.exc_info()
        return made


def _cycle() -> dict[str, Any]:
    loop: dict[str, Any] = {"password": PASSWORD}
    loop["self"] = [loop]
    return loop


def _deep() -> Any:
    value: Any = {"password": PASSWORD}
    for _ in range(200):
        value = {"inner": [value]}
    return value


EVENTS: dict[str, dict[str, Any]] = {
    "authentication": {
        "event_type": "authentication", "username": "bob.smith", "auth_method": "password", "success": False,
        "ip_address": "203.0.113.7", "user_agent": "sqlmap/1.7", "failure_reason": "bad password",
        "context": {"password": PASSWORD}, "session_id": "session-of-bob",
    },
    "authorization": {
        "event_type": "authorization", "user_id": 4711, "resource": "/users/4711", "action": "delete",
        "granted": False, "required_permissions": ["admin", "write"], "user_permissions": ["write"],
    },
    "api_request": {
        "event_type": "api_request", "method": "GET", "path": "/a", "query_params": {"password": PASSWORD},
        "headers": {"Authorization": f"Bearer {BEARER}", "Cookie": f"session={BEARER}"}, "content_length": 12,
    },
    "api_response": {
        "event_type": "api_response", "status_code": 500, "error_details": f"password={PASSWORD}",
        "stack_trace": f"Traceback\n  token = '{BEARER}'", "response_time_ms": 1.5,
    },
    "rate_limit_violation": {
        "event_type": "rate_limit_violation", "user_id": "bob.smith", "ip_address": "2001:db8::1",
        "endpoint": "/login", "limit_type": "per_minute", "limit_value": 10, "current_value": 12,
    },
    "security": {"event_type": "security_tamper", "severity": "HIGH", "details": {"secret": PASSWORD}},
}  # fmt: skip

RECORDS: dict[str, Callable[[], logging.LogRecord]] = {
    "plain": record,
    "percent message": lambda: record("user %s has %d", ("bob", 3)),
    "secret in argument": lambda: record("password=%s", (PASSWORD,)),
    "secret split over arguments": lambda: record("%s=%s", ("password", PASSWORD)),
    "secret under mapping argument": lambda: record("%(password)s", ({"password": PASSWORD},)),
    "mapping as the one argument": lambda: record(
        "got %s", ({"password": PASSWORD, "username": "alice.jones", "ip": "192.0.2.7"},)
    ),
    "dict message": lambda: record({"password": PASSWORD, "n": 1}),
    "exception as message": lambda: record(ValueError(f"password={PASSWORD}")),
    "object that raises": lambda: record(Raises()),
    "argument that raises": lambda: record("%s", (Raises(),)),
    "extra that raises": lambda: record(value=Raises(), password=PASSWORD),
    "too few arguments": lambda: record("%s %s password", (PASSWORD,)),
    "too many arguments": lambda: record("done", (PASSWORD, 2)),
    "wrong conversion": lambda: record("%d", (PASSWORD,)),
    "star width": lambda: record("%*d", (300_000_000, 1)),
    "huge width": lambda: record("%300000000d", (1,)),
    "line injection": lambda: record("ok\n{\"level\": \"INFO\"}\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\x1b[31m\x07\x00"),
    "line injection in extra": lambda: record(user_agent="a\r\nb\u2028c", **{"key\nwith line": "x"}),
    "lone surrogate": lambda: record("\ud800", value="\udfff", **{"\udc80": 1}),
    "not a number": lambda: record(value=[float("nan"), float("inf"), -float("inf")]),
    "huge integer": lambda: record(value=10**5000, other=2**70),
    "odd keys": lambda: record(value={1: "a", None: "b", (1, 2): "c", Pair(1, 2): "d", 1.5: "e", b"k": "f"}),
    "colliding keys": lambda: record(value={1: "a", "1": "b"}),
    "spoofed fields": lambda: record(
        timestamp="x", level="x", logger="x", service="x", exception="x", stack="x", _seclog="x", seclog_error="x",
        risk_score=0, geo_location={"country": "XX"}, event_type="authentication", trusted={"name": "me"},
    ),
    "cycle": lambda: record(value=_cycle()),
    "depth": lambda: record(value=_deep()),
    "width": lambda: record(value=list(range(20_000))),
    "long text": lambda: record("x" * 1_000_000),
    "lying dict": lambda: record(value=Liar(password=PASSWORD)),
    "generator": lambda: record(value=(c for c in "abc")),
    "containers": lambda: record(
        value={"set": {1}, "tuple": (1, "a"), "deque": deque([1]), "ordered": OrderedDict(password=PASSWORD),
               "pairs": [("password", PASSWORD)], "named": [{"name": "password", "value": PASSWORD}]},
    ),
    "common types": lambda: record(
        value=[datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), datetime.date(2026, 1, 2),
               decimal.Decimal("1.5"), uuid.UUID(int=1), Path("a/b"), b"bytes", Pair("password", PASSWORD)],
    ),
    "dataclass": lambda: record(value=Account("bob", PASSWORD)),
    "exception": _exception,
    "cached exception text": lambda: record(exc_text=f"Traceback\npassword={PASSWORD}"),
    "stack": lambda: record(stack_info=f"Stack (most recent call last):\n  login(password='{PASSWORD}')"),
    "thread name": lambda: record(threadName=f"password={PASSWORD}"),
    "attributes missing": lambda: logging.makeLogRecord({}),
    "attributes of odd types": lambda: logging.makeLogRecord(
        {"name": 1, "levelno": 20, "levelname": None, "msg": None, "args": [1], "created": 1.0, "exc_info": True},
    ),
    "event type of odd type": lambda: record(event_type=["authentication"], username=["bob"]),
    "hostile event": lambda: record(
        event_type="authentication", username=Raises(), success=Raises(), ip_address=Raises(), user_agent=Raises(),
    ),
    **{f"event {name}": (lambda fields=fields: record("event", **fields)) for name, fields in EVENTS.items()},
}  # fmt: skip
