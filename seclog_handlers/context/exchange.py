"""One request and its response as events.

The application's answer is what counts: whatever goes wrong while a request is logged, the request is served.
"""

from __future__ import annotations

import hashlib
import logging
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from seclog_handlers import events
from seclog_handlers.adapter import SecurityLogger
from seclog_handlers.context.current import RequestId, accept, enter, leave, new_id

if TYPE_CHECKING:
    from contextvars import Token

    Logger = logging.Logger | logging.LoggerAdapter[Any] | str

DEFAULT_LOGGER = "seclog.http"
HEADER = "X-Request-ID"

# A fingerprint names the kind of failure: the type and the innermost functions, no line numbers, no values.
FINGERPRINT_FRAMES = 8
FINGERPRINT_DIGITS = 16


@contextmanager
def request_context(logger: Logger, request: Mapping[str, Any]) -> Iterator[RequestId]:
    """Log a request, its response and how long it took; every record in between carries its id.

    Args:
        logger: A logger, or its name.
        request: request_id, method, path, query_params, headers, user_id, ip_address, user_agent,
            api_version, content_length, as far as known. The id is taken from `request_id`, else from the
            header X-Request-ID, if it is 1 to 128 of `A-Za-z0-9._-`; else a new one is made.

    Yields:
        The request id, a str. Set its `status_code` (default 200) and `response_size` (bytes).

    Raises:
        Exception: Whatever the body raised, unchanged, after it was logged as `security_unhandled_exception`
            with severity HIGH; the response is then a 500.
    """
    exchange = Exchange(logger, request)
    exchange.begin()
    try:
        yield exchange.id
    except Exception as error:
        exchange.fail(error)
        raise
    finally:
        exchange.end()


def log_unhandled_exception(
    logger: Logger,
    error: BaseException,
    user_id: Any = None,
    ip_address: str | None = None,
) -> None:
    """Log an exception that nobody handled as `security_unhandled_exception`, severity HIGH.

    Its `fingerprint` is the same for the same type raised by the same functions: one incident each.
    """
    name = type(error).__name__
    extra = events.security_event(
        "unhandled_exception", "HIGH", {"exception": name}, user_id=user_id, ip_address=ip_address,
    )  # fmt: skip
    extra["fingerprint"] = _fingerprint(error)
    _security_logger(logger).error("security_event_unhandled_exception", exc_info=error, extra=extra)


def _fingerprint(error: BaseException) -> str:
    frames = deque(traceback.walk_tb(error.__traceback__), maxlen=FINGERPRINT_FRAMES)
    places = [f"{frame.f_globals.get('__name__')}:{frame.f_code.co_name}" for frame, _ in frames]
    text = "\n".join([f"{type(error).__module__}.{type(error).__qualname__}", *places])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:FINGERPRINT_DIGITS]


class Exchange:
    """One request and its response, logged as they happen, each once; logging never raises."""

    def __init__(self, logger: Logger, request: Mapping[str, Any]) -> None:
        self._events = _security_logger(logger)
        self._request = request
        self.id = RequestId(_request_id(request))
        self.id.ip_address = _address(request)
        self._began = perf_counter()
        self._answered = False
        self._details: dict[str, Any] | None = None
        self._token: Token[RequestId | None] | None = None

    def begin(self) -> None:
        """Make the request the current one and log it."""
        self._token = enter(self.id)
        _safely(self._events.log_api_request, {**self._request, "request_id": str(self.id)})

    def fail(self, error: Exception) -> None:
        """Log the exception; the request counts as a 500."""
        self.id.status_code = 500
        self._details = {"exception": type(error).__name__}
        user, address = self._request.get("user_id"), self._request.get("ip_address")
        _safely(log_unhandled_exception, self._events, error, user, address)

    def answer(self) -> None:
        """Log the response, once."""
        if self._answered:
            return
        self._answered = True
        response = {
            "request_id": str(self.id),
            "status_code": self.id.status_code,
            "response_time_ms": round((perf_counter() - self._began) * 1000, 3),
            "response_size": self.id.response_size,
            "error_details": self._details,
        }
        _safely(self._events.log_api_response, response)

    def end(self) -> None:
        """Log the response if that has not happened yet, and leave the request."""
        self.answer()
        if self._token is not None:
            leave(self.id, self._token)
            self._token = None


def _security_logger(logger: Logger) -> SecurityLogger:
    if isinstance(logger, SecurityLogger):
        return logger
    if isinstance(logger, logging.LoggerAdapter):
        # An adapter of the standard library's would replace the events' own fields by its extra.
        return SecurityLogger(logger.logger, logger.extra)
    return SecurityLogger(logger)


def _safely(log: Callable[..., Any], *args: Any) -> None:
    try:
        log(*args)
    except Exception:
        pass  # a filter or handler of the application's raised: the request is worth more than its log line


def _request_id(request: Mapping[str, Any]) -> str:
    try:
        found = accept(request.get("request_id")) or accept(_header(request.get("headers"), HEADER))
    except Exception:  # a mapping with its own ideas
        found = None
    return found or new_id()


def _address(request: Mapping[str, Any]) -> str | None:
    try:
        found = request.get("ip_address")
    except Exception:  # a mapping with its own ideas
        return None
    return found if type(found) is str else None


def _header(headers: Any, name: str) -> Any:
    lowered = name.lower()
    items = headers.items() if isinstance(headers, Mapping) else ()
    return next((value for key, value in items if str(key).lower() == lowered), None)
