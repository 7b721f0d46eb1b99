"""Records that an attacker or a careless caller can make: name -> a function that makes a fresh one."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import io
import ipaddress
import logging
import pathlib
import sys
import types
import uuid
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

LEVEL, LOGGER = "WARNING", "app.login"

RAISED = "told by a hostile object"  # the text of the exceptions below


def record(
    msg: Any = "login failed", args: Any = (), extra: dict[Any, Any] | None = None, **attributes: Any
) -> logging.LogRecord:
    made = logging.LogRecord(LOGGER, logging.WARNING, "app.py", 1, msg, None, None, "view")
    made.args = args
    made.__dict__.update(extra or {})
    made.__dict__.update(attributes)
    return made


class Raises:
    """Every question that Python asks of it raises."""

    def _raise(self, *_: Any) -> Any:
        raise ValueError(RAISED)

    __str__ = __repr__ = __len__ = __iter__ = __bool__ = __eq__ = __getitem__ = __contains__ = _raise
    __int__ = __float__ = __index__ = __format__ = __call__ = __enter__ = __reduce__ = _raise
    __hash__ = object.__hash__


class RaisesOnAttributes:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(RAISED)


class RaisesRecursion:
    def __str__(self) -> str:
        return str(self)

    __repr__ = __str__


class LiesAboutClass:
    @property
    def __class__(self) -> Any:
        return dict


class LiesIsDict:
    __class__ = dict  # type: ignore[assignment]

    def items(self) -> Any:
        raise ValueError(RAISED)


class ReturnsNoStr:
    def __str__(self) -> Any:
        return 5  # noqa: PLE0307 - that is the point

    def __repr__(self) -> Any:
        return None


class StrSubclass(str):  # noqa: SLOT000 - as people write them
    def __str__(self) -> str:
        raise ValueError(RAISED)

    __repr__ = __len__ = __iter__ = __eq__ = __format__ = __getitem__ = encode = isascii = __str__  # type: ignore[assignment]
    __hash__ = str.__hash__


class IntSubclass(int):
    def __str__(self) -> str:
        raise ValueError(RAISED)

    __repr__ = __int__ = __index__ = __eq__ = __add__ = __bool__ = __str__  # type: ignore[assignment]
    __hash__ = int.__hash__


class FloatSubclass(float):
    __float__ = __repr__ = __str__ = __eq__ = __sub__ = Raises._raise  # type: ignore[assignment]
    __hash__ = float.__hash__


class HostileDict(dict):
    items = keys = values = __iter__ = __len__ = __getitem__ = __repr__ = __bool__ = copy = get = Raises._raise  # type: ignore[assignment]


class HostileList(list):
    __iter__ = __len__ = __getitem__ = __repr__ = __bool__ = copy = Raises._raise  # type: ignore[assignment]


class HostileTuple(tuple):  # noqa: SLOT001 - as people write them
    __iter__ = __len__ = __getitem__ = __repr__ = __bool__ = Raises._raise  # type: ignore[assignment]


class HostileSet(set):
    __iter__ = __len__ = __contains__ = __repr__ = __bool__ = Raises._raise  # type: ignore[assignment]


class HostileMeta(type):
    def __hash__(cls) -> int:
        raise ValueError(RAISED)

    def __eq__(cls, other: object) -> bool:
        raise ValueError(RAISED)

    def __instancecheck__(cls, instance: Any) -> bool:
        raise ValueError(RAISED)

    def __getattribute__(cls, name: str) -> Any:
        raise ValueError(RAISED)


class OfHostileMeta(metaclass=HostileMeta):
    pass


class ReprIsLines:
    def __repr__(self) -> str:
        return "a\n2026-01-01T00:00:00.000Z CRITICAL app forged\x1b[2J"


class HugeStr:
    def __str__(self) -> str:
        return "x" * 10_000_000


class StrIsStrSubclass:
    def __str__(self) -> str:
        return StrSubclass("inner")


class HostileKey:
    def __hash__(self) -> int:
        return hash("level")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __str__(self) -> str:
        return "level"


class HostileIterable:
    def __iter__(self) -> Any:
        while True:
            yield 1

    def __len__(self) -> int:
        return 2**62

    def __repr__(self) -> str:
        return "endless"


class Lazy:
    """A proxy that says that it is a str."""

    @property
    def __class__(self) -> Any:
        return str

    def __str__(self) -> str:
        return "translated"


class Color(enum.Enum):
    RED = "red"
    NESTED = {"a": (1, 2)}
    SELFISH = RaisesRecursion()


class Code(enum.IntEnum):
    BAD = 401


@dataclasses.dataclass
class User:
    name: str
    password: str = dataclasses.field(default="hidden", repr=False)
    friend: Any = None


class Point(NamedTuple):
    x: Any
    y: Any


def cycle() -> Any:
    loop: dict[str, Any] = {"list": []}
    loop["list"].append(loop)
    return loop


def deep(levels: int) -> Any:
    inner: Any = "bottom"
    for _ in range(levels):
        inner = {"a": [inner]}
    return inner


def laughs() -> Any:
    value: Any = ["ha"] * 10
    for _ in range(12):
        value = [value] * 10
    return value


def exhausted() -> Any:
    return weakref.proxy(User("gone"))


def numpy_like() -> Any:
    def item(self: Any) -> Any:
        return type(self)()

    return type("generic", (), {"__module__": "numpy", "item": item})()


VALUES: dict[str, Callable[[], Any]] = {
    "line feed": lambda: "a\nb",
    "carriage return": lambda: "a\rb",
    "crlf and a forged line": lambda: 'x\r\n{"timestamp":"2026-01-01T00:00:00.000Z","level":"INFO"}',
    "vertical tab, form feed": lambda: "a\vb\fc",
    "file, group, record separators": lambda: "a\x1cb\x1dc\x1ed\x1fe",
    "next line": lambda: "a\x85b",
    "line and paragraph separators": lambda: "a\u2028b\u2029c",
    "escape sequence": lambda: "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "c1 csi": lambda: "\x9b31m",
    "bell, backspace, delete, nul": lambda: "\x07\x08\x7f\x00",
    "bidi override": lambda: "\u202euser\u202c \u2066x\u2069 \u200f",
    "zero width and bom": lambda: "a\u200bb\ufeffc\u2060",
    "tag characters": lambda: "a\U000e0041\U000e007f",
    "all of latin-1": lambda: bytes(range(256)).decode("latin-1"),
    "lone surrogate": lambda: "a\ud800b\udfff",
    "surrogate escape": lambda: b"\xff\xfe".decode("utf-8", "surrogateescape"),
    "emoji and joiners": lambda: "\U0001f469\u200d\U0001f4bb",
    "quotes and backslashes": lambda: '\\"\\\\" user="admin" \\u0022',
    "looks like fields": lambda: "x level=CRITICAL  logger=root message=forged",
    "jndi": lambda: "${jndi:ldap://x/a}",
    "percent": lambda: "%s %d %(x)s %n 100%",
    "braces": lambda: "{0.__class__} ${x}",
    "10 MB": lambda: "x" * 10_000_000,
    "1 MB of nul": lambda: "\x00" * 1_000_000,
    "1 MB of emoji": lambda: "\U0001f600" * 1_000_000,
    "empty": lambda: "",
    "blank": lambda: "   ",
    "nan": lambda: float("nan"),
    "infinities": lambda: [float("inf"), float("-inf"), -0.0],
    "huge int": lambda: 10**10_000,
    "big int": lambda: 2**64,
    "negative big int": lambda: -(2**63) - 1,
    "int in a list": lambda: [2**63, 2**64 - 1, -(2**63), 10**5000],
    "bool": lambda: True,
    "none": lambda: None,
    "complex": lambda: 1j,
    "bytes": lambda: b"caf\xc3\xa9",
    "broken bytes": lambda: b"\xff\x00\n",
    "bytearray": lambda: bytearray(b"ab\n"),
    "memoryview": lambda: memoryview(b"abc"),
    "memoryview of doubles": lambda: memoryview(bytearray(16)).cast("d"),
    "10 MB of bytes": lambda: b"\n" * 10_000_000,
    "datetime": lambda: dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc),
    "date, time, delta": lambda: [dt.date(2026, 1, 2), dt.time(3, 4), dt.timedelta(1)],
    "decimal": lambda: [decimal.Decimal("1.10"), decimal.Decimal("NaN"), decimal.Decimal("1e999999")],
    "fraction": lambda: fractions.Fraction(1, 3),
    "uuid": lambda: uuid.UUID(int=5),
    "path": lambda: pathlib.PurePosixPath("/a\nb"),
    "ip": lambda: ipaddress.ip_address("::1"),
    "enum": lambda: Color.RED,
    "enum of containers": lambda: Color.NESTED,
    "enum of a hostile object": lambda: Color.SELFISH,
    "int enum": lambda: Code.BAD,
    "dataclass": lambda: User("bob", friend=User("eve")),
    "namedtuple": lambda: Point(1, "a\nb"),
    "set": lambda: {"b", "a"},
    "frozenset of mixed": lambda: frozenset({1, "a", None}),
    "deque": lambda: collections.deque([1, 2], maxlen=2),
    "counter": lambda: collections.Counter("aab"),
    "ordered dict": lambda: collections.OrderedDict(a=1),
    "default dict": lambda: collections.defaultdict(list, a=[1]),
    "chain map": lambda: collections.ChainMap({"a": 1}),
    "mapping proxy": lambda: types.MappingProxyType({"a": 1}),
    "dict views": lambda: [{"a": 1}.keys(), {"a": 1}.items()],
    "namespace": lambda: types.SimpleNamespace(a="\n"),
    "range and slice": lambda: [range(10**18), slice(1)],
    "generator": lambda: (1 / 0 for _ in "a"),
    "iterator": lambda: iter([1]),
    "endless iterable": HostileIterable,
    "file": lambda: io.StringIO("secret"),
    "class": lambda: User,
    "class of a hostile metaclass": lambda: OfHostileMeta,
    "instance of a hostile metaclass": lambda: object.__new__(OfHostileMeta),
    "function and module": lambda: [record, sys],
    "everything raises": Raises,
    "attributes raise": RaisesOnAttributes,
    "endless recursion": RaisesRecursion,
    "lies about its class": LiesAboutClass,
    "says it is a dict": LiesIsDict,
    "str is no str": ReturnsNoStr,
    "str subclass": lambda: StrSubclass("a\nb"),
    "int subclass": lambda: IntSubclass(5),
    "float subclass": lambda: FloatSubclass(1.5),
    "dict subclass": lambda: HostileDict(a=1),
    "list subclass": lambda: HostileList([1]),
    "tuple subclass": lambda: HostileTuple((1,)),
    "set subclass": lambda: HostileSet({1}),
    "repr of several lines": ReprIsLines,
    "str of 10 MB": HugeStr,
    "str gives a subclass": StrIsStrSubclass,
    "lazy proxy": Lazy,
    "dead weak reference": exhausted,
    "numpy in name only": numpy_like,
    "cycle": cycle,
    "depth 50": lambda: deep(50),
    "depth 100,000": lambda: deep(100_000),
    "billion laughs": laughs,
    "one string 10,000 times": lambda: ["x" * 1_000_000] * 10_000,
    "100,000 elements": lambda: list(range(100_000)),
    "100,000 keys": lambda: {f"key{i}": i for i in range(100_000)},
    "many long keys": lambda: {"k" * 900 + str(i): i for i in range(2_000)},
    "a long key": lambda: {"k" * 10_000_000: 1},
    "keys of every type": lambda: {1: 1, None: 2, 2.5: 3, (1, 2): 4, b"b": 5, False: 6, Raises(): 7},
    "keys that collide": lambda: {1: "a", "1": "b", "null": 1, None: 2},
    "keys that are broken": lambda: {"\ud800": 1, "\\ud800": 2, "a\nb": 3, "": 4},
    "tuple keys that explode": lambda: {tuple([(("ha",) * 10,) * 10] * 10): 1},
    "hostile key": lambda: {HostileKey(): 1, StrSubclass("level"): 2},
    "an exception": lambda: ValueError("a\nb"),
    "a hostile exception": lambda: HostileError("x"),
    "a nested mess": lambda: {"a": [{"b": ({"c": {Raises(): b"\xff"}},)}, Raises(), float("nan")]},
}


class HostileError(Exception):
    def __str__(self) -> str:
        raise ValueError(RAISED)

    __repr__ = __str__


class HostileNotesError(Exception):
    @property
    def __notes__(self) -> Any:
        raise ValueError(RAISED)


class HostileCauseError(Exception):
    def __getattribute__(self, name: str) -> Any:
        raise ValueError(RAISED)


def raised(error: BaseException) -> Any:
    try:
        raise error
    except BaseException:
        return sys.exc_info()


def chained(length: int) -> Any:
    error = ValueError("first")
    for number in range(length):
        following = ValueError(f"number {number}")
        following.__cause__ = error
        error = following
    return raised(error)


def looped() -> Any:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    return raised(one)


def recursed() -> Any:
    def down(depth: int) -> None:
        down(depth + 1)

    try:
        down(0)
    except RecursionError:
        return sys.exc_info()


EXC_INFOS: dict[str, Callable[[], Any]] = {
    "an ordinary one": lambda: raised(ValueError("bad")),
    "text with lines": lambda: raised(ValueError('x\n2026 forged\x1b[2J\u2028"level":"INFO"')),
    "str raises": lambda: raised(HostileError("x")),
    "notes raise": lambda: raised(HostileNotesError("x")),
    "attributes raise": lambda: raised(HostileCauseError("x")),
    "10 MB of text": lambda: raised(ValueError("x" * 10_000_000)),
    "lone surrogate": lambda: raised(ValueError("\ud800")),
    "5,000 causes": lambda: chained(5_000),
    "causes in a circle": looped,
    "endless recursion": recursed,
    "no traceback": lambda: (ValueError, ValueError("x"), None),
    "an exception itself": lambda: ValueError("x"),
    "true": lambda: True,
    "three nones": lambda: (None, None, None),
    "garbage": lambda: ("a", "b", "c"),
    "empty": lambda: (),
    "a list": lambda: [1],
    "hostile": Raises,
}

ARGUMENTS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "too few": lambda: ("%s %s", ("secret-argument",)),
    "too many": lambda: ("%s", ("secret-argument", 2)),
    "wrong type": lambda: ("%d", ("secret-argument",)),
    "unknown conversion": lambda: ("%y", ("secret-argument",)),
    "lone percent": lambda: ("100% of", ("secret-argument",)),
    "missing key": lambda: ("%(a)s", {"b": "secret-argument"}),
    "huge width": lambda: ("%300000000d", (1,)),
    "huge precision": lambda: ("%.300000000f", (1.0,)),
    "width from the arguments": lambda: ("%*d", (300_000_000, 1)),
    "huge width of a key": lambda: ("%(" + "a(b)" * 10 + ")999999999d", {"a(b)" * 10: 1}),
    "huge int": lambda: ("%d", (10**10_000,)),
    "decimal bomb": lambda: ("%d", (decimal.Decimal("1e99999999"),)),
    "hostile object": lambda: ("%s %r %d", (Raises(), Raises(), Raises())),
    "10 MB arguments": lambda: ("%s %s %s", ("x" * 10_000_000,) * 3),
    "one argument 100,000 times": lambda: ("%(a)s" * 100_000, {"a": "x" * 100_000}),
    "dict argument": lambda: ("%s", {"a": 1}),
    "hostile mapping": lambda: ("%(a)s", HostileDict(a=1)),
    "list for a tuple": lambda: ("%s", [1, 2]),
    "not a tuple": lambda: ("%d", 5),
    "hostile args": lambda: ("%s", Raises()),
    "laughs": lambda: ("%s", (laughs(),)),
    "bytes": lambda: ("%s", (b"\xff\n",)),
    "forged line in an argument": lambda: ("user %s", ("bob\nINFO root forged",)),
    "template that is no str": lambda: (Raises(), (1,)),
    "dict message with args": lambda: ({"user": "bob"}, (1,)),
}

ODD_RECORDS: dict[str, Callable[[], logging.LogRecord]] = {
    "empty": lambda: logging.makeLogRecord({}),
    **{
        f"{name} is {shown}": lambda name=name, make=make: logging.makeLogRecord(
            {"msg": "x", "levelname": LEVEL, "name": LOGGER, name: make()},
        )
        for name in ("msg", "args", "created", "msecs", "exc_text", "stack_info", "funcName", "thread", "process")
        for shown, make in {
            "None": lambda: None,
            "hostile": Raises,
            "a bad str": lambda: "\ud800\n",
            "1e300": lambda: 1e300,
            "NaN": lambda: float("nan"),
            "an int": lambda: 10**30,
        }.items()
    },
    "level and name are objects": lambda: logging.makeLogRecord({"levelname": Raises(), "name": Raises()}),
    "level and name are lines": lambda: logging.makeLogRecord({"levelname": "A\nB", "name": "a b=c\n"}),
    "level and name are huge": lambda: logging.makeLogRecord({"levelname": "A" * 10**6, "name": "\x00" * 10**6}),
    "keys that are no str": lambda: record(extra={1: 1, None: 2, HostileKey(): 3, StrSubclass("level"): "forged"}),
    "a str subclass named exception": lambda: record(
        extra={StrSubclass("exception"): "forged"},
        exc_info=raised(ValueError("real")),
    ),
    "10,000 extras": lambda: record(extra={f"key{i}" * 20: "x" * 100 for i in range(10_000)}),
    "everything is large": lambda: record(
        "m" * 10**6,
        extra={"a": "\x00" * 10**6, "b": ["\U0001f600" * 10**5] * 5},
        exc_text="e" * 10**6,
        stack_info="s" * 10**6,
    ),
    "a dict message that spoofs": lambda: record({"level": "CRITICAL", "timestamp": 1, "message": "m", 1: 2, "1": 3}),
    "a huge dict message": lambda: record({f"k{i}": "x" * 100 for i in range(100_000)}),
    "a cyclic dict message": lambda: record(cycle()),
}

CASES: dict[str, Callable[[], logging.LogRecord]] = {
    **{f"extra: {name}": lambda make=make: record(extra={"value": make()}) for name, make in VALUES.items()},
    **{f"message: {name}": lambda make=make: record(make()) for name, make in VALUES.items()},
    **{f"argument: {name}": lambda make=make: record("got %s", (make(),)) for name, make in VALUES.items()},
    **{
        f"name: {name}": lambda make=make: record(extra={make(): 1})
        for name, make in VALUES.items()
        if name
        in (
            "line feed",
            "next line",
            "escape sequence",
            "bidi override",
            "lone surrogate",
            "looks like fields",
            "10 MB",
            "empty",
            "quotes and backslashes",
            "nan",
            "bytes",
            "uuid",
            "everything raises",
            "str subclass",
            "all of latin-1",
        )
    },
    **{f"exc_info: {name}": lambda make=make: record(exc_info=make()) for name, make in EXC_INFOS.items()},
    **{f"arguments: {name}": lambda make=make: record(*make()) for name, make in ARGUMENTS.items()},
    **{f"record: {name}": make for name, make in ODD_RECORDS.items()},
}
