"""Tokens in the paths of links: `/reset/X`, `/invite/X`, hooks and projects of services."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from operator import itemgetter

from seclog_handlers.redaction.values import IS_UUID, MIXED_HEX, looks_chosen, looks_made

Found = tuple[int, int, str]

LINKS = re.compile(
    r"/(?<!/usr/)(?<!/local/)(?=[\w-])(?:[\w-]{0,30}[_-])?(?:reset|resets|verify|verification|verify-email|confirm|confirmation|activate|activation"
    r"|invite|invites|invitations?|unlock|join|approve|claim|redeem|push|token|tokens"
    r"|magic|magic-link|auth|unsubscribe|secret|secrets|apikey|session|sessions|login(?!_flow)|signin|sso|share|shared|accept"
    r"|callback|hook|hooks|webhook|webhooks"
    r"|calendar|ical|password|k|key|keys|access|bot|otp|recover|recovery|set-password|password-reset|integrations?|ws)(?:[_-][\w-]{0,30})?(?=[/?])",
    re.IGNORECASE,
)
# Of each of them at least one of these is a word: what the gate looks for.
LINK_WORDS = frozenset(
    """
    reset resets verify verification confirm confirmation activate activation invite invites invitation token tokens
    telemetry attributes
    integration integrations ws invitations unlock join approve claim redeem push
    infura alchemyapi alchemy magic auth unsubscribe secret secrets apikey session sessions login signin sso share
    shared accept callback hook hooks webhook webhooks password k key keys access bot otp recover recovery calendar ical
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
# Where a program logs from: auth.go:200:SignIn()
_SOURCE_LINE = re.compile(r"[\w-]{1,64}\.(?:go|py|rs|js|ts|java|rb|php|cc?|cpp|cs|kt|exs?):\d{1,6}(?![\w-])")
_LEASE = re.compile(r"\blease_id=[\w/-]{0,24}\Z")  # Vault's
_VOLUME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[a-z][a-z0-9-]{2,60}")  # Kubernetes'
_FILE = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z]{2,5}"
    r"|[\w-]{1,64}\.(?:js|css|png|svg|html?|map|pem|crt|cer|csr|key|ya?ml|json|txt|log)"
)
# A flow's name; a repository's, whose commits have hashes.
_NO_LINKS = frozenset({"login_flow", "commit", "commits", "blob", "tree", "raw", "compare", "releases"})
# The projects of Ethereum's providers: https://mainnet.infura.io/v3/KEY
_NODE = re.compile(r"(?:infura\.io|alchemyapi\.io|alchemy\.com)/v[23]/(?P<value>[A-Za-z0-9_-]{32})(?![\w-])")
_DEVICE = re.compile(r"(?<=/api/v1/)[A-Za-z0-9]{20}(?=/(?:telemetry|attributes|rpc)\b)")  # ThingsBoard
_CATCH = re.compile(r"(?<=hooks/catch/)\d{4,12}/[A-Za-z0-9_-]{5,40}")  # Zapier
# Where an id that nobody could guess is all that is asked for: /reset-password/bf4fe5a1-...
_FOR_ONCE = re.compile(r"reset|magic|activat|unsubscribe|recover", re.IGNORECASE)
_SENT = re.compile(rf"{_FOR_ONCE.pattern}|verif|confirm|invit", re.IGNORECASE)
_HEX = re.compile(MIXED_HEX)


def _is_for_once(link: str, value: str) -> bool:
    """Tell whether hexadecimal digits behind such a word of a link are what it is sent for."""
    return _HEX.fullmatch(value) is not None and _SENT.search(link) is not None


# Of these only where a host stands before: paths of source code have such folders.
_OF_HOSTS = re.compile(r"/(?:integrations?|ws)\Z", re.IGNORECASE)
_HOST_BEFORE = re.compile(r"://[^\s\"'<>]{1,256}\Z")
_PICTURE = re.compile(r"data:image/[a-z+.-]{2,16};base64,[A-Za-z0-9+/]{16,}={0,2}")
_LINK_TO = re.compile(
    r"\b(?:magic|reset|invite|login|sign-?in|verification|activation|one-time|confirmation)[- ]link\b[^\n]{0,40}?"
    r"https?://[^\s/]{1,128}(?:/[\w.-]{1,32}){0,4}?/(?P<value>[\w-]{20,512})(?![\w/-])",
    re.IGNORECASE,
)
_SEGMENT = re.compile(r"/([A-Za-z0-9_.~%:=+-]{1,512})")
_LINK_QUERY = re.compile(r"/?\?(?:[a-z]|id|data|link|u?hash|ref)=(?P<value>[A-Za-z0-9_-]{20,512})(?=[&#\s\"'<>).,]|$)")


def without_pictures(text: str, runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the runs of characters that are no part of a picture written into the text."""
    pictures = _pictures(text)
    return [run for run in runs if not _is_in(pictures, run[0]) or not _is_in(pictures, run[1] - 1)]


def _pictures(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _PICTURE.finditer(text)]


def _is_in(spans: list[tuple[int, int]], position: int) -> bool:
    """Tell whether a position is in one of some spans, which are in order."""
    at = bisect_right(spans, position, key=itemgetter(0)) - 1
    return at >= 0 and position < spans[at][1]


def path_tokens(text: str, spend: Callable[[int], None]) -> list[Found]:
    """Find long random segments after segments such as `/reset/`, `/invite/`, `/verify/`, or in their query."""
    found: list[Found] = []
    spend(text.count("/") >> 1)
    if "/v3/" in text or "/v2/" in text:
        found = [(*match.span("value"), "token") for match in _NODE.finditer(text)]
    if "/api/v1/" in text and ("/telemetry" in text or "/attributes" in text):
        found += [(*match.span(), "token") for match in _DEVICE.finditer(text)]
    if "hooks/catch/" in text:
        found += [(*match.span(), "token") for match in _CATCH.finditer(text)]
    if "ink" in text or "INK" in text:
        found += [(*match.span("value"), "token") for match in _LINK_TO.finditer(text) if looks_made(match["value"])]
    pictures = _pictures(text) if "data:image/" in text else []
    for match in LINKS.finditer(text):
        spend(5)
        position = match.end()
        first = match.start()
        if _is_in(pictures, first):
            continue
        if _OF_HOSTS.match(match[0]) and not _HOST_BEFORE.search(text, max(0, first - 256), first):
            continue
        queried = _LINK_QUERY.match(text, position)  # /login?t=...
        if queried is not None and (looks_made(queried["value"]) or _is_for_once(match[0], queried["value"])):
            found.append((*queried.span("value"), "token"))
            continue
        for _ in range(3):
            segment = _SEGMENT.match(text, position)
            if segment is None:
                break
            value = segment[1].rstrip(".,:")
            if (
                value in _NO_LINKS
                or _LEASE.search(text, max(0, match.start() - 32), match.start())
                or _VOLUME.fullmatch(value)
                or _FILE.fullmatch(value)
                or value.startswith("sha256:")
                or _SOURCE_LINE.match(value)
            ):
                break
            if (
                looks_made(value)
                or (IS_UUID.fullmatch(value) and _FOR_ONCE.search(match[0]))
                or _is_for_once(match[0], value)
                or (value.isalpha() and looks_chosen(value))
                or re.fullmatch(r"[0-9a-f]{32,128}|[A-Za-z0-9]{2,8}-[0-9a-f]{20,40}", value)
            ):
                found.append((segment.start(1), segment.start(1) + len(value), "token"))
                break
            position = segment.end()
    return found
