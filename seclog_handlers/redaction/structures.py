"""What shape tells about values: entries of a name and a value, pairs, command lines, manifests, counters."""

# ruff: noqa: PLR2004 - lengths of names, entries and pairs
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from seclog_handlers import rendering
from seclog_handlers.redaction import tables
from seclog_handlers.redaction.commands import FIRST_WORDS
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.values import (
    LONGEST_WORD,
    PERMISSIONS,
    is_objects_name,
    is_statement,
    is_word,
    looks_chosen,
    looks_made,
)
from seclog_handlers.redaction.vocabulary import CODES, STRONG

# Keys of an entry that is a name and its value, and the length of a name.
MAX_ENTRY = 12
MAX_NAME = 64
# Integers this long may be card numbers.
CARD_FROM = 10**12
MAX_ARGUMENTS = 64
LEAST_CODE, LEAST_PASSWORD = 100, 1_000
MAX_COMMAND = 4_096

NAME_KEYS = frozenset({
    "name", "key", "field", "header", "param", "parameter", "k", "label", "attribute", "env", "variable", "property",
    "option", "loc", "column", "col", "prop", "setting", "attr", "field_name", "fieldname",
})  # fmt: skip
VALUE_KEYS = frozenset({
    "value", "val", "content", "v", "values", "data", "default", "stringvalue", "text", "currentvalue",
    "current_value", "string_value", "raw", "input", "input_value", "old", "new", "before", "after", "from", "to",
    "previous", "current", "old_value", "new_value", "oldvalue", "newvalue", "original", "updated",
})  # fmt: skip
# Names that say what they hold only together with the one around them: {"api": {"key": ...}}, {"mfa": {"code": ...}}.
GENERAL = ("key", "code", "community")
_FIELD_NAMES = frozenset({
    "username", "email", "user", "name", "login", "id", "user_id", "phone", "address", "password", "confirm", "age",
    "role",
    # what somebody may log in with
    "publickey", "keyboard-interactive", "hostbased", "webauthn", "totp", "otp", "sms", "saml", "oidc", "oauth2",
    "ldap", "kerberos", "mfa", "u2f", "fido2", "magic_link", "passkey",
})  # fmt: skip
_TYPE_KEYS = frozenset({"type", "id", "path"})  # {"type": "password", "value": ...}, a patch of JSON
_DATA_KEYS = ("data", "stringData")
_PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
_MASKS = ("[", "<", "*")
_SEPARATORS = (" ", "', '", '", "')


def is_entry(names: Sequence[str]) -> bool:
    """Tell whether a mapping with these keys may be an entry, or a manifest, whose values say how others are judged."""
    if "kty" in names:
        return True
    if "kind" in names and ("data" in names or "stringData" in names):
        return True
    if tables.may_be(names):
        return True
    if not 2 <= len(names) <= MAX_ENTRY:
        return False
    low = [name.lower() for name in names]
    return not NAME_KEYS.isdisjoint(low) or any(name.endswith("value") or name == "to" for name in low)


def is_value_key(key: str) -> bool:
    """Tell whether a key of an entry holds its value."""
    return key in VALUE_KEYS or key.endswith("value")


def named(value: dict[Any, Any], rules: KeyRules) -> Rule | None:
    """Return the rule of the name in an entry: `{"name": "password", "value": ..}`, `{"loc": ["body", "password"]}`."""
    if not 2 <= len(value) <= MAX_ENTRY:
        return None
    items: Iterable[tuple[Any, Any]] = dict.items(value)
    for key, item in items:
        if type(key) is not str or not _names_value(key.lower(), value):
            continue
        name = item[-1] if type(item) in (list, tuple) and item else item
        if type(name) is str and len(name) <= MAX_NAME:
            rule = rules.rule(name)
            if rule is not None:
                return rule
    return None


def _names_value(key: str, entry: dict[Any, Any]) -> bool:
    """Tell whether a key of an entry holds the name of its value: `name`, `ParameterKey` beside `ParameterValue`."""
    if key in NAME_KEYS:
        return True
    if key in _TYPE_KEYS:
        return "value" in entry or ("from" in entry and "to" in entry)
    stem = key[:-3] if key.endswith("key") else key[:-4] if key.endswith("name") else ""
    return bool(stem) and any(type(other) is str and other.lower() == stem + "value" for other in entry)


