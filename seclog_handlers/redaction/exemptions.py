"""What stands beside a secret's name and is none: sentences, files, versions, references, what programs tell of."""

from __future__ import annotations

import re

from seclog_handlers.redaction.extents import QUOTES, Value
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.values import is_word, looks_made
from seclog_handlers.redaction.vocabulary import BENIGN_TAILS, ERRORS, REMARKS


def is_no_name(text: str, start: int, end: int) -> bool:
    """Tell whether text[start:end] names no secret where it stands."""
    before = text[max(0, start - 2) : start]
    if text[end : end + 1] == "]" and "-" in text[start:end] and _PROCESS.match(text, end):
        return "[" not in text[max(0, start - 40) : start]  # gdm-password][43984]: gkr-pam: ...
    if before[-1:] == "%" and _FACILITY.fullmatch(text, start, end):
        return True
    if before == "::" and _CLASS.match(text, end) and text.count("::", max(0, start - 48), start) > 1:
        return True  # AWS::SecretsManager::Secret Db
    if before == "${" and (_UNSET.match(text, end) or _REFERENCE.match(text, start)):  # ${X:?X must be set}
        return True
    if text[end : end + 1] == "[" and _LIBRARY.search(text, start, end):  # in libsecret-1.so.0[7f603e6778+a000]
        return True
    if before[-1:] == '"' and text[max(0, start - 12) : start - 1].endswith(_DECLARED) and _BLOCK.match(text, end):
        return True
    if _FILTERED.match(text, end) and text.rfind("{{", max(0, start - 80), start) > text.rfind("}}", 0, start):
        return True  # {{ .Values.db.password | b64enc }}
    if start == 0 and _PROGRAM.fullmatch(text, start, end) and _LOGGED.match(text, end):  # external-secrets: {"level":
        return True
    if text[start:end] == "set-credentials":  # kubectl config set-credentials bob
        return True
    if text[start:end] == "__token__" and text[end : end + 1] not in ("=", ":"):  # as whom one logs in to PyPI
        return True
    if text[start:end].lower() == "sshpass" and _TO_HOST.match(text, end):
        return True
    return _VERSIONED.search(text, start, end) is not None or text[max(0, start - 16) : start].endswith(_TOLD_BY)


def is_exempt(text: str, start: int, end: int, value: Value, name: str, rule: Rule) -> bool:
    """Tell whether a value that could be a secret is none, by what stands around it.

    Args:
        text: Any text.
        start: Where the name begins that the value belongs to.
        end: Where it ends.
        value: The value.
        name: The last part of the name.
        rule: Its rule.
    """
    secret, low = text[value.start : value.end], name.lower()
    return (
        _is_told(text, start, end, value, rule)
        or _is_called(text, start, end, secret, name, rule)
        or (low == "accesskey" and len(secret) == 1)  # an attribute of HTML
        or (low == "pass" and secret.isdigit() and _TALLY.match(text, value.end) is not None)  # pass=6327 fail=0
        or (low == "gpgkey" and secret.startswith(("http", "file:")))  # where a repository's public key is
        or (low in _SEVERAL and secret.isdigit() and len(secret) < COUNTED)  # secrets: 1209
        or (low in _NAME_OF and ("/" in secret or ":" in secret))  # --secret-id prod/db
        or (low.endswith("pwd") and secret.startswith(("/", "~", "C:\\")))  # the shell's working directory
    )


_SEVERAL = frozenset({"secrets", "credentials", "passwords"})
COUNTED = 6


def _is_told(text: str, start: int, end: int, value: Value, rule: Rule) -> bool:
    """Tell whether a sentence speaks about a secret, or a parser, a bank, a browser of what it calls so."""
    secret = text[value.start : value.end]
    if rule.kind == "token" and secret.isupper() and _LEXED.match(text, value.end):  # token: NUMBER value: 7395
        return True
    if rule.kind == "token" and _NUMBERED.fullmatch(secret) and _DONE_TO.match(text, value.end):
        return True  # api key ci-66 created by console
    if rule.kind == "token" and secret.isalpha() and _GRAMMAR.search(text, max(0, start - 16), start):
        return True
    if _goes_on(text, start, end, value, rule):
        return True
    if text.startswith(" : local database", end) and _INVALID.search(text, max(0, start - 16), start):
        return True  # Cisco: Invalid password : local database : user = *****
    if rule.kind == "otp" and _APPROVAL.search(text, max(0, start - 80), end + 80):
        return True
    if rule.kind == "cookie" and text[start] != "-" and not text[end : value.start].strip(" \"'"):
        # Cookie "x" not present
        return not looks_made(secret) or _SPOKEN_OF.match(text, value.end) is not None
    return False


