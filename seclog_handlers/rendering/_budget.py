"""A quick look at a value: is it plain data that is small enough to be passed on as it is?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seclog_handlers.rendering._strings import INT64_MIN, MAX_TEXT, UINT64_MAX
from seclog_handlers.rendering._values import MAX_DEPTH, MAX_KEY, MAX_NODES

SCALARS = frozenset({int, float, bool, type(None)})
_ONLY_STR = frozenset({str})

# One budget for characters and nodes together. A node costs so much that the budget ends before plain()
# would cut anything: what passes here, plain() leaves whole.
ROOM = MAX_TEXT
_NODE = MAX_TEXT // MAX_NODES + 1
# What is smaller than this is passed on whole, however it is built: characters, and a few for each value.
SMALL = 5_000
_SMALL_NODE = 4


def is_small(items: Iterable[Any]) -> bool:
    """Say whether values are small together, and nothing but what JSON encoders take as it is or refuse.

    Half the price of `room_left`: keys that are of a subclass of str are left to the encoder.
    """
    return _small_left(items, SMALL, MAX_DEPTH) >= 0


def _small_left(items: Iterable[Any], room: int, depth: int) -> int:
    for item in items:
        kind = type(item)
        if kind is str:
            room -= len(item)
        elif kind is dict:
            room -= _SMALL_NODE * len(item)
            if room < 0 or depth <= 0:
                return -1
            try:
                size = len("".join(item))
            except TypeError:
                return -1
            if size > MAX_KEY:
                return -1
            room = _small_left(item.values(), room - size, depth - 1)
        elif kind is list or kind is tuple:
            room -= _SMALL_NODE * len(item)
            if room < 0 or depth <= 0:
                return -1
            room = _small_left(item, room, depth - 1)
        elif kind is int:
            if not INT64_MIN <= item <= UINT64_MAX:
                return -1
        elif kind is not bool and kind is not float and item is not None:
            return -1
    return room


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


def has_exact_keys(container: Any) -> bool:
    """Say whether all keys of a value that passed a look of this module are of exactly the type str, at any depth."""
    items = container
    if type(container) is dict:
        if not _ONLY_STR.issuperset(map(type, container)):
            return False
        items = container.values()
    for item in items:
        kind = type(item)
        if (kind is dict or kind is list or kind is tuple) and not has_exact_keys(item):
            return False
    return True
