from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seclog_handlers.detection import Detector
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers.escalation import EscalationHandler
from tests.sigma.rules import HEAD, single, written

ROOT = Path(__file__).parents[2]
PAIR = """
title: A
name: a
logsource: {category: application}
detection: {sel: {kind: a}, condition: sel}
---
title: B
name: b
logsource: {category: application}
detection: {sel: {kind: b}, condition: sel}
---
title: Together
name: together
correlation:
  timespan: 1m
"""


def failure(rules: list[str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Detector(rules)
    return str(caught.value)


def test_a_folder_is_read_with_all_below_it(tmp_path: Path) -> None:
    """Both endings count, in any depth, and rules refer to each other across files."""
    (tmp_path / "deep").mkdir()
    written(tmp_path, HEAD + "  sel: {kind: a}\n  condition: sel\n", "deep/a.yaml")
    written(
        tmp_path,
        "title: N\nname: n\ncorrelation: {type: event_count, rules: [a_rule], timespan: 1m, condition: {gte: 2}}\n",
        "b.yml",
    )
    (tmp_path / "README.md").write_text("no rule")

    assert [rule.name for rule in Detector([str(tmp_path)]).rules] == ["n"]


def test_sigma_stands_beside_other_rules(tmp_path: Path) -> None:
    """A list may hold built-in names, mappings and Sigma files."""
    path = single(tmp_path, "sel: {kind: a}\ncondition: sel")

    rules = Detector(
        ["brute_force_ip", path, {"name": "own", "where": {}, "count": 1, "within": 0, "resolve_after": 1}]
    ).rules

    assert [rule.name for rule in rules] == ["brute_force_ip", "a_rule", "own"]


def test_a_handler_takes_sigma_files(tmp_path: Path) -> None:
    """`rules` of an EscalationHandler names files, and their rules judge records."""
    path = single(tmp_path, "sel: {event_type: api_response, status_code: 418}\ncondition: sel")
    told: list[logging.LogRecord] = []
    target = logging.Handler()
    target.emit = told.append  # type: ignore[method-assign]
    handler = EscalationHandler(target, rules=[path], policy={"pseudonyms.keys": ["a key of the tests only"]})

    handler.handle(logging.makeLogRecord({"event_type": "api_response", "status_code": 418, "created": 1000.0}))
    handler.close()

    assert [record.getMessage() for record in told] == ["A rule"]


def test_the_documented_example_loads(tmp_path: Path) -> None:
    """The rules that docs/sigma.md shows make the rule that it says."""
    text = (ROOT / "docs" / "sigma.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)

    (rule,) = Detector([written(tmp_path, example)]).rules

    assert (rule.name, rule.severity, rule.count, rule.within) == ("guessing", "HIGH", 5, 600_000)


def test_the_sigma_rule_keeps_words_of_our_own(tmp_path: Path) -> None:
    """The attribute `seclog` says what Sigma has no word for."""
    path = written(
        tmp_path, HEAD + "  sel: {kind: a}\n  condition: sel\nseclog: {by: [ip_address/24], mode: observe}\n"
    )

    (rule,) = Detector([path]).rules

    assert ([field.label for field in rule.by], rule.mode) == (["ip_address/24"], "observe")


def test_without_pysigma_the_error_names_the_extra(tmp_path: Path) -> None:
    """Only a rules list that names a Sigma file needs pySigma."""
    path = single(tmp_path, "sel: {kind: a}\ncondition: sel")
    script = (
        "import sys\nsys.modules['sigma'] = None\n"
        "from seclog_handlers.detection import Detector\nDetector()\n"
        f"try: Detector([{path!r}])\nexcept ValueError as error: print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=150, check=True
    )

    assert "Install seclog-handlers[sigma]" in done.stdout


def test_pysigma_is_imported_for_sigma_files_only() -> None:
    """A detector of mappings leaves pySigma alone."""
    script = "import sys\nfrom seclog_handlers.detection import Detector\nDetector()\nprint('sigma' in sys.modules)\n"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=150, check=True
    )

    assert done.stdout.strip() == "False"


UNSUPPORTED = [
    ("sel: {a|fieldref: b}\ncondition: sel", "fieldref"),
    ("sel: {a|expand: '%x%'}\ncondition: sel", "placeholder"),
    ("sel: {event.outcome: unknown}\ncondition: sel", "success or failure"),
    ("sel: {event.category: registry}\ncondition: sel", "must be one of"),
    ("sel: {a|cased: 'x*y'}\ncondition: sel", "cased"),
    ("sel: {a|nonsense: b}\ncondition: sel", "nonsense"),
    ("sel: {a: b}\ncondition: other", "other"),
    ("sel: {a|re: '('}\ncondition: sel", "("),
]


@pytest.mark.parametrize(("detection", "word"), UNSUPPORTED)
def test_what_cannot_be_done_is_named(tmp_path: Path, detection: str, word: str) -> None:
    """The error names file and construct, when the configuration is read."""
    text = failure([single(tmp_path, detection)])

    assert "rules.yml" in text
    assert word in text


CORRELATIONS = [
    ("  type: event_count\n  rules: [a]\n  condition: {lt: 3}", "use gte, gt or eq"),
    ("  type: value_sum\n  rules: [a]\n  condition: {eq: 3, field: x}", "use gt, gte, lt or lte"),
    ("  type: temporal\n  rules: [a]", "at least two rules"),
    ("  type: temporal\n  rules: [a, b]\n  condition: {gte: 1}", "leave its condition out"),
    ("  type: event_count\n  rules: [a]\n  group-by: [url.full]\n  condition: {gte: 3}", "name one"),
    (
        "  type: event_count\n  rules: [a, b]\n  group-by: [who]\n  aliases: {who: {a: user.name, b: src_ip}}\n  condition: {gte: 3}",
        "alias",
    ),
    ("  type: event_count\n  rules: [nobody]\n  condition: {gte: 3}", "nobody"),
    ("  type: surprise\n  rules: [a]\n  condition: {gte: 3}", "surprise"),
    ("  type: temporal\n  rules: [a, b]\n  condition: a and not b", "in words"),
]


@pytest.mark.parametrize(("body", "word"), CORRELATIONS)
def test_a_correlation_that_cannot_be_is_named(tmp_path: Path, body: str, word: str) -> None:
    """A correlation that one event after another cannot decide is refused with the way out."""
    text = failure([written(tmp_path, PAIR + body)])

    assert word in text


FILES = [
    ("- a\n- b\n", "no mapping"),
    ("title: [", "cannot be read"),
    ("", "no Sigma rule"),
    ("title: A\nlogsource: {product: windows}\ndetection: {s: {a: b}, condition: s}\n", "windows"),
    ("title: A\n", "rules.yml"),
]


@pytest.mark.parametrize(("content", "word"), FILES)
def test_a_file_that_is_no_rule_is_named(tmp_path: Path, content: str, word: str) -> None:
    """Broken YAML, empty files and foreign products stop the start with a sentence."""
    assert word in failure([written(tmp_path, content)])


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    """What is not there is said."""
    assert "cannot be read" in failure([str(tmp_path / "none.yml")])
    assert "holds no .yml" in failure([str(tmp_path)])


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    """A name stands for one rule."""
    text = HEAD + "  sel: {kind: a}\n  condition: sel\n"

    assert "another 'name'" in failure(
        [
            written(
                tmp_path,
                f"{text}---\n{text}".replace("name: a_rule\n", "", 1).replace("title: A rule", "title: a_rule", 1),
            )
        ]
    )


def test_too_many_alternatives_are_refused(tmp_path: Path) -> None:
    """A condition that would cost every event thousands of comparisons is not taken."""
    groups = "\n".join(f"g{n}:\n  - {{a{n}: 1, b{n}: 1}}\n  - {{c{n}: 1, d{n}: 1}}" for n in range(12))

    assert "alternatives" in failure([single(tmp_path, f"{groups}\ncondition: all of g*")])
