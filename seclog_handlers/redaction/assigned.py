"""The value that an assignment joins to its name: `=`, `:`, `=>` and their like, and what stands in their place."""

from __future__ import annotations

import re

from seclog_handlers.redaction import spaced
from seclog_handlers.redaction.extents import QUOTES, Value, value_at
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.made import ASSIGN, LONG_HEX
from seclog_handlers.redaction.values import looks_chosen, looks_made

MAX_IDENTIFIER = 64
MIN_CODE, MAX_CODE = 4, 8  # assert pin == "875368"


def value(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """The value after `=`, `:`, `=>` and their like."""
    if text.startswith("}", end):  # -o jsonpath='{.data.password}' => x
        end += 1
    expected = _EXPECTED.match(text, end)
    if expected is not None:
        return value_at(text, expected.end())
    whole = spaced.value(text, start, end, rule)
    if whole is not None:
        return whole
    match = ASSIGN.match(text, end)
    if match is None:
        return None
    position, gap = match.end(), match["gap"]
    if text[start - 1 : start] == ";" and text[end : end + 1] == "=" and text[start:end].lower() == "jsessionid":
        path = _PATH_SESSION.match(text, position)
        return Value(*path.span(), quoted=False) if path else None
    if _is_none(text, start, end, match):
        return None
    created = _CREATED.match(text, position)
    if created is not None:  # Terraform: password: "" => "x"
        return value_at(text, created.end())
    wanted = _WANTED.match(text, position)
    if wanted is not None and looks_chosen(wanted["value"]):  # wrong password: expected x but got y
        return Value(*wanted.span("value"), quoted=True)
    if text.startswith("rejected value [", position):  # Spring: on field 'password': rejected value [x]
        return _nested_in(text, position + 15)
    if gap and text[match.start("gap") - 1] == "=" and text[match.start("gap") - 2] not in " \t:=":
        follows = text[position : position + MAX_IDENTIFIER]
        if re.match(r"[\w.-]{1,40}=", follows):
            return None
    if (
        text.startswith("==", match.start("gap") - 2)
        and text[match.start("gap") - 3] != "="
        and not _compared(text, position)
        and not (text.startswith("==", end) and _surely(text, position))
    ):
        return None
    before = text[start - 1 : start]
    if "\n" in (gap or "") and text.startswith("- ", position):
        listed = _ITEMS.match(text, position)
        first = listed["first"] if listed else ""
        return Value(*listed.span(), quoted=True) if listed and looks_chosen(first.strip("\"'")) else None
    if "\n" in (gap or "") and text[position] not in "\"'`\\" and not text.startswith("string(", position):
        line = value_at(text, position)
        secret = text[line.start : line.end] if line else ""
        return line if looks_chosen(secret) or LONG_HEX.fullmatch(secret) else None
    quote = text[position : position + 1]
    if (
        quote in QUOTES
        and quote
        and (
            (before == quote and quote not in match[0][: -len(gap) or None]) or _CONCATENATED.match(text, position + 1)
        )
    ):
        return None
    if before in ("?", "&", "#") and before and quote not in QUOTES and text[match.start("gap") - 1] == "=":
        return value_at(text, position, in_url=True)
    return value_at(text, position)


def _is_none(text: str, start: int, end: int, match: re.Match[str]) -> bool:
    """Tell whether what looks like an assignment to the name text[start:end] joins no value to it."""
    before, position, gap = text[start - 1 : start], match.end(), match["gap"]
    return (
        (before == "`" and text.startswith("='", end))  # undefined method `password=' for #<User>
        or (text[start].isupper() and _NEXT_FIELD.match(text, position) is not None)  # Go: {Token: Retries:3}
        or (before == "{" and "=>" in match[0] and _RENAMED.match(text, position) is not None)  # git
        or (before == "/" and "->" in match[0])  # git: fix/password-hash -> origin/...
        or (before == ":" and "arn:" in text[max(0, start - MAX_IDENTIFIER) : start])
        or (match[0][0] == " " and not gap and _PSEUDO.match(text, position) is not None)  # HTTP/2: ` :method=GET`
        or (bool(gap) and _PAIRS.match(text, position) is not None)  # jwt: alg=RS256 kid=1
        or text.startswith("</", position)
    )


# EXPECT: 'Password: ' SEND: 'x'
_EXPECTED = re.compile(r"[?:]?[ ]?['\"][);,\s]{0,4}(?:SEND|send|sendline|answered|typed|sent)[:(\s]{1,3}(?=['\"])")
_CREATED = re.compile(r"(?:\"\"|''|\"<\w{1,16}>\") [=-]> (?=[\"'])")
_WANTED = re.compile(
    r"(?:expected|wanted|want|have|got|received)(?:[ ]|[:=][ ]?)[\"']?(?P<value>[^\s\"',;]{5,128})"
    r"(?=[\"']?,?[ ](?:but[ ])?(?:got|have|received|found|actual|was|expected|want|wanted)\b)"
)
_RENAMED = re.compile(r"[\w.-]{1,64}\}/")
_PSEUDO = re.compile(r"(?:method|path|authority|scheme|status|protocol)\b")
_PAIRS = re.compile(
    r"[a-z_]{2,16}=(?:\"[^\"\n]{0,400}\"(?:[ ][a-z_]{2,16}=|$)|[^\s=]{1,64}[ ][a-z_]{2,16}=[^\s=]{1,64}(?:[ ]|$))"
)
_NEXT_FIELD = re.compile(r"[A-Z][A-Za-z]{1,24}:[^\s:/]{1,24}\}")
_PATH_SESSION = re.compile(r"[\w.!-]{1,128}")  # /index.jsp;jsessionid=x?tab=1


def _nested_in(text: str, opening: int) -> Value | None:
    """The value in the bracket at `opening`, up to the end of the line if it is not closed."""
    match = _BRACKETED.match(text, opening)
    return Value(*match.span("value"), quoted=True) if match else None


_BRACKETED = re.compile(r"\[(?P<value>[^\]\n]{1,256})")
_ITEMS = re.compile(r"- (?P<first>[^\s]{1,256})(?:\r?\n[ \t]{1,32}- [^\s]{1,256}){0,50}(?=[ \t]*(?:[\r\n]|$))")
_CONCATENATED = re.compile(r"[ ]?(?:[+,%][ ]?[A-Za-z_]\w*[(.\[]|\)|[+%] )")


def _surely(text: str, position: int) -> bool:
    """Tell whether right behind `==` stands what no source code has there: `password==x`."""
    if text[position : position + 1] in ("", " ") or _OF_CODE.match(text, position):
        return False
    value = value_at(text, position)
    word = text[value.start : value.end] if value is not None else ""
    made = looks_made(word) or LONG_HEX.fullmatch(word) is not None
    return made or (looks_chosen(word) and not word.isidentifier())


_OF_CODE = re.compile(r"\$?[A-Za-z_]\w*(?:\.|->)[A-Za-z_]\w*|\$\w+|\d+\.\d+")


def _compared(text: str, position: int) -> bool:
    """Tell whether what stands after `==` is a quoted secret, and not source code."""
    quoted = value_at(text, position)
    secret = text[quoted.start : quoted.end] if quoted is not None and quoted.quoted else ""
    return looks_chosen(secret) or (secret.isdigit() and MIN_CODE <= len(secret) <= MAX_CODE)
