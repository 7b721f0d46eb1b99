from __future__ import annotations

import sys
import traceback

import pytest

from seclog_handlers.rendering import traceback_text
from tests.formatters.hostile_records import EXC_INFOS, chained, raised


def nested():
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error
    except ValueError:
        return sys.exc_info()


def test_is_what_python_prints():
    """Header, frames and chain are those of the interpreter."""
    exc_info = nested()

    assert traceback_text(exc_info) == "".join(traceback.format_exception(*exc_info)).rstrip("\n")


def test_takes_an_exception_alone():
    """An exception carries its own traceback."""
    exc_info = nested()

    assert traceback_text(exc_info[1]) == traceback_text(exc_info)


@pytest.mark.parametrize("nothing", [None, True, (), (None, None, None), ("a", "b", "c"), 5])
def test_nothing_gives_nothing(nothing):
    """What is no exception has no traceback."""
    assert traceback_text(nothing) == ""


@pytest.mark.parametrize("name", EXC_INFOS)
def test_hostile_exceptions_give_bounded_text(name):
    """Whatever the exception does, there is a text of UTF-8."""
    shown = traceback_text(EXC_INFOS[name]())

    assert len(shown.encode()) < 300_000


def test_an_exception_that_cannot_be_read_is_named():
    """Type and header are left when the traceback module fails."""

    class OddError(Exception):
        def __getattribute__(self, name):
            raise RuntimeError(name)

    shown = traceback_text(raised(OddError("x")))

    assert shown.startswith("Traceback (most recent call last):\n")
    assert "OddError" in shown


def test_a_long_chain_shows_its_end():
    """Thousands of causes do not make thousands of tracebacks."""
    shown = traceback_text(chained(5_000))

    assert "ValueError: number 4999" in shown
    assert len(shown) < 10_000
