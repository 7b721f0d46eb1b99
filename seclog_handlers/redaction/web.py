"""Secrets in what web clients and servers say: authorization, cookies, URLs and connection strings."""

# ruff: noqa: PLR2004 - lengths of tokens
from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from seclog_handlers.redaction.censor import SEAL
from seclog_handlers.redaction.passphrases import is_hyphened
from seclog_handlers.redaction.values import is_statement, looks_chosen, looks_made

Found = tuple[int, int, str]

URL = 4  # what it costs to look at one
_Q = r"\\{0,15}[\"'`]"
_SCHEMES = (
    "bearer|basic|digest|negotiate|ntlm|apikey|api-key|token|hawk|mac|hoba|mutual|oauth|vapid|aws4-hmac-sha256|"
    "scram-sha-1|scram-sha-256|hmac-sha-?(?:1|256|384|512)|sharedkey|sharedkeylite|sharedaccesssignature|key|jwt|dpop|gnap|hmac|signature|privatetoken|"
    "googlelogin|aws|genie ?key|splunk|cloudsight|bot|client-id|discogs|zoho-oauthtoken|oauth2"
)
_AUTHORIZATION = re.compile(
    rf"(?:{_Q})?\]?\s{{0,4}}(?:=>|[:=](?!=)|%3A)\s{{0,8}}(?:[bfru]{{0,2}}{_Q}|\[{_Q}|%20"
    rf"|\+)?(?P<scheme>(?:{_SCHEMES})(?:\\?\s{{1,4}}|%20|\+))?",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"(?:(?:sr|se|skn)=[^&\s\"']{0,512}&){0,3}sig=(?P<value>[^&\s\"']{8,512})(?=&(?:sr|se|skn)=|[\s\"']|$)"
)
_SPOKEN = re.compile(r" [a-z]{2,24}\b(?!=)")
_UNKNOWN = re.compile(r"[A-Za-z][A-Za-z-]{0,30}\d?")  # a scheme that nobody registered
_SCHEME_ALONE = re.compile(r"x(?:-[a-z]{2,16}){1,4}|(?:aws4-hmac|scram|hmac)(?:-[a-z0-9]{1,8}){1,3}", re.IGNORECASE)
_CREDENTIALS = re.compile(r"[^\s\"'`,;<>(){}\[\]\\]+")
_PARAMETERS = re.compile(
    r"(?:[ \t,]{0,4}[\w-]{1,40}(?:[ \t]?=[ \t]?\\{0,7}\"[^\"\n]{0,4096}\"|=[^\s,=\"'\\][^\s,\"'\\]{0,4095}),?){1,24}",
)
_SCHEME = re.compile(
    r"(?:[ \t]{1,4}|%20|\+|\.(?:authorization\.k8s\.io\.)?(?=[\w-]{20}))"
    r"(?P<value>(?:\d{1,10}\|)?[A-Za-z0-9._~+/%=:-]{6,})"
)
_DNS = re.compile(
    r"(?:\[[0-9a-fA-F:.]{2,45}\]|[\w.-]{1,255}|%2[fF][\w%.-]{1,200})(?::\w{1,8})?(?:[,/?#)\]}>\"'`\s;\\]|$)",
)
_RUN = re.compile(r"[^\s\"'<>`{}|]{1,4096}")
_HEX_KEY = re.compile(r"[0-9a-f]{32,64}")
_WEB = (
    "http",
    "https",
    "ws",
    "wss",
    "ftp",
    "sftp",
    "git",
    "ssh",
    "git+ssh",
    "svn",
    "git+https",
    "git+http",
    "hg+https",
    "svn+https",
)


