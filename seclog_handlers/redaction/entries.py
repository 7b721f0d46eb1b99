"""Secrets whose name stands elsewhere: bound parameters of SQL, columns of tables, validation errors, manifests."""

from __future__ import annotations

import re
from collections.abc import Callable

from seclog_handlers.redaction.extents import value_at
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.values import is_secret

Found = tuple[int, int, str]

_Q = r"\\{0,15}[\"'`]"
# As far as a statement, a manifest or a table is read from where its name stands.
MAX_STATEMENT = 4_096
MAX_LINES = 200
_MIN_COLUMNS, MAX_COLUMNS = 2, 64
MAX_CHANGES = 4


def around(text: str, start: int, end: int, rule: Rule) -> list[Found]:
    """Find the values of the name text[start:end] that no assignment joins to it.

    They may stand far off, so the last span is an empty one at `end`: the search for names goes on from there.
    """
    found = _around(text, start, end, rule)
    return [*found, (end, end, rule.kind)] if found else []


def _around(text: str, start: int, end: int, rule: Rule) -> list[Found]:
    if text[start:end] == "Secret" and _KIND.search(text, max(0, start - 24), start):
        return _manifest(text, start)
    following = text[end : end + 1]
    if following in (")", ",") and following:
        found = _unique_key(text, start, end, rule)
        if found:
            return found
    if following and following in "\\\"'`":
        twice = _DUPLICATE.search(text, max(0, start - 400), start) if text[start - 1 : start] == "'" else None
        if twice is not None and is_secret(twice["value"], rule, quoted=True):
            return [(*twice.span("value"), rule.kind)]
        found = judged(text, start, rule) or _validated(text, end, rule) or _changed(text, end, rule)
        if found:
            return found
    listed = _LIST.match(text, end) if following in (" ", ":") and text[start:end].lower().endswith("codes") else None
    if listed is not None and (codes := _codes_below(text, listed.end(), rule)):
        return codes
    if following == " " and (changed := _OLD_NEW.match(text, end)) is not None:
        spans = [changed.span("old"), changed.span("new")]
        return [(*span, rule.kind) for span in spans if is_secret(text[slice(*span)], rule)]
    if following in _SEPARATORS_AFTER and text.find("\n", end, end + MAX_STATEMENT) >= 0:
        return _columns(text, start, end, rule)
    return []


# backup codes for bob:\n  37o76-44mgy
_LIST = re.compile(r"(?:[ ](?:for|of)[ ][\w.@-]{1,64})?:[ \t]{0,4}\r?\n")
_CODE = re.compile(
    r"[ \t]{0,16}(?:[-*•]|\d{1,2}[.)])?[ \t]{0,4}"
    r"(?P<value>(?=[A-Za-z-]{0,64}\d)[A-Za-z0-9]{3,12}(?:[- ][A-Za-z0-9]{3,12}){0,9})"
    r"[ \t]{0,8}(?:\r?\n|\Z)"
)
MAX_CODES = 40


def _codes_below(text: str, position: int, rule: Rule) -> list[Found]:
    """Find the codes of a list, one a line."""
    found: list[Found] = []
    while len(found) < MAX_CODES and (code := _CODE.match(text, position)) is not None:
        found.append((*code.span("value"), rule.kind))
        position = code.end()
    return found


