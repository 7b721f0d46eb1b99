from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.rendering import one_line

BREAKS = [chr(code) for code in range(sys.maxunicode + 1) if len(f"a{chr(code)}b".splitlines()) > 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x85\x9b", "\\x85\\x9b"),
        ("\u2028\u202e", "\\u2028\\u202e"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("é 漢 😀", "é 漢 😀"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_shows_what_would_not_be_seen(text, expected):
    """Characters that break, move or reorder a line are written out; others stay."""
    assert one_line(text) == expected


@pytest.mark.parametrize("character", BREAKS)
def test_no_character_breaks_the_line(character):
    """Whatever str.splitlines takes for a line end is written out."""
    assert one_line(f"a{character}b").splitlines() == [one_line(f"a{character}b")]


@given(st.text(st.characters()))
def test_is_one_line_and_stays_so(text):
    """The result is one line of UTF-8, and escaping it again changes nothing."""
    shown = one_line(text)

    assert len(shown.splitlines()) <= 1
    assert shown.encode().decode() == shown
    assert one_line(shown) == shown
