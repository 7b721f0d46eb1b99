"""Walks values: mappings by key, pairs and entries by name, text by content; new containers, bounded."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from types import MappingProxyType
from typing import Any
from uuid import UUID

from seclog_handlers import rendering
from seclog_handlers.redaction import cookies, members, pii, structures, tables, web
from seclog_handlers.redaction.budget import Budget
from seclog_handlers.redaction.censor import Censor
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.memo import MAX_LENGTH, Memo
from seclog_handlers.redaction.plans import MAX_PLAN, TEXT_ONLY, Plan, Plans
from seclog_handlers.redaction.structures import CARD_FROM, MAX_NAME
from seclog_handlers.redaction.values import is_secret, looks_chosen

MAX_DEPTH = 12
MAX_NODES = 5_000
MAX_CHARACTERS = 1_048_576
MAX_INT_BITS = 4_096
MAX_KEY = 1_000
_PASSWORD = Rule("password", "strong")

# Bytes that are decoded: as many as the longest text that is looked at may take, so that none of it is lost.
MAX_BYTES = 1_048_576
MAX_OF_CHARACTER = 4

# These carry no text of an application's.
UNTOUCHED = frozenset({
    bool, float, complex, type(None), dt.datetime, dt.date, dt.time, dt.timedelta, Decimal, UUID,
    ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network,
})  # fmt: skip
_CONTAINERS = frozenset({dict, list, tuple, set, frozenset, deque})
_SECRET = Rule("secret", "strong")
# Headers that hold several values, each with its name.
_IN_PARTS = frozenset({"cookie", "authorization"})


def _is_label(item: str, key: str, rule: Rule | None) -> bool:
    """Tell whether a value is its name as a form shows it: `{"password": "Password"}`."""
    return item != key and item.lower() == key.lower() and not (rule is not None and rule.sort == "user")


def _inherited(rule: Rule | None, item: Any) -> Rule | None:
    """Return the rule of a mapping's own name for a member: `{"auth": {"scope": ["read", "write"]}}` is no login."""
    listed = rule is not None and type(item) in (list, tuple) and structures.is_login(item, rule)
    return None if listed and type(item[1]) is str and not looks_chosen(item[1]) else rule


def _is_headers(value: Any, rule: Rule | None) -> bool:
    """Tell whether a sequence holds several headers of cookies, each of which keeps its names."""
    return rule is not None and rule.kind == "cookie" and all(type(item) is str and "=" in item for item in value)