# setting changed: smtp_password old=x new=y
_OLD_NEW = re.compile(
    r"(?:[ ](?:changed|rotated|reset|updated))?(?:[ ](?:for|of)[ ][\w.@-]{1,64})?:?"
    r"[ ](?:old|from|previous|before)[=:][ ]?(?P<old>[^\s,;]{1,256})[,;]?"
    r"[ ](?:new|to|current|after)[=:][ ]?(?P<new>[^\s,;]{1,256})"
)
# Kubernetes: what a Secret holds is secret, whatever it is called.
_KIND = re.compile(rf"\bkind(?:{_Q})?[ ]?:[ ]?(?:{_Q})?$")
_YAML_DATA = re.compile(r"(?:^|\n)(?P<indent>[ \t]{0,32})(?:data|stringData):[ \t]{0,8}(?=\r?\n)")
_YAML_LINE = re.compile(r"\r?\n(?P<indent>[ \t]{1,40})[\"']?[\w.-]{1,128}[\"']?:[ ](?P<value>[^\r\n]{1,8192})")
_SCALAR = re.compile(r"[|>][+-]?[ \t]{0,4}\r?\n[ \t]{1,40}(?P<lines>\S[^\n]{0,8191})")
_JSON_DATA = re.compile(rf"{_Q}(?:data|stringData){_Q}\s{{0,8}}:\s{{0,8}}\{{")
_JSON_MEMBER = re.compile(rf"\s{{0,32}},?\s{{0,32}}{_Q}[\w.-]{{1,128}}{_Q}\s{{0,8}}:\s{{0,8}}(?={_Q})")


def _document(text: str, start: int) -> tuple[int, int]:
    """Return where the manifest may begin and end that says its kind at `start`: other Secrets say theirs."""
    first, last = max(0, start - MAX_STATEMENT), start + 4 * MAX_STATEMENT
    former, following = text.rfind("Secret", first, start), text.find("Secret", start + 1, last)
    if former >= 0 and _KIND.search(text, max(0, former - 24), former):
        first = former
    if following >= 0 and _KIND.search(text, following - 24, following):
        last = following
    return first, last


def _manifest(text: str, start: int) -> list[Found]:
    found: list[Found] = []
    first, last = _document(text, start)
    for block in _YAML_DATA.finditer(text, first, last):
        position = block.end()
        while (line := _YAML_LINE.match(text, position)) and len(line["indent"]) > len(block["indent"]):
            scalar = _SCALAR.match(text, line.start("value"))
            found.append((*(line.span("value") if scalar is None else scalar.span("lines")), "secret"))
            position = line.end() if scalar is None else scalar.end()
    for block in _JSON_DATA.finditer(text, first, last):
        position = block.end()
        while member := _JSON_MEMBER.match(text, position):
            value = value_at(text, member.end())
            if value is None:
                break
            found.append((value.start, value.end, "secret"))
            closing = text[value.end : value.end + 16]
            position = value.end + len(closing) - len(closing.lstrip("\\\"'`"))
    return found


_PUTTY = re.compile(
    r"Private-Lines:[ ]\d{1,4}(?P<value>(?:(?:\r?\n|\\r\\n|\\n|[ ])[A-Za-z0-9+/=]{1,76}(?![\w+/=:-])){1,200})"
)


def putty(text: str, end: int) -> list[Found]:
    """Find the private part of a key in PuTTY's form, whose first name ends at `end`."""
    match = _PUTTY.search(text, end, end + MAX_STATEMENT)
    return [(*match.span("value"), "private-key")] if match else []


# pydantic's and FastAPI's list of errors: {'loc': ('body', 'password'), 'msg': ..., 'input': 'x'}.
_INPUT = re.compile(rf"{_Q},?[\])][^{{}}\n]{{0,400}}?{_Q}(?:input|input_value|value|given){_Q}\s?:\s?")
# An audit's entry: {"field": "password", "old": "x", "new": "y"}.
_CHANGE = re.compile(
    rf"{_Q}?\s{{0,2}},\s{{0,8}}{_Q}(?:old|new|before|after|from|to|previous|current|was|now|original|updated)"
    rf"(?:[ _-]?[vV]al(?:ue)?)?{_Q}\s?(?:=>|[:=])\s?",
)


def _validated(text: str, end: int, rule: Rule) -> list[Found]:
    match = _INPUT.match(text, end)
    return _value(text, match.end(), rule) if match else []


# jsonschema: 'x' is too short ... On instance['password']
_INSTANCE = re.compile(r"(?:instance|schema)(?:\[['\"][\w-]{1,64}['\"]\]){0,6}\[['\"]$")
_JUDGED = re.compile(
    r"(?:^|[\s:(])(?P<q>['\"])(?P<value>[^'\"\n]{1,256})(?P=q)"
    r" (?:is too (?:short|long)|does not match|is not (?:valid|a|of|one))"
)
MAX_JUDGED = 600


