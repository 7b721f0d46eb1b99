"""What every match of a user's pattern must contain is looked for first."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers.redaction import Redactor
from seclog_handlers.redaction.patterns import literal

PATTERNS = [
    r"\bINT001-[0-9A-F]{12}\b", r"(?i)proj-\d+", r"(foo|bar)-x", r"(?i:ski)DEF", r"a?bcd", r"(?:ab){2,3}c", r"x(?=yz)yz",
    r"\d{4}", r"(?P<secret>tok)=\w", r"(?x) a b [c] d", r"(a|b)\1cd", r"abc|abd", r"(?<=key=)\w+", r"(?s)k.{1,3}\.v",
    r"(?i)straße-\d", r"[^a]bc+",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_match_contains_the_literal(pattern: str) -> None:
    """Nothing that the pattern finds is passed over for want of its literal part."""
    compiled = re.compile(pattern)
    need = literal(compiled)

    @settings(max_examples=25, deadline=None)
    @given(st.from_regex(compiled))
    def contains(text: str) -> None:
        match = compiled.search(text)
        assert match is None or need in match[0]

    contains()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\bINT001-[0-9A-F]{12}\b", "INT001-"),
        (r"(?i)proj-\d+", "-"),
        (r"(?i:abc)DEF", "DEF"),
        (r"\d{4}", ""),
        (r"ab|cd", ""),
    ],
)
def test_the_literal_is_the_longest_one(pattern: str, expected: str) -> None:
    """Letters whose case does not matter are no literal: U+017F is an s then, too."""
    assert literal(re.compile(pattern)) == expected


PATTERNS = [r"INT7-\d+", r"(?i)ref-\d{2}", r"\b\d{4}\b", r"id=(?P<secret>[a-d]+)"]
# Made once: each is checked for growth when it is.
EACH, TOGETHER = [Redactor(patterns=[pattern]) for pattern in PATTERNS], Redactor(patterns=PATTERNS)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["INT7-1234", "int7-99", "key 4711", "id=abcd", "Ref-12", "REF-13", "none", "-"]), max_size=8
    )
)
def test_many_patterns_find_what_each_finds(words: list[str]) -> None:
    """Together, with and without literal parts, they censor what they censor one after another."""
    text = " ".join(words)

    expected = text
    for redactor in EACH:
        expected = redactor.text(expected)

    assert TOGETHER.text(text) == expected
