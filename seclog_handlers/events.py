"""The six event families: typed builders for `extra`, derived fields, and the level that each event asks for.

An application logs `logger.info("login", extra=events.authentication(username="bob", success=False))`, or
writes the same fields by hand: the builders only spell the names. `derive` is what EventFilter applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers import rendering
from seclog_handlers.enrichment.headers import security_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# The numbers of stdlib logging, which engines do not import.
INFO, WARNING, ERROR, CRITICAL = 20, 30, 40, 50

AUTHENTICATION = "authentication"
AUTHORIZATION = "authorization"
API_REQUEST = "api_request"
API_RESPONSE = "api_response"
RATE_LIMIT_VIOLATION = "rate_limit_violation"
SECURITY_EVENT = "security_event"
SECURITY_PREFIX = "security_"
# What escalation emits: no application logs one.
SECURITY_ALERT = "security_alert"

FAMILIES = (
    AUTHENTICATION, AUTHORIZATION, API_REQUEST, API_RESPONSE, RATE_LIMIT_VIOLATION, SECURITY_EVENT,
)  # fmt: skip

SEVERITY_LEVELS = {"LOW": INFO, "MEDIUM": WARNING, "HIGH": ERROR, "CRITICAL": CRITICAL}
DEFAULT_SEVERITIES = {
    "security_input_validation_failure": "MEDIUM",
    "security_unhandled_exception": "HIGH",
}

ERROR_DETAILS_FROM = 400
STACK_TRACE_FROM = 500
_KEPT_FROM = (("error_details", ERROR_DETAILS_FROM), ("stack_trace", STACK_TRACE_FROM))
# Fields of a request that go; what they say is in others.
_REPLACED = ("headers", "content_length")

# More names than any role has; a longer list gets no missing_permissions.
MAX_PERMISSIONS = 1000

_TRUE_WORDS = frozenset({"true", "yes", "on", "1", "ok", "success", "succeeded", "granted", "allowed"})
_FALSE_WORDS = frozenset({"false", "no", "off", "0", "fail", "failed", "failure", "denied", "rejected"})
_MAX_WORD = 16


class Derivation(NamedTuple):
    """What an event's fields ask for.

    Attributes:
        set: Fields to set: derived ones, and given ones in a form that rules can compare.
        remove: Names of fields that go.
        level: The least level of the record, as logging's number; None where the event has no family.
    """

    set: Mapping[str, Any] = MappingProxyType({})
    remove: tuple[str, ...] = ()
    level: int | None = None


# What most events ask for, made once.
_NOTHING = Derivation()
_LEVEL_ONLY = {level: Derivation(level=level) for level in (INFO, WARNING, ERROR, CRITICAL)}


def family(event_type: Any) -> str | None:
    """Return the event's family, one of `FAMILIES`, or None; all `security_<name>` are `security_event`."""
    if type(event_type) is not str:
        return None
    if event_type in _RULES:
        return event_type
    is_security = event_type.startswith(SECURITY_PREFIX) and len(event_type) > len(SECURITY_PREFIX)
    return SECURITY_EVENT if is_security else None


def derive(fields: Mapping[str, Any]) -> Derivation:
    """Return what the event in `fields` asks for; never raises because of a field's value.

    `success` and `granted` may be booleans, 0 and 1, or words such as "true", "failed", "denied" in any case:
    they become booleans. A word that says neither counts as no answer. `severity` may be in any case.
    """
    event_type = fields.get("event_type")
    rule = _RULES.get(event_type) if type(event_type) is str else None
    if rule is not None:
        return rule(fields)
    return _security_event(fields) if family(event_type) else _NOTHING


def level(fields: Mapping[str, Any]) -> int:
    """Return the least level of the event in `fields`, as logging's number; INFO for one without family."""
    return INFO if fields.get("event_type") == API_REQUEST else derive(fields).level or INFO


def truth(value: Any) -> bool | None:
    """Read a success or a grant: a boolean, 0 or 1, or a word for one in any case; anything else is None."""
    kind = type(value)
    if kind is bool:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return bool(value) if value in (0, 1) else None
    if kind is str and len(value) <= _MAX_WORD:
        word = value.strip().lower()
        return True if word in _TRUE_WORDS else False if word in _FALSE_WORDS else None
    return None


def _outcome(fields: Mapping[str, Any], name: str) -> tuple[bool | None, dict[str, Any]]:
    """Return the outcome and, where it was not given as a boolean, the field that makes it one."""
    given = fields.get(name)
    if given is True or given is False:
        return given, {}
    outcome = truth(given)
    return outcome, {} if outcome is None else {name: outcome}


def _authentication(fields: Mapping[str, Any]) -> Derivation:
    success = fields.get("success")
    if success is False or success is True:  # as most have it
        return _LEVEL_ONLY[INFO if success else WARNING]
    success, found = _outcome(fields, "success")
    return _asks(found, WARNING if success is False else INFO)


