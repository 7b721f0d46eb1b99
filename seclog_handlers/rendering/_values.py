"""The walk that turns any object into plain data: by exact type, bounded, running no more than it must."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from enum import Enum
from itertools import islice
from typing import Any

from seclog_handlers.rendering._strings import (
    MAX_TEXT,
    clean,
    cut,
    module_name,
    mro,
    namespace,
    raw_name,
    said,
    type_name,
    whole,
)

MAX_KEY = 1_000  # characters of a key
_SPARE_KEY = 100  # the same, when the keys of a value take more than MAX_TOTAL characters together
MAX_TOTAL = 2 * MAX_TEXT  # characters of one value, all its strings together
MAX_NODES = 5_000  # keys and elements of one value
MAX_DEPTH = 32  # containers within containers

_MAX_ARRAY = 1_000  # elements of a numpy array that are shown
_attribute = object.__getattribute__


def plain(value: Any) -> Any:
    """Return `value` as new containers of str, int, float, bool and None, ready for any JSON encoder.

    Keys become strings; NaN and infinities None; integers beyond 64 bits, dates, bytes and everything else
    text. What exceeds the limits of this module is cut, with a mark that says how much is missing.
    """
    return _Walk().value(value, 0)


def text(value: Any, limit: int = MAX_TEXT) -> str:
    """Return at most about `limit` characters of text for anything; containers as compact JSON.

    Args:
        value: Whatever an application passed.
        limit: In characters; a cut text ends with a mark that says how much is missing.
    """
    if type(value) is str:
        return clean(cut(value, limit))
    if value is None or value is True or value is False:
        return str(value)
    if type(value) is float:
        return float.__repr__(value)
    shown = _Walk(min(MAX_NODES, limit)).value(value, 0)  # each takes one character at least
    if type(shown) is dict or type(shown) is list:
        from seclog_handlers.rendering._json import dumps  # noqa: PLC0415 - it is built on this module

        shown = dumps(shown)
    return cut(shown if type(shown) is str else str(shown), limit)


class _Walk:
    """One walk over one value, and what is left of its budget."""

    __slots__ = ("active", "chars", "key_chars", "nodes")

    def __init__(self, nodes: int = MAX_NODES) -> None:
        self.active: set[int] = set()
        self.chars = MAX_TOTAL
        self.key_chars = MAX_TOTAL
        self.nodes = nodes

    def value(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self.string(value)
        if value is None or value is True or value is False:
            return value
        if kind is int:
            return whole(value)
        if kind is float:
            return value if value - value == 0 else None
        try:
            if kind is dict:
                return self.mapping(value, value.items(), depth)
            if kind is list or kind is tuple:
                return self.sequence(value, value, depth)
            return self.other(kind, value, depth)
        except Exception as error:
            self.active.discard(id(value))
            return self.string(f"<{type_name(kind)}: {type_name(type(error))}>")

    def string(self, value: str) -> str:
        shown = clean(cut(value, min(MAX_TEXT, self.chars)))
        self.chars = max(0, self.chars - len(shown))
        return shown

    def other(self, kind: type, value: Any, depth: int) -> Any:
        bases = mro(kind)
        for base in bases:
            known = _LIBRARY.get((module_name(base), raw_name(base)))
            if known is not None:
                return known(self, value, depth)
            render = _RENDER.get(base)
            if render is not None:
                return render(self, value, depth)
        names = {name for base in bases for name in _MARKERS if name in namespace(base)}
        if "__dataclass_fields__" in names:
            return self.mapping(value, _dataclass_items(bases, value), depth)
        if names or not self.chars:  # an iterator, a generator or a file: even its repr could read it
            return self.string(f"<{type_name(kind)}>")
        return self.string(said(value))

    def mapping(self, value: Any, items: Iterable[tuple[Any, Any]], depth: int) -> Any:
        if refusal := self.enter(value, depth):
            return refusal
        known: dict[str, Any] = {}
        twins: dict[str, int] = {}
        pairs = list(islice(items, self.nodes + 1))
        for key, item in pairs:
            if self.nodes <= 0:
                known["..."] = "[cut: too many values]"
                break
            name = self.key(key)
            while name in known:
                twins[name] = number = twins.get(name, 1) + 1
                name = f"{name}~{number}"
            self.nodes -= 1
            known[name] = self.value(item, depth + 1)
        self.active.discard(id(value))
        return known

    def sequence(self, value: Any, items: Iterable[Any], depth: int) -> Any:
        if refusal := self.enter(value, depth):
            return refusal
        shown: list[Any] = []
        elements = list(islice(items, self.nodes + 1))
        for item in elements:
            if self.nodes <= 0:
                shown.append("...[cut: too many values]")
                break
            self.nodes -= 1
            shown.append(self.value(item, depth + 1))
        self.active.discard(id(value))
        return shown

    def enter(self, value: Any, depth: int) -> str:
        """Return why a container is not entered, or nothing."""
        if id(value) in self.active:
            return f"<{type_name(type(value))}: contains itself>"
        if depth >= MAX_DEPTH:
            return f"<{type_name(type(value))}: deeper than {MAX_DEPTH} levels>"
        self.active.add(id(value))
        return ""

    def key(self, key: Any) -> str:
        if type(key) is str:
            return self.name(key)
        if key is None:
            return "null"
        if key is True or key is False:
            return "true" if key else "false"
        if type(key) is float:
            return float.__repr__(key)
        return self.name(text(key, MAX_KEY))

    def name(self, key: str) -> str:
        """Return a key; keys have a budget of their own, so that long values do not take the names away."""
        shown = clean(cut(key, MAX_KEY if self.key_chars > 0 else _SPARE_KEY))
        self.key_chars -= len(shown)
        return shown


_Renderer = Callable[[_Walk, Any, int], Any]


def _of_dict(walk: _Walk, value: Any, depth: int) -> Any:
    return walk.mapping(value, dict.items(value), depth)


def _of_tuple(walk: _Walk, value: Any, depth: int) -> Any:
    names = namespace(type(value)).get("_fields")
    items = tuple.__iter__(value)
    if type(names) is tuple and len(names) == tuple.__len__(value):
        return walk.mapping(value, zip(names, items, strict=True), depth)
    return walk.sequence(value, items, depth)


def _of_set(walk: _Walk, value: Any, depth: int) -> Any:
    iterate = set.__iter__ if set in mro(type(value)) else frozenset.__iter__
    shown = walk.sequence(value, iterate(value), depth)
    if type(shown) is list and all(type(item) is str for item in shown):
        shown.sort()  # the order of a set of strings differs from process to process
    return shown


def _of_bytes(walk: _Walk, value: Any, depth: int) -> Any:  # noqa: ARG001 - one signature for all
    view = memoryview(value)
    shown = bytes(view.cast("B")[:MAX_TEXT]).decode("utf-8", "backslashreplace")
    missing = view.nbytes - MAX_TEXT
    return walk.string(shown if missing <= 0 else f"{shown}...[cut {missing} characters]")


def _of_enum(walk: _Walk, value: Any, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return f"<{type_name(type(value))}>"
    return walk.value(_attribute(value, "_value_"), depth + 1)


def _of_exception(walk: _Walk, value: Any, depth: int) -> Any:
    from seclog_handlers.rendering._exceptions import endless_part  # noqa: PLC0415 - it is built on this module
    from seclog_handlers.rendering._json import dumps  # noqa: PLC0415

    endless = endless_part(value)
    if endless is None:
        words = said(value)
    else:
        shown = walk.value(endless, depth + 1)
        words = shown if type(shown) is str else dumps(shown)
    return walk.string(f"{type_name(type(value))}: {words}" if words else type_name(type(value)))


def _dataclass_items(bases: tuple[type, ...], value: Any) -> Iterable[tuple[str, Any]]:
    """Yield the fields that the class shows in its own repr."""
    found = [namespace(base).get("__dataclass_fields__") for base in bases]
    fields = next(candidate for candidate in found if type(candidate) is dict)
    for name, field in fields.items():
        if field.repr and field._field_type.name == "_FIELD":  # noqa: SLF001 - as dataclasses.fields() does
            yield name, _attribute(value, name)


def _of_numpy_scalar(walk: _Walk, value: Any, depth: int) -> Any:
    item = value.item()
    if type(item) in _ITEMS:
        return walk.value(item, depth + 1)
    return walk.string(said(value))  # a long double is its own item


def _of_numpy_array(walk: _Walk, value: Any, depth: int) -> Any:
    if raw_name(type(value)) != "ndarray":
        return walk.string(said(value))  # a masked array hides what tolist() shows
    if value.size > _MAX_ARRAY or value.nbytes > MAX_TEXT:
        return walk.string(f"<ndarray {value.shape} of {said(value.dtype)}>")
    return walk.value(value.tolist(), depth)


def _of_frame(walk: _Walk, value: Any, depth: int) -> Any:
    """Render a table column by column, so that redaction can judge by the columns' names."""
    return walk.value(value.to_dict("list"), depth) if value.size <= _MAX_ARRAY else _shape(walk, value)


