"""Single events in thirteen bytes each: what is left of groups that had to leave a full table.

A flood of groups with one event each pushes everyone's first event out. It is kept here in short form, so
that the
second event of a slow attacker still finds it: 2**20 of them, in sets of four of which the oldest gives way.
"""

from __future__ import annotations

from array import array

from seclog_handlers.detection.state.entry import Entry

SLOTS = 2**20
WAYS = 4

_WORD = 0xFFFFFFFF
_PRINT = 0x7FFFFFFF
_OWN = 0x80000000
_HALF = 2**31


class Remains:
    """A table of fixed size from keys to the time, value and origin of their one event.

    Keys are recognised by 31 bits beside their place: one stranger in 500 million finds an event that is not
    its own.

    Args:
        slots: How many events it holds, a power of two.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        self._mask = slots // WAYS - 1
        self._prints = array("I", bytes(4 * slots))
        self._times = array("I", bytes(4 * slots))
        self._values = array("I", bytes(4 * slots))
        self._kinds = array("B", bytes(slots))

    def put(self, key: str, entry: Entry) -> None:
        """Keep the one event of an entry; entries that hold something else are left alone."""
        value = _only_value(entry)
        if value is not None:
            self.keep(key, entry.last, value, own=entry.own >= 0)

    def keep(self, key: str, when: int, value: int, kind: int = 0, *, own: bool = False) -> None:
        """Keep the time of a group's one event, 32 bits of its value, and of which kind it is, up to 255."""
        start, print_ = self._place(key)
        index = self._oldest(start, when)
        self._prints[index] = print_ | (_OWN if own else 0)
        self._times[index] = when & _WORD
        self._values[index] = value
        self._kinds[index] = kind

    def _oldest(self, start: int, now: int) -> int:
        """Return the slot of a set that gives way: an empty one, or the one with the oldest event."""
        chosen, oldest = start, -1
        for index in range(start, start + WAYS):
            if not self._prints[index]:
                return index
            age = (now - self._times[index]) & _WORD
            if age > oldest:
                chosen, oldest = index, age
        return chosen

    def take(self, key: str, now: int) -> Entry | None:
        """Return an entry to be rebuilt from its one event, and forget that; None for an unknown key."""
        index = self._index(key)
        if index is None:
            return None
        entry = Entry()
        when = self._when(index, now)
        entry.seed = (when, format(self._values[index], "x"))
        if self._prints[index] & _OWN:
            entry.own = when
        self._prints[index] = 0
        return entry

    def recall(self, key: str, now: int) -> tuple[int, str, int] | None:
        """Return time, value and kind of a group's one event, and forget that; None for an unknown group."""
        index = self._index(key)
        if index is None:
            return None
        self._prints[index] = 0
        return self._when(index, now), format(self._values[index], "x"), self._kinds[index]

    def _index(self, key: str) -> int | None:
        start, print_ = self._place(key)
        for index in range(start, start + WAYS):
            if self._prints[index] & _PRINT == print_:
                return index
        return None

    def _when(self, index: int, now: int) -> int:
        age = (now - self._times[index]) & _WORD
        return now - (age if age < _HALF else age - _WORD - 1)

    def _place(self, key: str) -> tuple[int, int]:
        """Return the key's set and its print. Keys are keyed hashes in hexadecimal: nobody chooses a place.

        Not `hash(key)`, which differs from process to process: a replay must find the same.
        """
        number = hash(int(key.replace(":", ""), 16))
        return (number & self._mask) * WAYS, (number >> 24) & _PRINT or 1


def _only_value(entry: Entry) -> int | None:
    """Return the value of an entry's one event, or None for a counter that one event does not describe."""
    counter = entry.counter
    if entry.apart:
        return None
    if type(counter) is dict:
        return int(next(iter(counter)), 16)
    if type(counter) is list and counter and counter[0] == entry.last and not any(counter[1:]):
        return 0
    return None
