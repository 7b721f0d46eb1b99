"""SecurityLogger: the six event families as methods of a logger."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from seclog_handlers import events
from seclog_handlers._record import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter

_REQUEST = (
    "request_id", "method", "path", "query_params", "user_id", "ip_address", "user_agent", "api_version",
    "content_length", "headers",
)  # fmt: skip
_RESPONSE = ("request_id", "status_code", "response_time_ms", "response_size", "error_details", "stack_trace")
_CHECK = {"request_id": "request_id", "endpoint": "api_endpoint", "method": "http_method"}

# The caller of a log_... method, seen from Logger.log: _emit, then the method, then the caller.
_CALLER = 3


class SecurityLogger(_Adapter):
    """A logger with one more method for each event family; its usual methods work as ever.

    Each method logs at the level of its family (a failed login is a WARNING), so `setLevel(WARNING)` keeps
    what matters. Fields that are None are left out.

    Args:
        logger: A logger, the name of one, or a LoggerAdapter, whose logger and `extra` are taken over.
        extra: Fields for every record; those of a call come before them.
    """

    def __init__(
        self,
        logger: logging.Logger | logging.LoggerAdapter[Any] | str,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        fields = _mapping(extra)
        while isinstance(logger, logging.LoggerAdapter):
            fields = {**_mapping(logger.extra), **fields}
            logger = logger.logger
        super().__init__(logging.getLogger(logger) if isinstance(logger, str) else logger, fields)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the adapter's fields to the call's own; names that logging refuses become `extra.<name>`."""
        merged = {**_mapping(self.extra), **_mapping(kwargs.get("extra"))}
        kwargs["extra"] = {f"extra.{key}" if key in STANDARD else key: value for key, value in merged.items()}
        return msg, kwargs

    def log_authentication_attempt(
        self,
        username: str | int | None,
        auth_method: str | None,
        success: bool,
        ip_address: str | None,
        user_agent: str | None,
        failure_reason: str | None = None,
        additional_context: Any = None,
    ) -> None:
        """Log a login, successful or failed, as `authentication_success` or `authentication_failure`.

        Args:
            username: Who it was said to be.
            auth_method: password, mfa, token and so on.
            success: Whether it worked.
            ip_address: From where, as text.
            user_agent: The header of that name.
            failure_reason: Why it did not work.
            additional_context: Anything else; becomes the field `context`.
        """
        succeeded = _decided(success)
        fields = events.authentication(
            username, auth_method, succeeded, ip_address, user_agent, failure_reason, additional_context,
        )  # fmt: skip
        self._emit("authentication_success" if succeeded else "authentication_failure", fields)

    def log_authorization_check(
        self,
        user_id: str | int | None,
        resource: str | None,
        action: str | None,
        granted: bool,
        required_permissions: Iterable[str] | None,
        user_permissions: Iterable[str] | None,
        request_context: Mapping[str, Any] | None = None,
    ) -> None:
        """Log a permission check as `authorization_granted` or `authorization_denied`.

        Args:
            user_id: Who asked.
            resource: For what.
            action: To do what with it.
            granted: Whether they may.
            required_permissions: What it takes.
            user_permissions: What they have.
            request_context: `request_id`, `endpoint` and `method` of the request.
        """
        allowed = _decided(granted)
        fields = events.authorization(
            user_id, resource, action, allowed, required_permissions, user_permissions,
        )  # fmt: skip
        known = _split(request_context, _CHECK)
        fields.update({_CHECK.get(name, name): value for name, value in known.items()})
        self._emit("authorization_granted" if allowed else "authorization_denied", fields)

    def log_api_request(self, request_data: Mapping[str, Any]) -> None:
        """Log a request as `api_request`.

        Args:
            request_data: `request_id`, `method`, `path`, `query_params`, `user_id`, `ip_address`,
                `user_agent`, `api_version`, `content_length` (bytes; becomes `request_size`) and `headers`,
                as far as known; other keys are kept in the field `context`.
        """
        known = _split(request_data, _REQUEST)
        if "content_length" in known:
            known["request_size"] = known.pop("content_length")
        self._emit("api_request", {"event_type": events.API_REQUEST, **known})

    def log_api_response(self, response_data: Mapping[str, Any]) -> None:
        """Log an answer as `api_response`; a 5xx is an ERROR.

        Args:
            response_data: `request_id`, `status_code`, `response_time_ms`, `response_size` (bytes),
                `error_details` and `stack_trace`, as far as known; other keys are kept in the field
                `context`.
        """
        self._emit("api_response", {"event_type": events.API_RESPONSE, **_split(response_data, _RESPONSE)})

    def log_security_event(
        self,
        event_type: str,
        severity: str | None,
        details: Any,
        user_id: str | int | None = None,
        ip_address: str | None = None,
    ) -> None:
        """Log anything else that matters to security as `security_event_<event_type>`.

        Args:
            event_type: A name; a `security_` before it is not repeated.
            severity: LOW, MEDIUM, HIGH or CRITICAL in any case; HIGH and CRITICAL alert at once.
            details: What happened.
            user_id: Who is concerned.
            ip_address: From where, as text.
        """
        fields = events.security_event(event_type, severity, details, user_id, ip_address)
        name = fields["event_type"].removeprefix(events.SECURITY_PREFIX)
        self._emit(f"security_event_{name}", fields)

    def log_rate_limit_violation(
        self,
        user_id: str | int | None,
        ip_address: str | None,
        endpoint: str | None,
        limit_type: str | None,
        limit_value: float | None,
        current_value: float | None,
    ) -> None:
        """Log a caller above a limit as `rate_limit_exceeded`.

        Args:
            user_id: Who it is, where known.
            ip_address: From where, as text.
            endpoint: What was called.
            limit_type: Which limit: requests_per_minute and so on.
            limit_value: What is allowed.
            current_value: What it came to.
        """
        fields = events.rate_limit_violation(
            user_id, ip_address, endpoint, limit_type, limit_value, current_value,
        )  # fmt: skip
        self._emit("rate_limit_exceeded", fields)

    def _emit(self, message: str, fields: dict[str, Any]) -> None:
        level = events.level(fields)
        if self.isEnabledFor(level):
            _, kwargs = self.process(message, {"extra": fields})
            self.logger.log(level, message, stacklevel=_CALLER, **kwargs)


def _decided(value: Any) -> bool:
    """Read an outcome: what `events.truth` reads, else whether the value is truthy (a user object, None)."""
    outcome = events.truth(value)
    if outcome is not None:
        return outcome
    try:
        return bool(value)
    except Exception:
        return False


def _mapping(value: Any) -> dict[str, Any]:
    """Return a copy of a mapping; anything that is none has no fields."""
    try:
        return dict(value)
    except Exception:
        return {}


def _split(data: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields that the family knows, and all others together as `context`."""
    given = _mapping(data)
    known = {name: given.pop(name) for name in names if name in given}
    if given:
        known["context"] = given
    return {name: value for name, value in known.items() if value is not None}
