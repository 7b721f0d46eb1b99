"""Anything an application can log, as bounded and safe text or plain data; nothing here raises."""

from __future__ import annotations

from seclog_handlers.rendering._budget import SMALL, is_bounded, is_exact, is_small
from seclog_handlers.rendering._exceptions import endless_part
from seclog_handlers.rendering._json import dumps, dumps_plain, encode
from seclog_handlers.rendering._lines import one_line
from seclog_handlers.rendering._message import argument, filled, message
from seclog_handlers.rendering._strings import cut, mro
from seclog_handlers.rendering._traceback import is_ordinary, traceback_text
from seclog_handlers.rendering._values import plain, text

__all__ = [
    "SMALL", "argument", "cut", "dumps", "dumps_plain", "encode", "endless_part", "filled", "is_bounded", "is_exact",
    "is_ordinary", "is_small", "message", "mro", "one_line", "plain", "text", "traceback_text",
]  # fmt: skip
