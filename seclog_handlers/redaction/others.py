"""What belongs to a value beside it: the other codes of a list, what a password was changed to, what came instead."""

from __future__ import annotations

import re

from seclog_handlers.redaction.extents import Value
from seclog_handlers.redaction.values import is_statement, looks_chosen, looks_made

Found = tuple[int, int, str]

MAX_CODES = 20  # in a list of recovery codes
_CHANGED_TO = re.compile(
    r"[\"']?[ \t]{1,4}(?:to|into)[ \t]{1,4}[\"']?(?P<value>(?<=[\"'])[^\"'\n]{4,128}(?=[\"'])|[^\s\"']{4,128})"
)
_GOT = re.compile(
    r"[\"']?,? (?:but )?(?:got|have|received|found|expected|actual|want|wanted|was)(?: |[:=] ?)"
    r"[\"']?(?P<value>[^\s\"',;]{5,512})"
)
_AGAINST = r"(?:!=|==|<>|->|=>|\u2192|vs\.?|is not|instead of)"
VERSUS = re.compile(
    rf"[\"'] ?{_AGAINST} ?[\"'](?P<value>[^\"'\n]{{4,128}})[\"']"
    rf"|[ ]{_AGAINST}[ ](?P<bare>[^\s\"',;]{{5,128}})(?=[,;]?(?:\s|$))"
)
_PLURALS = ("codes", "passwords", "secrets", "passcodes", "pins")
_ANOTHER = re.compile(
    r"(?:[\"']?[,;][ \t]{0,2}[\"']?|[\"']?[ \t]{1,2}(?:and[ \t][\"']?)?)"
    r"(?P<value>[A-Za-z0-9]{3,32}(?:[-!@#$%&*_][A-Za-z0-9]{1,10}){0,5})(?![\w=:-])"
)


def _shape(code: str) -> list[int]:
    """Return how long the groups of a code are: those of a list are alike, with digits or without."""
    return list(map(len, code.split("-"))) if "-" in code else []


# Of a list of passwords: signs, and words that hyphens or points join.
_PASSWORD = re.compile(r"[\"']?(?:,[ ]?|[ ]and[ ])[\"']?(?P<value>[^\s,;\"'=:]{4,64})(?=[\s,;\"']|$)")
_CHARACTERS = re.compile(r"[\d!@#$%^&*+?~]")
_WORDS = re.compile(r"[A-Za-z]{3,16}(?:[-._][A-Za-z0-9]{2,16}){2,7}")


def _other_passwords(text: str, position: int, kind: str) -> list[Found]:
    found: list[Found] = []
    last = 0
    for number in range(MAX_CODES):
        another = _PASSWORD.match(text, position) or _ANOTHER.match(text, position)
        if another is None or is_statement(another["value"]):
            break
        found.append((*another.span("value"), kind))
        if _CHARACTERS.search(another["value"]) or _WORDS.fullmatch(another["value"]):
            last = number + 1
        position = another.end()
    return found[:last]  # words behind the last password say something else


MADE = 12  # characters of what only a machine makes


def _is_another(word: str, kind: str) -> bool:
    """Tell whether what came instead is a secret, too, and no word for it."""
    return (len(word) >= MADE and looks_made(word)) or (kind == "password" and looks_chosen(word))


def with_others(text: str, name: str, value: Value, kind: str) -> list[Found]:
    """Return the value of `name`, with what belongs to it: the other recovery codes of a list."""
    found = [(value.start, value.end, kind)]
    changed = _CHANGED_TO.match(text, value.end) if " from " in text[max(0, value.start - 8) : value.start] else None
    if changed is not None and not is_statement(changed["value"]):
        return [*found, (*changed.span("value"), kind)]
    got = _GOT.match(text, value.end)
    if got is not None and _is_another(got["value"].rstrip("\"'.,;"), kind):
        return [*found, (*got.span("value"), kind)]
    versus = VERSUS.match(text, value.end)
    if versus is not None and versus["value"] is not None and not is_statement(versus["value"]):
        return [*found, (*versus.span("value"), kind)]
    if versus is not None and versus["bare"] is not None and looks_chosen(versus["bare"]):
        return [*found, (*versus.span("bare"), kind)]
    others = _other_passwords(text, value.end, kind) if name.lower().endswith("passwords") else []
    if others:
        return [*found, *others]
    if name.lower().endswith(_PLURALS):
        position = value.end
        for _ in range(MAX_CODES):
            another = _ANOTHER.match(text, position)
            if another is None or is_statement(another["value"]):
                break
            if not re.search(r"\d", another["value"]) and _shape(another["value"]) != _shape(
                text[value.start : value.end]
            ):
                break
            found.append((*another.span("value"), kind))
            position = another.end()
    return found
