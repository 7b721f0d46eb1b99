"""Cookies: the values of each go, their names stay, and what a visitor has chosen."""

from __future__ import annotations

import re
from collections.abc import Callable

from seclog_handlers.redaction.censor import SEAL

Found = tuple[int, int, str]

_Q = r"\\{0,15}[\"'`]"
_COOKIES = re.compile(
    rf"(?:(?:{_Q})?\]?(?:[ ](?:sent|set|received|jar|header|string|are|were))?"
    rf"\s{{0,4}}(?:=>|[:=](?!=)|%3A)\s{{0,8}}(?:b?{_Q}|\[{_Q})?|[ ](?:{_Q})|(?<=<[Cc]ookie)[ ])"
    r"(?=[^\s=;,\"']{1,128}=)",
    re.IGNORECASE,
)
_COOKIE = re.compile(
    r"(?P<name>[^\s=;,\"'\\]{1,128})=(?P<value>\"[^\"]{0,4096}\"|[^\s;\"'\\]{0,8192})(?:;[ \t]{0,4}|$)?",
)
_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "version", "priority", "partitioned"})
# What a visitor has chosen, and everybody may know.
PREFERENCES = frozenset({
    "theme", "lang", "language", "locale", "i18n", "currency", "timezone", "tz", "layout", "darkmode", "dark_mode",
    "cookie_banner", "culture", "variant", "ab", "experiment", "cart", "view", "colorscheme", "color_scheme",
    "cookie_consent",
    "cookieconsent", "consent", "django_language",
})  # fmt: skip
_OF_SESSIONS = re.compile(r"sess|sid|auth|pin|token|uid|user|pass|key", re.IGNORECASE)
LEAST_VALUE = 4  # a shorter one tells nobody apart
_PLAIN_CHOICE = re.compile(r"[A-Za-z]{1,12}(?:[-_/][A-Za-z]{1,12})?|\d{1,3}")
_MASKED = re.compile(r"<[a-z ]{2,20}>|\*{3,}|\.{3}")
_EXPIRES = re.compile(r"expires=[A-Za-z]{3},[^;\"']{0,40}(?:;[ \t]{0,4})?", re.IGNORECASE)
_FLAGS = re.compile(r"(?:secure|httponly|partitioned)(?:;[ \t]{0,4}|(?=[\"'\s]|$))", re.IGNORECASE)


def header(text: str, end: int, *, setting: bool, spend: Callable[[int], None]) -> list[Found] | None:
    """Find the values of all cookies after the name of a cookie header that ends at `end`; None if it is no header."""
    opened = _COOKIES.match(text, end)
    if opened is None:
        return None
    found: list[Found] = []
    position = opened.end()
    while True:
        spend(2)
        attribute = (_EXPIRES.match(text, position) or _FLAGS.match(text, position)) if setting else None
        if attribute is not None:
            position = attribute.end()
            continue
        pair = _COOKIE.match(text, position)
        if pair is None:
            return found
        if not (setting and pair["name"].lower() in _ATTRIBUTES) and pair["name"][0] != "$" and not _is_shown(pair):
            found.append((pair.start("value"), pair.end("value"), "cookie"))
        position = pair.end()
        if text[position - 1 : position] not in (" ", ";"):
            return found


MAX_COOKIES = 100


def values(text: str) -> list[tuple[int, int]] | None:
    """Return where the values of cookies are in a text that is nothing else; None if it is more."""
    spans: list[tuple[int, int]] = []
    position = 0
    for _ in range(MAX_COOKIES):
        attribute = _EXPIRES.match(text, position) or _FLAGS.match(text, position)
        pair = attribute or _COOKIE.match(text, position)
        if pair is None:
            return None
        if attribute is None and pair["name"].lower() not in _ATTRIBUTES and not _is_shown(pair):
            spans.append(pair.span("value"))
        position = pair.end()
        if position == len(text):
            return spans
        if text[position - 1] not in " ;":
            return None
    return None


def _is_shown(pair: re.Match[str]) -> bool:
    """Tell whether a cookie's value is no secret: what a visitor has chosen, or what went in an earlier pass."""
    value = pair["value"].strip(SEAL + '",')
    short = len(value) < LEAST_VALUE and not _OF_SESSIONS.search(pair["name"])
    if not value or short or value in ("true", "false") or _MASKED.fullmatch(pair["value"]):
        return True
    return is_choice(pair["name"], pair["value"])


def is_choice(name: str, value: str) -> bool:
    """Tell whether a cookie holds what a visitor has chosen: a theme, a language."""
    return name.lower() in PREFERENCES and _PLAIN_CHOICE.fullmatch(value) is not None
