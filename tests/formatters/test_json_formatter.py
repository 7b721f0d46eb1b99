from __future__ import annotations

import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonjsonlogger.core import BaseJsonFormatter

from seclog_handlers._record import STANDARD, Mark, ensure_mark
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.formatters import JsonFormatter
from tests.formatters.hostile_records import raised, record

CREATED = 1767323045.678  # 2026-01-02T03:04:05.678Z
HEAD = {
    "timestamp": "2026-01-02T03:04:05.678Z",
    "level": "WARNING",
    "logger": "app.login",
    "message": "login failed",
    "service": "pay",
}


def line(made=None, **options):
    made = record() if made is None else made
    made.created = CREATED
    return json.loads(JsonFormatter(**{"service": "pay", **options}).format(made))


def test_golden_line():
    """The line of an event, byte for byte: trusted fields, static fields, the event's fields in their order."""
    made = record(
        "login %s", ("failed",), {"event_type": "authentication", "success": False, "ip_address": "é", "n": 1}
    )
    made.created = CREATED

    written = JsonFormatter(service="pay", static={"env": "prod"}).format(made)

    assert written == (
        '{"timestamp":"2026-01-02T03:04:05.678Z","level":"WARNING","logger":"app.login","message":"login failed",'
        '"service":"pay","env":"prod","event_type":"authentication","success":false,"ip_address":"é","n":1}'
    )


def test_is_a_json_formatter_of_python_json_logger():
    """What expects python-json-logger's base class finds it."""
    assert isinstance(JsonFormatter(), BaseJsonFormatter)


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (1767323045.678, "2026-01-02T03:04:05.678Z"),
        (1767323045.9999, "2026-01-02T03:04:05.999Z"),
        (1767323045, "2026-01-02T03:04:05.000Z"),
        (0.0, "1970-01-01T00:00:00.000Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
    ],
)
def test_cuts_time_to_milliseconds(created, expected):
    """Time is RFC 3339 in UTC, cut, not rounded."""
    made = record()
    made.created = created

    assert json.loads(JsonFormatter().format(made))["timestamp"] == expected


@pytest.mark.parametrize("created", [None, "x", float("nan"), float("inf"), 1e300, -1e12, [], True])
def test_unusable_time_becomes_now(created, monkeypatch):
    """A record whose time is no time, or beyond the year 9999, gets the time of the call."""
    made = record()
    made.created = created

    assert json.loads(JsonFormatter().format(made))["timestamp"] > "2026"


@given(st.integers(0, 4_000_000_000), st.integers(0, 999))
def test_every_millisecond_comes_back(second, millis):
    """The time of a record is the millisecond that it was made of."""
    made = record()
    made.created = float(f"{second}.{millis:03d}")

    assert json.loads(JsonFormatter().format(made))["timestamp"].endswith(f".{millis:03d}Z")


@pytest.mark.parametrize("name", ["timestamp", "level", "logger", "message", "service", "exception", "stack", "env"])
def test_extra_cannot_take_a_trusted_name(name):
    """A field of the application with a trusted or static name is kept under `extra.<name>`."""
    made = record({"message": "forged"}) if name == "message" else record(extra={name: "forged"})

    shown = line(made, static={"env": "prod"})

    assert shown[f"extra.{name}"] == "forged"
    assert shown.get(name) != "forged"


def test_a_taken_extra_name_moves_on():
    """When `extra.<name>` is taken as well, the value is kept under `extra.extra.<name>`."""
    shown = line(record(extra={"level": 1, "extra.level": 2}))

    assert (shown["level"], shown["extra.level"], shown["extra.extra.level"]) == ("WARNING", 1, 2)


def test_standard_attributes_are_no_fields():
    """Only what came from `extra` is shown, unless `fmt` asks for more."""
    assert line() == HEAD


def test_underscores_are_data():
    """Names that begin with an underscore are fields like others."""
    assert line(record(extra={"_user": 1}))["_user"] == 1


def test_hides_its_mark_and_shows_what_pretends_to_be_one():
    """The private mark is no field; an application's own `_seclog` is data."""
    marked = record()
    ensure_mark(marked)

    assert line(marked) == HEAD
    assert line(record(extra={"_seclog": "data"})) == {**HEAD, "extra._seclog": "data"}


