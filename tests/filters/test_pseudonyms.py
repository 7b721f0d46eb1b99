"""Stage 4 by itself: who is a token, where, and that the quick look at a record misses nobody."""

from __future__ import annotations

import copy
import logging
from collections import namedtuple
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seclog_handlers import GeoIPFilter, PseudonymFilter
from seclog_handlers._record import mark_of
from seclog_handlers.filters import pseudonyms
from seclog_handlers.filters.surfaces import Surfaces
from seclog_handlers.pseudonym import Pseudonymizer

KEY = "k3:" + "key material " * 3
ENGINE = Pseudonymizer(keys=[KEY])
BOB = ENGINE.token("username", "bob")
Pair = namedtuple("Pair", "name value")


def record(msg: Any = "m", *args: Any, **extra: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "app", "msg": msg, "args": args, **extra})


def passed(stage: logging.Filter, item: logging.LogRecord) -> logging.LogRecord:
    assert stage.filter(item) is True
    return item


def shown(item: logging.LogRecord) -> str:
    left_out = {"created", "msecs", "relativeCreated", "_seclog"}
    text = repr({name: value for name, value in item.__dict__.items() if name not in left_out})
    mark = mark_of(item)
    return text + repr((mark.tokens, mark.state_keys) if mark else None)


@pytest.fixture
def stage() -> PseudonymFilter:
    return PseudonymFilter(keys=[KEY])


@pytest.mark.parametrize(
    "surface",
    [
        {"msg": "no bob here"}, {"msg": "no %s here", "args": ("bob",)}, {"msg": "%s%s", "args": ("bo", "b")},
        {"msg": "%(u)s", "args": ({"u": "bob"},)}, {"msg": {"text": "bob"}}, {"path": "/users/bob"}, {"q": "u%3Dbob"},
        {"details": {"deep": [{"bob": 1}]}}, {"details": ("x", ["Bob"])}, {"note": ValueError("bob")}, {"raw": b"bob"},
        {"exc_text": "ValueError: bob"}, {"stack_info": "at bob"}, {"name": "app.bob"}, {"threadName": "bob-1"},
        {"taskName": "bob"}, {"request": {"username": "bob"}}, {"email": "bob"}, {"set": frozenset({"bob"})},
    ],
    ids=repr,
)  # fmt: skip
def test_a_user_is_nowhere_to_be_read(surface: dict[str, Any], stage: PseudonymFilter) -> None:
    """What an identity field holds is replaced on every surface of its record, and the caller's objects stay."""
    before = copy.deepcopy({name: value for name, value in surface.items() if name != "note"})
    item = logging.makeLogRecord({"msg": "m", "args": (), "username": "bob", **surface})

    passed(stage, item)

    assert "bob" not in f"{shown(item)}{item.getMessage()}".lower()
    assert {name: value for name, value in surface.items() if name != "note"} == before


@pytest.mark.parametrize("order", [("bob", None, "bob", {"u": "bob"}, 7, "bob"), (None, 7, "bob"), ({"u": 1}, "bob")])
def test_a_field_may_change_its_type(order: tuple[Any, ...], stage: PseudonymFilter) -> None:
    """What a field of the same name held in records before does not matter."""
    for value in order:
        item = passed(stage, record(username="bob", failure_reason=value))

        assert "bob" not in shown(item)


@pytest.mark.parametrize(("first", "second"), [("42", 42), (42, "42"), (42, 42.0), (" 42", "42")])
def test_a_number_is_its_text(first: Any, second: Any, stage: PseudonymFilter) -> None:
    """42 and "42" are one user, whichever came first."""
    tokens = [passed(stage, record(user_id=value)).__dict__["user_id"] for value in (first, second)]

    assert tokens[0] == tokens[1]


