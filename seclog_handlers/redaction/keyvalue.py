"""Secrets that stand beside their name in text: JSON, logfmt, YAML, XML, SQL, command lines, prose, ..."""

from __future__ import annotations

import re

from seclog_handlers.redaction import (
    assigned,
    entries,
    exemptions,
    made,
    others,
    passphrases,
    persons,
    placed,
    prose,
    reported,
    vocabulary,
    web,
)
from seclog_handlers.redaction.assigned import MAX_IDENTIFIER
from seclog_handlers.redaction.extents import QUOTES, Value, value_at
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.made import IN_QUERY, USER_PAIR
from seclog_handlers.redaction.values import is_secret, is_statement, looks_chosen

# Names that mean something else after another word: "first pass", "MFA token".
_MORE_BEFORE = vocabulary.SHORT | {"token", "password", "passcode"}
_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.$"
# Letters of other alphabets that words are made of: Bestätigungscode.
_LETTERS = "".join(filter(str.isalpha, map(chr, range(0xC0, 0x530))))
_RIGHT = re.compile(r"[\w.$-]{0,64}")
# What most names stand between: with it their ends are found.
_BEFORE, _AFTER = frozenset("\"' \t\n({[,;&?/"), frozenset("\"' \t\n=:,;)}]")
_Q = r"\\{0,15}[\"'`]"

# Words that begin a name of several words: "api key", "one-time code", "db pass".
FIRST_WORDS = (
    frozenset(
        phrase.split()[0]
        for table in (vocabulary.PHRASES, vocabulary.CODES, vocabulary.NUMBERS)
        for phrase in table
        if " " in phrase
    )
    | {
        "-".join(phrase.split()[:-1])
        for table in (vocabulary.PHRASES, vocabulary.CODES)
        for phrase in table
        if phrase.count(" ") > 1  # pre-shared key
    }
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
        return _section(text, start, end)
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
    return _section(text, start, end)


def _section(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the whole of a name in quotes whose parts colons join, as .NET's settings have them: "Jwt:Key"."""
    if text[start - 1 : start] == ":":
        before = _PARTS_BEFORE.search(text, max(0, start - MAX_IDENTIFIER), start)
        start = start if before is None else before.start("parts")
    if text[end : end + 1] == ":" and text[start - 1 : start] in QUOTES:
        after = _PARTS_AFTER.match(text, end)
        end = end if after is None else after.end()
    return start, end


_PARTS_BEFORE = re.compile(r"[\"'](?P<parts>(?:[A-Z][A-Za-z]{1,31}:){1,4})\Z")
_PARTS_AFTER = re.compile(r"(?::[A-Z][A-Za-z]{1,31}){1,4}(?=[\"'](?:\s?[:=]|[ ]value=))")
_ASCII_TAIL = re.compile(r"[A-Za-z][\x20-\x7e]{0,64}\Z")


_COMMUNITY = Rule("password", "strong")


def rule_at(text: str, start: int, end: int, rules: KeyRules) -> Rule | None:
    """Return the rule of the name text[start:end], joined with the word before it where that makes a phrase."""
    name = text[start:end].lstrip("-.$")
    if text.startswith("-D", start):  # java -DprivateKey=x
        name = name[1:]
    rule = rules.rule(name)
    if (
        rule is None
        and name.lower() == "community"
        and ("snmp" in text[max(0, start - 96) : start].lower() or text.startswith(" string ", end))
    ):
        return _COMMUNITY
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
        found = made.find(text, start, end, rule) or placed.option(text, start, end, rule)
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
    entry = placed.ENTRY.match(text, end)
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
    if text[start : start + 4].lower() == "cred" and (listed := _LISTED_PAIR.match(text, end)) is not None:
        return [(*listed.span("value"), rule.kind)] if looks_chosen(listed["value"]) else []
    arrow = _ARROW.match(text, end) if rule.kind == "secret" and "/" in text[end : end + 160] else None
    if arrow is not None:  # credentials for db -> bob / x
        return [(*arrow.span("value"), rule.kind)]
    words = passphrases.phrase(text, text[start:end], end)
    if words is not None:
        return [(*words, rule.kind)]
    value = (
        (rule.sort == "digits" and persons.number(text, start, end, rule))
        or ("<" in text[end : end + 6] and _marked_up(text, end, rule))
        or assigned.value(text, start, end, rule)
        or placed.value(text, start, end, rule)
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
    url = _URL.match(secret) if rule.kind == "password" and not value.quoted else None
    if url is not None and looks_chosen(url["password"]):  # raw password: postgres://app:x@db
        return []
    both = text[start - 1 : start] == "/" and text[max(0, start - 2)] != " "
    if both or name.lower().startswith(("cred", "auth-user")):  # user/password: bob/x
        more = _SLASHED.match(text, value.end) or _next_chosen(text, value.end)
        value = value._replace(end=more.end()) if more else value
    return others.with_others(text, name, value, rule.kind)


_COLON_PAIR = re.compile(r"[A-Za-z][\w.-]{0,31}:(?P<value>[^:]{6,128})")
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,24}://[\w.-]{1,64}:(?P<password>[^\s@/]{1,128})@[\w.-]{1,253}(?:[:/]|$)")
_PAIR_SAID = re.compile(r"[ :=]{1,3}[\w.@-]{1,64}/(?P<value>[^\s,;\"']{4,128})")
_USER_BEFORE = re.compile(r"\b(?:user|username|login|account)/$", re.IGNORECASE)
_ARROW = re.compile(
    r"(?:[ ]for[ ][^\s=:]{1,64})?[ ](?:->|=>)[ ](?P<user>[\w.@-]{1,64})[ ]?/[ ]?(?P<value>[^\s,;/]{4,128})"
)
# credentials ('bob', 'x')
_LISTED_PAIR = re.compile(
    r"[ ]?[:=]?[ ]?[(\[](?P<q>[\"']?)[\w.@+-]{1,64}(?P=q),[ ]?(?P=q)(?P<value>[^\s\"',;()\[\]]{4,128})(?P=q)[)\]]"
)
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