def judged(text: str, start: int, rule: Rule) -> list[Found]:
    """The value that a validator names before the field: `'x' is too short ... On instance['password']`."""
    if _INSTANCE.search(text, max(0, start - 200), start) is None:
        return []
    first = max(0, start - MAX_JUDGED)
    return [(*match.span("value"), rule.kind) for match in _JUDGED.finditer(text, first, start)]


def _changed(text: str, end: int, rule: Rule) -> list[Found]:
    found: list[Found] = []
    for _ in range(MAX_CHANGES):
        match = _CHANGE.match(text, end)
        value = value_at(text, match.end()) if match else None
        if value is None:
            break
        end = value.end
        if is_secret(text[value.start : end], rule, quoted=value.quoted):
            found.append((value.start, end, rule.kind))
    return found


def _value(text: str, position: int, rule: Rule) -> list[Found]:
    value = value_at(text, position)
    if value is None or not is_secret(text[value.start : value.end], rule, quoted=value.quoted):
        return []
    return [(value.start, value.end, rule.kind)]


# MySQL: Duplicate entry 'x' for key 'api_token'
_DUPLICATE = re.compile(r"Duplicate entry '(?P<value>[^'\n]{1,256})' for key '$")
# PostgreSQL: Key (email, token)=(a@b, x) already exists.
_KEY_COLUMNS = re.compile(r"\bKey \((?P<columns>[^()\n]{1,400})\)=\((?P<values>[^()\n]{0,4096})\)")


def _unique_key(text: str, start: int, end: int, rule: Rule) -> list[Found]:
    opened = text.rfind("Key (", max(0, start - 400), start)
    match = _KEY_COLUMNS.match(text, opened) if opened >= 0 else None
    if match is None or match.end("columns") < end:
        return []
    index = text.count(",", match.start("columns"), start)
    values = match["values"].split(", ")
    if index >= len(values) or not is_secret(values[index], rule, quoted=True):
        return []
    at = match.start("values") + sum(len(value) + 2 for value in values[:index])
    return [(at, at + len(values[index]), rule.kind)]


_PYDANTIC = re.compile(
    r"(?:^|\n|Error: )(?P<name>[\w.\[\]-]{1,100})\r?\n[ \t]{1,8}[^\n]{1,200}?\binput_value="
    r"(?P<q>['\"]?)(?P<value>[^\n]{1,4096}?)(?P=q)(?=, input_type)",
)


def pydantic(text: str, rules: KeyRules, spend: Callable[[int], None]) -> list[Found]:
    """Find the values that pydantic's errors show below the name of the field."""
    found: list[Found] = []
    for match in _PYDANTIC.finditer(text):
        spend(5)
        rule = rules.rule(match["name"].rpartition(".")[2])
        if match["value"][0] == "{" and "type=missing" in match[0]:
            continue  # what was given without that field
        if rule is not None and is_secret(match["value"], rule, quoted=True):
            found.append((*match.span("value"), rule.kind))
    return found


# A header line names the columns below it: CSV, tab-separated, psql's and Markdown's tables.
_SEPARATORS_AFTER = frozenset({",", ";", "\t", "|", " ", '"', "\n", "\r"})
_CELL = re.compile(r"[ ]{0,40}\"?[\w .#()/-]{1,48}\"?[ ]{0,40}")


