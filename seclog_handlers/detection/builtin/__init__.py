"""The built-in pack: rules as mappings, each with the source of its threshold.

Rules that raised no false alarm on benign data run when none are configured; the others run by name.
"""

from __future__ import annotations

from typing import Any

from seclog_handlers.detection.builtin.access import ACCESS
from seclog_handlers.detection.builtin.application import APPLICATION
from seclog_handlers.detection.builtin.credentials import CREDENTIALS
from seclog_handlers.detection.builtin.requests import REQUESTS
from seclog_handlers.detection.builtin.sessions import SESSIONS

BUILTIN: tuple[dict[str, Any], ...] = (*CREDENTIALS, *SESSIONS, *ACCESS, *REQUESTS, *APPLICATION)

# Those that run without configuration.
DEFAULTS = (
    "brute_force_ip", "brute_force_ip_slow", "brute_force_user", "brute_force_network", "password_spraying",
    "credential_stuffing", "distributed_brute_force", "distributed_brute_force_slow", "success_after_failures",
    "success_during_attack", "privilege_escalation", "grant_after_denials", "path_enumeration", "flood_ip",
    "flood_distributed", "security_event", "unhandled_exception",
)  # fmt: skip

__all__ = ["BUILTIN", "DEFAULTS"]
