"""Secrets in sentences: `password for alice is X`, `MFA token 482913`, `X is the password`, seed phrases."""

from __future__ import annotations

import re

from seclog_handlers.redaction import languages, passphrases, persons, reported
from seclog_handlers.redaction.extents import QUOTES, Value, value_at
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.others import VERSUS
from seclog_handlers.redaction.values import IS_UUID, is_statement, is_word, looks_chosen, looks_made
from seclog_handlers.redaction.vocabulary import PREDICATES, REMARKS

Found = tuple[int, int, str]

_SAID = re.compile(
    r"[ ]\((?:currently|now|was|is|formerly|set to|value)(?::|=|[ ]is)?[ ]"
    r"|[ \t](?:now[ ])?reads[ ](?=[\"'])"
    r"|(?:[ \t]\(?(?:is|was|as|has|been|now|entered|set|used|given|provided|received|supplied|generated|chosen|typed"
    r"|attempted|tried|read|plain|plaintext|cleartext|raw|value|string|here)\)?){1,4}"
    r"(?:[ \t](?:for|of|by|on|to)[ \t][^\s=:]{1,64})?[ \t]?[:=][ \t]{1,4}"
    r"|[ \t](?:used|entered|given|provided|typed|tried|supplied|submitted|sent|received)[ \t](?:was|is)[ \t]{1,4}"
    r"|(?:[ \t](?:string|value))?"
    r"(?:[ \t]{1,4}(?:for|of|to|on|from|in)(?:[ \t]the)?[ \t](?:user[ \t]|account[ \t])?[^\s=:]{1,64}"
    r"(?:[ \t](?:user|account|[\w.@-]{1,32})){0,2})?"
    r"[ \t]{1,4}(?:(?:has been|was|is|will be)[ \t](?:set|changed|reset|updated|now set|now)(?:[ \t]to)?|is now|is|was"
    r"|=|are|will be|(?:set|changed|reset|updated|resolved|expanded|evaluated|defaults) to|changed from|equals"
    r"|becomes)[ \t]*:?[ \t]{1,4}"
    r"|[ \t]{1,4}(?:for|of)[ \t](?:the[ \t])?(?:(?:user|account|key|file|keystore|host)[ \t])?"
    r"(?!\w{0,24}(?:id|name|user|host|ip|port|account)=)(?:'[^'\n]{1,48}'|[^\s=:]{1,64})"
    r"[ \t]?[:=](?!//)[ \t]?"
    r"|[ \t]{1,4}(?:for|of)[ \t](?:user[ \t])?[^\s=:]{1,64}[ \t]to[ \t](?=[\"'])"
    r"|[ \t]to[ \t]be[ \t]{1,4}|[ \t]from[ \t](?=[^\s]{1,128}[ \t](?:to|into)[ \t])",
    re.IGNORECASE,
)
_VERBS = frozenset({
    "currently", "now", "formerly", "reads",
    "for", "of", "to", "on", "from", "in", "is", "was", "=", "are", "will", "set", "changed", "reset", "updated",
    "has", "equals", "resolved", "expanded", "evaluated", "defaults", "becomes", "as", "entered", "used",
    "given", "provided", "received", "supplied", "generated",
    "chosen", "typed", "attempted", "tried", "read", "plain", "plaintext", "cleartext", "raw", "value", "string",
    "here",
})  # fmt: skip
_VERB = re.compile(r"[ \t]{1,4}\(?([^\W\d_]{1,12}|=)\)?(?=[ \t:])")
# Where a password always follows: Redis' configuration, a .netrc.
_DIRECTIVES = frozenset({"requirepass", "masterauth"})
_SET_BEFORE = re.compile(r"\b(?:setx|setenv|SetEnv|ENV|ARG|set -x|config set(?: --[a-z-]{2,12}){0,2}|enable)[ ]{1,4}$")
_SETS = ("setx ", "env ", "Env ", "ENV ", "ARG ", "-x ", "  ", " set ", "--secret ", "enable ")
MAX_SET, MAX_BEFORE = 40, 96
_OF_LEVEL = re.compile(r"[ ]level[ ]\d{1,2}[ ](?:\d[ ])?(?=\S)")  # enable password level 15 x
_SENTINEL = re.compile(r"[ ][\w.-]{1,64}[ ]{1,4}(?=\S)")  # sentinel auth-pass mymaster x
_NETRC = re.compile(r"\blogin\s{1,16}(?![-|])\S{1,64}\s{1,16}$")
_SET_TO = re.compile(r"[ \t]to[ \t]{1,4}(?=\S)|[ \t][\w.-]{1,32}[ \t]to[ \t]{1,4}(?=[\"'])")
_SET_FOR = re.compile(r"[ \t](?:for|of)[ \t](?:user[ \t])?[^\s=:]{1,64}[ \t]to[ \t]{1,4}(?=\S)")
_SETTING = re.compile(
    r"\b(?:set|setting|sets|change[ds]?|changing|reset|resetting|update[ds]?|updating)\b[^.;\n]{0,24}$", re.IGNORECASE
)
_SQL = re.compile(
    r"[ \t]{1,8}(?:(?:FOR|for)[ \t][^\s]{1,80}[ \t]{0,4}=[ \t]{0,4}|TO[ \t]{1,4}"
    r"|(?:I?LIKE|like|RLIKE|REGEXP)[ \t]{1,4})?(?:PASSWORD\(|password\()?(?=['\"])",
)
_SPACED = re.compile(
    r"(?:[ ]\.[ ](?=[\"'])|[ ]\d[ ](?=\S{6})|[ ]\d{1,3}[ ]md5[ ](?:\d[ ])?|\.{3,64}[ \t]{0,2}|[ \t]{0,2}\|[ \t]{0,2}"
    r"|[ \t]{1,32}(?:\.{3,64}[ \t]{1,4}|hash |value |string |header |number |ascii-text |hexadecimal "
    r"|-{1,2} |[\u2013\u2014\u00bb\u2022] )?)(?=\S)"
)
_BRACKETED = re.compile(r"[ \t]{0,2}[(\[<](?P<value>[^\s()\[\]<>\"'=]{4,128})[)\]>](?![ ]?[:=])")
_CELL = re.compile(r",[ \t]?(?P<value>(?![a-z_]{2,32}=)[\w+/=.~-]{16,512})(?=,|\s|$)")
_ROW = re.compile(r";(?P<value>[^\s;]{4,128})(?=[;\r\n]|$)")  # password;x
_NAMED_ROW = re.compile(r",(?P<value>[^\s,]{5,128})(?=[\r\n]|$)")  # key,value
_SYMBOL = re.compile(r",[ ]?(?=[\"'])")  # [:password, "x"]
_RANDOM = re.compile(r"(?=[a-z_-]{0,64}\d)(?=[\d_-]{0,64}[a-z])[a-z0-9_-]{16,128}")
_COMMENT = re.compile(r"^(?://+|/\*+|#+|;+|--)")
_BACKWARD = re.compile(
    r"(?P<value>[^\s\"'=:,;()]{5,64})[\"']? (?:as|is)(?: not)? (?:the |a |an |his |her |my |your |their )?"
    r"(?:new |old |valid |correct |right |wrong |incorrect |invalid )?(?:(?:client|api|app|access|secret|auth|webhook"
    r"|verification|one-time|session|reset|refresh|bearer|login|db|database|admin|user|root|account|private|encryption"
    r"|signing|master|recovery|csrf|shared) ){0,2}$",
    re.IGNORECASE,
)
_BEFORE_NAME = frozenset(
    {
        "valid",
        "correct",
        "right",
        "wrong",
        "incorrect",
        "invalid",
        "an",
        "not",
        "as",
        "is",
        "the",
        "a",
        "his",
        "her",
        "my",
        "your",
        "their",
        "new",
        "old",
    }
)
# `password was incorrect: x`; `password changed from admin to x`, whose former one may be a word that says nothing.
_REJECTED = re.compile(
    r"[ ](?:(?:is|was)[ ](?:incorrect|wrong|invalid|rejected|not accepted|expired):[ ]"
    r"|(?:was |has been )?(?:changed|reset|updated|rotated|replaced)[ ]from[ ][^\s\"']{1,128}[ ]to[ ])"
    r"[\"']?(?P<value>[^\s\"']{4,128})"
)
_MISMATCH = re.compile(
    r"[ ](?:mismatch|comparison|differs|does not match)[:=]?[ ]"
    r"(?:[\"'](?P<value>[^\"'\n]{4,128})|(?P<bare>[^\s\"',;]{5,128}))"
)


