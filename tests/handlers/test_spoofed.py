"""What only the pack says cannot be said through `extra` or a dict message."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from seclog_handlers import EscalationHandler, EventFilter, SecurityHandler
from tests.support import KEY, Lines

ALERT = {"event_type": "security_alert", "severity": "CRITICAL", "rule": "brute_force_ip", "incident_state": "open"}
POLICY = {"pseudonyms.keys": KEY, "geoip": "off"}


class Told(logging.Handler):
    """Keeps the records that are alerts, as a channel would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.__dict__.get("event_type") == "security_alert":
            self.alerts.append(record.getMessage())


def logged(msg: Any, **fields: Any) -> logging.LogRecord:
    record = logging.LogRecord("shop", logging.INFO, "app.py", 1, msg, (), None)
    record.__dict__.update(fields)
    return record


@pytest.mark.parametrize(("msg", "fields"), [("x", ALERT), (ALERT, {}), ("x", {**ALERT, "seclog_error": ["x"]})])
def test_an_alert_comes_from_escalation_only(msg: Any, fields: dict[str, Any]) -> None:
    """No line looks like an alert, and no channel takes it for one; the application's word is kept."""
    out, told = Lines(), Told()
    secure = SecurityHandler(out, targets=(told,), policy=POLICY)

    for _ in range(4):
        secure.handle(logged(msg, **fields))

    assert not told.alerts
    assert [line.get("event_type") for line in out.lines] == [None] * 4
    assert [line["extra.event_type"] for line in out.lines] == ["security_alert"] * 4


def test_an_application_cannot_say_that_a_stage_failed() -> None:
    """`seclog_error` is the pack's, on every record."""
    out = Lines()
    secure = SecurityHandler(out, policy=POLICY)

    for _ in range(3):
        secure.handle(logged("x", seclog_error=["RedactionFilter:ValueError"]))

    assert ["seclog_error" in line for line in out.lines] == [False] * 3
    assert [line["extra.seclog_error"] for line in out.lines] == [["RedactionFilter:ValueError"]] * 3


def test_a_true_alert_stays_one_whatever_filters_its_target_has() -> None:
    """The pack's own stages on a target take it for what it is."""
    out, told = Lines(), Told()
    for target in (out, told):
        target.addFilter(EventFilter())
    escalate = EscalationHandler(out, targets=(told,), policy=POLICY)
    secure = SecurityHandler(Lines(), targets=(escalate,), policy=POLICY)

    secure.handle(logged("broken in", event_type="security_breach", severity="CRITICAL"))

    assert len(told.alerts) == 1
    assert [line["event_type"] for line in out.lines] == ["security_alert"]
