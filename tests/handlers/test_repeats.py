"""Records that come again come out as if they were the first, and memory neither grows nor tells secrets."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers import JsonFormatter, RiskFilter, SecurityHandler
from seclog_handlers._record import mark_of
from seclog_handlers.handlers import _repeats
from tests.access import shapes
from tests.enrichment.test_geo import write

KEY = "k1:0123456789abcdef0123456789abcdef"
RESPONSE = {"event_type": "api_response", "status_code": 200, "endpoint": "/orders", "user_id": 4711}
LOGIN = {"event_type": "authentication", "username": "alice", "ip_address": "81.2.69.142", "success": False}


class Log:
    """A SecurityHandler, and the lines that it wrote."""

    def __init__(self, **policy: Any) -> None:
        self.out = io.StringIO()
        self.target = logging.StreamHandler(self.out)
        self.target.setFormatter(JsonFormatter())
        self.secure = SecurityHandler(self.target, policy={"pseudonyms.keys": KEY, "geoip.database": [], **policy})

    def log(self, msg: Any, *args: Any, **fields: Any) -> dict[str, Any]:
        record = logging.LogRecord("shop", logging.INFO, "app.py", 1, msg, args, None)
        record.__dict__.update(fields)
        self.secure.handle(record)
        line = self.out.getvalue().splitlines()[-1]
        return {name: value for name, value in json.loads(line).items() if name != "timestamp"}

    @property
    def known(self) -> dict[Any, Any]:
        return self.secure._memory.known


def test_what_comes_again_is_known() -> None:
    """Otherwise this file would test nothing."""
    log = Log()

    lines = [log.log("answered", **RESPONSE, request_id=f"r-{n}", response_time_ms=n + 0.5) for n in range(5)]

    assert len(log.known) == 1
    assert [(line["request_id"], line["response_time_ms"]) for line in lines] == [(f"r-{n}", n + 0.5) for n in range(5)]
    assert [{**line, "request_id": 0, "response_time_ms": 0} for line in lines] == [
        {**lines[0], "request_id": 0, "response_time_ms": 0},
    ] * 5


@pytest.mark.parametrize(
    "value",
    [
        "4711",
        "x-4711",
        "password=hunter2hunter2",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "4111111111111111",
        "a\nb",
    ],
)
def test_an_id_that_hides_something_is_looked_at(value: str) -> None:
    """What differs each time is judged each time: identities, secrets, control characters."""
    log, fresh = Log(), Log()
    for number in range(4):
        log.log("answered", **RESPONSE, request_id=f"r-{number}")

    assert log.log("answered", **RESPONSE, request_id=value) == fresh.log("answered", **RESPONSE, request_id=value)


@pytest.mark.parametrize("policy", [{"redact.keys": "request_id"}, {"redact.patterns": "r-[0-9]+"}])
def test_an_id_that_the_policy_calls_secret_is_none_to_be_shown(policy: dict[str, Any]) -> None:
    """A user's own rules go before what is usual."""
    log = Log(**policy)

    lines = [log.log("answered", **RESPONSE, request_id=f"r-{number}") for number in range(5)]

    assert {line["request_id"] for line in lines} == {"[REDACTED]"}


def test_an_id_that_is_a_pseudonym_of_the_policy_becomes_a_token() -> None:
    """A field that holds an identity is no id that differs each time."""
    log = Log(**{"pseudonyms.fields": "user_id, trace_id"})

    lines = [log.log("answered", **RESPONSE, trace_id=f"r-{number}") for number in range(4)]

    assert len({line["trace_id"] for line in lines}) == 4
    assert not any("r-" in line["trace_id"] for line in lines)


