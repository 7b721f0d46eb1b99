"""Conditions of rules: `{field: value, list of values, or {operator: operand}}` compiled to one function."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from seclog_handlers import _config
from seclog_handlers.enrichment.addresses import parse_address
from seclog_handlers.errors import ConfigurationError

Event = Mapping[str, Any]
Test = Callable[[Any], bool]
Condition = Callable[[Event], bool]

# Names under which applications and access logs give one and the same thing; rules write the first.
ALIASES: dict[str, tuple[str, ...]] = {"endpoint": ("endpoint", "path", "api_endpoint")}

# Members of a list-valued field that are looked at, and characters of a text: a condition costs no more.
MAX_MEMBERS = 50
MAX_TEXT = 2048

_SCALARS = frozenset({str, int, float, bool, type(None)})
_EMPTY: tuple[Any, ...] = (None, "", "-")
# Tests for equality -> the values that hold, so that a condition of nothing else costs one call.
_allowed: WeakKeyDictionary[Test, frozenset[Any]] = WeakKeyDictionary()
_presence: WeakSet[Test] = WeakSet()


def reader(field: str) -> Callable[[Event], Any]:
    """Return what reads `field` of an event, also under its other names; it gives None where there is none.

    `geo_location.country` is a member of a dict, `risk_factors.name` that member of each dict of a list.
    """
    names = ALIASES.get(field)
    if names is not None:
        return lambda event: _first(event, names)
    head, *path = field.split(".")
    if path:
        return lambda event: event[field] if field in event else _follow(event.get(head), path)
    return lambda event: event.get(field)


def is_plain(field: str) -> bool:
    """Whether `reader` reads a field by its name and nothing else."""
    return field not in ALIASES and "." not in field


def names_of(field: str) -> tuple[str, ...]:
    """Return the names of an event's own fields that `reader` may look at."""
    return ALIASES.get(field) or tuple(dict.fromkeys((field, field.partition(".")[0])))


def is_equality(test: Test) -> bool:
    """Whether a test finds the same for all values that are equal: 1, 1.0 and True are."""
    return test in _allowed or test in _presence


def _first(event: Event, names: tuple[str, ...]) -> Any:
    for name in names:
        value = event.get(name)
        if value is not None and value != "":
            return value
    return None


def _follow(value: Any, path: list[str]) -> Any:
    for name in path:
        kind = type(value)
        if kind is dict:
            value = value.get(name)
        elif kind is list:
            value = [member.get(name) for member in value[:MAX_MEMBERS] if type(member) is dict]
        else:
            return None
    return value


def present(value: Any) -> bool:
    """Tell whether a value says anything: None, empty text and `-` do not."""
    return not (type(value) in _SCALARS and value in _EMPTY)


def compile_where(rule: str, where: Any) -> list[dict[str, Test]]:
    """Check conditions and return them as alternatives, each a mapping of field to test.

    Args:
        rule: What the conditions belong to, for the error.
        where: A mapping, all of whose conditions must hold, or a list of mappings, one of which must.

    Raises:
        ConfigurationError: For a wrong type, an unknown operator or an operand that it cannot use.
    """
    alternatives = where if isinstance(where, (list, tuple)) else [where]
    return [
        {field: compile_test(f"{rule}: {field}", spec) for field, spec in mapping.items()}
        for mapping in (_config.as_mapping(rule, entry) for entry in alternatives)
    ]


def compile_test(place: str, spec: Any) -> Test:
    """Return the test for one field: equality, one of a list, or the operators of a mapping, all of them."""
    if not isinstance(spec, Mapping):
        return _equal(place, spec)
    if not spec:
        raise ConfigurationError(f"{place} has an empty condition: give a value or {', '.join(OPERATORS)}.")
    tests = [_operator(place, name, operand) for name, operand in spec.items()]
    return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)


def _operator(place: str, name: Any, operand: Any) -> Test:
    maker = OPERATORS.get(name)
    if maker is None:
        raise ConfigurationError(
            f"{place} uses {name!r}, which is no condition: the conditions are {', '.join(OPERATORS)}.",
        )
    return maker(place, operand)


def _equal(place: str, spec: Any) -> Test:
    values = list(spec) if isinstance(spec, (list, tuple, set, frozenset)) else [spec]
    if not all(type(value) in _SCALARS for value in values):
        raise ConfigurationError(
            f"{place} is {spec!r}: give text, a number, true, false, null, or a list of these.",
        )
    allowed = frozenset([*values, *(str(value) for value in values if type(value) is int)])

    def test(value: Any) -> bool:
        if type(value) in _SCALARS:
            return value in allowed
        return any(type(member) in _SCALARS and member in allowed for member in _members(value))

    _allowed[test] = allowed
    return test


