"""Rules: mappings checked in full when the configuration is read, never at run time.

A keyword that is not known here is an error, never ignored. Beyond what each rule needs:

* `where` and `unless` are a mapping, all of whose conditions must hold, or a list of mappings, one of which
must.
* `pattern` and `severity` may be `{field}`: that field's value on the event that crosses the threshold.
* `reason` says where the threshold comes from.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seclog_handlers import _config
from seclog_handlers.detection.amounts import Amount
from seclog_handlers.detection.conditions import Test, compile_where
from seclog_handlers.detection.counting import DistinctValues, counting, milliseconds, newcomer, what
from seclog_handlers.detection.fields import Field, parse_field
from seclog_handlers.errors import ConfigurationError

SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
MODES = ("page", "observe", "off")
DEFAULT_SEVERITY = "MEDIUM"

KEYWORDS = (
    "name", "pattern", "severity", "where", "by", "unless", "count", "within", "distinct", "leak",
    "silence", "measure", "sequence", "while_open", "resolve_after", "inhibits", "mode", "attack",
    "owasp", "appsensor", "runbook_url", "reason",
)  # fmt: skip
PACK = "builtin"  # stands for the pack in a list of rules
SIGMA_SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True)
class Rule:
    """A checked rule; times in milliseconds.

    `where` and `unless` are compiled alternatives; `steps` are the (where, count) of a sequence, `newcomer` is the
    field that must be new on its last event.
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
    newcomer: Field | None = None
    amount: Amount | None = None
    while_open: tuple[str, ...] = ()
    inhibits: tuple[str, ...] = ()
    mode: str = "page"
    attack: tuple[str, ...] = ()
    owasp: str = ""
    appsensor: tuple[str, ...] = ()
    runbook_url: str = ""
    reason: str = ""
    version: str = ""
    weakened: bool = False

    @cached_property
    def equalities(self) -> Sequence[tuple[str, Any]]:
        """(field, value) that all of the rule's events have."""
        where = self.raw_where if not self.steps else self.steps[0][0]
        alternatives = where if isinstance(where, (list, tuple)) else [where]
        common = [
            {(field, value) for field, value in entry.items() if isinstance(value, (str, int, float))}
            for entry in alternatives
        ]
        return sorted(set.intersection(*common) if common else (), key=str)

    @cached_property
    def highest(self) -> int:
        """Index of the highest severity that an event may give the rule's incident."""
        return SEVERITIES.index(self.severity) if self.severity in SEVERITIES else len(SEVERITIES) - 1

    @cached_property
    def highest_of_access(self) -> int:
        """The same for an event that no more than an access log tells of."""
        return min(self.highest, SEVERITIES.index(DEFAULT_SEVERITY)) if self.weakened else self.highest

    @property
    def window_s(self) -> float:
        """The window that an alert shows, in seconds; for a leaky bucket, what it takes to empty it."""
        span = self.within / 1000 if self.leak is None else (self.count or 0) * self.leak / 1000
        return int(span) if span == int(span) else span


def load(
    rules: Any, builtin: Sequence[Mapping[str, Any]], defaults: Sequence[str] | None = None,
) -> tuple[Rule, ...]:  # fmt: skip
    """Return the rules to run.

    Args:
        rules: None for the built-in pack; or a list of names of built-in rules, mappings that override one by
            name, and new mappings; the name `builtin` is the pack, whose rules the others may override.
        builtin: Every built-in rule, as mappings.
        defaults: Names of those that make the pack; all of them by default.

    Raises:
        ConfigurationError: For a rule that cannot work; the text names the rule, the keyword and the way out.
    """
    pack = {entry["name"]: entry for entry in builtin}
    entries = [PACK] if rules is None else _entries(rules)
    whole = {name: (dict(pack[name]), True) for name in (pack if defaults is None else defaults)}
    merged: dict[str, tuple[dict[str, Any], bool]] = {}
    for mapping, weakened in _mappings(entries, pack):
        name = mapping["name"]
        if name in merged:
            raise ConfigurationError(f"rules has {name!r} twice: keep one of them.")
        merged[name] = mapping, weakened
    if PACK in entries:
        merged = {**whole, **merged}
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


def _mappings(
    entries: Sequence[Any], pack: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[dict[str, Any], bool]]:  # fmt: skip
    """Yield the mappings of the entries beside the pack's own; a Sigma file or folder may hold several."""
    for entry in entries:
        if isinstance(entry, str) and entry.strip() not in pack and _is_sigma(entry.strip()):
            from seclog_handlers.detection import sigma  # noqa: PLC0415 - only who uses Sigma pays for it

            yield from sigma.load(entry.strip())
        elif entry != PACK:
            yield _mapping(entry, pack)


def _is_sigma(entry: str) -> bool:
    return entry.lower().endswith(SIGMA_SUFFIXES) or (entry != PACK and Path(entry).is_dir())


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


# Ways of counting: an override that brings another one replaces the built-in rule's.
_WAYS = ("count", "within", "distinct", "leak", "silence", "measure", "sequence")


def _without_other_ways(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    changes = ({"leak", "measure", "sequence"} & own.keys()) - base.keys()
    return {key: value for key, value in base.items() if not changes or key not in _WAYS}


def _builtin(name: str, pack: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    found = pack.get(name.strip())
    if found is not None:
        return found
    if "/" in name or "\\" in name:
        raise ConfigurationError(
            f"rules contains {name!r}: there is no such folder, and no such Sigma file (.yml, .yaml).",
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
    how = counting(place, mapping)
    where, steps = what(place, mapping)
    raw_unless = mapping.get("unless")
    resolve_after = milliseconds(place, mapping, "resolve_after", how["within"] or None)
    severity = _severity(place, mapping.get("severity", DEFAULT_SEVERITY))
    return Rule(
        name=name, pattern=_word(place, "pattern", mapping.get("pattern", name)), severity=severity,
        where=tuple(compile_where(f"{place}: where", where)), raw_where=where, by=by,
        unless=tuple(compile_where(f"{place}: unless", raw_unless)) if raw_unless else (),
        raw_unless=raw_unless,
        resolve_after=resolve_after, steps=steps, newcomer=newcomer(place, mapping), weakened=weakened,
        while_open=_names(place, mapping, "while_open"), inhibits=_names(place, mapping, "inhibits"),
        mode=_mode(place, mapping.get("mode", "page")),
        attack=_names(place, mapping, "attack"), owasp=_word(place, "owasp", mapping.get("owasp", "")),
        appsensor=_names(place, mapping, "appsensor"),
        runbook_url=_word(place, "runbook_url", mapping.get("runbook_url", "")),
        reason=_word(place, "reason", mapping.get("reason", "")), version=_version(mapping), **how,
    )  # fmt: skip


def _version(mapping: Mapping[str, Any]) -> str:
    """Return eight digits that change with the rule: an alert says which form of it was at work."""
    text = json.dumps(mapping, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]


def _check_keywords(place: str, mapping: Mapping[str, Any]) -> None:
    for keyword in mapping:
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
