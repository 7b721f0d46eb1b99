"""A rule in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seclog_handlers.detection.rules import Rule

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_COMPARED = {"gte": "at least", "gt": "more than", "lte": "at most", "lt": "less than"}


def span(milliseconds: float) -> str:
    """Return a time span as people say it."""
    seconds = milliseconds / 1000
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def threshold(rule: Rule) -> str:
    """Return when the rule alerts."""
    if rule.steps:
        return " then ".join(str(count) for _, count in rule.steps) + f" in {span(rule.within)}"
    if rule.leak is not None:
        return f"more than {rule.count}{_different(rule)}, one leaves every {span(rule.leak)}"
    if rule.amount is not None:
        return _measured(rule)
    if rule.distinct is not None and rule.count is None:
        return f"{rule.distinct.count}{_different(rule)} in {span(rule.within)}"
    beside = f", {rule.distinct.count}{_different(rule)}" if rule.distinct else ""
    return f"{rule.count} in {span(rule.within)}{beside}" if rule.within or beside else "each one"


def _different(rule: Rule) -> str:
    return f" different {', '.join(rule.distinct.fields)}" if rule.distinct else ""


def _measured(rule: Rule) -> str:
    amount = rule.amount
    if amount is None:
        return ""
    limit = f"{_COMPARED[amount.comparison]} {amount.limit:g}"
    what = {"ewma": "a rate of", "speed": "a speed in km/h of"}.get(amount.kind, f"{amount.kind} of {amount.field}")
    if amount.kind == "percentile":
        what = f"{amount.percent:g}th percentile of {amount.field}"
    after = f" times the average of {span(amount.span)}" if amount.kind == "ewma" else ""
    return f"{what} {limit}{after} in {span(rule.within)}"


def group(rule: Rule) -> str:
    """Return what the rule groups by."""
    return ", ".join(field.label for field in rule.by) or "nothing: all events together"


def conditions(where: Any) -> str:
    """Return conditions in words."""
    clauses = where if isinstance(where, (list, tuple)) else [where]
    return " or ".join(_clause(clause) for clause in clauses)


def _clause(clause: Mapping[str, Any]) -> str:
    return " and ".join(_condition(field, spec) for field, spec in clause.items()) or "every event"


def _condition(field: str, spec: Any) -> str:
    if isinstance(spec, Mapping):
        return " and ".join(_operator(field, name, operand) for name, operand in spec.items())
    return f"{field} is {_value(spec)}"


def _operator(field: str, name: str, operand: Any) -> str:
    if name == "exists":
        return f"{field} is there" if operand else f"{field} is not there"
    words = {"re": "matches", "cidr": "is in", "sigma": "is as in the Sigma rule:", **_COMPARED}
    return f"{field} {words.get(name, name)} {_value(operand)}"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=list)


def explained(rule: Rule) -> list[tuple[str, str]]:
    """Return (label, text) for everything that a person wants to know of a rule; empty ones left out."""
    found = [
        ("alert", f"{rule.pattern}, severity {rule.severity}"),
        ("counts", _counted(rule)),
        ("but not", conditions(rule.raw_unless) if rule.raw_unless else ""),
        ("by", group(rule)),
        ("when", threshold(rule)),
        ("only", " ".join(("while open for the same group:", *rule.while_open)) if rule.while_open else ""),
        ("ends", f"{span(rule.resolve_after)} after the last crossing"),
        ("mutes", ", ".join(rule.inhibits)),
        ("mode", rule.mode),
        ("because", rule.reason),
        ("MITRE", ", ".join(rule.attack)),
        ("OWASP", ", ".join(filter(None, (rule.owasp, *rule.appsensor)))),
        ("runbook", rule.runbook_url),
        ("note", "MEDIUM while nothing but access logs feeds it" if rule.weakened else ""),
    ]
    return [(label, text) for label, text in found if text]


def _counted(rule: Rule) -> str:
    if rule.steps:
        steps = "; then ".join(f"{count} where {conditions(where)}" for where, count in rule.steps)
        return f"{steps}, {rule.newcomer.label} new to the group" if rule.newcomer else steps
    return conditions(rule.raw_where)


def plain(rule: Rule) -> dict[str, Any]:
    """Return a rule for JSON."""
    return {
        "name": rule.name, "severity": rule.severity, "mode": rule.mode, "by": [field.label for field in rule.by],
        "threshold": threshold(rule), "resolve_after_s": rule.resolve_after / 1000, "attack": list(rule.attack),
        "owasp": rule.owasp, "reason": rule.reason,
    }  # fmt: skip
