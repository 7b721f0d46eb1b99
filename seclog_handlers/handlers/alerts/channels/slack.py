"""`slack://T.../B.../...`: Slack's incoming webhooks, and services that take the same messages."""

from __future__ import annotations

import json
from typing import Any

from seclog_handlers.handlers.alerts.channels.channel import COMPANY, Options, Outcome
from seclog_handlers.handlers.alerts.channels.http import Endpoint
from seclog_handlers.handlers.alerts.content import facts, line, title
from seclog_handlers.handlers.alerts.groups import Batch

URL = "https://hooks.slack.com/services/"
_SHOWN = 10  # incidents in full; the rest by number
_HEADER, _SECTION = 150, 2900  # characters that Slack takes, the second with some room
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Slack:
    """A Slack channel. All content is `plain_text`, in which Slack parses no markup, mention or link."""

    batch = 200
    resolve_wait = COMPANY

    def __init__(self, name: str, endpoint: Endpoint, options: Options) -> None:
        self.name = name
        self.options = options
        self._endpoint = endpoint

    def payload(self, batch: Batch) -> dict[str, Any]:
        """Return the message."""
        return message(batch)

    def deliver(self, batch: Batch) -> Outcome:
        """Post the message."""
        content = json.dumps(message(batch), separators=(",", ":")).encode("ascii")
        headers = {"Content-Type": "application/json", "Idempotency-Key": batch.key}
        return self._endpoint.send("POST", content, headers)

    def abort(self) -> None:
        """End a delivery that takes too long."""
        self._endpoint.abort()

    def forget(self) -> None:
        """Close what a forked child has inherited."""
        self._endpoint.forget()


def message(batch: Batch) -> dict[str, Any]:
    """Return a message of a header and one section per incident."""
    head = headline(batch)
    texts = [f"[{alert['status']}] {title(alert)}\n{_details(alert)}" for alert in batch.alerts[:_SHOWN]]
    texts += footer(batch, _SHOWN)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(head, _HEADER)}]
    blocks += [{"type": "section", "text": _plain(text, _SECTION)} for text in texts]
    return {"text": head.translate(_ESCAPES), "mrkdwn": False, "unfurl_links": False, "blocks": blocks}


def headline(batch: Batch) -> str:
    """Return one line that says how many incidents of which rule are firing or resolved."""
    if len(batch.alerts) == 1:
        return f"[{batch.status.upper()}] {title(batch.alerts[0])}"
    firing = sum(alert["status"] == "firing" for alert in batch.alerts)
    resolved = len(batch.alerts) - firing
    parts = [f"{count} {word}" for count, word in ((firing, "firing"), (resolved, "resolved")) if count]
    shown = ", ".join(parts)
    rules = list(dict.fromkeys(alert["rule"] for alert in batch.alerts))
    if len(rules) > 1:
        return f"[{batch.status.upper()}] {line(', '.join(rules), 100)}: {shown}"
    return f"[{batch.status.upper()}] {title({**batch.alerts[0], 'group': {}})}: {shown}"


def footer(batch: Batch, shown: int) -> list[str]:
    """Return lines about what a message leaves out and what came late."""
    lines = [f"... and {len(batch.alerts) - shown} more incidents."] * (len(batch.alerts) > shown)
    lines += [f"{batch.held_back} alerts were held back by the limit per minute."] * (batch.held_back > 0)
    lines += [f"{batch.buried} earlier alerts could not be delivered: see dead-letters.jsonl."] * (batch.buried > 0)
    return lines


def _details(alert: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in facts(alert))


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": text[:limit], "emoji": False}
