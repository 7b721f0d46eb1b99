"""Notations of their own: archives' options, Wi-Fi codes, queries of InfluxDB, .pgpass, one-time codes in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from seclog_handlers.redaction.budget import LOOK
from seclog_handlers.redaction.extents import value_at
from seclog_handlers.redaction.values import is_statement, looks_chosen

Found = tuple[int, int, str]
Spend = Callable[[int], None]

_ARCHIVE = re.compile(r"\b7z[ar]? [^\n;|]{0,200}?\s-p(?P<value>[^\s'\"]{1,256})")
_LOGIN_AT = re.compile(
    r"\b(?i:log(?:in|on|ged in as)) "
    r"(?!(?:user|host|method|provider|uid|id|role|tenant|server|type|session|node|svc)[:/])"
    r"[\w.-]{1,64}(?:/(?P<value>[^\s/@,;]{8,128}) (?:at|on|@|PROC\()"
    r"|:(?P<said>[^\s:/]{6,128}) (?:accepted|rejected|denied|failed|refused|succeeded|ok|from|on|at)\b)"
)
# A wallet's words; a login of the FIX protocol; when a patient of HL7 was born.
_MNEMONIC = re.compile(
    r"\b(?:from |recovery |seed |backup |secret |mnemonic )phrase[:=] ?"
    r"(?P<value>(?:[a-z]{3,8} ){11,23}[a-z]{3,8})(?![a-z])"
)
_FIX = re.compile(r"[|\x01^](?:554|925)=(?P<value>[^|\x01^]{1,128})")
_PATIENT = re.compile(r"\bPID(?:\|(?:[^|\n]{0,128}\|){6}|-7[ =:]{1,2})(?P<value>(?:19|20)\d{6})(?!\d)")
# Consul's, Nomad's: 16 or 32 bytes.
_GOSSIP = re.compile(r"\bencrypt[\"']?\s?[=:]\s?[\"'](?P<value>[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=)(?=[\"'])")
# What a Windows domain takes in the password's place.
_NT_HASH = re.compile(r"\b(?:nt|lm)[_ ]?hash[\"']?\s?[=:]\s?[\"']?(?P<value>[0-9a-f]{32})(?!\w)", re.IGNORECASE)
# Redis: SETEX login:session_token 4283 x
_SETEX = re.compile(
    r"\b(?:P?SETEX|GETSET|SETNX) [\w:.{}@-]{0,100}"
    r"(?:session|token|secret|passw|otp|auth|csrf|api_?key)[\w:.{}@-]{0,100}"
    r"(?: \d{1,12})? [\"']?(?P<value>[^\s\"']{4,512})",
    re.IGNORECASE,
)
_WIFI = re.compile(r"WIFI:(?:[A-Z]:[^;\n]{0,64};){0,3}P:(?P<value>[^;\n]{1,128});")
_INFLUX = re.compile(r"[?&]u(?:ser(?:name)?)?=[^&\s]{1,64}&p=(?P<value>[^&\s\"'<>]{4,256})")
_PGPASS = re.compile(r"(?<![\w.:-])[\w.*-]{1,128}:5432:[\w*.-]{1,64}:[\w.*-]{1,64}:(?P<value>[^\s\"':]{4,256})")

# RFC 7517 and 7518: what of a JSON Web Key is private.
_JWK = re.compile(r"\"(?:d|p|q|dp|dq|qi|k)\"\s{0,4}:\s{0,4}\"(?P<value>[\w-]{16,4096})\"")
# Postfix' sasl_passwd: `[smtp.example.org]:587 user:x`
_POSTFIX = re.compile(r"\]:(?:25|465|587|2525)[ \t]{1,8}[\w.@-]{1,64}:(?P<value>[^\s\"']{4,256})")
# libpq, of a connection string that it does not understand: what stands there is often a password with a space.
_CONNINFO = re.compile(r"missing \"=\" after \"(?P<value>[^\"\n]{4,256})\" in connection info string")
# Modems and Wi-Fi chips: AT+CPIN="1234", AT+CWJAP="network","x"
_MODEM_PIN = re.compile(r'AT\+CPIN="?(?P<value>\d{4,8})')
_MODEM_WIFI = re.compile(r'AT\+CWJAP(?:_\w{3})?="[^"\n]{1,64}","(?P<value>[^"\n]{1,128})"')
# Bundler: BUNDLE_GEMS__CONTRIBSYS__COM=cafe1234:dead5678
_BUNDLER = re.compile(r"BUNDLE_[A-Z0-9_]{3,80}[ ]?[:=][ ]?[\"']?(?P<value>[0-9a-z]{8}:[0-9a-z]{8})(?!\w)")
# `PAM: Authentication failure for bob (tried "x")`, `password authentication failed, tried x for user "bob"`
_TRIED = re.compile(
    r"[aA]uth(?:enticat\w{1,4} fail)?[^\n]{0,80}?\btried "
    r"(?:[\"'](?P<value>[^\"'\n]{4,128})|(?P<bare>[^\s\"'()]{4,128})(?= for user))"
)
# A word of each of these notations but archives and .pgpass, in lower case, as the gate knows words: letters
# that follow each other.
WORDS = frozenset({
    "wifi", "p", "kty", "sasl", "relayhost", "dsn", "cpin", "cwjap", "bundle", "tried", "setex",
    "psetex", "getset", "setnx", "nt", "lm", "encrypt", "phrase", "fix", "pid",
})  # fmt: skip


class _Notation(NamedTuple):
    """A notation: one of its marks is in each text that holds it; the group of its pattern that is the secret."""

    marks: tuple[str, ...]
    kind: str
    pattern: re.Pattern[str]
    only_chosen: bool = False


_NOTATIONS = (
    _Notation(("7z",), "password", _ARCHIVE),
    _Notation(("WIFI:",), "password", _WIFI),
    _Notation(("&p=",), "password", _INFLUX),
    _Notation((":5432:",), "password", _PGPASS),
    _Notation(('"kty"',), "private-key", _JWK),
    _Notation(('missing "=" after "',), "password", _CONNINFO),
    _Notation(("AT+CPIN",), "otp", _MODEM_PIN),
    _Notation(("AT+CWJAP",), "password", _MODEM_WIFI),
    _Notation(("BUNDLE_",), "token", _BUNDLER),
    _Notation(("tried ",), "password", _TRIED, only_chosen=True),
    _Notation(("hash", "HASH", "Hash"), "password-hash", _NT_HASH),
    _Notation(("phrase",), "secret", _MNEMONIC),
    _Notation(("8=FIX",), "password", _FIX),
    _Notation(("PID",), "birth-date", _PATIENT),
    _Notation(("encrypt",), "secret", _GOSSIP),
    _Notation(("SETEX ", "GETSET ", "SETNX ", "setex ", "getset ", "setnx "), "token", _SETEX, only_chosen=True),
    _Notation(("]:",), "password", _POSTFIX),
)
_OF_DIGITS = frozenset({"otp", "birth-date"})


def compact(text: str) -> list[Found]:
    """Find what notations of their own hold: archives' options, Wi-Fi codes, InfluxDB's queries, .pgpass."""
    found: list[Found] = []
    for notation in _NOTATIONS:
        if not any(mark in text for mark in notation.marks):
            continue
        for match in notation.pattern.finditer(text):
            start, end = match.span(match.lastgroup or 0)
            secret = text[start:end]
            if secret.isdigit() and notation.kind not in _OF_DIGITS:
                continue
            if not notation.only_chosen or looks_chosen(secret):
                found.append((start, end, notation.kind))
    return found


def logins(text: str, spend: Spend) -> list[Found]:
    """Find the password of `login bob/x at host`."""
    found: list[Found] = []
    for match in _LOGIN_AT.finditer(text):
        spend(LOOK)
        group = match.lastgroup or "value"
        if looks_chosen(match[group]) and (group == "value" or _SURELY.match(match[group])):
            found.append((*match.span(group), "password"))
    return found


# Of a password, not of a queue's name or a host's: login server:eu-west-1 failed
_SURELY = re.compile(r"[^\s]{0,128}?[!@#$%^&*+=?~]|(?=[^\s]{0,128}?[a-z])(?=[^\s]{0,128}?[A-Z])(?=[^\s]{0,128}?\d)")
_CODE_AFTER = re.compile(
    r"(?<=\d) (?:- (?:use|enter) (?:this|it)\b"
    r"|(?:is|as) (?:your|the) (?:[\w-]{1,24} ){0,6}?[\w-]{3,24}(?![\w-])"
    r"(?:(?<=code)|(?<=pin)|(?<=otp)|(?<=password)|(?<=token))"
    r"|(?P<used>to|as|for) (?:verify|log|sign|confirm|authenticate|your|complete|continue|finish|reset|access"
    r"|activate))",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<![\w.-])(?:\d{4,8}|\d{3}[- ]\d{3}|[A-Z]-?\d{6})$")
_YOUR_CODE = re.compile(
    r"[Yy](?<!\w.)our[ +]"
    r"(?:(?!zip|postal|area|country|promo|discount|coupon|product|exit|error|status|return|response|order)"
    r"[\w-]{1,24}[ +]){0,3}code[ +]?(?:is[ +]|: ?|= ?)(?P<code>\d{4,8}|\d{3}[- ]\d{3})(?![\w-])",
)
_CODE_EXPIRED = re.compile(
    r"[cC]ode (?P<code>\d{6}) (?:has expired|expired|is (?:invalid|wrong|incorrect|expired)"
    r"|was (?:rejected|accepted|wrong)"
    r"|rejected|does not match)\b"
)
_OTHER_CODE = re.compile(
    r"\b(?:error|exit|status|return|response|promo|zip|area|country|postal|product|reason)[ _-]\Z", re.IGNORECASE
)
# What is part of a word, in lower case, of each sentence with a code.
SPOKEN = re.compile(
    r"(?:code|pin|otp|password|passcode|token)$|^(?:verify|log|sign|confirm|authenticate|your|complete|continue|finish"
    r"|reset|access|activate|use$|enter$)"
)
_USED = re.compile(r"\b(?:enter|use|type|using|input)\b", re.IGNORECASE)


def spoken_codes(text: str, spend: Spend) -> list[Found]:
    """Find one-time codes in sentences: `123456 is your login code`, `enter 123456 to verify`."""
    found: list[Found] = [(*match.span("code"), "otp") for match in _YOUR_CODE.finditer(text)]
    found += [
        (*match.span("code"), "otp")
        for match in _CODE_EXPIRED.finditer(text)
        if _OTHER_CODE.search(text, max(0, match.start() - 10), match.start()) is None
    ]
    for match in _CODE_AFTER.finditer(text):
        spend(2)
        end = match.start()
        code = _CODE.search(text, max(0, end - 10), end)
        if code is not None and (match["used"] is None or _USED.search(text, max(0, code.start() - 48), code.start())):
            found.append((*code.span(), "otp"))
    return found


_REPLACED = re.compile(r"['\"]?\s{1,4}replace\s{1,4}['\"]?(?P<value>[^\s'\";]{1,128})", re.IGNORECASE)
_SQL_USER = re.compile(r"\b(?:user|role|USER|ROLE|grant|GRANT|connect to|CONNECT TO)\s")
_IDENTIFIED = re.compile(
    r"\s{1,4}(?:with\s{1,4}['\"`]?\w{1,40}['\"`]?\s{1,4})?(?:by|as)\s{1,4}(?:password\s{1,4}|values\s{1,4})?",
    re.IGNORECASE,
)


def identified(text: str, end: int, found: list[Found]) -> int:
    """Find the password after IDENTIFIED in SQL, which ends at `end`; tell where it ends itself."""
    match = _IDENTIFIED.match(text, end)
    value = value_at(text, match.end()) if match else None
    if (
        value is None
        or value.end <= value.start
        or is_statement(text[value.start : value.end])
        or not (
            (value.quoted and text[end - 1].isupper()) or _SQL_USER.search(text, max(0, end - 200), end)
        )  # no revision that is identified by its hash
    ):
        return end
    found.append((value.start, value.end, "password"))
    former = _REPLACED.match(text, value.end)
    if former is None:
        return value.end
    found.append((*former.span("value"), "password"))
    return former.end()
