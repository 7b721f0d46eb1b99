"""Identities in the lines of a file: the tokens that live logging writes, wherever the line shows the person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from seclog_handlers import rendering
from seclog_handlers._occurrences import MIN_LENGTH, Search, needles
from seclog_handlers.enrichment.addresses import parse_address, truncate
from seclog_handlers.pseudonym import UNTOUCHED_FIELDS, Pseudonymizer

MAX_DEPTH = 16
# Longer integers are no identity.
MAX_BITS = 128
WITHHELD = "[WITHHELD]"
ADDRESS = "ip_address"
# Fields of a line that say nothing of a person, whatever they are equal to.
_NOBODYS = UNTOUCHED_FIELDS | {"timestamp", "time", "@timestamp", "asctime", "level", "levelname", "service"}
# What an earlier pass, or live logging, left.
_DONE = re.compile(r"(?:[0-9a-f.:]{2,39}/\d{1,3}_)?(?:usr|eml|ses|dev|ip)_k[A-Za-z0-9]{1,16}_[0-9a-f]{32}")
_CENSORED = ("[REDACTED", "[WITHHELD", "[CUT:")
_NOBODY = frozenset({"", "-", "none", "null", "nil", "true", "false", "undefined", "anonymous"})

# Raw value -> token.
Found = dict[str, str]


class Identities:
    """Replaces identities in records and in lines of text.

    Args:
        pseudonymizer: Makes the tokens.
        names: Name of a field in the file -> the field that it is for us.
        ip: What becomes of `ip_address`: keep, truncate or token.
        marker: What redaction leaves in a secret's place.
    """

    def __init__(self, pseudonymizer: Pseudonymizer, names: Mapping[str, str], ip: str, marker: str) -> None:
        self._engine = pseudonymizer
        self._ip = ip
        self._censored = re.compile("|".join(map(re.escape, (*_CENSORED, marker))))
        self.names = {shown: field for shown, field in names.items() if ip != "keep" or field != ADDRESS}
        words = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        self._written = re.compile(
            rf"(?<![\w.-])(?P<mark>['\"]?)(?P<name>{words})(?P=mark)(?:=|(?<=['\"])\s{{0,4}}:\s{{0,4}})"
            r"(?:\"(?P<double>[^\"\\]{1,256})\"|'(?P<single>[^'\\]{1,256})'|(?P<bare>[^\s\"'\\,;&|<>(){}\[\]]{1,256}))",
        )

    def left(self) -> frozenset[str]:
        """Return the fields of a record that redaction leaves to this."""
        return frozenset(name for name, field in self.names.items() if field != ADDRESS)

    def record(self, value: Any, line: str) -> Any:
        """Return what redaction made of a JSON line with tokens for identities; a new container if there are any.

        Args:
            value: What redaction made of the line.
            line: The line.
        """
        found: Found = {}
        value = self._by_key(value, found, MAX_DEPTH)
        if not found or (self._ip == "keep" and _once(line, found)):
            return value
        return self._everywhere(value, Search(list(found.items())), found, MAX_DEPTH)

    def _by_key(self, value: Any, found: Found, depth: int) -> Any:
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        if not depth:
            return WITHHELD
        if kind is list:
            return [self._by_key(item, found, depth - 1) for item in value]
        names = self.names
        return {
            key: self._token(names[key], item, found)
            if key in names
            else (self._by_key(item, found, depth - 1) if type(item) in (dict, list) else item)
            for key, item in value.items()
        }

    def _token(self, field: str, value: Any, found: Found) -> Any:
        if type(value) is str and (_DONE.fullmatch(value) or self._censored.search(value)):
            return value
        if field == ADDRESS:
            return self._hidden(value, found)
        token = self._engine.token(field, value)
        if token is None:
            return value
        if type(value) is not str:
            found.update(self._engine.pairs({field: value}))
        elif len(raw := value.strip()) >= MIN_LENGTH:
            found[raw] = token
        return token

    def _hidden(self, value: Any, found: Found) -> Any:
        if value is None or value == "":
            return value
        address = parse_address(value)
        if address is None:
            return WITHHELD
        hidden = truncate(address) if self._ip == "truncate" else self._engine.address(str(address))
        if hidden != value:
            found.update({rendering.text(value): hidden, str(address): hidden})
        return hidden

    def _everywhere(self, value: Any, search: Search, found: Found, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return search.replace(value)
        if kind is int:
            return found.get(str(value), value) if value.bit_length() < MAX_BITS else value
        if kind is list:
            return [self._everywhere(item, search, found, depth - 1) for item in value]
        if kind is dict:
            return self._everywhere_in(value, search, found, depth)
        return value

    def _everywhere_in(self, value: dict[str, Any], search: Search, found: Found, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        names, replace = self.names, search.replace
        for key, item in value.items():
            if key in names or (depth == MAX_DEPTH and key in _NOBODYS):
                result[key] = item
            else:
                clean = replace(item) if type(item) is str else self._everywhere(item, search, found, depth - 1)
                result[replace(key)] = clean
        return result

    def text(self, line: str) -> str:
        """Return a line of text with tokens for the identities that stand in it as `name=value` or `"name": value`."""
        found: Found = {}
        parts: list[str] = []
        end = 0
        for match in self._written.finditer(line):
            start, stop = match.span(match.lastgroup or "bare")
            value = line[start:stop]
            token = value if value.lower() in _NOBODY else self._token(self.names[match["name"]], value, found)
            parts += (line[end:start], token)
            end = stop
        if not found and not end:
            return line
        long = [(raw, token) for raw, token in found.items() if len(raw) >= MIN_LENGTH]
        return Search(long).replace("".join([*parts, line[end:]]))


def _once(line: str, found: Found) -> bool:
    """Tell whether a line shows each of these identities in its own field only."""
    if not line.isascii() or "\\" in line:
        return False
    lowered = line.lower()
    return sum([lowered.count(needle) for raw in found for needle in needles(raw)]) == len(found)
