"""What Django says through its signals and its 403 records, as events."""

from __future__ import annotations

import logging
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model, signals
from django.core.signals import got_request_exception
from django.utils.functional import LazyObject, empty

from seclog_handlers.access.addresses import Proxies
from seclog_handlers.adapter import SecurityLogger
from seclog_handlers.context import log_unhandled_exception

if TYPE_CHECKING:
    from collections.abc import Callable

LOGGER = "seclog.django"
METHOD = "django"
FORBIDDEN = 403

_log = SecurityLogger(LOGGER)
_proxies = Proxies(())


def connect() -> None:
    """Connect every receiver, once, and let 403 records of `django.request` carry an event."""
    global _proxies  # noqa: PLW0603 - Django has one configuration per process
    _proxies = Proxies(getattr(settings, "SECLOG_TRUSTED_PROXIES", ()))
    for signal, receiver in _RECEIVERS:
        signal.connect(receiver, dispatch_uid=f"seclog.{receiver.__name__}")
    logger = logging.getLogger("django.request")
    if not any(isinstance(present, PermissionDenials) for present in logger.filters):
        logger.addFilter(PermissionDenials())


def _quiet(receiver: Callable[..., None]) -> Callable[..., None]:
    """Return a receiver that never raises: Django's send() would hand the error to the application."""

    @wraps(receiver)
    def received(**kwargs: Any) -> None:
        try:
            receiver(**kwargs)
        except Exception:
            pass  # a login is worth more than its log line

    return received


@_quiet
def login_failed(credentials: dict[str, Any], request: Any = None, **_: Any) -> None:
    """Log a failed login; of the credentials only the username is looked at."""
    username = credentials.get(get_user_model().USERNAME_FIELD) or credentials.get("username")
    _log.log_authentication_attempt(
        username, METHOD, False, _address(request), _agent(request), "invalid_credentials", _place(request),
    )  # fmt: skip


@_quiet
def logged_in(user: Any, request: Any = None, **_: Any) -> None:
    """Log a login."""
    _log.log_authentication_attempt(
        user.get_username(), METHOD, True, _address(request), _agent(request), None, _place(request),
    )  # fmt: skip


@_quiet
def logged_out(user: Any, request: Any = None, **_: Any) -> None:
    """Log a logout, of somebody who was logged in."""
    if user is not None:
        _log.log_security_event("user_logged_out", "LOW", {}, str(user.pk), _address(request))


@_quiet
def failed(request: Any = None, **_: Any) -> None:
    """Log an exception that no view or middleware handled."""
    error = sys.exc_info()[1]
    if error is not None:
        log_unhandled_exception(_log, error, _user_id(request), _address(request))


_RECEIVERS = (
    (signals.user_login_failed, login_failed),
    (signals.user_logged_in, logged_in),
    (signals.user_logged_out, logged_out),
    (got_request_exception, failed),
)


class PermissionDenials(logging.Filter):
    """Say on Django's 403 record who was denied what; AccessLogFilter makes it the event."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Complete the record; always True."""
        attributes = record.__dict__
        request = attributes.get("request")
        if attributes.get("status_code") == FORBIDDEN and request is not None:
            try:
                for name, value in _denial(request).items():
                    attributes.setdefault(name, value)
            except Exception:
                pass  # the record is a 403 all the same
        return True


def _denial(request: Any) -> dict[str, Any]:
    denied = {
        "user_id": _user_id(request),
        "resource": request.path,
        "action": request.method,
        "ip_address": _address(request),
    }
    return {name: value for name, value in denied.items() if value is not None}


def _user_id(request: Any) -> str | None:
    """Return the user's key if the request knows it already: a log call makes no database query."""
    known = getattr(request, "__dict__", {})
    user: Any = known["user"] if "user" in known else known.get("_cached_user")
    if issubclass(type(user), LazyObject) and user._wrapped is empty:  # noqa: SLF001 - the only way not to ask
        user = known.get("_cached_user")
    key = getattr(user, "pk", None)
    return None if key is None else str(key)


def _address(request: Any) -> str | None:
    meta = getattr(request, "META", {})
    return _proxies.client(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", "")) or None


def _agent(request: Any) -> str | None:
    return getattr(request, "META", {}).get("HTTP_USER_AGENT")


def _place(request: Any) -> dict[str, Any] | None:
    return None if request is None else {"path": request.path, "http_method": request.method}
