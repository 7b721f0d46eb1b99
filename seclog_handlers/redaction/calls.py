"""Secrets in what functions and protocols are called with, where a place stands for the name."""

from __future__ import annotations

import re
from collections.abc import Callable

from seclog_handlers.redaction import passphrases, web
from seclog_handlers.redaction.budget import LOOK
from seclog_handlers.redaction.extents import QUOTES
from seclog_handlers.redaction.values import is_statement, looks_chosen

Found = tuple[int, int, str]
Spend = Callable[[int], None]

_RESP = re.compile(
    r"AUTH(?:\r\n|\\r\\n)(?:\$\d{1,6}(?:\r\n|\\r\\n)(?P<user>[^\r\n\\]{1,64})(?:\r\n|\\r\\n)(?=\$))?"
    r"\$\d{1,6}(?:\r\n|\\r\\n)(?P<value>[^\r\n\\]{1,256})",
)

# Begins with the characters that all of it begin with, so that a search skips the others quickly.
_CALLS = re.compile(
    r"[lLsSaAbBm_cCgPp](?:(?<=[lL])og_?[oi]n|(?<=L)OGIN|(?<=[sS])ign[iI]n|(?<=[aA])uth(?:enticate)?|(?<=[bB])ind(?:_s)?"
    r"|(?<=m)(?:ysqli?|ongodb)|(?<=p)ostgresql|(?<=_)p?connect|(?<=[cC])onnect|(?<=g)etConnection|(?<=P)DO(?:->|::)__construct|(?<=P)SCredential"
    r"|(?<=C)redentials?|(?<=s)p_(?:addlogin|password|addrolemember))"
    r"(?:\n?\({1,3}\s{0,4}|\s{1,4}(?:NULL, ?)?)(?=['\"\w])(?P<arguments>(?:'[^'\n]{0,256}'|\"[^\"\n]{0,256}\""
    r"|(?<=\()[a-z][\w.]{0,40}(?=, ?['\"])|Resource id #\d{1,6}(?=, ?['\"]))"
    r"(?:\s{0,2},\s{0,2}(?:'[^'\n]{0,256}'|\"[^\"\n]{0,256}\"|[\w.-]{1,64})){0,5})",
)
# What is part of a word, in lower case, of each call and of each line of a protocol.
CALLED = re.compile(
    r"log[io]n|auth|signin|bind|mysqli?$|postgresql|mongodb|connect|pdo|credential|sp$|pass|register|setuser|input|crypt|ugfzc|jwt|^oper$"
)
# ClickHouse: mysql('host:port', 'database', 'table', 'user', 'password')
_FOREIGN_TABLES = ("mysql(", "postgresql(", "mongodb(")
_LOGINS = ("login", "logon", "log_in", "log_on", "auth", "signin")
MIN_ARGUMENT = 8  # "utf8mb4" and "oauth2" are shorter
# A passphrase among what SQL's ciphers are called with, a password among what sets one.
_CIPHERS = re.compile(
    r"(?:(?:pgp_sym|aes|des)_(?:en|de)crypt|(?:AES|DES)_(?:EN|DE)CRYPT)"
    r"\([^()'\n]{0,200}(?:'[^'\n]{0,4096}')?\s{0,2},\s{0,2}'(?P<value>[^'\n]{1,256})'"
    r"|jwt\.(?:encode|decode|sign|verify)\((?:\{[^{}\n]{0,200}\}|[\w.]{1,64}),\s{0,2}(?P<k>['\"])(?P<key>[^'\"\n]{8,512})(?P=k)"
    r"|(?:change|set|reset|update|verify|check|compare)_?[pP]assword\(\s?(?P<q>['\"])(?P<changed>[^'\"\n]{5,256})(?P=q)"
)


_ALGORITHM = re.compile(r"(?:HS|RS|ES|PS|EdDSA|utf)-?\d{0,3}", re.IGNORECASE)


def ciphers(text: str, spend: Spend) -> list[Found]:
    """Find the passphrases of `pgp_sym_encrypt(x, 'y')`, the password of `changePassword('x')`."""
    found: list[Found] = []
    for match in _CIPHERS.finditer(text):
        spend(LOOK)
        group = next(name for name in ("value", "key", "changed") if match[name] is not None)
        if group == "key" and (_ALGORITHM.match(match[group]) or len(match[group]) < MIN_ARGUMENT):
            continue
        if group == "value" or looks_chosen(match[group]):
            found.append((*match.span(group), "password"))
    return found


_ARGUMENT = re.compile(r"'([^'\n]{0,256})'|\"([^\"\n]{0,256})\"")


def call_arguments(text: str, spend: Spend) -> list[Found]:
    """Find the password among the arguments of a call that logs in: `login('bob', 'x')`, `mysqli('h', 'bob', 'x')`."""
    found: list[Found] = []
    for match in _CALLS.finditer(text):
        spend(LOOK)
        first = 0 if "sp_password" in match[0] else 4 if match[0].startswith(_FOREIGN_TABLES) else 1
        if match["arguments"][0] not in QUOTES:  # login(user, "x")
            if not match[0].lower().startswith(_LOGINS):
                continue
            first = 0
        for argument in list(_ARGUMENT.finditer(text, *match.span("arguments")))[first:]:
            span = argument.span(1 if argument[1] is not None else 2)
            value = text[slice(*span)]
            if (
                (looks_chosen(value) and (len(value) >= MIN_ARGUMENT or not value.isalnum()))
                or _is_credential(match, value)
                or (" " in value and match[0].lower().startswith(_LOGINS) and passphrases.is_passphrase(value))
            ):
                found.append((*span, "password"))
    return found


