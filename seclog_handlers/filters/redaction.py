"""Stage 3: secrets out of every surface of a record."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Any

from seclog_handlers import _config, rendering
from seclog_handlers._record import REDACTED, field_names, fields_of, mark_of, note_error, settle_message
from seclog_handlers.enrichment.stack import exception_pieces
from seclog_handlers.filters.stage import NAMES, Stage, settle_names, words
from seclog_handlers.filters.surfaces import Surfaces, replace_everywhere
from seclog_handlers.redaction import Redactor
from seclog_handlers.redaction.budget import Budget, TooDenseError

# What the pack made of the request's headers: names and classes under keys such as `cookies`, no value of any.
OURS = frozenset({"security_headers"})

# Attributes of text beside message and fields; the exception's comes first.
TEXTS = ("exc_text", "stack_info")
# What logging gives a record without arguments: there is but one empty tuple.
NO_ARGUMENTS: tuple[Any, ...] = ()
# Sets of names that are remembered, and how long one may be.
MAX_NAMES = 1024
MAX_NAME = 128

# Frames of tracebacks that are remembered with what is left of them; a program has a few hundred that fail.
MAX_FRAMES = 2048
MAX_STACKS = 256

_TEXT_OR_NONE = frozenset({str, type(None)})  # the hash of nested tuples may have no end
_PLAIN = frozenset(map(id, (type(None), tuple, bool, int, str)))  # by identity: a metaclass may raise when hashed

# What was logged, and what is left of it.
Changes = list[tuple[Any, Any]]

TOO_DENSE = f"RedactionFilter:{TooDenseError.__name__}"


def too_dense(record: logging.LogRecord) -> bool:
    """Tell whether a text of a record was withheld because it asked for too much work."""
    mark = mark_of(record)
    return mark is not None and "seclog_error" in mark.derived and TOO_DENSE in record.__dict__["seclog_error"]


def _is_given(exc_info: Any) -> bool:
    """Tell whether a record has an exception; the truth of an object of the application's own is not asked for."""
    return bool(exc_info) if id(type(exc_info)) in _PLAIN else True


