"""Encodings that hide a name, a separator or a secret, undone with the way back to the original text."""

from __future__ import annotations

import re
import unicodedata
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
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
_INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u202a-\u202e\u2066-\u2069"
_ANSI = r"\[[0-9;?]{0,16}[A-Za-z]"
# Begins with the characters that all of it begin with, so that a search skips the others quickly.
_ASCII_ENCODED = (
    r"[%\\&\x1b](?:(?<=%)(?P<percent>[0-9A-Fa-f]{2})"
    rf"|(?<=\\)(?P<ansi>(?:x1b|u001b|033){_ANSI})"
    r"|(?<=\\)\\{0,7}(?:u(?P<unicode>[0-9A-Fa-f]{4})|x(?P<hex>[0-9A-Fa-f]{2})|(?P<control>[nrt]))"
    r"|(?<=&)(?:#(?P<decimal>\d{1,5})|#[xX](?P<hexadecimal>[0-9A-Fa-f]{1,4})|(?P<entity>quot|amp|lt|gt|apos|colon"
    r"|equals|nbsp|commat));"
    rf"|(?<=\x1b)(?P<drop>{_ANSI}|[()][A-Z0-9]))"
)
_ENCODED = re.compile(_ASCII_ENCODED)
_ENCODED_ANYWHERE = re.compile(
    f"{_ASCII_ENCODED}|(?P<invisible>[{_INVISIBLE}])"
    r"|(?P<wide>[\uff01-\uff5e])|(?P<space>[\u00a0\u2000-\u200a\u202f\u205f\u3000])"
    r"|(?P<equal>[\ufe66\u2236\ua789\ufe55])|(?P<styled>[\u24b6-\u24e9\U0001d400-\U0001d7ff])"
    r"|(?P<alike>(?<=[A-Za-z])[" + "".join(_ALIKE) + r"]|[" + "".join(_ALIKE) + r"](?=[A-Za-z]))",
)


class Layer(NamedTuple):
    """A text one encoding further in, and where each of its characters came from."""

    text: str
    starts: list[int]

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the outer text that says what text[start:end] says."""
        return self.starts[start], self.starts[end]


def may_decode(text: str) -> bool:
    """Tell whether a text could hold an encoding at all."""
    return "%" in text or "\\" in text or "&" in text or not text.isascii() or "\x1b" in text


def decode(text: str) -> Layer | None:
    r"""Undo one layer of percent, `\u`, `\x`, HTML, ANSI, zero-width and full-width; None if there is none."""
    pieces: list[str] = []
    starts: list[int] = []
    position = 0
    for match in (_ENCODED if text.isascii() else _ENCODED_ANYWHERE).finditer(text):
        character = _character(match)
        if character is None:
            continue
        start = match.start()
        pieces.append(text[position:start])
        starts.extend(range(position, start))
        pieces.append(character)
        starts.extend([start] * len(character))
        position = match.end()
    if not position:
        return None
    pieces.append(text[position:])
    starts.extend(range(position, len(text) + 1))
    return Layer("".join(pieces), starts)


def _character(match: re.Match[str]) -> str | None:
    kind, found = match.lastgroup, match[match.lastgroup or 0]
    if kind in ("percent", "hex", "unicode", "hexadecimal"):
        character = chr(int(found, 16))
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
