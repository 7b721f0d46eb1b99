"""One event on its way through the detector: its group and values, as the state knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from seclog_handlers.detection.acquaintances import Newcomer
    from seclog_handlers.detection.compiled import Counter
    from seclog_handlers.detection.conditions import Event
    from seclog_handlers.detection.fields import Field

# What access.py writes into the field `source` of the events that it makes.
ACCESS_LOG = "access_log"

# Longer texts are not remembered: a cache of them would be a cache of megabytes.
MAX_CACHED = 128

# Characters of a key that name the counter; what follows is the group.
PREFIX = 8

MISSING: Any = object()


def is_own(event: Event) -> bool:
    """Whether the application itself logged an event; otherwise an access log did."""
    return bool(event.get("source") != ACCESS_LOG)


class Identities:
    """The keyed text that stands for a value in the state, remembered for a while.

    Args:
        state_key: (field, value) -> that text.
        most: Values remembered.
    """

    def __init__(self, state_key: Callable[[str, Any], str], most: int) -> None:
        self._state_key = state_key
        self._most = most
        self._known: dict[tuple[str, str], str | None] = {}
        self._digits: dict[str, str] = {}

    def of(self, field: Field, raw: Any) -> str | None:
        """Return what stands for a field's value; None for a value that groups nobody."""
        if type(raw) is not str or len(raw) > MAX_CACHED:
            return self._made(field, raw)
        known = self._known.get((field.label, raw), MISSING)
        if known is MISSING:
            if len(self._known) >= self._most:
                self._known.clear()
            known = self._known[field.label, raw] = self._made(field, raw)
        found: str | None = known
        return found

    def shown(self, field: Field, event: Event, state_keys: Mapping[str, str] | None) -> str | None:
        """Return what stands for the value of an event's field; None without one."""
        raw = field.raw(event)
        if raw is None:
            return None
        if state_keys and field.whole:
            known = state_keys.get(field.name)
            if known is not None:
                return known
        return self.of(field, raw)

    def group(self, by: Sequence[Field], event: Event, state_keys: Mapping[str, str] | None) -> str | None:
        """Return what stands for the group of an event; None if it lacks one of the fields."""
        if len(by) == 1:
            return self.shown(by[0], event, state_keys)
        parts = [self.shown(field, event, state_keys) for field in by]
        return None if None in parts else ":".join(parts)  # type: ignore[arg-type]

    def key(self, name: str, text: str) -> str:
        """Return what stands for a text in a field of that name."""
        return self._state_key(name, text)

    def forget(self) -> None:
        """Forget who is known."""
        self._known.clear()
        self._digits.clear()

    def _made(self, field: Field, raw: Any) -> str | None:
        text = field.text(raw)
        # A network or a template is no identity: as a group it is told from a value that reads the same.
        return None if text is None else self._state_key(field.name if field.whole else field.label, text)

    def digits(self, identity: str) -> str:
        """Return 32 bits that stand for one or several joined identities, as digits."""
        known = self._digits.get(identity)
        if known is None:
            if len(self._digits) >= self._most:
                self._digits.clear()
            whole = self._state_key("value", identity) if ":" in identity else identity
            known = self._digits[identity] = format(int(whole[:8], 16), "x")
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
        state_keys: As given.
        groups: What is known of its groups and values, by their labels.
    """

    __slots__ = ("_identities", "event", "groups", "now", "own", "state_keys")

    def __init__(
        self, event: Event, now: int, state_keys: Mapping[str, str] | None, identities: Identities,
    ) -> None:  # fmt: skip
        self.event = event
        self.now = now
        self.own = is_own(event)
        self.state_keys = state_keys
        self._identities = identities
        self.groups: dict[str, str | None] = {}

    def raws(self, fields: Iterable[tuple[str, Callable[[Event], Any], bool]]) -> list[Any]:
        """Return values of the event as it shows them, or the keys that stand for them.

        Args:
            fields: (name, reads it, whether a key may stand for it).
        """
        event = self.event
        if self.state_keys:
            get = self.state_keys.get
            return [(whole and get(name)) or read(event) for name, read, whole in fields]
        return [read(event) for _, read, _ in fields]

    def group_of(self, counter: Counter | Newcomer) -> str | None:
        """Return what a counter's keys of this event end with; None if the event lacks a field of it."""
        group = self.groups.get(counter.group, MISSING)
        return self.group(counter) if group is MISSING else group

    def key(self, counter: Counter | Newcomer) -> str | None:
        """Return the key of the event's group under a counter, or None if the event lacks a field of it."""
        group = self.group_of(counter)
        return None if group is None else counter.prefix + group

    def group(self, counter: Counter | Newcomer) -> str | None:
        """Find out, and remember, what a counter's keys of this event end with; None as for `key`."""
        found = self.groups[counter.group] = self._identities.group(counter.by, self.event, self.state_keys)
        return found

    def _identity(self, field: Field) -> str | None:
        return self._identities.shown(field, self.event, self.state_keys)

    def value(self, counter: Counter) -> str | None:
        """Return digits that stand for the values a counter tells apart, together; None without any."""
        label = counter.values
        value = self.groups.get(label, MISSING)
        if value is MISSING:
            value = self.groups[label] = self._value(counter.distinct)
        found: str | None = value
        return found

    def _value(self, fields: tuple[Field, ...]) -> str | None:
        parts = [self._identity(field) or "" for field in fields]
        return self._identities.digits(":".join(parts)) if any(parts) else None
