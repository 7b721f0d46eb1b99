"""Secrets that stand beside their name in text: JSON, logfmt, YAML, XML, SQL, command lines, prose, ..."""

from __future__ import annotations

import re

from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.vocabulary import SHORT
from seclog_handlers.redaction.values import Value, is_secret, looks_chosen, value_at

MAX_IDENTIFIER = 64

_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.$"
_RIGHT = re.compile(r"[\w.$-]{0,64}")
_Q = r"\\{0,15}[\"'`]"
_ASSIGN = re.compile(
    rf"(?:{_Q}|%22|%27)?\]{{0,2}}(?:{_Q})?[ \t]{{0,32}}"
    r"(?::?[ \t]{0,2}(?:str|string|String|&(?:'static )?str|\*string|text|SecretStr|bytes|char ?\*|(?:Optional)?\[str\]|str \| None)[ \t]{0,2}(?=:?=))?"
    rf"(?:=>|:{{1,3}}=|={{1,3}}|[+.|]=|\?{{1,2}}=|:(?!//|:)|->|→|;(?=s:\d{{1,6}}:))(?P<gap>[ \t]{{0,64}}(?:\r?\n[ \t]{{0,64}}(?={_Q}))?)",
)
_TAG = re.compile(r"(?:\s[^<>]{0,300})?>\s{0,64}(?:<!\[CDATA\[)?")
_TAG_VALUE = re.compile(r"[^<\]\s](?:[^<]{0,4096}?[^<\s])?(?=\s{0,64}(?:\]\]>|<|$))")
_ENTRY = re.compile(
    rf"{_Q}(?:\s{{0,8}},?\s{{1,8}}(?:{_Q})?[\w-]{{1,32}}(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}{_Q}?[\w/ .-]{{0,100}}{_Q}?){{0,3}}?"
    rf"\s{{0,8}},?\s{{1,8}}(?:{_Q})?(?:[vV]alue|VALUE|val|content|[vV]alue_?[sS]tring|current_?[vV]alue)(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}",
)
_ELEMENT = re.compile(r"\s{0,8}</[\w:]{1,32}>\s{0,64}<(?:value|string|val|Value)>\s{0,16}")
_MEMBER = re.compile(rf"{_Q}\s{{0,4}},\s{{0,16}}(?=b?{_Q})")
_PART = re.compile(
    r"\"(?:;[^\r\n]{0,120})?(?:(?:\r?\n|\\r\\n)[A-Za-z-]{1,40}:[^\r\n\\]{0,200}){0,3}(?:\r?\n\r?\n|\\r\\n\\r\\n|\\n\\n)",
)
_PART_VALUE = re.compile(r"[^\r\n\\]+")
_FLAG = re.compile(rf"(?:[ \t]{{1,8}}|{_Q}\s{{0,2}},\s{{0,4}}(?={_Q}))")
_SAID = re.compile(
    r"(?:[ \t]{1,4}(?:for|of|to|on|from|in)(?:[ \t]the)?[ \t](?:user[ \t])?[^\s=:]{1,64}(?:[ \t](?:user|account|[a-z]{1,16}))?)?"
    r"[ \t]{1,4}(?:is|was|=|are|will be|set to|changed to|reset to|updated to|has been set to|has been changed to|is now|is set to|was set to"
    r"|was changed to|was reset to|has been reset to|changed from|equals|becomes)[ \t]*:?[ \t]{1,4}|[ \t]{1,4}(?:for|of)[ \t][^\s=:]{1,64}[ \t]?[:=][ \t]?"
    r"|[ \t]from[ \t](?=[^\s]{1,128}[ \t](?:to|into)[ \t])",
    re.IGNORECASE,
)
_SQL = re.compile(r"[ \t]{1,8}(?:(?:FOR|for)[ \t][^\s]{1,80}[ \t]{0,4}=[ \t]{0,4})?(?:PASSWORD\(|password\()?(?=['\"])", re.ASCII)
_QUOTES = ("'", '"')
_SPACED = re.compile(r"[ \t]{1,4}(?:hash |value |string |header |number |[-\u2013] )?(?=\S)")
_CALLED = re.compile(rf"\(\s{{0,4}}(?=b?{_Q})")

Found = tuple[int, int, str]


