"""Rules compiled for the engine: counters that rules share, and which of them an event type concerns."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers.detection.acquaintances import Newcomer
from seclog_handlers.detection.amounts import MEASURES
from seclog_handlers.detection.case import PREFIX, is_own
from seclog_handlers.detection.conditions import (
    Condition,
    Event,
    compile_where,
    condition,
    is_equality,
    is_plain,
    names_of,
    reader,
)
from seclog_handlers.detection.distinct import Distinct
from seclog_handlers.detection.fields import Field
from seclog_handlers.detection.measures import Bucket, Limit, Measure, Patient, Steps, Window
from seclog_handlers.detection.quantities import quantity
from seclog_handlers.detection.visits import Visits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from seclog_handlers.detection.conditions import Test
    from seclog_handlers.detection.rules import Rule

_TYPE = "event_type"
# Combinations of rows that are remembered for one event type; there are few.
MAX_COMBINATIONS = 256
# Combinations of values whose rows are remembered for one event type, and the longest text among them.
MAX_DECISIONS = 1024
_SIMPLE = frozenset(map(id, (str, int, bool, type(None))))
MAX_TEXT = 256


class Counter:
    """One measure over one stream of events, with the rules that it serves.

    Attributes:
        prefix: Begins the key of each of its entries; a change of what is counted changes it.
        measure: The way of counting.
        patient: The same, for counters whose events may wait.
        by: Fields of the group.
        group: Their labels in one text.
        rules: name -> rule.
        distinct: Fields whose values are told apart, or none.
        values: Their names in one text.
        number: Reads the number or the place that is measured, or None.
        counts_all: Whether it counts each event, whatever it says.
        types: Types of the events it counts, none for any.
        opening: The step that a group's first event must be, or None for any event.
        newcomer: What must be new on the last event of a sequence, or None.
        while_open: (rule, counter): the counter counts only while one of these has an open incident.
        inhibitors: (muted rule, rule, counter): whose open incident speaks for the muted rule.
        others: The counters of both, whose entries are needed with each of its own.
    """

    __slots__ = (
        "add", "by", "counts_all", "distinct", "group", "inhibitors", "measure", "newcomer", "number", "opening",
        "others", "patient",
        "prefix", "rules", "types", "values", "while_open",
    )  # fmt: skip

    def __init__(self, rules: Sequence[Rule]) -> None:
        first = rules[0]
        self.rules = {rule.name: rule for rule in rules}
        self.by = first.by
        self.group = "|".join(field.label for field in first.by)
        self.distinct = tuple(Field(name, name) for name in first.distinct.fields) if first.distinct else ()
        self.values = ",".join(field.label for field in self.distinct) + " as values"
        self.types = _types(first)
        self.opening = "0" if first.steps else None
        self.number = quantity(first.amount) if first.amount else None
        self.measure = _measure(rules)
        self.patient: Patient = self.measure  # type: ignore[assignment]  # asked only of those that are
        self.add = self.measure.add
        self.counts_all = not (self.distinct or self.number)
        self.prefix = _prefix(_stream(first))
        self.newcomer = None
        if first.newcomer is not None:
            by = (*first.by, first.newcomer)
            self.newcomer = Newcomer(str(len(first.steps) - 1), _prefix(f"{_stream(first)} met"), by)
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


class Plan:
    """What becomes of events that hold the same conditions.

    Attributes:
        members: Counters, with the number of a step each.
        counters: The counters alone.
        own: Whether the application itself logged the events, beside its server's access log.
        route: How the events may wait, or None.
        number: Of the plan, where events may wait.
        names: Fields whose values decide that an event has this plan and these groups; empty if that is not known.
        visits: Events of the same type that came before; None if they cannot be told by their values.
    """

    __slots__ = ("counters", "members", "names", "number", "own", "route", "visits")

    def __init__(self, members: tuple[tuple[Counter, str], ...], *, own: bool) -> None:
        self.members = members
        self.counters = frozenset(counter for counter, _ in members)
        self.own = own
        self.route: Any = None
        self.number = 0
        self.names: tuple[str, ...] = ()
        self.visits: Visits | None = None


def _prefix(stream: str) -> str:
    return blake2b(stream.encode(), digest_size=PREFIX // 2).hexdigest()


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
        stream += [rule.newcomer.label] if rule.newcomer else []
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

    What the other conditions find is remembered by the values of the few fields that they look at.

    Args:
        found: All counters.
        event_type: The type, or None for events without one.
        route: Plan -> how its events may wait; None where none does.

    Attributes:
        visits: Events of this type that came before, found by their values.
    """

    def __init__(
        self, found: Sequence[Counter], event_type: Any, route: Callable[[Plan], Any] | None = None,
    ) -> None:  # fmt: skip
        self._route = route
        self.rows, fields, self._equal = _rows(found, event_type)
        self._fields = fields
        self._plain = tuple(sorted(field for field in fields if is_plain(field)))
        self._readers = tuple(reader(field) for field in sorted(fields) if not is_plain(field))
        self.visits = Visits()
        self._decided: dict[tuple[Any, ...], Plan] = {}
        self._known: dict[tuple[int, bool], Plan] = {}

    def plan(self, event: Event) -> Plan:
        """Return what becomes of an event."""
        get = event.get
        values = list(map(get, self._plain))
        if self._readers:
            values += [read(event) for read in self._readers]
        # By identity: 1 is not True, and a class of the application's may raise when it is compared.
        types = tuple(map(id, map(type, values)))
        if not _SIMPLE.issuperset(types):
            return self._judged(event)
        key = (get("source"), types, *values)
        try:
            plan = self._decided.get(key)
        except Exception:  # a source that is no text, with ideas of its own
            return self._judged(event)
        return self._decide(key, event) if plan is None else plan

    def _decide(self, key: tuple[Any, ...], event: Event) -> Plan:
        plan = self._judged(event)
        if len(self._decided) >= MAX_DECISIONS:
            self._decided.clear()
        source, _, *values = key
        if type(source) in (str, type(None)) and all(type(text) is not str or len(text) <= MAX_TEXT for text in values):
            self._decided[key] = plan
        return plan

    def _judged(self, event: Event) -> Plan:
        """Ask each condition."""
        matched, bit = 0, 1
        asked, excused = None, False
        for holds, unless, _ in self.rows:
            if holds is None or holds(event):
                if unless is not asked:
                    asked, excused = unless, unless is not None and unless(event)
                if not excused:
                    matched += bit
            bit += bit
        own = is_own(event)
        known = self._known.get((matched, own))
        if known is None:
            if len(self._known) >= MAX_COMBINATIONS:
                self._known.clear()
            known = self._known[matched, own] = Plan(self._members(matched), own=own)
            if self._route is not None:
                self._connect(known, self._route(known))
        return known

    def _connect(self, plan: Plan, route: Any) -> None:
        """Give a plan its route, and the names of the fields that decide.

        None if a test is not for equality: to such a one 1 and True are the same.
        """
        plan.route = route
        if route is None or not self._equal:
            return
        deciding = {_TYPE, "source", *(name for field in self._fields for name in names_of(field))}
        grouping = {name for field, _, _ in route.fields for name in names_of(field)}
        plan.names, plan.visits = tuple(sorted(deciding | grouping)), self.visits
        self.visits.read(deciding, grouping, [name for name, _, whole in route.fields if whole])

    def _members(self, matched: int) -> tuple[tuple[Counter, str], ...]:
        return tuple(pair for index, row in enumerate(self.rows) if matched >> index & 1 for pair in row.counters)