def _asks(found: dict[str, Any], level: int) -> Derivation:
    return Derivation(found, (), level) if found else _LEVEL_ONLY[level]


def _authorization(fields: Mapping[str, Any]) -> Derivation:
    granted, found = _outcome(fields, "granted")
    if granted is not False:
        return _asks(found, INFO)
    missing = missing_permissions(fields.get("required_permissions"), fields.get("user_permissions"))
    if missing is not None:
        found["missing_permissions"] = missing
    return _asks(found, WARNING)


def missing_permissions(required: Any, held: Any) -> list[Any] | None:
    """Return the required permissions that are not held, in the order of `required`; None if it names none.

    Args:
        required: A list, tuple or set of names, or text with names separated by commas or spaces.
        held: The same; anything else holds nothing.
    """
    wanted = _permissions(required)
    owned = _permissions(held)
    if wanted is None or (owned is None and type(held) in _COLLECTIONS):
        return None
    has = set(owned or ())
    return [name for name in wanted if name not in has]


_COLLECTIONS = (list, tuple, set, frozenset)


def _permissions(value: Any) -> list[Any] | None:
    """Return names without repetitions; None for too many of them and for what is no collection of names."""
    kind = type(value)
    if kind is str:
        value = value.replace(",", " ").split(None, MAX_PERMISSIONS)
    elif kind not in _COLLECTIONS:
        return None
    if len(value) > MAX_PERMISSIONS:
        return None
    names: Iterable[Any] = map(_permission, value)
    if kind is set or kind is frozenset:
        names = sorted(names, key=str)  # a set has no order of its own, and output must be repeatable
    return list(dict.fromkeys(names))


