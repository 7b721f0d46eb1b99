"""Our rules as Sigma documents that load back to the same rule.

What Sigma has a word for is said in Sigma, so that other tools read it; whatever differs after loading the documents
back goes under the attribute `seclog`, which other tools ignore.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from typing import Any

from seclog_handlers.detection.sigma.compilation import OWN, Mapped, compiled
from seclog_handlers.errors import ConfigurationError

Document = dict[str, Any]

_NAMESPACE = uuid.UUID("6f0ce0de-5c0a-4f6e-9d0c-3c1f5c1f7a51")
_LOGSOURCE = {"product": "seclog", "category": "application"}
_TEXT_OPERATORS = frozenset({"contains", "startswith", "endswith"})
_MEASURES = {"sum": "value_sum", "avg": "value_avg", "percentile": "value_percentile", "median": "value_median"}
_BY_NUMBER = re.compile(r"(?<!\\)\\u([0-9a-fA-F]{4})")
_LEVELS = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "critical"}


def documents(mapping: dict[str, Any], *, weakened: bool = False) -> list[Document]:
    """Return the Sigma documents of a rule; the last one is the rule, those before it are what it refers to.

    Args:
        mapping: The rule, as its mapping.
        weakened: Whether the rule is MEDIUM while nothing but access logs feeds it.

    Raises:
        ConfigurationError: If pySigma is not installed.
    """
    found = _documents(mapping)
    found[-1][OWN] = {"weakened": True} if weakened else {}
    loaded, _ = loaded_back(found)
    own = {key: value for key, value in mapping.items() if _plain(loaded.get(key)) != _plain(value)}
    surplus = [key for key in loaded if key not in mapping]
    found[-1][OWN].update(own, **({"without": surplus} if surplus else {}))
    if not found[-1][OWN]:
        del found[-1][OWN]
    return found


def loaded_back(found: list[Document]) -> Mapped:
    """Return the one rule that documents load to."""
    try:
        from sigma.collection import SigmaCollection  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ConfigurationError(
            "The 'pysigma' package is needed to write Sigma rules. Install seclog-handlers[sigma].",
        ) from error
    # pySigma changes what it is given.
    collection = SigmaCollection.from_dicts(json.loads(json.dumps(found, default=list)))
    return compiled(next(rule for rule in collection.rules if rule.title == found[-1]["title"]))[0]


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=list))


def _documents(mapping: dict[str, Any]) -> list[Document]:
    if "sequence" in mapping:
        return _sequence(mapping)
    where, unless = mapping.get("where", {}), mapping.get("unless")
    if not mapping.get("within") and "leak" not in mapping:
        return [{**_header(mapping), **_detection(where, unless)}]
    base = {**_header(mapping, "events"), **_detection(where, unless)}
    return [base, {**_header(mapping), "correlation": _counted(mapping, base["name"])}]


def _header(mapping: dict[str, Any], part: str = "") -> Document:
    """Return what a document says about itself; one that a correlation uses is called after it."""
    name = f"{mapping['name']}_{part}" if part else mapping["name"]
    title = name.replace("_", " ")
    found: Document = {"title": title, "id": str(uuid.uuid5(_NAMESPACE, name)), "name": name}
    if part:
        return found
    found["status"] = "stable"
    if mapping.get("reason"):
        found["description"] = mapping["reason"]
    tags = [f"attack.{technique.lower()}" for technique in mapping.get("attack", ())]
    if tags:
        found["tags"] = tags
    found["level"] = _LEVELS.get(mapping.get("severity", ""), "medium")
    return found


def _detection(where: Any, unless: Any) -> Document:
    detection: Document = {"selection": _selection(where)}
    if unless:
        detection["unless"] = _selection(unless)
    detection["condition"] = "selection and not unless" if unless else "selection"
    return {"logsource": dict(_LOGSOURCE), "detection": detection}


def _selection(where: Any) -> Any:
    clauses = where if isinstance(where, (list, tuple)) else [where]
    items = [_items(clause) for clause in clauses]
    return items[0] if len(items) == 1 else items


def _items(clause: dict[str, Any]) -> Document:
    found: Document = {}
    for field, spec in clause.items():
        if isinstance(spec, dict):
            for operator, operand in spec.items():
                found.update(_operator(field, operator, operand))
        else:
            values = [_text(value) for value in (spec if isinstance(spec, (list, tuple)) else [spec])]
            cased = "|cased" if field != "event_type" and all(isinstance(value, str) for value in values) else ""
            found[field + cased] = values if len(values) > 1 else values[0]
    # Sigma has no empty selection: every event that we know the type of; the difference is kept beside it.
    return found or {"event_type|exists": True}


def _operator(field: str, operator: str, operand: Any) -> Document:
    if operator in _TEXT_OPERATORS:
        texts = [_text(value) for value in (operand if isinstance(operand, (list, tuple)) else [operand])]
        return {f"{field}|{operator}|cased": texts if len(texts) > 1 else texts[0]}
    if operator == "sigma":
        return {f"{field}|exists": True}
    if operator == "re":
        texts = [_regular(text) for text in (operand if isinstance(operand, (list, tuple)) else [operand])]
        return {f"{field}|re": texts if len(texts) > 1 else texts[0]}
    return {f"{field}|{operator}": list(operand) if isinstance(operand, tuple) else operand}


def _regular(pattern: str) -> str:
    r"""Write characters that are given by number themselves: engines of other tools know no `\u`."""
    return _BY_NUMBER.sub(lambda found: chr(int(found[1], 16)), pattern)


def _text(value: Any) -> Any:
    """Escape what Sigma would take for a wildcard."""
    if not isinstance(value, str):
        return value
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def _counted(mapping: dict[str, Any], base: str) -> Document:
    """Return the correlation that comes nearest to how a rule counts."""
    measure, distinct = mapping.get("measure") or {}, mapping.get("distinct")
    kind = next((kind for kind in _MEASURES if kind in measure), None)
    if kind is not None:
        condition = {word: limit for word, limit in measure.items() if word in ("gt", "gte", "lt", "lte")}
        condition |= {"percentile": measure["percent"]} if "percent" in measure else {}
        return _correlation(mapping, _MEASURES[kind], [base], {**condition, "field": measure[kind]})
    if isinstance(distinct, (str, list, tuple)) and distinct and "leak" not in mapping:
        field = distinct if isinstance(distinct, str) else list(distinct)
        return _correlation(mapping, "value_count", [base], {"gte": mapping.get("count", 1), "field": field})
    more = 1 if "leak" in mapping else 0
    return _correlation(mapping, "event_count", [base], {"gte": mapping.get("count", 1) + more})


def _correlation(mapping: dict[str, Any], kind: str, rules: list[str], condition: Document | None) -> Document:
    found: Document = {"type": kind, "rules": rules, "timespan": f"{_seconds(mapping)}s"}
    by = mapping.get("by", ())
    if by:
        found["group-by"] = [by] if isinstance(by, str) else list(by)
    return {**found, "condition": condition} if condition else found


def _seconds(mapping: dict[str, Any]) -> int:
    span: float = mapping.get("within") or (mapping.get("count", 1) + 1) * mapping.get("leak", 1)
    return max(1, math.ceil(span))


def _sequence(mapping: dict[str, Any]) -> list[Document]:
    found: list[Document] = []
    names = []
    for number, step in enumerate(mapping["sequence"], 1):
        base = {**_header(mapping, f"step_{number}"), **_detection(step["where"], mapping.get("unless"))}
        found.append(base)
        if step.get("count", 1) > 1:
            header = _header(mapping, f"step_{number}_count")
            condition = {"gte": step["count"]}
            found.append({**header, "correlation": _correlation(mapping, "event_count", [base["name"]], condition)})
        names.append(found[-1]["name"])
    return [*found, {**_header(mapping), "correlation": _correlation(mapping, "temporal_ordered", names, None)}]


def as_yaml(mapping: dict[str, Any], *, weakened: bool = False) -> str:
    """Return the text of a Sigma file for a rule, as `documents` gives it."""
    found = documents(mapping, weakened=weakened)
    import yaml  # noqa: PLC0415 - comes with pySigma

    plain = json.loads(json.dumps(found, default=list))
    text: str = yaml.safe_dump_all(plain, sort_keys=False, allow_unicode=False, width=110)
    return text
