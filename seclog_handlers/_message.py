"""Rewrites parts of a record's message where they came from: in the template or in an argument.

A finding in the rendered text that touches an argument replaces that argument, one in literal text edits the
template. So secrets that only formatting brings together are found, and formatters that unpack `args` still work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from seclog_handlers import rendering
from seclog_handlers._template import PLAIN, Piece, Shown, is_shown_whole, literal, pieces_of, render

Replacement = tuple[int, int, str]
Find = Callable[[str], Iterable[Replacement]]
# Longer arguments end where the text says.
MAX_ARGUMENT = 256


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
    names = {piece.key for piece in pieces_of(template) or () if piece.key is not None}
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
        pieces = pieces_of(msg)
        if pieces is None:
            return _whole(msg, values, find)
        lone = mapping and is_shown_whole(pieces)
        text, shown, values = render(pieces, (args,) if lone else values)
    except Exception as error:
        note = f" [arguments withheld: {type(error).__name__}]"
        return applied(msg, find(msg)) + note, ()
    found = _with_arguments(text, shown, list(find(text)), find)
    if not found:
        return msg, args if lone and values[0] is args else values
    if mapping and not lone:
        return _in_mapping(text, shown, values, found)
    return _in_tuple(text, shown, values, found)


def _with_arguments(text: str, shown: list[Shown], found: list[Replacement], find: Find) -> list[Replacement]:
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
        return msg % args if pieces_of(msg) is not None else None
    except Exception:
        return None


def _rendered_mapping(msg: str, args: dict[str, Any]) -> str | None:
    try:
        pieces = pieces_of(msg)
        if pieces is None:
            return None
        if any(piece.conversion and piece.key is None for piece in pieces) and not is_shown_whole(pieces):
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
    pieces = pieces_of(msg) if type(msg) is str and before is not after else None
    if not pieces or not _has_args(before):
        return msg
    try:
        written, became = _fitting(pieces, before, after)
    except Exception:
        return msg  # a template that does not fit its arguments: rewrite() says so
    return "".join(written) if became else msg


def _fitting(pieces: tuple[Piece, ...], before: Any, after: Any) -> tuple[list[str], bool]:
    """Return the pieces as they are written for the new arguments, and whether any has become text."""
    written: list[str] = []
    index, became = 0, False
    for piece in pieces:
        at: Any = piece.key
        if piece.conversion and at is None:
            at = index + piece.stars
            index = at + 1
        if not piece.conversion:
            written.append(literal(piece.text))
        elif type(after[at]) is str and type(before[at]) is not str:
            written.append("%.0s" * piece.stars + ("%s" if piece.key is None else f"%({piece.key})s"))
            became = True
        else:
            written.append(piece.text)
    return written, became


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
    if kind in PLAIN or not depth:
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


def _whole(msg: str, values: Any, find: Find) -> tuple[str, Any]:
    """The template is odd: render it as a whole, within bounds, and keep no arguments apart."""
    text = rendering.filled(msg, values)
    return applied(text, find(text)), ()


def _cut_up(text: str, shown: list[Shown], found: list[Replacement]) -> list[str | None]:
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


def _in_tuple(text: str, shown: list[Shown], values: tuple[Any, ...], found: list[Replacement]) -> tuple[str, Any]:
    template: list[str] = []
    changed = list(values)
    for new, item in zip(_cut_up(text, shown, found), shown, strict=True):
        piece = item.piece
        if not piece.conversion:
            template.append(literal(piece.text if new is None else new))
        elif new is None:
            template.append(piece.text)
        else:
            changed[item.first + piece.stars] = new
            template.append("%.0s" * piece.stars + "%s")
    return "".join(template), tuple(changed)


def _in_mapping(text: str, shown: list[Shown], values: dict[str, Any], found: list[Replacement]) -> tuple[str, Any]:
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
        return literal(applied(text, found)), changed
    template: list[str] = []
    for new, item in zip(parts, shown, strict=True):
        piece = item.piece
        if not piece.conversion:
            template.append(literal(piece.text if new is None else new))
        elif new is None or piece.key is None:
            template.append(piece.text)
        else:
            changed[piece.key] = new
            template.append(f"%({piece.key})s")
    return "".join(template), changed