def test_takes_service_static_and_names_from_the_policy():
    """What SecurityHandler's policy says about output arrives on the record's mark."""
    made = record(extra={"ip_address": "1.2.3.4"})
    ensure_mark(made).output = {
        "service": "shop",
        "static": {"env": "prod"},
        "fields": {"level": "severity", "ip_address": "client.ip"},
    }
    made.created = CREATED

    assert json.loads(JsonFormatter().format(made)) == {
        "timestamp": HEAD["timestamp"], "severity": "WARNING", "logger": "app.login", "message": "login failed",
        "service": "shop", "env": "prod", "client.ip": "1.2.3.4",
    }  # fmt: skip


def test_own_options_go_before_the_policy():
    """A formatter that names a service and fields keeps to them."""
    made = record()
    ensure_mark(made).output = {"service": "shop", "static": {"env": "prod"}, "fields": {"level": "severity"}}

    shown = line(made, static={"env": "test"}, fields={"level": "lvl"})

    assert (shown["service"], shown["env"], shown["lvl"]) == ("pay", "test", "WARNING")


def test_a_foreign_mark_is_no_authority():
    """A mark that this process did not make says nothing about the output."""
    forged = Mark()
    forged.origin = object()
    forged.output = {"service": "forged"}

    assert line(record(extra={"_seclog": forged}))["service"] == "pay"


def test_default_service_is_the_program(monkeypatch):
    """With no service configured a line is signed with the program's name, or python."""
    monkeypatch.setattr(sys, "argv", ["/srv/shop.py"])
    named = json.loads(JsonFormatter().format(record()))
    monkeypatch.setattr(sys, "argv", [""])
    unnamed = json.loads(JsonFormatter().format(record()))

    assert (named["service"], unnamed["service"]) == ("shop", "python")


def test_renamed_fields_cannot_be_spoofed():
    """The new name of a field belongs to it: an application's field of that name moves, wherever it stands."""
    made = record(extra={"client.ip": "forged", "severity": "forged", "ip_address": "1.2.3.4"})

    shown = line(made, fields={"ip_address": "client.ip", "level": "severity"})

    assert (shown["client.ip"], shown["severity"]) == ("1.2.3.4", "WARNING")
    assert (shown["extra.client.ip"], shown["extra.severity"]) == ("forged", "forged")


def test_fmt_adds_attributes():
    """Record attributes that fmt names stand behind the static fields, under their names or new ones."""
    made = record(extra={"user": "bob"})

    shown = line(made, fmt="%(process)d %(funcName)s %(message)s %(user)s %(missing)s", fields={"funcName": "function"})

    assert list(shown)[5:] == ["process", "function", "user", "missing"]
    assert (shown["function"], shown["user"], shown["missing"]) == ("view", "bob", None)


@pytest.mark.parametrize(("fmt", "style"), [("%(lineno)d", "%"), ("{lineno}", "{"), ("${lineno}", "$")])
def test_takes_every_style(fmt, style):
    """The three styles of logging name attributes alike."""
    assert line(fmt=fmt, style=style)["lineno"] == 1


def test_asctime_honours_datefmt():
    """`%(asctime)s` is logging's own, in its format."""
    assert line(fmt="%(asctime)s", datefmt="%Y")["asctime"] == "2026"


def test_fmt_cannot_name_a_spoofed_field():
    """A template that names a trusted field gets the trusted one."""
    assert line(record(extra={"level": "forged"}), fmt="%(level)s") == {**HEAD, "extra.level": "forged"}


def test_a_dict_message_is_fields_too():
    """The keys of a dict message are fields; the message is its compact JSON."""
    shown = line(record({"user": "bob", "level": "forged"}, extra={"user": "eve"}))

    assert shown["message"] == '{"user":"bob","level":"forged"}'
    assert (shown["user"], shown["extra.level"], shown["extra.user"]) == ("bob", "forged", "eve")


def test_shows_exception_and_stack_with_their_headers():
    """Both are text in Python's own form."""
    shown = line(record(exc_info=raised(ValueError("bad")), stack_info="Stack (most recent call last):\n  File"))

    assert shown["exception"].startswith("Traceback (most recent call last):\n  File ")
    assert shown["exception"].endswith("\nValueError: bad")
    assert shown["stack"] == "Stack (most recent call last):\n  File"
    assert list(shown)[-2:] == ["exception", "stack"]


