"""Stacks as text: frames and whole stacks are remembered, since a program has few places that raise."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType

MAX_FRAMES = 50
# Of one source line, of a file's path, and of a function's name.
MAX_SOURCE = 200
MAX_NAME = 512
# As the stdlib has it.
MAX_REPEATS = 3

MAX_REMEMBERED = 4096
# Whole stacks that are remembered, and frames of one.
MAX_STACKS = 256
MAX_DEPTH = 64

HEADER = "Traceback (most recent call last):\n"

# A part of the text; if it comes from the code alone, the texts that it consists of: header and frames.
Piece = tuple[str, tuple[str, ...]]

# (file, line, function), and the hash of the code -> the frame's lines: another code may come under the same names.
_Place = tuple[str, int, str]
_Frames = dict[tuple[_Place, int], str]
# The codes' numbers and the places in them -> the stack's text, and the codes: as long as they are kept, nothing else
# has their numbers.
_Stacks = dict[tuple[int, ...], tuple[list[Piece], "list[CodeType]"]]


class Known:
    """What was shown before, which costs a look-up from then on: the program's code does not change.

    Args:
        source: Whether source lines are shown.
    """

    def __init__(self, *, source: bool) -> None:
        self.source = source
        self.frames: _Frames = {}
        self.stacks: _Stacks = {}


with_source, without_source = Known(source=True), Known(source=False)


def stack(trace: TracebackType | None, known: Known) -> list[Piece]:
    """Return the header and the frames, or nothing for an exception that was never raised."""
    if trace is None:
        return []
    codes: list[CodeType] = []
    places: list[int] = []
    add_code, add_place = codes.append, places.append
    at: TracebackType | None = trace
    while at is not None:  # counted afterwards: what is deeper is walked again anyway
        add_code(at.tb_frame.f_code)
        add_place(at.tb_lasti)
        at = at.tb_next
    if len(codes) > MAX_DEPTH:
        return together(_new_stack(trace, known))
    key = (*map(id, codes), *places)
    found = known.stacks.get(key)
    if found is None:
        if len(known.stacks) >= MAX_STACKS:
            known.stacks.clear()
        found = known.stacks[key] = together(_new_stack(trace, known)), codes
    return found[0]


def _new_stack(trace: TracebackType | None, known: Known) -> list[Piece]:
    pieces: list[Piece] = [of_code(HEADER)]
    repeats = 0
    earlier: _Place | None = None
    while trace is not None:
        code = trace.tb_frame.f_code
        place = (code.co_filename, trace.tb_lineno, code.co_name)
        if place == earlier:
            repeats += 1
        else:
            if repeats:
                _repeat(pieces, repeats)
                repeats = 0
            earlier = place
            key = place, hash(code)
            pieces.append(of_code(known.frames.get(key) or _remember(key, trace.tb_frame, known)))
        trace = trace.tb_next
    if repeats:
        _repeat(pieces, repeats)
    hidden = len(pieces) - 1 - MAX_FRAMES
    if hidden > 0:
        half = MAX_FRAMES // 2
        pieces[1 + half : -half] = [of_code(f"  ... {hidden} frames left out ...\n")]
    return pieces


def of_code(text: str) -> Piece:
    """Return a piece that comes from the code alone."""
    return text, (text,)


def _repeat(pieces: list[Piece], repeats: int) -> None:
    """Write the last frame once more for each time that it came again, or how often that was."""
    pieces += pieces[-1:] * min(repeats, MAX_REPEATS - 1)
    more = repeats - MAX_REPEATS + 1
    if more > 0:
        pieces.append(of_code(f"  [Previous line repeated {more} more time{'s' * (more > 1)}]\n"))


def _remember(key: tuple[_Place, int], frame: FrameType, known: Known) -> str:
    filename, line, function = key[0]
    source = _source(filename, line, frame) if known.source else ""
    text = f'  File "{_end(filename)}", line {line}, in {_end(function)}\n'
    if source:
        text += f"    {cut(source, MAX_SOURCE)}\n"
    if len(known.frames) >= MAX_REMEMBERED:
        known.frames.clear()
    known.frames[key] = text
    return text


def _source(filename: str, line: int, frame: FrameType) -> str:
    try:
        linecache.checkcache(filename)
        return linecache.getline(filename, line, frame.f_globals).strip()
    except Exception:
        return ""  # a loader with its own ideas; the traceback goes without


def _end(name: str) -> str:
    """Return the end of a name that generated code made longer than any real one."""
    return name if len(name) <= MAX_NAME else "..." + name[-MAX_NAME:]


def together(parts: list[Piece]) -> list[Piece]:
    """Join what follows each other of messages, and of the code."""
    pieces: list[Piece] = []
    for text, frames in parts:
        if pieces and bool(frames) == bool(pieces[-1][1]):
            pieces[-1] = pieces[-1][0] + text, pieces[-1][1] + frames
        else:
            pieces.append((text, frames))
    return pieces


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, and no part of a word: half a secret is not recognised as one."""
    if len(text) <= limit:
        return text
    words = text[: limit + 1].rsplit(None, 1)
    kept = words[0] if len(words) > 1 else ""
    return f"{kept} ... {len(text) - len(kept)} characters left out ..."
