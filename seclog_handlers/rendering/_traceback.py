"""An exception as Python prints it, whatever the exception does."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import Any

from seclog_handlers.rendering._budget import SMALL, is_bounded
from seclog_handlers.rendering._exceptions import ingredients
from seclog_handlers.rendering._strings import MAX_TEXT, clean, cut, mro, said, type_name

_MAX_FRAMES = 200  # the last ones: those that raised
_HEADER = "Traceback (most recent call last):"
_MAX_CHAIN = 20  # causes and contexts


def traceback_text(exc_info: Any) -> str:
    """Return the traceback with its header and chain, as the interpreter would print it; "" if there is none.

    Args:
        exc_info: What logging puts on a record, (type, value, traceback), or an exception.
    """
    error = exc_info[1] if type(exc_info) is tuple and len(exc_info) == 3 else exc_info  # noqa: PLR2004 - a triple
    if not _is_exception(error):
        return ""
    frames = exc_info[2] if type(exc_info) is tuple else error.__traceback__
    frames = frames if type(frames) is TracebackType else None
    try:
        chain = _chain_length(error) <= _MAX_CHAIN
        lines = traceback.format_exception(type(error), error, frames, limit=-_MAX_FRAMES, chain=chain)
        return clean(cut("".join(lines).rstrip("\n"), MAX_TEXT))
    except Exception:  # its own attributes fail: type and text are what is left
        return f"{_HEADER}\n  [not available]\n{type_name(type(error))}: {said(error)}"


def is_ordinary(exc_info: Any) -> bool:
    """Say whether printing an exception runs nothing but the text of its own class over small plain arguments.

    Otherwise it may take any time and memory: an argument's repr may have no end.
    """
    waiting = [exc_info[1] if type(exc_info) is tuple and len(exc_info) == 3 else exc_info]  # noqa: PLR2004 - a triple
    for error in islice(_pop(waiting), _MAX_CHAIN):
        if error is None or not _is_exception(error):
            continue
        try:
            notes = getattr(error, "__notes__", ())
            if not is_bounded(ingredients(error), SMALL) or not is_bounded((notes,), SMALL):
                return False
            waiting += [error.__cause__, error.__context__, *islice(getattr(error, "exceptions", ()), _MAX_CHAIN)]
        except Exception:
            return False
    return not waiting


def _pop(waiting: list[Any]) -> Iterator[Any]:
    while waiting:
        yield waiting.pop()


def _is_exception(value: Any) -> bool:
    return BaseException in mro(type(value))


def _chain_length(error: BaseException) -> int:
    length = 0
    following: BaseException | None = error
    while following is not None and length <= _MAX_CHAIN:
        following = following.__cause__ or following.__context__
        length += 1
    return length
