"""Redaction: finds secrets and personal data in texts, values and messages, and puts a marker in their place."""

from __future__ import annotations

from typing import Any

from seclog_handlers.redaction.engine import Redactor

__all__ = ["Redactor", "redact"]

_default: list[Redactor] = []


def redact(value: Any) -> Any:
    """Return `value` without secrets and personal data, by the built-in rules; the caller's object stays as it is."""
    if not _default:
        _default.append(Redactor())
    return _default[0].value(value)
