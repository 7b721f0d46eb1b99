"""What an alert says: the fields that may leave, and the texts and labels made of them."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from seclog_handlers.rendering import one_line

SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
STATES = ("open", "update", "resolve")

# All that is ever taken from a record; its other attributes, message arguments and exception stay behind.
FIELDS = (
    "rule", "severity", "incident_id", "incident_state", "dedup_key", "group", "count", "first_seen", "last_seen",
    "window_s", "samples", "attack", "owasp", "service", "environment", "host", "runbook_url", "query", "mode",
    "reason", "rule_version", "inhibits",
)  # fmt: skip

# All that grouping, inhibition and the timers look at.
_ESSENTIAL = ("rule", "severity", "incident_id", "incident_state", "count", "group", "inhibits")

_CHARACTERS = 2000  # of one text
_ITEMS = 20  # of one list or mapping
_DEPTH = 3
_SAMPLES = 3  # shown to people
_LINE = 32_768  # bytes
_DEDUP_KEY = 255  # PagerDuty's limit
_encode = json.JSONEncoder(separators=(",", ":")).encode


def rank(severity: Any) -> int:
    """Return 0 for LOW to 3 for CRITICAL; an unknown word counts as HIGH, so that it is not lost."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 2


def alert_of(record: logging.LogRecord, host: str) -> dict[str, Any]:
    """Return the allowed fields of a `security_alert` record as JSON-able, bounded values; `complete` does the rest.

    Args:
        record: The record that EscalationHandler made.
        host: Name of this machine, used when the record does not name one.
    """
    attributes = record.__dict__
    alert = {name: bounded(attributes[name]) for name in FIELDS if attributes.get(name) is not None}
    alert["pattern"] = bounded(record.msg) if type(record.msg) is str else "security_alert"
    alert["created"] = record.created
    if alert.get("severity") not in SEVERITIES:
        alert["severity"] = "CRITICAL" if record.levelno >= logging.CRITICAL else "HIGH"
    if "service" not in alert:
        alert["service"] = _service(record)
    if "host" not in alert:
        alert["host"] = host
    return alert


def complete(alert: dict[str, Any]) -> dict[str, Any]:
    """Return `alert`, as read from a spool, with what grouping needs made sure of: rule, state, group, identity."""
    if type(alert.get("created")) in (int, float):
        alert["created"] = timestamp(alert["created"])
    alert["rule"] = str(alert.get("rule") or alert.get("pattern") or "security_alert")
    if alert.get("severity") not in SEVERITIES:
        alert["severity"] = "HIGH"
    if alert.get("incident_state") not in STATES:
        alert["incident_state"] = "open"
    if type(alert.get("group")) is not dict:
        alert["group"] = {}
    alert["inhibits"] = [name for name in listed(alert.get("inhibits")) if type(name) is str]
    known = alert.get("incident_id") or alert.get("dedup_key")
    alert["incident_id"] = str(known or f"{alert['rule']}:{json.dumps(alert['group'], sort_keys=True)}")[:_DEDUP_KEY]
    alert["dedup_key"] = str(alert.get("dedup_key") or alert["incident_id"])[:_DEDUP_KEY]
    return alert


def encoded(alert: Mapping[str, Any]) -> bytes:
    """Return the alert as one line of JSON, at most 32 kB: what is too large loses its samples, then its group."""
    text = _encode({"at": time.time(), "alert": alert})
    for left_out in (("samples",), ("samples", "group", "attack")):
        if len(text) > _LINE:
            kept = {name: value for name, value in alert.items() if name not in left_out}
            text = _encode({"at": time.time(), "alert": kept})
    return text.encode("ascii") + b"\n"


def decoded(text: bytes) -> tuple[float, dict[str, Any]] | None:
    """Return (time of the log call, alert) of a line, or None for a torn one."""
    try:
        content = json.loads(text)
        return float(content["at"]), complete(dict(content["alert"]))
    except (ValueError, TypeError, KeyError):
        return None


