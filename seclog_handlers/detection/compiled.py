"""Rules compiled for the engine: counters that rules share, and which of them an event type concerns."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers.detection.amounts import MEASURES
from seclog_handlers.detection.conditions import Condition, Event, compile_where, condition
from seclog_handlers.detection.fields import Field
from seclog_handlers.detection.measures import Bucket, Distinct, Limit, Measure, Steps, Window
from seclog_handlers.detection.quantities import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seclog_handlers.detection.conditions import Test
    from seclog_handlers.detection.rules import Rule

_TYPE = "event_type"
# Combinations of rows that are remembered for one event type; there are few.
MAX_COMBINATIONS = 256


class Counter:
    """One measure over one stream of events, with the rules that it serves.

    Attributes:
        prefix: Begins the key of each of its entries; a change of what is counted changes it.
        measure: The way of counting.
        by: Fields of the group.
        group: Their labels in one text.
        rules: name -> rule.
        distinct: Fields whose values are told apart, or none.
        values: Their names in one text.
        number: Reads the number or the place that is measured, or None.
        counts_all: Whether it counts each event, whatever it says.
        opening: The step that a group's first event must be, or None for any event.
        while_open: (rule, counter): the counter counts only while one of these has an open incident.
        inhibitors: (muted rule, rule, counter): whose open incident speaks for the muted rule.
        others: The counters of both, whose entries are needed with each of its own.
    """

    __slots__ = (
        "add", "by", "counts_all", "distinct", "group", "inhibitors", "measure", "number", "opening", "others",
        "prefix", "rules", "values", "while_open",
    )  # fmt: skip

    def __init__(self, rules: Sequence[Rule]) -> None:
        first = rules[0]
        self.rules = {rule.name: rule for rule in rules}
        self.by = first.by
        self.group = "|".join(field.label for field in first.by)
        self.distinct = tuple(Field(name, name) for name in first.distinct.fields) if first.distinct else ()
        self.values = ",".join(field.label for field in self.distinct) + " as values"
        self.opening = "0" if first.steps else None
        self.number = quantity(first.amount) if first.amount else None
        self.measure = _measure(rules)
        self.add = self.measure.add
        self.counts_all = not (self.distinct or self.number)
        self.prefix = blake2b(_stream(first).encode(), digest_size=4).hexdigest()
        self.while_open: tuple[tuple[str, Counter], ...] = ()
        self.inhibitors: tuple[tuple[str, str, Counter], ...] = ()
        self.others: tuple[Counter, ...] = ()


class Row(NamedTuple):
    """Events of one type that hold a condition are counted by these counters, each with a step's number.

    Rows with the same `unless` have the same function: it is asked once for neighbours.
    """

    holds: Condition | None
    unless: Condition | None
    counters: tuple[tuple[Counter, str], ...]


# Counters with the number of a step each, and the others whose entries they need.
Matching = tuple[tuple[tuple[Counter, str], ...], tuple[Counter, ...]]


def _measure(rules: Sequence[Rule]) -> Measure:
    rule = rules[0]
    if rule.steps:
        return Steps(rule.name, rule.within, [count for _, count in rule.steps])
    if rule.leak is not None:
        return Bucket(rule.name, rule.count or 1, rule.leak, rule.silence, distinct=rule.distinct is not None)
    if rule.amount:
        measure: Measure = MEASURES[rule.amount.kind](rule.name, rule.within, rule.amount, rule.count)
        return measure
    if rule.distinct:
        spec = rule.distinct
        return Distinct(rule.name, rule.within, spec.count, rule.count, spec.per_value_max)
    return Window([Limit(rule.name, rule.count or 1, rule.within) for rule in rules])


def _stream(rule: Rule) -> str:
    """Describe what a rule counts, and how, so that only rules with equal counters share one.

    Plain counts over one stream differ in their limits only: they share the times.
    """
    by = [field.label for field in rule.by]
    stream: list[Any] = [rule.raw_where, rule.raw_unless, by, rule.while_open]
    if rule.steps or rule.leak is not None or rule.distinct or rule.amount:
        stream += [rule.name, rule.steps, rule.leak, rule.silence, rule.within, rule.count, rule.distinct]
        stream += [rule.amount] if rule.amount else []
    return _text(stream)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def counters(rules: Iterable[Rule]) -> tuple[Counter, ...]:
    """Return the counters of rules, those of rules that inhibit others first."""
    streams: dict[str, list[Rule]] = {}
    for rule in rules:
        streams.setdefault(_stream(rule), []).append(rule)
    found = [Counter(shared) for shared in streams.values()]
    by_rule = {name: counter for counter in found for name in counter.rules}
    for counter in found:
        _connect(counter, by_rule)
    return tuple(sorted(found, key=lambda counter: not any(rule.inhibits for rule in counter.rules.values())))


def _connect(counter: Counter, by_rule: Mapping[str, Counter]) -> None:
    first = next(iter(counter.rules.values()))
    counter.while_open = tuple((name, by_rule[name]) for name in first.while_open if name in by_rule)
    counter.inhibitors = tuple(
        (muted, name, other)
        for name, other in by_rule.items()
        for muted in other.rules[name].inhibits
        if muted in counter.rules
    )
    counter.others = (*(other for _, other in counter.while_open), *(other for *_, other in counter.inhibitors))


class Rows:
    """The rows for events of one type; conditions on the type are decided here, once.

    Args:
        found: All counters.
        event_type: The type, or None for events without one.
    """

    def __init__(self, found: Sequence[Counter], event_type: Any) -> None:
        self.rows = _rows(found, event_type)
        self._known: dict[int, Matching] = {}

    def matching(self, event: Event) -> Matching:
        """Return the counters that an event falls under, and the others whose entries they need."""
        matched, bit = 0, 1
        asked, excused = None, False
        for holds, unless, _ in self.rows:
            if holds is None or holds(event):
                if unless is not asked:
                    asked, excused = unless, unless is not None and unless(event)
                if not excused:
                    matched += bit
            bit += bit
        known = self._known.get(matched)
        if known is None:
            if len(self._known) >= MAX_COMBINATIONS:
                self._known.clear()
            known = self._known[matched] = self._combined(matched)
        return known

    def _combined(self, matched: int) -> Matching:
        members = tuple(pair for index, row in enumerate(self.rows) if matched >> index & 1 for pair in row.counters)
        own = {id(counter) for counter, _ in members}
        others = {id(other): other for counter, _ in members for other in counter.others if id(other) not in own}
        return members, tuple(others.values())


def _rows(found: Sequence[Counter], event_type: Any) -> tuple[Row, ...]:
    """Return the rows for events of one type; conditions on the type are decided here, once.

    Args:
        found: All counters.
        event_type: The type, or None for events without one.
    """
    shared: dict[str, tuple[Condition | None, Condition | None, list[tuple[Counter, str]]]] = {}
    excuses: dict[str, Condition | None] = {"null": None}
    for counter in found:
        rule = next(iter(counter.rules.values()))
        for step, where in _wheres(rule):
            remaining = _remaining(compile_where(rule.name, where), where, event_type)
            if remaining is None:
                continue
            texts, tests = remaining
            key, excuse = _text([texts, rule.raw_unless]), _text(rule.raw_unless or None)
            if excuse not in excuses:
                excuses[excuse] = condition(list(rule.unless))
            if key not in shared:
                shared[key] = (condition(tests) if tests else None, excuses[excuse], [])
            shared[key][2].append((counter, step))
    return tuple(Row(holds, unless, tuple(members)) for holds, unless, members in shared.values())


def _wheres(rule: Rule) -> list[tuple[str, Any]]:
    """Return (step number, conditions), the last step first: one event never makes two steps at once."""
    if not rule.steps:
        return [("", rule.raw_where)]
    return [(str(number), _both(rule.raw_where, where)) for number, (where, _) in enumerate(rule.steps)][::-1]


def _both(left: Any, right: Any) -> list[dict[str, Any]]:
    """Return the alternatives of two sets of conditions that must both hold."""
    return [
        {**one, **other}
        for one in (left if isinstance(left, (list, tuple)) else [left])
        for other in (right if isinstance(right, (list, tuple)) else [right])
    ]


def _remaining(
    tests: list[dict[str, Test]], where: Any, event_type: Any,
) -> tuple[list[Any], list[dict[str, Test]]] | None:  # fmt: skip
    """Return what is left to test for one event type, as text and as tests; without tests all hold."""
    raw = where if isinstance(where, (list, tuple)) else [where]
    texts, left = [], []
    for spec, clause in zip(raw, tests, strict=True):
        if _TYPE in clause and not clause[_TYPE](event_type):
            continue
        rest = {field: test for field, test in clause.items() if field != _TYPE}
        texts.append({field: spec[field] for field in rest})
        left.append(rest)
    if not left:
        return None
    return (texts, []) if any(not clause for clause in left) else (texts, left)
