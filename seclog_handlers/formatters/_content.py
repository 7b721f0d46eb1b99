"""What a record says, read from its attributes: nothing here trusts what it finds there."""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Any

from seclog_handlers._record import MARK, STANDARD, is_lifted, mark_of
from seclog_handlers.enrichment.stack import format_exception
from seclog_handlers.rendering import dumps, is_ordinary, message, text, traceback_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from seclog_handlers.formatters._layout import Layout

_MAX_FIELDS = 10_000
_MAX_NAME = 1_000  # characters of a level's or logger's name

_getmessage = logging.LogRecord.getMessage


def name_text(value: Any, absent: str) -> str:
    """Return a level's or logger's name."""
    if type(value) is str and len(value) <= _MAX_NAME:
        return value
    return absent if value is None else text(value, _MAX_NAME)


def not_shown(error: Exception) -> str:
    """Return the message of a record whose content could not be had; never the error's text."""
    return f"[record not shown: {type(error).__name__} while it was formatted]"


def record_message(record: logging.LogRecord) -> str:
    """Return the message with its arguments; a dict as compact JSON."""
    attributes = record.__dict__
    msg = attributes.get("msg")
    if type(msg) is dict:
        return dumps(msg)
    if type(record).getMessage is not _getmessage:
        try:  # a record class with its own idea of templates
            return text(record.getMessage())
        except Exception:
            return message(msg)
    return message(msg, attributes.get("args"))


def message_fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the keys of a dict message, which are fields of the event too, unless they are that already."""
    msg = record.__dict__.get("msg")
    if type(msg) is not dict or is_lifted(record):
        return {}
    try:
        return dict(islice(msg.items(), _MAX_FIELDS))
    except Exception:  # a key's hash fails, or another thread changes the dict: `message` still shows it
        return {}


def place_fields(
    line: dict[str, Any],
    record: logging.LogRecord,
    layout: Layout,
    defaults: dict[str, Any],
    message_dict: dict[str, Any],
) -> None:
    """Put the event's fields on the line: a dict message's, then `extra`, then defaults; no real mark."""
    for name, value in message_dict.items():
        layout.place(line, name, value)
    attributes = record.__dict__
    try:
        if message_dict or (MARK in attributes and mark_of(record) is None):
            _place_one_by_one(line, record, layout)
        else:
            shape = layout.shapes[tuple(attributes)]
            line.update(zip(shape.targets, shape.values(attributes), strict=True))
    except Exception:  # names that are no str, or another thread changes the record
        _place_one_by_one(line, record, layout)
    if defaults:
        for name, value in defaults.items():
            if name not in attributes and name not in message_dict and name not in layout.shown:
                layout.place(line, name, value)


def _place_one_by_one(line: dict[str, Any], record: logging.LogRecord, layout: Layout) -> None:
    """Put the fields of `extra` on the line, each where the names before it leave room."""
    for name, value in list(record.__dict__.items()):
        if type(name) is not str:
            layout.place(line, text(name), value)
        elif name in STANDARD:
            continue
        elif name not in layout.special and name not in line:
            line[name] = value
        elif name not in layout.shown and (name != MARK or mark_of(record) is None):
            layout.place(line, name, value)


def traces(record: logging.LogRecord, own: Callable[[Any], Any] | None = None) -> list[tuple[str, str]]:
    """Return the texts of the record's exception and stack, each with its trusted name."""
    attributes = record.__dict__
    found: list[tuple[str, str]] = []
    if attributes.get("exc_info") is not None or attributes.get("exc_text") is not None:
        found.append(("exception", exception_text(record, own)))
    stack = attributes.get("stack_info")
    if stack is not None:
        found.append(("stack", text(stack)))
    return [(name, shown) for name, shown in found if shown] if found else found


def exception_text(record: logging.LogRecord, own: Callable[[Any], Any] | None = None) -> str:
    """Return the exception in Python's traceback form, "" if the record has none.

    A cached `exc_text` counts only when nothing is left to format: another formatter wrote it.

    Args:
        record: The record.
        own: How a subclass formats exc_info.
    """
    attributes = record.__dict__
    exc_info = attributes.get("exc_info")
    if exc_info is not None:
        shown = traceback_text(exc_info) if is_ordinary(exc_info) else format_exception(exc_info)
        if shown and own is not None:
            shown = _own_text(own, exc_info, shown)
        if shown:
            return shown
    cached = attributes.get("exc_text")
    return "" if cached is None else text(cached)


def _own_text(own: Callable[[Any], Any], exc_info: Any, otherwise: str) -> str:
    try:
        return text(own(exc_info))
    except Exception:
        return otherwise
