"""Alerts to people: a durable spool, one sender, channels."""

from __future__ import annotations

from seclog_handlers.handlers.alerts.handler import AlertHandler

__all__ = ["AlertHandler"]
