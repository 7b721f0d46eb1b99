"""What the engine found clean with some digits it finds clean with others, if both lines have one key."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from seclog_handlers.cli.redact_lines import LineRedactor
from seclog_handlers.cli.redact_rules import Rules
from seclog_handlers.cli.redact_templates import MAX_KNOWN, Templates
from seclog_handlers.redaction import Redactor

from .test_redact_sieve import line

REDACTOR = Redactor()
TEMPLATES = Templates()
ADDRESS = "Failed password for invalid user admin from 192.0.2.{} port {} ssh2"


def with_digits(text: str, digits: list[int]) -> str:
    """Replace each digit of a text by another one."""
    return "".join(str(digits[at % len(digits)]) if sign.isdecimal() else sign for at, sign in enumerate(text))


def is_clean(text: str) -> bool:
    return REDACTOR.text(text) == text


def redactor() -> LineRedactor:
    lines = LineRedactor(Rules(redact={}, pseudonymizer=None, names={}))
    lines.begin()
    return lines


@settings(max_examples=1500, deadline=None)
@given(line(), st.lists(st.integers(0, 9), min_size=1, max_size=40))
@example("pay with 4012 8888 8888 1881 now", [4, 1, 1, 1])
@example("call +09 30 1234567", [4, 9, 3, 0])
@example("call 0149 30 1234567", [0, 0, 4, 9, 3, 0, 1, 2, 3])
@example("grade 3 of r1_", [8])
@example("a %69 b", [4, 0])
@example("INFO 334 UGFzc3dvcmQ6 INFO ", [3, 0, 0, 0, 0, 0, 6])
@example("INFO\t334 UGFzc3dvcmQ6 INFO ", [3, 0, 0, 0, 0, 0, 6])
@example("8=FIX.4.4|553=bob|555=kL9xQ2mW7z|98=0", [8, 4, 4, 5, 5, 3, 5, 5, 4, 9, 2, 7, 9, 8, 0])
@example("PID-8 19500510 ok", [7, 1, 9, 5, 0, 0, 5, 1, 0])
@example("#013password=kL9xQ2mW7z#013host", [0, 1, 2, 9, 2, 7])
def test_lines_with_one_key_are_clean_together(text: str, digits: list[int]) -> None:
    """A line with other digits that has the key of a clean one is clean."""
    other = with_digits(text, digits)
    key = TEMPLATES.key(text)
    templates = Templates()
    templates.learn(key)
    assume(templates.knows(key) and key == TEMPLATES.key(other))

    assert is_clean(text) == is_clean(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ADDRESS.format(7, 4711), ADDRESS.format(113, 5822)),
        ("app[17]: session opened", "app[41234]: session opened"),
        ("at 2026-11-23T07:00:01Z the token expired", "at 2027-01-02T17:20:31.123Z the token expired"),
        (f"key {'0a1b2c3d'}-{'0f3a-' * 3}{'0f3a' * 3}", f"key {'9a1b2c3d'}-{'1f3c-' * 3}{'7f3a' * 3}"),
    ],
)
def test_a_key_stands_for_many_lines(one: str, other: str) -> None:
    """Numbers, addresses, processes, times and UUIDs are no part of the key."""
    assert TEMPLATES.key(one) == TEMPLATES.key(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the pin is 12", "the pin is 1234"),
        ("use oauth1 here", "use oauth2 here"),
        ("password of bob", "password of eve"),
        ("id " + "0f3a" * 8, "id " + "1f3a" * 8),
    ],
)
def test_what_could_matter_is_part_of_the_key(one: str, other: str) -> None:
    """Lengths of numbers, digits beside letters, words and hexadecimal text tell lines apart."""
    assert TEMPLATES.key(one) != TEMPLATES.key(other)


@pytest.mark.parametrize(
    "text",
    ["4111 1111 1111 1111", "+49 30 1234567", "0049 30 1234567", "100%41", "a\\033b", "caf\u00e9", "x " * 1_000],
)
def test_lines_whose_digits_may_matter_are_judged_each_time(text: str) -> None:
    """Cards, phones, encodings, foreign letters and long lines are never known."""
    templates = Templates()
    templates.learn(templates.key(text))

    assert not templates.knows(templates.key(text))


def test_a_secret_is_found_after_many_clean_lines() -> None:
    """What was learned of clean lines lets no other one pass."""
    lines = redactor()
    clean = "".join(ADDRESS.format(number % 250, number) + "\n" for number in range(1_000, 1_200))

    assert lines.block(clean) == clean
    assert lines.block("Failed password for invalid user admin password=hunter2x\n").endswith("password=[REDACTED]\n")
    assert lines.tally.changed == 1


def test_what_is_clean_as_json_may_not_be_so_as_text() -> None:
    """A line that other digits make invalid JSON is judged on its own."""
    assert TEMPLATES.key('{"a": 12}', structured=True) != TEMPLATES.key('{"a": 02}')


def test_what_is_known_is_bounded() -> None:
    """When full it is forgotten."""
    templates = Templates()
    for number in range(MAX_KNOWN + 1):
        templates.learn(("T", f"line{number:x}"))

    assert len(templates._known) == 1
