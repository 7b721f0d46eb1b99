"""Where a value in text starts and ends, in whatever notation."""

from __future__ import annotations

import re
from typing import NamedTuple

from seclog_handlers.redaction.censor import SEAL

MAX_QUOTED = 65_536
MAX_NESTED = 16_384
QUOTES = ("'", '"')

# A name followed by = or : begins the next pair, so the separator before it ends the value.
_PAIR = r"\s{0,2}[\w.$-]{1,40}(?:(?:\[|%5B)[\w.-]{0,40}(?:\]|%5D)){0,3}[\"']?\s?[=:]"
_BARE = re.compile(
    r"(?:[^\s,;&|<>\"'`()\[\]{}\\#]+|#(?!01[125][A-Za-z_\"'{\[])"  # #012: a line's end, as rsyslog writes it
    rf"|[,;|&]{{1,2}}(?=[^\s,;&|<>\"'`()\[\]{{}}])(?!{_PAIR})"
    r"|[)\]}>\"'`](?=[^\s,;&|<>\"'`()\[\]{}:.=\\])"
    rf"|[()\[\]{{}}]{{2,4}}(?=[^\s,;&|<>\"'`()\[\]{{}}:.=\\])(?!{_PAIR})"
    r"|[(\[{<](?=[^\s,;&|<>\"'`()\[\]{}])"
    r"|\\(?![\"'nrt]|\\|u00(?:20|26)|x00)){1,96}",
)
# A `#` begins the fragment, but for one in a password that nobody has escaped: behind that are digits, or parameters.
_IN_URL = re.compile(r"[^\s&#\"'<>`\\;]+(?:#(?=[^\s&#\"'<>`\\;/=]{0,64}(?:\d|&))[^\s&#\"'<>`\\;/=]{1,128}){0,2}")
_OPEN = re.compile(r"(\\{0,15})(\"\"\"|'''|''(?=[^\s',;:)\]}&|])|\"\"(?=[^\s\",;:)\]}&|<>/?]{4})|[\"'`])")
# What may stand between the assignment and the value: types, string prefixes, calls around a literal.
_BEFORE = re.compile(
    r"(?:string\(\d{1,6}\) ?|string (?=')|s:\d{1,6}:(?=\\{0,7}\")"
    r"|(?:new )?(?:Some|Just|Ok|Optional(?:\.of)?|SecretStr|SecretBytes"
    r"|SecretString|Secret|String(?:::from|Value)?|PASSWORD|password|str"
    r"|bytes|MD5|SHA1|SHA2|SHA256|SHA512|CRYPT|crypt|ENCRYPT|encrypt|bcrypt|hash_password|make_password|to_bytes|Sensitive|Redacted|Masked"
    r"|b64decode|base64\.b64decode|byte(?:s|array)\.fromhex|(?:binascii\.)?unhexlify|quote|(?:Secret|Password|Sensitive|Protected)[A-Z]\w{0,24}"
    r"|[a-z]\w{0,15}\.(?:String|Secret|Text)\w{0,12})\((?:value=)?(?=b?\\{0,7}[\"'`])|[buBrfN]{1,2}(?=\\{0,7}[\"'])|@(?=\")"
    r"|(?:os\.environ\.get|os\.getenv|getenv|environ\.get|ENV\.fetch)\([\"'][\w.-]{1,64}[\"'], ?(?=[\"'])"
    r"|\[\](?:string|byte|interface ?\{\}|any)\{(?=\")"
    r"|#(?=\")|(?:\((?:const )?(?:unsigned )?char ?\*{1,2}\) )?0x[0-9a-f]{2,16} (?=\")"
    r"|'\\'(?=')"  # a quote in a shell's quotes: '\''x'\''
    r"|!{1,2}(?!vault [\w.-]{1,64}/)[a-z]{1,8} (?=\S)|Str\((?=[^\s()\"']{1,256}\))"
    r"){1,3}",
)
# Source code: a call or an index, whose text is not the secret.
# What is called has a name that people give: lower case, camelCase or CAPITALS; passwords may hold brackets, too.
CALLEE = (
    r"(?:[A-Za-z_][\w.?]{0,48}[._])?_{0,2}(?:[a-z][a-z0-9]{0,2}[a-z_]{2,24}|[a-z]{2,16}(?:[A-Z][a-z]{1,16}){1,6}"
    r"|[a-z]{2}|[a-z]{2,8}2[a-z]{2,12}|(?:[A-Z][a-z]{1,16}){1,6}|[A-Z_]{2,24})\d{0,4}"
)
# A value that may be missing, as Rust and Java show it.
_PRESENT = re.compile(r"(?:Some|Just|Optional)[(\[](?P<value>[^\s()\[\]\"']{4,256})[)\]]")
_SOME = frozenset("SJO")
_CALL = re.compile(rf"(?:await |not |new )?(?:\w{{1,32}}::){{0,4}}{CALLEE}[!?]?(?:\(|\[[\"'])")
# A password with a bracket in it, and nothing that is called: Raccoon(dragon98
_CUT_CALL = re.compile(r"[A-Za-z_]\w{1,63}\((?=[^\s]{0,64}\d)[^\s()\[\]\"',;]{3,64}(?=[\s;&]|\Z)")
_BLOCK = re.compile(
    r"[|>][+-]?\d?[ \t]{0,8}\r?\n(?P<indent>[ \t]{1,32})(?P<value>[^\n]+(?:\n(?P=indent)[^\n]*){0,200})",
)
_TEMPLATE = re.compile(
    r"\{%[^%\n]{1,60}%\}|\$\{\{[^}]{1,80}\}\}|\$\{[^}\n]{1,80}\}|<set to the key [^>\n]{1,120}>|\{\{[^}]{1,80}\}\}"
    r"|<[A-Za-z_ .|-]{1,40}>|\$\([^()\n]{1,400}\)|#\{[^}\n]{1,80}\}"
    r"|!(?:Ref|GetAtt|ImportValue|ENV|vault(?=[ ][\w.-]{1,64}/)"
    r"|[a-z]{2,12}[-_](?:ref|env|secret))[ ][^\s,{}\[\]]{1,160}"
    r"|!(?:FindInMap|Sub|Join)[ ][^\n]{1,160}"
)


