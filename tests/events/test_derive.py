"""What each family derives from its fields, and the level it asks for."""

from __future__ import annotations

import enum
import http

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers import events
from seclog_handlers.events import derive

INFO, WARNING, ERROR, CRITICAL = 20, 30, 40, 50


class Permission(str, enum.Enum):
    READ = "read"
    WRITE = "write"


class Hostile:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __bool__ = __len__ = __eq__ = __iter__ = __hash__ = items = keys = __str__


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        (events.authentication("bob", "password", True), INFO),
        (events.authentication("bob", "password", False), WARNING),
        (events.authentication("bob"), INFO),
        (events.authorization("bob", granted=True), INFO),
        (events.authorization("bob", granted=False), WARNING),
        (events.api_request(), INFO),
        (events.api_response(status_code=200), INFO),
        (events.api_response(status_code=404), INFO),
        (events.api_response(status_code=500), ERROR),
        (events.api_response(status_code=599), ERROR),
        (events.rate_limit_violation(), WARNING),
        (events.security_event("x", "LOW"), INFO),
        (events.security_event("x", "medium"), WARNING),
        (events.security_event("x", "High"), ERROR),
        (events.security_event("x", " CRITICAL "), CRITICAL),
        (events.security_event("x", "urgent"), INFO),
        (events.security_event("x"), INFO),
        (events.security_event("input_validation_failure"), WARNING),
        (events.security_event("unhandled_exception"), ERROR),
    ],
)
def test_levels(fields, level):
    """Each family asks for its own level, and so does the shortcut for the level alone."""
    assert derive(fields).level == level
    assert events.level(fields) == level


@pytest.mark.parametrize("event_type", [None, "order_placed", "", "security_", "Authentication", 7, ["authentication"]])
def test_other_events_pass(event_type):
    """An event of no family asks for nothing."""
    assert derive({"event_type": event_type, "headers": {}}) == events.Derivation()
    assert events.family(event_type) is None


@pytest.mark.parametrize("event_type", events.FAMILIES)
def test_each_family_has_its_name(event_type):
    """The families are named as their event types, all security events as one."""
    assert events.family(event_type) == event_type


def test_security_events_are_one_family():
    """Any `security_<name>` is of the family security_event."""
    assert events.family("security_csrf_failure") == "security_event"


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("false", False),
        ("Failed", False),
        (" DENIED ", False),
        ("0", False),
        (0, False),
        (False, False),
        ("true", True),
        ("OK", True),
        (1, True),
        (True, True),
        ("perhaps", None),
        (2, None),
        (None, None),
        (0.0, None),
        (Hostile(), None),
        ("no" * 50, None),
    ],
)
def test_outcomes_are_read_as_people_write_them(word, outcome):
    """Words for yes and no in any case become booleans, so that rules can compare them."""
    derivation = derive({"event_type": "authentication", "success": word})

    assert events.truth(word) is outcome
    assert derivation.level == (WARNING if outcome is False else INFO)
    assert derivation.set == ({} if outcome is None or word is outcome else {"success": outcome})


@pytest.mark.parametrize(
    ("required", "held", "missing"),
    [
        (["read", "write", "admin"], ["write"], ["read", "admin"]),
        (("b", "a", "b"), (), ["b", "a"]),
        ({"b", "a"}, frozenset({"a"}), ["b"]),
        ("read, write admin", "write", ["read", "admin"]),
        (["read"], None, ["read"]),
        (["read"], ["read"], []),
        ([Permission.READ, Permission.WRITE], ["read"], ["write"]),
        ([1, "a"], [1], ["a"]),
    ],
)
def test_a_denial_says_what_was_missing(required, held, missing):
    """What was required and not held is named, in the order in which it was required."""
    fields = events.authorization("bob", granted=False, required_permissions=required, user_permissions=held)

    assert derive(fields).set == {"missing_permissions": missing}


@pytest.mark.parametrize(
    ("granted", "required", "held"),
    [
        (True, ["read"], []),
        (None, ["read"], []),
        (False, None, []),
        (False, {"read": 1}, []),
        (False, Hostile(), []),
        (False, ["x"] * 1001, []),
        (False, ["x"], [str(n) for n in range(1001)]),
    ],
)
def test_nothing_is_said_to_be_missing_otherwise(granted, required, held):
    """Without a denial, without names, and with more names than any role has, there is no such field."""
    fields = {
        "event_type": "authorization",
        "granted": granted,
        "required_permissions": required,
        "user_permissions": held,
    }

    assert "missing_permissions" not in derive(fields).set


