"""What the engine found clean it finds clean again if but the digits of plain numbers differ.

The sieve passes a line by its words. Programs also say, over and over, what only the engine can judge: `Failed password
for invalid user admin from 192.0.2.7 port 4711`. Which digits a number has matters to the engine in cards, phones and
ids alone, and its gate tells by a line where none of these can be. So one judgement serves for all lines that are
equal but for the digits of their numbers, addresses, times and UUIDs: a fifth of the price of another one.
"""

from __future__ import annotations

import re

from seclog_handlers.redaction import gate, layers

Key = tuple[str, bool, tuple[bytes, ...]]

MAX_KNOWN = 32_768
MAX_LINE = 1_024

# What may differ in length or letters, too: a time, an address, a process, a UUID, a key's fingerprint. Hexadecimal
# text is none of them: it may say something.
_VARYING = re.compile(
    r"[0-9](?<![\w.-].)(?:[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?Z?"
    r"|[0-9]{0,2}(?:\.[0-9]{1,3}){3}|[0-9]{0,6}(?=\]: ))(?![\w-]|\.[0-9])"
)
_UUID = re.compile(r"[0-9a-f](?<![\w.-].)[0-9a-f]{7}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-]|\.[0-9])")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}(?![\w+/=-])")
HYPHENS = 4
_DIGITS = bytes(ord("0") if chr(code).isdecimal() else code for code in range(128)) + b"x" * 128
_WORDS = bytes(code if chr(code).isalnum() or code == ord("_") else ord(" ") for code in range(128)) + b" " * 128


def _one_of_its_kind(varying: re.Match[str]) -> str:
    found = varying[0]
    return "0T0" if "T" in found else "0.0.0.0" if "." in found else "0"  # noqa: S104


def _without_varying(line: str) -> str:
    line = _VARYING.sub(_one_of_its_kind, line)
    if line.count("-") >= HYPHENS:
        line = _UUID.sub("0-0", line)
    return _FINGERPRINT.sub("SHA", line) if "SHA256:" in line else line


class Templates:
    """Remembers lines that the engine found clean, without the digits of their numbers."""

    def __init__(self) -> None:
        self._known: set[Key] = set()

    def key(self, line: str, *, structured: bool = False) -> Key | None:
        """Return what stands for all lines that are clean if this one is; None if there are no others.

        Args:
            line: Any line.
            structured: Whether it is judged as JSON: other digits may make text of it.
        """
        if len(line) > MAX_LINE or not line.isascii() or "\\" in line or "1$" in line or layers.is_encoded(line):
            return None
        raw = _without_varying(line).encode()
        if gate.has_number(raw):
            return None
        # Digits beside letters stay as they are: `sha256`, `0x1f`, `oauth2`.
        mixed = [word for word in raw.translate(_WORDS).split() if not (word.isalpha() or word.isdigit())]
        return raw.translate(_DIGITS).decode("latin-1"), structured, tuple(mixed)

    def knows(self, key: Key | None) -> bool:
        """Tell whether a line with that key was clean."""
        return key in self._known

    def learn(self, key: Key | None) -> None:
        """Remember that a line with that key is clean."""
        if key is not None and not gate.has_lettered_id(key[0].encode("latin-1")):
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known.add(key)