def value_of(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """Return the value that a sentence gives for the name text[start:end], or None."""
    if rule.sort == "digits":
        return persons.number(text, start, end, rule)
    if rule.sort == "weak":
        return None
    if text[start - 1 : start] == "/":  # a path: what follows is not about it, unless it is put there
        put = _PUT.search(text, max(0, start - 128), start)
        spaced = _PUT_VALUE.match(text, end)
        value = value_at(text, spaced.end()) if spaced else None
        if put is not None or value is None:
            return value
        secret = text[value.start : value.end]  # cmd.exe: /password x
        surely = looks_chosen(secret) if text[start - 2 : start - 1] == " " else looks_made(secret)
        surely = surely and "=" not in secret.rstrip("=") and "://" not in secret
        return value if surely and spaced is not None and spaced.end() > end else None
    following = text[end : end + 1]
    if following and following in QUOTES and text[end + 1 : end + 2] == " ":  # 'API_TOKEN' changed to 'x'
        return _forward(text, start, end + 1, rule) if text[start - 1 : start] == following else None
    if following == ")" and text[start - 1 : start] == "(" and rule.sort == "code":  # security code (CVV) 987
        return _forward(text, start, end + 1, rule)
    if following == "+":
        searched = _SEARCHED.match(text, end)
        return Value(*searched.span("value"), quoted=True) if searched and _is_search(text, start, searched) else None
    if following in (" ", "\t", "|", "(", "[", "<", ".") and following:
        value = _forward(text, start, end, rule)
        if value is not None:
            return value
    elif following in languages.PARTICLES and following:
        told = languages.TOLD.match(text, end)
        return Value(*told.span("value"), quoted=True) if told is not None and looks_chosen(told["value"]) else None
    elif following == "\n":  # a label above its value
        below = _BELOW.match(text, end)
        word = below["value"] if below is not None else ""
        alone = rule.kind == "password" and text[start - 1 : start] in ("", "\n") and looks_chosen(word)
        if below is not None and (
            alone or (len(word) >= MIN_BELOW and (looks_made(word) or reported.LONG_HEX.fullmatch(word)))
        ):
            return Value(*below.span("value"), quoted=True)
    elif following == ";" and text[start - 1 : start] in ("", "\n"):
        row = _ROW.match(text, end)
        if row is not None and looks_chosen(row["value"]):
            return Value(*row.span("value"), quoted=True)
    elif following == ",":
        symbol = _SYMBOL.match(text, end) if text[start - 1 : start] == ":" else None
        if symbol is not None:
            return value_at(text, symbol.end())
        pair = _NAMED_ROW.match(text, end) if text[start - 1 : start] in ("", "\n") else None
        if pair is not None and looks_chosen(pair["value"]):
            return Value(*pair.span("value"), quoted=True)
        cell = _CELL.match(text, end)
        if cell is not None and (looks_made(cell["value"]) or _RANDOM.fullmatch(cell["value"])):
            return Value(*cell.span("value"), quoted=True)
    return _backward(text, start, rule) if text[start - 1 : start] == " " else None


# `consul kv put app/db/password x`, `aws ssm put-parameter --name /app/db/password --value x`
_PUT = re.compile(r"\b(?:put|set|write|put-parameter)\s(?:[^\n|;&]{0,80}\s)?[\"']?[\w./-]{0,80}/$")
MIN_BELOW = 20
_BELOW = re.compile(r"\r?\n(?P<value>[^\s]{5,512})[ ]{0,4}(?=[\r\n]|$)")
_PUT_VALUE = re.compile(r"[\"']?[ \t]{1,4}(?:--?(?:value|v|data)[ =]{1,4}|value=)?(?!-)")
# In a query string a space is a plus: ?q=password+is+x
_SEARCHED = re.compile(
    r"\+(?:(?:for|of)\+[^\s&+]{1,64}\+)?(?P<said>(?:is|was)(?::|%3A)?\+|(?:=|:|%3A)\+)?"
    r"(?P<value>[^\s&#+\"'<>]{4,128})"
)


def _is_search(text: str, start: int, searched: re.Match[str]) -> bool:
    if "=" not in text[max(0, start - 64) : start]:
        return False
    last = text[searched.end() : searched.end() + 1] in ("", "&", " ", '"', "#")
    value = searched["value"]
    return looks_chosen(value) or (searched["said"] is not None and last and not is_statement(value))


def _backward(text: str, start: int, rule: Rule) -> Value | None:
    """`X is the password`, `tried X as password`."""
    before = text[max(0, start - 32) : start].lower().split()[-3:]
    if _BEFORE_NAME.isdisjoint(before) or (before[-1] == "is" and _PROTECTED.match(text, start) is not None):
        return None
    window = text[max(0, start - 96) : start]
    if " as " not in window and " is " not in window:
        return None
    match = _BACKWARD.search(text, max(0, start - 96), start)
    marks = _COMMENT.match(match["value"]) if match else None
    skipped = marks.end() if marks else 0
    if match is None:
        return None
    word = match["value"][skipped:]
    if not reported.fits(word, rule):
        return None
    return Value(match.start("value") + skipped, match.end("value"), quoted=False)


_GOES_ON = re.compile(r" [a-z]{2,16}\b")
_PROTECTED = re.compile(r"\w{1,16}[ -](?:protected|required|encrypted|locked)\b")


def _forward(text: str, start: int, end: int, rule: Rule) -> Value | None:
    rejected = _REJECTED.match(text, end)
    if rejected is not None and not is_statement(rejected["value"]):
        return Value(*rejected.span("value"), quoted=True)
    tabbed = _TABBED.match(text, end)
    if tabbed is not None and rule.sort == "strong" and _is_tabbed(text, start, tabbed):
        surely = looks_chosen(tabbed["value"]) or IS_UUID.fullmatch(tabbed["value"])
        return None if is_statement(tabbed["value"]) or not surely else Value(*tabbed.span("value"), quoted=True)
    entered = _ENTERED.match(text, end) if text[start:end].lower().endswith("pin") else None
    if entered is not None:
        return Value(*entered.span("value"), quoted=True)
    verb = _VERB.match(text, end)
    if verb is not None and verb[1].lower() in _VERBS:
        said = _SAID.match(text, end)
        if said is None and verb[1].lower() == "to" and _is_setting(text, start, rule):
            said = _SET_TO.match(text, end)
        if said is not None:
            digits = _PIN.match(text, said.end()) if text[start:end].lower() == "pin" else None
            if digits is not None:
                return Value(*digits.span(), quoted=True)
            return _told(text, said.end(), rule, setting=verb[1].lower() != "for" and "to" in said[0].split()[-1:])
    reset = _SET_FOR.match(text, end) if verb is not None and _is_setting(text, start, rule) else None
    if reset is not None:  # reset password of bob to x
        return _told(text, reset.end(), rule)
    said = languages.OF_IT.match(text, end) if text.startswith(" d'", end) else None
    if said is not None:
        return value_at(text, said.end())
    said = languages.SAID.match(text, end) if verb is not None and verb[1].lower() in languages.VERBS else None
    if said is not None and (value := _told_abroad(text, said.end(), rule)) is not None:
        return value
    before = text[max(0, start - MAX_BEFORE) : start]
    if text[start] != "-" and before.endswith(_SETS) and _SET_BEFORE.search(text, max(0, start - MAX_SET), start):
        directive = _OF_LEVEL.match(text, end) or _SPACED.match(text, end)
        return value_at(text, directive.end()) if directive else None
    master = _SENTINEL.match(text, end) if text[start:end] == "auth-pass" else None
    if master is not None:
        return value_at(text, master.end())
    if text[start:end] in _DIRECTIVES or ("login" in before and _NETRC.search(text, max(0, start - MAX_BEFORE), start)):
        directive = _SPACED.match(text, end)
        value = value_at(text, directive.end()) if directive else None
        told = value is not None and is_word(text[value.start : value.end]) and _GOES_ON.match(text, value.end)
        return None if told else value  # masterauth directive found in redis.conf
    sql = _SQL.match(text, end)
    if sql is not None:
        return _literal(text, sql.end(), rule)
    bracketed = _BRACKETED.match(text, end)
    if bracketed is not None and bracketed["value"][0] == "-":  # htpasswd [-cimB]
        return None
    if bracketed is not None:
        return Value(*bracketed.span("value"), quoted=False) if reported.fits(bracketed["value"], rule) else None
    compared = _MISMATCH.match(text, end)
    if compared is not None and VERSUS.match(text, compared.end()):
        if compared["bare"] is None:
            return Value(*compared.span("value"), quoted=True)
        if looks_chosen(compared["bare"]):
            return Value(*compared.span("bare"), quoted=True)
    shown = reported.value_of(text, start, end, rule)
    if shown is not None:
        return shown
    return _next(text, start, end, rule)


def _next(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """The value right beside its name, with no word between: `password x`, `| password | x |`, `password - x`."""
    shown = _EXPANDED.match(text, end) if text.rfind("-[ RECORD ", max(0, start - MAX_RECORD), start) >= 0 else None
    if shown is not None:
        return Value(*shown.span("value"), quoted=True)
    spaced = languages.WRONG.match(text, end) or _SPACED.match(text, end)
    value = value_at(text, spaced.end()) if spaced else None
    if value is None or value.start >= len(text) or text[value.start] in "([{<" or text.startswith("--", value.start):
        return None
    if "|" in text[end : value.start] and "|" in text[value.start : value.end]:  # user|bob|password|x|status|ok
        value = value._replace(end=text.index("|", value.start))
    word = text[value.start : value.end]
    if reported.fits(word, rule):
        return None if word.isdigit() and _COUNTED.match(text, value.end) else value
    if value.quoted and rule.sort == "strong" and text.startswith(" . ", end) and not is_statement(word):
        return value  # Lisp: (password . "x")
    if value.quoted and rule.sort == "strong" and IS_UUID.fullmatch(word):  # could not parse token 'b8555e8b-...'
        return value
    if rule.kind != "password":
        return None
    plain = (
        passphrases.is_plain_password(text, start, value)
        or passphrases.is_cell(text, start, value)
        or passphrases.is_random(word)
    )
    least = 3 if text[start:end] == "PASS" else 4  # of FTP and POP3
    return value if plain or passphrases.is_hyphened(word, least) else None


# A line of names and values that tabs part.
_TABBED = re.compile(r"\t(?P<value>[^\t\r\n]{4,1024})(?=\t|\r?\n|\Z)")
_TABBED_ABOVE = re.compile(r"(?:\A|\n)[\w.-]{1,64}\t[^\t\n]{0,256}\n\Z")
_TABBED_BELOW = re.compile(r"\r?\n[\w.-]{1,64}\t[^\t\n]{0,256}(?:\n|\Z)")


def _is_tabbed(text: str, start: int, tabbed: re.Match[str]) -> bool:
    end, first = tabbed.end(), text[start - 1 : start] in ("", "\n")
    if first and (IS_UUID.fullmatch(tabbed["value"]) or looks_made(tabbed["value"])):
        return True
    above = _TABBED_ABOVE.search(text, max(0, start - 400), start)
    return above is not None or (text[start - 1 : start] in ("", "\n") and _TABBED_BELOW.match(text, end) is not None)


# As psql shows one record in several lines.
_EXPANDED = re.compile(r"[ ]{0,40}\|[ ](?P<value>[^\n]{1,1024})")
MAX_RECORD = 4096


def _is_setting(text: str, start: int, rule: Rule) -> bool:
    """Tell whether the name is set to something: `resetting the password to x`, and not `sent reset token to bob`."""
    if rule.kind != "password" and text[max(0, start - 6) : start].lower() == "reset ":
        return False
    return _SETTING.search(text, max(0, start - 48), start) is not None


_ENTERED = re.compile(r"[ ](?:entered|typed|used|given|sent|dialled|keyed)[:]?[ ](?P<value>\d{4,8})(?![\w.:-])")
_PIN = re.compile(r"\d{4,6}(?![\w.:-])")
_COUNTED = re.compile(r"[ ](?:times|attempts?|tries|characters?|chars|digits|seconds|minutes|hours|days|uses|of)\b")


def _told(text: str, position: int, rule: Rule, *, setting: bool = False) -> Value | None:
    value = value_at(text, position)
    if value is None:
        return None
    word = text[value.start : value.end]
    spelled = text[position - 2 : position].strip()[-1:] in _ASSIGNED  # secret value: x
    if (word in REMARKS or word in PREDICATES) and not (spelled or setting or value.quoted):
        return None
    if spelled and word.isdigit() and not (value.quoted or reported.is_code(word, rule)):
        return None if rule.kind != "cvv" else value  # OTP used: 5263, how often
    plain = word.isdigit() or (
        (spelled or rule.kind in ("password", "otp"))
        and (_is_last(text, value) or (setting and _FOR_WHOM.match(text, value.end) is not None))
    )
    named = rule.sort == "strong" and (
        IS_UUID.fullmatch(word) is not None  # the secret key is 05faf044-...
        or (_NAME_WITH_DIGIT.fullmatch(word) is not None and _is_last(text, value))
    )
    return value if value.quoted or plain or named or looks_chosen(word) or looks_made(word) else None


def _told_abroad(text: str, position: int, rule: Rule) -> Value | None:
    """The value that a sentence in another language ends in: no plain word, which might be how it goes on."""
    value = _told(text, position, rule)
    if value is None or value.quoted:
        return value
    word = text[value.start : value.end]
    if rule.kind == "password" and text[position - 2 : position].strip()[-1:] in _ASSIGNED:
        return None if word.lower() in REMARKS else value
    return value if looks_chosen(word) or (word.isdigit() and reported.fits(word, rule)) else None


_NAME_WITH_DIGIT = re.compile(r"[A-Z][a-z]{4,32}\d")  # no release or host is written like that
_ASSIGNED = frozenset({":", "="})
_FOR_WHOM = re.compile(r"[ \t](?:for|by|via|on|at|from)[ \t]")


def _literal(text: str, position: int, rule: Rule) -> Value | None:
    """`PASSWORD 'x'` in SQL, `password 'x'` in a sentence."""
    value = value_at(text, position)
    cut = value is not None and rule.kind == "password" and value.end == len(text) and looks_chosen(text[value.start :])
    if value is None or not (cut or text[value.end : value.end + 1] in QUOTES):
        return None
    second = _SECOND.match(text, value.end)  # OpenVPN: password "Auth" "x"
    if second is not None and looks_chosen(second["value"]):
        return Value(*second.span("value"), quoted=True)
    words = text[value.start : value.end].split()
    chosen = rule.kind == "password" and len(words) <= MAX_CHOSEN and any(map(looks_chosen, words))
    several = len(words) > 1
    if several and not (chosen or passphrases.is_passphrase(" ".join(words))):
        return None
    secret = rule.kind == "password" or (several and rule.sort == "strong" and len(words) > MAX_NAME_WORDS)
    identity = rule.sort == "strong" and (
        IS_UUID.fullmatch(text, value.start, value.end) or looks_made(text[value.start : value.end].rstrip("="))
    )
    return value if secret or identity or reported.fits(text[value.start : value.end], rule) else None


MAX_CHOSEN = 4
MAX_NAME_WORDS = 3
_SECOND = re.compile(r"[\"'] [\"'](?P<value>[^\"'\n]{4,128})[\"']")


def _is_last(text: str, value: Value) -> bool:
    """Tell whether a sentence or clause ends after the value."""
    rest = text[value.end : value.end + 3]
    return not rest.strip() or rest[0] in ".,;!)" or rest[:1] == "\n"
