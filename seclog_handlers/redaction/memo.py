"""What was found before: texts and messages judged once need not be judged again.

Clean ones are kept as they are. Of those with secrets only a keyed hash is kept, beside what came out: the key is
random per process, so that memory holds nothing to guess from. All are bounded in number and length, and forgotten
together when full.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Any

from seclog_handlers.redaction.keys import Rule

# Longer ones are rarely seen twice.
MAX_LENGTH = 512
MAX_CLEAN = 8_192
MAX_DIRTY = 2_048
DIGEST_BYTES = 16
# A message is remembered if its arguments are of these: equal ones show the same (1.0 and 1 do not).
PLAIN = frozenset({str, int, bool, type(None)})

_Arguments = tuple[Any, ...]


class Memo:
    """Remembers what came of texts and of messages.

    Attributes:
        clean: Short texts without secrets.
        clean_messages: Messages and their arguments without secrets.
        remembers: Whether what holds secrets is remembered, too.
    """

    __slots__ = ("_dirty", "_dirty_messages", "_hash", "_named", "clean", "clean_messages", "remembers")

    def __init__(self) -> None:
        self.remembers = True
        self.clean: dict[str, None] = {}
        self.clean_messages: dict[tuple[str, _Arguments], None] = {}
        self._dirty: dict[bytes, str] = {}
        self._named: dict[tuple[bytes, Rule], str] = {}
        self._dirty_messages: dict[bytes, tuple[str, _Arguments]] = {}
        self._hash = blake2b(key=secrets.token_bytes(32), digest_size=DIGEST_BYTES)

    def key(self, text: str) -> bytes:
        """Return what stands for a text that may hold secrets."""
        hashed = self._hash.copy()  # a third of the price of a new keyed one
        hashed.update(text.encode("utf-8", "surrogatepass"))
        return hashed.digest()

    def message(self, key: bytes) -> tuple[str, _Arguments] | None:
        """Return what came of the message with that key, or None."""
        return self._dirty_messages.get(key)

    def keep_message(self, key: bytes, before: tuple[str, _Arguments], after: tuple[str, _Arguments]) -> None:
        """Remember what came of a message."""
        if before == after:
            if len(self.clean_messages) >= MAX_DIRTY:
                self.clean_messages.clear()
            self.clean_messages[before] = None
        else:
            if len(self._dirty_messages) >= MAX_DIRTY:
                self._dirty_messages.clear()
            self._dirty_messages[key] = after

    def named(self, key: bytes, rule: Rule) -> str | None:
        """Return what came of the text with that key under a name of that rule, or None."""
        return self._named.get((key, rule))

    def keep_named(self, key: bytes, rule: Rule, result: str) -> None:
        """Remember what came of a text under a name."""
        if len(self._named) >= MAX_DIRTY:
            self._named.clear()
        self._named[key, rule] = result

    def result(self, key: bytes) -> str | None:
        """Return what came of the text with that key, or None."""
        return self._dirty.get(key)

    def keep(self, key: bytes, result: str) -> None:
        """Remember what came of a text with secrets."""
        if len(self._dirty) >= MAX_DIRTY:
            self._dirty.clear()
        self._dirty[key] = result

    def keep_clean(self, text: str) -> None:
        """Remember a text without secrets, if it is short."""
        if len(text) <= MAX_LENGTH:
            if len(self.clean) >= MAX_CLEAN:
                self.clean.clear()
            self.clean[text] = None
