"""Records that only look like a server's, or that somebody made to hurt: no exception, no lazy code, no damage."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers.access import AccessLog
from seclog_handlers.access.answer import query_params, split_request_line, split_target
from seclog_handlers.access.paths import Paths

from .shapes import gunicorn_record

LOGGERS = (
    "gunicorn.access",
    "hypercorn.access",
    "uvicorn.access",
    "werkzeug",
    "django.server",
    "django.channels.server",
    "django.request",
    "django.security.csrf",
    "django.security.",
)


class Hostile:
    """Raises whatever is done with it."""

    def _no(self, *args: Any) -> Any:
        raise RuntimeError("no")

    __str__ = __repr__ = __len__ = __bool__ = __eq__ = __iter__ = __getattr__ = __hash__ = __int__ = __float__ = _no


class HostileText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no")

    __eq__ = __len__ = __iter__ = lower = partition = __str__
    __hash__ = str.__hash__


class HostileDict(dict):
    def __getitem__(self, key: Any) -> Any:
        raise RuntimeError("no")

    get = items = __iter__ = keys = __getitem__


class Counting:
    """A request that says which of its attributes were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return {"META": {"REMOTE_ADDR": "203.0.113.5"}, "method": "GET", "path": "/x"}[name]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.binary(max_size=10),
    st.builds(Hostile),
    st.sampled_from([HostileText("GET"), HostileText("401"), "GET", "/x?a=%zz&&=&b", "401", 401, "HTTP/1.1", "-"]),
)
ATOMS = st.dictionaries(
    st.sampled_from([*"hlutrmUqHsBbfaDMLTp", "{authorization}i", "{www-authenticate}o", "{x-forwarded-for}i", 7]),
    SCALARS,
)
ARGS = st.one_of(
    SCALARS, ATOMS, ATOMS.map(HostileDict), st.lists(SCALARS, max_size=6).map(tuple), st.lists(SCALARS, max_size=6),
    st.tuples(SCALARS, st.just("GET"), SCALARS, SCALARS, st.just(401)),
    st.tuples(SCALARS, st.just("401"), SCALARS),
)  # fmt: skip
ATTRIBUTES = st.fixed_dictionaries(
    {"name": st.one_of(st.sampled_from(LOGGERS), SCALARS), "args": ARGS},
    optional=dict.fromkeys(
        (
            "msg",
            "created",
            "thread",
            "process",
            "taskName",
            "request",
            "status_code",
            "event_type",
            "ip_address",
            "success",
            "source",
        ),
        SCALARS,
    ),
)


@settings(max_examples=500, deadline=None)
@given(ATTRIBUTES)
def test_nothing_raises(attributes):
    """Whatever stands on a record, an event comes out or none, and nothing is changed."""
    log = AccessLog()
    before = dict.copy(attributes)
    event = log.event(attributes)
    log.note(attributes)

    assert event is None or event["source"] == "access_log"
    assert all(attributes[key] is before[key] for key in before)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_text_of_any_kind_is_parsed(text):
    """Request lines, targets, queries and paths may be any text."""
    split_request_line(text)
    path, query = split_target(text)
    Paths(["/a", "/b/*", "c"]).match(path)

    assert all(type(name) is str for name in query_params(query))


def test_a_request_is_asked_for_three_attributes_only():
    """Of a framework's request nothing is touched but META, method and path: all else may be lazy."""
    record = logging.LogRecord("django.request", 30, __file__, 1, "no", (), None)
    record.request, record.status_code = Counting(), 404
    AccessLog().event(record.__dict__)

    assert set(record.request.asked) <= {"META", "method", "path"}


@pytest.mark.parametrize("key", ["h", "u", "a", "q", "U", "s", "B", "{authorization}i"])
def test_a_hostile_atom_costs_no_event(key):
    """One atom that is no text leaves the event with the others."""
    record = gunicorn_record("401", "/login")
    dict.__setitem__(record.args, key, Hostile())
    event = AccessLog().event(record.__dict__)

    assert key == "s" or event["event_type"] in ("authentication", "api_response")


def test_a_hostile_request_costs_a_security_event_its_fields_only():
    """A security record stays an event, whatever hangs on it as a request."""
    record = logging.LogRecord("django.security.csrf", 30, __file__, 1, "no", (), None)
    record.request, record.status_code = Hostile(), 403

    assert AccessLog().event(record.__dict__)["event_type"] == "security_csrf_failure"


def test_a_record_that_cannot_be_read_is_no_event():
    """Attributes that raise are no event, and are not noted."""
    attributes = HostileDict(gunicorn_record("401", "/login").__dict__)
    log = AccessLog()
    log.note(attributes)

    assert log.event(attributes) is None


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_passes(stop):
    """KeyboardInterrupt and SystemExit are not for us."""

    class Interrupting:
        def __getattr__(self, name: str) -> Any:
            raise stop

    record = logging.LogRecord("django.request", 30, __file__, 1, "no", (), None)
    record.request, record.status_code = Interrupting(), 404
    with pytest.raises(stop):
        AccessLog().event(record.__dict__)
