"""The table of single events: what it keeps is found, whatever its size was when it came."""

from __future__ import annotations

import random

import pytest

from seclog_handlers.detection.state import remains
from seclog_handlers.detection.state.remains import FIRST_SLOTS, WAYS, Remains


def keys(count: int, seed: int = 1) -> list[str]:
    dice = random.Random(seed)
    return [f"{dice.getrandbits(96):024x}" for _ in range(count)]


def test_what_is_kept_is_found_once() -> None:
    """Time, value and kind of a group's one event come back, and are forgotten then."""
    table = Remains()
    table.keep("ab12", 1_000, 0xBEEF, 7, own=True)

    assert table.recall("ab12", 2_000) == (1_000, "beef", 7)
    assert table.recall("ab12", 2_000) is None


def test_it_begins_small_and_grows_with_what_it_holds() -> None:
    """Two fifths full it doubles, up to its size and no further."""
    table = Remains(FIRST_SLOTS * 4)
    sizes = []
    for number, key in enumerate(keys(FIRST_SLOTS * 3)):
        table.keep(key, number, number)
        sizes.append(len(table._prints))

    assert sizes[0] == FIRST_SLOTS
    assert sizes[FIRST_SLOTS * 2 // 5] == FIRST_SLOTS
    assert sizes[-1] == FIRST_SLOTS * 4
    assert sorted(set(sizes)) == [FIRST_SLOTS, FIRST_SLOTS * 2, FIRST_SLOTS * 4]


def test_nothing_is_lost_or_found_twice_by_growing() -> None:
    """What was kept before and after each doubling is found with its own time and value, and only once."""
    table = Remains(FIRST_SLOTS * 8)
    kept = keys(FIRST_SLOTS * 2)
    for number, key in enumerate(kept):
        table.keep(key, number, number)

    found = [(number, table.recall(key, FIRST_SLOTS * 4)) for number, key in enumerate(kept)]
    known = [(number, event) for number, event in found if event is not None]

    assert all(event == (number, format(number, "x"), 0) for number, event in known)
    assert len(known) > 0.99 * len(kept)  # sets overflow now and then
    assert not any(table.recall(key, FIRST_SLOTS * 4) for key in kept)
    assert table._used == len(kept) - len(known) - _overwritten(found)


def _overwritten(found: list[tuple[int, object]]) -> int:
    return sum(event is None for _, event in found)


def test_strangers_are_not_known() -> None:
    """A key that was never kept finds nothing, after doublings as before."""
    table = Remains(FIRST_SLOTS * 4)
    for number, key in enumerate(keys(FIRST_SLOTS)):
        table.keep(key, number, number)

    assert not any(table.recall(key, 10**6) for key in keys(20_000, seed=2))


def test_a_print_of_zeros_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key whose print would be 0, which means empty, is found, too: in the small table and in the grown one."""
    monkeypatch.setattr(remains, "FIRST_SLOTS", WAYS * 2)
    table = Remains(WAYS * 8)
    zero = "1"  # bits of the place alone
    table.keep(zero, 5, 9)
    for number, key in enumerate(keys(WAYS * 2)):
        table.keep(key, 10 + number, number)

    assert len(table._prints) > WAYS * 2
    assert table.recall(zero, 100) == (5, "9", 0)
