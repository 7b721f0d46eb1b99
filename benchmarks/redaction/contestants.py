"""What is compared: each package as its own documentation sets it up for logging, in front of the same JSON lines.

A contestant takes one log call and returns what of it would be written: {field: value}.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pythonjsonlogger.json import JsonFormatter

sys.path[:0] = [str(Path(__file__).parents[2])]

Call = tuple[Any, Any, dict[str, Any]]  # msg, args, extra
Shown = dict[str, Any]
# Every name that the rows use for a field: some packages ask for them.
FIELDS: list[str] = []


class Contestant:
    """One package, and what is said about it in the table.

    Args:
        name: As on PyPI.
        given: How it was set up, in a few words.
        prepare: Returns what writes one call.
        is_line: Whether that is a line of JSON, whose price can be compared.
    """

    def __init__(
        self, name: str, given: str, prepare: Callable[[], Callable[[Call], Shown]], *, is_line: bool = True
    ) -> None:
        self.name, self.given, self.prepare, self.is_line = name, given, prepare, is_line


def _record(call: Call) -> logging.LogRecord:
    """A record as Logger.info makes it: a single mapping argument is what the template takes its names from."""
    msg, args, extra = call
    given = args if isinstance(args, tuple) else (args,) if args is not None else ()
    return logging.getLogger("app").makeRecord("app", logging.INFO, "app.py", 1, msg, given, None, "run", extra)


def _written(handler: logging.StreamHandler[io.StringIO]) -> Callable[[Call], Shown]:
    stream = handler.stream

    def write(call: Call) -> Shown:
        stream.seek(0)
        stream.truncate()
        handler.handle(_record(call))
        text = stream.getvalue()
        try:
            shown: Shown = json.loads(text)
        except ValueError:
            return {"line": text}
        return shown

    return write


def _handler(formatter: logging.Formatter | None = None) -> logging.StreamHandler[io.StringIO]:
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(formatter or JsonFormatter("%(message)s", json_default=str))
    return handler


def _filtered(stage: logging.Filter) -> Callable[[Call], Shown]:
    handler = _handler()
    handler.addFilter(stage)
    return _written(handler)


def plain() -> Callable[[Call], Shown]:
    return _written(_handler())


def ours() -> Callable[[Call], Shown]:
    from seclog_handlers import SecurityHandler

    target = _handler()
    secure = SecurityHandler(target=target, policy={"mode": "redact", "pseudonyms": "off"})
    write = _written(target)
    target.handle, handle = secure.handle, target.handle  # what the log call reaches
    secure.setTarget(_Plain(handle))
    return write


class _Plain(logging.Handler):
    def __init__(self, handle: Callable[[logging.LogRecord], Any]) -> None:
        super().__init__()
        self._handle = handle

    def handle(self, record: logging.LogRecord) -> bool:
        self._handle(record)
        return True


def loggingredactor() -> Callable[[Call], Shown]:
    from loggingredactor import CommonPIIRedactingFilter

    return _filtered(CommonPIIRedactingFilter())


def maskerlogger() -> Callable[[Call], Shown]:
    from maskerlogger import MaskerFormatterJson

    return _written(_handler(MaskerFormatterJson("%(message)s")))


def hushlog() -> Callable[[Call], Shown]:
    from hushlog import Config, RedactingJsonFormatter

    return _written(_handler(RedactingJsonFormatter.from_config(Config(disable_patterns=frozenset({"ipv4", "ipv6"})))))


def depii() -> Callable[[Call], Shown]:
    from depii import PIIFilter

    return _filtered(PIIFilter())


def depii_patterns() -> Callable[[Call], Shown]:
    from depii import PIIFilter, Redactor

    return _filtered(PIIFilter(Redactor(contextual=False)))


def secretmask() -> Callable[[Call], Shown]:
    from secretmask import mask, mask_text

    class Masked(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.msg, record.args = mask_text(record.getMessage()), None
            for name in FIELDS:
                if name in record.__dict__:
                    record.__dict__.update(mask({name: record.__dict__[name]}))
            return True

    return _filtered(Masked())


def redact_secret() -> Callable[[Call], Shown]:
    from redact_secret_adapters.logging_filter import RedactSecretFilter

    return _filtered(RedactSecretFilter(extra_fields=FIELDS))


def sentry() -> Callable[[Call], Shown]:
    from sentry_sdk.scrubber import EventScrubber

    scrubber = EventScrubber(recursive=True)

    def write(call: Call) -> Shown:
        record = _record(call)
        event: Any = {
            "logentry": {"message": record.msg, "formatted": record.getMessage(), "params": record.args},
            "extra": dict(call[2]),
        }
        scrubber.scrub_event(event)
        return {"message": event["logentry"]["formatted"], "args": _text(event["logentry"]["params"]), **event["extra"]}

    return write


def logfire() -> Callable[[Call], Shown]:
    import logfire
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    logfire.configure(
        send_to_logfire=False, console=False, metrics=False, additional_span_processors=[SimpleSpanProcessor(exporter)],
        inspect_arguments=False,
    )  # fmt: skip
    handler = logfire.LogfireLoggingHandler()

    def write(call: Call) -> Shown:
        exporter.clear()
        handler.handle(_record(call))
        attributes = dict(exporter.get_finished_spans()[-1].attributes or {})
        shown = {"message": attributes.pop("logfire.msg", None)}
        for name, value in attributes.items():
            if not name.startswith(("logfire.", "code.", "thread.")):
                shown[name] = _loaded(value)
        return shown

    return write


def _loaded(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _text(value: Any) -> str:
    return str(value) if value else ""


CONTESTANTS = [
    Contestant("seclog-handlers", "`SecurityHandler` with `mode = redact` and no further settings", ours),
    Contestant("depii", "`PIIFilter()` on the handler", depii),
    Contestant("depii, patterns only", "`PIIFilter(Redactor(contextual=False))`, as it advises for log lines", depii_patterns),
    Contestant("secretmask", "`mask_text` on the message and `mask` on the fields, in a filter", secretmask),
    Contestant("redact-secret-adapters", "`RedactSecretFilter` with every field of the rows named", redact_secret),
    Contestant("hushlog", "`RedactingJsonFormatter`, without its patterns for IP addresses, which count as benign here", hushlog),
    Contestant("logfire", "`LogfireLoggingHandler` with its default scrubbing", logfire, is_line=False),
    Contestant("maskerlogger", "`MaskerFormatterJson` with its default rules, those of gitleaks", maskerlogger),
    Contestant("loggingredactor", "`CommonPIIRedactingFilter()` on the handler, its fullest preset", loggingredactor),
    Contestant("sentry-sdk", "`EventScrubber(recursive=True)` on the event that its logging integration builds", sentry, is_line=False),
]  # fmt: skip
