"""Keyed tokens for identities: the same person is recognised, nobody is named.

A token is `<kind>_k<key id>_<32 hex digits>`, for instance `usr_k3_0f3a...`: keyed BLAKE2b, 128 bits, under a
sub-key of its own for each kind and scope. It depends on key, kind, scope and normalised identity, on nothing
else. ENISA (2019) and EDPB 01/2025 ask for it: a MAC whose secret has high entropy and is not with the logs.
"""

from __future__ import annotations

import os
import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers import _config, rendering
from seclog_handlers._occurrences import MIN_LENGTH, needles
from seclog_handlers.enrichment.addresses import parse_address, truncate
from seclog_handlers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seclog_handlers._occurrences import Pairs

DEFAULT_FIELDS = ("username", "user_id", "session_id", "email")

# Fields whose words come from a closed vocabulary, or that only measure: what happens to be somebody's name
# or number there is still no identity.
UNTOUCHED_FIELDS = frozenset({
    "event_type", "severity", "auth_method", "method", "http_method", "status_code", "limit_type",
    "success", "granted", "source", "api_version", "limit_value", "current_value", "excess", "response_size",
    "request_size", "response_time_ms", "geo_location", "trusted", "security_headers", "risk_score",
    "risk_level", "risk_factors", "incident_state", "rule", "seclog_error",
})  # fmt: skip

MIN_KEY_BYTES = 16
CACHE_SIZE = 4096
# Members of a list or mapping in an identity field that are looked for on the record's other surfaces.
MAX_CONTAINER = 1_000
MAX_MEMBERS = 100
# Longer values are hashed as they are, and not remembered: no identity is that long.
MAX_NORMALISED = 512
# Of longer ones only so much counts, and their length.
MAX_IDENTITY = 65_536

_KEY_ID = re.compile(r"[A-Za-z0-9]{1,16}")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TOKEN_BYTES = 16
_MASTER_BYTES = 64

# What stands for one identity and how it may show elsewhere: its token, its key in detection state, (raw text, token)
# for what is long enough to be looked for, the forms of that (`_occurrences.needles`). A bare tuple: a named one
# takes a fifth of the price of all the rest to make.
Identity = tuple[str, str, "Pairs", tuple[str, ...]]

# The first kind one of whose words is in the field's name; a user otherwise.
_KINDS = (
    ("eml", frozenset({"email", "mail", "emailaddress"})),
    ("ses", frozenset({"session", "sid", "sess", "sessionid"})),
    ("dev", frozenset({"device", "fingerprint", "deviceid", "mac"})),
    ("ip", frozenset({"ip", "address", "addr", "ipaddress"})),
)
_USER = "usr"
_CASELESS = frozenset({"usr", "eml"})


class Key(NamedTuple):
    """One key of a ring: its public id, and the secret."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        """Show the id, never the secret."""
        return f"Key(id={self.id!r})"

    def subkey(self, purpose: str) -> bytes:
        """Return the key for one purpose; no purpose's key says anything of another's."""
        return blake2b(purpose.encode("utf-8"), key=self.secret, digest_size=32).digest()


class KeyRing:
    """Keys from oldest to newest; the newest writes, all of them recognise.

    Args:
        keys: Texts, oldest first. `id:value` where the id is 1 to 16 letters and digits, with or without the
            `k` that tokens show in front of it; any other text is a key whose id is derived from it. The value
            is at least 16 bytes of UTF-8.

    Raises:
        ConfigurationError: For a short key or an id that is there twice. No error ever shows a key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(_key(number, text) for number, text in enumerate(keys, 1))
        ids = [key.id for key in self.keys]
        for number, name in enumerate(ids, 1):
            if name in ids[: number - 1]:
                raise ConfigurationError(
                    f"pseudonyms.keys has the id {name!r} twice (key number {number}): each key needs an id "
                    "of its own; give the new key another id, and leave the old one in front of it.",
                )

    @property
    def oldest(self) -> Key:
        """The key that detection state hangs on."""
        return self.keys[0]

    @property
    def newest(self) -> Key:
        """The key that writes."""
        return self.keys[-1]