@settings(max_examples=60)
@given(
    st.one_of(st.floats(), st.integers(), st.text(max_size=20), st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True), st.none()),
    st.one_of(st.floats(1e-9, 2.0**60), st.integers(-(2**54), 2**54), st.booleans()),
)  # fmt: skip
def test_what_differs_is_written_as_ever(identity: Any, time: Any) -> None:
    """Values go into the known line with the digits and the escapes that they always have, whoever has set them."""
    known, fresh = Log(), Log()
    for number in range(3):
        known.log("answered", status_code=200, request_id=f"r-{number}", response_time_ms=number + 0.5)

    for log in (known, fresh):
        log.target.addFilter(
            lambda record: record.__dict__.update(request_id=identity, response_time_ms=time) or True,
        )
        log.log("answered", status_code=200, request_id="r-9", response_time_ms=0.5)

    lines = [log.out.getvalue().splitlines()[-1].partition(",")[2] for log in (known, fresh)]
    assert lines[0] == lines[1]


def test_values_that_are_equal_and_look_different_are_told_apart() -> None:
    """1 is True, and 1.0, and minus zero is zero; their texts are others."""
    log = Log()
    values = [1, True, 1.0, 0, False, 0.0, -0.0]

    shown = [(repr(value), log.log("x", flag=value)["flag"]) for value in values * 4]

    assert all(text == repr(value) for text, value in shown)
    assert [log.log("%s", value)["message"] for value in values * 4] == [str(value) for value in values * 4]


def test_values_inside_of_containers_are_told_apart() -> None:
    """As those outside are."""
    log = Log()

    shown = [
        (repr(value), repr(log.log("x", details={"n": value})["details"]["n"])) for value in [1, True, 0, False] * 4
    ]

    assert all(text == value for text, value in shown)


def test_a_key_whose_empty_value_passes_hides_the_next_one() -> None:
    """That one value of a field passes says nothing of the next where its name decides."""
    log = Log(**{"redact.keys": "request_id"})
    for _ in range(4):
        log.log("x", request_id=None)

    assert log.log("x", request_id="r-5")["request_id"] == "[REDACTED]"


def test_the_mark_says_the_same_each_time() -> None:
    """Whatever comes behind learns which fields are tokens, which the pack has set, and under what to count."""
    log, marks = Log(), []
    log.target.addFilter(lambda record: marks.append(mark_of(record)) or True)

    for _ in range(4):
        log.log("login", **LOGIN)

    said = [(mark.applied, mark.derived, mark.tokens, mark.state_keys) for mark in marks if mark is not None]
    assert said == said[:1] * 4
    assert marks[0] is not None
    assert marks[0].tokens
    assert marks[3] is not None
    assert marks[3].repeat is not None


@pytest.mark.parametrize("fields", [LOGIN, {**LOGIN, "username": None}, {**LOGIN, "success": True}])
def test_a_hidden_address_is_counted_under_one_key(fields: dict[str, Any]) -> None:
    """Whether or not the record names a user beside it."""
    log, keys = Log(ip="token"), []
    log.target.addFilter(lambda record: keys.append(dict(mark_of(record).state_keys)) or True)  # type: ignore[union-attr]

    for _ in range(4):
        log.log("login", **fields)

    assert log.known
    assert keys == keys[:1] * 4
    assert "ip_address" in keys[0]


def test_a_request_counts_once_each_time() -> None:
    """The application's own event goes before the access record of the same request, however often they come."""
    log = Log()

    for _ in range(5):
        log.log("login", **{**LOGIN, "ip_address": "203.0.113.7"})
        record = shapes.uvicorn_record(status=401, target="/login", client=("203.0.113.7", 1))
        log.secure.handle(record)
        assert json.loads(log.out.getvalue().splitlines()[-1])["event_type"] == "api_response"


def test_a_filter_that_changes_the_user_has_its_risk_judged() -> None:
    """What is remembered of equal events holds for those that are still equal."""
    log = Log(risk="off")
    users = iter(range(9))
    log.target.addFilter(lambda record: record.__dict__.update(username=f"user{next(users)}", ip_address=None) or True)
    log.target.addFilter(RiskFilter())

    assert {log.log("login", **LOGIN)["risk_score"] for _ in range(6)} == {4}


