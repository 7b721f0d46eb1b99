"""Which incidents speak for others, as Alertmanager's inhibition has it: who hears of the cause hears of no effects."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class _Source:
    """An incident that is going on: the rules it speaks for, about whom, when it was first and last heard of."""

    rule: str
    rules: frozenset[str]
    group: Mapping[str, Any]
    first: float
    last: float

    def speaks_for(self, rule: str, group: Mapping[str, Any]) -> bool:
        return rule in self.rules and concerns(self.group, group)


class Inhibitions:
    """The open incidents of one channel whose rules inhibit others.

    Args:
        lasting: Seconds without news after which an incident speaks for no other: its end may never have been logged.
    """

    def __init__(self, lasting: float) -> None:
        self._lasting = lasting
        self._sources: dict[str, _Source] = {}

    def hear(self, alert: Mapping[str, Any], now: float) -> frozenset[str]:
        """Take note of an incident's opening or update; return the rules for which that may change something."""
        rules = inhibited(alert)
        if rules and alert["incident_state"] != "resolve":
            known = self._sources.get(alert["incident_id"])
            first = now if known is None else known.first
            self._sources[alert["incident_id"]] = _Source(alert["rule"], rules, alert["group"], first, now)
        return rules

    def end(self, incidents: Iterable[str]) -> frozenset[str]:
        """Forget incidents whose end people have heard of; return the rules they spoke for."""
        ended = [self._sources.pop(identity) for identity in incidents if identity in self._sources]
        return frozenset().union(*(source.rules for source in ended))

    def expire(self, now: float) -> frozenset[str]:
        """Forget incidents without news for long; return the rules they spoke for."""
        return self.end([name for name, source in self._sources.items() if now - source.last > self._lasting])

    def mutes(self, alert: Mapping[str, Any]) -> bool:
        """Whether an incident that goes on speaks for this one; of those in a ring the first is told."""
        rule, group = alert["rule"], alert["group"]
        own = self._sources.get(alert["incident_id"])
        for source in self._sources.values():
            if source.speaks_for(rule, group) and not (own and own.first <= source.first and self._leads(own, source)):
                return True
        return False

    def _leads(self, source: _Source, other: _Source) -> bool:
        """Whether one incident speaks for another, be it through a third."""
        reached, found = [source], {id(source)}
        while reached:
            here = reached.pop()
            for one in self._sources.values():
                if id(one) not in found and here.speaks_for(one.rule, one.group):
                    found.add(id(one))
                    reached.append(one)
        return id(other) in found and other is not source


def inhibited(alert: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the rules that an alert's rule inhibits."""
    names = alert.get("inhibits")
    return frozenset(names) - {alert["rule"]} if names else frozenset()


def concerns(cause: Mapping[str, Any], group: Mapping[str, Any]) -> bool:
    """Whether two incidents are about the same: the fields that both groups name agree, and there is one."""
    if not cause and not group:
        return True
    agreements = [_agrees(field, value, group) for field, value in cause.items() if field.partition("/")[0] in group]
    agreements += [group[field] == value for field, value in cause.items() if "/" in field and field in group]
    return bool(agreements) and all(agreements)


def _agrees(field: str, value: Any, group: Mapping[str, Any]) -> bool:
    name, network, _ = field.partition("/")
    if not network:
        return bool(group[name] == value)
    try:
        return ipaddress.ip_address(group[name]) in ipaddress.ip_network(value)
    except ValueError:
        return False  # tokens: nobody can tell
