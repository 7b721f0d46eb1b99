"""The value that a place gives to a name: in an element, an entry, a pair, a form's part, after a flag, in SQL."""

from __future__ import annotations

import re

from seclog_handlers.redaction.extents import QUOTES, Value, value_at
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.values import looks_chosen, looks_made

_Q = r"\\{0,15}[\"'`]"

_TAG = re.compile(r"(?:\s[^<>]{0,300})?>\s{0,64}(?:<[Vv]alue>)?(?:<!\[CDATA\[)?")
_TAG_VALUE = re.compile(r"[^<\]\s][^<]{0,4096}")
ENTRY = re.compile(
    rf"{_Q}(?:(?:\s{{0,8}},\s{{0,8}}|\s{{1,8}})(?:{_Q})?[\w-]{{1,32}}"
    rf"(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}{_Q}?[\w/ .-]{{0,100}}{_Q}?){{0,3}}?"
    rf"(?:\s{{0,8}},\s{{0,8}}|\s{{1,8}})(?:{_Q})?(?:[A-Za-z]{{0,20}}[vV]alue|VALUE|val|v|content|[vV]alue_?[sS]tring"
    rf"|current_?[vV]alue)(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}",
)
_ELEMENT = re.compile(r"\s{0,8}</[\w:-]{1,32}>\s{0,64}<(?:[\w:-]{0,24}[vV]alue|string|val)>\s{0,16}")
_CONTENT = re.compile(
    rf"{_Q}[^<>\n]{{0,160}}(?<!/)>\s{{0,32}}"
    rf"(?:<[\w:]{{0,24}}(?:[vV]alue|string|val)(?:\s[^<>]{{0,100}})?>\s{{0,16}})?(?=[^<\s])"
)
_ATTRIBUTE = re.compile(rf"{_Q}(?: [\w-]{{1,32}}={_Q}[\w/ .-]{{0,100}}{_Q}){{0,3}} (?:value|content)=(?={_Q})")
_OWN_ATTRIBUTE = re.compile(
    rf"(?:\s{{1,4}}(?!\w{{0,16}}[vV]al)[\w:.-]{{1,32}}={_Q}[^\"'<>]{{0,100}}{_Q}){{0,3}}\s{{1,4}}(?:[vV]alue|val|text|plaintext|clear|#text)=(?={_Q})"
)
_LISTED = ("name: ", "Name: ", 'ame: "', "ame: '", "erty: ", "key: ", "Key: ")
_LINE = re.compile(r"[\"']?\r?\n[ \t]{1,32}(?:[vV]alue|val|data): {1,4}")
_MEMBER = re.compile(rf"{_Q}\s{{0,4}}[,;]\s{{0,16}}(?=b?{_Q})")
_INDEXED = re.compile(rf"{_Q}\](?::| is| was)? (?:but )?(?:got|was|is|received|found) (?={_Q})")
# As EDI and old protocols part fields: PWD#x#USR#bob#
_HASHED = re.compile(r"#(?P<value>[^#\s]{4,128})#(?=[A-Z]{2,8}#)")
_NAMED_INPUT = re.compile(r"(?:[ ]\w{2,16}=[\w-]{1,32}){0,3}[ ]value=(?=[\"'])")  # <input name=csrf_token value='x'>
_NAMED_VALUE = re.compile(r",?[ ][vV]alue=(?=[^\s\"'])")  # env name=DB_PASSWORD value=x
_PART = re.compile(
    r"\"?(?:;[^\r\n]{0,120})?(?:(?:\r?\n|\\r\\n)[A-Za-z-]{1,40}:[^\r\n\\]{0,200}){0,3}(?:\r?\n\r?\n|\\r\\n\\r\\n"
    r"|\\n\\n)",
)
_PART_VALUE = re.compile(r"(?:[^\r\n\\]|\\(?![rn]))+")
_FLAG = re.compile(rf"(?:[ ]argv\[\d{{1,3}}\]=|[ \t]{{1,8}}|{_Q}\s{{0,2}},\s{{0,4}}(?={_Q}))")
_CALLED = re.compile(rf"[ ]?\(\s{{0,4}}(?:value=|raw=)?(?=b?{_Q})")
_COBOL = re.compile(r"[ ]{1,8}PIC[ ][X9A]\(\d{1,4}\)\.?[ ]{1,8}VALUE[ ](?=['\"])")


