"""What a container under a secret's name shows all the same: names, when it expires, what it is for.

Of `{"passwords": {"root": "x"}}` the names stay. `{"token": {"access_token": "x", "expires_in": 3600}}` says itself
what of it is secret, and whoever reads the log wants the rest.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from seclog_handlers.redaction import structures
from seclog_handlers.redaction.censor import SEAL
from seclog_handlers.redaction.cookies import PREFERENCES, is_choice
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.values import is_secret, looks_chosen, looks_made
from seclog_handlers.redaction.vocabulary import SCHEMA_WORDS

MAX_MEMBERS = 64
MAX_MEMBERS_NAME = 48

# Names of members that hold no secret themselves, whatever stands around them.
COMPANIONS = frozenset(
    """
    expires expiresin expiresat expiry expiration exp maxage issuedat iat createdat updatedat lastused lastusedat
    scope scopes tokentype type granttype path domain httponly secure samesite size version region provider issuer
    audience aud iss algorithm alg kid realm engine host hostname port username user dbname database protocol
    driver schema tenant owner login userid role
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
# Those of a cookie: under any other name a browser sends what a server gave it.
ATTRIBUTES = frozenset({"expires", "expiry", "maxage", "path", "domain", "httponly", "secure", "samesite", "size"})
_SIGNS = str.maketrans("", "", "_- ")


def shown_in(names: Iterable[Any], kind: str) -> frozenset[str]:
    """Return which members of a mapping are none of its secrets: in an entry of name and value, its name, too.

    Args:
        names: Names of the members.
        kind: What the mapping's own name holds.
    """
    low = {name: name.translate(_SIGNS).lower() for name in names}
    companions = ATTRIBUTES if kind == "cookie" else COMPANIONS
    is_entry = not _NAMES.isdisjoint(low.values()) and not _VALUES.isdisjoint(low.values())
    return frozenset(name for name, plain in low.items() if plain in companions or (is_entry and plain in _NAMES))