@pytest.mark.parametrize(
    ("current", "limit", "excess"),
    [
        (120, 100, 20),
        (1.5, 1, 0.5),
        (90, 100, -10),
        ("120", 100, None),
        (120, None, None),
        (True, False, None),
        (float("nan"), 1, None),
        (float("inf"), 1, None),
        (10**400, 1.0, None),
        (1e308, -1e308, None),
    ],
)
def test_excess(current, limit, excess):
    """What is above the limit is a field where both are numbers."""
    derived = derive(events.rate_limit_violation(limit_value=limit, current_value=current)).set

    assert derived == ({} if excess is None else {"excess": excess})


def test_headers_become_what_they_say():
    """Headers themselves go; what security wants to know of them stays."""
    secret = "made-up-" + "value"
    derivation = derive(events.api_request(headers={"Authorization": f"Bearer {secret}", "Accept": "*/*"}))

    assert derivation.remove == ("headers",)
    assert set(derivation.set) == {"security_headers"}
    assert secret not in repr(derivation.set)


@pytest.mark.parametrize("headers", [None, "text", 7, Hostile(), [("a", "b")], {Hostile: Hostile()}])
def test_headers_go_whatever_they_are(headers):
    """Headers that are no mapping go all the same."""
    assert derive({"event_type": "api_request", "headers": headers}).remove == ("headers",)


@pytest.mark.parametrize(
    ("given", "size"), [(512, 512), ("512", 512), ("x", "x"), (None, None), ("9" * 5000, "9" * 5000)]
)
def test_content_length_becomes_request_size(given, size):
    """content_length is renamed, and its digits become a number."""
    derivation = derive({"event_type": "api_request", "content_length": given})

    assert derivation.set.get("request_size") == size
    assert derivation.remove == ("content_length",)


def test_a_request_size_of_its_own_stays():
    """content_length does not replace a request_size that is there already."""
    assert derive({"event_type": "api_request", "content_length": 1, "request_size": 2}).set == {}


@pytest.mark.parametrize(
    ("status", "removed"),
    [
        (200, ("error_details", "stack_trace")),
        (399, ("error_details", "stack_trace")),
        (400, ("stack_trace",)),
        (499, ("stack_trace",)),
        (500, ()),
        ("503", ()),
        (http.HTTPStatus.BAD_GATEWAY, ()),
        (None, ("error_details", "stack_trace")),
        ("5OO", ("error_details", "stack_trace")),
        (5000, ("error_details", "stack_trace")),
        (Hostile(), ("error_details", "stack_trace")),
        (500.0, ("error_details", "stack_trace")),
    ],
)
def test_details_stay_where_something_went_wrong(status, removed):
    """error_details stays from status 400 up, stack_trace from 500 up."""
    fields = {"event_type": "api_response", "status_code": status, "error_details": "x", "stack_trace": "y"}

    assert derive(fields).remove == removed


def test_severity_is_written_in_capitals():
    """A severity in another case becomes the word that rules compare with; others stay as they are."""
    assert derive(events.security_event("x", "high")).set == {"severity": "HIGH"}
    assert derive(events.security_event("x", "HIGH")).set == {}
    assert derive(events.security_event("x", "urgent")).set == {}


def test_a_known_event_has_a_severity_of_its_own():
    """Without a severity, the known events have theirs; a given one prevails."""
    assert derive(events.security_event("input_validation_failure")).set == {"severity": "MEDIUM"}
    assert derive(events.security_event("input_validation_failure", "LOW")).level == INFO


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=5),
    st.lists(st.text(max_size=3), max_size=4), st.sets(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2), st.builds(Hostile),
)  # fmt: skip
NAMES = (
    "success",
    "granted",
    "required_permissions",
    "user_permissions",
    "headers",
    "content_length",
    "request_size",
    "status_code",
    "error_details",
    "stack_trace",
    "limit_value",
    "current_value",
    "severity",
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([*events.FAMILIES, "security_x", "security_unhandled_exception", "other"]),
    st.dictionaries(st.sampled_from(NAMES), ANYTHING),
)
def test_no_value_raises(event_type, fields):
    """Fields of any type derive something or nothing; those that were given are not changed."""
    given = {"event_type": event_type, **fields}
    derivation = derive(given)

    assert derivation.level in (None, INFO, WARNING, ERROR, CRITICAL)
    assert set(derivation.remove) <= set(given)
    assert given == {"event_type": event_type, **{name: given[name] for name in fields}}