_KEYWORD = re.compile(r"(?<![\w:]):[\w.-]{1,40}/\Z")
_SYMBOL = re.compile(r",[ ]?(?:<<)?(?=[\"'])")
_IN = re.compile(r"[\"'`\]]?\s{1,4}(?:NOT\s{1,4}|not\s{1,4})?(?:IN|in)\s{0,4}\((?P<value>\s{0,4}N?'[^()]{1,4096})\)")
# Terraform: variable "db_password" { default = "x" }
_HCL = re.compile(
    rf"{_Q}\s{{0,4}}\{{\s{{0,8}}(?:\w{{1,24}}\s{{0,8}}=\s{{0,4}}[^\n{{}}=]{{1,80}}\s{{1,8}}){{0,4}}?default\s{{0,8}}=\s{{0,4}}"
)
# {key=cryptPassword, default=}, value=x; variable : db_password, value : x
_ENTRY_OF = re.compile(
    r"\b(?:(?:key|name|variable|setting|field|param|parameter|property|option)\s?[:=]|for parameter)\s?\Z",
    re.IGNORECASE,
)
_ENTERED = re.compile(r"[,;}\])][^\n=:]{0,24}(?:[=:][^\n=:]{0,24}?[,;}\])][^\n=:]{0,8}?)?\b[vV]alue\s?[:=]\s?(?=\S)")
# As Windows' registry shows it: `DefaultPassword    REG_SZ    x`
_REGISTRY = re.compile(r"[ \t]{1,16}REG_(?:SZ|EXPAND_SZ)[ \t]{1,16}(?=\S)")
_SETTERS = ("set_pass", "check_pass", "verify_pass", "change_pass", "setpass", "checkpass", "verifypass")