def essence(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be at hand of an alert that waits; the rest is read again when people are told.

    Twenty thousand waiting alerts as whole trees of objects would make the garbage collector hold up log calls.
    """
    return {name: alert[name] for name in _ESSENTIAL if alert.get(name) not in (None, [])}


def _service(record: logging.LogRecord) -> str:
    output = getattr(record.__dict__.get("_seclog"), "output", None)
    named = output.get("service") if type(output) is dict else None
    return str(named or os.path.basename(sys.argv[0] or "") or "python")  # noqa: PTH119 - a name, not a path


def bounded(value: Any, depth: int = _DEPTH) -> Any:
    """Return a JSON-able copy of plain data, cut in length and depth; of anything else only its type's name."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is bool or value is None:
        return value
    if kind is int:
        return value if abs(value) < 2**53 else str(value)[:40] if abs(value) < 2**128 else "large"
    if kind is float:
        return value if value - value == 0 else None  # not a NaN, not infinite
    if depth and kind is dict:
        return {_text(str(name)): bounded(item, depth - 1) for name, item in list(value.items())[:_ITEMS]}
    if depth and kind in (list, tuple):
        return [bounded(item, depth - 1) for item in value[:_ITEMS]]
    return f"<{kind.__name__}>"


def _text(text: str) -> str:
    cut = text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + "..."
    return cut.encode("utf-8", "backslashreplace").decode("utf-8")  # lone surrogates are no UTF-8


def timestamp(seconds: float) -> str:
    """Return RFC 3339 in UTC with milliseconds."""
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, OSError, ValueError):
        moment = datetime.now(timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(value: Any, limit: int = 300) -> str:
    """Return one visible line: control, bidi and other invisible characters escaped, length cut."""
    text = value if type(value) is str else json.dumps(value, ensure_ascii=False, default=str)
    text = one_line(text)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def defanged(value: Any, limit: int = 300) -> str:
    """Return `line(value)` whose web addresses no reader's program turns into links."""
    return line(value, limit).replace("://", "[:]//").replace("www.", "www[.]")


def fingerprint(alert: Mapping[str, Any]) -> str:
    """Return 16 hex digits that stay the same for one incident from its opening to its end."""
    import hashlib  # noqa: PLC0415 - sender only

    return hashlib.sha256(alert["dedup_key"].encode("utf-8", "replace")).hexdigest()[:16]


def title(alert: Mapping[str, Any]) -> str:
    """Return one line that names severity, rule, whom it concerns, how many, and the service."""
    whom = ", ".join(f"{key} {value}" for key, value in alert["group"].items()) or "no group"
    count = f", {alert['count']} events" if "count" in alert else ""
    return defanged(f"{alert['severity']} {alert['rule']}: {whom}{count} ({alert.get('service', '')})", 200)


def facts(alert: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a person needs to act on an alert as (name, one line of text), most telling first."""
    rows: list[tuple[str, Any]] = [("Pattern", alert.get("pattern")), ("Severity", alert["severity"])]
    rows += [(str(key), value) for key, value in alert["group"].items()]
    rows += [
        ("Count", _count(alert)),
        ("First seen", alert.get("first_seen")),
        ("Last seen", alert.get("last_seen")),
        ("Ended", alert.get("created") if alert.get("incident_state") == "resolve" else None),
        ("Reason", alert.get("reason")),
        ("Rule", _rule(alert)),
        ("MITRE ATT&CK", ", ".join(map(str, listed(alert.get("attack"))))),
        ("OWASP", alert.get("owasp")),
        ("Service", alert.get("service")),
        ("Environment", alert.get("environment")),
        ("Host", alert.get("host")),
        ("Incident", alert["incident_id"]),
    ]
    shown = [(line(name, 60), defanged(value)) for name, value in rows if value not in (None, "")]
    shown += [(f"Sample {index}", defanged(sample)) for index, sample in enumerate(samples(alert), 1)]
    links = [("Runbook", alert.get("runbook_url")), ("Query", alert.get("query"))]
    return shown + [(name, line(value, 2000)) for name, value in links if value]


def samples(alert: Mapping[str, Any]) -> list[Any]:
    """Return the first three samples."""
    return listed(alert.get("samples"))[:_SAMPLES]


def listed(value: Any) -> list[Any]:
    """Return a list of nothing, of one value, or of what a list holds."""
    if value is None:
        return []
    return value if type(value) is list else [value]


def _count(alert: Mapping[str, Any]) -> str | None:
    if "count" not in alert:
        return None
    within = f" within {alert['window_s']:g} s" if _is_number(alert.get("window_s")) else ""
    return f"{alert['count']}{within}"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _rule(alert: Mapping[str, Any]) -> str:
    version = alert.get("rule_version")
    return f"{alert['rule']} (version {version})" if version else str(alert["rule"])
