"""What a replay found: incidents, and how they differ under changed rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# Incidents that are kept for the table at the end; all of them are counted and told as they open.
MAX_KEPT = 10_000


@dataclass
class Incident:
    """One incident, from what its alerts said.

    Attributes:
        rule: Name of the rule.
        group: Its group, as alerts show it.
        severity: The highest.
        opened: When it was told of.
        first: Its earliest event.
        last: Its latest one.
        count: How many events.
        state: open or resolved.
    """

    rule: str
    group: str
    severity: str
    opened: float
    first: str
    last: str
    count: int
    state: str = "open"

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dict(vars(self))


@dataclass
class Findings:
    """The incidents of one set of rules.

    Attributes:
        incidents: id -> incident, in the order in which they opened.
        opened: rule -> how many incidents.
        alerts: How many alerts.
    """

    incidents: dict[str, Incident] = field(default_factory=dict)
    opened: Counter[str] = field(default_factory=Counter)
    alerts: int = 0

    def add(self, alerts: list[dict[str, Any]]) -> None:
        """Take alerts in."""
        for alert in alerts:
            self.alerts += 1
            incident = self.incidents.get(alert["incident_id"])
            if alert["incident_state"] == "open":
                self.opened[alert["rule"]] += 1
                if len(self.incidents) < MAX_KEPT:
                    self.incidents[alert["incident_id"]] = _incident(alert)
            elif incident is not None:
                incident.severity, incident.count = alert["severity"], alert["count"]
                incident.last = alert["last_seen"]
                incident.state = "resolved" if alert["incident_state"] == "resolve" else incident.state

    @property
    def total(self) -> int:
        """How many incidents there were."""
        return sum(self.opened.values())

    @property
    def left_out(self) -> int:
        """How many incidents were counted only."""
        return self.total - len(self.incidents)


def _incident(alert: dict[str, Any]) -> Incident:
    return Incident(
        alert["rule"], shown_group(alert), alert["severity"], alert["created"],
        alert["first_seen"], alert["last_seen"], alert["count"],
    )  # fmt: skip


def shown_group(alert: dict[str, Any]) -> str:
    """Return an alert's group as one text."""
    return " ".join(f"{name}={value}" for name, value in alert["group"].items()) or "-"


@dataclass
class Difference:
    """How the incidents of changed rules differ.

    Attributes:
        gone: Incidents that overlap none of the changed rules' of the same rule and group.
        new: The other way round.
    """

    gone: list[Incident]
    new: list[Incident]


def difference(before: Findings, after: Findings) -> Difference:
    """Compare the incidents of two sets of rules over the same events."""
    return Difference(_missing(before, after), _missing(after, before))


def _missing(here: Findings, there: Findings) -> list[Incident]:
    known: dict[tuple[str, str], list[Incident]] = {}
    for incident in there.incidents.values():
        known.setdefault((incident.rule, incident.group), []).append(incident)
    return [
        incident
        for incident in here.incidents.values()
        if not any(_overlap(incident, other) for other in known.get((incident.rule, incident.group), ()))
    ]


def _overlap(one: Incident, other: Incident) -> bool:
    # RFC 3339 in UTC: the order of the texts is that of the times.
    return one.first <= other.last and other.first <= one.last
