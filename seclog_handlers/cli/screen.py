"""Printing for people: plain text that is good by itself, styled by rich on a terminal that wants it."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import Any, TextIO

WIDTH = 110


class Screen:
    """Lines for a person. Styles appear only on a terminal, with rich installed and NO_COLOR unset.

    Args:
        stream: Where to print; stdout by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._console = _console(self._stream)

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line; a character that a terminal would obey, or the stream cannot write, is escaped."""
        safe = visible(text, self._stream)
        if self._console is None:
            self._stream.write(safe + "\n")
        else:
            self._console.print(safe, style=style, markup=False, highlight=False, soft_wrap=True)

    def paragraph(self, label: str, text: str, indent: int = 3) -> None:
        """Print `label text`, wrapped, with the following lines under the first word of the text."""
        head = " " * indent + f"{label:<9}"
        for line in textwrap.wrap(
            text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False,
            break_on_hyphens=False,
        ):  # fmt: skip
            self.line(line)

    def block(self, label: str, text: str, style: str = "", indent: int = 3) -> None:
        """Print `label`, then every line of `text` under it, unwrapped: what is really one line stays one."""
        for number, line in enumerate(text.split("\n")):
            self.line(" " * indent + f"{label if number == 0 else '':<9}" + line, style)

    def flush(self) -> None:
        """Show what has been printed so far."""
        self._stream.flush()


def visible(text: str, stream: TextIO) -> str:
    """Return `text` with control characters shown as escapes and in what the stream's encoding can write."""
    from seclog_handlers.rendering import one_line  # noqa: PLC0415 - not needed to parse a command line

    encoding = getattr(stream, "encoding", None) or "utf-8"
    return one_line(text).encode(encoding, "backslashreplace").decode(encoding)


def plural(count: int, noun: str) -> str:
    """Return '1 finding', '2 findings'."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _console(stream: TextIO) -> Any:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return None
    try:
        from rich.console import Console  # noqa: PLC0415 - optional, and 40 ms
    except ImportError:
        return None
    return Console(file=stream)
