"""Single events in thirteen bytes each: what is left of groups that had to leave a full table.

A flood of groups with one event each pushes everyone's first event out. It is kept here in short form, so that the
second event of a slow attacker still finds it: 2**20 of them, in sets of eight of which the oldest gives way. The table
begins with 2**16 and doubles when two fifths full, so that few are lost on the way: what most programs need takes a
sixteenth of the memory.
"""

from __future__ import annotations

from array import array

from seclog_handlers.detection.state.entry import Entry

SLOTS = 2**20
FIRST_SLOTS = 2**16
WAYS = 8

_WORD = 0xFFFFFFFF
_PRINT = 0x7FFFFFFF
_OWN = 0x80000000
# Instead of a print of nothing but zeros, which means an empty slot: its highest bit tells no place.
_NO_PRINT = 0x40000000
_HALF = 2**31


class Remains:
    """A table of fixed size from keys to the time, value and origin of their one event.

    Keys are recognised by 31 bits beside their place: one stranger in 500 million finds an event that is not
    its own.

    Doubling copies the table behind itself: a key's print tells which half its events are found in, and what the
    copy left in the other half is overwritten like an empty slot. So it takes a millisecond, whatever is in it.

    Args:
        slots: How many events it holds at most, a power of two.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        self._most = slots
        first = min(slots, FIRST_SLOTS)
        self._shift = (first // WAYS).bit_length() - 1
        self._used = 0
        self._prints = array("I", bytes(4 * first))
        self._times = array("I", bytes(4 * first))
        self._values = array("I", bytes(4 * first))
        self._kinds = array("B", bytes(first))
        self._measure()

    def _measure(self) -> None:
        sets = len(self._prints) // WAYS
        self._mask = sets - 1
        # The bits of a print that tell which copy of the first table its key belongs to.
        self._copy = (sets >> self._shift) - 1

    def _double(self) -> None:
        for column in (self._prints, self._times, self._values, self._kinds):
            column.extend(column)
        self._measure()

    def put(self, key: str, entry: Entry) -> None:
        """Keep the one event of an entry; entries that hold something else are left alone."""
        value = _only_value(entry)
        if value is not None:
            self.keep(key, entry.last, value, own=entry.own >= 0)

    def keep(self, key: str, when: int, value: int, kind: int = 0, *, own: bool = False) -> None:
        """Keep the time of a group's one event, 32 bits of its value, and of which kind it is, up to 255."""
        if 5 * self._used > 2 * len(self._prints) and len(self._prints) < self._most:
            self._double()
        start, print_ = self._place(key)
        index = self._oldest(start, print_ & self._copy, when)
        self._prints[index] = print_ | (_OWN if own else 0)
        self._times[index] = when & _WORD
        self._values[index] = value
        self._kinds[index] = kind

    def _oldest(self, start: int, copy: int, now: int) -> int:
        """Return the slot of a set that gives way: an empty one, or the one with the oldest event."""
        prints = self._prints[start : start + WAYS]  # searched as a whole: a loop takes four times as long
        if 0 in prints:
            self._used += 1
            return start + prints.index(0)
        chosen, oldest = start, -1
        for index in range(start, start + WAYS):
            print_ = self._prints[index] & _PRINT
            if print_ & self._copy != copy:
                self._used += 1
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
        self._forget(index)
        return entry

    def recall(self, key: str, now: int) -> tuple[int, str, int] | None:
        """Return time, value and kind of a group's one event, and forget that; None for an unknown group."""
        index = self._index(key)
        if index is None:
            return None
        self._forget(index)
        return self._when(index, now), format(self._values[index], "x"), self._kinds[index]

    def _forget(self, index: int) -> None:
        self._prints[index] = 0
        self._used -= 1

    def _index(self, key: str) -> int | None:
        start, print_ = self._place(key)
        prints = self._prints[start : start + WAYS]
        for found in (print_, print_ | _OWN):
            if found in prints:
                return start + prints.index(found)
        return None

    def _when(self, index: int, now: int) -> int:
        age = (now - self._times[index]) & _WORD
        return now - (age if age < _HALF else age - _WORD - 1)

    def _place(self, key: str) -> tuple[int, int]:
        """Return the key's set and its print. Keys are keyed hashes in hexadecimal: nobody chooses a place.

        Not `hash(key)`, which differs from process to process: a replay must find the same.
        """
        number = hash(int(key.replace(":", ""), 16))
        return (number & self._mask) * WAYS, (number >> self._shift) & _PRINT or _NO_PRINT


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