class RedactionFilter(Stage):
    """Take secrets out of every surface of a record.

    Args:
        keys: Further sensitive keys: names, `*_suffix`, `prefix_*`, dotted paths.
        allow: Keys that are not sensitive, against the built-in rules.
        patterns: Further regular expressions whose matches are secret; in one text, one a line.
        known_values: `env:NAME`, `file:PATH` or names of environment variables by pattern (`*_PASSWORD`).
        censor: What stands in a secret's place; `[REDACTED]` by default.
        leave: Fields that a PseudonymFilter after this one turns into tokens.
        source_lines: Whether tracebacks show lines of source code, redacted as everything is.
    """

    protects = True
    repeats = True

    def __init__(
        self,
        keys: Iterable[str] | str = (),
        allow: Iterable[str] | str = (),
        patterns: Iterable[str] | str = (),
        known_values: Iterable[str] | str = (),
        censor: str | None = None,
        leave: Collection[str] = (),
        source_lines: bool | str = True,
    ) -> None:
        super().__init__()
        settings: dict[str, Any] = {} if censor is None else {"censor": censor}
        self._redactor = Redactor(
            keys=words("redact.keys", keys),
            allow=words("redact.allow", allow),
            patterns=_config.as_lines("redact.patterns", _config.plain(patterns)),
            known_values=words("redact.known_values", known_values),
            **settings,
        )
        self._leave = frozenset(leave)
        self._source_lines = _config.as_bool("redact.source_lines", source_lines)
        self._frames: dict[str, str] = {}
        self._stacks: dict[str, str] = {}
        self._clean_names: set[tuple[Any, ...]] = set()
        self._surfaces = Surfaces(self._leave)

    def censored(self, text: str) -> bool:
        """Tell whether the whole of `text` is what this filter leaves in a secret's place."""
        return self._redactor.censored(text)

    def leaves(self, name: str) -> bool:
        """Tell whether only the value of a field of that name decides what becomes of it."""
        return self._redactor.ignores(name)

    def passes(self, text: str) -> bool:
        """Tell whether a text would pass as it is."""
        return self._redactor.text(text) == text

    def _apply(self, record: logging.LogRecord) -> None:
        budget = Budget()
        changes: Changes = []
        try:
            self._redact(record, budget, changes)
        except Exception:
            if not settle_names(record):
                raise
            self._redact(record, budget, changes)
        search = self._redactor.echoes(changes, budget, lambda: self._shown(record)) if changes else None
        if search is not None:
            replace_everywhere(record, search, self._left(record))
            self._redact(record, budget, [])  # beside what was replaced now, the rest may read differently
        if budget.withheld:
            note_error(record, type(self).__name__, TooDenseError())

    def _shown(self, record: logging.LogRecord) -> str | None:
        return self._surfaces.text(record.__dict__, ())

    def _redact(self, record: logging.LogRecord, budget: Budget, changes: Changes) -> None:
        """Redact each surface for itself, and note what was changed."""
        redactor, attributes = self._redactor, record.__dict__
        if type(record).getMessage is not logging.LogRecord.getMessage:
            settle_message(record)
        msg, args = attributes.get("msg"), attributes.get("args")
        if args is not NO_ARGUMENTS or type(msg) is not str or msg not in redactor.clean:
            record.msg, record.args = redactor.message(msg, args, budget)
            if record.msg is not msg or record.args is not args:
                changes.append(((msg, args), (record.msg, record.args)))
        texts: tuple[str, ...] = TEXTS
        if _is_given(attributes.get("exc_info")):
            attributes["exc_text"] = self._traceback(attributes["exc_info"], budget, changes)
            # exc_info goes: formatters that find it would render the traceback again, unredacted.
            attributes["exc_info"] = None
            texts = texts[1:]
        for key in texts:
            value = attributes.get(key)
            if value is not None:
                text = value if type(value) is str else rendering.text(value)
                attributes[key] = clean = redactor.text(text, budget)
                if clean is not text:
                    changes.append((text, clean))
        self._redact_names(attributes)
        names = field_names(attributes)
        if names:
            self._redact_fields(record, names, budget, changes)
        mark = mark_of(record)
        if mark is not None:
            mark.applied.add(REDACTED)

    def _redact_names(self, attributes: dict[str, Any]) -> None:
        """Redact the names of logger, thread, process, task and level: few, so those that are clean are known."""
        get = attributes.get
        names = (get("name"), get("threadName"), get("processName"), get("taskName"), get("levelname"))
        try:
            if _TEXT_OR_NONE.issuperset(map(type, names)) and names in self._clean_names:
                return
        except Exception:  # a name that is no text
            pass
        clean = True
        for key, value in zip((*NAMES, "levelname"), names, strict=True):
            if value is not None:
                attributes[key] = self._redactor.text(value if type(value) is str else rendering.text(value))
                clean = clean and type(value) is str and attributes[key] == value and len(value) <= MAX_NAME
        if clean:
            if len(self._clean_names) >= MAX_NAMES:
                self._clean_names.clear()
            self._clean_names.add(names)

    def _traceback(self, exc_info: Any, budget: Budget, changes: Changes) -> str:
        """Return the text of an exception; what code's lines give is remembered, since code does not change."""
        pieces: list[str] = []
        for piece, frames in exception_pieces(exc_info, source=self._source_lines):
            if frames:
                pieces.append(self._stacks.get(piece) or self._stack(piece, frames))
            else:
                pieces.append(self._redactor.text(piece, budget))
                changes.append((piece, pieces[-1]))
        return "".join(pieces)

    def _stack(self, piece: str, frames: tuple[str, ...]) -> str:
        """Redact each frame for itself: no line of code is a secret that the one before speaks of."""
        if len(self._stacks) >= MAX_STACKS:
            self._stacks.clear()
        self._stacks[piece] = redacted = "".join([self._frames.get(frame) or self._frame(frame) for frame in frames])
        return redacted

    def _frame(self, frame: str) -> str:
        if len(self._frames) >= MAX_FRAMES:
            self._frames.clear()
        self._frames[frame] = redacted = self._redactor.text(frame)
        return redacted

    def _redact_fields(
        self, record: logging.LogRecord, names: tuple[str, ...], budget: Budget, changes: Changes
    ) -> None:  # fmt: skip
        attributes, leave = record.__dict__, self._left(record)
        changed = self._redactor.changes(attributes, names, leave, budget)
        if changed is None:
            fields = fields_of(record)
            changed = self._redactor.fields(fields, leave, budget)
            for key in fields.keys() - changed.keys():
                del attributes[key]
        if changed:
            changes += [(old, clean) for key, clean in changed.items() if (old := attributes.get(key)) is not clean]
            attributes.update(changed)

    def _left(self, record: logging.LogRecord) -> Collection[str]:
        """Return the fields that are left alone: for the stage that follows, or since the pack has made them."""
        mark = mark_of(record)
        if mark is not None and (mark.tokens or not OURS.isdisjoint(mark.derived)):
            return self._leave.union(mark.tokens, OURS & mark.derived)
        return self._leave
