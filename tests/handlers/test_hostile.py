"""Hostile records through the whole pipeline: whatever is logged, one valid line, no secret, in bounded time."""

from __future__ import annotations

import builtins
import collections
import decimal
import enum
import itertools
import json
import logging
import re
import sys
import types
from collections.abc import Mapping

import pytest

from seclog_handlers import (
    AccessLogFilter,
    EscalationHandler,
    EventFilter,
    GeoIPFilter,
    JsonFormatter,
    RedactionFilter,
    RiskFilter,
    SecurityHandler,
    TextFormatter,
)
from tests.support import KEY, Lines

SECRET = "pLaNted9Secret7xQv"
SHOWN = f"password={SECRET}"
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def fails(*_args, **_kwargs):
    raise ValueError(SHOWN)


def built(name="Built", bases=(), meta=type, **namespace):
    return meta(name, bases, namespace)


def metaclass(**namespace):
    return built("Meta", (type,), **namespace)


class EvilStr(str):
    __slots__ = ()
    __str__ = __repr__ = __len__ = __iter__ = __eq__ = __format__ = __getitem__ = encode = lower = strip = fails
    __hash__ = None

    def isascii(self):
        return True

    isprintable = isascii


class BenignKey(str):
    """Says that it is something else than it is."""

    __slots__ = ()

    def lower(self):
        return "benign"

    __str__ = __repr__ = lower


class EvilDict(dict):
    items = keys = values = __iter__ = __getitem__ = __len__ = __bool__ = get = copy = __str__ = __repr__ = fails


class EndlessDict(dict):
    def items(self):
        return ((str(number), number) for number in itertools.count())


class EndlessList(list):
    def __iter__(self):
        return itertools.count()


class GrowsWhenShown:
    def __init__(self, home):
        self.home = home

    def __repr__(self):
        self.home.append(GrowsWhenShown(self.home))
        return "grown"


def growing():
    home = []
    home.append(GrowsWhenShown(home))
    return home


class SaysSo(logging.LogRecord):
    def getMessage(self):
        return SHOWN


class Braces(logging.LogRecord):
    def getMessage(self):
        return str(self.msg).format(*self.args)


def laughs(levels=30, kind=list):
    value = SHOWN
    for _ in range(levels):
        value = kind([value] * 10)
    return value


Password = enum.Enum("Password", {"password": 1, "OTHER": "password"})

VALUES = {
    "raises": lambda: built(__str__=fails, __repr__=fails, __len__=fails, __iter__=fails, __bool__=fails)(),
    "raises on equality": lambda: built(__eq__=fails, __hash__=fails)(),
    "raises on every attribute": lambda: built(__getattribute__=fails)(),
    "lies about its class": lambda: built(__class__=property(lambda _: dict), __str__=lambda _: SHOWN)(),
    "says a secret": lambda: built(__str__=lambda _: SHOWN, __repr__=lambda _: SHOWN)(),
    "metaclass that raises when compared": lambda: metaclass(__eq__=fails, __hash__=lambda _: hash(dict))("C", (), {})(),
    "metaclass that raises when hashed": lambda: metaclass(__hash__=fails)("C", (), {"__str__": lambda _: SHOWN})(),
    "metaclass equal to everything": lambda: metaclass(__eq__=lambda *_: True, __hash__=lambda _: hash(list))("C", (), {})(),
    "name of a class": lambda: built("x\nforged\x1b[2J" + "n" * 300_000, __str__=fails)(),
    "name of a class that is more than str": lambda: built(EvilStr("Name"), __str__=fails)(),
    "evil str": lambda: EvilStr(SHOWN),
    "evil dict": lambda: EvilDict(password=SECRET),
    "endless dict": lambda: EndlessDict(password=SECRET),
    "endless list": lambda: EndlessList([SHOWN]),
    "endless iterator": lambda: itertools.repeat(SHOWN),
    "grows when shown": growing,
    "billion laughs": laughs,
    "hash without end": lambda: laughs(kind=tuple),
    "key of a str subclass": lambda: {BenignKey("password"): SECRET},
    "key of an enum's value": lambda: {Password.OTHER: SECRET},
    "key within a tuple": lambda: {("db", "password"): SECRET},
    "key of an object": lambda: {built(__str__=lambda _: "password")(): SECRET},
    "keys that redact to the same": lambda: {f"password={SECRET}{number}": number for number in range(4_000)},
    "keys of 100 kB": lambda: {"k" * 100_000 + str(number): number for number in range(50)},
    "10 MB": lambda: "A" * 10_000_000,
    "controls": lambda: "\x00\x1b\u2028\ud800" * 100_000 + SHOWN,
    "forged line": lambda: f'"}}\n{{"level":"CRITICAL"}}\r\n\x85forged\u2028 {SHOWN}',
    "decimal of a million digits": lambda: decimal.Decimal("1e1000000"),
    "int of 100,000 digits": lambda: 10**100_000,
    "not a number": lambda: {"a": [float("nan"), decimal.Decimal("sNaN")], "password": SECRET},
    "named tuple": lambda: collections.namedtuple("Login", "user password")("bob", SECRET),
    "mapping proxy": lambda: types.MappingProxyType({"password": SECRET}),
    "released view": lambda: (view := memoryview(b"x"), view.release())[0],
}  # fmt: skip
HEAVY = {"keys that redact to the same", "keys of 100 kB", "10 MB", "controls"}


