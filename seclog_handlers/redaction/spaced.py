"""Values with spaces that end where something else does: an argument in quotes, an entry of a record, a line."""

from __future__ import annotations

import re

from seclog_handlers.redaction.extents import QUOTES, Value
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.values import is_remark


def value(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """Return what the name text[start:end] holds if that may have spaces; None for most."""
    if text[end : end + 1] == "=" or text[end : end + 3] == " = ":
        whole = _whole(text, start, end, rule)
        if whole is not None:
            return whole
    line = _LINE.match(text, end) if rule.kind in _OF_WORDS else None
    return Value(*line.span("value"), quoted=True) if line is not None and _is_line(text, start, line) else None


# A passphrase that nothing quotes: a line of a configuration, of a dump.
_LINE = re.compile(
    r"\]?[ \t]{0,8}(?:=>|[:=])(?:[ \t]{1,4}|(?<=[A-Z]=))"
    r"(?P<value>[A-Za-z][\w.]{0,40}(?:[&;][\w.]{1,40}=[\w.]{1,40}){1,4}"
    r"|[\w'.!?-]{1,32}(?:[ ][\w'.!?-]{1,32}){1,11})[ \t]{0,4}(?=\r?\n|\Z)"
)
_OF_WORDS = frozenset({"password", "secret", "otp"})
_LINE_BEFORE = re.compile(r"(?:\A|\n)[ \t]{0,32}(?:- )?\[?[\"']?\Z")


def _is_line(text: str, start: int, line: re.Match[str]) -> bool:
    """Tell whether a line is one of several of names and values, whose words are no remark."""
    words = line["value"].lower().split()
    if is_remark(words) or not _CODE.isdisjoint(words) or not _LINE_BEFORE.search(text, max(0, start - 40), start):
        return False
    return (
        _OTHER_LINE.match(text, line.end()) is not None
        or _LINE_ABOVE.search(text, max(0, start - 240), start) is not None
    )


_CODE = frozenset({"if", "else", "or", "and", "not", "in", "is", "lambda", "await", "for", "new"})
_OTHER_LINE = re.compile(r"\r?\n[ \t]{0,32}[\w.\[\]-]{1,64}[ \t]{0,8}(?:=>|[:=])")
_LINE_ABOVE = re.compile(
    r"(?:\A|\n)[ \t]{0,32}(?:- )?[\w.\[\]-]{1,64}[ \t]{0,8}(?:=>|[:=])[^\n]{0,128}\n[ \t]{0,32}\[?\Z"
)


def _whole(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """The value of `name=words and more` whose end stands around it: an argument in quotes, an entry of a record."""
    before = text[start - 1 : start]
    argument = text[start] == "-" or (text[start:end].isupper() and text[start].isalpha())
    if argument and text[end] == "=" and (before in QUOTES if before else text[0] == "-" or "\n" not in text):
        match = _ARGUMENTS[before].match(text, end + 1, end + MAX_ARGUMENT)
        if match is None or not match[0] or match[0][0] in QUOTES or _WRAPPED.match(match[0]):
            return None
        loose = (not before and text[start] != "-") or rule.kind != "password"
        said = " " in match[0] and (loose or is_remark(match[0].lower().split()))
        return None if said or _ANOTHER.search(match[0]) else Value(*match.span(), quoted=True)
    former = text[max(0, start - 2) : start].rstrip()[-1:]
    position = end + (1 if text[end] == "=" else 3)
    if (
        former == ";" and rule.kind == "password" and _PAIR_BEFORE.search(text, max(0, start - 200), start)
    ):  # Server=db;Pwd=the yogurt of Gdansk;Timeout=15
        match = _ADO.match(text, position)
        return Value(*match.span("value"), quoted=True) if match is not None else None
    # LoginRequest(user=bob, password=quartz pumpkin, remember=false)
    match = _ENTRY.match(text, position) if former and former in ",{([" else None
    if match is None or is_remark(match["value"].lower().split()):
        return None
    return Value(*match.span("value"), quoted=True)


MAX_ARGUMENT = 256
_WRAPPED = re.compile(r"[A-Za-z_][\w.:]{0,40}\(")
_ANOTHER = re.compile(r"[,;&][A-Z][A-Z0-9_]{1,40}=")
_PAIR_BEFORE = re.compile(r"[A-Za-z_][\w ]{0,40}=[^;=]{0,128};[ ]?\Z")
# Words to the closing quote, no further pair and no further option among them.
_ARGUMENTS = {
    quote: re.compile(rf"(?![{quote} ])(?:[^\\\n\t {quote}]|\\.|[ ](?!-|[\w.]{{1,40}}=))*(?={quote or chr(92) + 'Z'})")
    for quote in (*QUOTES, "")
}
_ADO = re.compile(r"(?P<value>[^\s\"';={}][^\"';=\n]{0,127})(?=;[ ]?[A-Za-z][A-Za-z _]{0,40}=|;?\Z|;?[\"'])")
_ENTRY = re.compile(
    r"(?P<value>[^\s,;=(){}\[\]\"']{1,64}(?:[ ][^\s,;=(){}\[\]\"']{1,64}){1,11})"
    r"(?=,[ ]?[A-Za-z_]\w{0,40}[ ]?[=:]|[ ]?[)\]}])"
)