def test_memory_holds_no_secret() -> None:
    """Neither in what records are looked up by, nor in what is remembered of them."""
    log, secret = Log(), "k9f8e7d6c5b4a39281706152"
    for _ in range(4):
        log.log("sent with Bearer %s", secret)
        log.log(f"sent with Bearer {secret}")
        log.log("answered", **RESPONSE, query_params={"api_key": secret}, headers={"Authorization": f"Bearer {secret}"})

    assert len(log.known) == 3
    assert secret not in repr(log.known)


def test_memory_is_bounded_and_kinds_that_never_repeat_are_let_alone() -> None:
    """A record that is new each time is soon looked up no more."""
    log = Log()

    for number in range(_repeats.TRIAL + 50):
        log.log("answered", **RESPONSE, path=f"/orders/{number}")
    [plan] = log.secure._plans.values()

    assert plan.repeats is not None
    assert plan.repeats._pause
    before = dict(log.known)
    log.log("answered", **RESPONSE, path="/another")
    assert log.known == before
    assert len(log.known) <= _repeats.MAX_KNOWN


def test_a_long_text_is_not_remembered() -> None:
    """Memory is bounded in characters, too."""
    log = Log()

    for _ in range(4):
        log.log("x " * _repeats.MAX_TEXT)
        log.log("x", details={"text": "x " * _repeats.MAX_TEXT})

    assert not log.known


def test_a_new_database_is_noticed(tmp_path: Path) -> None:
    """What was known of an address ends with the database that said it."""
    database = tmp_path / "city.mmdb"
    write(database, {"country": {"iso_code": "GB"}}, ("81.2.69.0/24",))
    log = Log(**{"geoip.database": str(database)})
    first = [log.log("login", **LOGIN)["geo_location"]["country"] for _ in range(3)]
    assert log.known

    geo = next(stage for stage in log.secure._stages if type(stage).__name__ == "GeoIPFilter")
    locator: Any = geo._locator  # type: ignore[attr-defined]
    write(database, {"country": {"iso_code": "NL"}}, ("81.2.69.0/24",))
    locator._refresh(0.0, wait=True)

    assert [*first, log.log("login", **LOGIN)["geo_location"]["country"]] == ["GB", "GB", "GB", "NL"]


def test_a_target_that_changes_what_it_is_given_changes_no_later_line() -> None:
    """A filter on a target may do with its record what it likes."""
    log = Log()

    seen = []

    def meddle(record: logging.LogRecord) -> bool:
        seen.append(record.__dict__["headers"]["Host"])
        record.__dict__["headers"]["Host"] = "meddled"
        record.__dict__["added"] = "by the filter"
        return True

    fields = {"headers": {"Host": "shop.example"}, "endpoint": "/"}
    before = [log.log("x", **fields) for _ in range(3)]
    log.target.addFilter(meddle)
    during = [log.log("x", **fields) for _ in range(3)]
    log.target.removeFilter(meddle)
    after = log.log("x", **fields)

    assert before == [after] * 3
    assert seen == ["shop.example"] * 3
    assert [line["headers"]["Host"] for line in during] == ["meddled"] * 3
    assert {line["added"] for line in during} == {"by the filter"}


def test_a_value_that_is_no_address_is_counted_each_time() -> None:
    """The count of values that are no address is one of values, not of kinds."""
    log = Log()

    for _ in range(5):
        log.log("login", **{**LOGIN, "ip_address": "nonsense"})

    geo = next(stage for stage in log.secure._stages if type(stage).__name__ == "GeoIPFilter")
    assert geo.not_addresses == 5  # type: ignore[attr-defined]


def test_risk_is_judged_each_time() -> None:
    """What is the same of equal events is what they say, not what came before them."""
    log = Log()

    scores = [log.log("login", **LOGIN)["risk_score"] for _ in range(6)]

    assert scores == sorted(scores)
    assert len(set(scores)) == 6
