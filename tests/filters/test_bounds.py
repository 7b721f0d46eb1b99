"""Filters on a plain handler, with no redaction before them, go through what seems small and never ends."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from seclog_handlers import GeoIPFilter, JsonFormatter, PseudonymFilter
from tests.support import KEY

FILTERS: dict[str, Callable[[], logging.Filter]] = {
    "PseudonymFilter": lambda: PseudonymFilter(keys=[KEY]),
    "GeoIPFilter": lambda: GeoIPFilter(ip="token", keys=[KEY], lookup=False),
}


class Growing:
    """Adds itself to its list whenever it is shown."""

    def __init__(self, home: list[Any]) -> None:
        self.home = home

    def __str__(self) -> str:
        self.home.append(self)
        return "alice at 203.0.113.7"

    __repr__ = __str__


def laughs() -> Any:
    """10^13 values in thirteen lists."""
    value: Any = ["203.0.113.7", "alice"] * 5
    for _ in range(12):
        value = [value] * 10
    return value


def cycle() -> Any:
    value: list[Any] = ["alice"]
    value.append(value)
    return value


def growing() -> Any:
    value: list[Any] = []
    value.append(Growing(value))
    return value


def wide() -> Any:
    return {f"key{number}": ["alice", "203.0.113.7"] for number in range(20_000)}


@pytest.mark.parametrize("place", ["extra", "argument", "mapping", "message"])
@pytest.mark.parametrize("make", [laughs, cycle, growing, wide])
@pytest.mark.parametrize("kind", FILTERS)
def test_it_ends(kind: str, make: Callable[[], Any], place: str) -> None:
    """What is too large is bounded first; the identity is in no part of what is left."""
    value = make()
    template, args = {"argument": ("got %s", (value,)), "mapping": ("got %(it)s", {"it": value})}.get(
        place, ("got", ())
    )
    record = logging.LogRecord("app", logging.INFO, "app.py", 1, value if place == "message" else template, (), None)
    record.args = args
    record.__dict__.update(event_type="authentication", username="alice", ip_address="203.0.113.7")
    if place == "extra":
        record.__dict__["data"] = value

    FILTERS[kind]().filter(record)

    line = JsonFormatter().format(record)
    json.loads(line)
    assert {"PseudonymFilter": "alice", "GeoIPFilter": "203.0.113.7"}[kind] not in line
