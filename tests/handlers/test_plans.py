"""A record takes only the stages that its kind needs, and comes out as if it had taken all."""

from __future__ import annotations

import copy
import io
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers import JsonFormatter, SecurityHandler
from seclog_handlers.filters import GeoIPFilter, RiskFilter
from seclog_handlers.handlers._repeats import Plan
from tests.access import shapes

POLICY = {"pseudonyms.keys": "k1:0123456789abcdef0123456789abcdef", "risk": "on"}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "event_type": st.sampled_from(["authentication", "authorization", "api_request", "security_probe", "", 7, None]),
    "username": st.sampled_from(["alice", "bob", "", 42]),
    "ip_address": st.sampled_from(["203.0.113.7", "10.0.0.1", "nonsense", None]),
    "success": st.booleans(),
    "risk_score": st.integers(0, 9),
    "geo_location": st.just("Utrecht"),
    "path": st.sampled_from(["/alice", "/x?password=hunter2hunter2"]),
    "details": st.just({"username": "alice", "token": "k9f8e7d6c5b4a392"}),
    "request_id": st.sampled_from(["r-1", "r-2", "alice", "4111111111111111", "k9f8e7d6c5b4a392", "a b", None, 7]),
    "response_time_ms": st.sampled_from([12.5, 0.0, -0.0, float("nan"), 3, True, "12"]),
    "headers": st.sampled_from(
        [
            {"Host": "shop.example"},
            {"Cookie": "a=b", "X-Forwarded-For": "198.51.100.7"},
            {},
            {"n": 1},
            {"n": True},
            [],
            ["alice"],
        ]
    ),
    "taskName": st.sampled_from(["Task-1", "alice's token=k9f8e7d6c5b4a392", None, 7]),
}
FIELDS = st.fixed_dictionaries({}, optional=VALUES)
LOGGERS = st.sampled_from(["shop", "gunicorn.access", "uvicorn.access", "django.request", "werkzeug", ""])
MESSAGES = st.sampled_from([
    ("login of %s failed", ("alice",)), ("plain", ()), ("of alice", None), ({"event_type": "authentication", "username": "bob"}, ()),
    ('%s - "%s %s HTTP/%s" %d', ("203.0.113.7:1", "GET", "/login?user=bob", "1.1", 401)), ("%s", (1,)), ("%s", (True,)),
    ("%s", (1.0,)), ("%s", (0.0,)), ("%s", (-0.0,)), ("mail to %s", ("bob@example.org",)), ("%(a)s", ({"a": "alice"},)),
])  # fmt: skip


class Whole(SecurityHandler):
    """Sends every record through every stage."""

    def _plan_of(self, attributes: dict[str, Any]) -> Plan:
        return Plan(None, self._stages)


def handler(kind: type[SecurityHandler], policy: dict[str, Any]) -> tuple[SecurityHandler, io.StringIO]:
    out = io.StringIO()
    target = logging.StreamHandler(out)
    target.setFormatter(JsonFormatter())
    return kind(target, policy={**POLICY, **policy}), out


def lines(records: list[logging.LogRecord], policy: dict[str, Any]) -> tuple[str, str]:
    written = []
    for kind in (SecurityHandler, Whole):
        secure, out = handler(kind, policy)
        for record in records:
            secure.handle(copy.copy(record))
        # What the first of two handlers says of loggers that other tests have left is no part of the records.
        written.append("".join(line for line in out.getvalue().splitlines(True) if "sys_monitor" not in line))
    return written[0], written[1]


@pytest.mark.parametrize(
    "policy", [{}, {"trusted": {"office": {"users": ["alice"], "reason": "staff"}}}, {"ip": "token"}]
)
@settings(max_examples=40)
@given(kinds=st.lists(st.tuples(LOGGERS, MESSAGES, FIELDS), min_size=1, max_size=6), order=st.randoms())
def test_it_comes_out_as_if_it_had_taken_all(policy: dict[str, Any], kinds: list[Any], order: Any) -> None:
    """Whatever the logger, the message and the fields, in whatever order the kinds come and come again."""
    records = []
    for logger, (msg, args), fields in kinds * 4:
        record = logging.LogRecord(logger, logging.INFO, "app.py", 1, msg, args, None)
        record.__dict__.update(fields)
        records.append(record)
    order.shuffle(records)

    planned, whole = lines(records, policy)

    assert planned == whole


@pytest.mark.parametrize("make", [shapes.uvicorn_record, shapes.werkzeug_record, shapes.django_server_record])
def test_a_servers_record_takes_every_stage(make: Any) -> None:
    """It becomes an event on its way, so that what its own fields ask for is not enough."""
    planned, whole = lines([make(status=401, target="/login?user=bob")], {})

    assert planned == whole


def test_kinds_that_an_attacker_makes_up_fill_no_memory() -> None:
    """The memory of kinds is bounded, in number and in size."""
    secure, _ = handler(SecurityHandler, {})

    for number in range(3000):
        record = logging.LogRecord(f"logger{number}", logging.INFO, "app.py", 1, "x", (), None)
        record.__dict__["n" * 1000 if number % 2 else f"field{number}"] = 1
        secure.handle(record)
    secure.handle(logging.makeLogRecord({7: "seven", "msg": "odd"}))

    assert len(secure._plans) <= 1024


def test_a_plain_record_takes_no_stage_of_events() -> None:
    """What is no event and has no address passes those stages by."""
    secure, _ = handler(SecurityHandler, {})

    secure.handle(logging.LogRecord("shop", logging.INFO, "app.py", 1, "ready", (), None))

    [plan] = secure._plans.values()
    assert plan.repeats is not None
    assert not {type(stage) for stage in (*plan.repeats._stages, *plan.rest)} & {GeoIPFilter, RiskFilter}
