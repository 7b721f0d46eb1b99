"""The cheap first look: which parts of a text could hold anything at all, in one or two passes."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable
from typing import Any

# Long enough for every token of tokens.py and for base64 worth decoding; shorter than any UUID.
LONG_RUN = 16
# Fewest digits of a phone number, a card or an id that is looked for without a key.
DIGITS = 6
MAX_WORD = 32
MAX_WORDS = 32_768
MANY_NEW = 400
MAX_LETTERS = 2_000


def trie(literals: Iterable[str], words: Iterable[str] = ()) -> str:
    """Return a regular expression for any of `literals`, longest first, that reads each character once.

    Args:
        literals: Match wherever they stand.
        words: Match only where no lower-case letter follows.
    """
    root: dict[str, Any] = {}
    for end, options in ((_ANYWHERE, literals), (_WORD_END, words)):
        for option in options:
            node = root
            for character in option:
                node = node.setdefault(character, {})
            node.setdefault("", end)
    return _branch(root)


_ANYWHERE, _WORD_END = "", "(?![a-z])"


def _branch(node: dict[str, Any]) -> str:
    options = [re.escape(character) + _branch(node[character]) for character in sorted(node) if character]
    if "" in node:
        options.append(node[""])
    return options[0] if len(options) == 1 else f"(?:{'|'.join(options)})"


def _table(**classes: str) -> bytes:
    """Return a table for bytes.translate: each character of a class becomes the class's sign, others a space."""
    table = bytearray(b" " * 256)
    for sign, members in classes.items():
        for character in members:
            table[ord(character)] = ord({"separator": "-", "digit": "0", "plus": "+"}.get(sign, sign))
    return bytes(table)


_RUNS = _table(a=string.ascii_letters + string.digits + "_-")
_NUMBERS = _table(digit=string.digits)
# The same, but the point: no number that is looked for begins behind one.
_DECIMALS = bytes(code if chr(code) == "." else sign for code, sign in enumerate(_NUMBERS))
_IDS = _table(A=string.ascii_uppercase, digit=string.digits, separator="-", plus="+", a=string.ascii_lowercase)
_WORDS = bytes(code | 32 if chr(code) in string.ascii_letters else 32 for code in range(256))
# What stands around a token: whitespace and quotes; every look of tokens.py is free of them.
_EXTENT = bytes(32 if chr(code) in " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\"'" else 97 for code in range(256))
_LONG = b"a" * LONG_RUN
_MANY, _ABROAD, _CARD, _FRACTION = "0" * DIGITS, "0" * 10, "0" * 13, "." + "0" * 13
# Where digits stand: the signs of dates and numbers all as one, but not the point of addresses, and no space.
_PLACES = bytes(
    ord("0") if chr(code) in string.digits else ord(" ") if chr(code) in "\t )" else ord("-") if chr(code) in "-/"
    else code if chr(code) in "+(." else ord("x")
    for code in range(256)
)  # fmt: skip
# The two zeros of a call abroad: what may stand before them becomes a space, other digits 1.
_ZEROS = bytearray(b" " * 256)
for _code in (string.ascii_letters + "_.,:#/-").encode():
    _ZEROS[_code] = ord("x")
for _code in b"123456789":
    _ZEROS[_code] = ord("1")
_ZEROS[ord("0")] = ord("0")
_PLUS = re.compile(r"\+\(?[1-9]")


def has_long_run(raw: bytes) -> bool:
    """Tell whether letters, digits, `_` and `-` follow each other often enough for a token."""
    return _LONG in raw.translate(_RUNS)


def long_runs(raw: bytes) -> list[tuple[int, int]]:
    """Return where a token could be: each stretch without whitespace and quotes that holds a long run."""
    runs = raw.translate(_RUNS)
    position = runs.find(_LONG)
    if position < 0:
        return []
    extent = raw.translate(_EXTENT)
    found: list[tuple[int, int]] = []
    while position >= 0:
        start = extent.rfind(b" ", 0, position) + 1
        end = extent.find(b" ", position)
        end = len(raw) if end < 0 else end
        found.append((start, end))
        position = runs.find(_LONG, end)
    return found


def without(raw: bytes, spans: list[tuple[int, int]]) -> bytes:
    """Return what is left without the spans, each of which becomes a letter."""
    parts: list[bytes] = []
    last = 0
    for start, end in spans:
        parts += (raw[last:start], b"x")
        last = end
    return b"".join((*parts, raw[last:]))


# What follows searches text, not bytes: that takes half as long. And it is spelled out: a loop would cost more than
# the searches.


