"""Records of megabytes: no stage copies them, whatever field they stand in."""

from __future__ import annotations

import logging
import tracemalloc
from typing import Any

import pytest

from seclog_handlers import SecurityHandler
from tests.support import KEY, Lines

LONG = 20_000_000


@pytest.mark.parametrize(
    "field",
    ["username", "session_id", "email", "ip_address", "user_agent", "path", "failure_reason", "request_id", "note"],
)
@pytest.mark.parametrize("letter", ["a", "a b ", "ä", "\x1b"])
def test_a_field_without_end_takes_no_memory(field: str, letter: str) -> None:
    """Twenty megabytes of a name are nobody's: no stage makes a copy of them."""
    out = Lines()
    secure = SecurityHandler(out, policy={"pseudonyms.keys": KEY, "geoip": "off"})
    value = letter * (LONG // len(letter))

    assert peak(secure, {"event_type": "authentication", "success": False, field: value}) < 8_000_000
    assert len(out.text) < 600_000


def test_headers_without_end_take_no_memory() -> None:
    """Nor do headers and queries."""
    out = Lines()
    secure = SecurityHandler(out, policy={"pseudonyms.keys": KEY, "geoip": "off"})
    headers = {"Host": "a" * LONG, "Cookie": "a=b; " * (LONG // 5)}

    assert peak(secure, {"event_type": "api_request", "headers": headers, "query_params": headers}) < 16_000_000


def test_fields_without_number_are_cut_and_counted() -> None:
    """A line has no room for a hundred thousand fields: it says that some are missing, and so do the counts."""
    out = Lines()
    secure = SecurityHandler(out, policy={"pseudonyms.keys": KEY, "geoip": "off"})

    peak(secure, {f"field{number}": number for number in range(100_000)})

    assert "SecurityHandler:TooManyFieldsError" in out.lines[-1]["seclog_error"]
    assert secure.report()["withheld"] == 1


def peak(secure: SecurityHandler, fields: dict[str, Any]) -> int:
    """Return how much memory a record takes beyond its own."""
    record = logging.LogRecord("shop", logging.INFO, "app.py", 1, "x", (), None)
    record.__dict__.update(fields)
    tracemalloc.start()
    try:
        secure.handle(record)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
