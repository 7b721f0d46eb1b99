"""What request headers say about a request, without what they hold: presence and class only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from seclog_handlers.enrichment.addresses import parse_address, scope

MAX_HEADERS = 100
MAX_NAME = 64
MAX_VALUE = 4096
# Names remembered with what reads them; a client may make names up.
MAX_NAMES = 1024
MAX_COOKIES = 20
# Longer values are read anew each time.
MAX_REMEMBERED = 200
# A chain of more proxies than this was written by hand.
MAX_HOPS = 20

# IANA's HTTP authentication schemes, and what APIs use beside them. Another first word may be the secret.
_SCHEMES = frozenset({
    "basic", "bearer", "concealed", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate", "oauth",
    "privatetoken", "scram-sha-1", "scram-sha-256", "vapid", "apikey", "api-key", "token", "key", "jwt",
    "ntlm", "signature", "aws4-hmac-sha256", "hmac-sha256", "hawk", "splunk", "goog4-rsa-sha256",
})  # fmt: skip

# Headers that are a credential as a whole: only that they were sent is said.
_CREDENTIALS = frozenset({
    "x-api-key", "api-key", "apikey", "x-auth-token", "x-access-token", "x-session-token", "x-csrf-token",
    "x-csrftoken", "x-xsrf-token", "x-amz-security-token", "x-goog-api-key", "x-goog-iap-jwt-assertion",
    "x-vault-token", "private-token", "x-gitlab-token", "x-forwarded-access-token", "cf-access-jwt-assertion",
})  # fmt: skip

# Fetch Metadata Request Headers (W3C): the only values they have.
_FETCH = {
    "site": frozenset({"cross-site", "same-origin", "same-site", "none"}),
    "mode": frozenset({"cors", "navigate", "no-cors", "same-origin", "websocket"}),
    "user": frozenset({"?1"}),
    "dest": frozenset({
        "audio", "audioworklet", "document", "embed", "empty", "fencedframe", "font", "frame", "iframe",
        "image", "json", "manifest", "object", "paintworklet", "report", "script", "serviceworker",
        "sharedworker", "style", "track", "video", "webidentity", "worker", "xslt",
    }),
}  # fmt: skip

# A client that sends one of these with an inner address claims to be somebody behind the proxy.
_CLIENT_ADDRESS = frozenset({
    "x-originating-ip", "x-remote-ip", "x-remote-addr", "x-client-ip", "x-custom-ip-authorization",
    "true-client-ip", "cf-connecting-ip", "x-cluster-client-ip", "client-ip",
})  # fmt: skip
_METHOD_OVERRIDE = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
_PATH_OVERRIDE = frozenset({"x-original-url", "x-rewrite-url"})

_COOKIE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}")
_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,20}://)?(?:[^/?#@]{0,200}@)?"
    r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::[0-9]{1,5})?(?:[/?#]|\Z)",
)
_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9][a-z0-9.+_-]{0,63}(?=\s{0,5}(?:;|\Z))")
_OBFUSCATED_HOP = re.compile(r"unknown|_[A-Za-z0-9._-]{1,40}", re.IGNORECASE)
# What no proxy writes into a chain.
_INVENTED = frozenset({"loopback", "reserved", "invented"})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


# Deleting these from bytes leaves what is worth a closer look.
_PRINTABLE = bytes(range(0x20, 0x7F))

_Reader = Callable[["_Report", str, str], None]
# A header's name as it was given, in HTTP's form, and what reads it.
_Plan = tuple[tuple[str, str, _Reader], ...]

# Values without a secret -> their host.
_hosts: dict[str, str] = {}
# Sets of names -> the plan to read them by; a client sends the same ones each time.
_plans: dict[tuple[Any, ...], _Plan] = {}
MAX_PLANS = 256


def security_headers(headers: Any) -> dict[str, Any]:
    """Return what matters for security in a request's headers, and none of the secrets in them.

    Args:
        headers: A mapping, an object with `items()`, or (name, value) pairs, str or bytes; also with WSGI's
            HTTP_* names. Anything else has nothing to say.

    Returns:
        As far as the headers have it: `authorization` and `proxy_authorization` (scheme), `credentials`
        (names of other credential headers), `cookies` (names), `origin` and `referer` (host),
        `forwarded_hops` (length of the X-Forwarded-For chain), `forwarded_for` (its first public address),
        `sec_fetch` (site, mode, dest, user), `content_type`, `user_agent` (whether there is one), `anomalies`
        (control_characters, spoofed_forwarding, method_override, path_override, two_hosts,
        conflicting_length). Never raises.
    """
    try:
        report = _Report()
        if not (type(headers) is dict and _read_at_once(report, headers)):
            report.read(_entries(headers))
        return report.found() if headers else {}
    except Exception:
        return {}  # a header object with its own ideas: it says nothing


def _read_at_once(report: _Report, headers: dict[Any, Any]) -> bool:
    """Read headers that are short printable text, as nearly all are; tell whether they were."""
    names = tuple(headers)
    plan = _plans.get(names) or _plan(names)
    try:
        if sum(map(len, headers.values())) > MAX_VALUE:
            return False
        text = "".join(headers.values())
    except TypeError:
        return False
    # As bytes, that is a fourth of the price of isprintable().
    if not plan or text.encode("utf-8", "replace").translate(None, _PRINTABLE):
        return False
    for given, name, read in plan:
        read(report, name, headers[given])
    return True


def _plan(names: tuple[Any, ...]) -> _Plan:
    """Return the headers among `names` that somebody reads, in order; () for too many names, or none that count."""
    if len(names) > MAX_HEADERS or not all(type(name) is str and len(name) <= MAX_NAME for name in names):
        return ()
    plan = tuple((given, name, read) for given in names for name, read in [_reader(given)] if read is not None)
    if len(_plans) >= MAX_PLANS:
        _plans.clear()
    _plans[names] = plan
    return plan


def _entries(headers: Any) -> list[tuple[Any, Any]]:
    """Return at most 100 pairs of name and value, or of name and values."""
    if type(headers) is dict:
        return list(headers.items())[:MAX_HEADERS]
    if isinstance(headers, Mapping) or callable(getattr(headers, "items", None)):
        headers = list(islice(headers.items(), MAX_HEADERS))  # which may have no end
    if not isinstance(headers, (list, tuple)):
        return []
    pairs = [entry for entry in headers[:MAX_HEADERS] if isinstance(entry, (list, tuple))]
    return [(entry[0], entry[1]) for entry in pairs if len(entry) == 2]  # noqa: PLR2004 - a name and a value


def _text(value: Any, limit: int) -> str:
    if isinstance(value, str):
        return value[:limit]
    return value[:limit].decode("latin-1") if isinstance(value, bytes) else ""


@lru_cache(MAX_NAMES)
def _reader(name: str) -> tuple[str, _Reader | None]:
    """Return a header's name in HTTP's form, and what reads it."""
    name = name.lower().strip().replace("_", "-").removeprefix("http-")
    return name, _READERS.get(name)


class _Report:
    """The findings about one request's headers."""

    __slots__ = ("_anomalies", "_chain", "_claimed_hosts", "_found", "_hosts", "_lengths")

    def __init__(self) -> None:
        self._found: dict[str, Any] = {"user_agent": False}
        self._anomalies: dict[str, None] = {}
        self._chain: list[str] = []
        self._hosts: set[str] = set()
        self._claimed_hosts: set[str] = set()
        self._lengths: set[str] = set()

    def read(self, entries: Iterable[tuple[Any, Any]]) -> None:
        for given, value in entries:
            name, read = _reader(given if type(given) is str and len(given) <= MAX_NAME else _text(given, MAX_NAME))
            if type(value) is str and len(value) <= MAX_VALUE and value.isprintable():
                if read is not None:
                    read(self, name, value)
                continue
            values = value[:MAX_HEADERS] if type(value) is list or type(value) is tuple else (value,)
            for text in values:
                self._read(name, read, _text(text, MAX_VALUE))

    def _read(self, name: str, read: _Reader | None, value: str) -> None:
        if read is not None:
            read(self, name, value)
        if not value.isprintable() and _CONTROL.search(value):
            self._anomalies["control_characters"] = None

    def found(self) -> dict[str, Any]:
        if self._chain:
            self._judge_chain()
        if (self._claimed_hosts or len(self._hosts) > 1) and self._two_hosts():
            self._anomalies["two_hosts"] = None
        if len(self._lengths) > 1:
            self._anomalies["conflicting_length"] = None
        if self._anomalies:
            self._found["anomalies"] = list(self._anomalies)
        return self._found

    def authorization(self, name: str, value: str) -> None:
        scheme = value.strip().partition(" ")[0].lower()
        self._found[name.replace("-", "_")] = scheme if scheme in _SCHEMES else "other"

    def credential(self, name: str, value: str) -> None:
        if value:
            self._found.setdefault("credentials", []).append(name)

    def cookie(self, name: str, value: str) -> None:
        cookies = self._found.setdefault("cookies", [])
        for part in value.split(";", MAX_COOKIES):
            name, equals, _ = part.partition("=")
            if equals and len(cookies) < MAX_COOKIES:
                cookies.append(_cookie(name))

    def host_of(self, name: str, value: str) -> None:
        if value:
            self._found[name] = "null" if value == "null" else _host(value) or "other"

    def host(self, name: str, value: str) -> None:
        hosts = self._hosts if name == "host" else self._claimed_hosts
        if "," in value:
            hosts.update(_host(part) or part for part in value.split(",", MAX_HOPS))
        else:
            hosts.add(_host(value) or value)

    def forwarded(self, _name: str, value: str) -> None:
        self._chain.append(value)

    def client_address(self, _name: str, value: str) -> None:
        if _hop(value)[1] is not None:
            self._anomalies["spoofed_forwarding"] = None

    def method_override(self, _name: str, _value: str) -> None:
        self._anomalies["method_override"] = None

    def path_override(self, _name: str, _value: str) -> None:
        self._anomalies["path_override"] = None

    def content_type(self, _name: str, value: str) -> None:
        self._found["content_type"] = _media_type(value[:MAX_REMEMBERED])

    def length(self, name: str, value: str) -> None:
        self._lengths.add(f"{name} {value.strip()}")

    def user_agent(self, _name: str, value: str) -> None:
        self._found["user_agent"] = bool(value.strip())

    def fetch(self, name: str, value: str) -> None:
        part = name.removeprefix("sec-fetch-")
        self._found.setdefault("sec_fetch", {})[part] = value if value in _FETCH[part] else "other"

    def _two_hosts(self) -> bool:
        """Tell whether the request names two sites; the inner name or address that a proxy asks is none."""
        claimed = self._claimed_hosts
        if len(self._hosts) > 1 or not claimed:
            return len(self._hosts) > 1
        named = {host for host in self._hosts if "." in host and parse_address(host) is None}
        return bool(named) and named.isdisjoint(claimed)

    def _judge_chain(self) -> None:
        text = ",".join(self._chain[:MAX_HEADERS])
        hops, public, invented = _known_chain(text) if len(text) <= MAX_REMEMBERED else _judged_chain(text)
        self._found["forwarded_hops"] = hops
        if public:
            self._found["forwarded_for"] = public
        if invented:
            self._anomalies["spoofed_forwarding"] = None


