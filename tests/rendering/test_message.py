from __future__ import annotations

import collections
import decimal
import enum
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.rendering import message
from tests.formatters.hostile_records import ARGUMENTS, HostileDict, Raises


class Code(enum.IntEnum):
    BAD = 401


class Path:
    def __str__(self):
        return "/a"

    def __repr__(self):
        return "Path('/a')"


FITTING = {
    "none": ("100% sure", ()),
    "positions": ("%s %d %.2f %r %x %c %%", ("a", 1, 2.5, "b", 255, "c")),
    "widths": ("%5s|%-5d|%05.1f", ("a", 1, 2.5)),
    "names": ("%(user)s from %(ip)s", {"user": "bob", "ip": "1.2.3.4"}),
    "a dict for a position": ("%s", {"user": "bob"}),
    "objects": ("%s %r", (Path(), Path())),
    "lists": ("%s %s", ([1, "a"], {"b": (1,)})),
    "decimal": ("%d %s %.1f", (decimal.Decimal("1.5"),) * 3),
    "int enum": ("%d", (Code.BAD,)),
    "default dict": ("%(a)s", collections.defaultdict(str, a=1)),
    "bytes": ("%s", (b"\xff",)),
    "booleans and none": ("%s %s", (True, None)),
    "none alone": ("%s", (None,)),
}


@pytest.mark.parametrize("name", FITTING)
def test_says_what_logging_says(name):
    """Arguments that fit give the text that logging itself gives."""
    msg, args = FITTING[name]
    record = logging.makeLogRecord({"msg": msg, "args": args})

    assert message(msg, args) == record.getMessage()


@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.text() | st.integers() | st.none()))
def test_never_raises_and_agrees_with_logging(msg, args):
    """For any template and arguments: logging's text where it has one, else the template and a note."""
    try:
        expected = msg % tuple(args) if args else msg
    except Exception:
        expected = None

    shown = message(msg, tuple(args))

    assert shown == expected or (shown.startswith(msg) and "arguments not shown" in shown)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_hostile_arguments_give_text(name):
    """Whatever the arguments, there is a message of bounded length."""
    shown = message(*ARGUMENTS[name]())

    assert type(shown) is str
    assert len(shown) < 300_000


@pytest.mark.parametrize(
    ("msg", "args", "problem"),
    [
        ("%d", ("secret",), "TypeError"),
        ("%(a)s", {"b": "secret"}, "KeyError"),
        ("%y", ("secret",), "ValueError"),
        ("%999999999s", ("secret",), "size"),
        ("%.*f", (9, 1.0), "size"),
    ],
)
def test_names_the_problem_and_no_argument(msg, args, problem):
    """Wrong arguments leave the template and the kind of problem."""
    assert message(msg, args) == f"{msg} [arguments not shown: they do not fit the template ({problem})]"


def test_asks_a_mapping_only_for_what_the_template_names():
    """A mapping with hostile methods still gives what it holds."""

    class Lookup(dict):
        def __getitem__(self, key):
            return {"user": "bob"}[key]

        items = keys = values = __iter__ = __len__ = Raises._raise

    assert message("user %(user)s", Lookup(a=1)) == "user bob"


def test_a_hostile_mapping_is_a_problem_only_of_its_own():
    """A mapping that cannot be asked is named by what it raised."""
    assert message("%(a)s", HostileDict(a=1)).endswith("(ValueError)]")


@pytest.mark.parametrize("template", ["got %s", "got %r", "got %a"])
@pytest.mark.parametrize("kind", [collections.OrderedDict, collections.Counter])
def test_a_mapping_is_shown_as_the_one_argument(template, kind):
    """Of a subclass of dict its content, whatever the conversion."""
    assert message(template, kind(a=1)) == 'got {"a":1}'


def test_object_that_cannot_be_said_is_named():
    """An argument whose str() fails is shown as its class."""
    assert message("got %s", (Raises(),)) == "got <Raises: str() raised ValueError>"


@pytest.mark.parametrize(
    ("args", "shown"), [([1, 2], "x [1, 2]"), (5, "x 5"), ("a", "x a"), (frozenset({"b"}), 'x ["b"]')]
)
def test_an_only_argument_may_stand_alone(args, shown):
    """A record that nobody's logger made may carry its argument bare."""
    assert message("x %s", args) == shown