# Quotes as people's programs set them, with what ends each.
_TYPOGRAPHIC = {
    opening: re.compile(rf"[{closing}](?!\w)")
    for opening, closing in zip(
        "\u201e\u201c\u00ab\u00bb\u201a\u2018\u300c\u300e",
        ("\u201c\u201d", "\u201d", "\u00bb", "\u00ab", "\u2018\u2019", "\u2019", "\u300d", "\u300f"),
        strict=True,
    )
}


class Value(NamedTuple):
    """A value in text: where it starts and ends without its quotes, and how it was written."""

    start: int
    end: int
    quoted: bool


def value_at(text: str, position: int, *, in_url: bool = False) -> Value | None:
    """Return the value that starts at `position`, in whatever notation."""
    if in_url:
        match = _IN_URL.match(text, position)
        return Value(match.start(), match.end(), quoted=False) if match else None
    present = _PRESENT.match(text, position) if text[position : position + 1] in _SOME else None
    if present is not None:
        return Value(*present.span("value"), quoted=True)
    before = _BEFORE.match(text, position)
    if before is not None:
        position = before.end()
    elif _CALL.match(text, position):
        cut = _CUT_CALL.match(text, position) if text[position - 1] != " " or text[position].isupper() else None
        return Value(*cut.span(), quoted=False) if cut is not None else None
    opened = _OPEN.match(text, position)
    if opened is not None:
        return _quoted(text, opened)
    first = text[position : position + 1]
    if first in _TYPOGRAPHIC and first:
        closing = _TYPOGRAPHIC[first].search(text, position + 1, position + 512)
        if closing is not None:
            return Value(position + 1, closing.start(), quoted=True)
    if first in ("{", "[", "(") and first and not text.startswith(("{{", "{%"), position):
        nested = _nested(text, position)
        if nested is not None and _GOES_ON.match(text, nested.end):  # {cinder}79[Salmon]
            bare = _bare(text, position)
            return bare if bare is not None and bare.end > nested.end else nested
        return nested or _bare(text, position)
    template = _TEMPLATE.match(text, position) if first in ("$", "{", "<", "#", "!") and first else None
    if template is not None:
        return Value(position, template.end(), quoted=False)
    if first in ("|", ">") and first:
        block = _BLOCK.match(text, position)
        if block is not None:
            return Value(block.start("value"), block.end("value"), quoted=True)
    return _bare(text, position)


def _bare(text: str, position: int) -> Value | None:
    match = _BARE.match(text, position)
    if match is None:
        return None
    end = match.end()
    while end > position + 1 and text[end - 1] in ".:" and text[position] != SEAL:
        end -= 1
    return Value(position, end, quoted=False)


def _quoted(text: str, opened: re.Match[str]) -> Value:
    """Find the end of a quoted value whose quotes are escaped as often as the opening one."""
    level, quote = len(opened[1]), opened[2]
    start = opened.end()
    doubled = -1
    for match in _CLOSING[quote].finditer(text, start, min(len(text), start + MAX_QUOTED)):
        if match.start() == doubled:
            continue
        if quote == "'" and match.end() > start + 1 and _DOUBLED.match(text, match.start()):  # SQL, YAML: 'it''s'
            doubled = match.end()
            continue
        slashes = match.end() - match.start() - len(quote)
        if slashes < level or slashes % (2 * (level + 1)) == level:
            return Value(start, match.end() - len(quote) - min(slashes, level), quoted=True)
    return _unclosed(text, start)


_DOUBLED = re.compile(r"''(?=\w)")
# GNU's programs quote `like this'.
_CLOSING = {
    quote: re.compile(rf"\\{{0,31}}{'[`' + chr(39) + ']' if quote == '`' else quote}")
    for quote in ('"', "'", "`", '"' * 3, "'" * 3, "'" * 2, '"' * 2)
}


def _unclosed(text: str, start: int) -> Value:
    end = text.find("\n", start)
    return Value(start, len(text) if end < 0 else end, quoted=True)


_GOES_ON = re.compile(r"[A-Za-z0-9]")
_BRACKETS = re.compile(r"[\[\](){}]|\"(?:[^\"\\]|\\.){0,256}\"|'(?:[^'\\]|\\.){0,256}'")


def _nested(text: str, position: int) -> Value | None:
    """Return a bracketed value, brackets included; one that does not end goes to the end of its line."""
    depth = 0
    for match in _BRACKETS.finditer(text, position, position + MAX_NESTED):
        found = match[0]
        if found in ("{", "[", "("):
            depth += 1
        elif found in ("}", "]", ")"):
            depth -= 1
            if not depth:
                return Value(position, match.end(), quoted=False)
    return None if text[position] == "(" else _unclosed(text, position)