def _is_called(text: str, start: int, end: int, secret: str, name: str, rule: Rule) -> bool:
    """Tell whether a value is the name of something: a test, a file, a class, a checksum, a key's fingerprint."""
    before = text[start - 1 : start]
    if name.startswith("secret") and "gcloud secrets" in text[max(0, start - 96) : start]:  # --secret=db
        return True
    if text[start] == "$" and secret[0] == "$" and _VARIABLE.fullmatch(secret):  # $password = $input;
        return True
    if name == "PASS" and _TEST.match(secret):
        return True
    if text[max(0, start - 12) : start] == "--from-file=":  # kubectl create secret
        return True
    if before == "/" and text[max(0, start - 9) : start] == "checksum/":
        return True
    if before == "<" and rule.kind != "password" and text[end : end + 1] == ":" and _SLUG.fullmatch(secret):
        return True  # <Token: orders>
    metavar = _METAVAR.fullmatch(secret)  # --secret-id SECRET_ID, --private-key PRIVATE_KEY_FILE
    if metavar and _letters(name) in (_letters(metavar["name"]), _letters(secret)):
        return True
    if name.lower() == "token" and text[end : end + 1] == " " and _ON_CHAIN.fullmatch(secret):  # erc20 transfer token
        return True
    if (
        text[end : end + 1] in ("", " ")
        and _FINGERPRINT.fullmatch(secret)
        and _SIGNING.search(text, max(0, start - 16), start)
    ):  # using RSA key 59D7...
        return True
    # at check (src/password.js:12:3)
    return _FILE_LINE.fullmatch(secret) is not None and _SOURCE.search(text[start:end]) is not None


def is_message(text: str, end: int, value: Value, rule: Rule) -> bool:
    """Tell whether a dotted name is a logger's, and a sentence follows: `django.security.csrf: Forbidden (`."""
    word = text[value.start : value.end]
    return (
        (
            text[end : end + 2] == ": "
            or text[end : end + 3] == " : "
            or (rule.kind != "password" and text[end : end + 1] == ":")
        )
        and word.isalpha()
        and (word.istitle() or word in _LEVELS)
        and _GOES_ON.match(text, value.end) is not None
    )


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalpha())


def _goes_on(text: str, start: int, end: int, value: Value, rule: Rule) -> bool:
    """Tell whether a sentence follows a colon: `token: signature is invalid`, `secrets: could not get x`."""
    word = text[value.start : value.end]
    if value.quoted or text[end : end + 1] != ":" or not word.isalpha():
        return False
    if value.start == end + 1:  # permission secrets:read, {'read', 'token:revoke'}
        quote = text[start - 1 : start]
        listed = word in _GRANTS and (quote == "/" or (quote in QUOTES and text[value.end : value.end + 1] == quote))
        return rule.kind != "password" and (word in REMARKS or (bool(quote) and listed))
    if word.lower() in REMARKS or word.lower() in ERRORS:  # a line with nothing else is one of YAML
        return _SPEAKS.match(text, value.end) is not None or _SPOKEN.search(text, max(0, start - 24), start) is not None
    program = _PROGRAM.fullmatch(text, start, end) is not None and start == 0  # external-secrets: reconciled x
    told = (
        _TOLD.fullmatch(word) is not None and start == 0 and (program or _TOOL.fullmatch(text, start, end) is not None)
    )
    if told and _SPEAKS.match(text, value.end) is not None:  # sealed-secrets: Updating Secret
        return True
    if rule.kind in ("token", "tokens") and is_word(word) and _WORDS.match(text, value.end):
        return True  # jwt: audience claim mismatch
    chosen = rule.kind not in ("token", "tokens") and word not in BENIGN_TAILS  # password: dragon is wrong
    if not word.islower() or (chosen and not program):
        return False
    return _VERB.match(text, value.end) is not None or (program and _SPEAKS.match(text, value.end) is not None)


