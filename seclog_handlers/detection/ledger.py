"""The incidents of entries: what a counted event opens, changes and ends, and the alerts that say so."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection import incidents

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from seclog_handlers.detection.case import Case
    from seclog_handlers.detection.compiled import Counter, Plan
    from seclog_handlers.detection.conditions import Event
    from seclog_handlers.detection.measures import Crossing
    from seclog_handlers.detection.rules import Rule
    from seclog_handlers.detection.state import Entry

Alerts = list[dict[str, Any]]

# One event under one counter: the key of its group's entry, the counter, the value that is counted.
Hit = tuple[str, "Counter", Any]

# An event as it was: its plan, its fields, its time, the keys of identities that it shows as tokens.
Recent = tuple["Plan", "Event", int, "Mapping[str, str] | None"]

# Events kept as they are, for the samples of an alert that opens.
RECENT = 64


class Ledger:
    """Opens, updates and resolves incidents.

    Args:
        rules: All rules.
        show: (event, field, value) -> what an alert shows of the value.
        origin: Where alerts come from.
        counted: (counter, key, plan, event, time, state keys) -> whether an event was counted in that entry.
    """

    def __init__(
        self, rules: Iterable[Rule], show: incidents.Show, origin: incidents.Origin,
        counted: Callable[..., bool],
    ) -> None:  # fmt: skip
        self._rules = {rule.name: rule for rule in rules}
        self._show = show
        self._origin = origin
        self._counted = counted
        self._recent: deque[Recent] = deque(maxlen=RECENT)
        self.remember = self._recent.append

    def forget(self) -> None:
        """Forget the events that might become samples."""
        self._recent.clear()

    def change(
        self, case: Case, key: str, counter: Counter, entry: Entry, crossings: Sequence[Crossing],
        muted: Collection[str],
    ) -> Alerts:  # fmt: skip
        """Bring an entry's incidents up to date with an event that was counted.

        Args:
            case: The event.
            key: Its group's.
            counter: Under which it was counted.
            entry: The entry, already counted.
            crossings: What the event made.
            muted: Rules that an open incident of another rule speaks for.
        """
        alerts: Alerts = []
        made = {crossing.rule: crossing for crossing in crossings}
        for name, incident in (entry.incidents or {}).items():
            rule, crossing = self._rules.get(name), made.pop(name, None)
            if rule is None:
                continue
            worth = self._grow(case, rule, incident, crossing, tallies=counter.measure.tallies)
            if worth and name not in muted:
                alerts.append(self._told(rule, incident, "update" if incident["told"] else "open", case.now))
        for crossing in made.values():
            rule = self._rules[crossing.rule]
            incident = self._open(case, rule, counter, key, crossing, entry)
            entry.incidents = {**(entry.incidents or {}), rule.name: incident}
            if rule.name not in muted:
                alerts.append(self._told(rule, incident, "open", case.now))
        _set_due(entry)
        return alerts

    def only_tallied(self, case: Case, counter: Counter, entry: Entry) -> bool:
        """Count an event that crossed nothing into an entry's incidents; False, and nothing done, if more is due."""
        opened = entry.incidents or {}
        for name, incident in opened.items():
            rule = counter.rules.get(name)
            if rule is None or incident["severity"] < (rule.highest if case.own else rule.highest_of_access):
                return False
        if counter.measure.tallies:
            for incident in opened.values():
                incident["count"] += 1
        return True

    def _told(self, rule: Rule, incident: dict[str, Any], state: str, now: int) -> dict[str, Any]:
        incident["told"] = incident["count"]
        return incidents.alert(rule, incident, state, now, self._origin)

    def _open(
        self, case: Case, rule: Rule, counter: Counter, key: str, crossing: Crossing, entry: Entry
    ) -> dict[str, Any]:
        pattern = incidents.pattern_of(rule, case.event)
        incident = incidents.opened(rule, key, crossing.first, self._group(rule, case.event), pattern)
        incident["severity"] = incidents.severity_of(rule, case.event, own=entry.own >= crossing.first)
        incident.update(count=crossing.size, last=entry.last, due=entry.last + rule.resolve_after)
        incident["samples"] = self._samples(case, counter, key, crossing.first)
        return incident

    def _samples(self, case: Case, counter: Counter, key: str, first: int) -> list[dict[str, Any]]:
        shown = [(case.event, case.now)]
        for plan, event, when, state_keys in reversed(self._recent):
            if len(shown) == incidents.MAX_SAMPLES:
                break
            if when >= first and self._counted(counter, key, plan, event, when, state_keys):
                shown.append((event, when))
        return [incidents.sample(event, when, self._show) for event, when in reversed(shown)]

    def _group(self, rule: Rule, event: Event) -> dict[str, str]:
        """Return what alerts show of the group: tokens, as on the record."""
        group = {}
        for field in rule.by:
            text = field.value(event)
            shown = self._show(event, field.name, text) if field.whole else text
            group[field.label] = str(incidents.brief(shown))
        return group

    def _grow(
        self, case: Case, rule: Rule, incident: dict[str, Any], crossing: Crossing | None, *, tallies: bool,
    ) -> bool:  # fmt: skip
        """Count an event into an open incident; True if that is worth an alert."""
        if tallies:
            incident["count"] += 1
        elif crossing is not None:
            incident["count"] += crossing.size
        severity = incidents.severity_of(rule, case.event, own=case.own)
        risen: bool = severity > incident["severity"]
        incident["severity"] = max(severity, incident["severity"])
        if crossing is None:
            return risen
        incident["last"] = max(incident["last"], case.now)
        incident["due"] = max(incident["due"], case.now + rule.resolve_after)
        if len(incident["samples"]) < incidents.MAX_SAMPLES:
            incident["samples"].append(incidents.sample(case.event, case.now, self._show))
        return risen or bool(incident["count"] >= 2 * incident["told"])

    def resolve(self, entries: Mapping[str, Entry], now: int) -> Alerts:
        """Take the incidents that are due by `now` out of their entries.

        Returns:
            An alert for each that people were told of; it was due, and so resolved, at its own time.
        """
        alerts: Alerts = []
        for entry in entries.values():
            kept: dict[str, Any] = {}
            for name, incident in (entry.incidents or {}).items():
                if incident["due"] > now:
                    kept[name] = incident
                elif incident["told"] and name in self._rules:
                    rule = self._rules[name]
                    alerts += [
                        incidents.alert(rule, ended, "resolve", incident["due"], self._origin)
                        for ended in incidents.ending(incident)
                    ]
            entry.incidents = kept or None
            _set_due(entry)
        return alerts


def _set_due(entry: Entry) -> None:
    entry.due = min((incident["due"] for incident in (entry.incidents or {}).values()), default=0)