class Walk:
    """One walk over one value, and what is left of its budget.

    Args:
        text: Redacts one text.
        rules: How keys are judged.
        censor: What stands in a secret's place.
        plans: What is known of the keys of mappings.
        memo: What was found before.
        budget: What the record may still cost.
    """

    __slots__ = ("_budget", "_censor", "_characters", "_memo", "_nodes", "_path", "_plans", "_rules", "_text")

    def __init__(
        self,
        text: Callable[[str, Budget], str],
        rules: KeyRules,
        censor: Censor,
        plans: Plans,
        memo: Memo,
        budget: Budget,
    ) -> None:
        self._budget = budget
        self._plans = plans
        self._memo = memo
        self._text = text
        self._rules = rules
        self._censor = censor
        self._nodes = MAX_NODES
        self._characters = MAX_CHARACTERS
        self._path: tuple[str, ...] = ()

    def value(self, value: Any, rule: Rule | None, depth: int = 0) -> Any:
        """Return `value`, which stands under a key of that rule, without its secrets."""
        self._nodes -= 1
        if self._nodes < 0:
            return "[WITHHELD: size]"
        kind = type(value)
        if kind is str:
            return self._string(value, rule)
        if kind in UNTOUCHED:
            return value
        if kind is int:
            return self._number(value, rule)
        if depth >= MAX_DEPTH:
            return "[WITHHELD: depth]"
        return self._container(value, kind, rule, depth)

    def _string(self, value: str, rule: Rule | None) -> str:
        self._characters -= len(value)
        if self._characters < 0:
            return "[WITHHELD: size]"
        if rule is None:
            return self._text(value, self._budget)
        memo = self._memo
        if not memo.remembers or len(value) > MAX_LENGTH:
            return self._under(value, rule)
        key = memo.key(value)
        known = memo.named(key, rule)
        if known is None:
            known = self._under(value, rule)
            if not self._budget.withheld:
                memo.keep_named(key, rule, known)
        return known

    def _under(self, value: str, rule: Rule) -> str:
        """Judge a text that stands under a name of that rule."""
        if self._is_secret(value, rule):
            if rule.kind in _IN_PARTS and "=" in value and (named := self._in_parts(value, rule.kind)) is not None:
                return named
            return self._censor.replacement(value, rule.kind)
        text = self._text(value, self._budget)
        # Without the secret in it, what is left may look like one: as a second pass would see it.
        return self._censor.replacement(value, rule.kind) if text != value and self._is_secret(text, rule) else text

    def _in_parts(self, value: str, kind: str) -> str | None:
        """Return what a header holds with the names of its cookies or parameters; None if it holds anything else."""
        sealed = self._censor.seal(value)
        spans = cookies.values(sealed) if kind == "cookie" else web.parameters(sealed)
        if spans is None:
            return None
        for start, end in reversed(spans):
            value = value[:start] + self._censor.replacement(value[start:end], kind) + value[end:]
        return value

    def _is_secret(self, value: str, rule: Rule) -> bool:
        return not self._censor.seen(value) and is_secret(self._censor.seal(value), rule, quoted=True)

    def _number(self, value: int, rule: Rule | None) -> int | str:
        if rule is None and -CARD_FROM < value < CARD_FROM:
            return value
        if value.bit_length() > MAX_INT_BITS:
            return f"<int of {value.bit_length()} bits>"
        digits = str(abs(value))
        if rule is not None and rule.sort != "weak" and is_secret(digits, rule):
            return self._censor.replacement(digits, rule.kind)
        if pii.number_kind(digits) == "card":
            return self._censor.replacement(digits, "card")
        return value

    def _container(self, value: Any, kind: type, rule: Rule | None, depth: int) -> Any:
        if kind in _CONTAINERS:
            rule = structures.without_counters(value, rule) if rule else None
        if kind is dict:
            return self._opened(value, rule, depth) or self._whole(value, rule) or self.mapping(value, rule, depth)
        if kind is list or kind is tuple:
            return (
                self._opened_all(value, kind, rule, depth)
                or (self._whole(value, rule) if not _is_headers(value, rule) else None)
                or kind(self._sequence(value, rule, depth))
            )
        if kind in _CONTAINERS:
            return self._whole(value, rule) or kind(self._items(value, rule, depth))
        if kind is bytes or kind is bytearray:
            return self._bytes(value, rule)
        return self._other(value, kind, rule, depth)

    def _other(self, value: Any, kind: type, rule: Rule | None, depth: int) -> Any:
        if issubclass(kind, str):
            return self._string(str.__str__(value), rule)
        if issubclass(kind, int):
            return self._number(int.__int__(value), rule)
        if issubclass(kind, float):
            return float.__float__(value)
        if issubclass(kind, dict):
            rule = structures.without_counters(value, rule)
            return self._whole(value, rule) or self.mapping(value, rule, depth)
        if issubclass(kind, Enum) and rule is None and type(value._name_) is str:
            rule = self._rules.rule(value._name_)  # an environment's names: Settings.DB_PASSWORD
        if kind is MappingProxyType:
            held = islice(value.items(), MAX_NODES + 1)  # of any mapping, which may have no end
            return self.mapping(dict(held), rule, depth)
        if issubclass(kind, PurePath):
            text = str(value)
            clean = self._string(text, rule)
            return value if clean == text else clean
        return self._shown(value, rule, depth)

    def _shown(self, value: Any, rule: Rule | None, depth: int) -> Any:
        """Anything else becomes text: what `rendering` says of it, redacted by structure first."""
        shown = rendering.plain(value)
        if type(shown) in (dict, list):
            clean = self.value(shown, rule, depth)
            return clean if type(clean) is str else self._text(rendering.text(clean), self._budget)
        return self._string(shown if type(shown) is str else rendering.text(shown), rule)

    def _bytes(self, value: bytes, rule: Rule | None) -> bytes:
        missing = len(value) - MAX_BYTES
        head = value if missing <= 0 else value[:MAX_BYTES]
        encoding = "utf-8"
        try:
            text = head.decode(encoding)
        except UnicodeDecodeError as error:
            if missing > 0 and error.start > MAX_BYTES - MAX_OF_CHARACTER:  # only the last character was cut
                text = head[: error.start].decode(encoding)
            else:
                encoding = "latin-1"
                text = head.decode(encoding)
        clean = self._string(text, rule)
        if missing > 0:
            return clean.encode(encoding, "backslashreplace") + b"[CUT: %d bytes missing]" % missing
        return value if clean == text else clean.encode(encoding, "backslashreplace")

    def _whole(self, value: Any, rule: Rule | None) -> str | None:
        """A container under a secret's key goes as a whole."""
        if rule is None or rule.sort in ("weak", "digits"):
            return None
        return self._censor.replacement(rendering.text(value) if self._censor.marker == "[token]" else "", rule.kind)

    def _opened(self, value: dict[Any, Any], rule: Rule | None, depth: int) -> dict[str, Any] | None:
        """Return a mapping under a secret's key that says itself what of it is secret; None for any other."""
        if rule is None or rule.sort not in ("strong", "code") or self._rules.uses_paths:
            return None
        if rule.kind == "token" and structures.is_lexeme(value):
            return self.mapping(value, None, depth)
        if members.is_schema(value) or (
            rule.kind != "password" and members.are_metadata(value, codes=rule.sort == "code")
        ):
            return self.mapping(value, None, depth)
        only_text = all(type(item) is str for item in value.values())
        shown = members.shown_of(value, self._rules, rule.kind, only_text=only_text)
        if shown is None:
            return None
        result: dict[str, Any] = {}
        for name, item in value.items():
            own = self._rules.rule(name)
            if own is None or own.sort == "weak" or rule.kind == "password":
                own = None if name in shown else rule
            if own is rule and members.is_hidden(name, item, rule) and not self._censor.seen(str(item)):
                clean = self._censor.replacement(str(item), rule.kind)
            else:
                clean = self.value(item, None if own is rule and type(item) is str else own, depth + 1)
            if not (self._censor.removes and own is not None and clean == self._censor.marker):
                result[self._name(name)] = clean
        return result

    def _opened_all(self, value: Any, kind: Any, rule: Rule | None, depth: int) -> Any:
        if not 0 < len(value) <= members.MAX_MEMBERS or not all(type(item) is dict for item in value):
            return None
        opened = [self._opened(item, rule, depth + 1) for item in value]
        return None if None in opened else kind(opened)

    def mapping(self, value: dict[Any, Any], rule: Rule | None, depth: int) -> dict[Any, Any]:
        """Return a new dict of what a mapping holds, judged key by key."""
        if rule is None and type(value) is dict and len(value) <= MAX_PLAN and TEXT_ONLY.issuperset(map(type, value)):
            plan = self._plans.of(tuple(value), inner=True)
            if plan is not None and len(plan) < self._nodes:
                return self._planned(value, plan, depth)
        return self._one_by_one(value, rule, depth)

    def _planned(self, value: dict[str, Any], plan: Plan, depth: int) -> dict[Any, Any]:
        """Judge the values of keys that are known: what most leaves are is told here, without a call."""
        result = dict(value)
        clean = self._memo.clean
        for key, rule in plan:
            item = value[key]
            kind = type(item)
            if rule is None:
                if kind is str and item in clean:
                    self._nodes -= 1
                    self._characters -= len(item)
                    continue
                if kind in UNTOUCHED:
                    self._nodes -= 1
                    continue
            result[key] = self.member(key, item, structures.rule_among(key, item, rule, value), depth)
        return result

    def begin(self, key: str) -> Rule | None:
        """Return the rule of a record's field, with which paths of names begin."""
        self._path = ()
        return self._rule(key)

    def field(self, key: Any, item: Any, rule: Rule | None, siblings: Mapping[Any, Any], depth: int = -1) -> Any:
        """Judge a field of a record or a member of a mapping: what its neighbours say of it counts, too."""
        if type(key) is str:
            rule = structures.rule_among(key, item, rule, siblings)
            if type(item) is list or type(item) is tuple:
                table = tables.table(siblings, self._rules) if key in tables.ROWS else None
                if table is not None and table[0] == key:
                    return self._rows(item, table[1], depth)
                if rule is None and tables.login_of(siblings, key):
                    return self._login(item, depth + 1)
        return self.member(key, item, rule, depth)

    def member(self, key: Any, item: Any, rule: Rule | None, depth: int = -1) -> Any:
        """Judge a value in a mapping; `{"api": {"key": ...}}` by both names."""
        if type(item) is str and type(key) is str and len(item) == len(key) and _is_label(item, key, rule):
            return item
        clean = self.value(item, rule, depth + 1)
        if type(item) is dict and type(key) is str and key in structures.TEXTS and type(clean) is dict:
            for name, text in item.items():
                if name in clean and structures.is_text(text):
                    clean[name] = self.value(text, None, depth + 2)
        if type(item) is dict and rule is None and type(key) is str and type(clean) is dict:
            for name in structures.GENERAL:
                if type(item.get(name)) in (str, int) and name in clean:
                    joined = self._rules.rule(f"{key} {name}")
                    if joined is not None and joined.sort != "weak":
                        clean[name] = self.value(item[name], joined, depth + 2)
        return clean

    def _one_by_one(self, value: dict[Any, Any], rule: Rule | None, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        named = structures.named(value, self._rules)
        path = self._path
        twins: dict[Any, int] = {}
        items: Iterable[tuple[Any, Any]] = dict.items(value)
        for key, item in items:
            if type(key) is str:
                own = structures.one_time(key, value) or self._rule(key) or _inherited(rule, item)
                if named is not None and structures.is_value_key(key.lower()):
                    own = named
                elif structures.is_secret_data(value, key):
                    own = _SECRET
                name: Any = self._name(key)
            else:
                own = self._rule_of_other(key) or rule
                name = self._key(key, depth)
            clean = self.field(key, item, own, value, depth)
            self._path = path
            if self._censor.removes and clean == self._censor.marker and own is not None:
                continue
            while name in result:
                twins[name] = number = twins.get(name, 1) + 1
                name = f"{name}~{number}"
            result[name] = clean
            if self._nodes < 0 or self._budget.is_spent():
                break
        return result

    def _login(self, pair: Any, depth: int) -> Any:
        return type(pair)([self.value(pair[0], None, depth + 1), self.value(pair[1], _PASSWORD, depth + 1)])

    def _rows(self, rows: Any, rules: list[Rule | None], depth: int) -> Any:
        """Judge the rows of a table whose columns have these rules."""
        result: list[Any] = []
        if len(rows) == len(rules) and not any(type(cell) in (list, tuple, dict) for cell in rows):
            return self._rows((rows,), rules, depth)[0]  # one row
        for row in rows:
            if type(row) in (list, tuple) and len(row) == len(rules):
                cells = [self.value(cell, rule, depth + 2) for cell, rule in zip(row, rules, strict=True)]
                result.append(type(row)(cells))
            else:
                result.append(self.value(row, None, depth + 1))
            if self._nodes < 0 or self._budget.is_spent():
                break
        return type(rows)(result)

    def _name(self, key: str) -> str:
        """Return a key without secrets, no longer than a formatter shows; once there were many, without its text."""
        self._characters -= len(key)
        return self._text(rendering.cut(key, MAX_KEY), self._budget) if self._characters >= 0 else "[WITHHELD: size]"

    def _rule(self, key: str) -> Rule | None:
        if not self._rules.uses_paths:
            return self._rules.rule(key)
        self._path = (*self._path, key)
        return self._rules.rule_of_path(self._path)

    def _rule_of_other(self, key: Any) -> Rule | None:
        """Return the rule of a key that is no str by what it says of itself."""
        kind = type(key)
        if kind in UNTOUCHED or kind is int:
            return None
        weak: Rule | None = None
        for name in structures.names_of(key):
            rule = self._rules.rule(name)
            if rule is not None and rule.sort != "weak":
                return rule
            weak = weak or rule
        return weak

    def _key(self, key: Any, depth: int) -> Any:
        kind = type(key)
        if kind in UNTOUCHED or kind is int:
            return key
        clean = self.value(key, None, depth + 1)
        return clean if type(clean) in (str, bytes, tuple, frozenset) else rendering.text(clean)

    def _sequence(self, value: Any, rule: Rule | None, depth: int) -> Iterable[Any]:
        pair = structures.pair(value, self._rules)
        if pair is None and rule is not None and structures.is_login(value, rule):
            pair = _PASSWORD
        if pair is not None:
            return [self.value(value[0], None, depth + 1), self.value(value[1], pair, depth + 1)]
        return self._items(value, rule, depth)

    def _items(self, value: Iterable[Any], rule: Rule | None, depth: int) -> Iterable[Any]:
        result = []
        flag: Rule | None = None
        if rule is None and isinstance(value, (list, tuple)):
            rules = tables.alternating(value, self._rules)
            if rules is not None:
                return [self.value(item, own, depth + 1) for item, own in zip(value, rules, strict=True)]
            value = self._arguments(value)
        for item in value:
            result.append(self.value(item, flag or rule, depth + 1))
            flag = None
            if type(item) is str and item.startswith("-") and len(item) <= MAX_NAME and "=" not in item:
                flag = self._rules.rule(item.lstrip("-"))
            if self._nodes < 0 or self._budget.is_spent():
                break
        return result

    def _arguments(self, value: Any) -> Any:
        """Return the arguments of a program without the secrets in its options: ["mysql", "-px"]."""
        command = structures.command(value)
        if command is None or len(command[0]) > self._characters:
            return value
        text, separator = command
        clean = self._text(text, self._budget)
        return value if clean == text else structures.arguments(clean, separator, len(value)) or value
