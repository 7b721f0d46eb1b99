"""What the engine found clean it finds clean again if but the digits of plain numbers differ.

The sieve passes a line by its words. Programs also say, over and over, what only the engine can judge: `Failed password
for invalid user admin from 192.0.2.7 port 4711`. Which digits a number has matters to the engine in cards, phones and
ids alone, and its gate tells by a line where none of these can be. So one judgement serves for all lines that are
equal but for the digits of their numbers, addresses, times and UUIDs. What is the same in all of them is remembered
of each word between spaces, since most words come again: a line costs a look-up for each, a tenth of a judgement.
"""

from __future__ import annotations

import re

from seclog_handlers.redaction import gate, layers

# The words of a line, each without its digits where these could be others, and how the line is judged.
Key = tuple[str, ...]

MAX_KNOWN = 32_768
MAX_LINE = 1_024
MAX_WORDS = 65_536
MAX_WORD = 64  # a longer one is not remembered

# What may differ in length or letters, too: a time, an address, a process, a UUID, a key's fingerprint. Hexadecimal
# text is none of them: it may say something.
_VARYING = re.compile(
    r"[0-9](?<![\w.-].)(?:[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?Z?"
    r"|[0-9]{0,2}(?:\.[0-9]{1,3}){3}|[0-9]{0,6}(?=\]:\Z))(?![\w-]|\.[0-9])"
)
_UUID = re.compile(r"[0-9a-f](?<![\w.-].)[0-9a-f]{7}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-]|\.[0-9])")
HYPHENS = 4
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}(?![\w+/=-])")
# Digits beside letters stay as they are: `sha256`, `0x1f`, `oauth2`.
_NUMBER = re.compile(r"(?<!\w)[0-9]+(?!\w)")
# The first digits of a call abroad tell it from other numbers.
_CALL = re.compile(r"(?<![0-9])00[1-9]")
# By its port the engine knows what some lines are: `db:5432:*:app:x`, `[smtp.example.org]:587 bob:x`.
_PORT = re.compile(r":[0-9]{4}:|\]:[0-9]{2,4}\Z")
# Digits that say what a line is: SMTP's question for a password, FIX and HL7, line ends as rsyslog shows them.
_MEANT = re.compile(r"UGFzc3dvcmQ6|=FIX|PID|#0[0-9]{2}")
_JSON, _TEXT = "{", "T"  # no other word is a key's first
_NO_KEY = ""  # instead of a word in a line that is judged each time


def _one_of_its_kind(varying: re.Match[str]) -> str:
    found = varying[0]
    return "0T0" if "T" in found else "0.0.0.0" if "." in found else "0"  # noqa: S104


def _zeros(number: re.Match[str]) -> str:
    return "0" * len(number[0])


def _without_digits(word: str) -> str:
    """Return what a word has in common with others that are judged alike."""
    if not word.isascii() or "\\" in word or "1$" in word or layers.is_encoded(word) or _MEANT.search(word):
        return _NO_KEY
    if word.isalpha() or ("0" in word and _CALL.search(word)) or "+" in word or _PORT.search(word):
        return word
    if word.count("-") >= HYPHENS:
        word = _UUID.sub("0-0", word)
    elif "SHA256:" in word:
        word = _FINGERPRINT.sub("SHA", word)
    if "." in word or "T" in word or word.endswith("]:"):
        word = _VARYING.sub(_one_of_its_kind, word)
    return _NUMBER.sub(_zeros, word)


class _Words(dict[str, str]):
    """Words as they came -> without their digits."""

    def __missing__(self, word: str) -> str:
        found = _without_digits(word) if word else " "  # of several spaces each counts
        if len(word) <= MAX_WORD:
            if len(self) >= MAX_WORDS:
                self.clear()
            self[word] = found
        return found


class Templates:
    """Remembers lines that the engine found clean, without the digits of their numbers."""

    def __init__(self) -> None:
        self._known: set[Key] = set()
        self._words = _Words()

    def key(self, line: str, *, structured: bool = False) -> Key | None:
        """Return what stands for all lines that are clean if this one is; None if there are no others.

        Args:
            line: Any line.
            structured: Whether it is judged as JSON: other digits may make text of it.
        """
        if len(line) > MAX_LINE:
            return None
        key = (_JSON if structured else _TEXT, *map(self._words.__getitem__, line.split(" ")))
        return None if _NO_KEY in key else key

    def knows(self, key: Key | None) -> bool:
        """Tell whether a line with that key was clean."""
        return key in self._known

    def learn(self, key: Key | None) -> None:
        """Remember that a line with that key is clean, unless other digits may be a card's, a phone's or an id's."""
        if key is None:
            return
        raw = " ".join(key[1:]).encode()
        if gate.has_number(raw) or gate.has_lettered_id(raw):
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known.add(key)