def _permission(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is int:
        return value
    return str.__str__(value) if issubclass(kind, str) else rendering.text(value)


def _api_request(fields: Mapping[str, Any]) -> Derivation:
    found: dict[str, Any] = {}
    headers = security_headers(fields["headers"]) if fields.get("headers") is not None else None
    if headers:
        found["security_headers"] = headers
    if fields.get("request_size") is None and (size := _size(fields.get("content_length"))) is not None:
        found["request_size"] = size
    removed = tuple([name for name in _REPLACED if name in fields])
    return Derivation(found, removed, INFO)


def _size(value: Any) -> Any:
    """Return a size in bytes as a number where text shows one."""
    is_number = type(value) is str and len(value) <= _MAX_WORD and value.isascii() and value.isdigit()
    return int(value) if is_number else value


def _api_response(fields: Mapping[str, Any]) -> Derivation:
    status = status_number(fields.get("status_code")) or 0
    level = ERROR if status >= STACK_TRACE_FROM else INFO
    removed = tuple([name for name, least in _KEPT_FROM if status < least and name in fields])
    return Derivation(remove=removed, level=level) if removed else _LEVEL_ONLY[level]


def status_number(value: Any) -> int | None:
    """Read an HTTP status, 100 to 599: a number, an `http.HTTPStatus`, or text of three digits."""
    kind = type(value)
    if issubclass(kind, str):
        text = str.__str__(value)
        status = int(text) if len(text) == 3 and text.isascii() and text.isdigit() else 0  # noqa: PLR2004
    elif issubclass(kind, int):
        status = int.__int__(value)
    else:
        return None
    return status if 100 <= status <= 599 else None  # noqa: PLR2004 - RFC 9110, 15


def _rate_limit_violation(fields: Mapping[str, Any]) -> Derivation:
    excess = _difference(fields.get("current_value"), fields.get("limit_value"))
    return _asks({} if excess is None else {"excess": excess}, WARNING)


def _difference(current: Any, limit: Any) -> int | float | None:
    if type(current) not in (int, float) or type(limit) not in (int, float):
        return None
    try:
        excess: int | float = current - limit
    except OverflowError:
        return None
    return excess if abs(excess) < float("inf") else None


def _security_event(fields: Mapping[str, Any]) -> Derivation:
    given = fields.get("severity")
    if given is None:
        given = DEFAULT_SEVERITIES.get(fields["event_type"], "")
    severity = _severity(given)
    level = SEVERITY_LEVELS.get(severity)
    if level is None:
        return _LEVEL_ONLY[INFO]
    return _asks({} if fields.get("severity") is severity else {"severity": severity}, level)


def _severity(value: Any) -> str:
    if type(value) is str:
        return value if value in SEVERITY_LEVELS else value[:_MAX_WORD].strip().upper()
    return str.__str__(value)[:_MAX_WORD].strip().upper() if issubclass(type(value), str) else ""


_RULES: dict[str, Callable[[Mapping[str, Any]], Derivation]] = {
    AUTHENTICATION: _authentication,
    AUTHORIZATION: _authorization,
    API_REQUEST: _api_request,
    API_RESPONSE: _api_response,
    RATE_LIMIT_VIOLATION: _rate_limit_violation,
}


def authentication(
    username: str | int | None = None,
    auth_method: str | None = None,
    success: bool | None = None,
    ip_address: str | None = None,
    user_agent: str | None = None,
    failure_reason: str | None = None,
    context: Any = None,
    session_id: str | None = None,
) -> dict[str, Any]:
    """Return `extra` for somebody who proved, or failed to prove, who they are. What is None is left out."""
    return _present(
        event_type=AUTHENTICATION, username=username, auth_method=auth_method, success=success,
        ip_address=ip_address, user_agent=user_agent, failure_reason=failure_reason, context=context,
        session_id=session_id,
    )  # fmt: skip


def authorization(
    user_id: str | int | None = None,
    resource: str | None = None,
    action: str | None = None,
    granted: bool | None = None,
    required_permissions: Iterable[str] | None = None,
    user_permissions: Iterable[str] | None = None,
    request_id: str | None = None,
    api_endpoint: str | None = None,
    http_method: str | None = None,
) -> dict[str, Any]:
    """Return `extra` for a permission that was checked; a denial gets missing_permissions on its way."""
    return _present(
        event_type=AUTHORIZATION, user_id=user_id, resource=resource, action=action, granted=granted,
        required_permissions=required_permissions, user_permissions=user_permissions, request_id=request_id,
        api_endpoint=api_endpoint, http_method=http_method,
    )  # fmt: skip


def api_request(
    request_id: str | None = None,
    method: str | None = None,
    path: str | None = None,
    query_params: Mapping[str, Any] | None = None,
    user_id: str | int | None = None,
    ip_address: str | None = None,
    user_agent: str | None = None,
    api_version: str | None = None,
    request_size: int | None = None,
    headers: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return `extra` for a request that came in; its headers become security_headers on their way.

    Args:
        request_id: What ties the events of one request together.
        method: GET, POST and so on.
        path: Without the query.
        query_params: The parsed query; secrets in it are redacted on their way.
        user_id: Who asks, where that is known already.
        ip_address: From where, as text.
        user_agent: The header of that name.
        api_version: Of the interface that is called.
        request_size: Of the body, in bytes.
        headers: As the framework gives them.
    """
    return _present(
        event_type=API_REQUEST, request_id=request_id, method=method, path=path, query_params=query_params,
        user_id=user_id, ip_address=ip_address, user_agent=user_agent, api_version=api_version,
        request_size=request_size, headers=headers,
    )  # fmt: skip


def api_response(
    request_id: str | None = None,
    status_code: int | None = None,
    response_time_ms: float | None = None,
    response_size: int | None = None,
    error_details: Any = None,
    stack_trace: str | None = None,
) -> dict[str, Any]:
    """Return `extra` for an answer; error_details stays from status 400 up, stack_trace from 500 up.

    Args:
        request_id: What ties the events of one request together.
        status_code: The HTTP status.
        response_time_ms: Milliseconds from request to answer.
        response_size: Of the body, in bytes.
        error_details: What went wrong, for whoever reads the log.
        stack_trace: The traceback as text.
    """
    return _present(
        event_type=API_RESPONSE, request_id=request_id, status_code=status_code,
        response_time_ms=response_time_ms, response_size=response_size, error_details=error_details,
        stack_trace=stack_trace,
    )  # fmt: skip


def rate_limit_violation(
    user_id: str | int | None = None,
    ip_address: str | None = None,
    endpoint: str | None = None,
    limit_type: str | None = None,
    limit_value: float | None = None,
    current_value: float | None = None,
) -> dict[str, Any]:
    """Return `extra` for a caller above a limit; `excess` is what `current_value` has over `limit_value`."""
    return _present(
        event_type=RATE_LIMIT_VIOLATION, user_id=user_id, ip_address=ip_address, endpoint=endpoint,
        limit_type=limit_type, limit_value=limit_value, current_value=current_value,
    )  # fmt: skip


def security_event(
    event_type: str,
    severity: str | None = None,
    details: Any = None,
    user_id: str | int | None = None,
    ip_address: str | None = None,
) -> dict[str, Any]:
    """Return `extra` for anything else that matters to security.

    Args:
        event_type: A name, with or without `security_` before it.
        severity: LOW, MEDIUM, HIGH or CRITICAL in any case; HIGH and CRITICAL alert at once.
        details: What happened.
        user_id: Who is concerned.
        ip_address: From where, as text.
    """
    return _present(
        event_type=security_type(event_type), severity=severity, details=details, user_id=user_id,
        ip_address=ip_address,
    )  # fmt: skip


def security_type(name: Any) -> str:
    """Return the event_type of a security event from its name, which may carry the prefix already."""
    text = name if type(name) is str else rendering.text(name)
    return SECURITY_PREFIX + (text.strip().removeprefix(SECURITY_PREFIX) or "unnamed")


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