def is_secret_data(value: dict[Any, Any], key: str) -> bool:
    """Tell whether `key` holds the data of a Kubernetes Secret, or the private part of a JSON Web Key (RFC 7518)."""
    if key in _PRIVATE_PARTS and "kty" in value:
        return True
    return key in _DATA_KEYS and dict.get(value, "kind") == "Secret"


def one_time(key: str, names: Iterable[Any]) -> Rule | None:
    """Return the rule of a `code` whose neighbours speak of a second factor: `{"code": ..., "otp_secret": ...}`."""
    if key == "code" and any(type(name) is str and _FACTOR.match(name) for name in names):
        return Rule("otp", "code")
    return None


_FACTOR = re.compile(r"(?:\w{1,24}_)?(?:otp|totp|mfa|2fa)(?:_|\Z)", re.IGNORECASE)


def pair(value: Sequence[Any], rules: KeyRules) -> Rule | None:
    """`("password", "x")`: the rule of the name; lists of field names are none."""
    if len(value) != 2:
        return None
    name, item = value
    if type(name) is bytes:
        name = name.decode("latin-1")
    if type(name) is str and name == "AUTH" and type(item) is str:  # of Redis
        return Rule("password", "strong") if looks_chosen(item) and not item.isupper() else None
    if type(name) is not str or len(name) > MAX_NAME or "=" in name[:-1]:
        return None  # a text, which is judged by itself
    if ":" in name[:-1] and not _SECTION.fullmatch(name):
        return None
    if "/" in name and _FILE_OF.search(name):  # ["secrets/README.md", "secrets/rotation.log"]
        return None
    rule = rules.rule(name)
    if rule is None or rule.sort == "weak":
        return None
    if rule.sort == "code" and type(item) is str and item.isalpha():  # ["totp", "webauthn"]
        return None
    if type(item) is str and (item.lower() in _FIELD_NAMES or _is_name(item, rules)):
        return None
    if name == "secrets" and type(item) is str and is_word(item):  # ["secrets", "configmaps"]
        return None
    if type(item) is str and item[:-1] == name[:-1] and item[-1:].isdigit():  # ["password1", "password2"]
        return None
    return rule


# As .NET's settings are named: Authentication:Google:ClientSecret
_SECTION = re.compile(r"[A-Z][A-Za-z]{1,31}(?::[A-Z][A-Za-z]{1,31}){1,4}")
_FILE_OF = re.compile(r"[\w-]\.[A-Za-z]{1,4}\Z")


def _is_name(item: str, rules: KeyRules) -> bool:
    return (
        len(item) <= 24
        and (item.islower() or item.isupper() or _HEADER.fullmatch(item) is not None)
        and item.replace("_", "").replace("-", "").isalpha()
        and rules.rule(item) is not None
    )


def rule_among(key: str, item: Any, rule: Rule | None, siblings: Mapping[Any, Any]) -> Rule | None:
    """Return the rule of a key that holds this; None where its name means another thing beside its neighbours."""
    ambiguous = rule is not None and (low := key.lower()) in _AMBIGUOUS
    return None if ambiguous and _holds_none(low, item, siblings) else rule


_AMBIGUOUS = frozenset(
    {"pwd", "oldpwd", "pass", "token", "pin", "pins", "totp", "otp", "hotp", "secrets", "credentials", "passwords"}
)
# How many have which second factor.
_FACTORS = frozenset({"webauthn", "sms", "push", "u2f", "fido2", "email", "voice", "yubikey", "passkey"})


def _holds_none(low: str, item: Any, siblings: Mapping[Any, Any]) -> bool:
    """Tell whether a secret's name means another thing beside its neighbours or its value.

    The shell's working directory; what a parser reads; of a test's results those that passed: {"pass": 120, "fail": 0}.
    """
    if low.endswith("pwd"):
        return type(item) is str and _FOLDER.fullmatch(item) is not None and not looks_made(item)
    if low == "token":
        if type(item) is not str or len(item) > LONGEST_WORD or looks_chosen(item) or item.isdigit():
            return False
        logged = not _LOGGED.isdisjoint(siblings)  # an event has a line of source, too
        names = _READING - _PLACES_OF_SOURCE if logged or not item.isupper() else _READING
        return any(_is_read(name, siblings.get(name)) for name in names)
    if low in ("secrets", "credentials", "passwords"):  # how many
        return type(item) is int and 0 <= item < MAX_TALLY
    if low in ("totp", "otp", "hotp"):
        return type(item) is int and any(type(siblings.get(name)) is int for name in _FACTORS)
    if low == "pin":
        return type(item) is str and _CHIPS_PIN.fullmatch(item) is not None
    if low == "pins":  # of a chip: {"pins": [4, 17, 27]}
        return type(item) is list and all(type(pin) is int and 0 <= pin < LEAST_CODE for pin in item)
    tallied = any(type(siblings.get(name)) is int for name in tables.TALLY)
    return low == "pass" and type(item) is int and item < MAX_TALLY and tallied


