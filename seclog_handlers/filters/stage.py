"""What all stages share: they change the record and let it pass, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from seclog_handlers import _config, rendering
from seclog_handlers._record import MARK, MAX_LIFTED, MAX_NAME, STANDARD, mark_of, note_error

WITHHELD = "[WITHHELD]"

# Attributes of every record that an application can put text into.
NAMES = ("name", "threadName", "processName", "taskName")

# What a withheld record may keep of its fields: no text.
_TEXTLESS = frozenset(map(id, (int, float, bool, type(None))))  # by identity: a metaclass may raise when compared


class Kind(NamedTuple):
    """What can be told of a record at a glance.

    Attributes:
        logger: Its logger's name.
        fields: The names of its fields.
        bare: Whether its message is text and has no arguments.
    """

    logger: str
    fields: tuple[str, ...]
    bare: bool


class Stage(logging.Filter):
    """One stage: changes the record and lets it pass, whatever happens.

    A stage that protects withholds what it could not judge; one that enriches goes without. Either way the
    record says so in `seclog_error`.
    """

    protects: ClassVar[bool] = False
    # Whether equal records always come out alike.
    repeats: ClassVar[bool] = False

    def leaves(self, name: str) -> bool:  # noqa: ARG002 - for stages that look at it
        """Tell whether a field of that name passes as it is as long as its value is a harmless word or number."""
        return True

    def concerns(self, kind: Kind) -> bool:  # noqa: ARG002 - for stages that look at it
        """Tell whether there may be anything to do for records of a kind."""
        return True

    def filter(self, record: logging.LogRecord) -> bool:
        """Apply the stage; always True."""
        try:
            self._apply(record)
        except Exception as error:
            self._fail(record, error)
        return True

    def _apply(self, record: logging.LogRecord) -> None:
        raise NotImplementedError

    def _fail(self, record: logging.LogRecord, error: Exception) -> None:
        try:
            if self.protects:
                withhold(record)
            note_error(record, type(self).__name__, error)
        except Exception:
            withhold(record)


def withhold(record: logging.LogRecord) -> None:
    """Replace everything that an application wrote on the record; the event itself is kept."""
    attributes = record.__dict__
    event_type = attributes.get("event_type")
    kept = {
        key: value
        for key, value in list(attributes.items())
        if type(key) is str and (key in STANDARD or key == MARK or id(type(value)) in _TEXTLESS)
    }
    attributes.clear()  # no single deletion: a key's own hash may fail
    attributes.update(kept)
    if type(event_type) is str and event_type.isidentifier():
        attributes["event_type"] = event_type
    attributes.update(msg=WITHHELD, args=(), exc_info=None, exc_text=None, stack_info=None)
    for key in NAMES:
        if attributes.get(key) is not None:
            attributes[key] = WITHHELD


def settle_names(record: logging.LogRecord) -> bool:
    """Give fields whose names are no text names that are, since `extra` takes any key; return whether there were some.

    A name that is taken, by another field or by logging itself, becomes `extra.<name>`. Beyond a thousand such fields
    their number is all that is kept.
    """
    attributes = record.__dict__
    odd = [(name, value) for name, value in attributes.items() if type(name) is not str]
    if not odd:
        return False
    kept = {name: value for name, value in attributes.items() if type(name) is str}
    for number, (key, value) in enumerate(odd[:MAX_LIFTED]):
        name = (str.__str__(key) if issubclass(type(key), str) else rendering.text(key))[:MAX_NAME]
        if name in kept or name in STANDARD or name == MARK:
            name = "extra." + name
        kept[name if name not in kept else f"extra.{number}.{name}"] = value
    if len(odd) > MAX_LIFTED:
        kept["extra.left_out"] = len(odd) - MAX_LIFTED
    attributes.clear()  # no single deletion: a key's own hash may fail
    attributes.update(kept)
    return True


def applied(record: logging.LogRecord, stage: str) -> bool:
    """Whether a stage that works once per record has run."""
    mark = mark_of(record)
    return mark is not None and stage in mark.applied


def words(key: str, value: Any) -> list[str]:
    """Read a list of words as any kind of configuration gives it."""
    value = _config.plain(value)
    return _config.as_list(key, list(value) if _is_other_iterable(value) else value)


def _is_other_iterable(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, list, dict))