def authorization(text: str, end: int) -> list[Found] | None:
    """Find the credentials after the name of an authorization header that ends at `end`; None if it is no header."""
    match = _AUTHORIZATION.match(text, end)
    if match is None:
        return None
    position = match.end()
    if text.startswith("${", position):
        return []
    if match["scheme"] is not None:
        signed = _SIGNED.match(text, position) if match["scheme"].lower().startswith("sharedaccess") else None
        if signed is not None:
            return [(*signed.span("value"), "authorization")]
        parameters = _PARAMETERS.match(text, position)
        if parameters is not None and "=" in parameters[0].rstrip("="):
            public = _PUBLIC | {"id"} if match["scheme"].lower().startswith("hawk") else _PUBLIC
            return _parameters(text, position, parameters.end(), public)
    credentials = _CREDENTIALS.match(text, position)
    if credentials is None:
        return None  # http_auth=("bob", "x")
    if is_statement(credentials[0]) or _SCHEME_ALONE.fullmatch(credentials[0]) or _POLICY.fullmatch(credentials[0]):
        return []
    first = position
    if (match["scheme"] or "").lower().startswith("sharedkey"):  # account:signature
        first = text.find(":", position, credentials.end()) + 1 or position
    found, stop = [(first, credentials.end(), "authorization")], credentials.end()
    if match["scheme"] is None and _UNKNOWN.fullmatch(credentials[0]):
        more = _SCHEME.match(text, stop)
        if (
            more is not None
            and not more["value"].startswith("HTTP/")
            and (looks_made(more["value"]) or any(c.isdigit() for c in more["value"]))
        ):
            return [(more.start("value"), more.end("value"), "authorization")]
        word = credentials[0]
        if text.startswith(": ", end) and word.isalpha() and word.islower() and _SPOKEN.match(text, stop):
            return []  # docker: may require authorization: server message: ...
    return found


# authorization: policy=allow-all
_POLICY = re.compile(r"(?:policy|decision|action|mode|result|rule|effect|type|enabled|required)=[a-z-]{1,24}")
_PARAMETER = re.compile(
    r"(?P<name>[\w-]{1,40})[ \t]?=[ \t]?(?:\\{0,7}\"(?P<quoted>[^\"\n\\]{0,4096})|(?P<bare>[^\s,\"'\\]{1,4096}))"
)
# What a server could not do without, and nobody could log in with.
_PUBLIC = frozenset({
    "username", "realm", "uri", "qop", "algorithm", "nc", "signedheaders", "oauth_version", "oauth_signature_method",
    "oauth_timestamp", "version", "ts", "headers", "stale", "charset",
})  # fmt: skip


def _parameters(text: str, start: int, stop: int, public: frozenset[str]) -> list[Found]:
    """Find the secret ones among `name="value", ...` of a Digest, an AWS signature, OAuth."""
    found: list[Found] = []
    for match in _PARAMETER.finditer(text, start, stop):
        group = "bare" if match["quoted"] is None else "quoted"
        if match["name"].lower() not in public and match[group].strip(SEAL):
            first, last = match.span(group)
            scope = match[group].find("/20") if match["name"] == "Credential" else -1  # AWS: id/date/region/service
            found.append((first, last if scope < 0 else first + scope, "authorization"))
    return found


def parameters(value: str) -> list[tuple[int, int]] | None:
    """Return where the secrets of a header's value are that is a scheme and parameters; None if it is anything else."""
    match = _SCHEME_OF.match(value)
    rest = _PARAMETERS.fullmatch(value, match.end()) if match is not None else None
    if match is None or rest is None:
        return None
    return [(start, end) for start, end, _ in _parameters(value, match.end(), len(value), _PUBLIC)]


_SCHEME_OF = re.compile(r"(?:digest|oauth|aws4-hmac-sha256|hawk|mac)\s{1,4}", re.IGNORECASE)


def scheme(text: str, end: int, name: str) -> list[Found]:
    """Find the credentials after `Bearer`, `Basic` and their like, wherever they stand."""
    match = _SCHEME.match(text, end)
    if match is None:
        return []
    value = match["value"].rstrip(".,:")
    start = match.start("value")
    if NEXT_PAIR.match(value) or _DIGEST_OF.match(value) or "://" in value or _HASHED.match(value):
        return []  # token_type=bearer expires_in=3600, curl --negotiate https://...
    if name == "digest" and _DIGEST.fullmatch(value):
        return []
    if name == "basic":
        secret = basic_user(value) is not None
        raw = _DIGEST_USER.match(value) if not secret else None  # sent Basic bob:x
        if raw is not None and looks_chosen(value[raw.end() :]):
            return [(start + raw.end(), start + len(value), "authorization")]
    else:
        secret = any(c.isdigit() for c in value) and any(c.isalpha() for c in value) and len(value) >= 8
        secret = secret or (len(value) >= 20 and value.isalpha() and not value.islower())
    user = _DIGEST_USER.match(value) if name == "digest" else None  # addauth digest kafka:x
    return [(start + (user.end() if user else 0), start + len(value), "authorization")] if secret else []