# What somebody may do, or asks for: token:revoke, /v1/secrets:import
_GRANTS = frozenset(
    """
    read write revoke create delete list get update manage admin rotate issue refresh introspect view import export use
    verify sign grant validate access query send edit batch search watch all
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
_LOGGED = re.compile(r": (?:\{\"(?:level|ts|time|msg|severity)\"|20\d\d[-/]\d\d[-/]\d\d)")
_SPEAKS = re.compile(r" [^\W\d_]{2}|\.{3}")
_WORDS = re.compile(r"(?:-[a-z]{2,16})?(?: [a-z]{2,16}\b(?![=:])){2}")
_PROGRAM = re.compile(r"[a-z]+-[a-z-]+s|(?:podman|docker|kubectl) secret")
_TOOL, _TOLD = re.compile(r"(?:ht|ch|g|smb|mk)passwd|sshpass"), re.compile(r"[A-Z][a-z]+(?:ing|ed)")
_SPOKEN = re.compile(r"[^\W\d_]{2}[,.;:]?[ ][\"']?\Z")
_VERB = re.compile(r" (?:is|was|are|were|has|have|not|cannot|could|must|should|does|did|failed|fetch|expired)\b")
# What a bank says to a payment: `auth code 253935 captured`
_APPROVAL = re.compile(
    r"\bauth(?:orization)? code\b.*\b(?:captured|approved|settled|for order|approval|acquirer)"
    r"|(?:approved|transaction|captured|settled)\b.*\bauth(?:orization)? code\b",
    re.IGNORECASE,
)
_METAVAR = re.compile(
    r"(?P<name>[A-Z]+(?:_[A-Z]+){0,6}?)"
    r"(?:_(?:FILE|PATH|NAME|ID|URL|HASH|TYPE|TTL|STRING|VALUE))?"
)
_ON_CHAIN = re.compile(r"0x[0-9a-fA-F]{40}")
_VARIABLE = re.compile(r"\$[A-Za-z_]\w{0,60}")
_INVALID = re.compile(r"\b(?:invalid|wrong|bad|incorrect|expired)[ ]\Z", re.IGNORECASE)
_SLUG = re.compile(r"[a-z]+(?:[-/][a-z]+){0,5}")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{8,40}")
_SIGNING = re.compile(r"\busing [A-Z]{0,8}[ ]?\Z")
_CLASS = re.compile(r"(?=\Z)|[ ](?=[A-Z][A-Za-z0-9]{1,80}(?:\s|\Z))")
_PROCESS = re.compile(r"\](?:\[\d{1,7}\])?: ")
_FACILITY = re.compile(r"[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)+")  # %IDS-4-TCP_SIG: what a router tells
_REFERENCE = re.compile(r"secrets?:\w[\w.-]{0,63}(?:/[\w.-]{1,64}){1,6}\}")  # ${secret:billing/dsn}
_TO_HOST = re.compile(r" -> \d{1,3}\.\d{1,3}\.")
_LIBRARY = re.compile(r"\.so(?:\.\d{1,4}){0,3}\Z")
_BLOCK = re.compile(r'" "[\w-]{1,64}"\s{0,4}\{')
_UNSET = re.compile(r":\?[^{}]{0,80}\b(?:must|required|not set|unset|missing|needs?|set)\b[^{}]{0,40}\}")
_DECLARED = ("resource ", "data ")  # resource "random_password" "db" {
_FILTERED = re.compile(
    r"[ ]?\|[ ]?(?:b64enc|b64dec|s?quote|toYaml|toJson|to_json"
    r"|tojson|default|n?indent|upper|lower|trim|sha256sum|escape"
    r"|safe|urlencode|string|length|hash|base64|required|e)\b[^{}\n]{0,60}\}\}"
)
_VERSIONED = re.compile(r"-\d{1,4}\.\d{1,4}[\w.]*\Z")  # installed PyJWT-2.7.18 passlib-1.7.4
_TOLD_BY = ("TASK [", "pam_unix(", "pam_sss(", "pam_pwquality(")
# What a parser says: `unexpected token: IDENTIFIER`
_LEXED = re.compile(r",?[ ](?:value|line|column|pos|text)[:=]")
# The name of a key.
_NUMBERED = re.compile(r"[a-z]{2,16}(?:-[a-z]{2,16}){0,3}-\d{1,4}")
_DONE_TO = re.compile(
    r"[ ](?:was |has been )?(?:created|issued|rotated|revoked|deleted|disabled|enabled|renewed|expires)\b"
)
_GRAMMAR = re.compile(r"\b(?:unexpected|illegal|stray|mismatched|extraneous|expected|got|found)[ ]\Z", re.IGNORECASE)
_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"})
_GOES_ON = re.compile(r" (?:[A-Za-z]{1,40}\b(?![=:])|\()")
_FILE_LINE = re.compile(r"line|\[\d{1,7},\d{1,7}\]|\d{1,7}(?::\d{1,7}){0,2}(?:\(\w{1,80}\)?|:in)?")
_SOURCE = re.compile(
    r"\.(?:jsx?|tsx?|mjs|py|go|rs|java|rb|php|cc?|cpp|h|cs|kt|swift|scala|html?|css|vue|sh|sql|exs?|erl|pl|ya?ml"
    r"|json|toml|tf|xml|conf|ini|properties)$"
)
_SPOKEN_OF = re.compile(r"[\"'\u201d]? (?:not|is|was|will|has|does|missing|found|expired|rejected|set)\b")
_TALLY = re.compile(r"[,;]?[ ]{1,4}(?:fail|skip|error|warn|xfail|total)", re.IGNORECASE)
_NAME_OF = frozenset({"secret-id", "secretid", "secret_id"})
_TEST = re.compile(r"[tT]est|Example|Benchmark|Fuzz")  # --- PASS: TestToken (0.00s)