def _judged_chain(text: str) -> tuple[int, str | None, bool]:
    """Return how long a chain is, the first public address in it, and whether somebody made it up.

    A loopback hop, a hop that is no address, or more hops than any real chain has: no proxy writes those.
    Private hops are written by proxies inside a company.
    """
    hops = [_hop(hop.strip()) for hop in text.split(",", MAX_HEADERS)]
    public = next((address for address, kind in hops if kind is None), None)
    return len(hops), public, len(hops) > MAX_HOPS or any(kind in _INVENTED for _, kind in hops)


_known_chain = lru_cache(MAX_NAMES)(_judged_chain)


def _host(value: str) -> str | None:
    """Return the host of a URL or authority, without user and port."""
    known = _hosts.get(value)
    if known is not None:
        return known
    end = value.find("/", len("https://"))
    head = value[:end] if end > 0 else value
    # Remembered where it can be nothing but a host: no user and password, no query.
    plain = len(head) <= MAX_REMEMBERED and "@" not in head and "?" not in head and "#" not in head
    if not plain:
        return _any_host(value)
    host = _plain_host(head)
    if host is not None and len(value) <= MAX_REMEMBERED and "?" not in value:
        if len(_hosts) >= MAX_NAMES:
            _hosts.clear()
        _hosts[value] = host
    return host