def is_challenge(text: str, end: int) -> bool:
    """Tell whether a server asks for credentials: `WWW-Authenticate: Bearer realm="orders"`."""
    return _CHALLENGE.match(text, end) is not None


def signed_by_aws(text: str, end: int) -> list[Found]:
    """Find the secrets of an AWS signature without its header's name; the `HMAC` of its scheme ends at `end`."""
    opened = _AWS.match(text, end)
    parameters = _PARAMETERS.match(text, opened.end()) if opened is not None else None
    return _parameters(text, parameters.start(), parameters.end(), _PUBLIC) if parameters is not None else []


_AWS = re.compile(r"-SHA256[ ](?=Credential=)")
_CHALLENGE = re.compile(r"[ ](?:realm|error|scope|charset|authorization_uri|resource_metadata)=")
_DIGEST_USER = re.compile(r"[A-Za-z][\w.@-]{0,63}:(?=[^:]{4})")
_DIGEST = re.compile(r"(?:[0-9a-f]{8}){4,16}")
_DIGEST_OF = re.compile(r"(?:sha-(?:1|256|512)|md5|unixsum|crc32c)=", re.IGNORECASE)  # RFC 9530
_HASHED = re.compile(r"(?:sha(?:1|256|384|512)|md5):")  # image digest sha256:...
NEXT_PAIR = re.compile(r"[a-z_]{2,32}=(?!=|$)")


def basic_user(value: str) -> str | None:
    """Return `user:password` if the base64 text `value` says so."""
    decoded = decode_base64(value)
    return decoded if decoded is not None and ":" in decoded[:-1] else None


def decoded(run: str) -> str | None:
    """Return what base64 text, or hexadecimal text, says, if it is printable text; None otherwise."""
    return _decode_hex(run.removeprefix("0x")) if _HEX.fullmatch(run) else decode_base64(run)


def _decode_hex(run: str) -> str | None:
    if len(run) % 2:
        return None
    raw = bytes.fromhex(run)
    text = raw.replace(b"\0", b" ").decode("ascii") if raw.isascii() else ""  # auditd parts arguments so
    return text if text and text.translate(_NO_BREAKS).isprintable() else None


_HEX = re.compile("(?:0x)?(?:[0-9a-f]{24,}|[0-9A-F]{24,})")
_NO_BREAKS = dict.fromkeys(map(ord, "\n\r\t"), " ")


def decode_base64(value: str) -> str | None:
    """Return what base64 text says, if it is printable text; None otherwise."""
    body = value.rstrip("=").translate(_URLSAFE)
    if len(body) % 4 == 1 or len(body) < 8:
        return None
    try:
        decoded = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    if decoded[1::2].count("\0") == len(decoded) // 2:  # UTF-16: what PowerShell's -EncodedCommand takes
        decoded = decoded[::2]
    shown = decoded.replace("\n", "").replace("\r", "").replace("\t", "")
    if shown.count("\0") == 2:
        shown = shown.replace("\0", "")  # SASL's PLAIN: who to act as, who logs in, password
    if "auth=" in shown:
        shown = shown.replace("\x01", "")  # SASL's XOAUTH2
    return decoded if shown.isprintable() else None


_URLSAFE = str.maketrans("-_", "+/")


def users(text: str, spend: Callable[[int], None]) -> list[Found]:
    """Find the password, or the token, before the host of each URL; the kind is empty where that is nothing secret."""
    found: list[Found] = []
    position = text.find("://")
    while position >= 0:
        spend(URL)
        following = text.find("://", position + 3)
        found.extend(_userinfo(text, position, len(text) if following < 0 else following))
        position = following
    return found


