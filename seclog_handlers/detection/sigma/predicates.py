"""The condition `sigma`: what Sigma says of one field and a rule's mapping has no word for.

Its operand is a formula, plain lists, so that two rules that say the same share their state:

* `["and", f, ...]`, `["or", f, ...]`, `["not", f]`: formulas of the same field;
* `["is", spec]`: a condition as a rule's mapping gives it;
* `["text", shape, ...]`: text in any case, as Sigma compares it; a shape is a list of texts with 0 for `*` and 1 for
  `?` between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from seclog_handlers.detection.conditions import MAX_MEMBERS, MAX_TEXT, OPERATORS, Test, compile_test

MANY, ONE = 0, 1
OPERATOR = "sigma"

TextTest = Callable[[str], bool]


def compile_formula(place: str, formula: Any) -> Test:
    """Return the test of one field for a formula."""
    word, *rest = formula
    if word == "is":
        return compile_test(place, rest[0])
    if word == "text":
        return _any_text([compile_shape(shape) for shape in rest])
    tests = [compile_formula(place, part) for part in rest]
    if word == "not":
        only = tests[0]
        return lambda value: not only(value)
    if word == "and":
        return lambda value: all(test(value) for test in tests)
    return lambda value: any(test(value) for test in tests)


def _any_text(checks: Sequence[TextTest]) -> Test:
    def test(value: Any) -> bool:
        if type(value) is str:
            text = value[:MAX_TEXT].lower()
            return any(check(text) for check in checks)
        return any(check(text) for text in texts(value) for check in checks)

    return test


def texts(value: Any) -> list[str]:
    """Return what a value looks like as text, in lower case: a mapping as a query string, a list by its members."""
    kind = type(value)
    if kind is str:
        return [value[:MAX_TEXT].lower()]
    if kind in (int, float, bool):
        return [str(value).lower()]
    if kind is dict:
        pairs = [f"{name}={shown}" for name, member in list(value.items())[:MAX_MEMBERS] for shown in _plain(member)]
        return ["&".join(pairs)[:MAX_TEXT].lower()]
    return [text.lower() for text in _plain(value)]


def _plain(value: Any) -> list[str]:
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        return [str(member)[:MAX_TEXT] for member in list(value)[:MAX_MEMBERS] if type(member) in (str, int, float)]
    return [str(value)[:MAX_TEXT]] if kind in (str, int, float, bool) else []


def compile_shape(shape: Sequence[Any]) -> TextTest:
    """Return the test of lower-case text for texts with wildcards; no wildcard ever makes it go back."""
    parts = [part.lower() if isinstance(part, str) else part for part in shape]
    words = [part for part in parts if part != MANY]
    inner = words[0] if len(words) == 1 else ""
    if len(parts) == len(words) == 1 and isinstance(inner, str):
        return lambda text: text == inner
    if not words and parts:
        return lambda _text: True
    if len(words) == 1 and isinstance(inner, str) and inner:
        return _with_one_word(inner, ends=(parts[0] == MANY, parts[-1] == MANY))
    return _pieces(parts)


def _with_one_word(word: str, ends: tuple[bool, bool]) -> TextTest:
    if ends == (True, True):
        return lambda text: word in text
    return (lambda text: text.startswith(word)) if ends[1] else (lambda text: text.endswith(word))


def _pieces(parts: Sequence[Any]) -> TextTest:
    """Match the first piece at the beginning, the last one at the end, the others as early as they come."""
    pieces: list[list[Any]] = [[]]
    for part in parts:
        if part == MANY:
            pieces.append([])
        else:
            pieces[-1].append(part)
    first, *middle = [re.compile("".join(_escaped(part) for part in piece), re.DOTALL) for piece in pieces]
    if not middle:
        return lambda text: first.fullmatch(text) is not None
    last = middle.pop()
    tail = sum(len(part) if isinstance(part, str) else 1 for part in pieces[-1])

    def test(text: str) -> bool:
        found = first.match(text)
        for piece in middle:
            found = found and piece.search(text, found.end())
        rest = len(text) - tail
        return found is not None and rest >= found.end() and last.fullmatch(text, rest) is not None

    return test


def _escaped(part: Any) -> str:
    return "." if part == ONE else re.escape(part)


# The engine compiles conditions by these names; this one is known from when a Sigma file is first read.
OPERATORS.setdefault(OPERATOR, compile_formula)
