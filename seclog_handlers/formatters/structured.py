"""One JSON object a line."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from pythonjsonlogger.core import BaseJsonFormatter

from seclog_handlers._record import MARK, PROCESS, Mark, Repeat
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.formatters import _content
from seclog_handlers.formatters._fit import fit, leading
from seclog_handlers.formatters._layout import OWNED, Layouts
from seclog_handlers.formatters._options import COVERED, read_fmt, read_options
from seclog_handlers.formatters._templates import Template, template_of
from seclog_handlers.formatters._timestamps import Timestamps
from seclog_handlers.rendering import SMALL, dumps, dumps_plain, encode, is_bounded, is_small

if TYPE_CHECKING:
    import logging

_MAX_WHOLE = 64_000  # characters of a line in which no text is so long that it would be cut
_NOTHING: frozenset[str] = frozenset()
_MAX_NAMES = 1_000  # characters of an ordinary level and logger together
# What python-json-logger lets a subclass override.
_TEMPLATE = ("add_fields", "process_log_record", "jsonify_log_record", "serialize_log_record")


class JsonFormatter(BaseJsonFormatter):
    """Writes a record as one JSON object: RFC 8259 and RFC 7493, one line for every reader.

    Keys: timestamp (RFC 3339, UTC, milliseconds, cut), level, logger, message, service, static fields, what
    `fmt` adds, the event's fields, exception, stack. A field whose name is taken moves to `extra.<name>`. A
    dict message's keys are fields too, `message` its compact JSON. The values are the same without orjson.

    It is python-json-logger's template: a subclass may override add_fields, process_log_record,
    jsonify_log_record, serialize_log_record and formatException. Of that package's options it takes
    rename_fields (as `fields`), static_fields (as `static`) and defaults; the others are errors, since they
    would change how values are rendered.

    Args:
        fmt: Template whose record attributes are added: "%(process)d %(threadName)s". Also named `format`.
        datefmt: For `%(asctime)s` in `fmt`, as in logging.
        style: Of `fmt`: %, {, $ (or a comma-separated list with python-json-logger 4).
        validate: Whether `fmt` is checked.
        options: service, static, fields, defaults, and max_bytes of one line (256,000).

    Raises:
        ConfigurationError: For an unknown option or a template that does not fit its style.
    """

    def __init__(
        self,
        fmt: Any = None,
        datefmt: str | None = None,
        style: str = "%",
        validate: bool = True,
        **options: Any,
    ) -> None:
        fmt = read_fmt("JsonFormatter", fmt, options)
        taken = read_options("JsonFormatter", options)
        try:
            super().__init__(
                fmt,
                datefmt,
                style,
                validate,
                rename_fields=taken.fields,
                static_fields=taken.static,
                defaults=taken.defaults,
            )
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"JsonFormatter's fmt is {fmt!r}, style {style!r}: {error}.") from error
        named = dict.fromkeys(self._required_fields)
        self._layouts = Layouts(taken, tuple(name for name in named if name not in COVERED))
        self._timestamps = Timestamps()
        self._max_bytes = taken.max_bytes
        self._surely_fits = taken.max_bytes // 4  # characters: UTF-8 takes at most four bytes for each
        self._surely_whole = min(self._surely_fits, _MAX_WHOLE)
        overridden = type(self).formatException is not BaseJsonFormatter.formatException
        self._own_exception = self.formatException if overridden else None
        # Nothing between record and line is a subclass's, and a line is what its record holds.
        same = all(getattr(type(self), name) is getattr(JsonFormatter, name) for name in _TEMPLATE)
        self._direct = same and not self._layouts.default.shown and not taken.defaults

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON, without line end; never raises an Exception."""
        if self._direct:
            try:
                attributes = record.__dict__
                mark = attributes.get(MARK)
                repeat = None
                if type(mark) is Mark and mark.origin is PROCESS and (repeat := mark.repeat) is not None:
                    template: Template | None = repeat.memory.get(self)
                    if template is not None:
                        line = template.line(attributes, self._timestamps.text(attributes["created"]), mark)
                        if line is not None and len(line) <= self._surely_whole:
                            return line
                line = self._quickly(record, repeat)
                if line is not None:
                    return line
            except Exception:
                pass  # it is no ordinary record
        return self._carefully(record)

    def _quickly(self, record: logging.LogRecord, repeat: Repeat | None = None) -> str | None:
        """Return the line of an ordinary record, the same as `_carefully` does; None for any other.

        It does in one place, without a call for each field, what that does step by step: half the time.
        """
        attributes = record.__dict__
        mark = attributes.get(MARK, attributes)
        derived: AbstractSet[str] = _NOTHING
        judged = False  # by a SecurityHandler, so that no text is longer than a line
        if mark is attributes:
            layout = self._layouts.default
        elif type(mark) is Mark and mark.origin is PROCESS:
            derived, (output, layout) = mark.derived, self._layouts.latest
            if mark.output is not output:
                layout = self._layouts.of(record)
            judged = mark.output is not None and mark.mode != "off"
        else:
            return None
        targets, fetch, owned, others, line, names = layout.shapes[tuple(attributes)]
        fields, level, name, msg = fetch(attributes), attributes["levelname"], attributes["name"], attributes["msg"]
        if line is None or type(level) is not str or type(name) is not str or type(msg) is dict:
            return None
        if not judged:
            if not is_bounded(fields):
                return None
        elif not is_small(others(attributes) if owned and owned <= derived else fields):
            return None
        line = line.copy()
        if targets:
            line.update(zip(targets, fields))  # noqa: B905 - 0.15 us, and a shape has as many of both
        at, at_level, at_name, at_message = layout.head
        line[at], line[at_level], line[at_name] = self._timestamps.text(attributes["created"]), level, name
        if type(msg) is str and type(attributes["args"]) is tuple and not attributes["args"] and len(msg) < SMALL:
            line[at_message] = msg
        else:
            line[at_message] = _content.record_message(record)
        if (
            attributes["exc_text"] is not None
            or attributes["exc_info"] is not None
            or attributes["stack_info"] is not None
        ):
            for trace, value in _content.traces(record, self._own_exception):
                line[layout.names[trace]] = value
        text = encode(line)
        if len(text) > self._surely_whole or len(level) + len(name) > _MAX_NAMES:
            return None
        if repeat is not None and self not in repeat.memory:
            placed = list(zip(targets, names, strict=True))
            repeat.memory[self] = template_of(text, line, at, attributes, placed, repeat.names, OWNED, mark)
        return text

    def _carefully(self, record: logging.LogRecord) -> str:
        try:
            line: dict[str, Any] = {}
            self.add_fields(line, record, _content.message_fields(record))
            return self.serialize_log_record(self.process_log_record(line))
        except Exception as error:
            return self._without_content(record, error)

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Fill the line in its order."""
        attributes = record.__dict__
        layout = self._layouts.of(record)
        timestamp, level, logger, message = layout.head
        log_data[timestamp] = self._timestamps.text(attributes.get("created"))
        log_data[level] = _content.name_text(attributes.get("levelname"), "NOTSET")
        log_data[logger] = _content.name_text(attributes.get("name"), "root")
        log_data[message] = _content.record_message(record)
        log_data.update(layout.constants)
        for name, shown in layout.shown.items():
            known = name != "asctime"
            log_data[shown] = attributes.get(name) if known else self.formatTime(record, self.datefmt)
        _content.place_fields(log_data, record, layout, self.defaults, message_dict)
        for name, value in _content.traces(record, self._own_exception):
            log_data[layout.names[name]] = value

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Return the time for `%(asctime)s` as logging does; like `timestamp` if that fails."""
        try:
            return super().formatTime(record, datefmt)
        except Exception:
            return self._timestamps.text(record.__dict__.get("created"))

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Return the line as JSON, of any length."""
        return dumps(log_data)

    def serialize_log_record(self, log_data: dict[str, Any]) -> str:
        """Return the line as JSON of at most `max_bytes`: the longest strings are cut first, visibly."""
        line = self.jsonify_log_record(log_data)
        if len(line) <= self._surely_fits or len(line.encode()) <= self._max_bytes:
            return line
        own = type(self).jsonify_log_record is not JsonFormatter.jsonify_log_record
        return fit(log_data, self._max_bytes, self.jsonify_log_record if own else dumps_plain, leading)

    def _without_content(self, record: logging.LogRecord, error: Exception) -> str:
        """What is left when an overridden method or a record class fails: that there was an event."""
        attributes = object.__getattribute__(record, "__dict__")
        line = {
            "timestamp": self._timestamps.text(attributes.get("created")),
            "level": _content.name_text(attributes.get("levelname"), "NOTSET"),
            "logger": _content.name_text(attributes.get("name"), "root"),
            "message": _content.not_shown(error),
        }
        return dumps({**line, **self._layouts.default.constants})
