"""SecurityLogger: the families as methods, and still a logger."""

from __future__ import annotations

import logging
import sys

import pytest

from seclog_handlers import _record
from seclog_handlers.adapter import SecurityLogger


class Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def last(self) -> logging.LogRecord:
        return self.records[-1]


@pytest.fixture
def heard():
    logger, handler = logging.getLogger("adapter.test"), Heard()
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield handler
    logger.handlers.clear()
    logger.propagate = True


@pytest.fixture
def log(heard):
    return SecurityLogger("adapter.test")


def fields(record):
    return _record.fields_of(record)


CALLS = [
    (
        lambda log: log.log_authentication_attempt(
            "bob", "password", False, "203.0.113.5", "curl", "wrong", {"name": "x"}
        ),
        "authentication_failure",
        "WARNING",
        {
            "event_type": "authentication",
            "username": "bob",
            "auth_method": "password",
            "success": False,
            "ip_address": "203.0.113.5",
            "user_agent": "curl",
            "failure_reason": "wrong",
            "context": {"name": "x"},
        },
    ),
    (
        lambda log: log.log_authentication_attempt("bob", "password", True, None, None),
        "authentication_success",
        "INFO",
        {"event_type": "authentication", "username": "bob", "auth_method": "password", "success": True},
    ),
    (
        lambda log: log.log_authorization_check(
            7,
            "invoice",
            "delete",
            False,
            ["a"],
            [],
            {"request_id": "r1", "endpoint": "/x", "method": "POST", "name": 1},
        ),
        "authorization_denied",
        "WARNING",
        {
            "event_type": "authorization",
            "user_id": 7,
            "resource": "invoice",
            "action": "delete",
            "granted": False,
            "required_permissions": ["a"],
            "user_permissions": [],
            "request_id": "r1",
            "api_endpoint": "/x",
            "http_method": "POST",
            "context": {"name": 1},
        },
    ),
    (
        lambda log: log.log_authorization_check(7, "invoice", "read", True, None, None),
        "authorization_granted",
        "INFO",
        {"event_type": "authorization", "user_id": 7, "resource": "invoice", "action": "read", "granted": True},
    ),
    (
        lambda log: log.log_api_request(
            {
                "request_id": "r1",
                "method": "GET",
                "path": "/x",
                "query_params": {"a": "b"},
                "user_id": 7,
                "ip_address": "203.0.113.5",
                "user_agent": "curl",
                "api_version": "2",
                "content_length": 5,
                "headers": {"Accept": "*/*"},
                "msg": "reserved",
            }
        ),
        "api_request",
        "INFO",
        {
            "event_type": "api_request",
            "request_id": "r1",
            "method": "GET",
            "path": "/x",
            "query_params": {"a": "b"},
            "user_id": 7,
            "ip_address": "203.0.113.5",
            "user_agent": "curl",
            "api_version": "2",
            "request_size": 5,
            "headers": {"Accept": "*/*"},
            "context": {"msg": "reserved"},
        },
    ),
    (
        lambda log: log.log_api_response(
            {
                "request_id": "r1",
                "status_code": 503,
                "response_time_ms": 1.5,
                "response_size": 9,
                "error_details": "x",
                "stack_trace": None,
            }
        ),
        "api_response",
        "ERROR",
        {
            "event_type": "api_response",
            "request_id": "r1",
            "status_code": 503,
            "response_time_ms": 1.5,
            "response_size": 9,
            "error_details": "x",
        },
    ),
    (
        lambda log: log.log_security_event("security_csrf_failure", "high", "what", 7, "203.0.113.5"),
        "security_event_csrf_failure",
        "ERROR",
        {
            "event_type": "security_csrf_failure",
            "severity": "high",
            "details": "what",
            "user_id": 7,
            "ip_address": "203.0.113.5",
        },
    ),
    (
        lambda log: log.log_rate_limit_violation(7, "203.0.113.5", "/x", "per_minute", 100, 120),
        "rate_limit_exceeded",
        "WARNING",
        {
            "event_type": "rate_limit_violation",
            "user_id": 7,
            "ip_address": "203.0.113.5",
            "endpoint": "/x",
            "limit_type": "per_minute",
            "limit_value": 100,
            "current_value": 120,
        },
    ),
]


@pytest.mark.parametrize(("call", "message", "level", "expected"), CALLS)
def test_each_method_logs_its_event(log, heard, call, message, level, expected):
    """Message, level and fields are those of the family."""
    call(log)

    assert heard.last.getMessage() == message
    assert heard.last.levelname == level
    assert fields(heard.last) == expected


