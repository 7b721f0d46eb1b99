"""Classifies keys by their words: does this name hold a secret, speak about one, or neither?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from seclog_handlers.redaction import vocabulary as words_of
from seclog_handlers.redaction.vendors import KEY_WORDS, VENDORS

MAX_KEY = 100
MAX_MEMO = 4096
MAX_WORDS = 24  # in a name; those in the middle of a longer one are passed over
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_FOREIGN_WORD = re.compile(r"[^\W\d_]+")
_LONGEST_PHRASE = 4
_DOTTED = re.compile(r"[A-Za-z]{0,32}(?:[Cc]redentials?|[Ss]ecrets?|[Aa]uth)\.[A-Za-z_-]{1,32}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_KEY")  # of the environment: GEOAPIFY_KEY
MIN_GLUED = 5  # isampwd; cwd and pwd are shorter
_NOT_ENDINGS = frozenset({
    "onepassword", "chpasswd", "gpasswd", "smbpasswd", "mkpasswd", "changepassword", "resetpassword", "forgotpassword",
    "updatepassword", "nontoken", "tiktoken", "subtoken", "pretoken", "detoken", "wordtoken",
})  # fmt: skip


class Rule(NamedTuple):
    """How a value under a key is judged.

    Attributes:
        kind: What is reported: password, token, session, otp, card, ...
        sort: `strong` (any value), `code` (numbers, too), `digits` (only values with digits), `weak` (only values
            that look made by a machine), `user` (configured: everything).
    """

    kind: str
    sort: str


# 32 hexadecimal digits, or a UUID, which under any other name are an id.
_OF_VENDOR = Rule("api-key", "weak")
_ENDINGS = tuple(
    (word, Rule(words_of.STRONG[word], "strong"))
    for word in (
        "password", "passwd", "passphrase", "secret", "token", "apikey", "credential", "credentials",
        "sessionid", "sessid", "cookie", "accesskey", "privatekey", "secretkey", "passwort", "accountkey", "signingkey",
        "encryptionkey", "masterkey", "sharedkey",
    )
)  # fmt: skip
_ALL_ENDINGS = tuple(ending for ending, _ in _ENDINGS)
_SHORT_ENDINGS = tuple(words_of.SHORT)


class KeyRules:
    """The built-in words plus a user's keys; remembers what it has classified.

    Args:
        keys: Further secret keys: plain names in any spelling, `*_suffix`, `prefix_*`, dotted paths.
        allow: Keys that hold no secret, in the same forms; they prevail.
    """

    def __init__(self, keys: Iterable[str] = (), allow: Iterable[str] = ()) -> None:
        self._keys = _Names(keys)
        self._allow = _Names(allow)
        self.uses_paths = bool(self._keys.paths or self._allow.paths)
        self._memo: dict[str, Rule | None] = {}

    def rule(self, key: str) -> Rule | None:
        """Return how values under `key` are judged, or None if it names no secret."""
        try:
            return self._memo[key]
        except KeyError:
            rule = self._classify(key[:MAX_KEY])
        if len(key) <= MAX_KEY:
            if len(self._memo) >= MAX_MEMO:
                self._memo.clear()
            self._memo[key] = rule
        return rule

    def rule_of_path(self, path: tuple[str, ...]) -> Rule | None:
        """Return the rule for a key inside containers; a user's dotted paths prevail over single names."""
        if self._allow.has_path(path):
            return None
        if self._keys.has_path(path):
            return Rule("field", "user")
        return self.rule(path[-1])

    def mentions(self) -> list[str]:
        """Return literals, in lower case, that a user's own keys need the gate to look for."""
        return self._keys.literals()

    def _classify(self, key: str) -> Rule | None:
        if self._allow.has(key):
            return None
        if self._keys.has(key):
            return Rule("field", "user")
        rule = classify(words(key))
        if rule is not None and rule.sort == "weak" and _VARIABLE.fullmatch(key):
            return _OF_VENDOR
        if rule is None and _DOTTED.fullmatch(key):  # imageCredentials.password
            rule = classify(words(key.rpartition(".")[2]))
        if rule is None and key.count(".") > 1:  # output.elasticsearch.password: where it starts says nothing about it
            rule = classify(words(".".join(key.split(".")[-2:])))
        return rule


