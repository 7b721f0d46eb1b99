"""One event on its way through the detector: its group and values, as the state knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seclog_handlers.detection.compiled import Counter
    from seclog_handlers.detection.conditions import Event
    from seclog_handlers.detection.fields import Field

CACHE_SIZE = 4096

# What access.py writes into the field `source` of the events that it makes.
ACCESS_LOG = "access_log"

_MISSING: Any = object()


class Identities:
    """The keyed text that stands for a value in the state, remembered for a while.

    Args:
        state_key: (field, value) -> that text.
    """

    def __init__(self, state_key: Callable[[str, Any], str]) -> None:
        self._state_key = state_key
        self._known: dict[tuple[str, str], str] = {}

    def of(self, field: str, text: str) -> str:
        """Return what stands for `text` in `field`."""
        known = self._known.get((field, text))
        if known is None:
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            known = self._known[field, text] = self._state_key(field, text)
        return known


class Case:
    """One event, and what the rules ask about it.

    Args:
        event: Its fields.
        now: Event time in milliseconds.
        state_keys: Stable keys of the identities that it shows as tokens, by field.
        identities: Keys of everything else.

    Attributes:
        own: Whether the application itself logged it; otherwise an access log did.
    """

    __slots__ = ("_groups", "_identities", "_state_keys", "event", "now", "own")

    def __init__(
        self, event: Event, now: int, state_keys: Mapping[str, str] | None, identities: Identities,
    ) -> None:  # fmt: skip
        self.event = event
        self.now = now
        self.own = event.get("source") != ACCESS_LOG
        self._state_keys = state_keys
        self._identities = identities
        self._groups: dict[str, str | None] = {}

    def key(self, counter: Counter) -> str | None:
        """Return the key of the event's group under a counter, or None if the event lacks a field of it."""
        group = self._groups.get(counter.group, _MISSING)
        if group is _MISSING:
            group = self._groups[counter.group] = self._group(counter.by)
        return None if group is None else counter.prefix + group

    def _group(self, by: tuple[Field, ...]) -> str | None:
        parts = []
        for field in by:
            part = self._identity(field)
            if part is None:
                return None
            parts.append(part)
        return ":".join(parts)

    def _identity(self, field: Field) -> str | None:
        text = field.value(self.event)
        if text is None:
            return None
        if field.prefix is None and self._state_keys:
            known = self._state_keys.get(field.name)
            if known is not None:
                return known
        return self._identities.of(field.name, text)

    def value(self, fields: tuple[Field, ...]) -> str | None:
        """Return 32 bits that stand for the values of these fields together, as digits; None without any."""
        parts = [self._identity(field) or "" for field in fields]
        if not any(parts):
            return None
        whole = parts[0] if len(parts) == 1 else self._identities.of("value", ":".join(parts))
        return format(int(whole[:8], 16), "x")
