"""The way of an event that may wait, and of those that have waited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.case import MAX_CACHED, Case
from seclog_handlers.detection.deferral.groups import (
    EVENT_BYTES,
    NO_VALUE,
    Group,
    Streak,
    is_plain,
)
from seclog_handlers.detection.deferral.routes import Label, Route, Track, route
from seclog_handlers.detection.deferral.settling import Settling
from seclog_handlers.detection.deferral.sieve import SOURCE_BYTES, Source
from seclog_handlers.detection.visits import Guard, Place, Visit, Visits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seclog_handlers.detection.acquaintances import Acquaintances
    from seclog_handlers.detection.caps import Caps
    from seclog_handlers.detection.case import Identities
    from seclog_handlers.detection.compiled import Counter, Plan
    from seclog_handlers.detection.rules import Rule
    from seclog_handlers.detection.state.memory import MemoryState

# Values that a group knows at most; others are taken for new.
MAX_KNOWN = 32


class Deferral(Settling):
    """The groups of this process, with the events that wait in them.

    Args:
        counters: All counters.
        rules: name -> rule.
        state: Holds the entries, once events are counted.
        identities: What stands for values in keys.
        caps: How much may be remembered.
        acquaintances: Whom groups have met before.

    Attributes:
        streak: Events that were like the latest one, or None; asked before `takes`.
        left: The groups of the latest event in which `takes` did not note it, where it noted it in others.
    """

    def __init__(
        self, counters: Sequence[Counter], rules: Mapping[str, Rule], state: MemoryState, identities: Identities,
        caps: Caps, acquaintances: Acquaintances,
    ) -> None:  # fmt: skip
        super().__init__(counters, rules, state, identities, caps)
        self._acquaintances = acquaintances
        self.streak: Streak | None = None
        self.left: list[Group] = []
        self._latest: tuple[list[Group], Plan | None] = ([], None)
        self._max_visits = caps.visits
        self._visited: list[Visits] = []
        self._visits = 0
        self._previous: Visit | None = None
        state.shortens = False
        state.max_bytes = caps.entries
        state.before_due = self._count_key

    def route(self, plan: Plan) -> Route | None:
        """Return how events of a plan may wait; None if each of them must be counted at once."""
        found = route(plan, self._labels)
        if found is not None:
            plan.number = len(self._plans)
            self._plans.append(plan)
        return found

    # The way of an event.

    def revisits(self, visit: Visit, now: int) -> bool:
        """Note an event like one that came before, if it may wait in all its groups; False, and nothing done, if not.

        Two in a row are left to `takes`, which makes a streak of them.
        """
        if self.streak is not None:
            self.end_streak()
        if visit is self._previous or not visit.admits(now):
            return False
        self._previous = visit
        times, plan = [now], visit.plan
        for group, raw, digits, tells in visit.places:
            if tells and raw not in group.known:
                _learn(group, raw, digits)
            group.note(times, digits, plan)
        self._latest = (visit.groups, plan)
        self._bytes += EVENT_BYTES * len(visit.places)
        if self._bytes > self._max_bytes:
            self._make_room(now)
        return True

    def _remember_visit(
        self, plan: Plan, found: Route, case: Case, raws: Sequence[Any],
        places: Sequence[tuple[Group, Track, str | None, bool]],
    ) -> None:  # fmt: skip
        """Remember what became of an event, all of whose groups, and those that do not exist, were known."""
        if plan.visits is None or not all(group.pending for group, *_ in places):  # room had to be made meanwhile
            return
        if not all(known is not None or track.value is None for _, track, known, _ in places):
            return  # a value's second event; most have no third
        noted = [
            Place(group, None if track.value is None else raws[track.value], group.pending[-1][1], track.known)
            for group, track, _, _ in places
        ]
        steps = [_guard(track, raws, least, within) for track, least, within in found.steps]
        guards = steps + [_guard(track, raws, 0, 0) for track in found.opened]
        keys = [key for newcomer in found.newcomers if (key := case.key(newcomer)) is not None]
        meetings = [self._acquaintances.met_lately(key) for key in keys]
        if self._visits >= self._max_visits:
            self.forget_visits()
        if plan.visits.learn(case.event, case.state_keys, Visit(plan, noted, [*guards, *meetings])):
            self._visits += 1
            self._visited.append(plan.visits)

    def forget_visits(self) -> None:
        """Forget what became of events."""
        for visits in self._visited:
            visits.known.clear()
        self._visited.clear()
        self._visits, self._previous = 0, None

    def takes(self, plan: Plan, case: Case) -> Sequence[Label] | None:
        """Note an event in those of its groups where it cannot matter yet.

        Returns:
            Labels of its other groups: there it must be counted now. None: it was noted nowhere, and must be counted
            by all counters of the plan.
        """
        if self.streak is not None:
            self.end_streak()
        self._previous = None
        found: Route | None = plan.route
        if found is None:
            return None
        self._met_new = False
        sifted: list[tuple[Source, Label]] = []
        try:
            raws = case.raws(found.fields)
            places = self._places(found, case, raws, sifted)
            wanted = found.guarded and self._wanted(found, case, raws)
        except Exception:  # a value that is no key of a dict, whatever it does instead
            wanted = True
        if wanted:
            for source, label in sifted:
                self._heat(source, label)
            return None
        for newcomer in found.newcomers:
            if (key := case.key(newcomer)) is not None:
                self._acquaintances.meet(key, case.now)
        for source, label in sifted:
            self._sift(plan, case, source, label)
            self._latest = ([], None)  # a streak would pass the source by
        left = self._note(plan, found, case, raws, places)
        if not left and not self._met_new and found.repeats:
            self._remember_visit(plan, found, case, raws, places)
        return left

    def _places(
        self, found: Route, case: Case, raws: Sequence[Any], sifted: list[tuple[Source, Label]],
    ) -> list[tuple[Group, Track, str | None, bool]]:  # fmt: skip
        """Return for each group of an event: group, track, digits if known, and whether it has room for the event.

        Where it is to wait with its source instead, that goes into `sifted`.
        """
        places = []
        for track in found.tracks:
            source = None
            if track.label.sieve is not None:
                source = self._source(track.label, track.label.sieve, case)
                if source is not None and not source.hot:
                    sifted.append((source, track.label))
                    continue
            raw = raws[track.at] if track.second is None else (raws[track.at], raws[track.second])
            group = track.label.aliases.get(raw)
            if group is None or group.gone:
                group = self._found(track, raw, case, make=True)
                if group is None:
                    continue
            if source is not None:
                group.source = source
            known = group.known.get(raws[track.value]) if track.known else None  # type: ignore[index]
            room = group.room > 0 and (not track.known or group.fresh >= (known is None) or group.spread > 0)
            places.append((group, track, known, room))
        return places

    def _note(
        self, plan: Plan, found: Route, case: Case, raws: Sequence[Any],
        places: Sequence[tuple[Group, Track, str | None, bool]],
    ) -> Sequence[Label]:  # fmt: skip
        now = case.now
        groups = [group for group, _, _, _ in places]
        times, left = [now], []
        self.left = []
        for group, track, known, room in places:
            check = group.check
            if not room or (check is not None and not check.allows(now, groups, own=found.own)):
                left.append(group.label)
                self.left.append(group)
                continue
            digits = known
            if digits is None:
                digits = NO_VALUE if track.value is None else self._fresh(group, track, raws[track.value], case)
            group.note(times, digits, plan)
        self._bytes += EVENT_BYTES * (len(groups) - len(left))
        if self._bytes > self._max_bytes:
            self._make_room(now)
            groups = []
        if left:
            case.groups.update({track.sample.group: group.key for group, track, _, _ in places})
        elif groups:
            self._maybe_streak(plan, found, case, groups)
        return left

    def _maybe_streak(self, plan: Plan, found: Route, case: Case, groups: list[Group]) -> None:
        # Meetings must be noted now and then: their events go the other way.
        if self._latest == (groups, plan) and not found.newcomers and is_plain(case.event, plan.names):
            ids = [name for name, _, whole in found.fields if whole]
            self.streak = Streak(plan, case.event, ids, case.state_keys, groups)
        self._latest = (groups, plan)

    def end_streak(self) -> None:
        """Let the groups of the streak know its events, before anything else is done with them."""
        streak, self.streak = self.streak, None
        self._latest = ([], None)
        if streak is not None:
            self._bytes += streak.end()

    def _fresh(self, group: Group, track: Track, raw: Any, case: Case) -> str:
        """Return the digits of a value that a group does not know yet."""
        digits = case.value(track.valued) or NO_VALUE  # type: ignore[arg-type]
        if track.known:
            _learn(group, raw, digits)
        return digits

    def _wanted(self, found: Route, case: Case, raws: Sequence[Any]) -> bool:
        """Whether an event ends a sequence that may be complete, or comes while an incident may be open."""
        for track, least, within in found.steps:
            group = self._seen(track, case, raws)
            if group is not None and group.may_complete(least, case.now - within):
                return True
            if group is None and least <= 1 and self._remains is not None:
                return True
        for track in found.opened:
            group = self._seen(track, case, raws)
            if group is not None and group.open:
                return True
        return False

    def _seen(self, track: Track, case: Case, raws: Sequence[Any]) -> Group | None:
        """Return a group if there is one."""
        raw = track.raw(raws)
        group = track.label.aliases.get(raw)
        if group is not None and not group.gone:
            return group
        return None if track.label.is_absent(raw) else self._found(track, raw, case, make=False)

    def forget(self, fragments: Sequence[str]) -> int:
        """Drop the groups that hold one of these texts, and all single events in short form; return how many groups."""
        for label in self._sifting:
            for source in list(label.sieve.sources.values()):  # type: ignore[union-attr]
                self._heat(source, label)
                if any(fragment in source.key for fragment in fragments):
                    del label.sieve.sources[source.key]  # type: ignore[union-attr]
                    self._bytes -= SOURCE_BYTES
        gone = [group for group in self._groups.values() if group.holds(fragments)]
        for group in gone:
            self._drop(group)
        self.forget_visits()
        for label in set(self._labels.values()):
            label.forget()
        for group in self._groups.values():
            group.known.clear()
        self._remains = None
        return len(gone)


def _learn(group: Group, raw: Any, digits: str) -> None:
    """Let a group know a value that waits in it."""
    group.fresh -= digits is not NO_VALUE
    # Most groups see one event: their value is remembered from the second on, which saves a fifth of them.
    known = group.known
    if group.pending and len(known) < MAX_KNOWN and (raw is None or (type(raw) is str and len(raw) <= MAX_CACHED)):
        known[raw] = digits


def _guard(track: Track, raws: Sequence[Any], least: int, within: int) -> Guard:
    raw = track.raw(raws)
    group = track.label.aliases.get(raw)
    return Guard(track.label, raw, None if group is None or group.gone else group, least, within)
