"""Stage 4: identities become tokens, wherever the record shows them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from seclog_handlers import _config, _message, rendering
from seclog_handlers._record import Mark, ensure_mark, fields_of
from seclog_handlers.errors import warn_once
from seclog_handlers.filters.stage import NAMES, WITHHELD, Stage, words
from seclog_handlers.pseudonym import DEFAULT_FIELDS, UNTOUCHED_FIELDS, Pseudonymizer, parse_keys
from seclog_handlers.redaction.censor import Censor

# Deeper containers are withheld: redaction has withheld them before.
MAX_DEPTH = 16
# Longer integers are no identity.
MAX_DIGITS = 40

_CONTAINERS = frozenset({dict, list, tuple})
# Identities whose tokens are remembered together, and how long one may be for that.
MAX_KNOWN = 4096
MAX_LENGTH = 256

Pairs = Sequence[tuple[str, str]]


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
        self._known: dict[tuple[str, str], tuple[str, str, Pairs]] = {}
        if self._engine.ephemeral:
            warn_once(
                "No pseudonyms.keys are configured: tokens are random per process, so the same user has another "
                "token after a restart and in another process. Set pseudonyms.keys = env:NAME or file:PATH.",
                key="ephemeral pseudonyms",
            )

    def _apply(self, record: logging.LogRecord) -> None:
        attributes = record.__dict__
        mark = ensure_mark(record)
        found: dict[str, str] = {}
        for name in self._engine.fields:
            value = attributes.get(name)
            if value is not None and not (
                type(value) is str and (value == mark.tokens.get(name) or self._censored(value))
            ):
                attributes[name] = self._tokenised(mark, name, value, found)
        for name, value in fields_of(record).items():
            if type(value) in _CONTAINERS:
                attributes[name] = self._by_key(value, found, MAX_DEPTH)
        self._message_by_key(record, found)
        if found:
            replace_everywhere(record, list(found.items()), self._engine, mark.tokens)

    def _message_by_key(self, record: logging.LogRecord, found: dict[str, str]) -> None:
        msg, args = record.__dict__.get("msg"), record.__dict__.get("args")
        if type(msg) in _CONTAINERS:
            record.msg = self._by_key(msg, found, MAX_DEPTH)
        if args is not None and args != ():
            record.args = self._by_key(args, found, MAX_DEPTH)
            record.msg = _message.fitted(msg, args, record.args)

    def _tokenised(self, mark: Mark, name: str, value: Any, found: dict[str, str]) -> Any:
        """Return the token of a field's value, and add what is to be looked for elsewhere to `found`."""
        known = self._known.get((name, value)) if type(value) is str else None
        if known is None:
            token = self._engine.token(name, value)
            if token is None:
                return rendering.plain(value)
            known = token, self._engine.state_key(name, value), self._engine.pairs({name: value})
            self._remember(name, value, known)
        token, mark.state_keys[name], pairs = known
        found.update(pairs)
        mark.tokens[name] = token
        return token

    def _remember(self, name: str, value: Any, known: tuple[str, str, Pairs]) -> None:
        if type(value) is str and len(value) <= MAX_LENGTH:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[name, value] = known

    def _by_key(self, value: Any, found: dict[str, str], depth: int) -> Any:
        """Return `value` with the identities that stand under their names inside containers as tokens."""
        kind = type(value)
        if not depth:
            return value if kind not in _CONTAINERS else WITHHELD
        if kind is list or kind is tuple:
            return kind([self._by_key(item, found, depth - 1) for item in value])
        if not isinstance(value, dict):
            return value
        copy = {} if kind is dict else value.copy()
        for key, item in dict.items(value):
            if type(key) is str and key in self._fields:
                copy[key] = self._nested(key, item, found)
            else:
                copy[key] = self._by_key(item, found, depth - 1)
        return copy

    def _nested(self, key: str, value: Any, found: dict[str, str]) -> Any:
        if type(value) is str and (value in found.values() or self._censored(value)):
            return value
        token = self._engine.token(key, value)
        if token is None:
            return value
        found.update(self._engine.pairs({key: value}))
        return token


def replace_everywhere(
    record: logging.LogRecord,
    pairs: Pairs,
    engine: Pseudonymizer,
    skip: Collection[str],
) -> None:
    """Replace raw values by what stands for them in the message, its arguments, the extras, the exception text.

    Args:
        record: The record, whose attributes are replaced.
        pairs: (raw text, what is shown instead).
        engine: Finds the raw texts.
        skip: Fields that are left alone, beside those whose words come from a closed vocabulary.
    """
    attributes = record.__dict__
    before = attributes.get("args")
    args = _replaced(before, pairs, engine, MAX_DEPTH) if before else before
    msg = _message.fitted(attributes.get("msg"), before, args)
    record.msg, record.args = _message.rewrite(msg, args, lambda text: engine.spans(text, pairs))
    for key in ("exc_text", "stack_info", *NAMES):
        value = attributes.get(key)
        if type(value) is str:
            attributes[key] = engine.replace(value, pairs)
    for key, value in fields_of(record).items():
        if key not in UNTOUCHED_FIELDS and key not in skip:
            attributes[key] = _replaced(value, pairs, engine, MAX_DEPTH)


def _replaced(value: Any, pairs: Pairs, engine: Pseudonymizer, depth: int) -> Any:
    """Return `value` with raw values replaced in new containers."""
    kind = type(value)
    if kind is str:
        return engine.replace(value, pairs)
    if kind is int:
        return _replaced_number(value, pairs)
    if kind is float or kind is bool or value is None:
        return value
    if not depth:
        return WITHHELD
    if kind is list or kind is tuple:
        return kind([_replaced(item, pairs, engine, depth - 1) for item in value])
    if isinstance(value, dict):
        copy = {} if kind is dict else value.copy()
        for key, item in dict.items(value):
            copy.pop(key, None)
            name = engine.replace(key, pairs) if type(key) is str else key
            copy[name] = _replaced(item, pairs, engine, depth - 1)
        return copy
    text = rendering.text(value)
    replaced = engine.replace(text, pairs)
    return value if replaced == text else replaced


def _replaced_number(value: int, pairs: Pairs) -> Any:
    if abs(value) < 10**MAX_DIGITS:
        text = str(value)
        for raw, token in pairs:
            if raw == text:
                return token
    return value
