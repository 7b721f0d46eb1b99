"""Rewrites parts of a record's message where they came from: in the template or in an argument.

A finding in the rendered text that touches an argument replaces that argument, one in literal text edits the
template. So secrets that only formatting brings together are found, and formatters that unpack `args` still work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from seclog_handlers import rendering

Replacement = tuple[int, int, str]
Find = Callable[[str], Iterable[Replacement]]

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
MAX_ARGUMENT = 256
_PLAIN = frozenset({str, int, float, bool, type(None)})
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


class _Shown(NamedTuple):
    """A piece as rendered, and the arguments it used."""

    start: int
    end: int
    piece: Piece
    first: int


class Atoms(dict[str, Any]):
    """Mapping arguments as gunicorn's access log has them: a missing name is '-', header names in any case."""

    def __getitem__(self, key: str) -> Any:
        """Return the value, or '-' if there is none."""
        if type(key) is str and key.startswith("{"):
            key = key.lower()
        return dict.get(self, key, "-")

    def copy(self) -> Atoms:
        """Return a copy that answers in the same way."""
        return Atoms(self)


def asked_for(template: str, mapping: Any) -> dict[str, Any] | None:
    """Return what a template names of a mapping, which as a whole may have no end; None if it names nothing."""
    names = {piece.key for piece in _pieces(template) or () if piece.key is not None}
    found = {}
    for name in names:
        with suppress(Exception):  # what is not to be had is missing: the arguments do not fit the template then
            found[name] = mapping[name]
    return found if names else None


def rewrite(msg: Any, args: Any, find: Find) -> tuple[Any, Any]:
    """Replace what `find` finds in the message as it will be rendered.

    Args:
        msg: A template, or any other object.
        args: A tuple (its arity stays), a mapping (it stays one), or nothing.
        find: From the rendered text to (start, end, replacement), sorted, without overlaps.

    Returns:
        The new msg and args. If the template does not fit the arguments: the template with a note, and no arguments.
    """
    if type(msg) is not str:
        return (_inside(msg, find), args) if not _has_args(args) else rewrite(rendering.text(msg), args, find)
    if not _has_args(args):
        return applied(msg, find(msg)), args
    mapping = isinstance(args, dict)
    values = args if mapping or type(args) is tuple else (args,)
    try:
        pieces = _pieces(msg)
        if pieces is None:
            return _whole(msg, values, find)
        if mapping and _is_shown_whole(pieces):
            return _lone(pieces, msg, args, find)
        text, shown, values = _render(pieces, values)
    except Exception as error:
        note = f" [arguments withheld: {type(error).__name__}]"
        return applied(msg, find(msg)) + note, ()
    found = _with_arguments(text, shown, list(find(text)), find)
    if not found:
        return msg, values
    if mapping:
        return _in_mapping(text, shown, values, found)
    return _in_tuple(text, shown, values, found)


def _is_shown_whole(pieces: tuple[Piece, ...]) -> bool:
    """Tell whether a template shows a mapping as its one argument: `log.info("got %s", {"a": 1})`."""
    conversions = [piece for piece in pieces if piece.conversion]
    return len(conversions) == 1 and conversions[0].key is None and not conversions[0].stars


def _lone(pieces: tuple[Piece, ...], msg: str, args: Any, find: Find) -> tuple[Any, Any]:
    """Replace in a message that shows a mapping as its one argument; that stays one if nothing is found in it."""
    text, shown, values = _render(pieces, (args,))
    found = _with_arguments(text, shown, list(find(text)), find)
    if found:
        return _in_tuple(text, shown, values, found)
    return msg, args if values[0] is args else values


def _with_arguments(text: str, shown: list[_Shown], found: list[Replacement], find: Find) -> list[Replacement]:
    """Add the arguments that are secret as a whole by the name before them: where they end, the text does not say."""
    for item in shown:
        if not item.piece.named or not 0 < item.end - item.start <= MAX_ARGUMENT:
            continue
        value = text[item.start : item.end]
        if '"' in value or "\n" in value or any(start <= item.start and item.end <= end for start, end, _ in found):
            continue
        before = f'{item.piece.named}="'
        whole = [
            replacement
            for start, end, replacement in find(f'{before}{value}"')
            if start == len(before) and end == len(before) + len(value)
        ]
        if whole:
            found = [span for span in found if span[1] <= item.start or span[0] >= item.end]
            found = sorted([*found, (item.start, item.end, whole[0])])
    return found


def rendered(msg: Any, args: Any) -> str | None:
    """Return the message as `rewrite` renders it, where it would leave msg and args as they are if nothing is found.

    Args:
        msg: A template, or any other object.
        args: A tuple or mapping of strings, numbers, booleans and None.

    Returns:
        None where that is not certain at a glance: an odd template, or one that does not fit its arguments.
    """
    if type(msg) is not str or "*" in msg or type(args) is not tuple:
        return _rendered_mapping(msg, args) if type(msg) is str and isinstance(args, dict) else None
    try:
        return msg % args if _pieces(msg) is not None else None
    except Exception:
        return None


def _rendered_mapping(msg: str, args: dict[str, Any]) -> str | None:
    try:
        pieces = _pieces(msg)
        if pieces is None:
            return None
        if any(piece.conversion and piece.key is None for piece in pieces) and not _is_shown_whole(pieces):
            return None
        return msg % args
    except Exception:
        return None


def fitted(msg: Any, before: Any, after: Any) -> Any:
    """Return the template with `%s` where an argument that was a number has become text.

    Args:
        msg: A template, or any other object, which is returned as it is.
        before: The arguments that the template was written for.
        after: The same arguments, some of them replaced by text.
    """
    pieces = _pieces(msg) if type(msg) is str and before is not after else None
    if not pieces or not _has_args(before):
        return msg
    try:
        return "".join(_fitting(pieces, before, after))
    except Exception:
        return msg  # a template that does not fit its arguments: rewrite() says so