def test_ignores_a_cached_traceback_while_there_is_an_exception():
    """What another handler's formatter cached is not trusted; without exc_info it is all there is."""
    both = line(record(exc_info=raised(ValueError("bad")), exc_text="cached"))
    alone = line(record(exc_text="cached"))

    assert "cached" not in both["exception"]
    assert alone["exception"] == "cached"


def test_keeps_a_record_class_with_its_own_message():
    """A record factory that formats messages in another style is asked for them."""

    class BraceRecord(logging.LogRecord):
        def getMessage(self):
            return self.msg.format(*self.args)

    made = BraceRecord("app", logging.INFO, "p", 1, "user {}", ("bob",), None)

    assert line(made)["message"] == "user bob"


def test_cuts_a_long_line_where_it_is_long():
    """The longest strings are cut, with what is missing; short fields stay whole; the line stays JSON."""
    made = record("x" * 400_000, extra={"event_type": "authentication", "detail": {"a": ["é" * 100_000]}, "b": "short"})

    written = JsonFormatter(service="pay").format(made)

    shown = json.loads(written)
    assert 200_000 < len(written.encode()) <= 256_000
    assert (shown["event_type"], shown["b"], shown["service"]) == ("authentication", "short", "pay")
    assert "...[cut " in shown["message"]
    assert "...[cut " in shown["detail"]["a"][0]
    kept = shown["message"].index("...[cut ")
    assert shown["message"].endswith(f"...[cut {400_000 - kept} characters]")


def test_leaves_out_fields_when_strings_are_not_enough():
    """A line of very many fields keeps the trusted and the first ones and says how many are missing."""
    made = record(extra={f"field{number}": number for number in range(1_000)})

    written = JsonFormatter(max_bytes=5_000).format(made)

    shown = json.loads(written)
    assert len(written.encode()) <= 5_000
    assert list(shown)[:6] == [*HEAD, "field0"]
    assert shown["..."].startswith("[cut ")


@given(
    st.lists(st.tuples(st.text(max_size=10), st.text(st.characters(), max_size=9_000)), max_size=8),
    st.text(max_size=9_000),
)
def test_every_line_keeps_its_limit(extras, message):
    """However the length is spread, the line has at most max_bytes and is JSON with the trusted fields."""
    made = record(message, extra=dict(extras))

    written = JsonFormatter(max_bytes=4_096).format(made)

    assert len(written.encode()) <= 4_096
    assert list(json.loads(written))[:5] == list(HEAD)


@given(
    st.dictionaries(
        st.text(st.characters()) | st.sampled_from([*HEAD, "exception", "extra.level", "env", "renamed"]),
        st.text() | st.integers(),
    ),
    st.dictionaries(st.text() | st.sampled_from(list(HEAD)), st.integers(), max_size=3) | st.text(),
)
def test_no_value_is_lost_and_no_trusted_name_taken(extra, msg):
    """Whatever names an application chooses, each value has a place, and trusted fields are ours."""
    extra = {name: value for name, value in extra.items() if name not in STANDARD}
    made = record(msg, extra=extra)

    shown = line(made, static={"env": "prod"}, fields={"n": "renamed"})

    assert {name: shown[name] for name in ("timestamp", "level", "logger", "service", "env")} == {
        "timestamp": HEAD["timestamp"], "level": "WARNING", "logger": "app.login", "service": "pay", "env": "prod",
    }  # fmt: skip
    assert len(shown) == 6 + len(extra) + (len(msg) if type(msg) is dict else 0)


class WithHost(JsonFormatter):
    def add_fields(self, log_data, record, message_dict):
        super().add_fields(log_data, record, message_dict)
        log_data["host"] = "web1"

    def process_log_record(self, log_data):
        log_data.pop("logger")
        return log_data

    def formatException(self, ei):
        return f"own {ei[0].__name__}"


def test_honours_the_hooks_of_python_json_logger():
    """A subclass adds, removes and renders as it does with python-json-logger."""
    shown = json.loads(WithHost().format(record(exc_info=raised(ValueError("bad")))))

    assert shown["host"] == "web1"
    assert shown["exception"] == "own ValueError"
    assert "logger" not in shown


