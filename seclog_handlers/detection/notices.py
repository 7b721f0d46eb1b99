"""Alerts about the detector itself: its state is full, or its store does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seclog_handlers.detection import incidents
from seclog_handlers.detection.rules import SEVERITIES, Rule, parse
from seclog_handlers.detection.state import NEVER

if TYPE_CHECKING:
    from seclog_handlers.detection.incidents import Origin

# Seconds without another notice after which the trouble counts as over.
RESOLVE_AFTER = 600

_SEVERITIES = {"detector_state_saturated": "HIGH", "detector_degraded": "HIGH"}


class Notices:
    """One incident for each kind of trouble, in this process.

    Args:
        origin: Where alerts come from.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._rules = {name: _rule(name, severity) for name, severity in _SEVERITIES.items()}
        self._open: dict[str, dict[str, Any]] = {}
        self.next_due = NEVER

    def tell(self, names: list[str], now: int) -> list[dict[str, Any]]:
        """Return an alert for each trouble that is new, and forget the list."""
        alerts = []
        for name in names:
            rule = self._rules[name]
            incident = self._open.get(name)
            if incident is None:
                incident = self._open[name] = incidents.opened(rule, "", now, {}, name)
                incident.update(count=1, severity=SEVERITIES.index(rule.severity))
                alerts.append(incidents.alert(rule, incident, "open", now, self._origin))
            incident.update(last=max(now, incident["last"]), due=now + rule.resolve_after)
        names.clear()
        self._learn()
        return alerts

    def resolve(self, now: int) -> list[dict[str, Any]]:
        """Return an alert for each trouble that is over."""
        over = [name for name, incident in self._open.items() if incident["due"] <= now]
        alerts = []
        for name in over:
            rule, incident = self._rules[name], self._open.pop(name)
            alerts.append(incidents.alert(rule, incident, "resolve", incident["due"], self._origin))
        self._learn()
        return alerts

    def after_fork(self) -> None:
        """Leave what is open to the parent."""
        self._open.clear()
        self._learn()

    def _learn(self) -> None:
        self.next_due = min((incident["due"] for incident in self._open.values()), default=NEVER)


def _rule(name: str, severity: str) -> Rule:
    return parse({
        "name": name, "severity": severity, "where": {},
        "count": 1, "within": 0, "resolve_after": RESOLVE_AFTER,
    })  # fmt: skip