def _userinfo(text: str, colon: int, stop: int) -> list[Found]:
    """Find the password, or the token, before the host of the URL whose `://` stands at `colon`, before `stop`.

    The kind is empty where that part of the URL is nothing secret.
    """
    match = _RUN.match(text, colon + 3, stop)
    if match is None or "@" not in match[0]:
        return []
    run, start = match[0], match.start()
    head = text[max(0, colon - 24) : colon]
    name = _URL_SCHEME.search(head)
    at = _host_at(run, web=name is not None and name[0].lower() in _WEB)
    if at is None:
        return []
    user, _, password = run[:at].partition(":")
    if ";" in password and _SETTINGS.search(password):  # jdbc:sqlserver://host:1433;user=sa;password=...
        return []
    if password:
        is_key = (
            head.endswith("cloudinary") or _HEX_KEY.fullmatch(user) or (password in _NO_PASSWORDS and looks_made(user))
        )
        shown = (
            is_template(password)
            or _FORM.match(run)
            or (password in _NO_PASSWORDS and (is_key or not user.strip(SEAL)))
        )
        found = [(start + len(user) + 1, start + at, "" if shown else "password")]
        return [(start, start + len(user), "token"), *found] if is_key else found
    secret = looks_made(user) or _HEX_KEY.fullmatch(user)
    return [(start, start + at, "token" if secret else "")]


_SETTINGS = re.compile(r"\A\d{1,5};[A-Za-z ]{2,32}=")
# As documentation writes it.
_FORM = re.compile(r"(?:user|username|USER):(?:password|pass|PASSWORD|PASS)@(?:host|hostname|HOST)(?![\w.@-])")
# What services ask for in the password's place when the user's name is the token.
_NO_PASSWORDS = frozenset({"x-oauth-basic", "api_token", "x", "X", "token", "unused", "none"})
# Found from the `:` on, and only then backwards: a search for the user's name would stop at every word.
_PASSWORD_AT = re.compile(
    r":(?P<value>[^\s:@/\"'<>,;]{4,128})@(?=[\w.-]{1,253}(?:[:/(\s,;>\"')\\]|$)|/[\w-]{1,64}(?:[?\s\"')]|$))"
)
_USER_BEFORE = re.compile(
    r"(?:(?<![\w/:@.%-])(?:[\w.-]{1,32}[/\\])?|(?<=\w:/)|(?<=sips:)|(?<=sip:)|(?<=//)(?<!://)|(?<=\\/\\/))(?!mailto$)[\w.+-]{1,64}$"
)
_MAX_USER = 97
# A URL that lacks its colon: `redis//:x@cache:6379`
_USERLESS = re.compile(r"(?<=\w//:)(?P<value>[^\s:@/\"'<>]{4,128})@(?=[\w.-])")
# http.client: `nonnumeric port: 'x@host'`
_NO_PORT = re.compile(r"nonnumeric port: '(?P<value>[^'@\s]{1,128})@")
# Go's MySQL: the password may hold what it likes.
_GO_PASSWORD = re.compile(r"[\w.-]{1,32}:(?P<value>[^\s:/\"'<>]{1,128})@(?:tcp|unix)\(")
_THIN = re.compile(r":thin:[\w$#]{1,30}/(?P<value>[^\s@/]{1,128})@")
# user/password@host/service
_ORACLE = re.compile(
    r"/(?P<value>[^\s@/\"'<>]{6,128})@(?=[\w.-]{1,128}(?::\d{2,5})?/[\w.]{1,32}(?![\w/])|[A-Za-z][\w.]{1,32}[\])])"
)
_ORACLE_USER = re.compile(r"(?<![\w/.:@-])[A-Za-z][\w$#]{1,30}\Z")
_ORACLE_BEFORE = re.compile(r"(?<![\w/])[\w$#]{1,30}/(?P<value>[^\s@/]{1,128})$")


