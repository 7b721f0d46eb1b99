"""Formatters: one record in, one line out, whatever the record holds."""

from __future__ import annotations

from seclog_handlers.formatters.structured import JsonFormatter
from seclog_handlers.formatters.text import TextFormatter

__all__ = ["JsonFormatter", "TextFormatter"]