def _key(number: int, text: str) -> Key:
    name, colon, value = text.partition(":")
    if not colon or not _KEY_ID.fullmatch(name):
        name, value = "", text
    secret = value.encode("utf-8", "surrogatepass")
    if len(secret) < MIN_KEY_BYTES:
        raise ConfigurationError(
            f"pseudonyms.keys: key number {number} has {len(secret)} bytes: a key is at least "
            f"{MIN_KEY_BYTES} bytes, otherwise the tokens can be inverted by trying keys. "
            "Make one with `seclog key new`.",
        )
    if len(secret) > _MASTER_BYTES:
        secret = blake2b(secret, person=b"seclog long key").digest()
    # The id of `k3:...` is shown as `_k3_`, as that of `3:...` is.
    return Key((name.removeprefix("k") or name) or _derived_id(secret), secret)


def _derived_id(secret: bytes) -> str:
    return blake2b(b"key id", key=secret, digest_size=3, person=b"seclog key id").hexdigest()


def parse_keys(key: str, value: Any) -> list[str]:
    """Read keys as a configuration gives them: a list, or one text with commas or one key per line.

    The whole text or any entry may be `env:NAME` or `file:PATH`; what it names may again hold several keys.

    Args:
        key: The configuration key, for errors.
        value: The configured value.

    Raises:
        ConfigurationError: For a reference that leads nowhere, or a value that is no list of strings.
    """
    try:
        entries = _config.as_list(key, value)
    except ConfigurationError:
        entries = None
    if entries is None:  # said again without the value, which may be a key
        raise ConfigurationError(
            f"{key} is not a list of strings: give keys separated by commas, or a list, each one at least "
            f"{MIN_KEY_BYTES} bytes, in quotes where it is a number; or env:NAME or file:PATH.",
        )
    return [found for entry in entries for found in _config.as_list(key, _config.secret(key, entry))]


