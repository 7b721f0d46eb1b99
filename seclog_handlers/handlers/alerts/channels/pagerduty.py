"""`pagerduty://ROUTING_KEY`: PagerDuty's Events API v2, one event per change of an incident."""

from __future__ import annotations

import json
from typing import Any

from seclog_handlers.handlers.alerts.channels.channel import Options, Outcome
from seclog_handlers.handlers.alerts.channels.http import Endpoint
from seclog_handlers.handlers.alerts.content import facts, title
from seclog_handlers.handlers.alerts.groups import Batch

URL = "https://events.pagerduty.com/v2/enqueue"
_SEVERITIES = {"LOW": "info", "MEDIUM": "warning", "HIGH": "error", "CRITICAL": "critical"}
_WITHHELD = "***"


class PagerDuty:
    """PagerDuty keeps the incidents itself: `dedup_key` joins an opening, its updates and its end."""

    batch = 1
    resolve_wait = 0.0

    def __init__(self, name: str, endpoint: Endpoint, options: Options) -> None:
        self.name = name
        self.options = options
        self._endpoint = endpoint

    def payload(self, batch: Batch) -> dict[str, Any]:
        """Return the event without the routing key."""
        return event(batch, _WITHHELD)

    def deliver(self, batch: Batch) -> Outcome:
        """Post the event."""
        content = json.dumps(event(batch, self.options.key), separators=(",", ":")).encode("ascii")
        headers = {"Content-Type": "application/json", "Idempotency-Key": batch.key}
        return self._endpoint.send("POST", content, headers)

    def abort(self) -> None:
        """End a delivery that takes too long."""
        self._endpoint.abort()

    def forget(self) -> None:
        """Close what a forked child has inherited."""
        self._endpoint.forget()


def event(batch: Batch, routing_key: str) -> dict[str, Any]:
    """Return an event of the Events API v2."""
    alert = batch.alerts[0]
    content: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if alert["status"] == "resolved" else "trigger",
        "dedup_key": alert["dedup_key"],
        "client": "seclog",
        "payload": {
            "summary": title(alert),
            "source": str(alert.get("host") or alert.get("service") or "seclog"),
            "severity": _SEVERITIES[alert["severity"]],
            "component": str(alert.get("service", "")),
            "group": batch.rule,
            "class": str(alert.get("pattern", "")),
            "custom_details": {**dict(facts(alert)), **_notes(batch)},
        },
    }
    if alert.get("last_seen"):
        content["payload"]["timestamp"] = alert["last_seen"]
    runbook = str(alert.get("runbook_url", ""))
    if runbook.startswith(("https://", "http://")):
        content["links"] = [{"href": runbook, "text": "Runbook"}]
    return content


def _notes(batch: Batch) -> dict[str, str]:
    return {"Alerts that did not arrive": str(batch.buried)} if batch.buried else {}
