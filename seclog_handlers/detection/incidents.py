"""Incidents: one attack, opened, updated and resolved once; and the alert that tells each change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from seclog_handlers import rendering
from seclog_handlers.detection.conditions import ALIASES, Event
from seclog_handlers.detection.fields import MAX_SHOWN
from seclog_handlers.detection.rules import SEVERITIES, Rule, field_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SAMPLES = 3
MAX_DEDUP = 255  # PagerDuty Events v2
MAX_MEMBERS = 10
_SECONDS = len("2026-01-02T03:04:05")

_LEVELS = {"CRITICAL": 50}
_ERROR = 40
_MEDIUM = SEVERITIES.index("MEDIUM")

# What an alert may show of an event. Nothing else ever leaves: no message, no arguments, no free text.
SAMPLE_FIELDS = (
    "event_type", "username", "user_id", "session_id", "email", "ip_address", "success", "auth_method",
    "failure_reason", "resource", "action", "granted", "required_permissions", "missing_permissions",
    "method", "http_method", "path", "endpoint", "api_endpoint", "status_code", "request_id",
    "user_agent", "limit_type", "limit_value", "current_value", "severity", "fingerprint", "risk_score",
    "risk_level", "source",
)  # fmt: skip

Show = Callable[[Event, str, Any], Any]


@dataclass
class Origin:
    """Where alerts come from; empty names are left out of them."""

    service: str = ""
    environment: str = ""
    host: str = ""


def severity_of(rule: Rule, event: Event, *, own: bool) -> int:
    """Return the index of the severity that this event gives the rule's incident.

    Args:
        rule: The rule.
        event: The event that crossed the threshold.
        own: Whether the application itself logged one of the events, beside its server's access log.
    """
    field = field_reference(rule.severity)
    word = rule.severity if field is None else rendering.text(event.get(field)).upper()
    index = SEVERITIES.index(word) if word in SEVERITIES else _MEDIUM
    return index if own or not rule.weakened else min(index, _MEDIUM)


def pattern_of(rule: Rule, event: Event) -> str:
    """Return the message of the rule's alerts."""
    field = field_reference(rule.pattern)
    return rule.pattern if field is None else rendering.one_line(rendering.text(event.get(field)))[:MAX_SHOWN]


def opened(rule: Rule, key: str, first: int, group: dict[str, str], pattern: str) -> dict[str, Any]:
    """Return a new incident: plain values, kept in the state.

    `id` hashes the rule, the group's stable identity and the first event's time: a restart or a replay gives
    the same.
    """
    digest = blake2b(f"{rule.name}\0{key}\0{first}".encode("utf-8", "replace"), digest_size=16)
    return {
        "id": digest.hexdigest(), "pattern": pattern, "group": group, "first": first, "last": first,
        "count": 0, "told": 0, "severity": 0, "due": 0, "samples": [],
    }  # fmt: skip


def ending(incident: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what ends with an incident: itself, and those that other processes opened of the same while alone."""
    others = [{**incident, "id": known, "first": first} for known, first in incident.get("also", ())]
    return [incident, *others]


def sample(event: Event, when: int, show: Show) -> dict[str, Any]:
    """Return what an alert shows of one event."""
    shown: dict[str, Any] = {"timestamp": timestamp(when)}
    values = map(event.get, SAMPLE_FIELDS)
    for field, value in [pair for pair in zip(SAMPLE_FIELDS, values, strict=True) if pair[1] is not None]:
        shown[field] = brief(show(event, field, value))
    return shown


def brief(value: Any) -> Any:
    """Return a bounded plain value for an alert."""
    kind = type(value)
    if kind is bool or kind is int or kind is float:
        return rendering.plain(value)
    if kind is list or kind is tuple:
        return [brief(member) for member in value[:MAX_MEMBERS] if type(member) not in (list, tuple)]
    text = value if kind is str else rendering.text(value)
    return rendering.one_line(text[:MAX_SHOWN])


def alert(
    rule: Rule, incident: Mapping[str, Any], state: str, created: int, origin: Origin,
) -> dict[str, Any]:  # fmt: skip
    """Return the alert for one change of an incident.

    Args:
        rule: The rule.
        incident: The incident after the change.
        state: open, update or resolve.
        created: Event time of the change in milliseconds.
        origin: Where it happened.

    Returns:
        `message`, `level` (a number), `created` (seconds) and the alert's fields.
    """
    severity = SEVERITIES[incident["severity"]]
    found = {
        "message": incident["pattern"], "level": _LEVELS.get(severity, _ERROR), "created": created / 1000,
        "event_type": "security_alert", "rule": rule.name, "severity": severity,
        "incident_id": incident["id"], "incident_state": state,
        "dedup_key": f"{origin.service[:100]}:{rule.name[:100]}:{incident['id']}"[:MAX_DEDUP],
        "group": dict(incident["group"]), "count": incident["count"],
        "first_seen": timestamp(incident["first"]), "last_seen": timestamp(incident["last"]),
        "window_s": rule.window_s, "samples": [dict(entry) for entry in incident["samples"]],
        "attack": list(rule.attack), "owasp": rule.owasp, "query": query(rule, incident),
        "service": origin.service, "environment": origin.environment, "host": origin.host,
        "runbook_url": rule.runbook_url, "reason": rule.reason, "rule_version": rule.version,
        "inhibits": list(rule.inhibits),
    }  # fmt: skip
    if rule.mode == "observe":
        found["mode"] = "observe"
    for name in ("service", "environment", "host", "runbook_url", "owasp", "reason", "inhibits"):
        if not found[name]:
            del found[name]
    return found


def timestamp(milliseconds: int) -> str:
    """Return event time as RFC 3339, UTC, milliseconds, `Z`."""
    return f"{_to_the_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=1024)  # an incident's times are told again with each change of it
def _to_the_second(seconds: int) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, tz=timezone.utc)
    return moment.isoformat()[:_SECONDS]


def query(rule: Rule, incident: Mapping[str, Any]) -> str:
    """Return a search for the incident's events, in the Lucene syntax that log stores understand."""
    terms = [f"{field}:{_literal(value)}" for field, value in rule.equalities]
    terms += [_term(label, value) for label, value in incident["group"].items()]
    span = f'timestamp:["{timestamp(incident["first"])}" TO "{timestamp(incident["last"])}"]'
    return " AND ".join([*dict.fromkeys(terms), span])


def _term(label: str, value: str) -> str:
    """Return the search for one value of the group, under all names that its field has on events."""
    field = label.partition("/")[0]
    terms = [f"{name}:{_quoted(value)}" for name in ALIASES.get(field, (field,))]
    return terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})"


@lru_cache(maxsize=256, typed=True)  # what rules compare with: 1 is not true
def _literal(value: Any) -> str:
    return _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value if isinstance(value, (str, bool, int, float)) else str(value), ensure_ascii=False)