class _Names:
    def __init__(self, names: Iterable[str]) -> None:
        self.exact: set[str] = set()
        self.spelled: list[str] = []
        self.starts: tuple[str, ...] = ()
        self.ends: tuple[str, ...] = ()
        self.paths: list[tuple[str, ...]] = []
        for name in names:
            self._add(name)
        self._any = bool(self.exact or self.starts or self.ends or self.paths)

    def _add(self, name: str) -> None:
        if name.startswith("*"):
            self.ends += (name.strip("*").lower(),)
        elif name.endswith("*"):
            self.starts += (name.strip("*").lower(),)
        elif "." in name:
            self.paths.append(tuple(map(_plain, name.split("."))))
        else:
            self.exact.add(_plain(name))
            self.spelled.append(name)

    def has(self, key: str) -> bool:
        if not self._any:
            return False
        low = key.lower()
        return (
            _plain(key) in self.exact
            or (bool(self.ends) and low.endswith(self.ends))
            or (bool(self.starts) and low.startswith(self.starts))
            or (bool(self.paths) and "." in key and self.has_path(tuple(key.split("."))))
        )

    def has_path(self, path: tuple[str, ...]) -> bool:
        plain = tuple(map(_plain, path))
        return any(plain[-len(wanted) :] == wanted for wanted in self.paths)

    def literals(self) -> list[str]:
        names = [*self.starts, *self.ends, *(path[-1] for path in self.paths), *self.spelled]
        return [parts[0] for parts in map(words, names) if parts]


def _plain(key: str) -> str:
    return re.sub(r"[\W_]", "", key).lower()


def words(key: str) -> list[str]:
    """Split a key into its words, in lower case: `dbPassword`, `DB_PASSWORD` and `db-password` alike."""
    if not key.isascii():
        key = unicodedata.normalize("NFKC", key)
        if not key.isascii():
            return [word.lower() for word in _FOREIGN_WORD.findall(key)]
    return [word.lower() for word in _WORD.findall(key)]


