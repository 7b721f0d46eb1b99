from __future__ import annotations

import io
import json
import re
import sys

import pytest

from seclog_handlers.formatters import JsonFormatter, TextFormatter
from seclog_handlers.rendering import _json
from tests.formatters.hostile_records import ARGUMENTS, CASES, LEVEL, LOGGER, record

TRUSTED = ["timestamp", "level", "logger", "message", "service"]
RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
MAX_BYTES = 256_000
NAMELESS = {name for name in CASES if "level and name" in name} | {"record: empty"}


@pytest.fixture(params=["orjson", "stdlib"])
def engine(request, monkeypatch):
    """JSON is written by orjson, then by the stdlib because orjson cannot be imported."""
    _json.fast_encoder.cache_clear()
    if request.param == "stdlib":
        monkeypatch.setitem(sys.modules, "orjson", None)
    else:
        pytest.importorskip("orjson")
    yield request.param
    _json.fast_encoder.cache_clear()


def strict(line):
    def unique(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), f"a key twice: {names}"
        return dict(pairs)

    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(line, object_pairs_hook=unique, parse_constant=refuse)


def assert_one_safe_line(line):
    assert type(line) is str
    assert len(line.splitlines()) == 1
    assert not UNSAFE.search(line)
    assert len(line.encode()) <= MAX_BYTES


def test_there_are_many_of_them():
    """The table covers the families with some hundreds of records."""
    assert len(CASES) >= 300


@pytest.mark.parametrize("name", CASES)
def test_json_is_one_valid_unspoofed_line(name, engine):
    """Whatever the record, the line is strict JSON with the pack's own fields first and true."""
    made = CASES[name]()

    line = JsonFormatter(service="pay").format(made)

    assert_one_safe_line(line)
    fields = strict(line)
    assert list(fields)[:5] == TRUSTED
    assert re.fullmatch(RFC3339, fields["timestamp"])
    assert fields["service"] == "pay"
    if name not in NAMELESS:
        assert (fields["level"], fields["logger"]) == (LEVEL, LOGGER)
    assert "record not shown" not in line


@pytest.mark.parametrize("name", CASES)
def test_both_encoders_say_the_same(name, monkeypatch):
    """A record's line parses to the same values with orjson and when orjson cannot be imported."""
    pytest.importorskip("orjson")
    made, formatter = CASES[name](), JsonFormatter(service="pay")
    made.__dict__.setdefault("created", 0.0)

    _json.fast_encoder.cache_clear()
    fast = strict(formatter.format(made))
    monkeypatch.setitem(sys.modules, "orjson", None)
    _json.fast_encoder.cache_clear()
    slow = strict(formatter.format(made))
    _json.fast_encoder.cache_clear()

    del fast["timestamp"], slow["timestamp"]
    assert fast == slow


@pytest.mark.parametrize("name", CASES)
def test_text_is_one_unforged_line(name):
    """Whatever the record, the text is one line that starts with its own time, level and logger."""
    made = CASES[name]()

    line = TextFormatter(color="off").format(made)

    assert_one_safe_line(line)
    start = f"{RFC3339} {LEVEL} {re.escape(LOGGER)} "
    assert re.match(RFC3339 if name in NAMELESS else start, line + " ")
    assert "record not shown" not in line


@pytest.mark.parametrize("name", CASES)
def test_multiline_text_marks_every_further_line(name):
    """With multiline, every line but the first stands behind the bar."""
    made = CASES[name]()

    first, *rest = TextFormatter(color="off", multiline=True).format(made).split("\n")

    assert_one_safe_line(first)
    assert all(line.startswith("  | ") for line in rest)
    assert not any(UNSAFE.search(line) for line in rest)


@pytest.mark.parametrize(
    "name", ["too few", "too many", "wrong type", "unknown conversion", "lone percent", "missing key"]
)
@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter(color="off")])
def test_wrong_arguments_are_named_and_not_shown(name, formatter):
    """Arguments that do not fit leave the template and a note; none of them is printed."""
    msg, args = ARGUMENTS[name]()

    line = formatter.format(record(msg, args))

    assert msg in line
    assert "arguments not shown" in line
    assert "secret-argument" not in line


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter(color="off")])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_lets_base_exceptions_pass(formatter, error):
    """KeyboardInterrupt and its kin, raised while a value renders itself, reach the application."""

    class Interrupts:
        def __str__(self):
            raise error

    with pytest.raises(error):
        formatter.format(record(extra={"value": Interrupts()}))


def test_consumes_nothing():
    """Generators, iterators and files are as they were before they were logged."""
    generator, iterator, file = (i for i in [1]), iter([1]), io.StringIO("x")
    made = record("%s", (generator,), {"a": generator, "b": iterator, "c": file})

    JsonFormatter().format(made)
    TextFormatter().format(made)

    assert (next(generator), next(iterator), file.read()) == (1, 1, "x")


@pytest.mark.parametrize("name", CASES)
def test_leaves_the_record_as_it_was(name):
    """Formatting sets and replaces no attribute of the record."""
    made = CASES[name]()
    before = {key: id(value) for key, value in list(made.__dict__.items())}

    JsonFormatter("%(asctime)s").format(made)
    TextFormatter("%(asctime)s %(message)s").format(made)

    assert {key: id(value) for key, value in list(made.__dict__.items())} == before