def with_args(logger, template, value):
    # LogRecord itself asks whether an only argument is a mapping: what fails there never reaches a handler.
    logger.handle(logging.makeLogRecord({"msg": template, "args": (value,), "levelno": 20, "levelname": "INFO"}))


CALLS = {
    "extra": lambda logger, value: logger.info("event", extra={"data": value}),
    "nested": lambda logger, value: logger.info("event", extra={"data": {"a": [value]}}),
    "message": lambda logger, value: logger.info(value),
    "%s": lambda logger, value: with_args(logger, "value %s", value),
    "%r": lambda logger, value: with_args(logger, "value %-5r", value),
    "%d": lambda logger, value: with_args(logger, "value %d", value),
    "dict message": lambda logger, value: logger.info({"event": "x", "data": value}),
    "authentication": lambda logger, value: logger.info(
        "login", extra={"event_type": "authentication", "username": value, "success": value, "ip_address": value}
    ),
    "api_request": lambda logger, value: logger.info(
        "request", extra={"event_type": "api_request", "headers": value, "query_params": value, "path": value}
    ),
    "authorization": lambda logger, value: logger.info(
        "denied", extra={"event_type": "authorization", "granted": value, "required_permissions": value}
    ),
    "exception": lambda logger, value: logger.info("failed", exc_info=ValueError(value)),
    "event_type": lambda logger, value: logger.info("x", extra={"event_type": value}),
}


@pytest.fixture(scope="module", params=["json", "text"])
def pipeline(request):
    formatter = JsonFormatter(service="svc") if request.param == "json" else TextFormatter(service="svc")
    policy = {"pseudonyms.keys": [KEY], "geoip": "off", "service": "svc"}
    out, alerts = Lines(formatter), Lines(formatter)
    judge = EscalationHandler(target=alerts, policy=policy)
    logger = logging.Logger("hostile", logging.DEBUG)  # known to nobody: pytest's handlers would render records, too
    logger.addHandler(SecurityHandler(target=out, targets=[judge], policy=policy))
    return logger, out, alerts


@pytest.fixture(autouse=True)
def _empty(pipeline):
    for lines in pipeline[1:]:
        lines.stream.seek(0)
        lines.stream.truncate()


def check(out, alerts, capsys):
    everything = out.text + alerts.text + capsys.readouterr().err
    assert len(out.text.splitlines()) == out.text.count("\n") == 1
    assert not UNSAFE.search(out.text[:-1])
    assert len(out.text.encode()) <= 256_001
    assert SECRET not in everything
    if isinstance(out.formatter, JsonFormatter):
        shown = strict(out.text)
        assert list(shown)[:5] == ["timestamp", "level", "logger", "message", "service"]
        assert shown["service"] == "svc"