def _any_host(value: str) -> str | None:
    match = _HOST.match(value.strip().lower())
    return match.group(1) if match else None


_plain_host = lru_cache(MAX_NAMES)(_any_host)


@lru_cache(MAX_NAMES)
def _media_type(value: str) -> str:
    match = _MEDIA_TYPE.match(value.strip().lower())
    return match.group() if match else "other"


@lru_cache(MAX_NAMES)
def _cookie(name: str) -> str:
    name = name.strip()
    return name if _COOKIE_NAME.fullmatch(name) else "other"


def _hop(text: str) -> tuple[str, str | None]:
    """Return an address of a chain, and its scope; what is none is 'unnamed', where that is allowed, or 'invented'."""
    return _known_hop(text) if len(text) <= MAX_REMEMBERED else ("", "invented")


@lru_cache(MAX_NAMES)
def _known_hop(text: str) -> tuple[str, str | None]:
    address = parse_address(text)
    if address is not None:
        return str(address), scope(address)
    return "", "unnamed" if _OBFUSCATED_HOP.fullmatch(text) else "invented"


_READERS: dict[str, _Reader] = {
    "authorization": _Report.authorization,
    "proxy-authorization": _Report.authorization,
    "cookie": _Report.cookie,
    "origin": _Report.host_of,
    "referer": _Report.host_of,
    "host": _Report.host,
    "x-forwarded-host": _Report.host,
    "x-forwarded-for": _Report.forwarded,
    "content-type": _Report.content_type,
    "content-length": _Report.length,
    "transfer-encoding": _Report.length,
    "user-agent": _Report.user_agent,
    **dict.fromkeys((f"sec-fetch-{part}" for part in _FETCH), _Report.fetch),
    **dict.fromkeys(_CREDENTIALS, _Report.credential),
    **dict.fromkeys(_CLIENT_ADDRESS, _Report.client_address),
    **dict.fromkeys(_METHOD_OVERRIDE, _Report.method_override),
    **dict.fromkeys(_PATH_OVERRIDE, _Report.path_override),
}
