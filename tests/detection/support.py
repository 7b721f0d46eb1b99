from __future__ import annotations

from hashlib import blake2b
from typing import Any

from seclog_handlers.detection import Detector

START = 1_700_000_000.0

BRUTE: dict[str, Any] = {
    "name": "guessing",
    "severity": "HIGH",
    "where": {"event_type": "authentication", "success": False},
    "by": ["ip_address"],
    "count": 5,
    "within": 600,
}


def failure(address: str = "203.0.113.7", user: str = "bob", **fields: Any) -> dict[str, Any]:
    return {
        "event_type": "authentication", "success": False, "ip_address": address, "username": user, **fields,
    }  # fmt: skip


def state_key(field: str, value: Any) -> str:
    """A stable key, the same in every process."""
    return blake2b(f"{field}={value}".encode("utf-8", "replace"), digest_size=16).hexdigest()


def detector(*rules: Any, **options: Any) -> Detector:
    return Detector(list(rules) or None, **{"state_key": state_key, **options})


def feed(engine: Detector, *events: tuple[float, dict[str, Any]]) -> list[dict[str, Any]]:
    """Observe events at offsets from START; return all alerts."""
    return [alert for offset, event in events for alert in engine.observe(event, START + offset)]


def states(alerts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(alert["rule"], alert["incident_state"]) for alert in alerts]
