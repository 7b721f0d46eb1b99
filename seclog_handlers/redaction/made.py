"""Values of names of many meanings - key, code, session, auth: secret only if they look made by a machine."""

from __future__ import annotations

import re

from seclog_handlers.redaction import web
from seclog_handlers.redaction.extents import value_at
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.values import MIXED_HEX, WEAK_LENGTH, is_secret, looks_chosen, looks_made

Found = tuple[int, int, str]

_Q = r"\\{0,15}[\"'`]"
# What joins a name and its value, in whatever notation.
ASSIGN = re.compile(
    rf"(?:~\d{{1,3}})?(?:{_Q}|%22|%27|[\u2018\u2019\u201c\u201d\u00ab\u00bb\u300d\u300f])?"
    rf"(?::(?:protected|private))?(?:\]|[ ]?\[\w{{0,16}}\]|%5B\w{{0,16}}%5D){{0,3}}"
    rf"(?:{_Q})?\*{{0,3}}[ \t]{{0,32}}(?:\.{{2,64}}[ \t]?)?"
    r"(?::?[ \t]{0,2}(?:str|string|String|&(?:'static )?str|\*string|text|SecretStr|UUID|bytes|char ?\*"
    r"|(?:Optional)?\[str\]|str \| None)[ \t]{0,2}(?=:?=))?"
    rf"(?:={{1,2}}>|>>|:{{1,3}}=|={{1,3}}|\|{{1,2}}=|[+.]=|\?{{1,2}}=|:(?!//|:)|->|~>(?![ ]?\d)|[→⇒⟶➜]|<-(?=[ ]?[\"'])"
    rf"|;(?=s:\d{{1,6}}:)|::(?=[ ][A-Za-z0-9+/]))(?:\*{{2}}(?=[ \t]))?"
    rf"(?P<gap>[ \t]{{0,64}}(?:\r?\n[ \t]{{0,64}}(?={_Q}|string\(|- \S"
    r"|[^\s:=]{8,256}[ \t]{0,8}(?:[\r\n]|$)))?)",
)
USER_PAIR = re.compile(
    rf"[\[(]\s{{0,4}}b?{_Q}[^\"'\n]{{1,128}}{_Q}\s{{0,4}},\s{{0,4}}b?{_Q}(?P<value>[^\"'\n\\]{{1,256}}){_Q}\s{{0,4}},?\s{{0,4}}[\])]"
)
IN_QUERY = frozenset("?&#")
LONG_HEX = re.compile(r"[0-9a-fA-F]{32,}(?![\w-])")
_MADE = re.compile(r"[\w+/=.~%$!@#^*|:-]{1,160}")


def find(text: str, start: int, end: int, rule: Rule) -> list[Found]:
    """Find the value of a name of many meanings: only one that looks made by a machine."""
    pairs = NAMED_PAIRS.match(text, end) if rule.kind == "secret" else None
    if pairs is not None:
        return made_pairs(text, pairs, rule)
    match = ASSIGN.match(text, end)
    if match is None:
        return _beside(text, end, rule)
    position = match.end()
    if rule.kind == "authorization" and _ANOTHER.match(
        text, position
    ):  # oauth: client_id=..., app.auth: URL=..., jdbc:
        return []
    if rule.kind == "authorization":
        pair = USER_PAIR.match(text, position) or _COLON_PAIR.match(text, position)
        if pair is not None and (pair.re is USER_PAIR or looks_chosen(pair["value"])):
            return [(*pair.span("value"), "password")]
    opened = _OPENED.match(text, position)
    first = opened.end() if opened else position
    if (
        rule.kind == "token"
        and (code := _CODE.match(text, first))
        and _ONE_TIME.search(text, max(0, start - 80), start)
    ):
        return [(*code.span(), "otp")]  # SMS OTP sent: phone=... code=123456
    if rule.kind == "secret" and _CIPHER.search(text, max(0, start - 64), start):  # decrypting archive with key: x
        whole = value_at(text, position)
        return [(whole.start, whole.end, "secret")] if whole and looks_chosen(text[whole.start : whole.end]) else []
    key = _key_in(text, start, position, first) if rule.kind == "secret" else None
    if key is not None:
        return [(*key, "secret")]
    if text[start : start + 2] == "--" and (option := LONG_HEX.match(text, first)):
        return [(*option.span(), "secret")]  # nessuscli agent link --key=b0ed...
    signed = _SIGNED.match(text, first)
    value = _MADE.match(text, signed.end() if signed else first)
    in_url = text[start - 1 : start] in IN_QUERY
    if value is None or not (
        is_secret(value[0], rule)
        or ((in_url or signed) and LONG_HEX.match(value[0]))
        or (in_url and rule.kind in _OF_URLS and _HEX.match(value[0]))
    ):
        return []
    whole = value_at(text, position, in_url=in_url) if opened is None else None
    found = [(value.start(), max(value.end(), whole.end if whole else 0), rule.kind)]
    return [*web.states(text, start, found[0][1]), *found] if in_url else found


# ?code=8f3a9c2d1e4b5a6f77: what is exchanged for a token.
_OF_URLS = frozenset({"token", "authorization", "session"})
_HEX = re.compile(rf"{MIXED_HEX}(?![\w-])")


