"""Whether a value can be a secret at all: statements, words, numbers, and what machines and people make."""

# ruff: noqa: PLR2004 - lengths of words and codes, each beside what it means
from __future__ import annotations

import re

from seclog_handlers.redaction.censor import SEAL
from seclog_handlers.redaction.extents import CALLEE, MAX_NESTED
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.vocabulary import (
    BENIGN_HEADS,
    BENIGN_TAILS,
    REMARKS,
    SCHEMA_WORDS,
    SENTENCE_WORDS,
    SOURCE_WORDS,
    STATUS_WORDS,
    STRONG,
)

WEAK_LENGTH = 12
# PINs and codes are longer than counters; "password: 8 characters" is a rule, not a password.
SMALL_NUMBER = 2
# Longer than any word, path or address of prose.
MAX_WORD = 512
CODE_DIGITS = 3
COUNT_DIGITS = 3  # "must contain 8 characters"
MIN_SENTENCE = 4
LEAST_PHONE = 6
LEAST_ACCOUNT = 6
MIN_TOKEN, TICKER = 4, 5
LONGEST_WORD = 20

_REFERENCE = re.compile(
    r"[A-Za-z_$.]{1,80}\{[0-9a-f]{5,8}\b.*"
    # Java's objects: java.lang.Object@1b2c3d4, UserToken@6d06d69c, [B@7852e922
    r"|(?:\w{1,64}[.$][\w.$]{1,64}|[A-Z][a-z]+[A-Z]\w{1,64}|\[[A-Z])@(?=[0-9]{0,7}[a-f])[0-9a-f]{5,8}(?:[\s,;(\[{].*)?|(?:[a-z]+_)+[a-z]+|_+[a-z_]+|[a-z_]+(?:\.[a-z_]+)+"
    rf"|{CALLEE}[\[(].*",
)
_SCHEMA = re.compile(
    r"\{\s{0,8}[\"']type[\"']\s{0,4}:\s{0,4}[\"'](?:string|object|integer|number|boolean|array)[\"'][^{}]{0,400}\}"
)
_FILTERED = re.compile(r"\{\{\s?['\"](?P<value>[^'\"{}]{4,128})['\"]\s?\|[^{}]{0,60}\}\}")  # {{ 'x' | password_hash }}
_DEFAULTED = re.compile(r"\$\{[\w.]{1,64}:[-=?]?(?P<value>[^{}]{4,128})\}")  # ${DB_PASSWORD:-x}
_SCHEMA_NAME = re.compile(r"[\"']([^\"']{0,400})[\"']\s{0,4}:")
# How SSH's public keys begin, of whatever algorithm.
_PUBLIC_KEY = re.compile(r"AAAA(?:B3NzaC1|C3NzaC1|E2VjZHNh)[A-Za-z0-9+/=]+\Z")
# What a form calls its fields.
_LABEL = (
    r"(?:Access|Account|Admin|API|Api|Auth|Change|Choose|Client|Confirm|Create|Current|Enter|Forgot|Hide|Login|New|Old"
    r"|Refresh|Remember|Repeat|Reset|Session|Set|Show|User|Verify|Your)(?: [Yy]our| the| [Nn]ew| [Oo]ld)?"
    r" (?:[Pp]assword|[Pp]assphrase|[Tt]oken|[Ss]ecret|[Kk]ey|[Cc]ode|[Cc]redentials|PIN)"
)
_PLACEHOLDER = re.compile(
    r"(?:%[sdrxi]|%\(\w{1,40}\)[sdr]|\{[a-z_0-9.!:]{0,40}\}|[:/@.,;|& -]){1,16}|%[sdrx]|%\(\w{1,40}\)[sdr]"
    r"|(?:(?:Bearer|Token|Basic|JWT) )?(?:\*{3,16}|\{[a-z_0-9.!:]{0,40}\}|<[A-Za-z_ -]{1,40}>|\$\{[\w.]{1,40}\})"
    r"|\$?\{\{[^{}]{0,60}\}\}|#\{[^{}]{1,60}\}|%[A-Z_][A-Z0-9_]{1,60}%|SHA(?:1|256|512):[\w+/=-]{20,90}"
    r"|id=[\w.-]{1,40}|\$\{[^}]{0,60}\}|\$[A-Z_][A-Z0-9_]{0,60}|\$\([^)]{0,80}\)"
    r"|<[A-Za-z_ /.|-]{0,40}>|@(?:[a-z]{1,16}_?){0,3}[pP](?:assword|asswd|wd)|@(?:[a-z]{1,16}_?){0,3}[tT]oken"
    r"|!Ref[ ][A-Z]\w{1,80}|!(?:GetAtt|ImportValue|FindInMap|ENV|vault|[a-z]{2,12}[-_](?:ref|env|secret))[ ].{1,80}"
    r"|!(?:Sub|Join)[ ].{0,80}(?:\$\{|\{\{).{1,80}"
    r"|(?:[a-z]{2,16}\.){1,3}env\.[A-Z][A-Z0-9_]{1,60}"
    rf"|{_LABEL}"
    r"|<set to the key [^>\n]{0,120}>|(?:json|ya?ml|env|xml|form|validate|mapstructure|db|gorm|toml|bson"
    r"|binding):\\?\".*"
    r"|(?:required|nullable|sometimes|present|filled)(?:\|[a-z_]{2,24}(?::[\w,]{1,40})?){1,10}"
    r"|(?:ref\+[a-z]{2,24}|vault|op|sops|aws-sm|gcp-sm|keyring|bw)://[^\s]{1,80}"
    r"|\$(?:http|arg|cookie|remote|upstream|sent|ssl|proxy)_[a-z0-9_]{1,60}|\$[a-z]\w{0,24}(?:->\w{1,32}){1,3}"
    r"|[A-Z]\w{2,24}=(?:True|False)"
    r"|%\w{1,24}\([\w.:]{1,60}\)%|ssh-(?:rsa|dss|ed25519)|(?:sk-)?ecdsa-sha2-[\w@.-]{1,40}|rsa-sha2-\d{3}|CVE-\d{4}-\d{3,7}"
    r"|'?\$\{?(?:[a-z]{2,24}_){0,6}(?:password|passwd|pass|pwd|secret|token|key|creds?)(?:_[a-z]{1,24}){0,4}\}?'?"
    r"|'\$[A-Z_][A-Z0-9_]{0,60}'"
    r"|\d{1,9}(?:\.\d{1,6})?\|(?:ms|c|g|s|h|d)(?:\|(?:[@#].{1,60})?)?"
    r"|\d{1,9}/(?:s|sec|second|m|min|minute|h|hour|d|day)"
    r"|&lt;[A-Za-z_ -]{1,40}&gt;|env:[A-Z][A-Z0-9_]{1,60}|file:/[\w./-]{1,80}"
    r"|\{%[^%\n]{1,60}%\}|\$[a-z]{1,2}|VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    r"|(?:CHANGE|REPLACE)[_-]?ME|TODO|FIXME|TBD|~"
    r"|[A-Za-z0-9]{2,8}[_-]\*{3,40}|[\"']\*{3,40}[\"']"
    r"|\{type: string(?:, (?:minLength|maxLength|format|pattern): [^{},]{1,40}){0,4}\}"
    r"|[*x#•.·_-]{3,}|X{4,}|[\u2013\u2014-]{1,3}|!{1,2}|(?:\\{1,2}u[0-9a-fA-F]{4}){1,2}"
    # How passwords are hashed, options of a program.
    r"|(?:pbkdf2|argon2(?:id|i|d)?|bcrypt|scrypt|yescrypt)(?:[-_](?:sha\d{1,3}|crypt|hmac|php|ctr)){0,3}"
    r"|(?:sha\d{1,3}|md5|des)[-_](?:crypt|hmac|bcrypt|php)"
    r"|--[a-z][a-z-]{1,30}[ =][A-Z_]{2,24}"
    # What others have taken out, and where a secret is kept.
    r"|(?:\[|%5B)(?i:redacted|filtered|scrubbed|masked|hidden|removed|omitted)[A-Za-z _-]{0,24}(?:\]|%5D)"
    r"|(?:vault|secretsmanager|ssm|kms|keyring):[a-z][\w/.-]{2,80}(?:#[\w.-]{1,40})?"
    r"|\.{2,}|\*+|\[[A-Z_ -]{0,20}\]|\(null\)|\$\d{1,3}|\?|:[a-z_]{2,40}|@p\d{1,3}"
    r"|\*{2,}\w{0,20}\*{2,}|<?(?:YOUR|your|Your|MY|my)[_-][\w-]{1,40}>?|0x[0-9a-fA-F]{6,16}"
    r"|Secret(?:Str|Bytes|String)|gpio\d{1,3}|(?:RSA|DSA|ECDSA|ED25519)(?:[- ]\d{3,4})?"
    r"|&(?:'\w{1,16} )?(?:mut )?(?:str|String|\[u8\]?)",
)
# Hexadecimal digits that are no number and no word.
MIXED_HEX = r"(?=[a-f]{0,32}\d)(?=\d{0,32}[a-f])[0-9a-f]{16,128}"
IS_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CODEISH = re.compile(
    r"(?:self|cls|os|process|settings|config|request|response|args|kwargs|env|params|options|this|data)(?:\."
    r"|\[).{0,80}",
)
_OUR_TOKEN = re.compile(r"(?:usr|email|eml|sess|ses|session|dev|device|ip)_k\w{1,20}_[0-9a-z]{16,64}")


