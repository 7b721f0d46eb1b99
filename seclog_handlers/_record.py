"""Private copies of log records, their event fields, and the mark of what was applied to them."""

from __future__ import annotations

import logging
from typing import Any

# What logging itself puts on a record (3.10 to 3.14); every other attribute came from `extra`.
STANDARD = frozenset({
    "name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info", "exc_text",
    "stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated", "thread", "threadName",
    "processName", "process", "taskName", "message", "asctime",
})  # fmt: skip

MARK = "_seclog"
_NO_FIELDS = STANDARD | {MARK}

# In Mark.applied: the keys of a dict message are fields already.
LIFTED = "lifted"
# In Mark.applied: redaction has bounded what the record holds.
REDACTED = "redaction"
# In Mark.applied: the record was made in a request whose response will be logged as an event.
IN_REQUEST = "request"
MAX_LIFTED = 1000
MAX_NAME = 1000

# Fields that the pack adds to events: an application's own value of one moves to `extra.<name>`.
DERIVED = frozenset({
    "geo_location", "risk_score", "risk_factors", "risk_level", "missing_permissions", "excess",
    "security_headers", "trusted", "seclog_error", "log_injection", "impossible_travel", "left_out",
})  # fmt: skip

PROCESS = object()  # forked children share it, unpickled marks from elsewhere do not


class Repeat:
    """Carried by the marks of records that came out of their stages alike; what follows may be remembered on it.

    Attributes:
        names: The attributes that have equal values in all of these records. Later stages may set others.
        memory: Whoever works on these records -> what it remembers of them.
    """

    __slots__ = ("memory", "names")

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.memory: dict[Any, Any] = {}


_NOTHING: frozenset[str] = frozenset()


class Mark:
    """What this process has done to a record, carried on it under a name that is no field.

    Attributes:
        applied: Names of the stages that have run.
        derived: Fields that the pack set, so that a second pass does not take them for the application's.
        tokens: field -> token, as PseudonymFilter wrote it; its field then holds a token, no identity.
        state_keys: field -> stable key of the identity, for detection state (independent of key rotation).
        output: Constant fields and renames for formatters, from the policy: {"service", "static", "fields"}.
        mode: The mode under which the record was handled.
        searched: What PseudonymFilter looked for on every surface; None if that was more than it can say.
        repeat: What is shared by records that came out like this one, once it is known that there are some.
        made: Tokens that PseudonymFilter wrote into containers: a second pass takes them for no identities.
    """

    __slots__ = ("applied", "derived", "made", "mode", "origin", "output", "repeat", "searched", "state_keys", "tokens")

    def __init__(self, output: Any = None, mode: str = "full") -> None:
        self.origin = PROCESS
        self.applied: set[str] = set()
        self.derived: set[str] = set()
        self.tokens: dict[str, str] = {}
        self.state_keys: dict[str, str] = {}
        self.output = output
        self.mode = mode
        self.searched: tuple[str, ...] | None = ()
        self.made: frozenset[str] = _NOTHING
        self.repeat: Repeat | None = None

    def copy(self) -> Mark:
        """Return a mark that can change without this one."""
        twin = Mark(self.output, self.mode)
        twin.applied, twin.derived = set(self.applied), set(self.derived)
        twin.tokens, twin.state_keys, twin.made = dict(self.tokens), dict(self.state_keys), self.made
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as nothing: a mark is worth no trust in another process."""
        return (type(None), ())


def mark_of(record: logging.LogRecord) -> Mark | None:
    """Return the record's mark, or None; what an application put under that name is data, not a mark."""
    mark = record.__dict__.get(MARK)
    if type(mark) is Mark and mark.origin is PROCESS:
        return mark
    return None


def ensure_mark(record: logging.LogRecord) -> Mark:
    """Return the record's mark, made now if it has none."""
    attributes = record.__dict__
    mark = attributes.get(MARK)
    if type(mark) is Mark and mark.origin is PROCESS:  # as mark_of, without a call: every stage asks
        return mark
    if MARK in attributes:
        attributes["extra." + MARK] = attributes[MARK]
    mark = attributes[MARK] = Mark()
    return mark


