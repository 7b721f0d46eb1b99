"""The cheap first look: which parts of a text could hold anything at all, in one or two passes."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Any, NamedTuple

# Long enough for every token of tokens.py and for base64 worth decoding; shorter than any UUID.
LONG_RUN = 16
# Fewest digits of a phone number, a card or an id that is looked for without a key.
DIGITS = 6
MAX_WORD = 32
MAX_WORDS = 32_768
MANY_NEW = 400


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
_IDS = _table(A=string.ascii_uppercase, digit=string.digits, separator="-", plus="+", a=string.ascii_lowercase)
_WORDS = bytes(code | 32 if chr(code) in string.ascii_letters else 32 for code in range(256))
# What stands around a token: whitespace and quotes; every look of tokens.py is free of them.
_EXTENT = bytes(32 if chr(code) in " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\"'" else 97 for code in range(256))
_LONG = b"a" * LONG_RUN
_MANY = b"0" * DIGITS


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


def has_many_digits(raw: bytes) -> bool:
    """Tell whether enough digits follow each other, separators of numbers aside, for a card or a phone."""
    return _MANY in raw.translate(_NUMBERS, b" -()/.\t")


def has_code(raw: bytes) -> bool:
    """Tell whether digits follow each other as in a one-time code."""
    classes = raw.translate(_NUMBERS)
    return b"0000" in classes or b"000.000" in classes


def has_lettered_id(raw: bytes) -> bool:
    """Tell whether capitals (A) and digits (0) stand as in an IBAN or a national id."""
    classes = raw.translate(_IDS)
    # Spelled out: a loop would cost more than the searches.
    if b"000000" in classes and (
        b"0000000A" in classes
        or b"0000000-A" in classes
        or b"000000-000" in classes
        or b"000000A000" in classes
        or b"000000+000" in classes
    ):
        return True
    return b"AA" in classes and (b"AA00" in classes or b"AA 00 00" in classes or b"AAAA0000" in classes)


class Words:
    """Remembers what the words of log lines were found to be, so that most lines are read once.

    Args:
        names: The pattern of the names, in lower case.
        programs: Words, in lower case, that begin a command whose options are secret.
        links: Words, in lower case, of URLs' paths after which a token may follow.
    """

    def __init__(self, names: re.Pattern[str], programs: Iterable[str], links: Iterable[str] = ()) -> None:
        self._names = names
        self._programs = frozenset(word.encode() for word in programs)
        self._links = frozenset(word.encode() for word in links)
        self._plain: set[bytes] = set()
        self._other: dict[bytes, _Word] = {}

    def ask(self, raw: bytes) -> tuple[bool, bool]:
        """Return whether an ASCII text holds a name of a secret, and whether it holds a program's name."""
        names, program, _ = self.found(raw)
        return names != [], program

    def found(self, raw: bytes) -> tuple[list[str] | None, bool, bool]:
        """Return the words that hold a name of a secret, whether one is a program's, and whether one is a link's.

        None for the words if too many are new: to search the whole text for names costs less than to ask for each.
        """
        words = raw.translate(_WORDS).split()
        if self._plain.issuperset(words):
            return _NONE
        named: list[str] = []
        program = link = False
        new = set(words).difference(self._plain)
        if len(new) > MANY_NEW:
            return None, not new.isdisjoint(self._programs), not new.isdisjoint(self._links)
        for word in new:
            known = self._other.get(word) or self._judged(word)
            if known.name is not None:
                named.append(known.name)
            program = program or known.program
            link = link or known.link
        return named, program, link

    def _judged(self, word: bytes) -> _Word:
        text = word.decode("ascii")
        name = text if self._names.search(text) else None
        judged = _Word(name, word in self._programs, word in self._links)
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


class _Word(NamedTuple):
    """What a word is: a name of a secret (then itself, as text), a program, a part of links that carry tokens."""

    name: str | None
    program: bool
    link: bool


_PLAIN = _Word(None, program=False, link=False)
_NONE: tuple[list[str] | None, bool, bool] = ([], False, False)
