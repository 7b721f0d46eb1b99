"""Parses templates of messages into literals and conversions, and renders them piece by piece, within bounds."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from seclog_handlers import rendering

# Wider fields are an attack on memory, not a layout.
MAX_WIDTH = 4096
MAX_TEMPLATES = 1024
MAX_TEMPLATE = 2048
# What is longer, has more parts or becomes longer is an attack on memory or time.
MAX_FILLED = 65_536
MAX_PIECES = 2_000
MAX_OUTPUT = 1_048_576

_CONVERSION = re.compile(
    r"%(?:\((?P<key>[^()]{0,256})\))?(?P<flags>[#0\- +]{0,8})(?P<width>\*|\d{0,9})(?:\.(?P<precision>\*"
    r"|\d{0,9}))?[hlL]?"
    r"(?P<type>[diouxXeEfFgGcrsa%])",
)
# A name that may be a secret's, right before an argument: its value is the whole argument, spaces and all.
_NAMED = re.compile(
    r"(?P<assigned>(?:pass|pwd|pw|secret|token|key|pin|credentials?)[\w-]{0,16})[ ]?[=:][ ]?$"
    r"|\b(?P<said>password|passwd|passphrase|pwd|passwort)(?:[ ](?:for|of)[ ][^%\n]{0,16}%(?:\(\w{1,16}\))?s)?"
    r"(?:[ ](?:is|was))?[ ]?[:= ][ ]?$",
    re.IGNORECASE,
)
MAX_NAME = 80
# What may stand in a name before the part that makes it a secret's: looked for backwards, since a search for it would
# begin at each character.
MAX_BEFORE = 32
PLAIN = frozenset({str, int, float, bool, type(None)})
_CONTAINERS = frozenset({dict, list, tuple, set, frozenset, bytes})


class FieldWidthError(ValueError):
    """A template asks for a field wider than any line."""


class TemplateSizeError(ValueError):
    """A template with arguments is longer, or makes a longer text, than any message."""


class Piece(NamedTuple):
    """A part of a template: literal text, or one conversion."""

    text: str  # the literal, or the whole conversion as written
    conversion: bool = False
    key: str | None = None
    stars: int = 0
    simple: bool = False  # exactly %s or %(key)s: shows the whole argument and nothing else
    named: str = ""  # what a simple one is called by the text before it: password=%s, password %s


class Shown(NamedTuple):
    """A piece as rendered, and the arguments it used."""

    start: int
    end: int
    piece: Piece
    first: int


_templates: dict[str, tuple[Piece, ...] | None] = {}


def pieces_of(template: str) -> tuple[Piece, ...] | None:
    """Return the pieces of a template, remembered; None if it is none that can be told at a glance.

    Raises:
        FieldWidthError: If it asks for a field wider than any line.
        TemplateSizeError: If it is longer, or has more conversions, than any message.
    """
    if template in _templates:
        return _templates[template]
    pieces = _parse(template)
    if len(template) <= MAX_TEMPLATE:
        if len(_templates) >= MAX_TEMPLATES:
            _templates.clear()
        _templates[template] = pieces
    return pieces


def _parse(template: str) -> tuple[Piece, ...] | None:
    """Split a template into literals and conversions; None if that is not plain."""
    if len(template) > MAX_FILLED:
        raise TemplateSizeError
    pieces: list[Piece] = []
    position = 0
    for match in _CONVERSION.finditer(template):
        if len(pieces) > MAX_PIECES:
            raise TemplateSizeError
        literal = template[position : match.start()]
        position = match.end()
        if "%" in literal:  # a conversion that is none
            return None
        if literal:
            pieces.append(Piece(literal))
        if match["type"] == "%":
            pieces.append(Piece("%"))
            continue
        stars = (match["width"] == "*") + (match["precision"] == "*")
        _check_width(match["width"], match["precision"])
        simple = match["type"] == "s" and not match["flags"] and not match["width"] and match["precision"] is None
        name = _name_before(template, match.start()) if simple else ""
        pieces.append(Piece(match[0], conversion=True, key=match["key"], stars=stars, simple=simple, named=name))
    if "%" in template[position:]:
        return None
    if template[position:]:
        pieces.append(Piece(template[position:]))
    return tuple(pieces)


def _name_before(template: str, end: int) -> str:
    """Return the name that may be a secret's and whose value is the argument at `end`; "" if there is none."""
    named = _NAMED.search(template, max(0, end - MAX_NAME), end)
    if named is None:
        return ""
    if named["said"]:
        return named["said"]
    first = start = named.start("assigned")
    while start and first - start < MAX_BEFORE and (template[start - 1].isalnum() or template[start - 1] in "_.-"):
        start -= 1
    return template[start : named.end("assigned")]


def _check_width(*written: str | None) -> None:
    for width in written:
        if width and width != "*" and int(width) > MAX_WIDTH:
            raise FieldWidthError


def render(pieces: tuple[Piece, ...], values: Any) -> tuple[str, list[Shown], Any]:
    """Render piece by piece; arguments that are no plain data are replaced by their text first.

    Returns:
        The text, where each piece stands in it, and the arguments.

    Raises:
        TypeError: If the arguments do not fit the template.
        TemplateSizeError: If the text becomes longer than any message.
    """
    safe: Any = values if isinstance(values, dict) else list(values)
    parts: list[str] = []
    shown: list[Shown] = []
    position = index = 0
    for piece in pieces:
        first = index
        if not piece.conversion:
            part = piece.text
        elif piece.key is not None:
            part = _one(piece, safe, piece.key)
        else:
            index += piece.stars + 1
            if isinstance(safe, dict) or index > len(safe):
                raise TypeError
            part = _several(piece, safe, first) if piece.stars else _one(piece, safe, first)
        parts.append(part)
        shown.append(Shown(position, position + len(part), piece, first))
        position += len(part)
        if position > MAX_OUTPUT:
            raise TemplateSizeError
    if not isinstance(safe, dict) and index != len(safe):
        raise TypeError
    return "".join(parts), shown, safe if isinstance(safe, dict) else tuple(safe)


def _one(piece: Piece, values: Any, at: Any) -> str:
    value = values[at]
    kind = type(value)
    if kind is str and piece.simple:
        text: str = value
        return text
    written = piece.text if piece.key is None else "%" + piece.text[piece.text.index(")") + 1 :]
    if kind not in PLAIN and kind not in _CONTAINERS and written[-1] in "sra":
        return written[:-1].__add__("s") % rendering.text(value)
    return written % (value if kind in PLAIN else rendering.argument(value),)


def _several(piece: Piece, values: list[Any], first: int) -> str:
    used = tuple(values[first : first + piece.stars + 1])
    if len(used) <= piece.stars:
        raise TypeError
    for star in used[:-1]:
        if type(star) is int and abs(star) > MAX_WIDTH:
            raise FieldWidthError
    return piece.text % (*used[:-1], rendering.argument(used[-1]))


def is_shown_whole(pieces: tuple[Piece, ...]) -> bool:
    """Tell whether a template shows a mapping as its one argument: `log.info("got %s", {"a": 1})`."""
    conversions = [piece for piece in pieces if piece.conversion]
    return len(conversions) == 1 and conversions[0].key is None and not conversions[0].stars


def literal(text: str) -> str:
    """Return a text as a template that shows it."""
    return text.replace("%", "%%")
