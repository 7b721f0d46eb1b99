"""Alert records as escalation makes them."""

from __future__ import annotations

import logging
import time
from typing import Any


def alert(number: int = 1, state: str = "open", **fields: Any) -> logging.LogRecord:
    """One change of incident `number` of the rule brute_force_ip."""
    now = time.time()
    content: dict[str, Any] = {
        "name": "seclog",
        "msg": "suspicious_authentication_pattern",
        "levelno": logging.ERROR,
        "levelname": "ERROR",
        "created": now,
        "event_type": "security_alert",
        "rule": "brute_force_ip",
        "severity": "HIGH",
        "incident_id": f"inc-{number}",
        "incident_state": state,
        "dedup_key": f"brute_force_ip:{number}",
        "group": {"ip_address": f"ip_k1_{number}"},
        "count": 5,
        "first_seen": "2026-01-02T03:04:05.000Z",
        "last_seen": "2026-01-02T03:04:09.000Z",
        "window_s": 600,
        "samples": ["login failed", "login failed", "login failed", "login failed"],
        "attack": ["T1110.001"],
        "owasp": "authn_login_fail_max",
        "service": "payments-api",
    }
    return logging.makeLogRecord({**content, **fields})