def strict(line):
    def unique(pairs):
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return json.loads(line, object_pairs_hook=unique, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("call", "name"), [(call, name) for call in CALLS for name in VALUES if call == "extra" or name not in HEAVY]
)
def test_one_valid_line_without_the_secret(pipeline, capsys, call, name):
    """Whatever is logged wherever: nothing is raised, one line comes out, and it is safe."""
    logger, out, alerts = pipeline

    CALLS[call](logger, VALUES[name]())

    check(out, alerts, capsys)


@pytest.mark.parametrize(
    ("template", "args"),
    [
        ("%s %s", (SHOWN,)),
        ("%d", (SHOWN,)),
        ("%*d", (300_000_000, 5)),
        ("%300000000d", (5,)),
        ("%d", (decimal.Decimal("1e1000000"),)),
        ("%.300f", (decimal.Decimal("1e1000000"),)),
        ("%4000d" * 10_000, tuple(range(10_000))),
        ("%s " * 20_000, (SHOWN,) * 20_000),
        ("%s " * 1_500, (SHOWN,) * 1_500),
        ("%(a)s", ({"b": SHOWN},)),
        ("A" * 5_000_000 + "%s", (SHOWN,)),
        ("password=%s%s", (SECRET, "x" * 262_140)),
        ("%s password=%s%s", ("x", SECRET, "y" * 300_000)),
        ("%c%s", (0x2028, SHOWN)),
        ("%y", (SHOWN,)),
    ],
    ids=lambda value: value[:12] if type(value) is str else "args",
)
def test_odd_templates(pipeline, capsys, template, args):
    """Templates that ask for too much, or do not fit their arguments, show none of these."""
    logger, out, alerts = pipeline

    logger.info(template, *args)

    check(out, alerts, capsys)


@pytest.mark.parametrize(
    "attributes",
    [
        {"levelname": SHOWN},
        {"levelname": {"password": SECRET}},
        {"levelname": [1]},
        {"name": SHOWN},
        {"threadName": SHOWN},
        {"threadName": laughs(kind=tuple), "taskName": laughs(kind=tuple)},
        {"levelno": "20"},
        {"created": float("nan")},
        {"created": 10**400},
        {"created": None},
        {"args": itertools.repeat(SHOWN)},
        {"args": EvilDict(a=SHOWN), "msg": "%(a)s"},
        {"exc_info": (None, None, None)},
        {"exc_info": True},
        {"exc_info": ValueError(SHOWN)},
        {"exc_text": EvilStr(SHOWN)},
        {"stack_info": SHOWN.encode()},
        {"_seclog": types.SimpleNamespace(applied={"redaction"}, origin=None)},
        {5: SHOWN, b"level": "SPOOFED"},
        {"lineno": None, "process": SHOWN, "msecs": None},
    ],
    ids=lambda attributes: str(next(iter(attributes))),
)
def test_odd_records(pipeline, capsys, attributes):
    """Records that no logger made, with attributes of other types."""
    logger, out, alerts = pipeline
    made = logging.makeLogRecord({"name": "odd", "levelno": 20, "levelname": "INFO", "msg": "odd"})
    made.__dict__.update(attributes)

    logger.handlers[0].handle(made)

    check(out, alerts, capsys)


class BadKey:
    """Can be hashed once, when it becomes a key, and says nothing."""

    __str__ = __repr__ = fails
    hashed = False

    def __hash__(self):
        if self.hashed:
            raise ValueError(SHOWN)
        self.hashed = True
        return 7

    __eq__ = object.__eq__