def _is_read(name: str, value: Any) -> bool:
    """Tell whether a neighbour of a token says where, or how often, it is read."""
    if name in _PLACES:
        return type(value) is int
    return value is not None


MAX_TALLY = 100_000
_LOGGED = frozenset({"level", "message", "msg", "event", "user", "username", "logger", "module", "func"})
_PLACES_OF_SOURCE = frozenset({"line", "column", "col"})
_PLACES = frozenset({"pos", "position", "line", "column", "col", "start_offset", "end_offset"})
_CHIPS_PIN = re.compile(r"(?:GPIO|P[A-K]|TP|CC|[A-Z]{1,2})\d{1,2}")
_FOLDER = re.compile(r"/|(?:~|[A-Z]:)?(?:/[a-z][\w.@-]{0,64}){2,16}/?|~?/[A-Za-z_-]{1,32}/?|~|[A-Z]:\\[\w\\. -]{0,200}")
# What stands beside a token that a parser, or a model of language, has read.
_READING = frozenset({
    "lexeme", "pos", "position", "logprob", "stem", "lemma", "start_offset", "end_offset", "dialect", "wordpiece",
    "dep", "line", "column", "col",
})  # fmt: skip
# Names of mappings that hold what a program shows people: {"labels": {"password": "Passwort"}}
TEXTS = frozenset({
    "labels", "strings", "translations", "i18n", "placeholders", "placeholder", "hints", "hint", "tooltip", "tooltips",
    "messages", "texts", "label",
})  # fmt: skip
_SHOWN = re.compile(
    r"(?=[^a-z])(?:[^\W\d_]+[.,!?'\u2019:]{0,2}|\d{1,2}|[^\W\d_]+[-'\u2019][^\W\d_]+)"
    r"(?:[ -](?:[^\W\d_]+['\u2019]?[^\W\d_]*[.,!?:]{0,2}|\d{1,2})){0,15}"
)


def is_text(item: Any) -> bool:
    """Tell whether a program shows this to people, who enter other things: several words, the word for a secret."""
    if (
        type(item) is not str
        or len(item) > MAX_SHOWN
        or not _SHOWN.fullmatch(item)
        or max(map(len, item.split())) > LONGEST_WORD
    ):
        return False
    return (
        (" " in item and not item.startswith("Bearer"))
        or not item.isascii()
        or item.lower() in STRONG
        or item.lower() in CODES
    )


MAX_SHOWN = 120
_HEADER = re.compile(r"[A-Z][A-Za-z]{0,15}(?:-[A-Z][A-Za-z]{1,15}){1,4}")  # ["Authorization", "X-Api-Key"]


def is_login(value: Sequence[Any], rule: Rule) -> bool:
    """Tell whether a sequence is a user's name and password: auth=("alice", "...")."""
    return rule.sort == "weak" and rule.kind == "authorization" and len(value) == 2


def command(value: Sequence[Any]) -> tuple[str, str] | None:
    """Return the arguments of a program as a text in which options are found, and what parts them; or None.

    As it would be typed, if no argument holds a space; else as the text of a list.
    """
    if not 2 <= len(value) <= MAX_ARGUMENTS or not all(type(item) is str for item in value):
        return None
    program = value[0].rpartition("/")[2].partition("-")[0]
    if not (program in FIRST_WORDS or any(item.startswith("-") for item in value)):
        return None
    if sum(map(len, value)) > MAX_COMMAND:
        return None
    for separator in _SEPARATORS:
        if not any(separator in item or not item for item in value):
            return _framed(separator.join(value), separator), separator
    return None


def _framed(text: str, separator: str) -> str:
    quote = separator[0].strip()
    return f"[{quote}{text}{quote}]" if quote else text


def arguments(text: str, separator: str, count: int) -> list[str] | None:
    """Return the `count` arguments of what `command` returned, now without secrets; None if they cannot be told."""
    inner = text[2:-2] if separator[0].strip() else text
    parts = inner.split(separator)
    return parts if len(parts) == count and _framed(inner, separator) == text else None


