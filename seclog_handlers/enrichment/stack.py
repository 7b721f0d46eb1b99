"""Tracebacks in Python's own text form, at a price that a log line can afford; fingerprints to group them by.

The stdlib's TracebackException costs 170 us for 12 frames, most of it for carets; a stack that was shown before
costs 2, one of remembered frames 5.
"""

from __future__ import annotations

import builtins
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

from seclog_handlers import rendering
from seclog_handlers.enrichment._frames import (
    HEADER,
    MAX_FRAMES,
    MAX_SOURCE,
    Known,
    Piece,
    cut,
    of_code,
    stack,
    together,
    with_source,
    without_source,
)

if TYPE_CHECKING:
    from types import TracebackType

MAX_CHARS = 8192
# Of one exception's own text, and of one note.
MAX_TEXT = 2048
MAX_NOTES = 20
# Exceptions in one text: causes, contexts and members of groups.
MAX_EXCEPTIONS = 40
# As the stdlib has them.
MAX_GROUP_WIDTH = 15
MAX_GROUP_DEPTH = 10

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"

# Python 3.10 has no groups.
_GROUP: tuple[type[BaseException], ...] = (
    (builtins.BaseExceptionGroup,) if hasattr(builtins, "BaseExceptionGroup") else ()
)

# Exceptions that show their arguments with these run whatever the arguments do.
_SHOWS_ARGS: frozenset[Any] = frozenset({BaseException.__str__, KeyError.__str__})
_args_of = BaseException.__dict__["args"].__get__
# What Python's own errors of the system show before their arguments.
_errno_of, _filename_of = OSError.__dict__["errno"].__get__, OSError.__dict__["filename"].__get__
_SHOWS_ONE_TEXT, _SHOWS_SYSTEM = BaseException.__str__, OSError.__str__

_Link = tuple[BaseException, "TracebackType | None", str]


def format_exception(exc_info: Any) -> str:
    """Return the text that Python prints for an exception, without carets and without values of variables.

    Causes, contexts, notes and groups are there. Of more than 50 frames the middle is left out, as are the
    middle lines of a text over 8,192 characters; a line says so.

    Args:
        exc_info: An exception, or (type, exception, traceback) as `sys.exc_info()` has it.

    Returns:
        The text, without a newline at its end; empty if there is no exception. An exception that cannot show
        itself is shown as far as it goes: nothing is raised that is an Exception.
    """
    return "".join(text for text, _ in exception_pieces(exc_info))


def exception_pieces(exc_info: Any, *, source: bool = True) -> list[Piece]:
    """Return the text of `format_exception` in pieces, each with the texts that come from the code alone.

    A stack is such a piece, of its header and its frames, the same object each time; only the exceptions' messages
    differ. So whoever scans the text may remember what each frame gave, and each stack. Pieces begin and end with
    lines of their own.

    Args:
        exc_info: As for `format_exception`.
        source: Whether to show the lines of source code.
    """
    error, trace = _exception(exc_info)
    if error is None:
        return []
    known = with_source if source else without_source
    try:
        said = _plain_text(error)
        if said:
            pieces = [*stack(trace, known), (f"{_type_name(error)}: {said}\n", ())]
        else:
            writer = _Writer(known)
            writer.chain(error, trace, 0)
            pieces = writer.pieces()
    except Exception as failure:
        pieces = [(f"{HEADER}  ... not available: {type(failure).__name__} ...\n{_final_line(error)}", ())]
    if sum([len(text) for text, _ in pieces]) > MAX_CHARS:
        pieces = _bounded(pieces)
    text, parts = pieces[-1]
    if text.endswith("\n"):
        pieces[-1] = text[:-1], (*parts[:-1], parts[-1].removesuffix("\n")) if parts else ()
    return pieces