class Pseudonymizer:
    """Tokens for the identities in some fields, and the places where else a text shows those identities.

    Args:
        fields: Names of the fields that hold an identity. The kind follows from the words of the name: email,
            session, device, ip, else user.
        keys: As for KeyRing, references already resolved (`parse_keys`). Without any the key is random, for
            this process.
        scope: Separates tenants: the same identity has another token in another scope.

    Attributes:
        fields: The names of the fields.
        keys: The ring.
        ephemeral: Whether the key is random, so that nobody else makes the same tokens.
    """

    def __init__(
        self,
        fields: Iterable[str] = DEFAULT_FIELDS,
        keys: Sequence[str] = (),
        scope: str = "",
    ) -> None:
        self.fields = tuple(fields)
        self.ephemeral = not keys
        self.keys = KeyRing(keys or (os.urandom(32).hex(),))
        self._scope = scope
        self._kinds = {name: kind_of(name) for name in self.fields}
        self._writers = {kind: _hasher(self.keys.newest, "token", kind, scope) for kind in _all_kinds()}
        self._states = {kind: _hasher(self.keys.oldest, "state", kind, scope) for kind in _all_kinds()}
        self._prefix = f"_k{self.keys.newest.id}_"
        self._write_long, self._stable_long = self._written, self._stable_key
        self._write, self._stable = lru_cache(CACHE_SIZE)(self._written), lru_cache(CACHE_SIZE)(self._stable_key)

    def _written(self, kind: str, text: str) -> str:
        return kind + self._prefix + _digest(self._writers[kind], kind, text)

    def _stable_key(self, kind: str, text: str) -> str:
        return _digest(self._states[kind], kind, text)

    def token(self, field: str, value: Any) -> str | None:
        """Return the token that stands for `value` in `field`, or None for what identifies nobody.

        None, booleans and blank text identify nobody. A number is its decimal text (42, 42.0 and "42" are one
        user); any other object is the text that it renders as.
        """
        text = _identity(value)
        if text is None:
            return None
        kind = self._kinds.get(field) or kind_of(field)
        return self._write(kind, text) if len(text) <= MAX_NORMALISED else self._write_long(kind, text)

    def identity(self, field: str, value: Any) -> Identity | None:
        """Return all that is to know of one identity, or None for what identifies nobody; not remembered."""
        text = _identity(value)
        if text is None:
            return None
        kind = self._kinds.get(field) or kind_of(field)
        normal = normalise(kind, text).encode("utf-8", "surrogatepass")
        token = kind + self._prefix + _hash(self._writers[kind], normal)
        if type(value) is str or type(value) is int:
            raw = text.strip()
            forms = needles(raw) if len(raw) <= MAX_IDENTITY else ()
            pairs: Pairs = ((raw, token),) if forms else ()
        else:
            pairs = self.pairs({field: value})
            forms = tuple([form for raw, _ in pairs for form in needles(raw)])
        return token, _hash(self._states[kind], normal), pairs, forms

    def tokens(self, field: str, value: Any) -> dict[str, str]:
        """Return key id -> token under every key, oldest first: what to search older logs for."""
        text, kind = _identity(value), self._kinds.get(field) or kind_of(field)
        if text is None:
            return {}
        return {
            key.id: f"{kind}_k{key.id}_{_digest(_hasher(key, 'token', kind, self._scope), kind, text)}"
            for key in self.keys.keys
        }

    def state_key(self, field: str, value: Any) -> str:
        """Return the identity's key in detection state: no token, and the same while the oldest key stays."""
        text = _identity(value) or ""
        kind = self._kinds.get(field) or kind_of(field)
        return self._stable(kind, text) if len(text) <= MAX_NORMALISED else self._stable_long(kind, text)

    def address(self, text: str) -> str:
        """Return the network in clear and the host's token, `203.0.113.0/24_ip_k3_...`.

        The network (/24, /48) is what comes before the first `_`. What is no address becomes a bare token.
        """
        token = self._write("ip", text) if len(text) <= MAX_NORMALISED else self._write_long("ip", text)
        address = parse_address(text)
        return token if address is None else f"{truncate(address)}_{token}"

    def pairs(self, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return (raw text, token) for every identity in `fields` that is long enough to be looked for.

        A list, set or mapping in such a field gives a pair for each member.
        """
        found: dict[str, str] = {}
        for field, value in fields.items():
            for member in _members(value):
                raw = (member if type(member) is str else _identity_text(member)).strip()
                token = self.token(field, member) if len(raw) >= MIN_LENGTH else None
                if token is not None:
                    found.setdefault(raw, token)
        return list(found.items())


@lru_cache(256)
def kind_of(field: str) -> str:
    """Return the kind of token for a field of this name: eml, ses, dev, ip, or usr."""
    words = {word.lower() for word in _WORDS.findall(field[:MAX_NORMALISED])}
    return next((kind for kind, names in _KINDS if words & names), _USER)


def _all_kinds() -> tuple[str, ...]:
    return (*(kind for kind, _ in _KINDS), _USER)


def _hasher(key: Key, purpose: str, kind: str, scope: str) -> blake2b:
    return blake2b(key=key.subkey(f"{purpose}\0{kind}\0{scope}"), digest_size=_TOKEN_BYTES)


def _digest(keyed: blake2b, kind: str, text: str) -> str:
    return _hash(keyed, normalise(kind, text).encode("utf-8", "surrogatepass"))


def _hash(keyed: blake2b, identity: bytes) -> str:
    hasher = keyed.copy()
    hasher.update(identity)
    return hasher.hexdigest()


def normalise(kind: str, text: str) -> str:
    """Return the form under which an identity of this kind is one and the same.

    Unicode NFKC without spaces around; users and e-mail addresses in any case; addresses in canonical form.
    Text over 512 characters is taken as it is.
    """
    if len(text) > MAX_NORMALISED:
        return text
    if kind == "ip":
        address = parse_address(text)
        if address is not None:
            return str(address)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        if kind in _CASELESS:
            # Case folding can undo the normal form (U+0345 and the like).
            text = unicodedata.normalize("NFKC", text.casefold())
    return text.strip().lower() if kind in _CASELESS and text.isascii() else text.strip()


def _identity(value: Any) -> str | None:
    """Return the text of an identity, or None for what identifies nobody."""
    kind = type(value)
    if kind is str:
        if len(value) > MAX_IDENTITY:
            return _shortened(value)
        return value if value and not value.isspace() else None
    if value is None or kind is bool:
        return None
    text = _identity_text(value) or None
    return _shortened(text) if text is not None and len(text) > MAX_IDENTITY else text


def _shortened(text: str) -> str:
    """Return what stands for a text that is nobody's name: megabytes take a second to encode, hash and look for."""
    return f"{text[:MAX_IDENTITY]}\0{len(text)}"


def _identity_text(value: Any) -> str:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is bytes:
        return value.decode("utf-8", "backslashreplace")
    if type(value) in (dict, list, tuple, set, frozenset):
        return rendering.text(value, MAX_CONTAINER)  # nobody's identity; an attacker may nest it a thousand times
    return rendering.text(value)


def _members(value: Any) -> Sequence[Any]:
    """Return the plain values in an identity field: the value itself, or one level of a container's."""
    kind = type(value)
    if kind is str:
        return (value,)
    if kind is dict:
        return list(value.values())[:MAX_MEMBERS]
    if kind in (list, tuple, set, frozenset):
        return list(value)[:MAX_MEMBERS]
    return (value,)
