"""`https://`: Alertmanager's webhook format, version 4, signed when the channel has a key."""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from seclog_handlers.handlers.alerts.channels.channel import Options, Outcome
from seclog_handlers.handlers.alerts.channels.http import Endpoint
from seclog_handlers.handlers.alerts.content import facts, fingerprint, line, listed, samples, title
from seclog_handlers.handlers.alerts.groups import Batch
from seclog_handlers.handlers.alerts.paced import paced

_NOT_ENDED = "0001-01-01T00:00:00Z"  # how Alertmanager writes the end of what goes on
_LABELS = ("rule", "pattern", "severity", "service", "environment", "host")
_NOTES = ("reason", "rule_version", "window_s", "last_seen", "owasp", "runbook_url", "query", "incident_id")
_NO_LABEL = re.compile(r"[^a-zA-Z0-9_]")
_AGENT = "seclog-handlers"


class Webhook:
    """A receiver of Alertmanager's notifications."""

    batch = 50
    resolve_wait = 0.0

    def __init__(self, name: str, endpoint: Endpoint, options: Options) -> None:
        self.name = name
        self.options = options
        self._endpoint = endpoint

    def payload(self, batch: Batch) -> dict[str, Any]:
        """Return the body."""
        return body(batch)

    def deliver(self, batch: Batch) -> Outcome:
        """Post the notification."""
        content = json.dumps(self.payload(batch), separators=(",", ":")).encode("ascii")
        return self._endpoint.send("POST", content, signed(content, batch.key, self.options.key, time.time()))

    def abort(self) -> None:
        """End a delivery that takes too long."""
        self._endpoint.abort()

    def forget(self) -> None:
        """Close what a forked child has inherited."""
        self._endpoint.forget()


def signed(content: bytes, idempotency_key: str, key: str, now: float) -> dict[str, str]:
    """Return the headers of a request; with a key they prove who sent it and when.

    The signature is HMAC-SHA256 over the timestamp's decimal digits, a full stop and the body.
    """
    stamp = str(int(now))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "Idempotency-Key": idempotency_key,
        "X-Seclog-Timestamp": stamp,
    }
    if key:
        digest = hmac.digest(key.encode("utf-8"), stamp.encode("ascii") + b"." + content, "sha256")
        headers["X-Seclog-Signature"] = "sha256=" + digest.hex()
    return headers


def body(batch: Batch) -> dict[str, Any]:
    """Return a notification in Alertmanager's webhook format, version 4."""
    alerts = [_alert(alert) for alert in paced(batch.alerts)]
    notes = _common([alert["annotations"] for alert in alerts])
    if batch.held_back:
        notes["held_back"] = str(batch.held_back)
    if batch.buried:
        notes["dead_lettered"] = str(batch.buried)
    grouped = {"rule": batch.rule} if all(alert["rule"] == batch.rule for alert in batch.alerts) else {}
    return {
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in grouped.items()) + "}",
        "truncatedAlerts": 0,
        "status": batch.status,
        "receiver": "seclog",
        "groupLabels": grouped,
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": notes,
        "externalURL": "",
        "alerts": alerts,
    }


def _alert(alert: Mapping[str, Any]) -> dict[str, Any]:
    over = alert["status"] == "resolved"
    return {
        "status": alert["status"],
        "labels": labels(alert),
        "annotations": explanations(alert),
        "startsAt": str(alert.get("first_seen") or alert.get("created") or _NOT_ENDED),
        "endsAt": str(alert.get("created") or alert.get("last_seen") or _NOT_ENDED) if over else _NOT_ENDED,
        "generatorURL": "",
        "fingerprint": fingerprint(alert),
    }


def labels(alert: Mapping[str, Any]) -> dict[str, str]:
    """Return what identifies an alert, under names that Prometheus allows."""
    named = {"alertname": alert["rule"], **{name: alert[name] for name in _LABELS if alert.get(name)}}
    for field, value in alert["group"].items():
        name = _NO_LABEL.sub("_", field)
        named[f"group_{name}" if name in named or not name or name[0].isdigit() else name] = value
    return {name: line(value, 200) for name, value in named.items()}


def explanations(alert: Mapping[str, Any]) -> dict[str, str]:
    """Return what explains an alert; every value is text."""
    notes = {"summary": title(alert), "description": "\n".join(f"{name}: {value}" for name, value in facts(alert))}
    notes["count"] = line(alert.get("count", 1))
    notes["samples"] = json.dumps(samples(alert), ensure_ascii=False)
    notes["attack"] = ", ".join(map(str, listed(alert.get("attack"))))
    notes |= {name: line(alert[name], 1000) for name in _NOTES if alert.get(name) not in (None, "")}
    return notes


def _common(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first = rows[0] if rows else {}
    return {name: value for name, value in first.items() if all(row.get(name) == value for row in rows)}
