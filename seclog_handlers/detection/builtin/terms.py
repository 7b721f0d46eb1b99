"""Conditions and messages that several built-in rules share."""

from __future__ import annotations

from typing import Any

AUTHENTICATION = "suspicious_authentication_pattern"
ESCALATION = "privilege_escalation_attempt"
FLOOD = "potential_ddos_attack"

TRUSTED: dict[str, Any] = {"trusted": {"exists": True}}
FAILURE: dict[str, Any] = {"event_type": "authentication", "success": False}
SUCCESS: dict[str, Any] = {"event_type": "authentication", "success": True}
DENIED: dict[str, Any] = {"event_type": "authorization", "granted": False}
GRANTED: dict[str, Any] = {"event_type": "authorization", "granted": True}

# How long after its last crossing an attack on credentials is taken to go on: a success in that time is its.
ATTACK_GOES_ON = 180 * 60
