from __future__ import annotations

import pytest

from seclog_handlers.detection import BUILTIN, DEFAULTS, Detector
from seclog_handlers.detection.rules import load
from seclog_handlers.errors import ConfigurationError
from tests.detection.support import BRUTE


def rule(**changes):
    merged = {**BRUTE, **changes}
    return {key: value for key, value in merged.items() if value is not ...}


def test_default_is_the_pack():
    """Without rules the built-in pack runs: the rules that raise no false alarm."""
    found = load(None, BUILTIN, DEFAULTS)

    assert [entry.name for entry in found] == list(DEFAULTS)
    assert {*DEFAULTS} < {entry["name"] for entry in BUILTIN}


def test_the_pack_has_a_name():
    """`builtin` in a list is the whole pack; what stands beside it adds to it or changes a rule of it."""
    found = {
        entry.name: entry for entry in load([{"name": "flood_ip", "count": 99}, "builtin", "crawl"], BUILTIN, DEFAULTS)
    }

    assert found.keys() == {*DEFAULTS, "crawl"}
    assert found["flood_ip"].count == 99
    assert found["flood_ip"].severity == "HIGH"


def test_the_pack_is_the_default_of_a_detector():
    """A detector without rules runs the pack; with names it runs those."""
    assert [entry.name for entry in Detector().rules] == list(DEFAULTS)
    assert [entry.name for entry in Detector(["crawl"]).rules] == ["crawl"]


def test_every_built_in_rule_says_where_it_comes_from():
    """Each rule of the pack names the source of its threshold, OWASP, AppSensor and MITRE terms, and lets trusted sources be."""
    for entry in load(None, BUILTIN):
        assert entry.reason
        assert entry.owasp
        assert entry.appsensor
        assert entry.attack or entry.name == "security_event"
        assert any("trusted" in clause for clause in entry.unless), entry.name


def test_a_list_chooses_overrides_and_adds():
    """Names choose built-in rules, a mapping with a known name changes one, another adds one."""
    found = load(["brute_force_user", {"name": "brute_force_ip", "count": 3}, BRUTE], BUILTIN)

    assert [(entry.name, entry.count) for entry in found] == [
        ("brute_force_user", 10), ("brute_force_ip", 3), ("guessing", 5),
    ]  # fmt: skip
    assert found[1].within == 600_000


def test_an_override_may_count_in_another_way():
    """A leaky bucket given for a built-in rule replaces its window."""
    (found,) = load([{"name": "brute_force_ip", "count": 5, "leak": 10}], BUILTIN)

    assert found.leak == 10_000
    assert found.window_s == 50


def test_an_override_of_the_same_way_keeps_what_stands_beside_it():
    """Other steps for a built-in sequence need no new window, another leak no new count."""
    steps = [{"where": {"success": False}, "count": 3}, {"where": {"success": True}}]
    sequence, bucket = load(
        [{"name": "success_after_failures", "sequence": steps}, {"name": "user_enumeration", "leak": 60}], BUILTIN
    )

    assert (sequence.within, [count for _, count in sequence.steps]) == (600_000, [3, 1])
    assert (bucket.count, bucket.leak, bucket.silence) == (5, 60_000, 60_000)


def test_a_path_that_is_none_is_said_to_be_one():
    """Who misspells a folder of Sigma rules is told so, not the names of all built-in rules."""
    with pytest.raises(ConfigurationError, match="no such folder"):
        load(["rules/sigmma/"], BUILTIN)


def test_defaults():
    """A rule is MEDIUM, called by its name, pages, and resolves after its window unless it says otherwise."""
    (found,) = load([{"name": "x", "where": {}, "count": 1, "within": 60}], BUILTIN)

    assert (found.severity, found.pattern, found.mode, found.resolve_after) == ("MEDIUM", "x", "page", 60_000)


def test_off_leaves_a_rule_out():
    """A rule whose mode is off is not run."""
    assert load([{"name": "brute_force_ip", "mode": "off"}], BUILTIN) == ()


