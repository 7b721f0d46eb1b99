"""Signs of log injection in what a client chose: characters that forge lines or hide them, look-ups in templates."""

from __future__ import annotations

import re
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Fields whose content the other side of the wire decides, or can have echoed.
CLIENT_FIELDS = frozenset({
    "username", "user_id", "session_id", "email", "ip_address", "user_agent", "request_id", "method", "http_method",
    "path", "query_params", "headers", "api_version", "endpoint", "api_endpoint", "resource", "action",
    "auth_method", "failure_reason", "referer", "host",
})  # fmt: skip

# What is looked at of one field; an attack that needs more would be no line any more.
MAX_CHARACTERS = 65_536
MAX_ITEMS = 200

# Deleting these from bytes is the fastest way to ask whether anything else is there.
_HARMLESS = bytes(range(0x20, 0x7F)).translate(None, b"{%")

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# C0 without the tab, DEL, C1 (NEL and CSI among them), line and paragraph separators, bidirectional controls.
_CONTROL = re.compile(f"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029{_BIDI}]")
# Log4Shell (CVE-2021-44228) and what hides it: ${jndi:...}, ${lower:j}, ${::-j}, ${${env:X:-j}ndi:...}.
_LOOKUP = re.compile(r"(?i)\$\{\s{0,8}(?:jndi|lower|upper|env|sys|java|ctx|date|main|base64|::-|\$\{)")
_ENCODED_LOOKUP = re.compile(r"(?i)(?:\$|%24)(?:\{|%7b)(?:jndi|(?:\$|%24)(?:\{|%7b))")
# A path is logged as it came over the wire: there a line feed is percent-encoded.
_ENCODED_CONTROL = re.compile(r"(?i)%(?:0[ad]|00|1b|7f|c2%8[0-9a-f]|c2%9[0-9a-f]|e2%80%a[89a-e])")
_CONTAINERS = frozenset({"query_params", "headers"})
_RAW = frozenset({"path", "query_params", "endpoint", "api_endpoint", "resource", "referer"})


def injected(fields: Mapping[str, Any]) -> list[str]:
    """Return the names of the client's fields that carry a sign of log injection, sorted.

    Args:
        fields: An event's fields as the application logged them. Text is looked at, and the text in dicts and lists
            one level down; white space at its ends is nobody's attack.
    """
    return ClientFields(fields).injected(fields)


class ClientFields:
    """The client's fields among `names`, found once for all events that have these fields.

    Args:
        names: Of an event's fields.
    """

    __slots__ = ("_containers", "_mixed", "_names", "_values")

    def __init__(self, names: Iterable[str]) -> None:
        self._names = CLIENT_FIELDS.intersection(names)
        self._containers = tuple(_CONTAINERS & self._names)
        # Whether an event of this kind had anything but text in its plain fields: a number for a user, say.
        self._mixed = False
        plain = sorted(self._names - _CONTAINERS)
        # A getter of two names or more returns a tuple.
        self._values = itemgetter(*plain, *plain[:1]) if plain else lambda _: ()

    def injected(self, fields: Mapping[str, Any]) -> list[str]:
        """Do as the function of this name does, for an event with these fields."""
        together = self._text(fields)
        # One pass over all of them, in 0.4 us of an authentication event: most events end here.
        if not together.encode("utf-8", "surrogatepass").translate(None, _HARMLESS):
            return []
        return sorted([name for name in self._names if _suspicious(name, fields[name])])

    def _text(self, fields: Mapping[str, Any]) -> str:
        """Return all texts of an event as one."""
        texts: tuple[Any, ...] = self._values(fields)
        for name in self._containers:
            texts += _together(fields[name])
        if not self._mixed:
            try:
                if sum(map(len, texts)) <= MAX_CHARACTERS:
                    return "".join(texts)
            except TypeError:
                self._mixed = True
        return "".join([text[:MAX_CHARACTERS] for text in texts if type(text) is str])


def _together(value: Any) -> tuple[str, ...]:
    """Return the texts of a container, put together where that is quick."""
    try:
        if type(value) is dict and len(value) <= MAX_ITEMS:
            texts = [*value, *value.values()]
            if sum(map(len, texts)) <= MAX_CHARACTERS:
                return ("".join(texts),)
    except TypeError:
        pass  # not all of it is text
    return tuple(_texts(value))


def _suspicious(name: str, value: Any) -> bool:
    texts = [value] if type(value) is str else _texts(value)
    return any(_has_sign(text[:MAX_CHARACTERS].strip(), name in _RAW) for text in texts)


def _has_sign(text: str, raw: bool) -> bool:
    if not text.isprintable() and _CONTROL.search(text):
        return True
    if "{" in text and _LOOKUP.search(text):
        return True
    return raw and "%" in text and bool(_ENCODED_CONTROL.search(text) or _ENCODED_LOOKUP.search(text))


def _texts(value: Any) -> list[str]:
    """Return the texts of a container, and of the lists in it."""
    if type(value) is dict:
        items = [*islice(value, MAX_ITEMS), *islice(value.values(), MAX_ITEMS)]
    elif type(value) is list:
        items = value[:MAX_ITEMS]
    else:
        return []
    texts = [item[:MAX_CHARACTERS] for item in items if type(item) is str]
    for item in items:
        if type(item) is list:
            texts += [inner[:MAX_CHARACTERS] for inner in item[:MAX_ITEMS] if type(inner) is str]
    return texts
