"""What stands in a secret's place: a marker, the last four characters, a keyed token, or nothing."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable

from seclog_handlers.errors import ConfigurationError

DEFAULT_MARKER = "[REDACTED]"
REMOVED = "[]"
MASKED_TAIL = 4
MASK_FROM = 12  # shorter secrets show nothing: four of eight characters are half of it
TOKEN_BYTES = 16
# Stands for text that was censored before, while the rest is scanned: ASCII, so that the rest is still read quickly.
SEAL = "\x1a"

_MODES = ("mask", "token", "remove")
_MARKS = r"\[WITHHELD: [a-z ,]{1,40}\]|\[CUT: \d{1,20} characters missing\]|\[arguments withheld: \w{1,80}\]"
_KEYED = r"\[[a-z0-9-]{1,40}:[0-9a-f]{32}\]"


class Censor:
    """Makes the text that replaces a secret, and recognises it again.

    Args:
        censor: A marker such as `[REDACTED]`, which may contain `{kind}`; or `mask` (the last four characters of a
            long secret stay), `token` (equal secrets give equal tokens within this process) or `remove`.
        key: For `token`: at least 16 bytes; random by default.

    Raises:
        ConfigurationError: If `censor` is neither a marker nor one of the three words.
    """

    def __init__(self, censor: str = DEFAULT_MARKER, key: bytes | None = None) -> None:
        if not isinstance(censor, str) or not censor.strip() or not censor.isprintable():
            raise ConfigurationError(_complaint(censor))
        if censor not in _MODES and (re.fullmatch(r"[a-z]+", censor) or _odd_braces(censor)):
            raise ConfigurationError(_complaint(censor))
        self.removes = censor == "remove"
        self.marker = {"remove": REMOVED, "mask": "****", "token": "[token]"}.get(censor, censor)
        self._key = key or secrets.token_bytes(32)
        self._kinds: dict[str, str] = {}
        modes: dict[str, Callable[[str, str], str]] = {"mask": _mask, "token": self._token, "remove": self._constant}
        constant = self._by_kind if "{kind}" in censor else self._constant
        self.replacement: Callable[[str, str], str] = modes.get(censor, constant)
        mine = {"remove": re.escape(REMOVED), "mask": r"\*{4}[^\s*]{0,4}", "token": _KEYED}.get(censor)
        mine = mine or re.escape(censor).replace(r"\{kind\}", "[a-z0-9-]{1,40}")
        self._seen = re.compile(f"{mine}|{_MARKS}")
        self._hints = ("[WITHHELD", "[CUT:", "[arguments", "****" if censor == "mask" else self.marker.split("{")[0])
        if censor == "token" or not self._hints[-1]:
            self._hints = (*self._hints[:3], ":" if censor == "token" else " ")
        # What all of them have, if they have one thing in common.
        self._opens = "[" if all("[" in hint for hint in self._hints) else ""

    def _constant(self, secret: str, kind: str) -> str:  # noqa: ARG002 - one signature for all modes
        return self.marker

    def _by_kind(self, secret: str, kind: str) -> str:  # noqa: ARG002 - one signature for all modes
        text = self._kinds.get(kind)
        if text is None:
            text = self._kinds[kind] = self.marker.replace("{kind}", kind)
        return text

    def _token(self, secret: str, kind: str) -> str:
        raw = secret.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(raw, key=self._key, digest_size=TOKEN_BYTES).hexdigest()
        return f"[{kind}:{digest}]"

    def seen(self, text: str) -> bool:
        """Tell whether the whole text is what a censor left."""
        return self._seen.fullmatch(text) is not None

    def rests(self, text: str) -> list[str]:
        """Return what of a text stands before, between and behind what stands in the place of secrets."""
        return self._seen.split(text)

    def marks(self, text: str) -> list[str]:
        """Return what stands in the place of each secret of a text."""
        return self._seen.findall(text)

    def seal(self, text: str) -> str:
        """Return `text`, of the same length, with earlier replacements hidden from the finders."""
        if self._opens not in text:
            return text
        for hint in self._hints:
            if hint in text:
                return self._seen.sub(_sealed, text)
        return text


def _sealed(match: re.Match[str]) -> str:
    return SEAL * (match.end() - match.start())


def _mask(secret: str, kind: str) -> str:  # noqa: ARG001 - one signature for all modes
    tail = secret[-MASKED_TAIL:] if len(secret) >= MASK_FROM else ""
    return "****" + ("" if re.search(r"[\s*]", tail) else tail)


def _odd_braces(censor: str) -> bool:
    return bool(re.search(r"[{}\x1a]", censor.replace("{kind}", "")))


def _complaint(censor: object) -> str:
    return (
        f"redact.censor is {censor!r}: it must be 'mask', 'token', 'remove', or a marker such as '[REDACTED]' or "
        "'[REDACTED:{kind}]' in printable characters, with no other braces, and not one lower-case word."
    )