def _columns(text: str, start: int, end: int, rule: Rule) -> list[Found]:
    first = text.rfind("\n", max(0, start - MAX_STATEMENT), start) + 1
    last = text.find("\n", end, end + MAX_STATEMENT)
    if last < 0 or last - first > MAX_STATEMENT:
        return []
    head = text[first:last].rstrip("\r")
    separator = next((sign for sign in "|\t,;" if sign in head), "")
    names = head.split(separator) if separator else []
    index = text.count(separator, first, start) if separator else 0
    if not _MIN_COLUMNS <= len(names) <= MAX_COLUMNS or names[index].strip(' "') != text[start:end]:
        return []
    before = text.rfind("\n", max(0, first - MAX_STATEMENT), max(0, first - 1)) + 1
    if first and text.count(separator, before, first) == len(names) - 1:
        return []  # a line of a table, and not the first
    if not all(_CELL.fullmatch(name) or not name.strip() for name in names):
        return []
    return _cells(text, last + 1, separator, (index, len(names)), rule)


def _cells(text: str, position: int, separator: str, place: tuple[int, int], rule: Rule) -> list[Found]:
    """Find the values at one place of each line that has as many cells as its header."""
    index, count = place
    found: list[Found] = []
    for _ in range(MAX_LINES):
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        cells = text[position:stop].split(separator)
        if len(cells) == count:
            at = position + sum(len(cell) + 1 for cell in cells[:index])
            value = cells[index].strip(' \r"')
            at += len(cells[index]) - len(cells[index].lstrip(' "'))
            if value.strip("-+:=") and is_secret(value, rule, quoted=True):
                found.append((at, at + len(value), rule.kind))
        elif not set(text[position:stop]) <= _RULER:
            break
        position = stop + 1
        if position > len(text):
            break
    return found


_RULER = frozenset("-+|=: \r")

# Parameters beside their statement: [SQL: ... password=?] [parameters: ('x', 5)], args=('x', 5), $1 = 'x'.
_PLACEHOLDER = re.compile(r"\?|%s|\$(?P<number>\d{1,3})")
_STATEMENT = re.compile(r"\b(?:insert|update|select|delete|alter|create|merge|replace|upsert|with)\b", re.IGNORECASE)
_BOUND = re.compile(
    r"(?:\b(?:bind|bound|query)?[ _]?(?:parameters|params|args|values|binds|bindings|arguments)[\"']?[ ]?[:=]?[ ]?"
    r"|[\"'],[ ]?|\[(?:generated|cached|raw|no key|dialect|caching)[^\]\n]{0,60}\][ ])(?P<open>[\[(])",
    re.IGNORECASE,
)
_NUMBERED = r"\${0}\s{{0,2}}=\s{{0,2}}(?=')"
_PARAMETER = re.compile(
    r"\s{0,8}(?:[bBuN]?'(?P<single>(?:[^'\\\n]|\\.|''){0,4096})'|\"(?P<double>(?:[^\"\\\n]|\\.){0,4096})\""
    r"|(?P<bare>[^\s,()\[\]'\"][^,()\[\]'\"\n]{0,255}(?:\([^()\n]{0,256}\))?))\s{0,4}[,)\]]",
)


def bound(text: str, position: int, rule: Rule) -> list[Found]:
    """Find the parameter that stands for the placeholder at `position` of a statement."""
    place = _PLACEHOLDER.match(text, position)
    if place is None:
        return []
    starts = [match.start() for match in _STATEMENT.finditer(text, max(0, position - MAX_STATEMENT), position)]
    if not starts:
        return []
    number = place["number"]
    if number:
        named = re.compile(_NUMBERED.format(number)).search(text, place.end(), place.end() + MAX_STATEMENT)
        if named is not None:
            return _value(text, named.end(), rule)
    index = int(number) - 1 if number else len(_PLACEHOLDER.findall(text, starts[0], position))
    opened = _BOUND.search(text, place.end(), place.end() + MAX_STATEMENT)
    if opened is None or index < 0:
        return []
    at = opened.end()
    parameter = None
    for _ in range(min(index, MAX_COLUMNS) + 1):
        parameter = _PARAMETER.match(text, at)
        if parameter is None:
            return []
        at = parameter.end()
    if parameter is None or parameter.lastgroup is None:
        return []
    span = parameter.span(parameter.lastgroup)
    return [(*span, rule.kind)] if is_secret(text[slice(*span)], rule, quoted=True) else []
