"""Secrets that stand beside their name in text: JSON, logfmt, YAML, XML, SQL, command lines, prose, ..."""

from __future__ import annotations

import re

from seclog_handlers.redaction import assigned, entries, exemptions, made, passphrases, prose, reported, vocabulary, web
from seclog_handlers.redaction.assigned import MAX_IDENTIFIER
from seclog_handlers.redaction.extents import QUOTES, Value, value_at
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.made import IN_QUERY, USER_PAIR
from seclog_handlers.redaction.values import is_secret, is_statement, looks_chosen, looks_made

# Names that mean something else after another word: "first pass", "MFA token".
_MORE_BEFORE = vocabulary.SHORT | {"token", "password", "passcode"}
_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.$"
# Letters of other alphabets that words are made of: Bestätigungscode.
_LETTERS = "".join(filter(str.isalpha, map(chr, range(0xC0, 0x530))))
_RIGHT = re.compile(r"[\w.$-]{0,64}")
# What most names stand between: with it their ends are found.
_BEFORE, _AFTER = frozenset("\"' \t\n({[,;&?/"), frozenset("\"' \t\n=:,;)}]")
_Q = r"\\{0,15}[\"'`]"
_TAG = re.compile(r"(?:\s[^<>]{0,300})?>\s{0,64}(?:<[Vv]alue>)?(?:<!\[CDATA\[)?")
_TAG_VALUE = re.compile(r"[^<\]\s][^<]{0,4096}")
_ENTRY = re.compile(
    rf"{_Q}(?:(?:\s{{0,8}},\s{{0,8}}|\s{{1,8}})(?:{_Q})?[\w-]{{1,32}}"
    rf"(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}{_Q}?[\w/ .-]{{0,100}}{_Q}?){{0,3}}?"
    rf"(?:\s{{0,8}},\s{{0,8}}|\s{{1,8}})(?:{_Q})?(?:[A-Za-z]{{0,20}}[vV]alue|VALUE|val|v|content|[vV]alue_?[sS]tring"
    rf"|current_?[vV]alue)(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}",
)
_ELEMENT = re.compile(r"\s{0,8}</[\w:]{1,32}>\s{0,64}<(?:value|string|val|Value)>\s{0,16}")
_CONTENT = re.compile(
    rf"{_Q}[^<>\n]{{0,160}}(?<!/)>\s{{0,32}}"
    rf"(?:<[\w:]{{0,24}}(?:[vV]alue|string|val)(?:\s[^<>]{{0,100}})?>\s{{0,16}})?(?=[^<\s])"
)
_ATTRIBUTE = re.compile(rf"{_Q}(?: [\w-]{{1,32}}={_Q}[\w/ .-]{{0,100}}{_Q}){{0,3}} value=(?={_Q})")
_LISTED = ("name: ", "Name: ", 'ame: "', "ame: '", "erty: ", "key: ", "Key: ")
_LINE = re.compile(r"[\"']?\r?\n[ \t]{1,32}(?:[vV]alue|val|data): {1,4}")
_MEMBER = re.compile(rf"{_Q}\s{{0,4}}[,;]\s{{0,16}}(?=b?{_Q})")
_INDEXED = re.compile(rf"{_Q}\](?::| is| was)? (?:but )?(?:got|was|is|received|found) (?={_Q})")
# As EDI and old protocols part fields: PWD#x#USR#bob#
_HASHED = re.compile(r"#(?P<value>[^#\s]{4,128})#(?=[A-Z]{2,8}#)")
_NAMED_INPUT = re.compile(r"(?:[ ]\w{2,16}=[\w-]{1,32}){0,3}[ ]value=(?=[\"'])")  # <input name=csrf_token value='x'>
_PART = re.compile(
    r"\"?(?:;[^\r\n]{0,120})?(?:(?:\r?\n|\\r\\n)[A-Za-z-]{1,40}:[^\r\n\\]{0,200}){0,3}(?:\r?\n\r?\n|\\r\\n\\r\\n"
    r"|\\n\\n)",
)
_PART_VALUE = re.compile(r"(?:[^\r\n\\]|\\(?![rn]))+")
_FLAG = re.compile(rf"(?:[ ]argv\[\d{{1,3}}\]=|[ \t]{{1,8}}|{_Q}\s{{0,2}},\s{{0,4}}(?={_Q}))")
_CALLED = re.compile(rf"\(\s{{0,4}}(?:value=|raw=)?(?=b?{_Q})")

