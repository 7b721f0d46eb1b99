"""A few of the records that fuzz_records.py makes by the hundred thousand."""

from __future__ import annotations

from .fuzz_records import Bytes, random_runs


def test_random_records() -> None:
    """Whatever bytes say, one safe line comes out."""
    random_runs(500, seed=7)


def test_bytes_reach_everything() -> None:
    """The records differ, and hold what hurts."""
    made = [Bytes(bytes(range(start, start + 60))).record() for start in range(190)]

    assert len({str(type(record.msg)) for record in made}) > 2
    assert any(record.exc_info for record in made)
