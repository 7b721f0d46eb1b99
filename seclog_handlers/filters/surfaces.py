"""Where a record shows an identity beside the field that holds it, and how that is replaced there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from seclog_handlers import _message, rendering
from seclog_handlers._occurrences import BEYOND, MAX_DEPTH, Search
from seclog_handlers._record import REDACTED, field_names, fields_of, mark_of
from seclog_handlers.filters.stage import NAMES
from seclog_handlers.pseudonym import UNTOUCHED_FIELDS

CONTAINERS = frozenset({dict, list, tuple})
# Values in all of a field's containers together, and arguments, that are gone through.
MAX_VALUES = 10_000
MAX_ARGUMENTS = 1_000
MAX_SHAPES = 512
MAX_NAMES = 64
MAX_NAME = 64

_SILENT = frozenset({float, bool, type(None)})
_STRINGS = frozenset({str})
_FLAT = _SILENT | {str, int}
_TEXTS = ("msg", "exc_text", "stack_info", *NAMES)

Values = Callable[[dict[str, Any]], tuple[Any, ...]]


class _Shape(NamedTuple):
    """What is looked at in records with the same names of attributes."""

    texts: Values  # the values that have always been text
    others: Values  # those that may be text, or hold some
    kept: tuple[str, ...]  # names of what is no text, though its words come from a closed vocabulary
    mixed: frozenset[str]  # the names of all that is no text


class Surfaces:
    """All that a record shows beside its identities, as one text: most often nobody is in it, and that is all.

    Args:
        fields: Fields that hold the identities, in which nothing is looked for.
        names: Names under which an identity may stand inside a container.
    """

    def __init__(self, fields: Collection[str], names: Iterable[str] = ()) -> None:
        self._aside = frozenset(fields)
        self._names = frozenset(names)
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def text(self, attributes: dict[str, Any], derived: Collection[str]) -> str | None:
        """Return what a record shows, or None if only going through all of it will do.

        An identity stands under its name in a container, for instance, or a template does not fit its arguments.

        Args:
            attributes: Those of the record.
            derived: Fields that the pack has set, which hold nobody's name.
        """
        names = tuple(attributes)
        texts, others, kept, _ = self._shapes.get(names) or self._shape(names, attributes)
        try:
            # A join takes a third of looking at each: the values of one name are most often all text.
            text = "\n".join(texts(attributes))
        except TypeError:
            texts, others, kept, _ = self._shape(names, attributes)
            text = "\n".join(texts(attributes))
        more: list[Any] = []
        for value in others(attributes):
            if type(value) not in _SILENT and not self._all((value,), more, MAX_DEPTH):
                return None
        for name in kept:
            value = attributes[name]
            if type(value) not in _FLAT and name not in derived and self._named(value, MAX_DEPTH):
                return None
        args = attributes.get("args")
        if args and not self._arguments(attributes.get("msg"), args, more):
            return None
        return _joined([text, *more]) if more else text

    def names_inside(self, attributes: dict[str, Any]) -> bool:
        """Tell whether an identity may stand under its name inside a container."""
        for name in (*field_names(attributes), "msg", "args"):
            value = attributes.get(name)
            if type(value) not in _FLAT and self._named(value, MAX_DEPTH):
                return True
        return False

    def _named(self, value: Any, depth: int) -> bool:
        if not depth:
            return True
        kind = type(value)
        if kind is dict or kind is _message.Atoms:
            if not self._names.isdisjoint(value):
                return True
            value = value.values()
        elif kind is not list and kind is not tuple:
            return isinstance(value, (dict, list, tuple))
        if _FLAT.issuperset(map(type, value)):
            return False
        return any(self._named(item, depth - 1) for item in value if type(item) not in _FLAT)

    def _shape(self, names: tuple[str, ...], attributes: dict[str, Any]) -> _Shape:
        searched = [name for name in field_names(attributes) if name not in self._aside]
        searched += [name for name in names if name in _TEXTS]
        before = self._shapes.get(names)
        # A field that was something else once may be so again.
        mixed = {name for name in searched if type(attributes[name]) is not str}.union(before.mixed if before else ())
        kept = [name for name in mixed & UNTOUCHED_FIELDS if type(attributes[name]) not in _SILENT]
        shape = _Shape(
            texts=_values([name for name in searched if name not in mixed]),
            others=_values([name for name in searched if name in mixed and name not in kept]),
            kept=tuple(kept),
            mixed=frozenset(mixed),
        )
        if len(names) <= MAX_NAMES and all(type(name) is str and len(name) <= MAX_NAME for name in names):
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[names] = shape
        return shape

    def _all(self, values: Iterable[Any], texts: list[Any], depth: int) -> bool:
        """Add what the values show; False where an identity has its name, and for what is odd or too deep."""
        for value in values:
            kind = type(value)
            if kind is str:
                texts.append(value)
            elif kind not in _SILENT and not self._inside(value, kind, texts, depth):
                return False
        return True

    def _inside(self, value: Any, kind: type, texts: list[Any], depth: int) -> bool:
        if not depth:
            return False
        if kind is dict or kind is _message.Atoms:
            if not self._names.isdisjoint(value):
                return False
            texts.extend(value)
            value = value.values()
            if _STRINGS.issuperset(map(type, value)):
                texts.extend(value)
                return True
        elif kind is int:
            texts.append(str(value) if -BEYOND < value < BEYOND else "")
            return True
        elif kind is not list and kind is not tuple:
            texts.append(value)
            return not isinstance(value, (dict, list, tuple))
        return self._all(value, texts, depth - 1)

    def _arguments(self, msg: Any, args: Any, texts: list[Any]) -> bool:
        """Add the arguments, and the message that they make: an identity may only come together there."""
        values: Any = args
        if isinstance(args, dict):
            if not self._names.isdisjoint(args):
                return False
            values = dict.values(args)
        for value in values:
            kind = type(value)
            if kind is str:
                texts.append(value)
            elif kind is int:
                texts.append(str(value) if -BEYOND < value < BEYOND else "")
            elif kind not in _SILENT:
                return False
        rendered = _message.rendered(msg, args)
        texts.append(rendered)
        return rendered is not None


def _joined(values: Sequence[Any]) -> str:
    try:
        return "\n".join(values)
    except TypeError:
        return "\n".join([value if type(value) is str else rendering.text(value) for value in values])


def _values(names: Sequence[str]) -> Values:
    """Return what takes the values of these names, always as a tuple."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda attributes: tuple([attributes[name] for name in names])


