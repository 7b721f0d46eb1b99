"""What a container under a secret's name shows all the same: names, when it expires, what it is for.

`{"credentials": {"a": "x"}}` goes as a whole. `{"token": {"access_token": "x", "expires_in": 3600}}` says itself what
of it is secret, and whoever reads the log wants the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from seclog_handlers.redaction.censor import SEAL
from seclog_handlers.redaction.cookies import PREFERENCES, is_choice
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.vocabulary import SCHEMA_WORDS

MAX_MEMBERS = 64
MAX_MEMBERS_NAME = 48

# Names of members that hold no secret themselves, whatever stands around them.
COMPANIONS = frozenset(
    """
    expires expiresin expiresat expiry expiration exp maxage issuedat iat createdat updatedat lastused lastusedat
    scope scopes tokentype type granttype path domain httponly secure samesite size version region provider issuer
    audience algorithm alg kid realm theme locale engine host hostname port username user dbname database protocol
    driver schema tenant
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
_SIGNS = str.maketrans("", "", "_- ")


def is_companion(name: str) -> bool:
    """Tell whether a member with that name holds no secret itself."""
    return name.translate(_SIGNS).lower() in COMPANIONS


def shown_in(names: Iterable[Any]) -> frozenset[str]:
    """Return which members of a mapping are none of its secrets: in an entry of name and value, its name, too."""
    low = {name: name.lower() for name in names}
    is_entry = not _NAMES.isdisjoint(low.values()) and not _VALUES.isdisjoint(low.values())
    return frozenset(name for name in low if is_companion(name) or (is_entry and low[name] in _NAMES))


_TYPES = frozenset({"string", "object", "integer", "number", "boolean", "array"})


def is_schema(value: dict[Any, Any]) -> bool:
    """Tell whether a mapping says what a secret looks like, and holds none: `{"type": "string", "format": "uuid"}`."""
    kind = value.get("type")
    return type(kind) is str and kind in _TYPES and SCHEMA_WORDS.issuperset(value)


def are_telling(names: Iterable[Any], rules: KeyRules, kind: str) -> bool:
    """Tell whether the members of a mapping say for themselves which of them is secret.

    Args:
        names: Names of the members.
        rules: How names are judged.
        kind: What the mapping's own name holds: under a password's, all of it is secret.
    """
    names = list(names)
    if kind == "password":
        return False
    if not 0 < len(names) <= MAX_MEMBERS or not all(
        type(name) is str and len(name) <= MAX_MEMBERS_NAME for name in names
    ):
        return False
    if not all(_NAME.fullmatch(name) for name in names):
        return False
    shown = shown_in(names)
    if kind == "cookie":
        return bool(shown) or not PREFERENCES.isdisjoint(names) or any(_is_strong(rules.rule(name)) for name in names)
    return len(shown) < len(names) and (bool(shown) or any(_is_strong(rules.rule(name)) for name in names))


def _is_strong(rule: Rule | None) -> bool:
    return rule is not None and rule.sort != "weak"


_NAME = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,47}\d{0,2}")
_OPENS = re.compile(r"\s{0,8}(?:\[\s{0,8})?\{(?=\s{0,8}\\{0,7}[\"'])")
_MEMBER = re.compile(
    r"[\s,{\[\]}]{0,16}(?P<q>\\{0,7}[\"'])(?P<name>[A-Za-z_][\w.-]{0,47})(?P=q)\s{0,4}:\s{0,4}"
    r"(?:(?P<v>\\{0,7}[\"'])(?P<text>[^\"'\\\n]{0,4096})(?P=v)|(?P<bare>[A-Za-z]{4,5}|-?[0-9.]{1,20}))(?=\s{0,4}[,}\]])"
)
_CLOSES = re.compile(r"[\s,\]}]{1,16}")
_NAMES, _VALUES = frozenset({"name", "key"}), frozenset({"value", "val"})
Span = tuple[int, int]


def secrets_in(text: str, start: int, end: int, rules: KeyRules, kind: str) -> list[Span] | None:
    """Return where the secrets of the container text[start:end] are; None if it does not tell them from the rest.

    Plain members only: whatever else it holds, it goes as a whole.
    """
    opened = _OPENS.match(text, start, end)
    if opened is None:
        return None
    position = opened.end()
    found: list[tuple[str, Span]] = []
    while (member := _MEMBER.match(text, position, end)) is not None:
        position = member.end()
        found.append((member["name"], member.span("bare" if member["text"] is None else "text")))
        if len(found) > MAX_MEMBERS:
            return None
    closed = _CLOSES.match(text, position, end)
    if closed is None or closed.end() != end:
        return None
    names = dict.fromkeys([name for name, _ in found])
    if not are_telling(names, rules, kind):
        return None
    shown = shown_in(names)
    values = [(name, span, text[slice(*span)]) for name, span in found]
    return [
        span
        for name, span, value in values
        if name not in shown and value.strip(SEAL) and not (kind == "cookie" and is_choice(name, value))
    ]
