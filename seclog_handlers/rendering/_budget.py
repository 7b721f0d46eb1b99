"""A quick look at a value: is it plain data that is small enough to be passed on as it is?"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from seclog_handlers.rendering._strings import INT64_MIN, MAX_TEXT, UINT64_MAX
from seclog_handlers.rendering._values import MAX_DEPTH, MAX_KEY, MAX_NODES

SCALARS = frozenset({int, float, bool, type(None)})
_ONLY_STR = frozenset({str})

# One budget for characters and nodes together. A node costs so much that the budget ends before plain()
# would cut anything: what passes here, plain() leaves whole.
ROOM = MAX_TEXT
_NODE = MAX_TEXT // MAX_NODES + 1
# A text that is shorter, and values that are fewer, are passed on without counting what they hold.
SMALL = 5_000
_FEW = 1_000
_FLAT = frozenset({str, int, float, bool, type(None)})


def is_small(values: Collection[Any]) -> bool:
    """Say whether values are few, and nothing but what JSON encoders take as it is or refuse.

    A fifth of the price of `room_left`: how long their texts are is to be seen by the encoded line; keys of a
    subclass of str and integers that JSON cannot say are left to the encoder.
    """
    return _left(values, _FEW, MAX_DEPTH) >= 0


def _left(values: Collection[Any], room: int, depth: int) -> int:
    """Return how many more values there may be, negative if there are too many or one is not plain."""
    if _FLAT.issuperset(map(type, values)):  # by far the most: one call for all
        return room
    for value in values:
        kind = type(value)
        if kind in _FLAT:
            continue
        if kind is dict:
            inner: Collection[Any] = value.values()
            if not _has_short_keys(value):
                return -1
        elif kind is list or kind is tuple:
            inner = value
        else:
            return -1
        room -= len(inner)
        if room < 0 or depth <= 0:
            return -1
        room = _left(inner, room, depth - 1)
        if room < 0:
            return -1
    return room


def _has_short_keys(value: dict[Any, Any]) -> bool:
    try:
        return len("".join(value)) <= MAX_KEY
    except TypeError:
        return False


def is_bounded(values: tuple[Any, ...], room: int = ROOM) -> bool:
    """Say whether values are plain and, their texts counted, no more than so many characters together."""
    return room_left(values, room) >= 0


def room_left(container: Any, room: int = ROOM, depth: int = MAX_DEPTH) -> int:
    """Return what is left of the budget, negative if it is used up or anything is not plain.

    Args:
        container: A dict, list or tuple, of exactly that type.
        room: The budget, in characters.
        depth: How many more levels may follow.
    """
    room -= _NODE * len(container)
    if room < 0 or depth <= 0:
        return -1
    items = container
    if type(container) is dict:
        try:
            size = len("".join(container))  # counts and checks the keys at once
        except TypeError:
            return -1
        if size > MAX_KEY and max(map(str.__len__, container)) > MAX_KEY:
            return -1
        room -= size
        items = container.values()
    for item in items:
        kind = type(item)
        if kind is str:
            room -= len(item)
        elif kind is int:
            if not INT64_MIN <= item <= UINT64_MAX:
                return -1
        elif kind is dict or kind is list or kind is tuple:
            room = room_left(item, room, depth - 1)
            if room < 0:
                return -1
        elif kind is not float and kind is not bool and item is not None:
            return -1
    return room


def is_exact(container: Any) -> bool:
    """Say whether JSON can say a value that passed a look exactly: keys of type str, integers of 64 bits."""
    items = container
    if type(container) is dict:
        if not _ONLY_STR.issuperset(map(type, container)):
            return False
        items = container.values()
    for item in items:
        kind = type(item)
        if kind is int:
            if not INT64_MIN <= item <= UINT64_MAX:
                return False
        elif (kind is dict or kind is list or kind is tuple) and not is_exact(item):
            return False
    return True