def _of_series(walk: _Walk, value: Any, depth: int) -> Any:
    return walk.value(value.to_dict(), depth) if value.size <= _MAX_ARRAY else _shape(walk, value)


def _shape(walk: _Walk, value: Any) -> Any:
    return walk.string(f"<{type_name(type(value))} {value.shape}>")


def _of_library_repr(walk: _Walk, value: Any, depth: int) -> Any:  # noqa: ARG001 - one signature for all
    return walk.string(said(value, repr))


# Known by name, so that nothing is imported for them.
_ITEMS = frozenset({int, float, bool, str, bytes})
_LIBRARY: dict[tuple[str, str], _Renderer] = {
    ("numpy", "generic"): _of_numpy_scalar,
    # Their items may be bare numbers.
    ("numpy", "datetime64"): lambda walk, value, _depth: walk.string(said(value)),
    ("numpy", "timedelta64"): lambda walk, value, _depth: walk.string(said(value)),
    ("numpy", "ndarray"): _of_numpy_array,
    ("pandas", "DataFrame"): _of_frame,  # pandas 3
    ("pandas", "Series"): _of_series,
    ("pandas.core.frame", "DataFrame"): _of_frame,
    ("pandas.core.series", "Series"): _of_series,
    ("pydantic.main", "BaseModel"): _of_library_repr,
    ("pandas._libs.tslibs.nattype", "_NaT"): lambda _walk, _value, _depth: None,
}
_MARKERS = ("__dataclass_fields__", "__next__", "__anext__", "cr_frame")
_RENDER: dict[type, _Renderer] = {
    dict: _of_dict,
    list: lambda walk, value, depth: walk.sequence(value, list.__iter__(value), depth),
    tuple: _of_tuple,
    set: _of_set,
    frozenset: _of_set,
    deque: lambda walk, value, depth: walk.sequence(value, deque.__iter__(value), depth),
    str: lambda walk, value, _depth: walk.string(str.__str__(value)),
    int: lambda _walk, value, _depth: whole(int.__int__(value)),
    float: lambda walk, value, depth: walk.value(float.__float__(value), depth),
    bytes: _of_bytes,
    bytearray: _of_bytes,
    memoryview: _of_bytes,
    datetime: lambda walk, value, _depth: walk.string(datetime.isoformat(value)),
    date: lambda walk, value, _depth: walk.string(date.isoformat(value)),
    time: lambda walk, value, _depth: walk.string(time.isoformat(value)),
    Enum: _of_enum,
    BaseException: _of_exception,
}
