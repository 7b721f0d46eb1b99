"""What sentences report of a secret: where its value was seen, what was expected, that it was refused."""
# ruff: noqa: PLR2004 - lengths of codes and numbers

from __future__ import annotations

import re

from seclog_handlers.redaction.extents import Value
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.values import IS_UUID, LONG_LETTERS, looks_chosen, looks_made
from seclog_handlers.redaction.vocabulary import REMARKS


def value_of(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """Return the value that a sentence reports for the name text[start:end]: as seen somewhere, as refused."""
    seen = _REPORTED.match(text, end)
    if seen is not None:
        word = seen["value"].rstrip(".")
        pin = text[start:end].lower() == "pin" and 4 <= len(word) <= 6
        fitting = (pin or is_code(word, rule)) if word.isdigit() else fits(word, rule)
        if fitting and (rule.kind != "cookie" or looks_made(word)):  # cookie domain mismatch: example.org
            return Value(*seen.span("value"), quoted=True)
    remote = _AFTER_COLON.match(text, end) if _COLON.search(text, end, end + MAX_COLON) else None
    if remote is not None and _UNRELATED.isdisjoint(remote["between"].lower().split()) and _surely(remote, rule):
        return Value(*remote.span("value"), quoted=False)
    turned_away = _TURNED_AWAY.match(text, end) if rule.kind != "password" and rule.sort == "strong" else None
    if turned_away is not None and _is_mixed(turned_away["value"]):
        return Value(*turned_away.span("value"), quoted=True)
    refused = _REFUSED.match(text, end) if rule.kind == "password" else None
    if refused is not None:
        return Value(*refused.span("value"), quoted=True)
    return None


# `token leaked in log: x`, `API key (bob): x`, `key mismatch, got x`: words that say where the value was seen.
_REPORTED = re.compile(
    r"(?:(?:[ ][A-Za-z]{2,12}){0,4}[ ](?:found|read|received|got|leaked|logs?|env|environment|input|values?|generated"
    r"|created|issued|set|changed|updated|sent|used|entered|typed|provided|supplied|given|submitted|decoded|decrypted"
    r"|detected|exposed|printed|stored|saved|plain|cleartext|plaintext|raw|follows|below|returned)"
    r"(?:[ ]?\([^()\n]{1,40}\))?[ ]?[:=][ ]|[ ]?\([^()\n]{1,40}\)(?:[ ]?[:=][ ]|=)"
    r"|[ ](?:mismatch(?:ed)?|differs|check failed)[,:;]?[ ](?:\(|but[ ])?"
    r"(?:got|received|found|was|saw|expected|wanted)[ ]"
    r"|[ ](?:invalid|rejected|expired|revoked|unknown|denied|not found)[ ]?[(\[](?=[^\s()\[\]]{16})"
    r"|[ ]?\[[^\[\]\n]{1,40}\][ ]?[:=][ ]|[ ]in[ ](?:header|use|request|body|query|form|cookie|url)[ ]?[:=][ ]"
    r"|(?:[ ](?:entered|typed|used|given|provided|submitted))?[ ](?:of|from|for|by)(?:[ ][\w.-]{1,24}){0,2}[ ]"
    r"(?!(?:user|account|username|client|host|service|email)\b)"
    r"[\w.-]{1,24}:[ ]"
    r"|[ ](?:(?:must|should)[ ]differ[ ]from|contains|has[ ]value|equals|starts[ ]with)[ ])"
    r"[\"']?(?P<value>[^\s\"',;]{4,512})",
)
# A sentence about the name, a colon, and what only a machine makes: "password for the [elastic] user: Xy1...".
_AFTER_COLON = re.compile(
    r"(?P<between>[ \t][\w ,.'()\[\]`/-]{0,80}?)[ \t]?[:=](?:\s|\\n){1,8}(?:expected[ \t]{1,2})?[\"']?"
    r"(?P<value>[\w+/.~%$!@#^*|-]{12,512}?={0,2})[\"']?(?=[,;.]?(?:\s|\\n|$))",
)
# `passphrase supplied in X is incorrect: "several words"`
_REFUSED = re.compile(
    r"[ \t][\w ,.'()\[\]`/-]{0,100}?[ ](?:incorrect|invalid|wrong|rejected|refused):[ ]\"(?P<value>[^\"\n]{4,128})\""
)
# `CSRF token mismatch 8f3a9c2d1e4b5a6f77`: right behind what became of it, hexadecimal digits are the token, too.
_TURNED_AWAY = re.compile(
    r"(?:[ ](?:is|was|has|been|or|not|check|missing)){0,3}"
    r"[ ](?:mismatch(?:ed)?|invalid|expired|revoked|incorrect|wrong|rejected|denied|unknown|unrecogni[sz]ed|malformed"
    r"|found|valid|recogni[sz]ed|failed|reused|replayed|blacklisted|leaked)[:,]?[ ][\"'(\[]?"
    r"(?P<value>[A-Za-z0-9_+/~-]{16,512}={0,2})(?=[\"')\],;.]{0,2}(?:\s|$))"
)
# What it cannot do without, so that most sentences are not read to their end.
_COLON = re.compile(r"[:=](?:\s|\\n)")
MAX_COLON = 86
_UNRELATED = frozenset({
    "id", "request", "trace", "commit", "hash", "digest", "url", "uri", "path", "file", "line", "version", "time",
    "date", "at", "host", "address", "ip", "sha", "checksum", "kid", "name", "job", "backend", "store", "rule",
    "hasher", "scheme", "policy", "encoder", "algorithm", "issuer", "audience", "scope", "prefix",
})  # fmt: skip
_CAPITAL, _SMALL = re.compile("[A-Z]"), re.compile("[a-z]")
LONG_HEX = re.compile(r"[0-9a-f]{20,128}")


def _is_mixed(value: str) -> bool:
    """Tell whether a value mixes letters and digits and is no UUID: a request's would be named."""
    return (
        IS_UUID.fullmatch(value) is None
        and not _NUMBERED.fullmatch(value)
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
    )


_NUMBERED = re.compile(r"[A-Za-z_/-]+\d{1,4}")  # session-store-replica-2


def _surely(match: re.Match[str], rule: Rule) -> bool:
    value = match["value"].rstrip("=")
    if rule.kind == "password" and value.isalpha():
        return len(value) >= LONG_LETTERS and len(value) <= 4 * min(
            map(len, (_CAPITAL.findall(value), _SMALL.findall(value)))
        )
    return looks_made(value) or (rule.kind == "password" and LONG_HEX.fullmatch(value) is not None)


def fits(word: str, rule: Rule) -> bool:
    """Tell whether a word right beside a name is its value, and not how the sentence goes on."""
    if word.isdigit():
        if rule.kind == "cvv":
            return 3 <= len(word) <= 8
        return 4 <= len(word) <= 8 if rule.sort == "code" else rule.kind == "password" and len(word) >= 6
    if word.strip(".,:;!?*`").lower() in REMARKS:
        return False
    return looks_chosen(word.rstrip(":*`")) or (rule.sort == "code" and _CODE_GROUPS.fullmatch(word) is not None)


_CODE_GROUPS = re.compile(r"\d{3,6}[- ]\d{3,6}")


def is_code(word: str, rule: Rule) -> bool:
    """Tell whether digits that a sentence reports are a code, and not how many there were."""
    return 6 <= len(word) <= 8 and (rule.sort == "code" or rule.kind == "password")