# Words that begin a name of several words: "api key", "one-time code", "db pass".
FIRST_WORDS = (
    frozenset(
        phrase.split()[0]
        for table in (vocabulary.PHRASES, vocabulary.CODES, vocabulary.NUMBERS)
        for phrase in table
        if " " in phrase
    )
    | vocabulary.SHORT_HEADS
    | vocabulary.SHORT_NOT_AFTER
    | {
        "wpa2",
        "wpa3",
        "tacacs-server",
        "radius-server",
        "snmp-server",
        "one-time",
        "two-factor",
        "2fa",
        "first",
        "second",
        "third",
        "next",
        "last",
        "boarding",
        "test",
    }
)

Found = tuple[int, int, str]


# Chinese, Japanese and Korean letters: a sentence goes on right behind a name.
_NO_SPACES = "\u2e80"
_GLUED = re.compile(r"[A-Za-z0-9_]")


def identifier(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the whole name that contains text[start:end]."""
    if text[start - 1 : start] in _BEFORE and text[end : end + 1] in _AFTER:
        return start, end
    if text[start] >= _NO_SPACES and _GLUED.match(text, end) is None:
        return start, end
    left = text[max(0, start - MAX_IDENTIFIER) : start]
    rest = left.rstrip(_NAME)
    if rest and rest[-1] > "\x7f" and len(rest) < len(left) and text[start].isascii():
        rest = rest.rstrip(_NAME + _LETTERS)
    start -= len(left) - len(rest)
    if text[start] in "nrt" and text[start - 1 : start] == "\\":  # "...\nsession_id: x": the n ends a line
        start += 1
    match = _RIGHT.match(text, end)
    end = match.end() if match else end
    dots = text.find("..", start, end)
    end = end if dots < 0 else max(dots, start)
    while end > start and text[end - 1] in ".-":
        end -= 1
    return start, end


_ASCII_TAIL = re.compile(r"[A-Za-z][\x20-\x7e]{0,64}\Z")


def rule_at(text: str, start: int, end: int, rules: KeyRules) -> Rule | None:
    """Return the rule of the name text[start:end], joined with the word before it where that makes a phrase."""
    name = text[start:end].lstrip("-.$")
    if text.startswith("-D", start):  # java -DprivateKey=x
        name = name[1:]
    rule = rules.rule(name)
    if rule is None and not name.isascii() and (tail := _ASCII_TAIL.search(name)) is not None:  # zürich-authCode
        rule = rules.rule(tail[0])
    if rule is not None and rule.sort != "weak" and name.lower() not in _MORE_BEFORE:
        return rule
    if start and text[start - 1] in " \t" and text[start] != "-":
        window = text[max(0, start - 40) : start]
        if "'" in window or '"' in window or ">" in window:
            window = window.replace("'s ", "s ").replace('"', " ").replace(">", " ")
        before = window.rsplit(None, 2)[-2:]
        for count in (1, 2):
            if len(before) < count or before[-count].lower() not in FIRST_WORDS:
                continue
            if count > 1 and not before[-1].isalpha():  # one name at most, and none of words that come but once
                continue
            joined = rules.rule(" ".join([*before[-count:]]).lower() + " " + name)
            if joined is not None and (joined.sort != "weak" or rule is not None):
                return joined
    return rule


def find(text: str, start: int, end: int, rule: Rule) -> list[Found]:
    """Find the value that belongs to the name text[start:end]."""
    if exemptions.is_no_name(text, start, end):
        return []
    if rule.sort == "weak":
        found = made.find(text, start, end, rule)
        return found or (_entry(text, end, rule) if text[start - 1 : start] in QUOTES else [])
    if rule.kind == "private-key":
        return entries.putty(text, end)
    found = _beside(text, start, end, rule)
    if found and text[start - 1 : start] in IN_QUERY:
        return [*web.states(text, start, found[-1][1]), *found]
    if not found and rule.kind in ("token", "tokens", "secret"):
        pairs = made.NAMED_PAIRS.match(text, end)
        found = made.made_pairs(text, pairs, rule) if pairs is not None else []
    return found or entries.around(text, start, end, rule)


def _entry(text: str, end: int, rule: Rule) -> list[Found]:
    """The value of an entry whose name means a secret only with a value made by a machine: name=session, value=..."""
    entry = _ENTRY.match(text, end)
    value = value_at(text, entry.end()) if entry else None
    if value is None or not is_secret(text[value.start : value.end], rule, quoted=value.quoted):
        return []
    return [(value.start, value.end, rule.kind)]


def _beside(text: str, start: int, end: int, rule: Rule) -> list[Found]:
    if rule.kind == "authorization" and text[end : end + 1] == "(":  # HTTPBasicAuth("bob", "x")
        pair = USER_PAIR.match(text, end)
        return [(*pair.span("value"), "password")] if pair else []
    if text[start - 1 : start] == "/" and _USER_BEFORE.search(text, max(0, start - 16), start):
        pair_said = _PAIR_SAID.match(text, end)
        if pair_said is not None:
            return [(*pair_said.span("value"), rule.kind)]
    arrow = _ARROW.match(text, end) if rule.kind == "secret" and "/" in text[end : end + 160] else None
    if arrow is not None:  # credentials for db -> bob / x
        return [(*arrow.span("value"), rule.kind)]
    words = passphrases.phrase(text, text[start:end], end)
    if words is not None:
        return [(*words, rule.kind)]
    value = (
        (rule.sort == "digits" and prose.number(text, start, end, rule))
        or ("<" in text[end : end + 6] and _marked_up(text, end, rule))
        or assigned.value(text, start, end, rule)
        or _placed(text, start, end, rule)
        or prose.value_of(text, start, end, rule)
    )
    if not value or value.start >= value.end:
        return []
    secret, name = text[value.start : value.end], text[start:end].rpartition(".")[2].lstrip("-_$")
    if "." in text[start:end] and exemptions.is_message(text, end, value, rule):
        return []
    pair = _COLON_PAIR.fullmatch(secret) if name.lower().startswith("cred") and not value.quoted else None
    if pair is not None:  # credentials bob:x
        return [(value.start + pair.start("value"), value.end, rule.kind)]
    if name.lower().startswith("cred") and is_statement(secret):  # credentials: admin / x
        more = _SLASHED.match(text, value.end)
        value, secret = (value._replace(end=more.end()), more[0]) if more else (value, secret)
    if not is_secret(secret, rule, quoted=value.quoted) or (secret == name and not value.quoted):
        return entries.bound(text, value.start, rule) if secret[:1] in ("?", "%", "$") else []
    if exemptions.is_exempt(text, start, end, value, name, rule):
        return []
    if rule.kind == "password" and not value.quoted and _URL.match(secret):  # raw password: postgres://app:x@db
        return []
    both = text[start - 1 : start] == "/" and text[max(0, start - 2)] != " "
    if both or name.lower().startswith(("cred", "auth-user")):  # user/password: bob/x
        more = _SLASHED.match(text, value.end) or _next_chosen(text, value.end)
        value = value._replace(end=more.end()) if more else value
    return prose.with_others(text, name, value, rule.kind)


_COLON_PAIR = re.compile(r"[A-Za-z][\w.-]{0,31}:(?P<value>[^:]{6,128})")
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,24}://[\w.-]{1,64}:[^\s@/]{1,128}@[\w.-]{1,253}(?:[:/]|$)")
_PAIR_SAID = re.compile(r"[ :=]{1,3}[\w.@-]{1,64}/(?P<value>[^\s,;\"']{4,128})")
_USER_BEFORE = re.compile(r"\b(?:user|username|login|account)/$", re.IGNORECASE)
_ARROW = re.compile(
    r"(?:[ ]for[ ][^\s=:]{1,64})?[ ](?:->|=>)[ ](?P<user>[\w.@-]{1,64})[ ]?/[ ]?(?P<value>[^\s,;/]{4,128})"
)
_COBOL = re.compile(r"[ ]{1,8}PIC[ ][X9A]\(\d{1,4}\)\.?[ ]{1,8}VALUE[ ](?=['\"])")
_SLASHED = re.compile(r"[ ]?/[ ]?[^\s,;/]{1,256}")
_NEXT_CHOSEN = re.compile(r"[ ](?P<value>[^\s,;=\"']{5,128})")


def _next_chosen(text: str, position: int) -> re.Match[str] | None:
    """The password beside its user's name: `creds: bob x`."""
    match = _NEXT_CHOSEN.match(text, position)
    return match if match is not None and looks_chosen(match["value"]) else None


_MARKUP = re.compile(
    r"[ \t]{0,4}[:=]?[ \t]{0,4}(?:</[a-zA-Z0-9]{1,10}>\s{0,16}[:=]?\s{0,8}"
    r"(?:<[a-zA-Z][a-zA-Z0-9]{0,9}(?:\s[^<>]{0,80})?>\s{0,8}){0,2}"
    r"|<(?:code|b|i|em|strong|span|tt|kbd|pre)>)(?P<value>[^<\s]{1,512})",
)


def _marked_up(text: str, end: int, rule: Rule) -> Value | None:
    """The value after a name in HTML: `<b>Password:</b> x`, `<td>password</td><td>x</td>`."""
    match = _MARKUP.match(text, end)
    if match is None or rule.sort == "weak" or not reported.fits(match["value"], rule):
        return None
    return Value(*match.span("value"), quoted=True)


_KEYWORD = re.compile(r"(?<![\w:]):[\w.-]{1,40}/\Z")
_SYMBOL = re.compile(r",[ ]?(?=[\"'])")
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


def _placed(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """The value in an element, an entry, a pair, a form part, after a flag, or in SQL."""
    before = text[start - 1 : start]
    if before in ("<", ":") and before and (before == "<" or "<" in text[max(0, start - 24) : start]):
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
        entry = _ENTRY.match(text, end)
        return value_at(text, entry.end()) if entry else None
    if before == "#" and text[start - 2 : start - 1] in QUOTES:  # page.fill("#password", "x")
        filled = _MEMBER.match(text, end)
        return value_at(text, filled.end()) if filled else None
    if before == "[" and text.startswith("]", end):  # name="user[password]"
        part = _PART.match(text, end + 1)
        line = _PART_VALUE.match(text, part.end()) if part else None
        return Value(line.start(), line.end(), quoted=True) if line else None
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
    form_input = _NAMED_INPUT.match(text, end) if text[max(0, start - 5) : start] == "name=" else None
    if form_input is not None:
        return value_at(text, form_input.end())
    part = _PART.match(text, end) if text[max(0, start - 5) : start] == "name=" else None
    if part is not None:
        line = _PART_VALUE.match(text, part.end())
        return Value(line.start(), line.end(), quoted=True) if line else None
    if text[start] == "-" and rule.sort in ("strong", "code", "user", "digits"):
        named = text[max(0, start - 4) : start] == "set "  # pulumi config set --secret name x
        flag = None if named else _FLAG.match(text, end)
        if flag and text[flag.end() : flag.end() + 1] != "-":
            return value_at(text, flag.end())
    return None


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
    for pattern in (_ENTRY, _PART):
        match = (
            pattern.match(text, end) if pattern is _ENTRY or text[max(0, start - 6) : start - 1] == "name=" else None
        )
        if match is not None:
            if pattern is _ENTRY:
                return value_at(text, match.end())
            line = _PART_VALUE.match(text, match.end())
            return Value(line.start(), line.end(), quoted=True) if line else None
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