def test_off_written_as_yaml_leaves_a_rule_out():
    """YAML turns the word off into false; it means the same."""
    assert load([rule(mode=False)], BUILTIN) == ()


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("brute_force_ip", "give a list"),
        (["brute_force"], "did you mean 'brute_force_"),
        (["rules/login.yml"], "Sigma file"),
        ([5], "name of a built-in rule, or a mapping"),
        ([{"where": {}}], "needs a 'name'"),
        ([BRUTE, BRUTE], "twice"),
        ([rule(cuont=5)], "did you mean 'count'"),
        ([rule(measure={"sum": "x"})], "one of gte"),
        ([rule(measure={"sum": "x", "avg": "x", "gte": 1})], "one of sum"),
        ([rule(measure={"sum": "x", "gte": 1, "percent": 5})], "one of sum"),
        ([rule(measure={"percentile": "x", "gte": 1, "percent": 101})], "from 0 to 100"),
        ([rule(measure={"sum": 5.5j, "gte": 1})], "must be a string"),
        ([rule(measure={"sum": "x", "gte": "much"})], "must be a number"),
        ([rule(measure={"ewma": 60, "gte": 5})], "at most the seconds"),
        ([rule(measure={"sum": "x", "gte": 1}, distinct="x")], "means nothing"),
        ([rule(measure={"sum": "x", "gte": 1}, leak=1)], "'leak' and 'measure'"),
        ([rule(measure=5)], "must be a mapping"),
        ([rule(count=0)], "at least 1|from 1"),
        ([rule(count=2.5)], "whole number"),
        ([rule(count="many")], "must be a number"),
        ([rule(within=...)], "no 'within'"),
        ([rule(within=-1)], "from 0"),
        ([rule(count=...)], "counts nothing"),
        ([rule(where=...)], "no 'where'"),
        ([rule(severity="URGENT")], "severity is 'URGENT'"),
        ([rule(mode="loud")], "mode is 'loud'"),
        ([rule(by=5)], "list of names"),
        ([rule(by=[""])], "names of fields"),
        ([rule(by=["ip_address/200"])], "1 to 32"),
        ([rule(distinct="username", count=...)], "how many different"),
        ([rule(distinct={"field": "username"})], "give field, count"),
        ([rule(distinct=[])], "names no field"),
        ([rule(leak=10)], "within"),
        ([rule(leak=10, within=..., count=...)], "no 'count'"),
        ([rule(leak=10, within=..., distinct={"field": "x", "count": 1})], "name of a field"),
        ([rule(silence=5)], "without 'leak'"),
        ([rule(leak=1, sequence=[])], "counts in one way"),
        ([rule(sequence=[{"where": {}}], count=...)], "at least two steps"),
        ([rule(sequence=[{"where": {}}, {"when": {}}], count=...)], "step 2"),
        ([rule(sequence=[{"where": {}}, {"where": {}}])], "means nothing for a sequence"),
        ([rule(sequence=[{"where": {}, "count": 99}, {"where": {}, "count": 2}], count=...)], "more than 100"),
        ([rule(while_open=["nothing"])], "no other rule"),
        ([rule(inhibits=["guessing"])], "no other rule"),
        ([rule(while_open=["brute_force_user"]), "brute_force_user"], "groups by username too"),
    ],
)
def test_refuses_a_rule_that_cannot_work(rules, says):
    """A rule that cannot work stops the start; the sentence names what is wrong."""
    with pytest.raises(ConfigurationError, match=says):
        Detector(rules)


@pytest.mark.parametrize(
    "state", ["oracle://localhost", "redis:", "sqlite://", "sqlite:///:memory:", "/tmp/x.db", None]
)
def test_refuses_a_state_that_is_not_there(state):
    """A state that this version does not have stops the start."""
    with pytest.raises(ConfigurationError, match="memory://"):
        Detector(state=state)


def test_shared_state_needs_a_key(tmp_path):
    """A state that processes share makes no sense with keys that each makes for itself."""
    with pytest.raises(ConfigurationError, match="state_key"):
        Detector(state=f"sqlite:///{tmp_path}/state.db")