def is_secret(value: str, rule: Rule, *, quoted: bool = False) -> bool:
    """Tell whether `value` under a key of that rule has to go."""
    if not value or value.isspace() or not value.strip(SEAL + "\"' ,;[](){}"):
        return False
    if rule.sort == "user":
        return True
    if "\x1b" in value and not (value := _COLORS.sub("", value)):
        return False
    if value[0] in "[({":
        return _is_secret_container(value, rule)
    if value == "x" and not quoted:  # /etc/passwd
        return False
    if is_statement(value) and not (
        (quoted and (_is_cut_call(value) or (rule.kind == "password" and _is_phrase(value))))
        or (rule.sort in ("strong", "code") and is_joined(value))
    ):
        return False
    if rule.sort == "digits":
        return _is_personal_number(value, rule.kind)
    if rule.sort == "weak":
        if rule.kind == "api-key":
            return _VENDORS_KEY.fullmatch(value) is not None or (looks_made(value) and not _OTHERS_ID.fullmatch(value))
        return looks_made(value) or (rule.kind == "session" and _LONG_HEX.fullmatch(value) is not None)
    if rule.kind in ("token", "session") and value.count(" ") >= MIN_REMARK and _is_told_of(value):
        return False  # csrf: Origin checking failed - https://a.example.org does not match
    if rule.kind in ("token", "tokens") and _ADDRESS.fullmatch(value):  # tokens of a ring: /10.0.0.1:7000
        return False
    if rule.kind == "secret" and (value in PERMISSIONS or is_objects_name(value)):
        return False
    if rule.sort == "code" and _IS_NO_CODE.fullmatch(value):
        return False
    if rule.kind == "cookie" and _OF_COOKIES.issuperset(value.split()):
        return False
    if (
        rule.kind != "password" and len(value) <= SHORT_SIGNS and not any(map(str.isalnum, value))
    ):  # the token that escapes: \
        return False
    if (rule.kind == "secret" or (rule.kind == "password" and value.count("/") > 1)) and _NAME_OF_SECRET.fullmatch(
        value
    ):
        return False
    if rule.kind != "password" and (_PATH.fullmatch(value) or _VERSION.fullmatch(value)):
        return False  # where it is kept, which package has to be installed
    if value.isdigit():
        return _is_secret_number(value, rule)
    if rule.kind in ("token", "tokens") and value in _LEVELS:  # {"app.tokens": "INFO"}
        return False
    if rule.kind == "tokens" and (is_word(value) or value.replace(".", "", 1).isdigit()):
        return False  # tokens=42.5, auth_tokens: index scans
    if rule.kind == "token" and value.isalpha() and len(value) <= (TICKER if value.isupper() else MIN_TOKEN - 1):
        return False  # LICENSE key: MIT, token: USDC
    if rule.sort == "code" and not quoted:
        return any(character.isdigit() for character in value) and len(value) > CODE_DIGITS
    return _OUR_TOKEN.fullmatch(value) is None


