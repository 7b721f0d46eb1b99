"""What gives itself away by a sign, wherever it stands: private keys, hashes of passwords, Azure's secrets."""

from __future__ import annotations

import re

from seclog_handlers.redaction import tokens
from seclog_handlers.redaction.budget import Budget

Found = tuple[int, int, str]

_PEM_LABEL = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,40}?(?:PRIVATE KEY|PGP MESSAGE)(?: BLOCK)?)-----")

# What PostgreSQL keeps of a password, who could be asked to guess it: SCRAM-SHA-256$4096:salt$stored:server
_SCRAM = re.compile(r"SCRAM-SHA-(?:1|256)\$\d{1,7}:[A-Za-z0-9+/=]{8,88}\$[A-Za-z0-9+/=]{20,88}:[A-Za-z0-9+/=]{20,88}")


def find(text: str, budget: Budget, found: list[Found]) -> None:
    """Find what signs give away, wherever they stand: private keys, hashes, Azure's secrets."""
    budget.read(len(text))
    if "-----BEGIN" in text:
        found.extend(_private_keys(text, budget))
    if "1$" in text:
        found.extend(tokens.md5_crypts(text))
    if "SCRAM-SHA-" in text:
        found.extend([(*match.span(), "password-hash") for match in _SCRAM.finditer(text)])
    if "Q~" in text:
        found.extend(tokens.shaped(text, 0, len(text)))


# What a key is made of; before it may stand how it is encrypted.
_BODY = re.compile(r"[A-Za-z0-9+/=]{16}")
MAX_HEADERS = 400


def _cut_short(text: str, begun: re.Match[str]) -> int:
    """Return where a private key without an end ends: with the quotes that it stands in, or the text."""
    quote = text[begun.start() - 1 : begun.start()]
    end = text.find(quote, begun.end()) if quote and quote in "'\"" else -1
    return len(text) if end < 0 else end


def _private_keys(text: str, budget: Budget) -> list[Found]:
    """Find private keys; one without an end goes to the end of the text."""
    found: list[Found] = []
    ends: dict[str, int] = {}  # of a label: where it is found next, so that the text is searched once for each
    position = 0
    while True:
        match = _PEM_LABEL.search(text, position)
        if match is None:
            return found
        budget.spend()
        closing = f"-----END {match[1]}-----"
        end = ends.get(closing, 0)
        if 0 <= end < match.end():
            end = ends[closing] = text.find(closing, match.end())
        last = match.end() + MAX_HEADERS
        if _BODY.search(text, match.end(), last if end < 0 else min(last, end)) is None:
            position = match.end()  # what somebody says of a key, or has taken out of it
            continue
        if end < 0:
            found.append((match.end(), _cut_short(text, match), "private-key"))
            return found
        found.append((match.start(), end + len(closing), "private-key"))
        position = end + len(closing)
