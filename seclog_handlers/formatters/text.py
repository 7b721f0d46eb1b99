"""One readable line."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from seclog_handlers import _config
from seclog_handlers._config import program_name
from seclog_handlers._record import STANDARD
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.formatters import _content
from seclog_handlers.formatters._fit import fit, leading
from seclog_handlers.formatters._layout import Layouts
from seclog_handlers.formatters._options import COVERED, read_fmt, read_options
from seclog_handlers.formatters._timestamps import Timestamps
from seclog_handlers.rendering import dumps, one_line, plain, text

_COLORS = {"DEBUG": "\x1b[2m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m"}
_RESET = "\x1b[0m"
_TRACE_PREFIX = "  | "

# What a template names, in the three styles of logging.
_NAMED = re.compile(r"%\(([^()]+)\)|\{(\w+)|\$\{?(\w+)")

_GAP = "  "  # between message and fields; no message contains it unquoted
_LIKE_A_FIELD = re.compile(r"(?:^|\s)\w[\w.\-]*=")
_FREE = STANDARD | {"timestamp", "level", "logger", "service"}  # no application's field
_MAX_BARE = 1_000  # characters: what is longer is always quoted
_MAX_EXACT = 2**53  # such integers are JSON as they are
_MAX_KNOWN = 2_048  # short texts whose written form is remembered
_MAX_KNOWN_LENGTH = 128
_NOT_BARE = re.compile(r"[\s\"'=\\\[\]{}|]")
_KEY = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)


class TextFormatter(logging.Formatter):
    """Writes a record as one line: time, level, logger, message, two spaces, then fields as `name=value`.

    Nothing that is logged can start a second line, move the cursor or pass for a field: control, bidi and
    other invisible characters are escaped, values and messages that could be read as fields are quoted (as
    JSON), nested values are compact JSON. A field whose name is taken is shown as `extra.<name>`.

    Args:
        fmt: Template of what comes before the fields that it does not name. Also named `format`.
        datefmt: For `%(asctime)s` in `fmt`, as in logging.
        style: Of `fmt`: %, {, $.
        validate: Whether `fmt` is checked.
        options: service, static, fields, defaults, max_bytes of one record (256,000); `multiline` shows
            tracebacks on lines of their own, each behind a bar that no other line can start with; `color` is
            on, off, or auto: when the program's stderr or stdout is a terminal at configuration time and
            NO_COLOR is unset (a formatter cannot know its handler's stream: say off for a file).

    Raises:
        ConfigurationError: For an unknown option, or a template that does not fit its style or has lines.
    """

    def __init__(
        self,
        fmt: Any = None,
        datefmt: str | None = None,
        style: Any = "%",
        validate: bool = True,
        **options: Any,
    ) -> None:
        fmt = read_fmt("TextFormatter", fmt, options)
        taken = read_options("TextFormatter", options, ("color", "multiline"))
        self._check_fmt(fmt)
        try:
            super().__init__(fmt, datefmt, style, validate)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"TextFormatter's fmt is {fmt!r}, style {style!r}: {error}.") from error
        self._named = _names(fmt)
        self._layouts = Layouts(taken, tuple(name for name in self._named if name not in COVERED))
        self._defaults = taken.defaults
        self._timestamps = Timestamps()
        self._max_bytes = taken.max_bytes
        self._surely_fits = taken.max_bytes // 4  # characters: UTF-8 takes at most four bytes for each
        self._program = program_name()
        self._multiline = _config.as_bool("TextFormatter's multiline", options.get("multiline", False))
        self._colored = _colored(options.get("color", "auto"))

    @staticmethod
    def _check_fmt(fmt: Any) -> None:
        if fmt and (type(fmt) is not str or fmt.splitlines() != [fmt]):
            raise ConfigurationError(
                f"TextFormatter's fmt is {fmt!r}: it must be one line of text; multiline is for tracebacks.",
            )

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, without line end; never raises an Exception."""
        try:
            content = self._content(record)
            line = self._line(content)
            if len(line) <= self._surely_fits or len(line.encode()) <= self._max_bytes:
                return line
            return fit(content, self._max_bytes, self._line, self._leading)
        except Exception as error:
            return f"{self._timestamps.text(None)} ERROR seclog {_content.not_shown(error)}"

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Return the time for `%(asctime)s` as logging does; in RFC 3339 if that fails."""
        try:
            return super().formatTime(record, datefmt)
        except Exception:
            return self._timestamps.text(record.__dict__.get("created"))

    def _content(self, record: logging.LogRecord) -> dict[str, Any]:
        layout = self._layouts.of(record)
        fields: dict[str, Any] = {}
        _content.place_fields(fields, record, layout, self._defaults, _content.message_fields(record))
        constants = dict(layout.constants)
        service = constants[layout.names["service"]]
        if service == self._program:
            del constants[layout.names["service"]]
        return {
            "head": self._head(record, service),
            "traces": dict(_content.traces(record)),
            "fields": {**fields, **constants},
        }

    def _head(self, record: logging.LogRecord, service: str) -> dict[str, Any]:
        """Return what the template names, and what every line begins with."""
        attributes = record.__dict__
        head: dict[str, Any] = {
            "timestamp": self._timestamps.text(attributes.get("created")),
            "levelname": _content.name_text(attributes.get("levelname"), "NOTSET"),
            "name": _content.name_text(attributes.get("name"), "root"),
            "message": _content.record_message(record),
            "service": service,
        }
        head["level"], head["logger"] = head["levelname"], head["name"]
        for name in self._named:
            if name == "asctime":
                head[name] = self.formatTime(record, self.datefmt)
            elif name not in head:
                head[name] = attributes.get(name, self._defaults.get(name))
        return head

    def _line(self, content: dict[str, Any]) -> str:
        shown = [self._begin(content["head"])]
        fields = [f"{_key[name]}={_value(value)}" for name, value in content["fields"].items()]
        traces = content["traces"]
        if not self._multiline:
            fields += [f"{name}={dumps(trace)}" for name, trace in traces.items()]
        if fields:
            shown.append(_GAP + " ".join(fields))
        if self._multiline:
            lines = [line for trace in traces.values() for line in trace.split("\n")]
            shown += [f"\n{_TRACE_PREFIX}{one_line(line)}" for line in lines]
        return "".join(shown)

    def _leading(self, content: dict[str, Any], limit: int) -> dict[str, Any]:
        rest = len(self._line({**content, "fields": {}}).encode())
        return {**content, "fields": leading(content["fields"], limit - rest)}

    def _begin(self, head: dict[str, Any]) -> str:
        if self._named:
            shown = {name: _attribute(name, value) for name, value in head.items()}
            shown["levelname"] = self._in_color(shown["levelname"])
            try:
                return str(self._style.format(SimpleNamespace(**shown)))
            except Exception:
                pass  # a conversion that the value does not fit: the default line shows the record
        level = self._in_color(_name[head["levelname"]])
        return f"{head['timestamp']} {level} {_name[head['name']]} {_free(head['message'])}"

    def _in_color(self, level: str) -> str:
        color = _COLORS.get(level) if self._colored else None
        return f"{color}{level}{_RESET}" if color else level


def _names(fmt: str | None) -> tuple[str, ...]:
    found = _NAMED.findall(fmt or "")
    return tuple(dict.fromkeys(percent or brace or dollar for percent, brace, dollar in found))


def _colored(color: Any) -> bool:
    choice = "on" if color is True else "off" if color is False else color
    choice = _config.as_choice("TextFormatter's color", choice, ("auto", "on", "off"))
    if choice != "auto":
        return choice == "on"
    streams = (sys.stderr, sys.stdout)
    on_terminal = any(stream is not None and stream.isatty() for stream in streams)
    return on_terminal and not os.environ.get("NO_COLOR")


def _attribute(name: str, value: Any) -> Any:
    """Render what a template names: an application's field as a value, logging's own as it reads."""
    if type(value) is str:
        return _free(value) if name in _FREE else _value(value)
    if type(value) is int or type(value) is float:
        return value
    if value is None:
        return "-"
    return _free(text(value)) if name in _FREE else _value(value)


def _free(words: str) -> str:
    """Return text that is no field's value: as it is, or quoted if it could pass for fields."""
    if _GAP in words or words.startswith('"') or ("=" in words and _LIKE_A_FIELD.search(words)):
        return dumps(words)
    return one_line(words)


class _Written(dict[str, str]):
    """How a short text is written, worked out once: programs have few names, and clients few user agents."""

    def __init__(self, write: Callable[[str], str]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, words: str) -> str:
        written = self._write(words)
        if len(words) <= _MAX_KNOWN_LENGTH:
            if len(self) >= _MAX_KNOWN:
                self.clear()
            self[words] = written
        return written


_key = _Written(lambda name: name if len(name) <= _MAX_BARE and _KEY.fullmatch(name) else dumps(name))
_name = _Written(_free)
_text_value = _Written(lambda words: words if _is_bare(words) else dumps(words))


def _is_bare(words: str) -> bool:
    return 0 < len(words) <= _MAX_BARE and words.isprintable() and not _NOT_BARE.search(words)


def _value(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return _text_value[value]
    if kind is bool:
        return "true" if value else "false"
    if kind is int and -_MAX_EXACT < value < _MAX_EXACT:
        return str(value)
    if kind is int or kind is dict or kind is list or kind is float:
        return dumps(value)
    value = plain(value)
    return _text_value[value] if type(value) is str else dumps(value)