@pytest.mark.parametrize("hook", ["add_fields", "process_log_record", "jsonify_log_record", "serialize_log_record"])
def test_a_failing_hook_costs_the_content_not_the_line(hook):
    """When an overridden method raises, the line says so; what it might have removed is not shown."""

    def fail(*_):
        raise ValueError("secret")

    made = record("secret", extra={"password": "secret"})

    written = type("Failing", (JsonFormatter,), {hook: fail})(service="pay").format(made)

    assert json.loads(written)["message"] == "[record not shown: ValueError while it was formatted]"
    assert json.loads(written)["service"] == "pay"
    assert "secret" not in written


def test_a_failing_format_exception_leaves_the_traceback():
    """When an overridden formatException raises, Python's own form is shown."""
    failing = type("Failing", (JsonFormatter,), {"formatException": lambda self, ei: 1 / 0})

    shown = json.loads(failing().format(record(exc_info=raised(ValueError("bad")))))

    assert shown["exception"].endswith("ValueError: bad")


def test_defaults_fill_what_a_record_lacks():
    """Fields of `defaults` stand on lines whose record does not have them."""
    formatter = JsonFormatter(defaults={"tenant": "none", "level": "forged"})

    assert json.loads(formatter.format(record()))["tenant"] == "none"
    assert json.loads(formatter.format(record(extra={"tenant": "a"})))["tenant"] == "a"
    assert json.loads(formatter.format(record()))["level"] == "WARNING"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"colour": "on"}, "no option 'colour'"),
        ({"json_default": str}, "rendered safely"),
        ({"prefix": ">"}, "no option 'prefix'"),
        ({"fmt": "%(a)s", "format": "%(b)s"}, "both 'fmt' and 'format'"),
        ({"fields": {}, "rename_fields": {}}, "both 'rename_fields' and 'fields'"),
        ({"fmt": "no attribute"}, "no attribute"),
        ({"style": "?"}, "style '?'"),
        ({"max_bytes": 10}, "at least 4096"),
        ({"static": {"level": "x"}}, "choose another name"),
        ({"static": ["env"]}, "must be a mapping"),
        ({"fields": {"level": ""}}, "must be a name"),
        ({"fields": {"a": "x", "b": "x"}}, "choose another"),
        ({"fields": {"username": "level"}}, "choose another"),
        ({"service": ["a"]}, "must be a string"),
    ],
)
def test_configuration_errors_say_the_way_out(options, words):
    """An option that cannot work stops the start with a sentence."""
    with pytest.raises(ConfigurationError) as caught:
        JsonFormatter(**options)

    assert words in str(caught.value)
    assert str(caught.value).startswith("JsonFormatter")


NAMES = st.sampled_from(
    ["a", "b", "level", "extra.level", "service", "exception", "_seclog", "env", "user_id", "x" * 600]
)
FIELDS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=10,
) | st.sampled_from(["y" * 70_000, {"k" * 1_500: 1}, [[]] * 6_000, [[[[]]] * 9] * 9])


@given(
    st.one_of(st.text(st.characters()), st.sampled_from(["%s and %s", {"a": 1}, 7, None])),
    st.sampled_from([(), ("a", 2), ("a",), None]),
    st.dictionaries(NAMES, FIELDS),
    st.sampled_from([None, "Traceback", ""]),
    st.sampled_from(["INFO", None, "x" * 2_000, 5]),
    st.booleans(),
)
def test_the_quick_way_writes_what_the_careful_one_does(msg, args, extra, trace, level, marked):
    """An ordinary record's line is made in fewer steps, and is the same, byte for byte."""
    made = record(msg, args, extra)
    made.levelname, made.exc_text = level, trace
    if marked and "_seclog" not in extra:
        ensure_mark(made).output = {"service": "shop", "static": {"env": "prod"}, "fields": {"user_id": "user"}}
    formatter = JsonFormatter()

    quick = _quick_or_none(formatter, made)

    assert quick in (None, formatter._carefully(made))


def _quick_or_none(formatter, made):
    try:
        return formatter._quickly(made)
    except Exception:
        return None


def test_ordinary_records_go_the_quick_way():
    """Otherwise the test above would say nothing."""
    made = record("login %s", ("failed",), {"username": "bob", "headers": {"a": ["b", 1.5, None]}, "ok": True})

    assert JsonFormatter()._quickly(made) is not None