def identifier(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the whole name that contains text[start:end]."""
    left = text[max(0, start - MAX_IDENTIFIER) : start]
    start -= len(left) - len(left.rstrip(_NAME))
    match = _RIGHT.match(text, end)
    end = match.end() if match else end
    while end > start and text[end - 1] in ".-":
        end -= 1
    return start, end


def rule_at(text: str, start: int, end: int, rules: KeyRules) -> Rule | None:
    """Return the rule of the name text[start:end], joined with the word before it where that makes a phrase."""
    name = text[start:end].lstrip("-.$")
    rule = rules.rule(name)
    if rule is not None and rule.sort != "weak" and name.lower() not in SHORT:
        return rule
    if start and text[start - 1] in " \t":
        before = text[max(0, start - 40) : start].split()[-2:]
        for count in (1, 2):
            joined = rules.rule(" ".join([*before[-count:], name])) if len(before) >= count and before[-count].isascii() else None
            if joined is not None and (joined.sort != "weak" or rule is not None):
                return joined
    return rule


def find(text: str, start: int, end: int, rule: Rule) -> list[Found]:
    """Find the value that belongs to the name text[start:end]."""
    value = _assigned(text, start, end) or _placed(text, start, end, rule) or _spoken(text, start, end, rule)
    if value is None:
        return []
    secret = text[value.start : value.end]
    if is_secret(secret, rule, quoted=value.quoted) and (value.quoted or secret != text[start:end].rpartition(".")[2].lstrip("-_$")):
        return [(value.start, value.end, rule.kind)]
    return []


def _assigned(text: str, start: int, end: int) -> Value | None:
    """The value after `=`, `:`, `=>` and their like."""
    match = _ASSIGN.match(text, end)
    if match is None:
        return None
    position, gap = match.end(), match["gap"]
    if gap and text[match.start("gap") - 1] == "=" and text[match.start("gap") - 2] not in " \t:=":
        follows = text[position : position + MAX_IDENTIFIER]
        if re.match(r"[\w.-]{1,40}=", follows):
            return None
    if text.startswith("==", match.start("gap") - 2) and text[match.start("gap") - 3] != "=" and not _compared(text, position):
        return None
    before = text[start - 1 : start]
    if before == ":" and "arn:" in text[max(0, start - MAX_IDENTIFIER) : start]:
        return None
    if before in ("?", "&", "#") and before and text[match.start("gap") - 1] == "=":
        return value_at(text, position, in_url=True)
    return value_at(text, position)


def _compared(text: str, position: int) -> bool:
    """Tell whether what stands after `==` is a quoted secret, and not source code."""
    value = value_at(text, position)
    return value is not None and value.quoted and looks_chosen(text[value.start : value.end])


def _placed(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """The value in an element, an entry, a pair, a form part, after a flag, or in SQL."""
    before = text[start - 1 : start]
    if before in ("<", ":") and before and (before == "<" or "<" in text[max(0, start - 24) : start]):
        tag = _TAG.match(text, end)
        inside = _TAG_VALUE.match(text, tag.end()) if tag else None
        return Value(inside.start(), inside.end(), quoted=True) if inside else None
    if before == ">":
        element = _ELEMENT.match(text, end)
        inside = _TAG_VALUE.match(text, element.end()) if element else None
        return Value(inside.start(), inside.end(), quoted=True) if inside else None
    if before and before in "\"'`":
        return _after_quoted_name(text, start, end)
    called = _CALLED.match(text, end)
    if called is not None and rule.sort != "weak":
        value = value_at(text, called.end())
        return value if value and looks_chosen(text[value.start : value.end]) else None
    if text[start] == "-" and rule.sort in ("strong", "code", "user", "digits"):
        flag = _FLAG.match(text, end)
        if flag and text[flag.end() : flag.end() + 1] != "-":
            return value_at(text, flag.end())
    return None


def _after_quoted_name(text: str, start: int, end: int) -> Value | None:
    for pattern in (_ENTRY, _PART):
        match = pattern.match(text, end)
        if match is not None:
            if pattern is _ENTRY:
                return value_at(text, match.end())
            line = _PART_VALUE.match(text, match.end())
            return Value(line.start(), line.end(), quoted=True) if line else None
    member = _MEMBER.match(text, end)
    if member is None:
        return None
    value = value_at(text, member.end())
    opening = text[max(0, start - 12) : start].rstrip("\\\"'`bu")
    if value is None or not _is_pair(text, opening, value, flag=text[start] == "-"):
        return None
    return value


def _is_pair(text: str, opening: str, value: Value, *, flag: bool) -> bool:
    """Tell a (name, value) pair, or a flag and its value, from a list of names."""
    if flag:
        return text[value.start : value.start + 1] != "-"
    closing = text[value.end : value.end + 20].lstrip("\\\"'`")[:1]
    if opening[-1:] == "(":
        return closing in (")", ",", "")
    return opening[-1:] == "[" and closing in ("]", "") and not text[value.start : value.end].isalpha()


def _spoken(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """The value in prose: `password for alice is X`, `PASSWORD 'X'`, `token X`."""
    if rule.sort in ("weak", "digits") or text[end : end + 1] not in (" ", "\t"):
        return None
    said = _SAID.match(text, end)
    if said is not None:
        value = value_at(text, said.end())
        if value is None:
            return None
        word = text[value.start : value.end]
        plain = word.isdigit() or (rule.kind in ("password", "otp") and _is_last(text, value))
        return value if value.quoted or plain or looks_chosen(word) else None
    sql = _SQL.match(text, end)
    if sql is not None:
        value = value_at(text, sql.end())
        if value is not None and text[value.end : value.end + 1] in _QUOTES and (rule.kind == "password" or looks_chosen(text[value.start : value.end])):
            return value if " " not in text[value.start : value.end] else None
        return None
    return _beside(text, end, rule)


def _beside(text: str, end: int, rule: Rule) -> Value | None:
    spaced = _SPACED.match(text, end)
    value = value_at(text, spaced.end()) if spaced else None
    if value is None or text[value.start] in "([{<":
        return None
    word = text[value.start : value.end]
    if rule.sort == "code" and word.isdigit() and 4 <= len(word) <= 8:  # noqa: PLR2004 - lengths of one-time codes
        return value
    return value if looks_chosen(word) else None


def _is_last(text: str, value: Value) -> bool:
    """Tell whether a sentence or clause ends after the value."""
    rest = text[value.end : value.end + 3]
    return not rest.strip() or rest[0] in ".,;!)" or rest[:1] == "\n"
