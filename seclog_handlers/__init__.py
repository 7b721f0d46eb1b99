"""A security log from any application's stdlib logging, by configuration alone."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seclog_handlers import events
    from seclog_handlers.adapter import SecurityLogger
    from seclog_handlers.context import SecurityASGIMiddleware, SecurityWSGIMiddleware, request_context
    from seclog_handlers.errors import ConfigurationError, SecurityLogWarning
    from seclog_handlers.filters import (
        AccessLogFilter,
        EventFilter,
        GeoIPFilter,
        PseudonymFilter,
        RedactionFilter,
        RiskFilter,
        SamplingFilter,
    )
    from seclog_handlers.formatters import JsonFormatter, TextFormatter
    from seclog_handlers.handlers.accounting import stats
    from seclog_handlers.handlers.alerts import AlertHandler
    from seclog_handlers.handlers.escalation import EscalationHandler
    from seclog_handlers.handlers.files import SharedFileHandler
    from seclog_handlers.handlers.queued import QueueHandler
    from seclog_handlers.handlers.security import SecurityHandler
    from seclog_handlers.redaction import redact

__all__ = [
    "AccessLogFilter",
    "AlertHandler",
    "ConfigurationError",
    "EscalationHandler",
    "EventFilter",
    "GeoIPFilter",
    "JsonFormatter",
    "PseudonymFilter",
    "QueueHandler",
    "RedactionFilter",
    "RiskFilter",
    "SamplingFilter",
    "SecurityASGIMiddleware",
    "SecurityHandler",
    "SecurityLogWarning",
    "SecurityLogger",
    "SecurityWSGIMiddleware",
    "SharedFileHandler",
    "TextFormatter",
    "events",
    "redact",
    "request_context",
    "stats",
]

# Imported at first use: an application pays for the parts that its configuration names.
_HOMES = {
    "AlertHandler": "handlers.alerts",
    "ConfigurationError": "errors",
    "EscalationHandler": "handlers.escalation",
    "JsonFormatter": "formatters",
    "QueueHandler": "handlers.queued",
    "SecurityASGIMiddleware": "context",
    "SecurityHandler": "handlers.security",
    "SecurityLogWarning": "errors",
    "SecurityLogger": "adapter",
    "SecurityWSGIMiddleware": "context",
    "SharedFileHandler": "handlers.files",
    "TextFormatter": "formatters",
    "redact": "redaction",
    "request_context": "context",
    "stats": "handlers.accounting",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "events":
        return import_module(f"{__name__}.events")
    found = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'filters')}"), name)
    globals()[name] = found
    return found