MIN_REMARK = 3  # spaces: no token has as many


def _is_told_of(value: str) -> bool:
    """Tell whether words say something about a token, and none of them is one."""
    words = value.split()
    return not SENTENCE_WORDS.isdisjoint(words) and not any(map(looks_chosen, words))


def is_word(value: str) -> bool:
    """Tell whether a value is a word in lower case, and not as long as a token."""
    return len(value) <= LONGEST_WORD and value.isalpha() and value.islower()


def _is_secret_container(value: str, rule: Rule) -> bool:
    """Tell whether a list or mapping in text holds more than counters and sentences about secrets."""
    inner = value.strip("[](){}\"'` ")
    if rule.sort == "code" and inner.isdigit() and len(inner) > CODE_DIGITS:  # otp={889811}
        return True
    if rule.sort == "digits":
        return _is_personal_number(value, rule.kind)
    if rule.sort == "weak" or is_statement(value) or (inner and is_statement(inner)) or _REMARK.fullmatch(value):
        return False
    if rule.kind in ("token", "tokens") and len(value) < MAX_NESTED and _COUNTS.fullmatch(value):
        return False
    if (rule.kind == "tokens" and _WORD_LIST.fullmatch(value)) or _RULES_OF.fullmatch(value):
        return False
    if rule.kind == "secret" and _PERMITTED.fullmatch(value):  # {'secrets': ['get', 'list']}
        return False
    texts = _QUOTED_TEXT.findall(value) if len(value) < MAX_NESTED else []
    if any(looks_chosen(said) for text in texts for said in _SAID.findall(text)):
        return True  # ["Too weak: 'x'"]
    if any(looks_made(word) for text in _EITHER_QUOTED.findall(value[:MAX_NESTED]) for word in text.split()):
        return True  # ['aR2M... is not valid']
    if texts and all(len(text.split()) >= MIN_SENTENCE - 1 and _speaks(text) for text in texts):
        return False  # what a form says about a field
    words = inner.split()
    if len(words) >= MIN_SENTENCE and not SENTENCE_WORDS.isdisjoint(words) and "," not in inner:
        return False  # ["is too short (minimum is 8 characters)"]
    return rule.sort == "code" or _LETTER.search(inner) is not None or rule.kind not in ("token", "tokens")


