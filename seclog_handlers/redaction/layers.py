"""Encodings that hide a name, a separator or a secret, undone with the way back to the original text."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

MAX_LAYERS = 3

_ENTITIES = {
    "quot": '"',
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "apos": "'",
    "colon": ":",
    "equals": "=",
    "nbsp": " ",
    "commat": "@",
}
# Cyrillic letters that look like Latin ones; read as such only beside a Latin letter.
_ALIKE = dict(zip("аеорсухіѕјһԁкАЕОРСТНКМХ", "aeopcyxisjhdkAEOPCTHKMX", strict=True))
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "/": "/"}
_INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u202a-\u202e\u2066-\u2069"
_ANSI = r"\[[0-9;?]{0,16}[A-Za-z]"
_SPACES = "\u00a0\u2000-\u200a\u202f\u205f\u3000"
_WIDE = "\uff01-\uff5e"
_EQUAL = "\ufe66\u2236\ua789\ufe55"
_STYLED = "\u24b6-\u24e9\U0001d400-\U0001d7ff"
_LOOKALIKE = "".join(_ALIKE)
# Begins with the characters that all of it begin with, so that a search skips the others quickly.
_FIRST = r"%\\&\x1b#"
# Of a run of backslashes only the first begins anything, so that none is read twice.
_ASCII_ENCODED = (
    r"(?<=%)(?![A-F]{2}_[A-Z0-9_]{1,40}%)(?:(?P<utf8>[CDcd][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]"
    r"|[Ee][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){2})|(?P<percent>[0-9A-Fa-f]{2})|u(?P<wide_percent>[0-9A-Fa-f]{4}))"
    rf"|(?<=\\)(?P<ansi>(?:x1b|u001b|033|e){_ANSI})"
    r"|(?<=\\)(?<!\\\\)\\{0,63}(?=[uxnrt/])(?:u(?P<unicode>[0-9A-Fa-f]{4})|x(?P<hex>[0-9A-Fa-f]{2})|(?P<control>[nrt/]))"
    r"|(?<=&)(?:#(?P<decimal>\d{1,5})|#[xX](?P<hexadecimal>[0-9A-Fa-f]{1,4})|(?P<entity>quot|amp|lt|gt|apos|colon"
    r"|equals|nbsp|commat));"
    rf"|(?<=\x1b)(?P<drop>{_ANSI}|[()][A-Z0-9])"
    rf"|(?<=#)(?P<rsyslog>033{_ANSI})"  # as rsyslog writes it
)
_ENCODED = re.compile(rf"[{_FIRST}](?:{_ASCII_ENCODED})")
_ENCODED_ANYWHERE = re.compile(
    rf"[{_FIRST}{_INVISIBLE}{_WIDE}{_SPACES}{_EQUAL}{_STYLED}{_LOOKALIKE}](?:{_ASCII_ENCODED}"
    rf"|(?<=[{_INVISIBLE}])(?P<invisible>)|(?<=[{_WIDE}])(?P<wide>)|(?<=[{_SPACES}])(?P<space>)"
    rf"|(?<=[{_EQUAL}])(?P<equal>)|(?<=[{_STYLED}])(?P<styled>)"
    rf"|(?P<alike>(?<=[A-Za-z][{_LOOKALIKE}])|(?<=[{_LOOKALIKE}])(?=[A-Za-z])))",
)
# What stands for what, as far as it was seen: most encoded characters come again and again.
_seen: dict[str, str | None] = {}
MAX_SEEN = 4096
# So many encoded characters cost so many steps of the budget.
MANY, STEPS_OF_MANY = 64, 40


class Layer(NamedTuple):
    """A text one encoding further in, and where its characters came from: from outer[i] on, those from inner[i] on."""

    text: str
    inner: list[int]
    outer: list[int]

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the outer text that says what text[start:end] says."""
        return self._before(start), self._before(end)

    def _before(self, position: int) -> int:
        last = bisect_right(self.inner, position) - 1
        return self.outer[last] + position - self.inner[last]


def may_decode(text: str) -> bool:
    """Tell whether a text could hold an encoding at all."""
    return "%" in text or "\\" in text or "&" in text or not text.isascii() or "\x1b" in text or "#033[" in text


def is_encoded(text: str) -> bool:
    """Tell whether an ASCII text holds an encoded character."""
    return may_decode(text) and _ENCODED.search(text) is not None


def decode(text: str, spend: Callable[[int], None]) -> Layer | None:
    r"""Undo one layer of percent, `\u`, `\x`, HTML, ANSI, zero-width and full-width; None if there is none.

    Args:
        text: Any text.
        spend: Called with the steps that it costs, as it goes.
    """
    pieces: list[str] = []
    inner, outer = [0], [0]
    position = length = 0
    is_ascii = text.isascii()
    spend((len(text) >> (6 if is_ascii else 4)) + (text.count("\\\\") >> 2))
    for match in (_ENCODED if is_ascii else _ENCODED_ANYWHERE).finditer(text):
        try:
            character = _seen[match[0]]
        except KeyError:
            character = _read(match)
        if character is None:
            continue
        start = match.start()
        length += start - position
        pieces += (text[position:start], character)
        position = match.end()
        for _ in character:  # one, most often
            inner.append(length)
            outer.append(start)
            length += 1
        inner.append(length)
        outer.append(position)
        if not len(pieces) % (2 * MANY):
            spend(STEPS_OF_MANY)
    if not position:
        return None
    pieces.append(text[position:])
    return Layer("".join(pieces), inner, outer)


def _read(match: re.Match[str]) -> str | None:
    if len(_seen) >= MAX_SEEN:
        _seen.clear()
    character = _seen[match[0]] = _character(match)
    return character


def _character(match: re.Match[str]) -> str | None:
    kind, found = match.lastgroup, match[match.lastgroup or 0] or match[0]
    if kind in ("percent", "wide_percent", "hex", "unicode", "hexadecimal"):
        character = chr(int(found, 16))
    elif kind == "utf8":
        try:
            character = bytes.fromhex(found.replace("%", "")).decode()
        except UnicodeDecodeError:
            return None
    elif kind == "decimal":
        character = chr(int(found))
    elif kind == "entity":
        character = _ENTITIES[found]
    elif kind == "wide":
        character = chr(ord(found) - 0xFEE0)
    elif kind == "space":
        character = " "
    elif kind == "control":
        character = _CONTROLS[found]
    elif kind == "alike":
        character = _ALIKE[found]
    elif kind == "styled":
        character = unicodedata.normalize("NFKC", found)
    elif kind == "equal":
        character = "=" if found == "\ufe66" else ":"
    else:
        return ""
    return None if "\ud800" <= character <= "\udfff" else character
