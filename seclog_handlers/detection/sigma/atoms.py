"""Values of a Sigma rule, modifiers already applied by pySigma, as formulas of one field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seclog_handlers.detection.sigma.predicates import MANY, ONE
from seclog_handlers.errors import ConfigurationError

Formula = list[Any]

_COMPARISONS = {"LT": "lt", "LTE": "lte", "GT": "gt", "GTE": "gte"}
_FLAGS = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}
_ABSENT: Formula = ["is", {"exists": False}]


def formula(place: str, value: Any) -> Formula:
    """Return the formula for one value.

    Args:
        place: File, rule and field, for the error.
        value: pySigma's object for it.

    Raises:
        ConfigurationError: For a kind of value that cannot be decided by looking at one field of one event.
    """
    name = type(value).__name__
    maker = _MAKERS.get(name)
    if maker is None:
        reason = _REASONS.get(name, f"has a value of the kind {name}, which is not supported")
        raise ConfigurationError(f"{place} {reason}.")
    return maker(place, value)


def _text(place: str, value: Any) -> Formula:
    return ["text", _shape(place, value)]


def _shape(place: str, value: Any) -> list[Any]:
    shape: list[Any] = []
    for part in value.s:
        word = part if isinstance(part, str) else _WILDCARDS.get(getattr(part, "name", ""))
        if word is None:
            name = getattr(part, "name", part)
            raise ConfigurationError(f"{place} has the placeholder %{name}%: write its values out.")
        if not (word == MANY and shape[-1:] == [MANY]):
            shape.append(word)
    return shape or [""]


_WILDCARDS = {"WILDCARD_MULTI": MANY, "WILDCARD_SINGLE": ONE}


def _cased(place: str, value: Any) -> Formula:
    """Return text as written: a rule's mapping has words for the usual forms."""
    shape = _shape(place, value)
    words = [part for part in shape if isinstance(part, str)]
    if len(words) != 1 or ONE in shape:
        raise ConfigurationError(
            f"{place} has wildcards within a text whose case matters ('cased'): use 're', or leave 'cased' out.",
        )
    ends = (shape[0] == MANY, shape[-1] == MANY)
    operator = {(True, True): "contains", (False, True): "startswith", (True, False): "endswith"}.get(ends)
    return ["is", words[0] if operator is None else {operator: words[0]}]


def _regular(_place: str, value: Any) -> Formula:
    text = str(value.regexp)
    flags = "".join(sorted(_FLAGS[flag.name] for flag in value.flags))
    return ["is", {"re": f"(?{flags}){text}" if flags else text}]


def _comparison(_place: str, value: Any) -> Formula:
    limit = value.number.number
    operator = _COMPARISONS.get(value.op.name)
    return ["not", ["is", limit]] if operator is None else ["is", {operator: limit}]


def _expansion(place: str, value: Any) -> Formula:
    return ["or", *(formula(place, member) for member in value.values)]


_MAKERS: dict[str, Callable[[str, Any], Formula]] = {
    "SigmaString": _text,
    "SigmaCasedString": _cased,
    "SigmaNumber": lambda _place, value: ["is", value.number],
    "SigmaBool": lambda _place, value: ["is", value.boolean],
    "SigmaNull": lambda _place, _value: _ABSENT,
    "SigmaExists": lambda _place, value: ["is", {"exists": value.exists}],
    "SigmaRegularExpression": _regular,
    "SigmaCIDRExpression": lambda _place, value: ["is", {"cidr": value.cidr}],
    "SigmaCompareExpression": _comparison,
    "SigmaExpansion": _expansion,
}
_REASONS = {
    "SigmaFieldReference": "compares two fields of an event ('fieldref'), which is not supported: compare with a value",
    "SigmaTimestampPart": "asks for a part of a time, which is not supported: leave the condition out",
    "SigmaQueryExpression": "has a query of another system's language: write the values out",
}


def spec_of(found: Formula) -> Any:
    """Return a formula as a rule's mapping says it, or under the condition `sigma` where it has no word for it."""
    word, *rest = found
    if word == "is":
        return rest[0]
    if all(part[0] == "is" for part in rest if isinstance(part, list)) and word in ("or", "and"):
        specs = [part[1] for part in rest]
        joined = _any_of(specs) if word == "or" else _all_of(specs)
        if joined is not None:
            return joined
    return {"sigma": found}


_LISTED = frozenset({"contains", "startswith", "endswith", "re", "cidr"})


def _any_of(specs: list[Any]) -> Any:
    if not any(isinstance(spec, (dict, list)) for spec in specs):
        return specs
    if all(isinstance(spec, dict) and len(spec) == 1 for spec in specs):
        words = {next(iter(spec)) for spec in specs}
        if len(words) == 1 and words <= _LISTED:
            word = words.pop()
            return {word: [spec[word] for spec in specs]}
    return None


def _all_of(specs: list[Any]) -> Any:
    if not all(isinstance(spec, dict) for spec in specs):
        return None
    names = [name for spec in specs for name in spec]
    if len(names) != len(set(names)):
        return None
    return {name: operand for spec in specs for name, operand in spec.items()}
