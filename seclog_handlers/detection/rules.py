"""Rules: mappings checked in full when the configuration is read, never at run time.

A keyword that is not known here is an error, never ignored. Beyond what each rule needs:

* `where` and `unless` are a mapping, all of whose conditions must hold, or a list of mappings, one of which
must.
* `pattern` and `severity` may be `{field}`: that field's value on the event that crosses the threshold.
* `reason` says where the threshold comes from.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seclog_handlers import _config
from seclog_handlers.detection.conditions import Test, compile_where
from seclog_handlers.detection.fields import Field, parse_field
from seclog_handlers.errors import ConfigurationError

SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
MODES = ("page", "observe", "off")
DEFAULT_SEVERITY = "MEDIUM"

# A window keeps that many times of a group at most: 10,000 take half a megabyte.
MAX_COUNT = 10_000
MAX_STEPS = 100
MAX_SECONDS = 31 * 86400

KEYWORDS = (
    "name", "pattern", "severity", "where", "by", "unless", "count", "within", "distinct", "leak",
    "silence", "measure", "sequence", "while_open", "resolve_after", "inhibits", "mode", "attack",
    "owasp", "runbook_url", "reason",
)  # fmt: skip
SIGMA_SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True)
class DistinctValues:
    """Different values that a rule asks for: of these fields together, so many, each at most so often."""

    fields: tuple[str, ...]
    count: int
    per_value_max: int | None = None


@dataclass(frozen=True)
class Rule:
    """A checked rule; times in milliseconds.

    `where` and `unless` are compiled alternatives; `steps` are the (where, count) of a sequence.
    `weakened` rules are MEDIUM while nothing but access logs feeds them.
    """

    name: str
    pattern: str
    severity: str
    where: tuple[dict[str, Test], ...]
    raw_where: Any
    by: tuple[Field, ...]
    unless: tuple[dict[str, Test], ...]
    raw_unless: Any
    within: int
    resolve_after: int
    count: int | None = None
    distinct: DistinctValues | None = None
    leak: float | None = None
    silence: int = 0
    steps: tuple[tuple[Any, int], ...] = ()
    while_open: tuple[str, ...] = ()
    inhibits: tuple[str, ...] = ()
    mode: str = "page"
    attack: tuple[str, ...] = ()
    owasp: str = ""
    runbook_url: str = ""
    reason: str = ""
    weakened: bool = False

    @property
    def window_s(self) -> float:
        """The window that an alert shows, in seconds; for a leaky bucket, what it takes to empty it."""
        span = self.within / 1000 if self.leak is None else (self.count or 0) * self.leak / 1000
        return int(span) if span == int(span) else span


def load(rules: Any, builtin: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Return the rules to run.

    Args:
        rules: None for the built-in pack; or a list of names of built-in rules, mappings that override one by
            name, and new mappings.
        builtin: The built-in pack, as mappings.

    Raises:
        ConfigurationError: For a rule that cannot work; the text names the rule, the keyword and the way out.
    """
    pack = {entry["name"]: entry for entry in builtin}
    entries = list(pack) if rules is None else _entries(rules)
    merged: dict[str, tuple[dict[str, Any], bool]] = {}
    for entry in entries:
        mapping, weakened = _mapping(entry, pack)
        name = mapping["name"]
        if name in merged:
            raise ConfigurationError(f"rules has {name!r} twice: keep one of them.")
        merged[name] = mapping, weakened
    parsed = [parse(mapping, weakened=weakened) for mapping, weakened in merged.values()]
    active = tuple(rule for rule in parsed if rule.mode != "off")
    _check_references(active, {*pack, *merged})
    return active


def _entries(rules: Any) -> list[Any]:
    if isinstance(rules, (list, tuple)):
        return list(rules)
    raise ConfigurationError(
        f"rules is {rules!r}: give a list of names of built-in rules and of mappings; leave it out for the "
        f"built-in pack.",
    )