def classify(parts: list[str]) -> Rule | None:
    """Return the rule that the words of a key ask for, or None."""
    if len(parts) > MAX_WORDS:
        parts = parts[: MAX_WORDS // 2] + parts[-MAX_WORDS // 2 :]
    weak: Rule | None = None
    for start in range(len(parts)):
        found = _match(parts, start)
        if found is not None:
            rule, end = found
            if _is_measured(parts, start, end):
                weak = weak or Rule(rule.kind, "weak")
            elif not _is_about(parts, start, end, rule):
                if rule.sort != "weak":
                    return rule
                weak = weak or rule
    if _is_vendors(parts):
        return Rule("api-key", "strong") if parts[0] == "x" else _OF_VENDOR  # a header: X-ClickHouse-Key
    if parts and parts[0] == "x" and parts[-1] == "session":  # a header: X-Metabase-Session
        return Rule("session", "strong")
    return weak


def _is_vendors(parts: list[str]) -> bool:
    """Tell whether a name is a vendor's, alone or before words for a key: `snyk`, `app_center_key`, `x.plivo.key`."""
    for first in range(len(parts)):
        rest = first + 1
        if parts[first] not in VENDORS:
            rest = next((end for end in (first + 2, first + 3) if "".join(parts[first:end]) in VENDORS), 0)
        if rest and KEY_WORDS.issuperset(parts[rest:]) and (not first or rest < len(parts)):
            return True
    return False


def _match(parts: list[str], start: int) -> tuple[Rule, int] | None:
    """Find the longest secret name that starts at word `start`, and where it ends."""
    for end in range(min(len(parts), start + _LONGEST_PHRASE), start, -1):
        rule = _RULES.get(" ".join(parts[start:end]))
        if rule is not None:
            return rule, end
    word = parts[start]
    if word in words_of.SHORT:
        return _short(parts, start)
    if word.endswith(_ALL_ENDINGS) and word not in _NOT_ENDINGS:
        return next(rule for ending, rule in _ENDINGS if word.endswith(ending)), start + 1
    if word.endswith(_SHORT_ENDINGS):
        for ending in words_of.SHORT:
            if word.endswith(ending) and word[: -len(ending)] in words_of.SHORT_HEADS:
                return Rule("password", "strong"), start + 1
    if word.endswith("pwd") and len(word) > MIN_GLUED:
        return Rule("password", "strong"), start + 1
    if word.startswith("password") and word[8:] not in words_of.BENIGN_TAILS:
        return Rule("password", "strong"), start + 1
    return None


# Of a phrase that several tables know the first one counts.
_RULES = {
    phrase: Rule(kind, sort)
    for table, sort in reversed(
        (
            (words_of.PHRASES, "strong"),
            (words_of.CODES, "code"),
            (words_of.NUMBERS, "digits"),
            (words_of.STRONG, "strong"),
            (words_of.WEAK, "weak"),
        )
    )
    for phrase, kind in table.items()
}
# As they are glued together: mfacode, nationalid.
_RULES = {
    phrase.replace(" ", ""): rule
    for phrase, rule in _RULES.items()
    if rule.sort != "weak" and rule.kind != "authorization"  # proxyauth, authinfo: names of parts of programs
} | _RULES


# pw_confirm, pass_b64
_REPEATED = frozenset({
    "confirm", "confirmation", "repeat", "again", "new", "old", "1", "2", "b", "base", "64", "plain", "raw", "text",
    "value", "encoded", "inline",
})  # fmt: skip


def _short(parts: list[str], start: int) -> tuple[Rule, int]:
    last = _REPEATED.issuperset(parts[start + 1 :])
    strong = last and (not start or parts[start - 1] not in words_of.SHORT_NOT_AFTER)
    return Rule("password", "strong" if strong else "weak"), start + 1


def _is_measured(parts: list[str], start: int, end: int) -> bool:
    """Tell whether the other words say that the key measures or describes a secret, which it hardly holds."""
    heads = {parts[0], parts[start - 1]} if start else set()
    tail = parts[end:]
    if tail and tail[-1] in words_of.STRONG:
        return False
    return not (
        words_of.MEASURES.isdisjoint({tail[0], tail[-1]} if tail else ()) and words_of.MEASURING_HEADS.isdisjoint(heads)
    )


def _is_about(parts: list[str], start: int, end: int, rule: Rule) -> bool:
    """Tell whether the other words say that the key speaks about a secret and does not hold it."""
    tail = parts[end:]
    if tail and _tail_is_benign(tail, parts[end - 1], rule):
        return True
    if rule.kind == "authorization" and tail and tail[-1] in ("user", "username"):
        return True
    if tail and rule.kind == "cookie" and words_of.STRONG.get(tail[-1], "cookie") != "cookie":
        return True  # cookie_secret: what it is named after comes first
    if rule.sort == "weak" and tail:
        return True
    if not start:
        return False
    if (parts[start - 1], parts[start]) in _NAMES_OF or (
        parts[:2] == ["existing", "secret"] and parts[-1] in ("key", "name", "keys")
    ):
        return True
    heads = {parts[0], parts[start - 1]}
    if parts[start - 1] == "text" and start > 1 and parts[start - 2] in ("clear", "plain"):
        heads -= {"clear", "plain", "text"}
    if parts[start - 1] == "hash" and start > 1:  # `hash_secret` is an action, `api_hash_secret` a secret
        heads.discard("hash")
    if parts[start - 1] == "store" and start > 1 and parts[start - 2] in _STORES:
        heads.discard("store")
    if rule.kind == "password" and start > 1 and parts[start - 2] in words_of.NOUNS:
        return False
    if rule.kind == "password" and not words_of.PASSWORD_ACTIONS.isdisjoint(heads):
        return True
    if rule.sort == "weak" and parts[start - 1] in _WEAK_HEADS:
        return True
    return not words_of.BENIGN_HEADS.isdisjoint(heads)


# Helm: which secret to take; OpenSSH, git: which program asks.
_NAMES_OF = frozenset({("existing", "secret"), ("ssh", "askpass"), ("git", "askpass"), ("sudo", "askpass")})
# A Java key store and trust store have passwords; `store_password` is an action.
_STORES = frozenset({"key", "trust", "cert"})

# `status_code`, `primary_key`, `public_key`: the weak words in their everyday meanings.
_WEAK_HEADS = frozenset(
    """
    status error exit return response country zip postal area currency language product reason result http promo
    discount coupon source byte op char color event item gift voucher lang qr bar dial err exc reply primary
    foreign public sort cache partition row map dict index object lookup dedup idempotency group composite natural
    surrogate unique translation message routing shard hash range storage bucket file image s keyboard database db
    socket websocket requests aiohttp tls ssh ml training live user current active
""".split()  # noqa: SIM905 - a wall of quotes hides the words
)


_DIGESTS = frozenset({
    "hash", "digest", "fingerprint", "thumbprint", "hashes", "digests", "fingerprints", "thumbprints",
})  # fmt: skip


def _tail_is_benign(tail: list[str], matched: str, rule: Rule) -> bool:
    if tail[0] == "id":
        return matched not in words_of.ID_IS_SECRET or (len(tail) > 1 and tail[-1] in words_of.BENIGN_TAILS)
    if tail[0] == "sha" and matched == "pin":  # HPKP: a public key's
        return True
    if tail[-1] in _DIGESTS:  # of a password it can be guessed from
        return rule.kind != "password"
    if tail[-1] in words_of.STRONG and rule.sort != "weak":
        return False
    return tail[-1] in words_of.BENIGN_TAILS or tail[0] in words_of.BENIGN_TAILS


# Several keys are counted as often as shown: only what looks like one.
_PLURALS = {f"{phrase}s" for phrase in words_of.PHRASES if phrase.endswith(" key")}
_RULES.update(
    {
        phrase: Rule("api-key", "weak")
        for phrase in _PLURALS
        if (known := classify(phrase.split())) is None or known.sort == "weak"
    }
)