def _is_phrase(value: str) -> bool:
    """Tell whether joined words are a password: `open_sesame`, and neither `too_short` nor `user_input`."""
    words = _JOINED.split(value)
    return all(map(is_word, words)) and len(words) > 1 and _SPEAKING.isdisjoint(words)


def is_joined(value: str) -> bool:
    """Tell whether three words and more are a passphrase, and no name in source code: `golden_violin_pepper`."""
    if not _SNAKE.fullmatch(value):
        return False
    words = value.split("_")
    return _NAMING.isdisjoint(words) and not any(word.endswith(_VERBAL) for word in words)


_SNAKE = re.compile(r"[a-z]{4,12}(?:_[a-z]{4,12}){2,5}")
_VERBAL = ("ing", "ed", "tion", "able", "ize", "ized", "code", "word")
_JOINED = re.compile("[_.]")
_COMMON = STATUS_WORDS | SENTENCE_WORDS | REMARKS | BENIGN_TAILS
_SPEAKING = STATUS_WORDS | SENTENCE_WORDS | REMARKS | BENIGN_TAILS | SOURCE_WORDS
_NAMING = _SPEAKING | BENIGN_HEADS | STRONG.keys() | frozenset(
    """
    access refresh order orders payment payments customer account session message number shared global local default
    private public internal external legacy current previous primary secondary first last next with this that when
    object array string value text list item items name table record system network device software hardware
    production staging development database address email phone mobile billing shipping report service product
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)  # fmt: skip


# A password with a bracket, and no call: Raccoon(dragon98
_CUT_CALL = re.compile(r"\w{2,64}\((?=[^\s]{0,64}\d)[^\s()\[\]\"',:]{3,64}")


def _is_dotted(value: str) -> bool:
    """Tell whether words joined by points are a passphrase, and no name in source code: `saddle.kettle.gondola`."""
    if value.count(".") < MIN_DOTS or not _DOTTED.fullmatch(value):
        return False
    return _SPEAKING.isdisjoint(value.split("."))


MIN_DOTS = 3
_DOTTED = re.compile(r"[a-z]{3,12}(?:\.[a-z]{3,12}){3,7}")


def _is_cut_call(value: str) -> bool:
    """Tell whether what looks like a call in source code lacks its end: in quotes it is a password with a bracket."""
    if not value.isprintable() or " " in value:
        return False
    return value.count("(") > value.count(")") or value.count("[") > value.count("]")


_LONG_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_OTHERS_ID = re.compile(r"[A-Z]+(?:-[A-Z0-9]+)+")  # SNYK-JS-JSONWEBTOKEN-31898
_VENDORS_KEY = re.compile(
    r"[0-9a-fA-F]{20,128}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?::[0-9a-f]{32})?"
    r"|(?:[a-z]{2,4}[_-])?(?=[a-z]*\d)(?=\d*[a-z])[0-9a-z]{20,64}"
)
# A path in lower case, in a folder: base64 may begin with a slash, too, and is of both cases.
_PATH = re.compile(r"(?:~|\.{1,2})?(?:/[a-z0-9_.@-]{1,64}){2,12}/?|[A-Z]:\\[\w\\. -]{4,200}")
# What somebody may do with secrets.
PERMISSIONS = frozenset({"read", "write", "none", "admin", "get", "list", "create", "delete", "update", "watch", "set"})
_PERMITTED = re.compile(rf"[\[(]\s?(?:[\"'](?:{'|'.join(sorted(PERMISSIONS))})[\"'](?:,\s?)?){{1,12}}\s?[\])]")
SHORT_SIGNS = 4
# What a form says, a version: 4 to 6 digits, 4.13.7
_IS_NO_CODE = re.compile(
    r"(?=.{0,80}\b(?:of|to|on|the|your|is|in|for|with|by|from|or|and|digits)\b)"
    r"(?:(?:[A-Za-z']{1,16}|\d{1,2})[.,]?(?:[ ]|\Z)){3,16}"
    r"|\d{1,3}(?:\.\d{1,4}){2,3}"
)
# How a server sets or takes cookies, and what a visitor has said of them.
_OF_COOKIES = frozenset(
    """
    strict lax none secure session persistent prefix nocache insert rewrite dynamic preserve indirect httponly
    partitioned disabled enabled required accepted denied rejected all necessary
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
# The name of a secret that a cluster keeps: db-main, web-tls
_OBJECTS_NAME = re.compile(r"[a-z]{2,12}(?:-[a-z]{1,12}){1,6}")
_INFRASTRUCTURE = frozenset(
    """
    db tls redis smtp mysql postgres pg api web app prod production staging dev test main admin user users secret
    secrets creds credentials token tokens cert certs key keys registry config service svc mail relay backup root ssl ca
    replica primary server auth login docker git ssh s3 aws gcp azure kafka mongo rabbitmq ldap oauth webhook
    session cookie
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
_ANYTHING = frozenset({"secret", "key", "keys", "token", "prod", "dev"})
_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "TRACE", "NOTSET"})
_COLORS = re.compile(r"\x1b\[[0-9;?]{0,16}[A-Za-z]")
_WORD_LIST = re.compile(
    r"\[(?:\s?[\"'][a-z]{1,20}[\"'],?){1,100}\]|\[(?:[A-Z_]{1,20}(?:,[ ]?)?){1,100}\]"
)  # of a tokenizer
# What a value has to be, a query, a program's options: ['required', 'min:8'], {$exists: false}, [-cimB]
_RULE = (
    r"(?:[\"'](?:required|nullable|sometimes|present|filled|confirmed|bail|string|(?:min|max):\d{1,4})[\"']"
    r"|[A-Z]\w{1,24}::\w{1,24}\([^()]{0,24}\))"
)
_RULES_OF = re.compile(
    rf"\[\s?{_RULE}(?:\s?,\s?{_RULE}){{0,12}}\s?\]|\{{\s?[\"']?\$(?:exists|type)\b[^{{}}]{{0,40}}\}}"
)
_ADDRESS = re.compile(r"/?\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?")
# prod/shop/db
_NAME_OF_SECRET = re.compile(
    r"projects/[\w-]{1,64}/secrets/[\w-]{1,128}(?:/versions/\w{1,16})?|arn:aws:[\w:/.+=@-]{8,256}|(?:[a-z][a-z-]{1,30}/){1,6}[a-z][a-z_-]{1,40}"
)
_VERSION = re.compile(r"[\^~]\d{1,4}(?:\.\d{1,6}){1,3}(?:[-+][\w.]{1,20})?")
_COUNTS = re.compile(r"\{(?:\s{0,4}[\"'][\w-]{1,48}[\"']\s?:\s?(?:\d{1,11}(?:\.\d{1,6})?|null|None)\s{0,4},?){1,40}\}")
_REMARK = re.compile(r"\([a-z]{2,16}(?: [a-z]{2,16}){1,5}\)")  # (known after apply), (sensitive value)
_EITHER_QUOTED = re.compile(r"[\"']([^\"']{1,512})[\"']")
_SAID = re.compile(r"'([^'\s]{5,64})'")
_QUOTED_TEXT = re.compile(r"\"([^\"]{1,512})\"")


def _speaks(text: str) -> bool:
    return not SENTENCE_WORDS.isdisjoint(text.lower().split())


def is_statement(value: str) -> bool:
    """Tell whether `value` says something about a secret: required, expired, %s, ****, null."""
    if " " in value and _is_sentence(value):
        return True
    if len(value) <= 24 and value.strip("\"'().,:;!? []").lower() in STATUS_WORDS:
        return True
    if value.startswith("AAAA") and _PUBLIC_KEY.match(value):
        return True
    if value[:2] == "$(" and value[-1] == ")":
        return True
    literal = _FILTERED.fullmatch(value) or _DEFAULTED.fullmatch(value)
    if literal is not None and looks_chosen(literal["value"]):
        return False
    if value[0] == "{" and _SCHEMA.fullmatch(value):
        return SCHEMA_WORDS.issuperset(_SCHEMA_NAME.findall(value))
    if len(value) > 84:
        return False
    braced = value[0] == "{" and value[1:2] not in ("{", "%") and value[-1] == "}"
    if braced and looks_chosen(value[1:-1]) and "_" not in value:
        return False  # ODBC quotes with braces
    return (
        _PLACEHOLDER.fullmatch(value) is not None
        or (_REFERENCE.fullmatch(value) is not None and _CUT_CALL.fullmatch(value) is None and not _is_dotted(value))
        or _CODEISH.fullmatch(value) is not None
    )


def _is_sentence(value: str) -> bool:
    """Tell whether several words say something about a secret: "This field is required.", not "correct horse"."""
    words = [word.strip("\"'().,:;!?").lower() for word in value[:200].split()]
    if not is_remark(words):
        return False  # a passphrase that is a sentence: "Leopold has 5 blue marbles"
    return not SENTENCE_WORDS.isdisjoint(words) and all(
        word.replace("'", "").isalpha() or not word or (word.isdigit() and len(word) <= COUNT_DIGITS) for word in words
    )


def is_objects_name(value: str) -> bool:
    """Tell whether words with hyphens name a secret that is kept elsewhere, by what they are about: `db-main`."""
    words = value.split("-")
    return (
        _OBJECTS_NAME.fullmatch(value) is not None and _INFRASTRUCTURE.issuperset(words) and words[-1] not in _ANYTHING
    )


def is_remark(words: list[str]) -> bool:
    """Tell whether words, in lower case, say something about a secret: most of them are known to."""
    return sum(word in _COMMON for word in words) * 2 >= len(words)


def _is_secret_number(value: str, rule: Rule) -> bool:
    if rule.sort == "code":
        return len(value) >= CODE_DIGITS and len(value) <= 12 and (rule.kind == "cvv" or len(value) > CODE_DIGITS)
    if rule.kind == "tokens":
        return False  # how many
    if rule.kind in ("token", "cookie"):
        return len(value) > 5
    if rule.kind == "session":  # a row's number is shorter
        return len(value) >= 8
    return len(value) > SMALL_NUMBER


def _is_personal_number(value: str, kind: str) -> bool:
    digits = sum(character.isdigit() for character in value)
    if _MASKED_CARD.fullmatch(value):
        return False
    if kind in ("birth-date", "phone"):
        return digits >= (4 if kind == "birth-date" else LEAST_PHONE)
    if kind == "passport":
        return digits >= 5 or _PASSPORT.fullmatch(value) is not None
    if digits == 4:  # letters and digits of an identity card
        return len(value) >= 8 and value.isalnum() and value.isupper()
    return digits >= (LEAST_ACCOUNT if kind == "bank-account" else 5) and not IS_UUID.fullmatch(value)


_PASSPORT = re.compile(r"(?=[A-Z]{0,12}\d)[A-Z0-9]{8,12}")
_MASKED_CARD = re.compile(r"\d{0,6}[*xX•. -]{4,}\d{0,4}")


def looks_made(value: str) -> bool:
    """Tell whether a value looks made by a machine to be hard to guess: mixed, long, no UUID, no hash, no path."""
    if len(value) < WEAK_LENGTH or not _DIGIT.search(value) or not _LETTER.search(value):
        return False
    if (
        _PLAIN.fullmatch(value)
        or IS_UUID.fullmatch(value)
        or _OUR_TOKEN.fullmatch(value)
        or not _MACHINE.fullmatch(value)
    ):
        return False
    return switches(value) >= 4


_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[A-Za-z]")
_OTHER_LETTER = re.compile(r"[\u00c0-\u2e7f]")
_PLAIN = re.compile(
    r"[A-Z]{2,6}(?:[-_]\d{2,12}){1,3}|(?:[\w.=-]+/){2,}[\w.=-]+\.[a-z]{2,5}(?:\.(?:gz|zip|bz2|zst))?"
    r"|(?:SCRAM-SHA|HMAC-SHA|DIGEST-MD|CRAM-MD|AES|SHA|RSA)-?\d{1,4}(?:-[A-Z]{2,6})?|[a-z0-9-]{2,20}:[A-Z][A-Za-z]{2,40}\*?|S-1(?:-\d+){2,15}|ID:[\w.:-]+|(?:/[a-z0-9_.@-]+){2,}|(?:[A-Za-z][\w.]*-)+[0-9a-f]{32,64}|(?:[\w.-]+/)+[\w.-]+\.[a-z]{2,4}"
    r"|(?:0x)?[0-9a-fA-F]+|[\d.,:TZ+ -]+|https?:.*"
    r"|(?:[a-z0-9-]{1,40}\.){1,6}[a-z]{2,12}|[a-z]+(?:[-_./:][a-z0-9]+)*|[A-Z_]+"
)
_MACHINE = re.compile(r"[\w+/=.~%$!@#^*|:-]+")


def switches(value: str) -> int:
    """Count the changes between lower case, upper case, digits and the rest."""
    return len(re.findall(r"[a-z]+|[A-Z]+|\d+|[^a-zA-Z\d]+", value)) - 1


_NOT_CHOSEN = re.compile(
    r"v?\d+(?:\.\d+)+[-+][A-Za-z][\w.]*|\d{1,2}:\d[\w.+~:-]*|[\d.,:/TZ+%-]+|v?\d+(?:\.\w+)*|[\w.-]+:\d+|[A-Za-z]+/[\d.]+|[~.]?/.*|\w+://.*|\d+\w{1,3}|[\w.-]+\.(?:py|txt|js|json|pem|key"
    r"|ya?ml|go|java|c|h|log|html?)"
    r"|[\w.-]+\((?:.*\)|$).*|.*=[^=].*|#\d+|[a-z]+['\u2019][a-z]+|[A-Z][a-z]+\d?|[a-z]+[-_][a-z_-]+|(?:[a-z0-9-]+/){2,}[a-z0-9._-]+|[a-z-]+-token-[a-z0-9]{5}",
)
# Letters alone are a secret when they are many and change case too often for names of several words.
LONG_LETTERS, SHORT_HUMP = 16, 3
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SIGN = re.compile(r"[^\w.,:;'/()\s-]")


def is_jumbled(value: str) -> bool:
    """Tell whether letters change case more often than a name of several words does: KSFKdGVxLd."""
    return len(_HUMP.findall(value)) * SHORT_HUMP >= len(value)


def looks_chosen(value: str) -> bool:
    """Tell whether a word in prose looks like a password and not like a word, number, date, path or address."""
    if len(value) < 5 or not (_LETTER.search(value) or (_OTHER_LETTER.search(value) and _DIGIT.search(value))):
        return False
    if not (_DIGIT.search(value) or _SIGN.search(value)):
        return len(value) >= LONG_LETTERS and value.isalpha() and is_jumbled(value)
    return len(value) > MAX_WORD or not (
        is_statement(value) or _NOT_CHOSEN.fullmatch(value) or IS_UUID.fullmatch(value)
    )