# Of a mapping with these alone nothing is secret: {"secret": {"name": "db", "namespace": "prod", "version": 3}}.
_METADATA = frozenset(
    """
    name namespace version type kind alg algorithm aud audience iss issuer exp iat nbf valid expired ttl length
    channel digits period kid reason result decision policy ruleid present sent required secure httponly samesite
    maxage path domain scope scopes expiresin expiresat expires expiry status state createdat created updatedat
    updated rotatedat rotated count total mode loaded failed backend store provider source field engine bytes
    rejected accepted keys missing missingscopes roles role model cached error errors age ages agedays tried found
    used limit reset remaining quota lastused lastusedat issued issuedat subject sub owner clientid gpio ttls region
    cache hit hits misses enabled exempt exempted attributes
    drift driftsteps steps versions rotationdays labels annotations
    refreshable title readonly verified port bit active legend transports transport secretname defaultmode optional
    action actions principaltype effect resource resources permission permissions policies groups rules evaluated ms
    durationms latencyms allowed denied method origin origins referer message detail description hint
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)


def are_metadata(members: dict[Any, Any], *, codes: bool = False) -> bool:
    """Tell whether a mapping speaks about a secret and does not hold it: what was made or chosen is one.

    Args:
        members: The mapping.
        codes: Whether its own name is that of codes, which are digits.
    """
    plain = [name.translate(_SIGNS).lower() if type(name) is str else "" for name in members]
    if len(plain) < MIN_METADATA or not _METADATA.issuperset(plain):
        return False
    timeless = {name: item for name, item in members.items() if not _WHEN.search(name)}
    return not any(_may_be_secret(held, codes=codes) for held in _held(timeless, MAX_LEVELS))


def _held(value: Any, levels: int) -> Iterable[Any]:
    """Yield what containers hold; one that goes deeper as it is."""
    if type(value) not in (dict, list, tuple) or not levels:
        yield value
        return
    for item in value.values() if type(value) is dict else value:
        yield from _held(item, levels - 1)


def _may_be_secret(value: Any, *, codes: bool) -> bool:
    if type(value) is int:
        return codes and value >= LEAST_CODE
    if type(value) is not str:
        return not isinstance(value, (bool, float, dt.date, type(None)))
    if codes and value.isdigit() and int(value) >= LEAST_CODE:
        return True
    return looks_made(value) or (looks_chosen(value) and not _PLAIN_VALUE.fullmatch(value))


_WHEN = re.compile(r"created|updated|expir|issued|rotated|exp$|iat$|nbf$", re.IGNORECASE)
MIN_METADATA, MAX_LEVELS, LEAST_CODE = 2, 4, 1_000
# A region, an action of IAM, a version, a path of names.
_PLAIN_VALUE = re.compile(
    r"[a-z]+(?:-[a-z0-9]+)+|[a-z0-9-]{2,20}:[A-Z][A-Za-z]{2,40}\*?|v?\d[\w.-]{0,16}|[\w.-]{1,64}(?:/[\w.-]{1,64})+"
)


_TYPES = frozenset({
    "string", "object", "integer", "number", "boolean", "array", "keyword", "text", "long", "date", "apiKey", "oauth2",
    "openIdConnect",
})  # fmt: skip


def is_schema(value: dict[Any, Any]) -> bool:
    """Tell whether a mapping says what a secret looks like, and holds none: `{"type": "string", "format": "uuid"}`."""
    kind = value.get("type")
    return type(kind) is str and kind in _TYPES and SCHEMA_WORDS.issuperset(value)


def shown_of(names: Iterable[Any], rules: KeyRules, kind: str, *, only_text: bool) -> frozenset[str] | None:
    """Return which members of a mapping stay, beside all names; None for one that goes as a whole.

    A mapping keeps the names of its members if they are names: of a key that may be a secret itself nothing stays.
    What they hold stays if some say that they are none of its secrets, and others that they are.

    Args:
        names: Names of the members.
        rules: How names are judged.
        kind: What the mapping's own name holds: under a password's, all values are secret.
        only_text: Whether each member is a text.
    """
    names = list(names)
    if not 0 < len(names) <= MAX_MEMBERS or not all(map(_is_name, names)):
        return None
    shown = shown_in(names, kind)
    if kind == "password" or (len(shown) == len(names) and kind != "cookie"):
        return frozenset() if only_text else None
    telling = (
        only_text
        or bool(shown)
        or (kind == "cookie" and not PREFERENCES.isdisjoint(names))
        or any(_is_strong(rules.rule(name)) for name in names)
    )
    return shown.union(name for name in names if _is_about(name, rules)) if telling else None


def _is_about(name: str, rules: KeyRules) -> bool:
    """Tell whether a member's name speaks about a secret and holds none: `credential_type`, `key_id`."""
    return "_" in name and rules.rule(name) is None and _SECRETS_WORD.search(name) is not None


_SECRETS_WORD = re.compile(r"cred|token|secret|key|password|passwd", re.IGNORECASE)


def _is_name(name: Any) -> bool:
    if type(name) is not str or len(name) > MAX_MEMBERS_NAME or not _NAME.fullmatch(name):
        return False
    return not (looks_chosen(name) or structures.is_random(name))


def _is_strong(rule: Rule | None) -> bool:
    return rule is not None and rule.sort != "weak"


_NAME = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,47}\d{0,2}")
_OPENS = re.compile(r"\s{0,8}(?:\[\s{0,8})?\{(?=\s{0,8}\\{0,7}[\"'])")
_MEMBER = re.compile(
    r"[\s,{\[\]}]{0,16}(?P<q>\\{0,7}[\"'])(?P<name>[A-Za-z_][\w.-]{0,47})(?P=q)\s{0,4}:\s{0,4}"
    r"(?:(?P<v>\\{0,7}[\"'])(?P<text>(?:[^\"'\\\n]|\\[nrt/]){0,4096})(?P=v)|(?P<bare>[A-Za-z]{4,5}|-?[0-9.]{1,20}))(?=\s{0,4}[,}\]])"
)
_CLOSES = re.compile(r"[\s,\]}]{1,16}")
_NAMES, _VALUES = frozenset({"name", "key"}), frozenset({"value", "val"})
Span = tuple[int, int]


def secrets_in(text: str, start: int, end: int, rules: KeyRules, rule: Rule) -> list[Span] | None:
    """Return where the secrets of the container text[start:end] are; None if it does not tell them from the rest.

    Plain members only: whatever else it holds, it goes as a whole.
    """
    opened = _OPENS.match(text, start, end)
    if opened is None:
        return None
    position = opened.end()
    found: list[tuple[str, Span, Any]] = []
    while (member := _MEMBER.match(text, position, end)) is not None:
        position = member.end()
        value = _bare(member["bare"]) if member["text"] is None else member["text"]
        found.append((member["name"], member.span("bare" if member["text"] is None else "text"), value))
        if len(found) > MAX_MEMBERS:
            return None
    closed = _CLOSES.match(text, position, end)
    if closed is None or closed.end() != end:
        return None
    held = {name: value for name, _, value in found}
    if (rule.kind != "password" and are_metadata(held, codes=rule.sort == "code")) or structures.without_counters(
        held, rule
    ) is None:
        return []
    shown = shown_of(held, rules, rule.kind, only_text=all(type(value) is str for _, _, value in found))
    if shown is None:
        return None
    return [span for name, span, value in found if name not in shown and is_hidden(name, value, rule)]


def _bare(text: str) -> Any:
    """Return the number that stands in JSON; None for what is no number: true, false, null."""
    return int(text) if text.lstrip("-").isdigit() else None


def is_hidden(name: str, value: Any, rule: Rule) -> bool:
    """Tell whether a member that is none of those shown, and no secret by its own name, goes with the others.

    Args:
        name: Its name.
        value: What it holds.
        rule: Of the mapping's own name.
    """
    if type(value) is str:
        return value.strip(SEAL) != "" and not (rule.kind == "cookie" and is_choice(name, value))
    return type(value) is int and is_secret(str(abs(value)), rule)
