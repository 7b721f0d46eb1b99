"""Stage 4: identities become tokens, wherever the record shows them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from seclog_handlers import _config, _message, rendering
from seclog_handlers._occurrences import BEYOND, MAX_DEPTH, Search, may_show
from seclog_handlers._record import REDACTED, Mark, ensure_mark, fields_of
from seclog_handlers.errors import warn_once
from seclog_handlers.filters.stage import WITHHELD, Kind, Stage, words
from seclog_handlers.filters.surfaces import CONTAINERS, Surfaces, bound, replace_everywhere
from seclog_handlers.pseudonym import DEFAULT_FIELDS, Identity, Pseudonymizer, parse_keys
from seclog_handlers.redaction.censor import Censor

# Identities of one field that are remembered, and how long one may be for that.
MAX_KNOWN = 2048
MAX_LENGTH = 256


class PseudonymFilter(Stage):
    """Turn identities into keyed tokens, wherever the record shows them.

    Args:
        fields: Fields that hold an identity; default username, user_id, session_id, email.
        keys: Keys, oldest first, `id:value` or bare, at least 16 bytes each; may be `env:NAME` or `file:PATH`.
            Without any, tokens are random per process and a warning says so.
        scope: Separates tenants: the same identity has another token in another scope.
        pseudonymizer: A ready one instead.
        censored: Whether a text is what redaction has left of an identity, such as an e-mail address inside a
            container: that stays, since it is nobody's. By default, for the default marker.
    """

    protects = True
    repeats = True

    def __init__(
        self,
        fields: Iterable[str] | str = DEFAULT_FIELDS,
        keys: Iterable[str] | str = (),
        scope: str = "",
        pseudonymizer: Pseudonymizer | None = None,
        censored: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__()
        self._engine = pseudonymizer or Pseudonymizer(
            fields=words("pseudonyms.fields", fields),
            keys=parse_keys("pseudonyms.keys", _config.plain(keys)),
            scope=scope,
        )
        self._censored = censored or Censor().seen
        self._fields = frozenset(self._engine.fields)
        self._surfaces = Surfaces(self._fields, self._fields)
        self._known: tuple[tuple[str, dict[Any, Identity]], ...] = tuple([(name, {}) for name in self._engine.fields])
        if self._engine.ephemeral:
            warn_once(
                "No pseudonyms.keys are configured: tokens are random per process, so the same user has another "
                "token after a restart and in another process. Set pseudonyms.keys = env:NAME or file:PATH.",
                key="ephemeral pseudonyms",
            )

    def concerns(self, kind: Kind) -> bool:
        """Only records that may tell who somebody is: a plain message has no field that would."""
        return bool(kind.fields) or not kind.bare

    def leaves(self, name: str) -> bool:
        """Only what holds no identity."""
        return name not in self._fields

    def _apply(self, record: logging.LogRecord) -> None:
        attributes = record.__dict__
        mark = ensure_mark(record)
        if REDACTED not in mark.applied:
            bound(record)
        tokens, state_keys = mark.tokens, mark.state_keys
        again = bool(tokens)
        found: list[Identity] = []
        searched: tuple[str, ...] = ()
        odd = False
        for name, known in self._known:
            value = attributes.get(name)
            if value is None:
                continue
            kind = type(value)
            identity = known.get(value) if kind is str or kind is int else None
            if identity is None or (again and value == tokens.get(name)):
                identity = self._met(mark, name, value, known)
                if identity is None:
                    odd = self._keep(attributes, name, value) or odd
                    continue
            token, state_keys[name], _, needles = identity
            attributes[name] = tokens[name] = token
            searched += needles
            found.append(identity)
        mark.searched = searched
        text = None if odd else self._surfaces.text(attributes, mark.derived) if searched else ""
        if text is None or (not searched and self._surfaces.names_inside(attributes)):
            mark.searched = None
            self._thoroughly(record, mark, found)
        elif may_show(text, searched):
            self._everywhere(record, mark, _pairs(found))

    def _met(self, mark: Mark, name: str, value: Any, known: dict[Any, Identity]) -> Identity | None:
        """Return the identity in a field and remember it; None for what is nobody's, or a token already."""
        kind = type(value)
        if kind is str and (value == mark.tokens.get(name) or self._censored(value)):
            return None
        identity = self._engine.identity(name, value)
        if identity is not None and (len(value) <= MAX_LENGTH if kind is str else kind is int and abs(value) < BEYOND):
            if len(known) >= MAX_KNOWN:
                known.clear()
            known[value] = identity
        return identity

    def _keep(self, attributes: dict[str, Any], name: str, value: Any) -> bool:
        """Leave what is no identity in its field; tell whether it might show one."""
        if type(value) is str:
            return bool(value)
        attributes[name] = rendering.plain(value)
        return False

    def _thoroughly(self, record: logging.LogRecord, mark: Mark, identities: Iterable[Identity]) -> None:
        """Look into every container for identities under their names, then for all of them everywhere."""
        found = _pairs(identities)
        if self._surfaces.names_inside(record.__dict__):
            self._containers_by_key(record, mark, found)
        self._everywhere(record, mark, found)

    def _everywhere(self, record: logging.LogRecord, mark: Mark, found: dict[str, str]) -> None:
        if found:
            replace_everywhere(record, Search(list(found.items())), mark.tokens)

    def _containers_by_key(self, record: logging.LogRecord, mark: Mark, found: dict[str, str]) -> None:
        attributes = record.__dict__
        made = set(mark.made)
        for name, value in fields_of(record).items():
            if type(value) in CONTAINERS:
                attributes[name] = self._by_key(value, found, made, MAX_DEPTH)
        msg, args = attributes.get("msg"), attributes.get("args")
        if type(msg) in CONTAINERS:
            record.msg = self._by_key(msg, found, made, MAX_DEPTH)
        if args is not None and args != ():
            record.args = self._by_key(args, found, made, MAX_DEPTH)
            record.msg = _message.fitted(msg, args, record.args)
        mark.made = frozenset(made)

    def _by_key(self, value: Any, found: dict[str, str], made: set[str], depth: int) -> Any:
        """Return `value` with the identities that stand under their names inside containers as tokens."""
        kind = type(value)
        if not depth:
            return value if kind not in CONTAINERS else WITHHELD
        if kind is list or kind is tuple:
            return kind([self._by_key(item, found, made, depth - 1) for item in value])
        if not isinstance(value, dict):
            return value
        copy = {} if kind is dict else value.copy()
        for key, item in dict.items(value):
            if type(key) is str and key in self._fields:
                copy[key] = self._nested(key, item, found, made)
            else:
                copy[key] = self._by_key(item, found, made, depth - 1)
        return copy

    def _nested(self, key: str, value: Any, found: dict[str, str], made: set[str]) -> Any:
        if type(value) is str and (value in made or value in found.values() or self._censored(value)):
            return value
        token = self._engine.token(key, value)
        if token is None:
            return value
        found.update(self._engine.pairs({key: value}))
        made.add(token)
        return token


def _pairs(identities: Iterable[Identity]) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, _, pairs, _ in identities:
        found.update(pairs)
    return found
