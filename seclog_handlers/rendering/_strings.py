"""Strings within bounds, and what classes are called, without running code of theirs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

MAX_TEXT = 262_144  # characters of one string

MAX_NAME = 200  # characters of the name of a class

_CUT = re.compile(r"\.\.\.\[cut (\d{1,12}) characters\]\Z")
_CUT_LENGTH = 40  # characters, at most
_MAX_INT_BITS = 14_000  # within CPython's limit of 4300 digits for int -> str
INT64_MIN, UINT64_MAX = -(2**63), 2**64 - 1

# Read through `type`, so that a metaclass cannot answer instead.
mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
namespace: Callable[[type], dict[str, Any]] = type.__dict__["__dict__"].__get__
raw_name: Callable[[type], str] = type.__dict__["__name__"].__get__
_module: Callable[[type], Any] = type.__dict__["__module__"].__get__


def cut(value: str, limit: int) -> str:
    """Return at most `limit` characters of `value`, with one mark if that is not all, however often cut."""
    missing = len(value) - limit
    if missing <= 0:
        return value
    earlier = _CUT.search(value, len(value) - _CUT_LENGTH)
    if earlier is not None:
        if earlier.start() <= limit:
            return value
        missing += int(earlier[1]) - len(earlier[0])
    return f"{value[:limit]}...[cut {missing} characters]"


def clean(value: str) -> str:
    r"""Return `value` with lone surrogates written out, such as `\udc80`; UTF-8 cannot carry them."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def type_name(kind: type) -> str:
    """Return the name of a class, without asking its metaclass, nor the name itself if it is more than a str."""
    return clean(cut(str.__str__(raw_name(kind)), MAX_NAME))


def module_name(kind: type) -> str:
    """Return the name of the module of a class, "" if it says something else than a name."""
    try:
        name = _module(kind)
    except AttributeError:
        return ""
    return name if type(name) is str else ""


def said(value: Any, how: Callable[[Any], str] = str) -> str:
    """Return what the object says of itself through `str` or `repr`; a mark if that fails."""
    try:
        words = how(value)
        return clean(cut(words if type(words) is str else str.__str__(words), MAX_TEXT))
    except Exception as error:
        return f"<{type_name(type(value))}: {how.__name__}() raised {type_name(type(error))}>"


def bytes_repr(value: Any, limit: int) -> str:
    """Return the repr of bytes, of at most `limit` of them."""
    view = memoryview(value)
    shown = repr(view[:limit].tobytes())
    return shown if view.nbytes <= limit else f"{shown}...[cut {view.nbytes - limit} characters]"


def whole(value: int) -> int | str:
    """Return an int of at most 64 bits as it is, a longer one as text."""
    if INT64_MIN <= value <= UINT64_MAX:
        return value
    bits = value.bit_length()
    if bits > _MAX_INT_BITS:
        return f"<int of {bits} bits>"
    return said(value)
