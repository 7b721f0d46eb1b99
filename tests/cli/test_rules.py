from __future__ import annotations

import json
from pathlib import Path

from seclog_handlers.detection import BUILTIN, DEFAULTS, Detector
from tests.cli.command import seclog


def test_list_has_every_built_in_rule(tmp_path: Path) -> None:
    """One line a rule; those that run without configuration are marked."""
    lines = seclog("rules", "list", cwd=tmp_path).stdout.splitlines()

    marked = {line.split()[1] for line in lines if line.startswith("* ")}
    assert marked == set(DEFAULTS)
    assert all(any(f" {rule['name']} " in line for line in lines) for rule in BUILTIN)


def test_list_as_json(tmp_path: Path) -> None:
    """The same for programs."""
    listed = json.loads(seclog("rules", "list", "--json", cwd=tmp_path).stdout)

    assert [entry["name"] for entry in listed] == [rule["name"] for rule in BUILTIN]
    assert {entry["name"] for entry in listed if entry["default"]} == set(DEFAULTS)


def test_explain_says_what_counts_when_and_why(tmp_path: Path) -> None:
    """A rule in words: condition, group, threshold, reason, MITRE id."""
    text = seclog("rules", "explain", "success_after_failures", cwd=tmp_path).stdout

    for word in ("event_type is", "username", "5 then 1 in 10 min", "T1078", "OWASP", "CRITICAL"):
        assert word in text


def test_explain_names_the_nearest_rule(tmp_path: Path) -> None:
    """A typing mistake is answered with the name."""
    done = seclog("rules", "explain", "brute_force_pi", cwd=tmp_path)

    assert done.returncode == 2
    assert "brute_force_ip" in done.stderr


def test_every_rule_can_be_explained(tmp_path: Path) -> None:
    """No way of counting is without words."""
    from seclog_handlers.cli import rule_text
    from seclog_handlers.detection.rules import load

    for rule in load([rule["name"] for rule in BUILTIN], BUILTIN):
        assert dict(rule_text.explained(rule))["when"]


def test_export_writes_files_that_load(tmp_path: Path) -> None:
    """The folder stands in `rules` as it is, and is not overwritten unless that is asked for."""
    done = seclog("rules", "export", "out", cwd=tmp_path)

    rules = Detector([str(tmp_path / "out")]).rules
    assert done.returncode == 0, done.stderr
    assert sorted(rule.name for rule in rules) == sorted(DEFAULTS)
    assert seclog("rules", "export", "out", cwd=tmp_path).returncode == 1
    assert seclog("rules", "export", "out", "--force", cwd=tmp_path).returncode == 0


def test_own_rules_are_listed(tmp_path: Path) -> None:
    """A file of rules, Sigma or JSON, is read as EscalationHandler reads it; a mistake in it is status 2."""
    rule = {"name": "own", "where": {}, "count": 3, "within": 60, "by": ["ip_address"]}
    (tmp_path / "rules.json").write_text(json.dumps([rule]))
    (tmp_path / "bad.json").write_text(json.dumps({"rules": [{"name": "own"}]}))

    assert "3 in 1 min by ip_address" in seclog("rules", "list", "--rules", "rules.json", cwd=tmp_path).stdout
    bad = seclog("rules", "list", "--rules", "bad.json", cwd=tmp_path)
    assert bad.returncode == 2
    assert "'own'" in bad.stderr
    assert "Traceback" not in bad.stderr