def _members(value: Any) -> Any:
    """Return the members of a list-valued field; nothing else is ever iterated."""
    kind = type(value)
    if kind is list or kind is tuple:
        return value[:MAX_MEMBERS]
    return list(value)[:MAX_MEMBERS] if kind is set or kind is frozenset else ()


def _on_text(check: Callable[[str], bool]) -> Test:
    """Apply a check of text to text, to numbers as they are written, and to any member of a list."""

    def test(value: Any) -> bool:
        kind = type(value)
        if kind is str:
            return check(value[:MAX_TEXT])
        if kind is int or kind is float:
            return check(str(value))
        return any(type(member) is str and check(member[:MAX_TEXT]) for member in _members(value))

    return test


def _texts(place: str, operand: Any) -> tuple[str, ...]:
    values = operand if isinstance(operand, (list, tuple)) else [operand]
    if not values or not all(isinstance(value, str) and value for value in values):
        raise ConfigurationError(f"{place} is compared with {operand!r}: give text, or a list of texts.")
    return tuple(values)


def _contains(place: str, operand: Any) -> Test:
    needles = _texts(place, operand)
    return _on_text(lambda text: any(needle in text for needle in needles))


def _startswith(place: str, operand: Any) -> Test:
    heads = _texts(place, operand)
    return _on_text(lambda text: text.startswith(heads))


def _endswith(place: str, operand: Any) -> Test:
    tails = _texts(place, operand)
    return _on_text(lambda text: text.endswith(tails))


def _re(place: str, operand: Any) -> Test:
    try:
        patterns = [re.compile(text) for text in _texts(place, operand)]
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"{place} has the regular expression {operand!r}: {error}.") from None
    return _on_text(lambda text: any(pattern.search(text) for pattern in patterns))


def _cidr(place: str, operand: Any) -> Test:
    try:
        networks = [ipaddress.ip_network(text, strict=False) for text in _texts(place, operand)]
    except ValueError as error:
        raise ConfigurationError(f"{place} has the network {operand!r}: {error}.") from None

    def test(value: Any) -> bool:
        address = parse_address(value)
        return address is not None and any(address in network for network in networks)

    return test


def _exists(place: str, operand: Any) -> Test:
    wanted = _config.as_bool(f"{place}: exists", operand)

    def test(value: Any) -> bool:
        return present(value) is wanted

    _presence.add(test)
    return test


def number(value: Any) -> float | None:
    """Return a number, or text that is written as one, as a float; None for anything else."""
    kind = type(value)
    if kind is int or kind is float or (kind is str and len(value) <= 30):  # noqa: PLR2004 - no number is longer
        try:
            found = float(value)
        except (ValueError, OverflowError):
            return None
        return None if found != found else found  # noqa: PLR0124 - not NaN
    return None


def _order(compare: Callable[[float, float], bool]) -> Callable[[str, Any], Test]:
    def maker(place: str, operand: Any) -> Test:
        limit = number(operand)
        if limit is None:
            raise ConfigurationError(f"{place} is compared with {operand!r}: give a number.")

        def test(value: Any) -> bool:
            found = number(value)
            return found is not None and compare(found, limit)

        return test

    return maker


OPERATORS: dict[str, Callable[[str, Any], Test]] = {
    "contains": _contains,
    "startswith": _startswith,
    "endswith": _endswith,
    "re": _re,
    "gte": _order(lambda value, limit: value >= limit),
    "lte": _order(lambda value, limit: value <= limit),
    "gt": _order(lambda value, limit: value > limit),
    "lt": _order(lambda value, limit: value < limit),
    "cidr": _cidr,
    "exists": _exists,
}


def condition(alternatives: list[dict[str, Test]]) -> Condition:
    """Return one function for compiled alternatives: does any of them hold in all its conditions?"""
    clauses = [[(reader(field), test) for field, test in tests.items()] for tests in alternatives]
    if len(clauses) == 1 and len(clauses[0]) == 1:
        return _single(next(iter(alternatives[0])), *clauses[0][0])

    def holds(event: Event) -> bool:
        for clause in clauses:
            for read, test in clause:
                if not test(read(event)):
                    break
            else:
                return True
        return False

    return holds


def _single(field: str, read: Callable[[Event], Any], test: Test) -> Condition:
    allowed = _allowed.get(test)
    if allowed is None or field in ALIASES or "." in field:
        return lambda event: test(read(event))

    def equals(event: Event) -> bool:
        value = event.get(field)
        return value in allowed if type(value) in _SCALARS else test(value)

    return equals