def names_of(key: Any) -> list[str]:
    """Return the names under which a key that is no str may be known."""
    kind = type(key)
    if kind is bytes:
        return [key.decode("latin-1")]
    if kind is tuple or kind is frozenset:
        return [name for name in key if type(name) is str]
    names = [rendering.text(key, MAX_NAME)]
    return [*names, str.__str__(key._name_)] if issubclass(kind, Enum) else names


def is_random(name: str) -> bool:
    """Tell whether a key may be a token itself that somebody's data stand under."""
    return looks_made(name) or (len(name) > LONGEST_WORD and name.isalpha())


# What a parser says of a token: what sort it is, what it reads, and where.
_LEXEME = frozenset({
    "kind", "type", "text", "value", "line", "col", "column", "row", "start", "end", "offset", "pos", "position",
    "length", "index",
})  # fmt: skip
_WHERE = frozenset({"line", "row", "offset", "pos", "position", "start", "index"})
_SORTS = frozenset({
    "Punctuator", "Keyword", "Identifier", "Literal", "Numeric", "Operator", "Comment", "Whitespace", "IDENT",
    "IDENTIFIER", "LET", "EQ", "NUMBER", "STRING", "LPAREN", "RPAREN", "COMMA", "SEMI", "KEYWORD", "OPERATOR", "EOF",
})  # fmt: skip
_READ = re.compile(r"[A-Za-z_]{0,20}|[^A-Za-z]{0,8}")


def is_lexeme(value: dict[Any, Any]) -> bool:
    """Tell whether a mapping is a token of source code: `{"kind": "IDENT", "text": "total", "line": 27}`."""
    sort = value.get("kind", value.get("type"))
    if type(sort) is not str or not _LEXEME.issuperset(value):
        return False
    if not (_WHERE & value.keys() or sort in _SORTS):
        return False
    return all(_READ.fullmatch(item) for item in value.values() if type(item) is str)


SHORTEST, LEAST_COOKIE = 2, 10_000
_ALNUM = re.compile(r"[^\W_]")
# What a form says of a field, each alone in its list: {"token": ["required"]}
_COMPLAINTS = frozenset(
    {"required", "invalid", "missing", "blank", "empty", "expired", "weak", "too short", "mismatch"}
)


# What a cluster's secret holds, by name: ["tls.crt", "tls.key"]
_KEPT_AS = re.compile(r"\.?[a-z][a-z-]{0,30}\.(?:crt|key|pem|cer|p12|pfx|jks|json|ya?ml|conf|cfg|env|txt)")


def without_counters(value: Any, rule: Rule | None) -> Rule | None:
    """Return the rule for a container, or None if it holds but booleans, counts and sentences."""
    if rule is None or rule.sort in ("user", "weak", "digits"):
        return rule
    items: Iterable[Any] = dict.values(value) if isinstance(value, dict) else value
    if type(value) is list and value and all(type(item) is str and item in _COMPLAINTS for item in value):
        return None
    numbers = rule.kind in ("token", "tokens")
    policy = rule.kind == "password" and isinstance(value, dict)  # {"password": {"min_length": 12, "history": 5}}
    pins = rule.sort == "code" and isinstance(value, dict)  # of a chip: {"pin": {"number": 13, "mode": "output"}}
    counters = all(
        type(item) in (bool, float, type(None))
        or (type(item) is str and (" " in item or item[:1] in _MASKS) and item != "" and is_statement(item))
        or (numbers and type(item) is int and -CARD_FROM < item < CARD_FROM)
        or (policy and type(item) is int and 0 <= item < LEAST_PASSWORD)
        or (pins and (is_word(item) if type(item) is str else type(item) is int and 0 <= item < LEAST_CODE))
        or (
            rule.kind == "tokens"
            and type(item) is str
            and (
                is_word(item)
                or (item.isupper() and is_word(item.lower()))
                or len(item) <= SHORTEST
                or not _ALNUM.search(item)
            )
        )
        or (rule.kind == "secret" and type(item) is str and (item in PERMISSIONS or is_objects_name(item)))
        or (rule.kind != "password" and type(item) is str and _KEPT_AS.fullmatch(item) is not None)
        or (rule.kind == "cookie" and type(item) is int and 0 <= item < LEAST_COOKIE)
        or (rule.kind == "tokens" and isinstance(item, dict) and is_lexeme(item))
        for item in items
    )
    if counters and isinstance(value, dict):
        names: Iterable[Any] = dict.keys(value)
        counters = not any(type(name) is str and is_random(name) for name in names)  # {"tokens": {"Xy1...": 1}}
    return None if counters else rule