def has_number(raw: bytes) -> bool:
    """Tell whether digits stand as in a card, a phone number or a national id: dates, times and counters do not."""
    digits = raw.translate(_NUMBERS, b" -()/.\t").decode("latin-1")
    if _MANY not in digits:
        return False
    shape = raw.translate(_PLACES).decode("latin-1")
    if "000-0" in shape and ("000-0000" in shape or "000-000-000" in shape or "000-000 000" in shape):
        return True
    if "000 0" in shape and (
        "000 000 000" in shape or "000 0000 000" in shape or "000 00 0000" in shape or "000 000-000" in shape
    ):
        return True
    if "000.0" in shape and (
        "00.000.000-0" in shape or "000.000.0000" in shape or "000.000.000-00" in shape or "000.0000.0000.00" in shape
    ):
        return True
    if "00.00.00-000.00" in shape or "000-00-0000" in shape or "00 00 00 00" in shape or "(0" in shape:
        return True
    if _ABROAD in digits and (
        (cards := raw.translate(_DECIMALS, b" -").decode("latin-1")).count(_CARD) > cards.count(_FRACTION)
        or (zeros := raw.translate(_ZEROS).decode("latin-1")).startswith("001")
        or " 001" in zeros
    ):
        return True
    return "+" in shape and _PLUS.search(raw.decode("latin-1")) is not None


def has_code(raw: bytes) -> bool:
    """Tell whether digits follow each other as in a one-time code."""
    classes = raw.translate(_NUMBERS).decode("latin-1")
    return "0000" in classes or "000 000" in classes


def has_lettered_id(raw: bytes) -> bool:
    """Tell whether capitals (A) and digits (0) stand as in an IBAN or a national id."""
    classes = raw.translate(_IDS).decode("latin-1")
    if "000000" in classes and (
        "0000000A" in classes
        or "0000000-A" in classes
        or "000000-000" in classes
        or "000000A000" in classes
        or "000000+000" in classes
    ):
        return True
    return "AA00" in classes or "AA 00 00" in classes


# What a word may be, beside a name of a secret: bits, so that those of a text are joined by `|`.
PROGRAM, LINK, CALL, SPOKEN, NOTATION = 1, 2, 4, 8, 16
ALL = PROGRAM | LINK | CALL | SPOKEN | NOTATION


def words(raw: bytes) -> list[bytes]:
    """Return the words of an ASCII text, in lower case: letters that follow each other."""
    return raw.translate(_WORDS).split()


class Words:
    """Remembers what the words of log lines were found to be, so that most lines are read once.

    Args:
        names: The pattern of the names, in lower case.
        marks: Tells what else a word, in lower case, may be: the bits above.
    """

    def __init__(self, names: re.Pattern[str], marks: Callable[[str], int]) -> None:
        self._names = names
        self._marks = marks
        self._plain: set[bytes] = set()
        self._other: dict[bytes, _Word] = {}

    def ask(self, raw: bytes) -> tuple[bool, bool]:
        """Return whether an ASCII text holds a name of a secret, and whether it holds a program's name."""
        names, marks, _ = self.found(raw)
        return names != [], bool(marks & PROGRAM)

    def found(self, raw: bytes) -> tuple[list[str] | None, int, list[bytes] | None]:
        """Return the words that hold a name of a secret, what else the words may be, and those that may be programs.

        None for the words if too many are new, or one is endless: to search the whole text for names costs less.
        """
        words_here = words(raw)
        if self._plain.issuperset(words_here):
            return _NONE
        named: list[str] = []
        programs: list[bytes] = []
        marks = 0
        new = set(words_here).difference(self._plain)
        if len(new) > MANY_NEW:
            return None, ALL, None
        for word in new:
            known = self._other.get(word)
            if known is None:
                if len(word) > MAX_LETTERS:
                    return None, ALL, None
                known = self._judged(word)
            name, mark = known
            if name is not None:
                named.append(name)
            if mark:
                marks |= mark
                if mark & PROGRAM:
                    programs.append(word)
        return named, marks, programs

    def _judged(self, word: bytes) -> _Word:
        text = word.decode("ascii")
        judged = text if self._names.search(text) else None, self._marks(text)
        if len(word) <= MAX_WORD:
            self._remember(word, judged)
        return judged

    def _remember(self, word: bytes, judged: _Word) -> None:
        if len(self._plain) + len(self._other) >= MAX_WORDS:
            self._plain.clear()
            self._other.clear()
        if judged == _PLAIN:
            self._plain.add(word)
        else:
            self._other[word] = judged


# A word: itself, as text, if it holds a name of a secret; and what else it may be.
_Word = tuple[str | None, int]
_PLAIN: _Word = (None, 0)
_NONE: tuple[list[str] | None, int, list[bytes] | None] = ([], 0, [])