def _rows(found: Sequence[Counter], event_type: Any) -> tuple[tuple[Row, ...], set[str], bool]:
    """Return the rows for events of one type, the fields that they look at, and whether for equal values only.

    Args:
        found: All counters.
        event_type: The type, or None for events without one.
    """
    fields: set[str] = set()
    equal = True
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
                clauses = (*tests, *rule.unless)
                fields |= {field for clause in clauses for field in clause}
                equal = equal and all(is_equality(test) for clause in clauses for test in clause.values())
            shared[key][2].append((counter, step))
    return tuple(Row(holds, unless, tuple(members)) for holds, unless, members in shared.values()), fields, equal


def _wheres(rule: Rule) -> list[tuple[str, Any]]:
    """Return (step number, conditions), the last step first: one event never makes two steps at once."""
    if not rule.steps:
        return [("", rule.raw_where)]
    return [(str(number), _both(rule.raw_where, where)) for number, (where, _) in enumerate(rule.steps)][::-1]


def _types(rule: Rule) -> frozenset[str]:
    """Return the event types that a rule's conditions name, none if it may count others too."""
    named = [clause.get(_TYPE) for _, where in _wheres(rule) for clause in _clauses(where)]
    lists = [kind if isinstance(kind, (list, tuple)) else [kind] for kind in named]
    found = [kind for kinds in lists for kind in kinds]
    return frozenset(map(str, found)) if all(type(kind) is str for kind in found) else frozenset()


def _clauses(where: Any) -> Sequence[Mapping[str, Any]]:
    return where if isinstance(where, (list, tuple)) else [where]


def _both(left: Any, right: Any) -> list[dict[str, Any]]:
    """Return the alternatives of two sets of conditions that must both hold."""
    return [{**one, **other} for one in _clauses(left) for other in _clauses(right)]


def _remaining(
    tests: list[dict[str, Test]], where: Any, event_type: Any,
) -> tuple[list[Any], list[dict[str, Test]]] | None:  # fmt: skip
    """Return what is left to test for one event type, as text and as tests; without tests all hold."""
    raw = _clauses(where)
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
