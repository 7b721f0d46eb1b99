"""Tracebacks on their way through the redaction stage: what comes from the code is scanned once."""

from __future__ import annotations

import builtins
import logging
import sys

import pytest

from seclog_handlers import RedactionFilter
from seclog_handlers.filters import redaction
from seclog_handlers.policy import Policy


def failure(message: str, depth: int = 11) -> logging.LogRecord:
    def fail(deeper: int) -> None:
        if deeper:
            fail(deeper - 1)
        raise ConnectionError(message)

    try:
        fail(depth)
    except ConnectionError:
        return logging.LogRecord("app", logging.ERROR, "app.py", 1, "order failed", (), sys.exc_info())


def calls_of(stage: logging.Filter, record: logging.LogRecord) -> int:
    """Return how many functions a stage calls for a record."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        stage.filter(record)
    finally:
        sys.setprofile(None)
    return calls


def test_frames_are_scanned_once():
    """From the second time on an exception costs what its message costs."""
    stage = RedactionFilter()
    first = calls_of(stage, failure("unreachable"))
    again = calls_of(stage, failure("unreachable"))
    short = calls_of(stage, failure("unreachable", depth=0))

    assert again < first / 3
    assert again < short + 12 * 5


def test_secrets_in_source_lines_and_messages_go_each_time():
    """A secret that stands in the code is censored when a frame is remembered, too."""
    names: dict[str, object] = {}
    source = "def connect(): raise ValueError('password=hunter2-in-the-code')\n"
    exec(compile(source, __file__ + ".made", "exec"), names)
    stage = RedactionFilter()
    texts = []
    for number in range(3):
        try:
            names["connect"]()  # type: ignore[operator]
        except ValueError:
            record = failure(f"token=abc{number}ffeeddccbbaa99887766")
            record.exc_info = (*sys.exc_info()[:2], sys.exc_info()[2])
        stage.filter(record)
        texts.append(record.exc_text)

    assert texts[0] == texts[1] == texts[2]
    assert "hunter2" not in texts[0]
    assert record.exc_info is None


def test_remembered_frames_are_bounded(monkeypatch):
    """Generated code cannot fill the memory."""
    monkeypatch.setattr(redaction, "MAX_FRAMES", 10)
    stage = RedactionFilter()
    for number in range(30):
        try:
            exec(compile("1/0", f"<generated {number}>", "exec"))
        except ZeroDivisionError:
            record = failure("x")
            record.exc_info = sys.exc_info()
        stage.filter(record)

    assert len(stage._frames) <= 10


def test_source_lines_are_optional():
    """Without them a traceback names files, lines and functions; also in causes, groups and syntax errors."""

    def fail() -> None:
        try:
            compile("x = = 1", "<given>", "exec")
        except SyntaxError as cause:
            raise ValueError("outer") from cause

    shown = []
    for policy in ({}, {"redact.source_lines": "off"}):
        try:
            fail()
        except ValueError:
            record = failure("x")
            record.exc_info = sys.exc_info()
        for stage in Policy(policy).in_mode("redact").stages():
            stage.filter(record)
        shown.append(record.exc_text)

    with_source, without = shown
    assert 'raise ValueError("outer") from cause' in with_source
    assert "x = = 1" in with_source
    for text in ("raise ValueError", "x = = 1", "fail()\n"):
        assert text not in without
    assert without.count('  File "') == with_source.count('  File "')
    assert "ValueError: outer" in without


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no groups before 3.11")
def test_groups_without_source_lines():
    """The members of a group show none either."""

    def fail() -> None:
        raise builtins.ExceptionGroup("several", [caught])

    try:
        raise ValueError("one")
    except ValueError as error:
        caught = error
    try:
        fail()
    except builtins.ExceptionGroup:
        record = failure("x")
        record.exc_info = sys.exc_info()
    RedactionFilter(source_lines=False).filter(record)

    assert "raise " not in record.exc_text
    assert "ExceptionGroup: several" in record.exc_text
    assert "ValueError: one" in record.exc_text
