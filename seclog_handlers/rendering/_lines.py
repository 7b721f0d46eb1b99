"""Characters that break a line, move a cursor or reorder text, made visible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# C0, DEL, C1 (NEL and CSI among them), LS, PS, bidi marks, embeddings, overrides and isolates, invisible
# spaces and operators, interlinear marks, tag characters, lone surrogates. The joiners U+200C and U+200D
# stay: scripts and emoji need them, and they neither break nor reorder a line.
_UNSAFE = re.compile(
    "([\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f])",
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def one_line(text: str) -> str:
    r"""Return `text` as one line that shows what it contains: a line feed becomes `\n`, ESC `\x1b`.

    Args:
        text: Any str, lone surrogates included.
    """
    return text if text.isprintable() else _escaped(text, _visible)


def seal_json(line: str) -> str:
    r"""Return JSON text with those characters escaped that JSON allows raw but terminals and readers heed.

    The parsed value does not change: `\u2028` in a JSON string is U+2028.
    """
    return line if line.isascii() and "\x7f" not in line else _escaped(line, _json)


class _Escapes(dict[str, str]):
    """Character -> escape, worked out once each; there are some 2,400 of them."""

    def __init__(self, escape: Callable[[int], str], known: dict[str, str]) -> None:
        super().__init__(known)
        self._escape = escape

    def __missing__(self, character: str) -> str:
        self[character] = found = self._escape(ord(character))
        return found


def _escaped(text: str, escapes: _Escapes) -> str:
    # Not re.sub with a function: a quarter of a million control characters would take five times as long.
    parts = _UNSAFE.split(text)
    parts[1::2] = map(escapes.__getitem__, parts[1::2])
    return "".join(parts)


def _visible_escape(code: int) -> str:
    if code < 0x100:  # noqa: PLR2004 - the range of \x escapes
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - the range of \u escapes


def _json_escape(code: int) -> str:
    if code < 0x10000:  # noqa: PLR2004 - the basic plane
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


_visible = _Escapes(_visible_escape, _SHORT)
_json = _Escapes(_json_escape, {})