ODD_NAMES = {
    "int": lambda: 5,
    "none": lambda: None,
    "tuple": lambda: ("a", SHOWN),
    "bytes": lambda: SHOWN.encode(),
    "float": lambda: float("nan"),
    "no hash": BadKey,
    "a subclass": lambda: built(bases=(str,))("password"),
    "a reserved word": lambda: built(bases=(str,))("levelname"),
}


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("count", [1, 1_200])
def test_fields_whose_names_are_no_text(pipeline, capsys, name, count):
    """`extra` takes any key: the event is kept, with its message, its logger and the user it is about."""
    logger, out, alerts = pipeline
    made = logging.makeLogRecord({"name": "odd", "levelno": 30, "levelname": "WARNING", "msg": "login failed"})
    made.__dict__.update(event_type="authentication", username="bob", success=False)
    keys = [ODD_NAMES[name]() for _ in range(count)]
    made.__dict__.update(dict.fromkeys(keys, SECRET if name == "a subclass" else SHOWN))

    logger.handlers[0].handle(made)

    check(out, alerts, capsys)
    assert "login failed" in out.text
    assert "odd" in out.text
    assert "usr_" in out.text
    assert "[WITHHELD]" not in out.text
    assert count > 1 or "seclog_error" not in out.text  # so many names may be more work than a record may cost


def test_the_redaction_filter_alone_takes_odd_names_too():
    """On a handler of the standard library a number as a field's name costs nothing either."""
    out = Lines(JsonFormatter(service="svc"))
    out.addFilter(RedactionFilter())
    logger = logging.Logger("odd", logging.DEBUG)
    logger.addHandler(out)

    logger.info("hello", extra={5: SHOWN, None: 1})

    shown = strict(out.text)
    assert (shown["message"], shown["5"], shown["None"]) == ("hello", "password=[REDACTED]", 1)


def explosion():
    """A list of ten billion texts, made of 110."""
    value = [SHOWN] * 10
    for _ in range(9):
        value = [value] * 10
    return value


def with_notes(notes):
    error = ValueError("noted")
    error.__notes__ = notes
    return error


EXPLOSIVE = {
    "an argument": lambda: ValueError(explosion()),
    "two arguments": lambda: AttributeError("x", explosion()),
    "a key": lambda: KeyError(explosion()),
    "an error's word": lambda: OSError(2, explosion()),
    "a file's name": lambda: OSError(2, "x", explosion()),
    "a module": lambda: ImportError(explosion()),
    "a syntax error's word": lambda: SyntaxError(explosion()),
    "a line of source": lambda: SyntaxError("x", ("f", 1, 1, explosion())),
    "a file of source": lambda: SyntaxError("x", (explosion(), 1, 1, "x")),
    "an exception in it": lambda: ValueError([ValueError(explosion()), [RuntimeError(explosion())] * 10]),
    "a note": lambda: with_notes([explosion()]),
    "notes": lambda: with_notes({"a": explosion()}),
}


@pytest.mark.parametrize("name", EXPLOSIVE)
@pytest.mark.parametrize("call", ["exception", "%s", "extra"])
def test_exceptions_about_what_has_no_end(pipeline, capsys, call, name):
    """What an exception says of containers is bounded, wherever Python's own classes and tracebacks show them."""
    logger, out, alerts = pipeline
    error = EXPLOSIVE[name]()

    if call == "exception":
        logger.error("failed", exc_info=error)
    else:
        CALLS[call](logger, error)

    check(out, alerts, capsys)
    if call != "%s":  # which shows what an exception says, and not its type
        assert type(error).__name__ in out.text or "WITHHELD" in out.text


@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter])
@pytest.mark.parametrize("name", EXPLOSIVE)
def test_a_formatter_alone_bounds_exceptions(formatter, name):
    """Without redaction before it, a formatter meets the exceptions themselves."""
    out = Lines(formatter(service="svc"))
    logger = logging.Logger("hostile", logging.DEBUG)
    logger.addHandler(out)
    error = EXPLOSIVE[name]()

    logger.error("failed: %s", error, exc_info=error, extra={"error": error})

    assert len(out.text.splitlines()) == out.text.count("\n") == 1
    assert len(out.text.encode()) <= 256_001


class Endless(Mapping):
    """Has every key there is but one."""

    def __getitem__(self, key):
        if key == "missing":
            raise KeyError(key)
        return SECRET if key == "password" else f"<{key}>"

    def __iter__(self):
        return map(str, itertools.count())

    def __len__(self):
        return 1


