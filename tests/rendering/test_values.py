from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import json
import pathlib
import uuid
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from seclog_handlers.rendering import cut, plain, text
from tests.formatters.hostile_records import VALUES

UTC = dt.timezone.utc


class Color(enum.Enum):
    RED = "red"


@dataclass
class Account:
    name: str
    password: str = field(default="hidden", repr=False)


class Point(NamedTuple):
    x: int
    y: int


WELL_KNOWN = {
    "datetime": (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    "date": (dt.date(2026, 1, 2), "2026-01-02"),
    "time": (dt.time(3, 4), "03:04:00"),
    "timedelta": (dt.timedelta(hours=1, minutes=30), "1:30:00"),
    "decimal": (decimal.Decimal("1.10"), "1.10"),
    "uuid": (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
    "path": (pathlib.PurePosixPath("/etc/passwd"), "/etc/passwd"),
    "enum": (Color.RED, "red"),
    "dataclass without what its repr hides": (Account("bob"), {"name": "bob"}),
    "namedtuple": (Point(1, 2), {"x": 1, "y": 2}),
    "tuple": ((1, "a"), [1, "a"]),
    "set of strings, sorted": ({"b", "a"}, ["a", "b"]),
    "deque": (collections.deque([1, 2]), [1, 2]),
    "utf-8": ("café".encode(), "café"),
    "other bytes": (b"\xff\x00", "\\xff\x00"),
    "exception": (ValueError("bad"), "ValueError: bad"),
    "exception without text": (KeyError(), "KeyError"),
    "generator": ((i for i in [1]), "<generator>"),
    "not a number": (float("nan"), None),
    "infinity": (float("inf"), None),
    "64 bits": (2**64 - 1, 2**64 - 1),
    "65 bits": (2**64, "18446744073709551616"),
    "10,000 digits": (10**10_000, "<int of 33220 bits>"),
    "lone surrogate": ("a\udc80", "a\\udc80"),
    "keys of other types": ({1: "a", None: "b", 2.5: "d"}, {"1": "a", "null": "b", "2.5": "d"}),
}


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_renders_common_types(name):
    """Each common type has its usual form in JSON."""
    value, expected = WELL_KNOWN[name]

    assert plain(value) == expected


@pytest.mark.parametrize("name", VALUES)
def test_anything_becomes_json_data(name):
    """Whatever the value, the result goes through the strictest encoder."""
    shown = plain(VALUES[name]())

    assert json.dumps(shown, allow_nan=False).encode()


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("limit", [10, 1_000])
def test_anything_becomes_bounded_text(name, limit):
    """Whatever the value, its text is a str of about the length asked for."""
    shown = text(VALUES[name](), limit)

    assert type(shown) is str
    assert len(shown) <= limit + 40


def test_makes_new_containers():
    """The result shares no container with the value, and the value stays as it was."""
    value = {"a": [1, {"b": 2}], "c": (3,)}

    shown = plain(value)
    shown["a"][1]["b"] = "changed"

    assert value == {"a": [1, {"b": 2}], "c": (3,)}


def test_names_a_cycle():
    """A container within itself is named, a container used twice is shown twice."""
    shared = [1]
    value = {"one": shared, "two": shared}
    value["self"] = value

    assert plain(value) == {"one": [1], "two": [1], "self": "<dict: contains itself>"}


def test_keeps_values_whose_keys_collide():
    """Keys that become the same text stay apart."""
    value = {1: "a", "1": "b", "1~2": "c"}

    assert sorted(plain(value).values()) == ["a", "b", "c"]


def test_says_how_deep_it_stopped():
    """Containers below the deepest level are named, not shown."""
    value = "bottom"
    for _ in range(40):
        value = [value]

    assert "<list: deeper than 32 levels>" in json.dumps(plain(value))


def test_says_that_there_were_more_values():
    """A list and a dict with more values than are shown end with a mark."""
    assert plain(list(range(6_000)))[-1] == "...[cut: too many values]"
    assert plain({str(i): i for i in range(6_000)})["..."] == "[cut: too many values]"


def test_long_values_leave_all_names():
    """Values that use up the budget of characters do not cost the names of those that follow."""
    shown = plain({"a": "x" * 10**6, "b": "y" * 10**6, "c": "z" * 10**6, "username": "bob"})

    assert list(shown) == ["a", "b", "c", "username"]


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        ("short", 10, "short"),
        ("x" * 12, 10, "x" * 10 + "...[cut 2 characters]"),
    ],
)
def test_cuts_visibly(value, limit, expected):
    """A text that is too long says how much is missing."""
    assert cut(value, limit) == expected


def test_cut_twice_says_what_is_missing_in_all():
    """The mark of a first cut is replaced, not cut."""
    assert cut(cut("x" * 1_000, 500), 10) == "x" * 10 + "...[cut 990 characters]"


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "None"), (True, "True"), (1.5, "1.5"), (7, "7"), ({"a": 1}, '{"a":1}')]
)
def test_text_of_simple_values(value, expected):
    """Scalars read as in Python, containers as JSON."""
    assert text(value) == expected


def test_numpy_by_its_items():
    """Scalars and arrays of numpy are numbers and lists; a masked array hides what its mask hides."""
    numpy = pytest.importorskip("numpy")

    assert plain([numpy.int64(5), numpy.bool_(True), numpy.float32("nan")]) == [5, True, None]
    assert plain(numpy.array([1, 2])) == [1, 2]
    assert plain(numpy.zeros(2_000)) == "<ndarray (2000,) of float64>"
    assert plain(numpy.ma.array([1, 2], mask=[0, 1])) == "[1 --]"


def test_pydantic_and_attrs_by_their_repr():
    """Models that know what to hide say what they are."""
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class User:
        name: str
        password: str = attrs.field(repr=False)

    assert "name='bob')" in plain(User("bob", "hidden"))
    assert "hidden" not in plain(User("bob", "hidden"))