def _key_in(text: str, start: int, position: int, first: int) -> tuple[int, int] | None:
    """Return where a key of hexadecimal digits stands that its context tells from a hash."""
    loaded = _LOADED.match(text, position)
    if loaded is not None:  # key = bytes.fromhex('6965...')
        return loaded.span("value")
    key = LONG_HEX.match(text, first)
    if key is None:
        return None
    if _PRIVATE.search(text, max(0, start - 48), start):  # Unknown private key type. Key: F14E...
        return key.span()
    deciphers = len(key[0]) >= LONG_KEY and _DECIPHERS.search(text, max(0, start - 64), start)
    return key.span() if deciphers else None  # bad decrypt (key=5a9b...)


# Secrets by the parts that they play: `tokens: access=x refresh=y`, `rotated key for billing: old=x new=y`.
NAMED_PAIRS = re.compile(
    r"(?:[ ](?:for|of)[ ][\w.@-]{1,48})?:?[ ]"
    r"(?=(?:access|refresh|old|new|previous|current|primary|secondary)=)"
    r"(?P<pairs>(?:[a-z_]{2,16}=[^\s,;]{1,2048}[,;]?[ ]?){1,6})"
)
_PART_OF = re.compile(r"(?:access|refresh|id|old|new|previous|current|primary|secondary)=(?P<value>[^\s,;]{16,2048})")


def made_pairs(text: str, pairs: re.Match[str], rule: Rule) -> list[Found]:
    """Find those of the pairs behind a name that a machine has made."""
    return [
        (*match.span("value"), rule.kind)
        for match in _PART_OF.finditer(text, *pairs.span("pairs"))
        if looks_made(match["value"])
    ]


def _beside(text: str, end: int, rule: Rule) -> list[Found]:
    """Without an assignment: `session Xy1...`, `auth("bob", "x")`."""
    if rule.kind == "session" and text[end : end + 1] == " ":
        named = _MADE.match(text, end + 1)
        secret = named[0].rstrip(".:,") if named and not _ANOTHER.match(text, end + 1) else ""
        if len(secret) < WEAK_LENGTH or not is_secret(secret, rule):
            return []
        return [(end + 1, end + 1 + len(secret), rule.kind)]
    encrypted = _CISCO.match(text, end) if text[end - 3 : end] == "key" else None
    if encrypted is not None:
        return [(*encrypted.span("value"), "secret")]
    if rule.kind == "secret" and text[end : end + 1] == " " and _WIFI.search(text, max(0, end - 80), end):
        key = _PASSPHRASE.match(text, end + 1)  # SSID Clinic, key x
        if key is not None and looks_chosen(key[0]):
            return [(*key.span(), "secret")]
    if rule.kind == "secret" and text[end : end + 1] == " ":
        key = _BASE64_KEY.match(text, end + 1)
        return [(*key.span(), "secret")] if key is not None and looks_made(key[0].rstrip("=")) else []
    if rule.kind == "token":
        code = _CODE_SENT.match(text, end)
        return [(*code.span("value"), "otp")] if code is not None else []
    if rule.kind == "authorization":
        pair = USER_PAIR.match(text, end) or _AUTH_PAIR.match(text, end)
        return [(*pair.span("value"), "password")] if pair is not None and looks_chosen(pair["value"]) else []
    return []


_CODE = re.compile(r"\d{4,8}(?![\w.-])")
_ONE_TIME = re.compile(r"\b(?:otp|totp|2fa|mfa|sms|one-time|passcode)\b", re.IGNORECASE)
_CIPHER = re.compile(r"\b(?:en|de)crypt\w{0,5}\b[^.;\n]{0,40}\b(?:with|using) (?:the )?\Z", re.IGNORECASE)
_PRIVATE = re.compile(r"\b(?:private|secret|signing|encryption|master)[ _-]?key\b", re.IGNORECASE)
_ANOTHER = re.compile(r"[A-Za-z_]{2,24}\d{0,3}=(?=[^\s,;&=])|[a-z][a-z0-9+.:]{1,40}://")
_DECIPHERS = re.compile(r"\b(?:bad )?(?:de|en)crypt|\bcipher|\baes\b", re.IGNORECASE)
LONG_KEY = 48
_LOADED = re.compile(
    rf"(?:byte(?:s|array)\.fromhex|(?:binascii\.)?unhexlify)\(b?{_Q}(?P<value>[0-9A-Fa-f ]{{32,512}})(?={_Q}\))"
)
_WIFI, _PASSPHRASE = re.compile(r"\b(?:wi-?fi|wlan|ssid|wpa2?)\b", re.IGNORECASE), re.compile(r"[^\s,;\"']{8,63}")
_CISCO = re.compile(r" \d (?P<value>[0-9A-Fa-f]{8,64})(?![\w])")  # tacacs+ key 7 FCE63AD2...
_CODE_SENT = re.compile(r" (?:sent|generated|issued|texted): ?(?P<value>\d{4,8})(?![\w.-])")
# auth failed (bob:x), auth: user bob/x rejected
_AUTH_PAIR = re.compile(
    r"[:,]?(?: (?:failed|rejected|denied|error|ok|succeeded|for|with|user|as|attempt):?){0,3} [\[(]?[\w.@-]{1,64}[:/]"
    r"(?P<value>[^\s:/()\[\],;]{8,128})(?=[\s)\],;]|$)"
)
_COLON_PAIR = re.compile(rf"(?:{_Q})?[\w.@-]{{1,64}}:(?P<value>[^\s:\"',;]{{4,128}})(?=[\s\"',;)]|$)")
_BASE64_KEY = re.compile(r"[A-Za-z0-9+/_-]{22,86}={1,2}(?![\w=])")
_OPENED = re.compile(rf"b?{_Q}")
_SIGNED = re.compile(r"(?:t=\d{9,12},)?v\d[=,]")  # webhooks: t=1700000000,v1=5257a8...
