"""The keywords that say what a rule counts or measures, and how, checked when the configuration is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seclog_handlers import _config
from seclog_handlers.detection.amounts import COMPARISONS, KINDS, MAX_AMOUNT, Amount
from seclog_handlers.detection.conditions import compile_where
from seclog_handlers.detection.fields import Field, parse_field
from seclog_handlers.errors import ConfigurationError

# A window keeps that many times of a group at most: 10,000 take half a megabyte.
MAX_COUNT = 10_000
MAX_STEPS = 100
MAX_SECONDS = 31 * 86400


@dataclass(frozen=True)
class DistinctValues:
    """Different values that a rule asks for: of these fields together, so many, each at most so often."""

    fields: tuple[str, ...]
    count: int
    per_value_max: int | None = None


def what(place: str, mapping: Mapping[str, Any]) -> tuple[Any, tuple[tuple[Any, int], ...]]:
    """Return the rule's conditions and its steps; a sequence has conditions in its steps."""
    if "sequence" not in mapping:
        if "where" not in mapping:
            raise ConfigurationError(
                f"{place} has no 'where': say which events it counts; {{}} is every event.",
            )
        return mapping["where"], ()
    steps = mapping["sequence"]
    if not isinstance(steps, (list, tuple)) or len(steps) < 2:  # noqa: PLR2004 - one step is a count
        raise ConfigurationError(f"{place}: sequence is {steps!r}: give a list of at least two steps.")
    checked = tuple(_step(f"{place}: step {number}", step) for number, step in enumerate(steps, 1))
    if sum(count for _, count in checked) > MAX_STEPS:
        raise ConfigurationError(
            f"{place}: its steps ask for more than {MAX_STEPS} events: lower their counts.",
        )
    return mapping.get("where", {}), checked


def newcomer(place: str, mapping: Mapping[str, Any]) -> Field | None:
    """Return the field of a sequence's last step that must be new; None for any other rule."""
    steps = mapping.get("sequence", ())
    if not steps:
        return None
    last = steps[-1].get("new")
    if any("new" in step for step in steps[:-1]) or (last is not None and steps[-1].get("count", 1) != 1):
        raise ConfigurationError(f"{place}: 'new' may stand in the last step of a sequence, if that is one event.")
    if last is None:
        return None
    field = parse_field(f"{place}: new", last)
    if not field.whole and field.prefix is None:
        raise ConfigurationError(f"{place}: new is {last!r}: give a field, or a network such as 'ip_address/24'.")
    return field


def _step(place: str, step: Any) -> tuple[Any, int]:
    if not isinstance(step, Mapping) or not {"where"} <= step.keys() <= {"where", "count", "new"}:
        raise ConfigurationError(
            f"{place} is {step!r}: give a mapping with 'where', 'count' if it is not 1, and 'new' if it asks for that.",
        )
    compile_where(f"{place}: where", step["where"])
    return step["where"], _count(place, step.get("count", 1))


