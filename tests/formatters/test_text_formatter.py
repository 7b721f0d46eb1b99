from __future__ import annotations

import json
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers._record import ensure_mark
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.formatters import JsonFormatter, TextFormatter
from tests.formatters.hostile_records import raised, record

CREATED = 1767323045.678
START = "2026-01-02T03:04:05.678Z WARNING app.login "


def line(made=None, *args, **options):
    made = record() if made is None else made
    made.created = CREATED
    return TextFormatter(*args, **{"color": "off", **options}).format(made)


def test_golden_line():
    """Time, level, logger, message, two spaces, fields."""
    made = record(
        extra={"event_type": "authentication", "username": "usr_k3_1", "ip_address": "1.2.3.4", "success": False}
    )

    assert (
        line(made)
        == START + "login failed  event_type=authentication username=usr_k3_1 ip_address=1.2.3.4 success=false"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("http://a/b?c", "http://a/b?c"),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ("", '""'),
        ('"', '"\\""'),
        ("\u00a0", '"\u00a0"'),
        ("a\nb", '"a\\nb"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("\u202e", '"\\u202e"'),
        ("x" * 1_001, f'"{"x" * 1_001}"'),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (float("nan"), "null"),
        ({"a": [1, "b c"]}, '{"a":[1,"b c"]}'),
        (b"ab", "ab"),
    ],
)
def test_quotes_what_could_be_misread(value, shown):
    """A value is bare if it is one word, else JSON."""
    assert line(record(extra={"key": value})) == f"{START}login failed  key={shown}"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("login failed", "login failed"),
        ("GET /?a=b HTTP", "GET /?a=b HTTP"),
        ("user=admin", '"user=admin"'),
        ("failed level=INFO", '"failed level=INFO"'),
        ("failed  x", '"failed  x"'),
        ('"quoted"', '"\\"quoted\\""'),
        ("a\nuser=admin", '"a\\nuser=admin"'),
        ("a\nb\x1b[2J\u2028", "a\\nb\\x1b[2J\\u2028"),
    ],
)
def test_quotes_a_message_that_could_pass_for_fields(message, shown):
    """A message is shown as it reads, quoted if a part of it could be taken for a field or for the gap."""
    assert line(record(message)) == START + shown


@given(
    st.text(st.characters()),
    st.dictionaries(st.text(st.characters(), min_size=1), st.text(st.characters()), max_size=4),
)
def test_only_real_fields_read_as_fields(message, extra):
    """Outside of quotes, what looks like `name=value` after the gap is a field, and nothing before it is."""
    extra = {name: value for name, value in extra.items() if name not in vars(record())}

    shown = line(record(message, extra=extra))

    unquoted = re.sub(r'"(?:[^"\\]|\\.)*"', "Q", shown.removeprefix(START))
    assert len(shown.splitlines()) == 1
    assert len(re.findall(r"(?:^|\s)[\w.\-]+=", unquoted)) <= len(extra)


def test_a_taken_name_moves():
    """Names of the pack are not an application's to use."""
    assert line(record(extra={"level": "INFO", "exception": "none"})).endswith(
        "  extra.level=INFO extra.exception=none"
    )


def test_odd_names_are_quoted():
    """A name that is no word is quoted like a value."""
    assert line(record(extra={"a b=c": 1})).endswith('  "a b=c"=1')


def test_logger_and_level_cannot_forge():
    """A level or logger name that looks like more is quoted or escaped too."""
    made = record()
    made.levelname, made.name = "A\nB", "x  y=z"

    assert line(made) == '2026-01-02T03:04:05.678Z A\\nB "x  y=z" login failed'


def test_shows_exception_at_the_end_of_the_line():
    """By default a traceback is one escaped value behind all fields."""
    shown = line(record(extra={"a": 1}, exc_info=raised(ValueError("bad\nworse")), stack_info="Stack\n  File"))

    assert shown.startswith(START + 'login failed  a=1 exception="Traceback (most recent call last):\\n  File ')
    assert shown.endswith('\\nValueError: bad\\nworse" stack="Stack\\n  File"')


def test_multiline_puts_tracebacks_behind_a_bar():
    """With multiline, traceback lines stand on their own, each marked, none forged."""
    first, *rest = line(record(exc_info=raised(ValueError("bad\n2026 x\x1b[2J\u2028y"))), multiline=True).split("\n")

    assert first == START + "login failed"
    assert rest[0] == "  | Traceback (most recent call last):"
    assert rest[-2:] == ["  | ValueError: bad", "  | 2026 x\\x1b[2J\\u2028y"]


def test_fmt_replaces_the_beginning():
    """A template of logging's own is filled first; fields that it does not name follow."""
    made = record("hello", extra={"user": "a b", "n": 5})

    assert line(made, "%(levelname)-8s|%(user)s|%(lineno)03d|%(message)s") == 'WARNING |"a b"|001|hello  n=5'


@pytest.mark.parametrize(
    ("fmt", "style"), [("%(name)s: %(message)s", "%"), ("{name}: {message}", "{"), ("$name: ${message}", "$")]
)
def test_takes_every_style(fmt, style):
    """The three styles of logging give the same line."""
    assert line(None, fmt, None, style) == "app.login: login failed"


