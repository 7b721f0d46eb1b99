"""A bounded mapping that keeps what was used last, at the price of a dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """A mapping of at most `size` entries, which forgets those that were not used for long.

    Two generations: an entry that is used moves to the young one, and when that is full the old one is
    forgotten and the young one is the old one. So the half used last is always there, a look-up costs one dict
    access, and there is no order to keep: a linked list would cost more than what is kept.

    Args:
        size: Most entries, at least 2.
    """

    __slots__ = ("_half", "old", "young")

    def __init__(self, size: int) -> None:
        self._half = size // 2
        # Public for look-ups that must not cost a call: what is not young may still be old.
        self.young: dict[Hashable, Value] = {}
        self.old: dict[Hashable, Value] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def get(self, key: Hashable) -> Value | None:
        """Return what is kept under a key, or None; it counts as used."""
        found = self.young.get(key)
        if found is None and self.old:
            found = self.old.pop(key, None)
            if found is not None:
                self.add(key, found)
        return found

    def __setitem__(self, key: Hashable, value: Value) -> None:
        """Keep a value, which is not None, under a key."""
        if key in self.young:
            self.young[key] = value
        else:
            self.old.pop(key, None)
            self.add(key, value)

    def add(self, key: Hashable, value: Value) -> None:
        """Keep a value under a key that `get` has just not found."""
        if len(self.young) >= self._half:
            self.old, self.young = self.young, {}
        self.young[key] = value

    def pop(self, key: Hashable) -> Value | None:
        """Forget a key; return what was kept under it."""
        found = self.young.pop(key, None)
        return self.old.pop(key, None) if found is None else found
