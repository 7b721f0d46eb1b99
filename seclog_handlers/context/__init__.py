"""Requests as events: a context manager, WSGI and ASGI middleware, and the request id on every record."""

from __future__ import annotations

from seclog_handlers.context.asgi import SecurityASGIMiddleware
from seclog_handlers.context.current import (
    RequestId,
    RequestIdFilter,
    apply,
    carry,
    current_request_id,
)
from seclog_handlers.context.exchange import log_unhandled_exception, request_context
from seclog_handlers.context.wsgi import SecurityWSGIMiddleware

__all__ = [
    "RequestId",
    "RequestIdFilter",
    "SecurityASGIMiddleware",
    "SecurityWSGIMiddleware",
    "apply",
    "carry",
    "current_request_id",
    "log_unhandled_exception",
    "request_context",
]