def bound(record: logging.LogRecord) -> None:
    """Put bounded copies in the place of containers that are too large to be gone through.

    Redaction has done that where it came first. Lists within lists that share their items, or hold themselves, seem
    small and never end.
    """
    mark, attributes = mark_of(record), record.__dict__
    if mark is not None and REDACTED in mark.applied:
        return
    for name in (*field_names(attributes), "msg"):
        value = attributes.get(name)
        if type(value) not in _FLAT and not _is_bounded(value):
            attributes[name] = rendering.plain(value)
    args = attributes.get("args")
    if type(args) is tuple and not _is_bounded(args):
        record.args = tuple([arg if _is_bounded(arg) else rendering.plain(arg) for arg in args[:MAX_ARGUMENTS]])
    elif isinstance(args, dict) and not _is_bounded(args):
        record.args = {key: value if _is_bounded(value) else rendering.plain(value) for key, value in dict.items(args)}


def _is_bounded(value: Any) -> bool:
    """Tell whether a container holds few enough values, however it holds them."""
    left = MAX_VALUES
    waiting = [value]
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if issubclass(kind, dict):
            value = dict.values(value)
        elif kind is not list and kind is not tuple:
            continue
        left -= len(value)
        if left < 0:
            return False
        waiting.extend(value)
    return True


def replace_everywhere(record: logging.LogRecord, search: Search, skip: Collection[str]) -> None:
    """Replace raw values by what stands for them in the message, its arguments, the extras, the exception text.

    Args:
        record: The record, whose attributes are replaced.
        search: Finds the raw values.
        skip: Fields that are left alone, beside those whose words come from a closed vocabulary.
    """
    attributes = record.__dict__
    before = attributes.get("args")
    args = search.inside(before) if before else before
    msg = _message.fitted(attributes.get("msg"), before, args)
    record.msg, record.args = _message.rewrite(msg, args, search.spans)
    for key in ("exc_text", "stack_info", *NAMES):
        value = attributes.get(key)
        if type(value) is str:
            attributes[key] = search.replace(value)
    for key, value in fields_of(record).items():
        if key not in UNTOUCHED_FIELDS and key not in skip:
            attributes[key] = search.inside(value)