def private_copy(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy whose attributes can be replaced without the caller or another handler noticing.

    The containers inside are still shared: stages build new ones.
    """
    kind = type(record)
    try:
        copy: logging.LogRecord = kind.__new__(kind)
        attributes = copy.__dict__ = record.__dict__.copy()  # as a whole: half the price of filling the empty one
    except Exception:  # a record class of the application's with its own ideas
        copy = logging.makeLogRecord(dict(record.__dict__))
        attributes = copy.__dict__
    if MARK in attributes:
        mark = mark_of(record)
        if mark is not None:
            attributes[MARK] = mark.copy()
    return copy


# Names of a record's attributes -> names of its fields: a program logs few shapes, and telling the fields of a shape
# that was seen before costs a third of looking at each name.
_shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
MAX_SHAPES = 512
# Larger sets of names, and longer names, are remembered nowhere.
MAX_SHAPE_NAMES = 64
MAX_SHAPE_NAME = 64


def field_names(attributes: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of a record's fields, in their order."""
    shape = tuple(attributes)
    names = _shapes.get(shape)
    return _fields_of_shape(shape) if names is None else names


def is_memorable(names: tuple[Any, ...]) -> bool:
    """Tell whether a set of names is small enough to be remembered."""
    return len(names) <= MAX_SHAPE_NAMES and all(type(name) is str and len(name) <= MAX_SHAPE_NAME for name in names)


def _fields_of_shape(shape: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple([name for name in shape if name not in _NO_FIELDS])
    if is_memorable(shape):
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        _shapes[shape] = names
    return names


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields that came from `extra`, or were added by the pack, in their order."""
    attributes = record.__dict__
    return {name: attributes[name] for name in field_names(attributes)}


def lift_message(record: logging.LogRecord) -> None:
    """Make the keys of a dict message fields of the record, so that every stage treats them as such.

    A field of `extra` goes before a key of the message; a name that logging itself uses becomes `extra.<name>`.
    """
    attributes = record.__dict__
    for key, value in list(attributes["msg"].items())[:MAX_LIFTED]:
        if type(key) is str and len(key) <= MAX_NAME:  # a longer one is seen in the message
            name = "extra." + key if key in _NO_FIELDS else key
            attributes.setdefault(name, value)
    ensure_mark(record).applied.add(LIFTED)


def is_lifted(record: logging.LogRecord) -> bool:
    """Whether the keys of the record's dict message are fields of the record already."""
    mark = mark_of(record)
    return mark is not None and LIFTED in mark.applied


def settle_message(record: logging.LogRecord) -> None:
    """Let a record class with its own idea of messages say what it has to, once: from then on it is a plain record.

    Otherwise a formatter would ask it again, and be told what the record held before it was redacted.
    """
    message = record.getMessage()
    record.__class__ = logging.LogRecord
    record.__dict__.update(msg=message, args=())


def derive(record: logging.LogRecord, name: str, value: Any) -> None:
    """Set a field that the pack owns; an application's own value of it moves to `extra.<name>`."""
    mark = ensure_mark(record)
    reserve(record, name)
    mark.derived.add(name)
    record.__dict__[name] = value


def reserve(record: logging.LogRecord, name: str) -> None:
    """Move an application's own value of a field that the pack owns to `extra.<name>`."""
    mark = mark_of(record)
    attributes = record.__dict__
    if name in attributes and (mark is None or name not in mark.derived):
        attributes["extra." + name] = attributes.pop(name)


def note_error(record: logging.LogRecord, stage: str, error: BaseException) -> None:
    """Say on the record which stage failed with what type of exception; never its text."""
    earlier = record.__dict__.get("seclog_error")
    mark = ensure_mark(record)
    known = list(earlier) if "seclog_error" in mark.derived and type(earlier) is list else []
    derive(record, "seclog_error", [*known, f"{stage}:{type(error).__name__}"])
