"""Builders spell the fields of an event."""

from __future__ import annotations

import logging

import pytest

from seclog_handlers import _record, events

BUILDERS = {
    "authentication": (
        events.authentication,
        (
            "username",
            "auth_method",
            "success",
            "ip_address",
            "user_agent",
            "failure_reason",
            "context",
            "session_id",
        ),
    ),
    "authorization": (
        events.authorization,
        (
            "user_id",
            "resource",
            "action",
            "granted",
            "required_permissions",
            "user_permissions",
            "request_id",
            "api_endpoint",
            "http_method",
        ),
    ),
    "api_request": (
        events.api_request,
        (
            "request_id",
            "method",
            "path",
            "query_params",
            "user_id",
            "ip_address",
            "user_agent",
            "api_version",
            "request_size",
            "headers",
        ),
    ),
    "api_response": (
        events.api_response,
        (
            "request_id",
            "status_code",
            "response_time_ms",
            "response_size",
            "error_details",
            "stack_trace",
        ),
    ),
    "rate_limit_violation": (
        events.rate_limit_violation,
        (
            "user_id",
            "ip_address",
            "endpoint",
            "limit_type",
            "limit_value",
            "current_value",
        ),
    ),
}


@pytest.mark.parametrize("event_type", BUILDERS)
def test_every_field_of_the_family(event_type):
    """A builder takes the fields of its family, in this order, and names the event."""
    build, names = BUILDERS[event_type]
    fields = build(*range(len(names)))

    assert fields == {"event_type": event_type, **{name: number for number, name in enumerate(names)}}
    assert build(**dict.fromkeys(names, 1)) == {"event_type": event_type, **dict.fromkeys(names, 1)}


@pytest.mark.parametrize("event_type", BUILDERS)
def test_none_is_left_out(event_type):
    """A field that is None is no field."""
    assert BUILDERS[event_type][0]() == {"event_type": event_type}


@pytest.mark.parametrize("event_type", BUILDERS)
def test_no_field_is_refused_by_logging(event_type):
    """No field has a name that logging keeps for itself."""
    assert _record.STANDARD.isdisjoint(BUILDERS[event_type][1])


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        ("csrf_failure", "security_csrf_failure"),
        ("security_csrf_failure", "security_csrf_failure"),
        ("unhandled_exception", "security_unhandled_exception"),
        (" x ", "security_x"),
        ("", "security_unnamed"),
        ("security_", "security_unnamed"),
        (None, "security_None"),
        (7, "security_7"),
    ],
)
def test_security_events_carry_their_prefix_once(name, event_type):
    """The prefix is added where it is missing."""
    assert events.security_event(name, "LOW", {"a": 1}, 7, "203.0.113.5") == {
        "event_type": event_type,
        "severity": "LOW",
        "details": {"a": 1},
        "user_id": 7,
        "ip_address": "203.0.113.5",
    }


def test_false_and_zero_are_fields():
    """Only None is left out: a failure and a zero are news."""
    assert events.authentication(success=False)["success"] is False
    assert events.rate_limit_violation(current_value=0)["current_value"] == 0


def test_a_builder_feeds_extra(caplog):
    """What a builder returns is what `extra` takes."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("app").info("login", extra=events.authentication(username="bob", success=True))

    assert caplog.records[0].username == "bob"
