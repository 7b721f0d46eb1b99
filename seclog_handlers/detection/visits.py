"""Events that came before in the same words: their groups are found in one look, and nothing is worked out anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers.detection.case import MAX_CACHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seclog_handlers.detection.acquaintances import Meeting
    from seclog_handlers.detection.compiled import Plan
    from seclog_handlers.detection.conditions import Event
    from seclog_handlers.detection.deferral.groups import Group
    from seclog_handlers.detection.deferral.routes import Label


_SCALARS = frozenset({str, int, bool})

Key = tuple[Any, ...]


class Place(NamedTuple):
    """A group that an event is noted in.

    Attributes:
        group: The group.
        raw: The value that is told apart there, as the event shows it.
        digits: What stands for that.
        tells: Whether values wait by being known.
    """

    group: Group
    raw: Any
    digits: str
    tells: bool

    def admits(self, now: int, groups: Sequence[Group], *, own: bool) -> bool:
        """Tell whether one more event may wait."""
        group = self.group
        if group.gone or group.room <= 0:
            return False
        if self.tells and group.spread <= 0 and group.fresh < (self.raw not in group.known):
            return False
        check = group.check
        return check is None or check.allows(now, groups, own=own)


class Guard(NamedTuple):
    """A group that must not have come too far for an event to wait.

    Attributes:
        label: Its kind.
        raw: Its fields as the event shows them.
        group: The group; None if there was none.
        least: As many events of its sequences make the event count; 0: an open incident does.
        within: Events older than so many milliseconds make no sequence any more.
    """

    label: Label
    raw: Any
    group: Group | None
    least: int
    within: int

    def passes(self, now: int) -> bool:
        """Tell whether the event may still wait, as far as this group is concerned."""
        group = self.group
        if group is None or group.gone:
            return group is None and self.label.is_absent(self.raw)
        return not (group.may_complete(self.least, now - self.within) if self.least else group.open)


class Visit:
    """What became of an event.

    Attributes:
        plan: Its plan.
        groups: Its groups.
        places: The same, with what it takes to note the next such event.
        guards: What else was asked.
    """

    __slots__ = ("groups", "guards", "places", "plan")

    def __init__(self, plan: Plan, places: Sequence[Place], guards: Sequence[Guard | Meeting]) -> None:
        self.plan = plan
        self.places = tuple(places)
        self.groups = [place.group for place in places]
        self.guards = tuple(guards)

    def admits(self, now: int) -> bool:
        """Tell whether one more such event may wait in all its groups."""
        for guard in self.guards:
            if not guard.passes(now):
                return False
        groups, own = self.groups, self.plan.own
        for place in self.places:  # noqa: SIM110 - a generator costs as much as the rest
            if not place.admits(now, groups, own=own):
                return False
        return True


class Visits:
    """The visits of one event type, by the values of the fields that decide.

    Attributes:
        known: Values -> visit.
    """

    __slots__ = ("_grouping", "_ids", "_names", "known")

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._grouping: frozenset[str] = frozenset()
        self._ids: tuple[str, ...] = ()
        self.known: dict[Key, Visit] = {}

    def read(self, deciding: Iterable[str], grouping: Iterable[str], ids: Iterable[str]) -> None:
        """Look at these fields too.

        Args:
            deciding: Fields that rules compare with something.
            grouping: Fields whose values group events, or are told apart.
            ids: Those that state keys may stand for.
        """
        names, groups, keys = {*self._names, *deciding, *grouping}, {*self._grouping, *grouping}, {*self._ids, *ids}
        if (len(names), len(groups), len(keys)) != (len(self._names), len(self._grouping), len(self._ids)):
            self.known.clear()
            self._names, self._grouping, self._ids = tuple(sorted(names)), frozenset(groups), tuple(sorted(keys))

    def _key(self, event: Event, state_keys: Mapping[str, str] | None) -> Key:
        key = tuple(map(event.get, self._names))
        return (*key, *map(state_keys.get, self._ids)) if state_keys else key

    def find(self, event: Event, state_keys: Mapping[str, str] | None) -> Visit | None:
        """Return what became of an event like this one."""
        if not self.known:
            return None
        try:
            return self.known.get(self._key(event, state_keys))
        except Exception:  # a value that is no key of a dict, whatever it does instead
            return None

    def learn(self, event: Event, state_keys: Mapping[str, str] | None, visit: Visit) -> bool:
        """Remember a visit if the values tell its event from all others: 1 and True would be one user."""
        key = self._key(event, state_keys)
        for name, value in zip(self._names, key, strict=False):
            if value is not None and not (
                (type(value) is str and len(value) <= MAX_CACHED) if name in self._grouping else type(value) in _SCALARS
            ):
                return False
        self.known[key] = visit
        return True