def test_asctime_is_that_of_logging():
    """`%(asctime)s` honours datefmt, and has logging's own form without one."""
    plain = logging.Formatter("%(asctime)s").format(_at(CREATED))

    assert line(_at(CREATED), "%(asctime)s %(message)s") == f"{plain} login failed"
    assert line(None, "%(asctime)s", "%Y") == "2026"


def _at(created):
    made = record()
    made.created, made.msecs = created, (created - int(created)) * 1000
    return made


@pytest.mark.parametrize("fmt", ["%(missing)s %(message)s", "%(user)s %(message)s"])
def test_missing_fields_of_the_template_are_a_dash(fmt):
    """A template that names what a record lacks still gives its line."""
    assert line(None, fmt) == "- login failed"


def test_a_template_that_does_not_fit_gives_the_default_line():
    """A conversion that the value does not fit does not cost the record."""
    assert line(record(extra={"n": "word"}), "%(n)d %(message)s") == START + "login failed"


def test_values_in_the_template_cannot_forge():
    """What an application logged stays one word or quoted inside the template too."""
    made = record("a\nb", extra={"user": "x\nroot admin=true"})

    assert line(made, "[%(user)s] %(message)s") == '["x\\nroot admin=true"] a\\nb'


def test_shows_a_configured_service():
    """Service and static fields stand on lines of a configured service only."""
    made = record(extra={"a": 1})
    ensure_mark(made).output = {"service": "shop", "static": {"env": "prod"}, "fields": {"a": "b"}}

    assert line(made).endswith("login failed  b=1 service=shop env=prod")


@pytest.mark.parametrize(("level", "code"), [("DEBUG", "2"), ("WARNING", "33"), ("ERROR", "31"), ("CRITICAL", "1;31")])
def test_colors_the_level(level, code):
    """With color on, the level's name is colored and nothing else."""
    made = record()
    made.levelname = level

    assert line(made, color="on") == f"2026-01-02T03:04:05.678Z \x1b[{code}m{level}\x1b[0m app.login login failed"


class Terminal:
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "no_color", "colored"), [(Terminal(), "", True), (Terminal(), "1", False), (None, "", False)]
)
def test_auto_color_is_for_terminals(monkeypatch, stream, no_color, colored):
    """Color is on by itself only on a terminal, and never with NO_COLOR."""
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("sys.stdout", None)

    assert ("\x1b" in TextFormatter().format(record())) is colored


@pytest.mark.parametrize("multiline", [False, True])
def test_keeps_its_limit(multiline):
    """A record that is too long is cut visibly and keeps its short fields."""
    made = record(
        "x" * 300_000, extra={"event_type": "authentication", "b": "\x00" * 300_000}, exc_text="e\n" * 100_000
    )

    shown = line(made, multiline=multiline)

    assert 100_000 < len(shown.encode()) <= 256_000
    assert "event_type=authentication" in shown
    assert "...[cut " in shown


@given(
    st.text(st.characters(), max_size=9_000),
    st.dictionaries(st.text(max_size=50), st.text(st.characters(), max_size=5_000), max_size=5),
)
def test_every_line_keeps_its_limit(message, extra):
    """However the length is spread, a record takes at most max_bytes and is one line."""
    extra = {name: value for name, value in extra.items() if name not in vars(record())}

    shown = line(record(message, extra=extra), max_bytes=4_096)

    assert len(shown.encode()) <= 4_096
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"colour": "on"}, "no option 'colour'"),
        ({"color": "blue"}, "one of auto, on, off"),
        ({"multiline": "perhaps"}, "'on' or 'off'"),
        ({"fmt": "%(message)s\n"}, "one line of text"),
        ({"fmt": "a\n%(message)s"}, "one line of text"),
        ({"fmt": "no attribute"}, "no attribute"),
        ({"fmt": ["message"]}, "one line of text"),
        ({"style": "?"}, "style '?'"),
    ],
)
def test_configuration_errors_say_the_way_out(options, words):
    """An option that cannot work stops the start with a sentence."""
    with pytest.raises(ConfigurationError) as caught:
        TextFormatter(**options)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": "b c"}, '{"a":"b c"}'),
        ([1, None], "[1,null]"),
        (b"by te", '"by te"'),
        (True, "true"),
        (None, "-"),
        (2**60, str(2**60)),
    ],
)
def test_a_template_may_name_any_field(value, shown):
    """What `fmt` names is written as a field's value is."""
    made = record("hello", extra={"data": value})

    assert TextFormatter("%(message)s data=%(data)s").format(made).startswith(f"hello data={shown}")


@pytest.mark.parametrize("value", [True, False, 0, -5, 2**53, -(2**63), 2**64, 1.5, float("nan")])
def test_numbers_are_written_as_json(value):
    """A field's number reads the same in text and in JSON."""
    made = record(extra={"n": value})

    in_json = json.loads(JsonFormatter().format(made))["n"]

    assert TextFormatter().format(made).split(" n=")[1].split()[0] == json.dumps(in_json)
