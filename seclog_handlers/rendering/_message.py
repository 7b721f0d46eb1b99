"""A record's message: the template with its arguments, bounded; no argument when they do not fit."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from seclog_handlers.rendering._budget import ROOM, SCALARS, room_left
from seclog_handlers.rendering._exceptions import endless_part
from seclog_handlers.rendering._strings import MAX_TEXT, bytes_repr, clean, cut, mro, said, type_name, whole
from seclog_handlers.rendering._values import text

_MAX_OUTPUT = 4 * MAX_TEXT  # characters that template and arguments make together
_MAX_DIGITS = 3  # of a width or precision: more asks for memory, not for text
_MAX_TEMPLATE = 65_536  # characters of a template that takes arguments
_MAX_TEMPLATE_MEMO = 1_000  # characters; longer templates are checked each time
_CONTAINERS = frozenset({dict, list, tuple, set, frozenset})

_MAYBE_WIDE = re.compile(r"\*|\d{4}")
_CONVERSION = re.compile(r"%(\([^()]{0,200}\))?[-+ #0]*(\*|\d+)?(?:\.(\*|\d+)?)?")


class _RefusedTemplateError(Exception):
    """The template is huge, or asks for a width of a thousand and more, or one that its arguments choose."""


def message(msg: Any, args: Any = None) -> str:
    """Return `msg % args` as logging would, cut to a bounded length.

    Arguments that do not fit the template are not shown anywhere: the message is then the template and a note
    that names the problem.
    """
    template = cut(msg, MAX_TEXT) if type(msg) is str else text(msg)
    if args is None or (type(args) is tuple and not args) or (type(args) in SCALARS and not args):
        return clean(template)
    try:
        return clean(cut(filled(template, args), MAX_TEXT))
    except Exception as error:
        return f"{clean(template)} [arguments not shown: they do not fit the template ({_problem(error)})]"


def _problem(error: Exception) -> str:
    return "size" if type(error) is _RefusedTemplateError else type_name(type(error))


def filled(template: str, args: Any) -> str:
    """Return `template % args` within bounds; raises if they do not fit each other."""
    if len(template) > _MAX_TEMPLATE:
        raise _RefusedTemplateError
    wide = _is_wide_memo if len(template) <= _MAX_TEMPLATE_MEMO else _is_wide
    if wide(template):
        raise _RefusedTemplateError
    if type(args) is tuple:
        return template % _bounded(args, len(template))
    if type(args) is dict and room_left(args, min(ROOM, _MAX_OUTPUT // (template.count("%") + 1))) >= 0:
        return str.__mod__(template, args)
    if Mapping in mro(type(args)) or dict in mro(type(args)):
        return template % _Lookup(args, _MAX_OUTPUT // (template.count("%") + 1))
    return template % (_shown(args, MAX_TEXT),)


def _is_wide(template: str) -> bool:
    if not _MAYBE_WIDE.search(template):
        return False
    for match in _CONVERSION.finditer(template):
        key, width, precision = match.groups()
        if key is None and template.startswith("(", match.start() + 1):
            return True  # a key too odd to see what follows it
        if any(part == "*" or len(part) > _MAX_DIGITS for part in (width, precision) if part):
            return True
    return False


_is_wide_memo = functools.lru_cache(1024)(_is_wide)


def _bounded(args: tuple[Any, ...], used: int) -> tuple[Any, ...]:
    """Return the arguments as they are when all are small scalars, else each in a bounded form."""
    room = _MAX_OUTPUT - used
    for arg in args:
        kind = type(arg)
        if kind is str:
            room -= len(arg)
        elif kind is int:
            if type(whole(arg)) is not int:
                room = -1
        elif kind not in SCALARS:
            room = -1
        if room < 0:
            limit = _MAX_OUTPUT // len(args)
            return tuple([_shown(arg, limit) for arg in args])
    return args


def argument(value: Any, limit: int = MAX_TEXT) -> Any:
    """Return an argument that answers every conversion as `value` does, within bounds."""
    return _shown(value, limit)


def _shown(arg: Any, limit: int) -> Any:
    kind = type(arg)
    if kind is str:
        return cut(arg, limit)
    if kind is int:
        return whole(arg)
    if kind in SCALARS:
        return arg
    if (kind is dict or kind is list or kind is tuple) and room_left(arg) >= max(0, ROOM - limit):
        return arg
    return _Shown(arg, limit)


class _Shown:
    """An argument that answers every conversion within bounds."""

    __slots__ = ("_limit", "_value")

    def __init__(self, value: Any, limit: int) -> None:
        self._value = value
        self._limit = limit

    def __str__(self) -> str:
        """What `%s` shows: the object's own str, containers as JSON, bytes as their repr."""
        bases = mro(type(self._value))
        if not _CONTAINERS.isdisjoint(bases) and "__str__" not in vars(type(self._value)):
            return text(self._value, self._limit)
        if bytes in bases or bytearray in bases:
            return bytes_repr(self._value, self._limit)
        return self._said(str, "__str__")

    def __repr__(self) -> str:
        """What `%r` shows."""
        if not _CONTAINERS.isdisjoint(mro(type(self._value))):
            return text(self._value, self._limit)
        return self._said(repr, "__repr__")

    def _said(self, how: Callable[[Any], str], method: str) -> str:
        endless = endless_part(self._value, method) if BaseException in mro(type(self._value)) else None
        return cut(said(self._value, how), self._limit) if endless is None else text(endless, self._limit)

    def __float__(self) -> float:
        """What `%f` shows."""
        return float(self._value)

    def __int__(self) -> int:
        """What `%d` shows; Decimal("1e1000000") would need a million digits."""
        if abs(float(self._value)) >= 1e300:  # noqa: PLR2004 - where a float still has neighbours
            raise OverflowError
        return int(self._value)

    def __index__(self) -> int:
        """What `%x` shows."""
        return int(whole(type(self._value).__index__(self._value)))


class _Lookup:
    """Mapping arguments of which only what the template names is looked at."""

    __slots__ = ("_limit", "_mapping")

    def __init__(self, mapping: Any, limit: int) -> None:
        self._mapping = mapping
        self._limit = limit

    def __getitem__(self, key: str) -> Any:
        """Return one argument in a bounded form."""
        return _shown(self._mapping[key], self._limit)

    def __str__(self) -> str:
        """What a template without keys shows of a mapping."""
        return text(self._mapping, self._limit)

    __repr__ = __str__
