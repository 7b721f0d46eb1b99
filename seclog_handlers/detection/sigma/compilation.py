"""Sigma rules as mappings of the rule language, and rules that correlate them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from seclog_handlers.detection.sigma import vocabulary
from seclog_handlers.detection.sigma.reading import one_line
from seclog_handlers.detection.sigma.tree import Branch, Leaf, Tree, all_of, alternatives, any_of, conditions, read_tree
from seclog_handlers.errors import ConfigurationError

Mapped = tuple[dict[str, Any], bool]

# The attribute of a Sigma rule whose keywords are those of our rules: what Sigma has no word for.
OWN = "seclog"
# A rule that is no correlation is one incident for each hour in which it matches.
RESOLVE_AFTER = 3600
# `temporal` asks for any order: each order is a sequence of its own, so three rules make six.
MAX_UNORDERED = 4

_TECHNIQUE = re.compile(r"t\d{4}(?:\.\d{3})?")
_NOT_NAME = re.compile(r"[^a-z0-9]+")
_COUNTING = ("EVENT_COUNT", "VALUE_COUNT")
_TEMPORAL = ("TEMPORAL", "TEMPORAL_ORDERED")
_MEASURES = {"VALUE_SUM": "sum", "VALUE_AVG": "avg", "VALUE_PERCENTILE": "percentile", "VALUE_MEDIAN": "median"}


@dataclass(frozen=True)
class Base:
    """What one Sigma rule says about one event."""

    tree: Tree
    where: Any
    unless: Any


def place_of(rule: Any) -> str:
    """Return file and title of a rule, for errors."""
    path = getattr(getattr(rule, "source", None), "path", None)
    return f"Sigma rule {rule.title!r}" + (f" in {_relative(path)}" if path else "")


def _relative(path: Any) -> str:
    return repr(str(path))


def compiled(rule: Any) -> list[Mapped]:
    """Return the rules that a Sigma rule makes, each with whether access logs alone weaken it.

    Raises:
        ConfigurationError: For what these rules cannot do; the text names file, rule and construct.
    """
    found = _correlation(rule) if is_correlation(rule) else [_alone(rule)]
    return [_with_own(rule, mapping) for mapping in found]


def is_correlation(rule: Any) -> bool:
    """Tell whether it is a rule about other rules."""
    return hasattr(rule, "timespan")


def runs(rule: Any, everything: list[Any]) -> bool:
    """Tell whether a rule makes alerts itself: one that is only there for a correlation does not."""
    for other in everything:
        if is_correlation(other) and not other.generate and any(ref.rule is rule for ref in other.rules or ()):
            return False
    return True


def name_of(rule: Any) -> str:
    """Return the name of the rule: its own, or its id, or its title as one word."""
    if rule.name:
        return str(rule.name)
    return str(rule.id) if rule.id else _NOT_NAME.sub("_", rule.title.lower()).strip("_")


def _described(rule: Any) -> dict[str, Any]:
    """Return what a rule says about itself."""
    level = rule.level.name.lower() if rule.level else "medium"
    found: dict[str, Any] = {
        "name": name_of(rule),
        "pattern": rule.title,
        "severity": vocabulary.SEVERITIES[level],
        "attack": _techniques(rule),
        "reason": _reason(rule),
    }
    return {keyword: value for keyword, value in found.items() if value}


def _techniques(rule: Any) -> list[str]:
    tags = [tag.name.lower() for tag in rule.tags or () if tag.namespace.lower() == "attack"]
    return [name.upper() for name in tags if _TECHNIQUE.fullmatch(name)]


def _reason(rule: Any) -> str:
    if OWN in (rule.custom_attributes or {}) and rule.description:
        return str(rule.description).strip()  # exported from here: it is our rule's own reason
    parts = [f"Sigma rule {rule.id}" if rule.id else "Sigma rule", rule.title]
    if rule.description:
        parts.append(" ".join(rule.description.split()))
    if rule.falsepositives:
        parts.append(f"false positives: {', '.join(map(str, rule.falsepositives))}")
    return "; ".join(parts)


def base(rule: Any) -> Base:
    """Return what a Sigma rule that is no correlation says about one event."""
    place = place_of(rule)
    if is_correlation(rule):
        raise ConfigurationError(
            f"{place} is a correlation that another one counts, which is supported only for an event_count within a "
            "temporal_ordered of the same timespan: name the rules under it instead.",
        )
    trees = [_parsed(place, condition) for condition in rule.detection.parsed_condition]
    tree = all_of([*_logsource(place, rule.logsource), *(_and_parts(any_of(trees)))])
    where, unless = conditions(place, tree)
    return Base(tree, where, unless)


def _and_parts(tree: Tree) -> list[Tree]:
    return list(tree.parts) if isinstance(tree, Branch) and tree.word == "and" else [tree]


def _parsed(place: str, condition: Any) -> Tree:
    from sigma.exceptions import SigmaError  # noqa: PLC0415 - optional

    try:
        found = condition.parsed
    except SigmaError as error:
        raise ConfigurationError(f"{place}: {one_line(error)}") from None
    if found is None:
        raise ConfigurationError(f"{place} has a condition that says nothing.")
    return read_tree(place, found)


def _logsource(place: str, source: Any) -> list[Tree]:
    """Return what the log source says about an event: its type, where it has a name that we know."""
    if source.product and source.product.lower() in vocabulary.FOREIGN_PRODUCTS:
        raise ConfigurationError(
            f"{place} is for the product {source.product!r}, whose events no application logs here: take it out.",
        )
    words = [word.lower() for word in (source.category, source.service) if word]
    types = next((vocabulary.LOGSOURCES[word] for word in words if word in vocabulary.LOGSOURCES), ())
    return [any_of([Leaf("event_type", ["is", kind]) for kind in types])] if types else []


def _alone(rule: Any) -> dict[str, Any]:
    found = base(rule)
    mapping = {**_described(rule), "where": found.where, "count": 1, "within": 0, "resolve_after": RESOLVE_AFTER}
    return {**mapping, "unless": found.unless} if found.unless else mapping


def _with_own(rule: Any, mapping: dict[str, Any]) -> Mapped:
    own = dict((rule.custom_attributes or {}).get(OWN) or {})
    weakened = own.pop("weakened", False) is True
    gone = own.pop("without", ())
    return {key: value for key, value in {**mapping, **own}.items() if key not in gone}, weakened


def _correlation(rule: Any) -> list[dict[str, Any]]:
    place, kind = place_of(rule), rule.type.name
    if type(rule.condition).__name__ != "SigmaCorrelationCondition":
        raise ConfigurationError(
            f"{place} has a condition in words ({rule.condition.expression!r}), which is not supported: make a "
            "correlation of each of its alternatives.",
        )
    shared = {**_described(rule), "by": _by(place, rule), "within": rule.timespan.seconds}
    shared = {key: value for key, value in shared.items() if value not in ([], None)}
    if kind in _TEMPORAL:
        return _temporal(place, rule, shared)
    bases = [base(reference.rule) for reference in rule.rules]
    found = {**shared, **_joined(place, bases), **_count(place, rule, kind)}
    return [found]


def _joined(place: str, bases: list[Base]) -> dict[str, Any]:
    """Return where and unless for events that any of the rules is about."""
    if all(found.unless == bases[0].unless for found in bases):
        wheres = [clause for found in bases for clause in _listed(found.where)]
        where = wheres[0] if len(wheres) == 1 else wheres
        return {"where": where, "unless": bases[0].unless} if bases[0].unless else {"where": where}
    return {"where": alternatives(place, any_of([found.tree for found in bases]))}


def _listed(where: Any) -> list[Any]:
    return where if isinstance(where, list) else [where]


def _count(place: str, rule: Any, kind: str) -> dict[str, Any]:
    """Return how a correlation counts or measures."""
    if kind in _MEASURES:
        return {"measure": _measure(place, rule, kind)}
    if kind not in _COUNTING:
        raise ConfigurationError(f"{place} has the type {kind.lower()}, which is not supported.")
    number = _at_least(place, rule.condition)
    if kind == "EVENT_COUNT":
        return {"count": number}
    fields = _measured_fields(place, rule)
    return {"distinct": fields[0] if len(fields) == 1 else fields, "count": number}


def _at_least(place: str, condition: Any) -> int:
    """Return the least number that fulfils a condition of a count."""
    operator, number = condition.op.name, condition.count
    if operator in ("GTE", "EQ") and number == int(number):
        return int(number)
    if operator == "GT":
        return int(number) + 1
    raise ConfigurationError(
        f"{place} asks for a count with {operator.lower()} {number}: an event can only show that there were enough; "
        "use gte, gt or eq.",
    )


def _measure(place: str, rule: Any, kind: str) -> dict[str, Any]:
    condition, word = rule.condition, rule.condition.op.name.lower()
    if word not in ("gt", "gte", "lt", "lte"):
        raise ConfigurationError(f"{place} compares with {word}: use gt, gte, lt or lte.")
    fields = _measured_fields(place, rule)
    if len(fields) != 1:
        raise ConfigurationError(f"{place} measures several fields: measure one.")
    found = {_MEASURES[kind]: fields[0], word: condition.count}
    if kind == "VALUE_PERCENTILE" and condition.percentile is not None:
        found["percent"] = condition.percentile
    return found


def _measured_fields(place: str, rule: Any) -> list[str]:
    names = rule.condition.fieldref
    return [_one_field(place, name) for name in (names if isinstance(names, list) else [names])]


def _one_field(place: str, name: str) -> str:
    fields = vocabulary.fields_of(name)
    if len(fields) > 1:
        raise ConfigurationError(f"{place} groups or counts by {name!r}, which is in {' and '.join(fields)}: name one.")
    return fields[0]


def _by(place: str, rule: Any) -> list[str]:
    aliases = {alias.alias: set(alias.mapping.values()) for alias in rule.aliases}
    return [_aliased(place, name, aliases.get(name)) for name in rule.group_by or ()]


def _aliased(place: str, name: str, names: set[str] | None) -> str:
    if names is None:
        return _one_field(place, name)
    fields = sorted({_one_field(place, field) for field in names})
    if len(fields) != 1:
        raise ConfigurationError(
            f"{place} has the alias {name!r} for {' and '.join(fields)}: here the rules' fields must be the same one.",
        )
    return fields[0]


def _temporal(place: str, rule: Any, shared: dict[str, Any]) -> list[dict[str, Any]]:
    condition, references = rule.condition, rule.rules or []
    if condition.op.name != "GTE" or condition.count != len(references) or len(references) < 2:  # noqa: PLR2004
        raise ConfigurationError(
            f"{place} must ask for all of at least two rules: leave its condition out.",
        )
    steps, unless = _steps(place, rule)
    common = {**shared, "unless": unless} if unless else shared
    if rule.type.name == "TEMPORAL_ORDERED":
        return [{**common, "sequence": steps}]
    return _any_order(place, common, steps)


def _steps(place: str, rule: Any) -> tuple[list[dict[str, Any]], Any]:
    """Return the steps of a sequence, and what none of its events may be."""
    counted = [_step(place, rule, reference.rule) for reference in rule.rules]
    unless = counted[0][0].unless
    common = all(found.unless == unless for found, _ in counted)
    steps = []
    for found, count in counted:
        where = found.where if common else alternatives(place, found.tree)
        steps.append({"where": where, "count": count} if count > 1 else {"where": where})
    return steps, unless if common else None


def _step(place: str, rule: Any, part: Any) -> tuple[Base, int]:
    """Return a rule of a sequence, and how many of its events: an event_count of the same window is so many."""
    counts = is_correlation(part) and part.type.name == "EVENT_COUNT" and len(part.rules or ()) == 1
    if not counts or rule.type.name != "TEMPORAL_ORDERED":
        return base(part), 1
    if part.timespan.seconds != rule.timespan.seconds or (part.group_by or []) != (rule.group_by or []):
        raise ConfigurationError(
            f"{place} orders {part.title!r}, which has another timespan or group-by: give both the same.",
        )
    return base(part.rules[0].rule), _at_least(place_of(part), part.condition)


def _any_order(place: str, common: dict[str, Any], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a sequence for each order; the incident of one speaks for the others."""
    if len(steps) > MAX_UNORDERED:
        raise ConfigurationError(
            f"{place} wants {len(steps)} rules in any order, and at most {MAX_UNORDERED} are supported: use "
            "temporal_ordered, or two correlations.",
        )
    orders = list(permutations(steps))
    names = [common["name"], *(f"{common['name']} (order {number})" for number in range(2, len(orders) + 1))]
    return [
        {**common, "name": name, "sequence": list(order), "inhibits": [other for other in names if other != name]}
        for name, order in zip(names, orders, strict=True)
    ]