def counting(place: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that say how the rule counts; they must make one way of counting."""
    ways = [way for way in ("leak", "sequence", "measure") if way in mapping]
    if not ways:
        _refuse(place, mapping, ("silence",), "a rule without 'leak'")
        return _windowed(place, mapping)
    if ways == ["leak"]:
        return _leaking(place, mapping)
    if ways == ["sequence"]:
        _refuse(place, mapping, ("count", "distinct", "silence"), "a sequence")
        return {"within": milliseconds(place, mapping, "within")}
    if ways == ["measure"]:
        _refuse(place, mapping, ("distinct", "silence"), "a rule with 'measure'")
        return _measuring(place, mapping)
    words = " and ".join(map(repr, ways))
    raise ConfigurationError(f"{place} has {words}: a rule counts in one way; make two rules.")


def _measuring(place: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    within = milliseconds(place, mapping, "within")
    amount = _amount(f"{place}: measure", mapping["measure"])
    if amount.kind == "ewma" and not 0 < within <= amount.span:
        raise ConfigurationError(f"{place}: within must be more than 0 and at most the seconds of 'ewma'.")
    return {"within": within, "amount": amount, "count": _count(place, mapping.get("count", 1))}


def _amount(place: str, spec: Any) -> Amount:
    """Read `{"sum": field, "gte": number}` and its kin."""
    words = _config.as_mapping(place, spec)
    kinds, comparisons = [word for word in KINDS if word in words], [word for word in COMPARISONS if word in words]
    known = {*kinds, *comparisons} | ({"percent"} if kinds == ["percentile"] else set())
    if len(kinds) != 1 or len(comparisons) != 1 or words.keys() - known:
        raise ConfigurationError(
            f"{place} is {words!r}: give one of {', '.join(KINDS)}, one of {', '.join(COMPARISONS)}, "
            "and beside percentile its 'percent' (95 if left out).",
        )
    kind, comparison = kinds[0], comparisons[0]
    percent = 50 if kind == "median" else words.get("percent", 95)
    surge = kind == "ewma"
    seconds = _config.as_number(f"{place}: ewma", words[kind], minimum=1, maximum=MAX_SECONDS / 2) if surge else 0
    return Amount(
        kind, "" if surge else _config.as_text(f"{place}: {kind}", words[kind]), comparison,
        _config.as_number(f"{place}: {comparison}", words[comparison], minimum=-MAX_AMOUNT),
        _config.as_number(f"{place}: percent", percent, maximum=100), round(seconds * 1000),
    )  # fmt: skip


def _windowed(place: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    distinct = _distinct(place, mapping.get("distinct"), mapping)
    count = _count(place, mapping["count"]) if "count" in mapping and not _distinct_alone(mapping) else None
    if count is None and distinct is None:
        raise ConfigurationError(f"{place} counts nothing: give 'count', 'distinct', 'leak' or 'sequence'.")
    within = milliseconds(place, mapping, "within", 0 if count == 1 and distinct is None else None)
    return {"within": within, "count": count, "distinct": distinct}


def _leaking(place: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    _refuse(place, mapping, ("within",), "a leaky bucket ('leak')")
    if "count" not in mapping:
        raise ConfigurationError(f"{place} has 'leak' but no 'count': give how many events the bucket holds.")
    distinct = mapping.get("distinct")
    if isinstance(distinct, Mapping):
        raise ConfigurationError(
            f"{place}: beside 'leak', distinct is the name of a field, not {distinct!r}.",
        )
    count = _count(place, mapping["count"])
    leak = _config.as_number(f"{place}: leak", mapping["leak"], minimum=0.001, maximum=MAX_SECONDS) * 1000
    return {
        "count": count, "leak": leak, "within": int((count + 1) * leak),
        "silence": milliseconds(place, mapping, "silence", 0),
        "distinct": DistinctValues(_value_fields(place, distinct), count) if distinct else None,
    }  # fmt: skip


def _refuse(place: str, mapping: Mapping[str, Any], keywords: tuple[str, ...], what: str) -> None:
    for keyword in keywords:
        if keyword in mapping:
            raise ConfigurationError(f"{place}: {keyword!r} means nothing for {what}: take it out.")


def _distinct_alone(mapping: Mapping[str, Any]) -> bool:
    """Whether `count` is a number of different values: `distinct` is then just a field's name."""
    return isinstance(mapping.get("distinct"), (str, list, tuple))


def _distinct(place: str, spec: Any, mapping: Mapping[str, Any]) -> DistinctValues | None:
    if spec is None:
        return None
    if not isinstance(spec, Mapping):
        if "count" not in mapping:
            raise ConfigurationError(
                f"{place} has 'distinct' but no 'count': give how many different values.",
            )
        return DistinctValues(_value_fields(place, spec), _count(place, mapping["count"]))
    if not {"field", "count"} <= spec.keys() <= {"field", "count", "per_value_max"}:
        raise ConfigurationError(
            f"{place}: distinct is {dict(spec)!r}: give field, count and, if wanted, per_value_max.",
        )
    maximum = spec.get("per_value_max")
    return DistinctValues(
        _value_fields(place, spec["field"]),
        _count(f"{place}: distinct", spec["count"]),
        None if maximum is None else _count(f"{place}: per_value_max", maximum),
    )


def _value_fields(place: str, spec: Any) -> tuple[str, ...]:
    names = tuple(_config.as_list(f"{place}: distinct", spec))
    if not names:
        raise ConfigurationError(f"{place}: distinct names no field.")
    return names


def _count(place: str, value: Any) -> int:
    number = _config.as_number(f"{place}: count", value, minimum=1, maximum=MAX_COUNT)
    if number != int(number):
        raise ConfigurationError(f"{place}: count is {value!r}: it must be a whole number.")
    return int(number)


def milliseconds(place: str, mapping: Mapping[str, Any], keyword: str, default: int | None = None) -> int:
    """Return a keyword's seconds in milliseconds, or the default where it is left out."""
    if keyword not in mapping:
        if default is None:
            raise ConfigurationError(f"{place} has no {keyword!r}: give seconds.")
        return default
    seconds = _config.as_number(f"{place}: {keyword}", mapping[keyword], maximum=MAX_SECONDS)
    return round(seconds * 1000)