@pytest.mark.parametrize("nobody", [True, False, None, "", "  "])
def test_nobody_stays(nobody: Any, stage: PseudonymFilter) -> None:
    """What identifies nobody is left as it is, also when 1 and 0 were users before."""
    for user in (1, 0):
        passed(stage, record(user_id=user))

    assert passed(stage, record(user_id=nobody)).__dict__["user_id"] is nobody


def test_many_users_are_not_all_remembered(stage: PseudonymFilter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of users costs no memory, and each one keeps the token."""
    monkeypatch.setattr(pseudonyms, "MAX_KNOWN", 10)
    tokens = [[passed(stage, record(user_id=user)).__dict__["user_id"] for user in range(25)] for _ in range(2)]

    assert tokens[0] == tokens[1]
    assert len(set(tokens[0])) == 25
    assert max(len(known) for _, known in stage._known) <= 10


def test_an_address_goes_wherever_it_shows() -> None:
    """The `ip` policy acts on all surfaces too."""
    item = record("from %s", "203.0.113.7", ip_address="203.0.113.7", note={"via": "203.0.113.7"}, name="x.203.0.113.7")

    passed(GeoIPFilter(ip="truncate", keys=[KEY], lookup=False), item)

    assert "203.0.113.7" not in shown(item) + item.getMessage()


class Thorough(Surfaces):
    """Sees everything as odd, so that every record is gone through."""

    def text(self, attributes: dict[str, Any], derived: Any) -> None:
        return None

    def names_inside(self, attributes: dict[str, Any]) -> bool:
        return True


users = st.sampled_from([
    "bob", "al", "Bob Smith", "bob@example.com", "José", "İbo", "ΣΑΣ", 'a"b', "CORP\\bob", "x/y+z=", "password", "GET",
    4711, 42, 47.0, True, None, "", "[REDACTED]", BOB, ("bob", "eve"), {"id": "bob"}, b"bob",
])  # fmt: skip
words = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "bob",
                "BOB",
                "bo",
                "b",
                "bob%40example.com",
                "4711",
                "x=",
                "%",
                "%%",
                "İ",
                "Σ",
                "ς",
                "\\n",
                "ｂob",
                "&#x27;",
            ]
        ),
        users.map(str),
    ),
    max_size=5,
)
texts = st.builds(str.join, st.sampled_from([" ", "", "/", "_"]), words)
values = st.recursive(
    st.one_of(texts, users, st.integers(), st.floats(), st.builds(ValueError, texts), st.builds(Pair, texts, users)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(["username", "user_id", "note"]), texts), inner, max_size=3),
        st.tuples(inner),
    ),
    max_leaves=6,
)
names = ["path", "note", "success", "event_type", "security_headers", "details", "ip_address"]
extras = st.builds(
    lambda identities, others: {**others, **identities},
    st.dictionaries(st.sampled_from(["username", "user_id", "session_id", "email"]), users, max_size=3),
    st.dictionaries(st.sampled_from(names), values, max_size=4),
)
templates = st.lists(st.sampled_from(["%s", "%d", "%r", "%5s", "%.2s", " ", "bob", "u=", "%%"]), max_size=5).map(
    "".join
)


@given(
    st.one_of(texts, templates, values),
    st.one_of(st.just(()), st.lists(values, min_size=1, max_size=4).map(tuple)),
    extras,
)
@example("%", ("",), {})
@example("% %", ("",), {})
def test_the_quick_look_misses_nobody(msg: Any, args: tuple[Any, ...], extra: dict[str, Any]) -> None:
    """A record is the same whether it was gone through or found to show nobody at a glance."""
    quick, slow = PseudonymFilter(keys=[KEY]), PseudonymFilter(keys=[KEY])
    slow._surfaces = Thorough(())
    items = [logging.makeLogRecord({"msg": msg, "args": args, **extra}) for _ in range(2)]

    for _ in range(2):  # the second pass finds tokens
        passed(quick, items[0])
        passed(slow, items[1])

        assert shown(items[0]) == shown(items[1])