def _is_credential(call: re.Match[str], value: str) -> bool:
    """Tell whether letters alone are the password: `new NetworkCredential("bob@example.com", "abcdefghijklmnop")`."""
    return "redential" in call[0] and len(value) >= MIN_ARGUMENT and value.isalpha() and not is_statement(value)


_PROTOCOL = re.compile(
    r"\bLOGIN [\w.@-]{1,64} (?P<refused>[^\s\"']{6,128})(?=['\"]|$)"
    r"|AUTH(?:ENTICATE)? (?:PLAIN|LOGIN|XOAUTH2|CRAM-MD5)[ ](?P<sasl>(?![a-z]{1,16}(?:\W|$))[A-Za-z0-9+/=]{8,1024})"
    r"|\bLOGIN (?:\"[^\"\n]{1,64}\"|[^\s\":\\]{1,64}) \"(?P<imap>[^\"\n]{1,128})\""
    r"|\bLOGIN (?!PASSWORD)(?:\"[^\"\n]{1,64}\"|[^\s\":\\]{1,64}) \"?(?P<login>[^\s\"\\]{4,128})"
    r"|\blog(?:in|on)\([\w.@-]{1,64}, (?P<bare>(?=[^\s,()'\"]{0,64}\d)[A-Z][^\s,()'\"]{7,128})\)"
    r"|\bOPER [\w.-]{1,32} (?P<oper>[^\s\"']{5,128})"
    r"|\+login \w{1,64} (?P<steam>[^\s+\"]{4,128})"
    r"|command: /(?:login|register|changepassword) (?P<game>[^\s]{4,64}(?: [^\s]{4,64})?)"
    r"|AUTH[ \t]\d{1,6}[ \t](?:PLAIN|LOGIN)\b[^\n]{0,400}?\bresp=(?P<resp>[A-Za-z0-9+/=]{8,1024})"
    r"|334 UGFzc3dvcmQ6\W{1,8}(?:C: |-> |>{1,3} |\w{1,16}> |\w{1,16} -> \w{1,16}: )?"
    r"(?P<asked>[A-Za-z0-9+/]{4,256}={0,2})"
    r"|(?:^|[\r\n>]|\\n)\s{0,2}PASS (?!\S{0,100}(?:::|/test_|\.(?:py|js|ts|go|rb)\b))"
    r"(?P<ftp>[^\s\\]{1,128})(?=\s*$|[\r\n]|\\r)"
    r"|\"SETUSER\" [^\n]{1,200}?\">(?P<monitored>[^\"\n]{1,256})\""
    r"|SETUSER [^\n>]{1,200}>(?P<acl>[^\s>]{1,256})"
    r"|\"AUTH\" (?:\"[^\"\n]{1,64}\" )?\"(?P<redis>[^\"\n]{1,256})\"",
)


def protocols(text: str, spend: Spend) -> list[Found]:
    """Find what clients of SMTP, IMAP, FTP and Redis say to log in."""
    found: list[Found] = []
    for match in _PROTOCOL.finditer(text):
        spend(LOOK)
        kind = match.lastgroup or "login"
        plain = kind == "login" or (kind == "refused" and (match[kind].islower() or match[kind].isupper()))
        if not plain or looks_chosen(match[kind]):
            found.append((*match.span(kind), "password"))
    if "AUTH LOGIN" in text:
        found += [(*match.span(), "password") for match in _SASL.finditer(text) if _is_sasl(match[0])]
        found += [(*match.span("value"), "password") for match in _CHALLENGE.finditer(text)]
    return [span for span in found if not is_statement(text[span[0] : span[1]])]


# What a client of SMTP says after AUTH LOGIN, wherever the log shows it: base64 of a name or a password.
_SASL = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/]{8,344}={0,2}(?![\w+/=-])")
_CHALLENGE = re.compile(r"AUTH LOGIN challenge: '(?P<value>[^'\n]{4,256})'")  # msmtp, mutt


def _is_sasl(run: str) -> bool:
    decoded = web.decode_base64(run) if len(run) % 4 == 0 else None
    return decoded is not None and decoded.isascii() and looks_chosen(decoded)


_AUTH = re.compile(r"(?:^|[\s\"'>(])AUTH\s+(?P<first>[^\s\"']{1,256})(?:\s+(?P<second>[^\s\"']{4,256}))?")

# ioredis: `command: { name: 'auth', args: [ 'x' ] }`
_NODE_AUTH = re.compile(
    r"name: 'auth',\s{1,8}args: \[\s{0,8}(?:'[^'\n]{1,64}',\s{0,8})?'(?P<value>[^'\n]{1,256})'\s{0,8}\]"
)


def redis_auth(text: str) -> list[Found]:
    """Find the password of Redis' AUTH command."""
    found = [(*match.span("value"), "password") for match in _RESP.finditer(text)]
    found += [(*match.span("value"), "password") for match in _NODE_AUTH.finditer(text)]
    for match in _AUTH.finditer(text):
        for group in ("second", "first"):  # the user's name stands before the password
            value = (match[group] or "").rstrip(".,;)")
            if (
                (
                    looks_chosen(value)
                    or (
                        group == "second"
                        and len(value) >= MIN_ARGUMENT
                        and (match["first"] == "default" or text[: match.start()].endswith("command"))
                    )
                )
                and not value.startswith(("LOGIN", "PLAIN", "CRAM", "XOAUTH"))
                and value[0] not in "(["
            ):
                found.append((match.start(group), match.start(group) + len(value), "password"))
                break
    return found