@pytest.mark.parametrize("kind", [Endless, lambda: types.MappingProxyType(Endless())], ids=["own", "proxy"])
@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("user %(name)s", "user <name>"),
        ("user %(name)s password=%(password)s", "user <name> password=[REDACTED]"),
        ("user %(missing)s", "arguments not shown"),
        ("%s", ""),
    ],
)
def test_a_mapping_without_end_gives_what_the_template_names(pipeline, capsys, kind, template, shown):
    """Arguments by name may be any mapping, which is never gone through."""
    logger, out, alerts = pipeline

    logger.info(template, kind())

    check(out, alerts, capsys)
    assert shown in out.text


@pytest.mark.parametrize("truth", [fails, lambda self: None], ids=["raises", "is none"])
def test_an_exception_whose_truth_cannot_be_told(pipeline, capsys, truth):
    """What stands in the place of an exception is never asked whether it is true."""
    logger, out, alerts = pipeline
    made = logging.makeLogRecord({"name": "odd", "levelno": 20, "levelname": "INFO", "msg": "it failed"})
    made.exc_info = built(__bool__=truth)()

    logger.handlers[0].handle(made)

    check(out, alerts, capsys)
    assert "it failed" in out.text


def test_an_enum_is_a_key_by_its_name_too(pipeline, capsys):
    """Rules know a key's name although its value is what is shown."""
    logger, out, alerts = pipeline

    logger.info("event", extra={"data": {Password.password: SECRET}})

    check(out, alerts, capsys)


@pytest.mark.parametrize(("kind", "shown"), [(SaysSo, "[REDACTED]"), (Braces, "login bob")])
def test_a_record_class_with_its_own_message_is_redacted_too(pipeline, capsys, kind, shown):
    """What it says of itself is its message, and no formatter asks it again."""
    logger, out, alerts = pipeline

    logger.handle(kind("hostile", logging.INFO, "f", 1, "login {}", ("bob",), None))

    check(out, alerts, capsys)
    assert shown in out.text


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_passes(pipeline, error):
    """An interrupt while a record is rendered is not swallowed."""
    logger, _, _ = pipeline

    def ends(_self):
        raise error

    with pytest.raises(error):
        logger.info("x", extra={"data": built(__str__=ends)()})


@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter])
@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("call", ["%s", "exception"])
def test_a_formatter_alone_writes_one_bounded_line(formatter, call, name):
    """Without redaction before it, a formatter meets the objects themselves."""
    out = Lines(formatter(service="svc"))
    logger = logging.Logger("hostile", logging.DEBUG)
    logger.addHandler(out)

    CALLS[call](logger, VALUES[name]())

    assert len(out.text.splitlines()) == out.text.count("\n") == 1
    assert not UNSAFE.search(out.text[:-1])
    assert len(out.text.encode()) <= 256_001


FILTERS = {
    "access": AccessLogFilter,
    "event": EventFilter,
    "redaction": RedactionFilter,
    "geo": GeoIPFilter,
    "risk": RiskFilter,
}


@pytest.mark.parametrize("name", [name for name in VALUES if name not in HEAVY])
@pytest.mark.parametrize("stage", FILTERS)
def test_a_filter_alone_lets_every_record_pass(stage, name):
    """On a handler of the standard library each stage meets what no other has looked at before; pseudonyms follow redaction."""
    out = Lines(JsonFormatter(service="svc"))
    out.addFilter(FILTERS[stage]())
    logger = logging.Logger("hostile", logging.DEBUG)
    logger.addHandler(out)
    calls = [CALLS["authentication"], CALLS["api_request"], CALLS["event_type"], CALLS["dict message"]]

    for call in calls:
        call(logger, VALUES[name]())

    assert len(out.text.splitlines()) == out.text.count("\n") == len(calls)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no groups")
def test_a_group_without_end(pipeline, capsys):
    """A subclass of an exception group may hold members without end."""
    logger, out, alerts = pipeline
    endless = property(lambda _: itertools.repeat(ValueError(SHOWN)))
    group = built("Endless", (builtins.ExceptionGroup,), exceptions=endless)("many", [ValueError(1)])

    logger.error("failed", exc_info=group)

    check(out, alerts, capsys)
