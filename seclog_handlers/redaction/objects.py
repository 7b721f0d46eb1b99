"""Objects as arguments of a message: as logging shows them, without their secrets.

`%s` asks an object for its text and `%r` for its repr, and that is what is read. What is in it is judged by its
structure as well, since a repr may show a secret that no text gives away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from seclog_handlers import rendering
from seclog_handlers._template import literal, pieces_of
from seclog_handlers.redaction.censor import Censor
from seclog_handlers.redaction.echoes import taken_out
from seclog_handlers.redaction.tree import UNTOUCHED, Walk

# Data and its containers: they are shown as what the walk makes of them.
_DATA = (str, int, float, bytes, bytearray, dict, list, set, frozenset, deque, PurePath)
_AS_TEXT = "sra"


def is_object(value: Any) -> bool:
    """Tell whether a value is neither data nor a container of any."""
    kind = type(value)
    return kind is not tuple and kind not in UNTOUCHED and not issubclass(kind, _DATA)


def as_logged(msg: str, args: Sequence[Any], walk: Walk, censor: Censor) -> tuple[str, tuple[Any, ...]]:
    """Return a template and its arguments without their secrets, objects as the text that the template asks for.

    Args:
        msg: The template.
        args: Its arguments.
        walk: Takes secrets out of values.
        censor: What stands in a secret's place.
    """
    pieces = pieces_of(msg)
    if pieces is None or any(piece.stars or piece.key is not None for piece in pieces):
        return msg, tuple([walk.value(arg, None) for arg in args])
    written: list[str] = []
    shown: list[Any] = []
    for piece in pieces:
        text = piece.text if piece.conversion else literal(piece.text)
        if piece.conversion and len(shown) < len(args):
            arg = args[len(shown)]
            said = _said(arg, text[-1], walk, censor) if text[-1] in _AS_TEXT and is_object(arg) else None
            if said is None:
                shown.append(walk.value(arg, None))
            else:
                shown.append(said)
                text = text[:-1] + "s"
        written.append(text)
    return "".join(written), (*shown, *[walk.value(arg, None) for arg in args[len(shown) :]])


def _said(value: Any, conversion: str, walk: Walk, censor: Censor) -> str | None:
    """Return what a conversion shows of an object, without its secrets; None unless each of them is seen to be gone.

    A repr may show a secret in another way than it is held: escaped, cut, in capitals.
    """
    said = f"%{conversion}" % (rendering.argument(value),)
    text = str(walk.value(said, None))
    held = rendering.plain(value)
    if type(held) not in (dict, list):
        return text
    hidden = taken_out(held, walk.value(held, None), censor)
    return text if hidden is not None and all(_is_gone(secret, said, text) for secret in hidden) else None


def _is_gone(secret: str, said: str, text: str) -> bool:
    """Tell whether a secret is what was taken out of a text: it stood there, and stands there no more."""
    forms = (secret, repr(secret)[1:-1])
    return any(form in said for form in forms) and not any(form in text for form in forms)
