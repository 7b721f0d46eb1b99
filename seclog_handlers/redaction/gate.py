"""The cheap first look: which parts of a text could hold anything at all, in one or two passes."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Any

# Long enough for every token of tokens.py and for base64 worth decoding; shorter than any UUID.
LONG_RUN = 16
# Fewest digits of a phone number, a card or an id that is looked for without a key.
DIGITS = 6
MAX_WORD = 32
MAX_WORDS = 32_768


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
_LONG = b"a" * LONG_RUN
_MANY = b"0" * DIGITS


def has_long_run(raw: bytes) -> bool:
    """Tell whether letters, digits, `_` and `-` follow each other often enough for a token."""
    return _LONG in raw.translate(_RUNS)


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
    return (  # spelled out: a loop would cost more than the searches
        b"AA00" in classes
        or b"AA 00 00" in classes
        or b"0000000A" in classes
        or b"0000000-A" in classes
        or b"000000-000" in classes
        or b"000000A000" in classes
        or b"000000+000" in classes
        or b"AAAA0000" in classes
    )


class Words:
    """Remembers which words of log lines were found to hold no name of a secret, so that most lines are read once.

    Args:
        names: The pattern of the names, in lower case.
        programs: Words, in lower case, that begin a command whose options are secret.
    """

    def __init__(self, names: re.Pattern[str], programs: Iterable[str]) -> None:
        self._names = names
        self._programs = frozenset(word.encode() for word in programs)
        self._plain: set[bytes] = set()

    def ask(self, raw: bytes) -> tuple[bool, bool]:
        """Return whether an ASCII text holds a name of a secret, and whether it holds a program's name."""
        words = raw.translate(_WORDS).split()
        if self._plain.issuperset(words):
            return False, False
        named = program = False
        for word in words:
            if word in self._plain:
                continue
            if word in self._programs:
                program = True
            if self._names.search(word.decode("ascii")):
                named = True
            elif word not in self._programs and len(word) <= MAX_WORD:
                self._remember(word)
        return named, program

    def _remember(self, word: bytes) -> None:
        if len(self._plain) >= MAX_WORDS:
            self._plain.clear()
        self._plain.add(word)