def value(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """The value in an element, an entry, a pair, a form part, after a flag, or in SQL."""
    before = text[start - 1 : start]
    if before in ("<", ":") and before and (before == "<" or "<" in text[max(0, start - 24) : start]):
        if text[start - 2 : start - 1] == "=":  # TOKEN=<TOKEN> -e ID=<ID>: what is to be put there
            return None
        own = _OWN_ATTRIBUTE.match(text, end)
        if own is not None:  # <Password value="x"/>
            return value_at(text, own.end())
        tag = _TAG.match(text, end)
        return _inside(text, tag.end()) if tag else None
    if before == ">":
        element = _ELEMENT.match(text, end)
        return _inside(text, element.end()) if element else None
    declared = _COBOL.match(text, end)
    if declared is not None:
        return value_at(text, declared.end())
    if before == "/" and text[end : end + 2] == ' "' and _KEYWORD.search(text, max(0, start - 64), start):
        return value_at(text, end + 1)  # Clojure: :db/password "x"
    if before == "{" and (symbol := _SYMBOL.match(text, end)) is not None:  # Erlang: {password,"x"}
        value = value_at(text, symbol.end())
        chosen = value is not None and (rule.kind == "password" or looks_chosen(text[value.start : value.end]))
        return value if chosen else None
    if before == "/" and text[end : end + 1] in QUOTES:  # "/prod/db/password"
        entry = ENTRY.match(text, end)
        return value_at(text, entry.end()) if entry else None
    if before == "#" and text[start - 2 : start - 1] in QUOTES:  # page.fill("#password", "x")
        filled = _MEMBER.match(text, end)
        return value_at(text, filled.end()) if filled else None
    if before == "[" and text.startswith("]", end):  # name="user[password]"
        return _of_part(text, end + 1)
    if before and before in "\"'`":
        return _after_quoted_name(text, start, end)
    listed = _IN.match(text, end)
    if listed is not None:
        return Value(*listed.span("value"), quoted=True)
    line = _LINE.match(text, end) if text[max(0, start - 6) : start].endswith(_LISTED) else None
    if line is not None:
        return value_at(text, line.end())
    called = _CALLED.match(text, end)
    if called is not None and rule.sort != "weak":
        value = value_at(text, called.end())
        setting = text[start:end].lower().startswith(_SETTERS) and value is not None and value.quoted
        return value if value and (setting or looks_chosen(text[value.start : value.end])) else None
    entered = _ENTERED.match(text, end) if _ENTRY_OF.search(text, max(0, start - 16), start) else None
    if entered is not None:
        return value_at(text, entered.end())
    labelled = _labelled(text, start, end)
    if labelled is not None:
        return labelled
    kept = _REGISTRY.match(text, end)
    if kept is not None:
        return value_at(text, kept.end())
    hashed = _HASHED.match(text, end)
    if hashed is not None:
        return Value(*hashed.span("value"), quoted=True)
    if text[max(0, start - 5) : start] == "name=":
        form_input = _NAMED_INPUT.match(text, end) or _NAMED_VALUE.match(text, end)
        if form_input is not None:
            return value_at(text, form_input.end())
        if _PART.match(text, end) is not None:
            return _of_part(text, end)
    if text[start] == "-" and rule.sort in ("strong", "code", "user", "digits"):
        named = text[max(0, start - 4) : start] == "set "  # pulumi config set --secret name x
        flag = None if named else _FLAG.match(text, end)
        if flag and text[flag.end() : flag.end() + 1] != "-":
            return value_at(text, flag.end())
    return None


def option(text: str, start: int, end: int, rule: Rule) -> list[tuple[int, int, str]]:
    """Return what a machine has made behind an option whose name has many meanings: `--session`, `X`."""
    flag = _FLAG.match(text, end) if text[start] == "-" else None
    value = value_at(text, flag.end()) if flag is not None else None
    if value is None or not looks_made(text[value.start : value.end]):
        return []
    return [(value.start, value.end, rule.kind)]


def _of_part(text: str, position: int) -> Value | None:
    """The value of a form's part, whose headers go on at a position."""
    part = _PART.match(text, position)
    line = _PART_VALUE.match(text, part.end()) if part else None
    return Value(*line.span(), quoted=True) if line else None


def _labelled(text: str, start: int, end: int) -> Value | None:
    """The value of a custom field in ArcSight's format (CEF): `cs1Label=password cs1=x`, in either order."""
    label = _LABEL.search(text, max(0, start - MAX_LABEL), start)
    if label is None:
        return None
    first, last = max(0, start - MAX_TAG), label.start()
    for field in (f" {label['field']}=", f"|{label['field']}="):
        at = max(text.find(field, end, end + MAX_TAG), text.rfind(field, first, last))
        if at >= 0:
            return value_at(text, at + len(field))
    return None


MAX_LABEL = 32
_LABEL = re.compile(r"\b(?P<field>[a-z][A-Za-z0-9]{1,24})Label=\Z")


def _inside(text: str, position: int) -> Value | None:
    match = _TAG_VALUE.match(text, position)
    if match is None:
        return None
    value = match[0].partition("]]>")[0].rstrip()
    closed = text[match.end() : match.end() + 1] == "<"
    if not closed and (" " in value or text[position - 1] != ">" or value[:1] == "@" or len(value) < MIN_LOOSE):
        return None  # <password> in a sentence, or in a URL
    return Value(position, position + len(value), quoted=True)


MIN_LOOSE = 3  # of a value in no element: `Bearer <token>".`


def _after_quoted_name(text: str, start: int, end: int) -> Value | None:
    declared = _HCL.match(text, end)
    if declared is not None:
        return value_at(text, declared.end())
    if text[start - 2 : start - 1] == "=":
        attribute = _ATTRIBUTE.match(text, end)
        if attribute is not None:
            return value_at(text, attribute.end())
        content = _CONTENT.match(text, end)
        if content is not None:
            return _inside(text, content.end())
    if text[max(0, start - 6) : start - 1] == "name=":
        shown = _shown_before(text, start)
        if shown is not None:
            return shown
    indexed = _INDEXED.match(text, end)  # data['token'] got 'x'
    if indexed is not None:
        return value_at(text, indexed.end())
    entry = ENTRY.match(text, end)
    if entry is not None:
        return value_at(text, entry.end())
    if text[max(0, start - 6) : start - 1] == "name=" and _PART.match(text, end) is not None:
        return _of_part(text, end)
    member = _MEMBER.match(text, end)
    if member is None:
        return None
    value = value_at(text, member.end())
    opening = text[max(0, start - 12) : start].rstrip("\\\"'`bu ")
    if value is None or not _is_pair(text, (start, end), opening, value):
        return None
    return value


def _shown_before(text: str, start: int) -> Value | None:
    """The value in an element whose name stands after it: `<input value="x" name="password">`."""
    opened = text.rfind("<", max(0, start - MAX_TAG), start)
    match = _VALUE_BEFORE.search(text, opened, start) if opened >= 0 else None
    return Value(*match.span("value"), quoted=True) if match else None


MAX_TAG = 400
_VALUE_BEFORE = re.compile(r"\svalue=(?P<q>[\"'])(?P<value>[^\"'<>]{1,256})(?P=q)")
# A list of words: ENUM ('password', 'otp'); what only is called, too: data_bag_item('secrets', 'mysql')
_LISTING = re.compile(r"\b(?:enum|set|in|any|check)\s{0,2}\($", re.IGNORECASE)
_CALLER = re.compile(r"\w\($")
_BUILD = re.compile(r"\b(?:buildConfigField|resValue)\b[^\n]{0,40}\Z")
_PLAIN_WORD = re.compile(r"[a-z]+|[A-Z][a-z]*|[A-Z]+")


def _is_pair(text: str, name: tuple[int, int], opening: str, value: Value) -> bool:
    """Tell a (name, value) pair, or a flag and its value, from a list of names."""
    start, end = name
    if text[start] == "-":
        return text[value.start : value.start + 1] != "-"
    if opening[-1:] == "," and _BUILD.search(text, max(0, start - 60), start):  # buildConfigField "String", "KEY", "x"
        return True
    closing = text[value.end : value.end + 20].lstrip("\\\"'` ")[:1]
    if not opening.strip(" ") or opening[-1] == "\n":  # a line of names and values: "password","x"
        return closing in ("", "\n", "\r") and looks_chosen(text[value.start : value.end])
    if opening[-1] == ",":  # names and values by turns: [b"user", b"bob", b"password", b"x"]
        item = text[value.start : value.end]
        return closing in ("]", ",", ")") and looks_made(item) and not (item.isidentifier() and "_" in item)
    if opening[-1:] == "(":
        if closing not in (")", ",", ""):
            return False
        listed = (_CALLER if text[start:end].endswith("s") else _LISTING).search(opening)
        return listed is None or not _PLAIN_WORD.fullmatch(text, value.start, value.end)
    return opening[-1:] == "[" and closing in ("]", "") and not _PLAIN_WORD.fullmatch(text, value.start, value.end)