def _mapping(entry: Any, pack: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Return the entry's whole mapping, and whether its severity is the pack's own."""
    if isinstance(entry, str):
        return dict(_builtin(entry, pack)), True
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"rules contains {entry!r}: give the name of a built-in rule, or a mapping.")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(f"rules contains {dict(entry)!r}: every rule needs a 'name'.")
    own = {**entry, "name": name.strip()}
    base = pack.get(own["name"])
    if base is None:
        return own, False
    return {**_without_other_ways(base, own), **own}, "severity" not in own


# Ways of counting: an override that brings one replaces the built-in rule's.
_WAYS = ("count", "within", "distinct", "leak", "silence", "measure", "sequence")


def _without_other_ways(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    changes = {"leak", "measure", "sequence"} & own.keys()
    return {key: value for key, value in base.items() if not changes or key not in _WAYS}


def _builtin(name: str, pack: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    found = pack.get(name.strip())
    if found is not None:
        return found
    if name.strip().lower().endswith(SIGMA_SUFFIXES):
        raise ConfigurationError(
            f"rules contains {name!r}, a Sigma file: this version reads none (the extra 'sigma' will); "
            "write the rule as a mapping.",
        )
    near = difflib.get_close_matches(name, pack, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"they are {', '.join(pack)}."
    raise ConfigurationError(f"rules contains {name!r}, which is no built-in rule: {hint}")


def _check_references(rules: Sequence[Rule], known: set[str]) -> None:
    by_name = {rule.name: rule for rule in rules}
    for rule in rules:
        for keyword, names in (("while_open", rule.while_open), ("inhibits", rule.inhibits)):
            for name in names:
                if name not in known or name == rule.name:
                    raise ConfigurationError(
                        f"Rule {rule.name!r}: {keyword} names {name!r}, which is no other rule.",
                    )
        for name in rule.while_open:
            _check_while_open(rule, by_name.get(name))


def _check_while_open(rule: Rule, other: Rule | None) -> None:
    if other is None:
        return
    missing = [field.label for field in other.by if field not in rule.by]
    if missing:
        raise ConfigurationError(
            f"Rule {rule.name!r}: while_open names {other.name!r}, which groups by {', '.join(missing)} too: "
            "add that to this rule's 'by', so that both mean the same group.",
        )


def parse(mapping: Mapping[str, Any], *, weakened: bool = False) -> Rule:
    """Check one rule.

    Args:
        mapping: The rule.
        weakened: Whether the rule is MEDIUM while nothing but access logs feeds it.

    Raises:
        ConfigurationError: If it cannot work.
    """
    name = mapping["name"]
    place = f"Rule {name!r}"
    _check_keywords(place, mapping)
    by = tuple(parse_field(place, label) for label in _labels(place, mapping.get("by", ())))
    counting = _counting(place, mapping)
    where, steps = _what(place, mapping)
    raw_unless = mapping.get("unless")
    resolve_after = _milliseconds(place, mapping, "resolve_after", counting["within"] or None)
    severity = _severity(place, mapping.get("severity", DEFAULT_SEVERITY))
    return Rule(
        name=name, pattern=_word(place, "pattern", mapping.get("pattern", name)), severity=severity,
        where=tuple(compile_where(f"{place}: where", where)), raw_where=where, by=by,
        unless=tuple(compile_where(f"{place}: unless", raw_unless)) if raw_unless else (),
        raw_unless=raw_unless,
        resolve_after=resolve_after, steps=steps, weakened=weakened,
        while_open=_names(place, mapping, "while_open"), inhibits=_names(place, mapping, "inhibits"),
        mode=_mode(place, mapping.get("mode", "page")),
        attack=_names(place, mapping, "attack"), owasp=_word(place, "owasp", mapping.get("owasp", "")),
        runbook_url=_word(place, "runbook_url", mapping.get("runbook_url", "")),
        reason=_word(place, "reason", mapping.get("reason", "")), **counting,
    )  # fmt: skip


def _check_keywords(place: str, mapping: Mapping[str, Any]) -> None:
    for keyword in mapping:
        if keyword == "measure":
            raise ConfigurationError(
                f"{place}: 'measure' is not implemented in this version: count events or different values instead.",
            )
        if keyword not in KEYWORDS:
            near = difflib.get_close_matches(str(keyword), KEYWORDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the keywords are {', '.join(KEYWORDS)}."
            raise ConfigurationError(f"{place} has the unknown keyword {keyword!r}: {hint}")


def _labels(place: str, by: Any) -> list[Any]:
    labels = [by] if isinstance(by, str) else by
    if not isinstance(labels, (list, tuple)):
        raise ConfigurationError(f"{place}: by is {by!r}: give a list of names of fields.")
    return list(labels)


def _names(place: str, mapping: Mapping[str, Any], keyword: str) -> tuple[str, ...]:
    return tuple(_config.as_list(f"{place}: {keyword}", mapping.get(keyword)))


def _word(place: str, keyword: str, value: Any) -> str:
    return _config.as_text(f"{place}: {keyword}", value)


def _mode(place: str, value: Any) -> str:
    # YAML and TOML writers turn `off` into false.
    return _config.as_choice(f"{place}: mode", "off" if value is False else value, MODES)


def _severity(place: str, value: Any) -> str:
    word = str(value).strip()
    if field_reference(word):
        return word
    return _config.as_choice(f"{place}: severity", word, tuple(map(str.lower, SEVERITIES))).upper()


def field_reference(word: str) -> str | None:
    """Return the field that `{field}` names, or None for a plain word."""
    return word[1:-1] if word.startswith("{") and word.endswith("}") and word[1:-1].isidentifier() else None


def _what(place: str, mapping: Mapping[str, Any]) -> tuple[Any, tuple[tuple[Any, int], ...]]:
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


def _step(place: str, step: Any) -> tuple[Any, int]:
    if not isinstance(step, Mapping) or not {"where"} <= step.keys() <= {"where", "count"}:
        raise ConfigurationError(
            f"{place} is {step!r}: give a mapping with 'where', and 'count' if it is not 1.",
        )
    compile_where(f"{place}: where", step["where"])
    return step["where"], _count(place, step.get("count", 1))


def _counting(place: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that say how the rule counts; they must make one way of counting."""
    ways = [way for way in ("leak", "sequence") if way in mapping]
    if not ways:
        _refuse(place, mapping, ("silence",), "a rule without 'leak'")
        return _windowed(place, mapping)
    if ways == ["leak"]:
        return _leaking(place, mapping)
    if ways == ["sequence"]:
        _refuse(place, mapping, ("count", "distinct", "silence"), "a sequence")
        return {"within": _milliseconds(place, mapping, "within")}
    raise ConfigurationError(f"{place} has 'leak' and 'sequence': a rule counts in one way; make two rules.")


def _windowed(place: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    distinct = _distinct(place, mapping.get("distinct"), mapping)
    count = _count(place, mapping["count"]) if "count" in mapping and not _distinct_alone(mapping) else None
    if count is None and distinct is None:
        raise ConfigurationError(f"{place} counts nothing: give 'count', 'distinct', 'leak' or 'sequence'.")
    within = _milliseconds(place, mapping, "within", 0 if count == 1 and distinct is None else None)
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
        "silence": _milliseconds(place, mapping, "silence", 0),
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


def _milliseconds(place: str, mapping: Mapping[str, Any], keyword: str, default: int | None = None) -> int:
    if keyword not in mapping:
        if default is None:
            raise ConfigurationError(f"{place} has no {keyword!r}: give seconds.")
        return default
    seconds = _config.as_number(f"{place}: {keyword}", mapping[keyword], maximum=MAX_SECONDS)
    return round(seconds * 1000)