@pytest.mark.parametrize(("call", "message", "level", "expected"), CALLS)
def test_the_record_names_the_caller(log, heard, call, message, level, expected):
    """File, function and line are those of the application's call."""
    call(log)

    assert heard.last.pathname == __file__
    assert heard.last.funcName == "<lambda>"
    assert heard.last.lineno >= call.__code__.co_firstlineno


def test_the_caller_of_a_usual_method(log, heard):
    """The usual methods name their caller, too."""
    log.info("x")
    line = sys._getframe().f_lineno - 1

    assert (heard.last.funcName, heard.last.lineno) == ("test_the_caller_of_a_usual_method", line)


@pytest.mark.parametrize("name", ["unhandled_exception", "security_unhandled_exception"])
def test_both_spellings_are_one_event(log, heard, name):
    """A type with and without its prefix is the same event."""
    log.log_security_event(name, None, {})

    assert heard.last.event_type == "security_unhandled_exception"
    assert heard.last.getMessage() == "security_event_unhandled_exception"
    assert heard.last.levelname == "ERROR"


def test_a_percent_sign_is_no_format(log, heard):
    """A type with a percent sign is logged as it is."""
    log.log_security_event("100%s", "LOW", {})

    assert heard.last.getMessage() == "security_event_100%s"


def test_a_disabled_level_logs_nothing(log, heard):
    """The logger's level decides as for any other call."""
    log.setLevel(logging.WARNING)
    log.log_authentication_attempt("bob", "password", True, None, None)

    assert heard.records == []


def test_it_takes_a_logger_a_name_or_an_adapter(heard):
    """A logger, its name and an adapter around it are as good as each other; an adapter's fields stay."""
    logger = logging.getLogger("adapter.test")
    adapter = logging.LoggerAdapter(logging.LoggerAdapter(logger, {"a": 1, "b": 1}), {"b": 2, "c": 2})

    for given in (logger, "adapter.test", adapter, SecurityLogger(adapter)):
        assert SecurityLogger(given).logger is logger
    SecurityLogger(adapter, {"c": 3}).log_rate_limit_violation(None, None, None, None, None, None)
    assert (heard.last.a, heard.last.b, heard.last.c) == (1, 2, 3)
    assert heard.last.funcName == "test_it_takes_a_logger_a_name_or_an_adapter"


def test_the_callers_extra_stays(heard):
    """The usual calls keep their `extra`; it comes before the adapter's own."""
    log = SecurityLogger("adapter.test", {"tenant": "t1", "part": "own"})
    log.info("x %s", 1, extra={"part": "given"})

    assert heard.last.getMessage() == "x 1"
    assert fields(heard.last) == {"tenant": "t1", "part": "given"}


@pytest.mark.parametrize("extra", [None, {}, 7, "text", [1]])
def test_an_extra_that_is_none_is_no_extra(log, heard, extra):
    """What is no mapping has no fields, and costs no line."""
    log.warning("x", extra=extra)

    assert fields(heard.last) == {}


def test_reserved_names_are_kept_under_another(heard):
    """Names that makeRecord refuses are kept as `extra.<name>`, the caller's and the adapter's."""
    log = SecurityLogger("adapter.test", {"name": "n"})
    log.info("x", extra={"message": "m", "args": 1, "taskName": 2})

    assert heard.last.name == "adapter.test"
    assert fields(heard.last) == {"extra.name": "n", "extra.message": "m", "extra.args": 1, "extra.taskName": 2}


class Hostile:
    def __bool__(self):
        raise RuntimeError("no")

    __str__ = __repr__ = __iter__ = __len__ = keys = __bool__


@pytest.mark.parametrize("data", [None, 7, Hostile(), [1, 2], "text"])
def test_data_of_any_kind_is_an_event(log, heard, data):
    """A request or response that is no mapping is an event without fields."""
    log.log_api_request(data)
    log.log_api_response(data)
    log.log_authorization_check(None, None, None, data, data, data, data)
    log.log_authentication_attempt(data, data, Hostile(), data, data)
    log.log_security_event(data, data, data)
    log.log_rate_limit_violation(data, data, data, data, data, data)

    assert len(heard.records) == 6


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ("false", "authentication_failure"),
        (0, "authentication_failure"),
        (None, "authentication_failure"),
        ("ok", "authentication_success"),
        ({"a user": 1}, "authentication_success"),
        ({}, "authentication_failure"),
    ],
)
def test_an_outcome_is_a_boolean(log, heard, outcome, message):
    """What `authenticate()` of a framework returns, a user or None, is an outcome, too."""
    log.log_authentication_attempt("bob", "password", outcome, None, None)

    assert heard.last.getMessage() == message
    assert type(heard.last.success) is bool