def bare_users(text: str, spend: Callable[[int], None]) -> list[Found]:
    """Find passwords in `user:password@host` without a scheme, and in Oracle's `thin:user/password@`."""
    found: list[Found] = []
    if ":thin:" in text:
        found = [(*match.span("value"), "password") for match in _THIN.finditer(text)]
    at = text.find("@//")
    while at >= 0:
        spend(5)
        before = _ORACLE_BEFORE.search(text, max(0, at - 160), at)
        if before is not None:
            found.append((*before.span("value"), "password"))
        at = text.find("@//", at + 1)
    for match in _ORACLE.finditer(text):
        spend(5)
        user = _ORACLE_USER.search(text, max(0, match.start() - 40), match.start())
        if user is not None and (looks_chosen(match["value"]) or is_hyphened(match["value"])):
            found.append((*match.span("value"), "password"))
    if "//:" in text:
        found += [(*match.span("value"), "password") for match in _USERLESS.finditer(text)]
    if "port: '" in text:
        found += [(*match.span("value"), "password") for match in _NO_PORT.finditer(text)]
    for match in _GO_PASSWORD.finditer(text) if "@tcp(" in text or "@unix(" in text else ():
        spend(5)
        found.append((*match.span("value"), "password"))
    for match in _PASSWORD_AT.finditer(text):
        spend(5)
        colon = match.start()
        if _USER_BEFORE.search(text, max(0, colon - _MAX_USER), colon) and looks_chosen(match["value"]):
            found.append((*match.span("value"), "password"))
    return found


_URL_SCHEME = re.compile(r"[A-Za-z][\w+.-]{0,23}$")
_AUTHORITY_END = re.compile(r"[/?#]")
_TEMPLATE = re.compile(r"\*+|[xX]{3,}|%s|\{\w*\}|\$\{?\w+\}?|<\w+>|\.{3}")


def is_template(password: str) -> bool:
    """Tell whether a password in a URL is a placeholder: `***`, `%s`, `{password}`."""
    return not password.strip(SEAL) or _TEMPLATE.fullmatch(password) is not None


def _host_at(run: str, *, web: bool) -> int | None:
    """Return where the `@` stands that ends the user's part; passwords may hold raw `@`, `/` and `#`."""
    cut = _AUTHORITY_END.search(run)
    authority = run[: cut.start()] if cut else run
    if "@" in authority and (web or cut is None):
        at = authority.rindex("@")
        host = authority[at + 1 :].partition(":")[0]
        later = run.find("@", at + 1)
        if cut is None or later < 0 or host == host.lower() or "." in host or not _DNS.match(run, later + 1):
            return at
        return later  # https://admin:ce2T@X5QK/9DLu6@host: no host is of both cases
    user, colon, rest = authority.partition(":")
    if "@" not in authority and (not colon or rest.isdigit() or not (user or rest)):
        return None
    query = run.find("?", run.find("@"))
    end = len(run) if query < 0 or "=" not in run[query:] else query
    at = run.rfind("@", 0, end)
    while at > 0:
        if _DNS.match(run, at + 1):
            return at
        at = run.rfind("@", 0, at)
    return None


_STATE = r"(?:state|session_state|nonce|code_challenge)=(?P<value>[^&\s#\"'<>]{16,512})"
_STATE_BEFORE = re.compile(rf"[?&#]{_STATE}(?=&)")
_STATE_AFTER = re.compile(rf"(?:&(?!state=|nonce=)[\w.-]{{1,64}}=[^&\s\"'<>#]{{0,2048}}){{0,6}}&{_STATE}")
MAX_STATE = 1024
MAX_PARAMETERS = 16_384


def states(text: str, start: int, end: int) -> list[Found]:
    """Find what protects a login from forgery beside its code or token in a URL: `code=...&state=...`."""
    found: list[Found] = []
    first = max(text.rfind(" ", max(0, start - MAX_STATE), start), start - MAX_STATE, 0)
    last = end + MAX_PARAMETERS
    if text.find("state=", first, last) >= 0 or text.find("nonce=", first, last) >= 0:
        found = [(*match.span("value"), "token") for match in _STATE_BEFORE.finditer(text, first, start)]
        after = _STATE_AFTER.match(text, end)
        found += [(*after.span("value"), "token")] if after is not None else []
    return [span for span in found if looks_made(text[span[0] : span[1]]) or _HEX_KEY.fullmatch(text, span[0], span[1])]