def fingerprint(exc_info: Any) -> str:
    """Return 16 hex digits that are the same for exceptions of one kind from one place in the code.

    They come from the types along the chain and, for each frame, the last two parts of the file's path and
    the function. Messages, line numbers and the installation's folder do not count: a release that moves
    lines, another host, or the next user's name in the message is still the same problem. Repeated frames
    count once.
    """
    error, trace = _exception(exc_info)
    parts: list[str] = []
    try:
        for link, frames, _ in _links(error, trace) if error is not None else ():
            parts += (_type_name(link), *_places(frames))
    except Exception:
        parts.append("not available")
    return blake2b("\n".join(parts).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _places(trace: TracebackType | None) -> list[str]:
    places: list[str] = []
    while trace is not None and len(places) < MAX_FRAMES:
        code = trace.tb_frame.f_code
        place = "/".join(code.co_filename.replace("\\", "/").rsplit("/", 2)[-2:]) + " " + code.co_name
        if not places or places[-1] != place:
            places.append(place)
        trace = trace.tb_next
    return places


def _exception(exc_info: Any) -> tuple[BaseException | None, TracebackType | None]:
    if type(exc_info) is tuple and len(exc_info) == 3:  # noqa: PLR2004 - type, value, traceback
        _, error, trace = exc_info
    else:
        error, trace = exc_info, getattr(exc_info, "__traceback__", None)
    return (error, trace) if issubclass(type(error), BaseException) else (None, None)


def _links(error: BaseException, trace: TracebackType | None) -> list[_Link]:
    """Return the chain from the newest to the oldest; each with what stands between it and the older one."""
    links: list[_Link] = []
    seen: set[int] = set()
    while len(links) < MAX_EXCEPTIONS:
        seen.add(id(error))
        cause, context = error.__cause__, error.__context__
        older, between = (cause, _CAUSE) if cause is not None else (context, _CONTEXT)
        if cause is None and error.__suppress_context__:
            older = None
        if older is None or id(older) in seen:
            links.append((error, trace, ""))
            break
        links.append((error, trace, between))
        error, trace = older, older.__traceback__
    return links


class _Writer:
    """Writes one exception with all that hangs on it, in pieces.

    Args:
        known: What is remembered, with source lines or without.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._pieces: list[Piece] = []
        # What does not come from the code alone, since the last frame.
        self.lines: list[str] = []
        self._left = MAX_EXCEPTIONS
        self._open = False

    def pieces(self) -> list[Piece]:
        """Return what was written."""
        if self.lines:
            self._pieces.append(("".join(self.lines), ()))
            self.lines = []
        return self._pieces

    def chain(self, error: BaseException, trace: TracebackType | None, column: int) -> None:
        """Write an exception behind its causes; `column` is where the group's line stands, 0 for none."""
        margin = " " * column + "| " if column else ""
        for link, frames, between in reversed(_links(error, trace)):
            self._write(between, margin)
            if self._left <= 0:
                self._write("... more exceptions left out ...\n", margin)
                return
            self._left -= 1
            if _GROUP and isinstance(link, _GROUP):
                self._group(link, frames, column)
            elif margin:
                self._write("".join((*self._texts(frames), *self._own_lines(link))), margin)
            else:
                self._plain(stack(frames, self._known), self._own_lines(link))

    def _texts(self, trace: TracebackType | None) -> list[str]:
        return [text for text, _ in stack(trace, self._known)]

    def _own_lines(self, error: BaseException) -> list[str]:
        return _own_lines(error, source=self._known.source)

    def _plain(self, frames: list[Piece], own: list[str]) -> None:
        if frames:
            self.pieces().extend(frames)
        self.lines += own

    def _write(self, text: str, margin: str) -> None:
        if not margin:
            self.lines += [text] if text else []
        else:
            self.lines += [margin + line for line in text.splitlines(keepends=True)]

    def _group(self, group: Any, trace: TracebackType | None, column: int) -> None:
        inner = column or 2
        if inner > 2 * MAX_GROUP_DEPTH:
            self._write(f"... (max_group_depth is {MAX_GROUP_DEPTH})\n", " " * inner + "| ")
            return
        frames = self._texts(trace)
        start = len(self.lines)
        title = "Exception Group " if frames else ""
        self._write("".join((title, *frames, *self._own_lines(group))), " " * inner + "| ")
        if not column and frames:
            self.lines[start] = self.lines[start].replace("|", "+", 1)
        members = group.exceptions
        if type(members) is not tuple:  # a subclass with its own idea, which may have no end
            members = tuple(islice(members, MAX_GROUP_WIDTH))
        self._members(members, inner)

    def _members(self, members: tuple[BaseException, ...], column: int) -> None:
        dashes, corner = "-" * 16, " " * column + "+-"
        self._open = True
        for number, member in enumerate(members[:MAX_GROUP_WIDTH], 1):
            self.lines.append(f"{corner}+{dashes} {number} {dashes}\n")
            corner = " " * column + "  "
            self._open = True
            self.chain(member, member.__traceback__, column + 2)
        hidden = len(members) - MAX_GROUP_WIDTH
        if hidden > 0:
            self.lines.append(f"{corner}+{dashes} ... {dashes}\n")
            self._write(f"and {hidden} more exception{'s' * (hidden > 1)}\n", corner + "| ")
            self._open = True
        if self._open:
            self.lines.append(f"{corner}+{'-' * 36}\n")
            self._open = False


def _own_lines(error: BaseException, *, source: bool) -> list[str]:
    """Return the exception's last line, and its notes."""
    lines = _syntax_lines(error, source=source) if isinstance(error, SyntaxError) else [_final_line(error)]
    notes = getattr(error, "__notes__", None)
    if type(notes) is list or type(notes) is tuple:
        lines += [_said(note, "note") + "\n" for note in notes[:MAX_NOTES]]
    elif notes is not None:
        lines.append(_said(notes, "note") + "\n")
    return lines


def _syntax_lines(error: SyntaxError, *, source: bool) -> list[str]:
    if error.lineno is None:
        return [_final_line(error)]
    filename = "<string>" if error.filename is None else _said(error.filename, "filename")
    lines = [f'  File "{filename}", line {_said(error.lineno, "line")}\n']
    if error.text is not None and source:
        lines.append(f"    {cut(_said(error.text, 'source').strip(), MAX_SOURCE)}\n")
    detail = "<no detail available>" if error.msg is None else _said(error.msg, "exception")
    return [*lines, f"{_type_name(error)}: {detail}\n"]


def _final_line(error: BaseException) -> str:
    text = _said(error, "exception")
    return f"{_type_name(error)}: {text}\n" if text else f"{_type_name(error)}\n"


def _type_name(error: BaseException) -> str:
    kind = type(error)
    try:
        module, name = kind.__module__, kind.__qualname__
        return name if module in ("builtins", "__main__") else f"{module}.{name}"
    except Exception:
        return "<unknown>"


def _plain_text(error: BaseException) -> str:
    """Return the text of most exceptions: one short text, nothing chained to it; "" for the others.

    These cost a third of the writer that all can be left to.
    """
    try:
        shows, args = type(error).__str__, _args_of(error)
        if shows is not _SHOWS_ONE_TEXT and not (
            shows is _SHOWS_SYSTEM and _errno_of(error) is None and _filename_of(error) is None
        ):
            return ""
        if len(args) != 1 or type(args[0]) is not str or len(args[0]) > MAX_TEXT:
            return ""
        if error.__cause__ is not None or not (error.__context__ is None or error.__suppress_context__):
            return ""
        return args[0] if getattr(error, "__notes__", None) is None else ""
    except Exception:  # a class with its own ideas
        return ""


def _said(value: Any, what: str) -> str:
    if type(value) is str:
        return cut(value, MAX_TEXT)
    try:
        if not issubclass(type(value), BaseException):
            return cut(rendering.text(value, 2 * MAX_TEXT), MAX_TEXT)
        if type(value).__str__ in _SHOWS_ARGS:
            args = _args_of(value)
            args = args[0] if len(args) == 1 else args
            if type(args) is not str and not _is_harmless(args):
                # What may be endless, or take a second: only bounded text is made of it.
                return cut(rendering.text(args, 2 * MAX_TEXT), MAX_TEXT)
        elif (endless := rendering.endless_part(value)) is not None:
            return cut(rendering.text(endless, 2 * MAX_TEXT), MAX_TEXT)
        return cut(str(value), MAX_TEXT)
    except Exception:
        return f"<{what} str() failed>"


def _is_harmless(args: Any) -> bool:
    return rendering.is_bounded((args,), rendering.SMALL) and rendering.is_exact((args,))


def _bounded(pieces: list[Piece]) -> list[Piece]:
    """Return the first and last of the pieces, as far as they fit; of messages, their first and last lines."""
    parts: list[Piece] = []
    for text, frames in pieces:
        if frames:
            parts += map(of_code, frames)
        else:
            parts += [(line + "\n", ()) for line in text.removesuffix("\n").split("\n")]
    head, tail = _fitting(parts), _fitting(parts[::-1])
    hidden = sum(text.count("\n") for text, _ in parts[head:-tail])
    between = f"  ... {hidden} lines left out ...\n"
    return together([*parts[:head], (between, ()), *parts[-tail:]])


def _fitting(parts: list[Piece]) -> int:
    """Return how many of the first parts fit in half the space, at least one."""
    room = MAX_CHARS // 2
    for count, (text, _) in enumerate(parts):
        room -= len(text)
        if room < 0:
            return max(count, 1)
    return len(parts)
