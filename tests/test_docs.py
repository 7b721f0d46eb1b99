"""What docs/detection.md says of the pack and of rules is what the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from seclog_handlers.detection import Detector
from seclog_handlers.detection.builtin import BUILTIN, DEFAULTS
from seclog_handlers.detection.rules import KEYWORDS

HEADER = "| rule | on | by | threshold | severity | MITRE | AppSensor | OWASP | source |"
DETECTION = (Path(__file__).parents[1] / "docs" / "detection.md").read_text(encoding="utf-8")


def threshold(rule: dict[str, Any]) -> str:
    """Return a rule's threshold as the table words it."""
    if "sequence" in rule:
        return " then ".join(str(step.get("count", 1)) for step in rule["sequence"]) + f" in {rule['within']} s"
    distinct = rule.get("distinct")
    if isinstance(distinct, dict):
        return f"{rule['count']} in {rule['within']} s, {distinct['count']} different {distinct['field']}"
    if distinct:
        names = distinct if isinstance(distinct, str) else ", ".join(distinct)
        return f"{rule['count']} different {names} " + span(rule)
    if "measure" in rule:
        measure = ", ".join(f"{word} {value}" for word, value in rule["measure"].items())
        return measure + (f", {rule['count']}" if "count" in rule else "") + f" in {rule['within']} s"
    if "leak" in rule:
        return f"{rule['count']} {span(rule)}"
    return f"{rule['count']} in {rule['within']} s" if rule["within"] else "each one"


def span(rule: dict[str, Any]) -> str:
    """Return over what time a rule counts."""
    return f"leaking one per {rule['leak']} s" if "leak" in rule else f"in {rule['within']} s"


def table() -> str:
    """Return the table of the built-in pack."""
    rows = [
        f"| `{rule['name']}` | {'yes' if rule['name'] in DEFAULTS else ''} | {', '.join(rule['by'])} "
        f"| {threshold(rule)} | {rule['severity'].strip('{}')} | {' '.join(rule.get('attack', ()))} "
        f"| {' '.join(rule['appsensor'])} | {rule['owasp']} | {rule['reason']} |"
        for rule in BUILTIN
    ]
    return "\n".join([HEADER, "|" + "---|" * 9, *rows])


def test_the_table_of_the_pack_is_the_pack() -> None:
    """Every built-in rule stands in the documentation with its threshold and its source."""
    assert table() in DETECTION


def test_the_example_rules_compile() -> None:
    """The rules that the page shows are accepted as they stand."""
    (example,) = re.findall(r"```python\nrules = (.*?)```", DETECTION, re.DOTALL)

    Detector(ast.literal_eval(example)).close()


def test_every_keyword_is_documented() -> None:
    """A keyword that a rule may have is explained on the page."""
    assert {word for word in KEYWORDS if f"`{word}`" not in DETECTION and f'"{word}"' not in DETECTION} <= {"reason"}
