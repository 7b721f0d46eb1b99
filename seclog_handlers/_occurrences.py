"""Where a text shows given raw values, whatever the case and the usual escapes; linear in the text."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from seclog_handlers import rendering

Pairs = Sequence[tuple[str, str]]
Span = tuple[int, int, str]

MIN_LENGTH = 3
# Deeper containers are withheld: redaction has withheld them before.
MAX_DEPTH = 16
# Larger integers are no identity.
BEYOND = 10**40
WITHHELD = "[WITHHELD]"
CACHE_SIZE = 4096
# Of what is remembered; its forms are many times as long.
MAX_KNOWN = 256

_TOKEN = re.compile(r"(?:usr|eml|ses|dev|ip)_k[A-Za-z0-9]{1,16}_[0-9a-f]{32}")
# What an address token has in front: `203.0.113.0/24_`, `2001:db8::/48_`.
_NETWORK = re.compile(r"[0-9a-f.:]{2,39}/[0-9]{1,3}_\Z")
_NETWORK_LENGTH = 44

# Texts that percent-encoding and JSON leave as they are.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
_ODD = frozenset("\"'\\ &<>")
_QUOTED = {ord(sign): quote(sign, safe="") for sign in map(chr, range(33, 127))}
_QUOTED_BUT_SLASH = {**_QUOTED, ord("/"): "/"}
_QUOTED_BUT_AT = {**_QUOTED, ord("@"): "@"}

# ASCII as East Asian keyboards write it: NFKC takes both for the same.
_WIDE = re.compile(r"[\uff01-\uff5e]")
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}

# An escape ends in a letter or digit that is no part of the word behind it: %3D, \n, \u0022, ESC[31m.
_ESCAPE = re.compile(
    r"(?:%[0-9a-fA-F]{2}|\\[nrtbfv]|\\x[0-7][0-9a-fA-F]|\\u00[0-7][0-9a-fA-F]|\x1b\[[0-9;]{0,8}m)\Z",
)
_ESCAPE_LENGTH = 12


class Search:
    """Raw values and what stands for each, to be looked for in the texts of one record.

    Word-bounded, in any case, also percent-encoded and escaped as in JSON. The leftmost wins, then the longest. Raw
    values under 3 characters are not looked for; what stands inside a pseudonym token is left alone, so that a
    second pass finds nothing.

    Args:
        pairs: (raw value, what is shown instead).
    """

    __slots__ = ("_needles", "pairs")

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self._needles = [(needle, replacement) for raw, replacement in pairs for needle in needles(raw)]

    def spans(self, text: str) -> list[Span]:
        """Return (start, end, replacement) of the occurrences, in order, without overlap."""
        lowered = text.lower() if text.isascii() else _lower(text)
        found: list[Span] = []
        for needle, replacement in self._needles:
            if needle in lowered:
                found.extend((at, at + len(needle), replacement) for at in _hits(text, lowered, needle))
        return _without_overlap(found, text) if found else found

    def replace(self, text: str) -> str:
        """Return `text` with the occurrences replaced."""
        found = self.spans(text)
        if not found:
            return text
        parts: list[str] = []
        end = 0
        for start, stop, replacement in found:
            parts += (text[end:start], replacement)
            end = stop
        parts.append(text[end:])
        return "".join(parts)

    def inside(self, value: Any, depth: int = MAX_DEPTH) -> Any:
        """Return `value`, of any kind, with the occurrences replaced in new containers."""
        kind = type(value)
        if kind is str:
            return self.replace(value)
        if kind is int:
            return self._number(value)
        if kind is float or kind is bool or value is None:
            return value
        if not depth:
            return WITHHELD
        if kind is list or kind is tuple:
            return kind([self.inside(item, depth - 1) for item in tuple(value)])  # it may grow when it is shown
        if isinstance(value, dict):
            copy = {} if kind is dict else value.copy()
            for key, item in dict.items(value):
                copy.pop(key, None)
                name = self.replace(key) if type(key) is str else key
                copy[name] = self.inside(item, depth - 1)
            return copy
        text = rendering.text(value)
        replaced = self.replace(text)
        return value if replaced == text else replaced

    def _number(self, value: int) -> Any:
        if -BEYOND < value < BEYOND:
            text = str(value)
            for raw, token in self.pairs:
                if raw == text:
                    return token
        return value


def may_show(text: str, needles: Iterable[str]) -> bool:
    """Tell whether a text, which may be many in one, may show one of the `needles`; False is certain."""
    lowered = text.lower()
    if len(lowered) != len(text) or not (text.isascii() or _WIDE.search(text) is None):
        return True  # it has a character that is lowered in another way
    for needle in needles:  # noqa: SIM110 - any() would cost as much as all else
        if needle in lowered:
            return True
    return False


def _lower(text: str) -> str:
    """Return `text` in lower case, full-width letters as others, character by character, so that positions stay."""
    if not text.isascii() and _WIDE.search(text):
        text = text.translate(_NARROW)
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join([low if len(low := char.lower()) == 1 else char for char in text])


def needles(raw: str) -> tuple[str, ...]:
    """Return the forms under which a text may show `raw`, in lower case; none for what is too short."""
    if len(raw) < MIN_LENGTH:
        return ()
    if _PLAIN.fullmatch(raw):
        return (raw.lower(),)
    return _known_forms(raw) if len(raw) <= MAX_KNOWN else _forms(raw)


@lru_cache(CACHE_SIZE)
def _known_forms(raw: str) -> tuple[str, ...]:
    return _forms(raw)


def _forms(raw: str) -> tuple[str, ...]:
    forms = [raw]
    if not raw.isascii():
        forms += (unicodedata.normalize("NFC", raw), unicodedata.normalize("NFD", raw))
    forms += [escaped for form in forms for escaped in _escaped(form)]
    return tuple(dict.fromkeys(map(_lower, forms)))


def _escaped(raw: str) -> tuple[str, ...]:
    if raw.isascii() and raw.isprintable() and _ODD.isdisjoint(raw):
        # As below, for a tenth of the price: with e-mail addresses and session ids it is paid for each new one.
        return raw.translate(_QUOTED), raw.translate(_QUOTED_BUT_SLASH), raw.translate(_QUOTED_BUT_AT)
    encoded = raw.encode("utf-8", "surrogatepass")
    return (
        quote(encoded, safe=""), quote(encoded), quote_plus(encoded), quote_plus(encoded, safe="@"),
        json.dumps(raw)[1:-1], json.dumps(json.dumps(raw)[1:-1])[1:-1], json.dumps(raw, ensure_ascii=False)[1:-1],
        html.escape(raw), html.escape(raw, quote=False), html.escape(raw).replace("&#x27;", "&#39;"),
    )  # fmt: skip


def _hits(text: str, lowered: str, needle: str) -> Iterator[int]:
    at = lowered.find(needle)
    while at >= 0:
        if not _in_word(text, at, at + len(needle)):
            yield at
        at = lowered.find(needle, at + 1)


def _in_word(text: str, start: int, end: int) -> bool:
    """Tell whether a letter, digit or `_` touches text[start:end]."""
    if end < len(text) and ((after := text[end]) == "_" or after.isalnum()):
        return True
    if not start or not ((before := text[start - 1]) == "_" or before.isalnum()):
        return False
    return not _ESCAPE.search(text[max(0, start - _ESCAPE_LENGTH) : start])


def _without_overlap(found: list[Span], text: str) -> list[Span]:
    found.sort(key=_leftmost_longest)
    tokens = _tokens(text)
    kept: list[Span] = []
    end = at = 0
    for span in found:
        while at < len(tokens) and tokens[at][1] <= span[0]:
            at += 1
        inside = at < len(tokens) and tokens[at][0] < span[1]
        if span[0] >= end and not inside:
            kept.append(span)
            end = span[1]
    return kept


def _leftmost_longest(span: Span) -> tuple[int, int]:
    return span[0], -span[1]


def _tokens(text: str) -> list[tuple[int, int]]:
    """Return where the tokens stand that an earlier pass wrote."""
    if "_k" not in text:
        return []
    return [(_network_start(text, match.start()), match.end()) for match in _TOKEN.finditer(text)]


def _network_start(text: str, start: int) -> int:
    if not text.startswith("ip_k", start) or text[start - 1 : start] != "_":
        return start
    network = _NETWORK.search(text[max(0, start - _NETWORK_LENGTH) : start])
    return start - len(network.group()) if network else start