def _fitting(pieces: tuple[Piece, ...], before: Any, after: Any) -> Iterable[str]:
    index = 0
    for piece in pieces:
        at: Any = piece.key
        if piece.conversion and at is None:
            at = index + piece.stars
            index = at + 1
        if not piece.conversion:
            yield _literal(piece.text)
        elif type(after[at]) is str and type(before[at]) is not str:
            yield "%.0s" * piece.stars + ("%s" if piece.key is None else f"%({piece.key})s")
        else:
            yield piece.text


def applied(text: str, found: Iterable[Replacement]) -> str:
    """Return `text` with spans replaced."""
    parts, position = [], 0
    for start, end, replacement in found:
        parts += [text[position:start], replacement]
        position = end
    return "".join([*parts, text[position:]]) if parts else text


def _has_args(args: Any) -> bool:
    if args is None or args == ():
        return False
    return not (isinstance(args, dict) and not dict.__len__(args))


def _inside(value: Any, find: Find, depth: int = 12) -> Any:
    """Apply `find` to the texts inside a message that is no text."""
    kind = type(value)
    if kind is str:
        return applied(value, find(value))
    if kind in _PLAIN or not depth:
        return value if depth else "[WITHHELD: depth]"
    if kind is dict:
        return {
            (applied(key, find(key)) if type(key) is str else key): _inside(item, find, depth - 1)
            for key, item in value.items()
        }
    if kind in (list, tuple):
        return kind(_inside(item, find, depth - 1) for item in tuple(value))
    text = rendering.text(value)
    found = list(find(text))
    return applied(text, found) if found else value


_templates: dict[str, tuple[Piece, ...] | None] = {}


def _pieces(template: str) -> tuple[Piece, ...] | None:
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
    if template[position:]:
        pieces.append(Piece(template[position:]))
    return (
        None
        if any("%" in piece.text and not piece.conversion and piece.text != "%" for piece in pieces)
        else tuple(pieces)
    )


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


def _render(pieces: tuple[Piece, ...], values: Any) -> tuple[str, list[_Shown], Any]:
    """Render piece by piece; arguments that are no plain data are replaced by their text first."""
    safe: Any = values if isinstance(values, dict) else list(values)
    parts: list[str] = []
    shown: list[_Shown] = []
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
        shown.append(_Shown(position, position + len(part), piece, first))
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
    if kind not in _PLAIN and kind not in _CONTAINERS and written[-1] in "sra":
        return written[:-1].__add__("s") % rendering.text(value)
    return written % (value if kind in _PLAIN else rendering.argument(value),)


def _several(piece: Piece, values: list[Any], first: int) -> str:
    used = tuple(values[first : first + piece.stars + 1])
    if len(used) <= piece.stars:
        raise TypeError
    for star in used[:-1]:
        if type(star) is int and abs(star) > MAX_WIDTH:
            raise FieldWidthError
    return piece.text % (*used[:-1], rendering.argument(used[-1]))


def _whole(msg: str, values: Any, find: Find) -> tuple[str, Any]:
    """The template is odd: render it as a whole, within bounds, and keep no arguments apart."""
    text = rendering.filled(msg, values)
    return applied(text, find(text)), ()


def _cut_up(text: str, shown: list[_Shown], found: list[Replacement]) -> list[str | None]:
    """Return each piece's new text, or None where nothing in it was found."""
    result: list[str | None] = [None] * len(shown)
    first = 0
    for number, piece in enumerate(shown):
        while first < len(found) and found[first][1] <= piece.start:
            first += 1
        inner, at = [], first
        while at < len(found) and found[at][0] < piece.end:
            start, end, replacement = found[at]
            here = replacement if start >= piece.start else ""
            inner.append((max(start, piece.start) - piece.start, min(end, piece.end) - piece.start, here))
            at += 1
        if inner:
            result[number] = applied(text[piece.start : piece.end], inner)
    return result


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _in_tuple(text: str, shown: list[_Shown], values: tuple[Any, ...], found: list[Replacement]) -> tuple[str, Any]:
    template: list[str] = []
    changed = list(values)
    for new, item in zip(_cut_up(text, shown, found), shown, strict=True):
        piece = item.piece
        if not piece.conversion:
            template.append(_literal(piece.text if new is None else new))
        elif new is None:
            template.append(piece.text)
        else:
            changed[item.first + piece.stars] = new
            template.append("%.0s" * piece.stars + "%s")
    return "".join(template), tuple(changed)


def _in_mapping(text: str, shown: list[_Shown], values: dict[str, Any], found: list[Replacement]) -> tuple[str, Any]:
    changed = values.copy()
    keys = [item.piece.key for item in shown if item.piece.conversion]
    parts = _cut_up(text, shown, found)
    if any(
        new is not None and keys.count(item.piece.key) > 1
        for new, item in zip(parts, shown, strict=True)
        if item.piece.key
    ):
        # One value shown twice and censored in one place only: the text is fixed, the mapping stays one.
        for new, item in zip(parts, shown, strict=True):
            if new is not None and item.piece.key is not None:
                changed[item.piece.key] = new
        return _literal(applied(text, found)), changed
    template: list[str] = []
    for new, item in zip(parts, shown, strict=True):
        piece = item.piece
        if not piece.conversion:
            template.append(_literal(piece.text if new is None else new))
        elif new is None or piece.key is None:
            template.append(piece.text)
        else:
            changed[piece.key] = new
            template.append(f"%({piece.key})s")
    return "".join(template), changed
