from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.detection import BUILTIN, Detector
from seclog_handlers.detection.sigma import load
from seclog_handlers.detection.sigma.export import as_yaml, documents
from tests.sigma.rules import stable


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("sigma")
    for rule in BUILTIN:
        (found / f"{rule['name']}.yml").write_text(as_yaml(dict(rule), weakened=True), encoding="utf-8")
    return found


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=list))


def generated(seed: int) -> list[tuple[float, dict[str, Any]]]:
    """Return events of all families, dense enough to cross most thresholds."""
    dice = random.Random(seed)
    now, found = 1_700_000_000.0, []
    for _ in range(1500):
        now += dice.choice([0.01, 0.2, 1, 3])
        address, user = f"203.0.113.{dice.randrange(12)}", f"user{dice.randrange(6)}"
        base = {"ip_address": address, "source": dice.choice(["app", "access_log"])}
        found.append(
            (
                now,
                {
                    **base,
                    **dice.choice(
                        [
                            {"event_type": "authentication", "success": dice.random() < 0.15, "username": user},
                            {
                                "event_type": "authorization",
                                "granted": dice.random() < 0.3,
                                "user_id": user,
                                "resource": f"/admin/{dice.randrange(9)}",
                                "action": "delete",
                            },
                            {
                                "event_type": "api_response",
                                "status_code": dice.choice([200, 404, 403]),
                                "path": f"/p{dice.randrange(60)}",
                                "user_agent": user,
                            },
                            {
                                "event_type": "api_request",
                                "endpoint": "/x",
                                "session_id": user,
                                "user_agent": dice.choice(["a", "b"]),
                            },
                            {"event_type": "rate_limit_violation", "endpoint": "/x"},
                            {"event_type": "security_thing", "severity": dice.choice(["LOW", "HIGH"])},
                            {
                                "event_type": "security_unhandled_exception",
                                "severity": "HIGH",
                                "fingerprint": str(dice.randrange(3)),
                            },
                        ]
                    ),
                },
            )
        )
    return found


@pytest.mark.parametrize("rule", BUILTIN, ids=lambda rule: rule["name"])
def test_every_built_in_rule_loads_back_as_it_was(folder: Path, rule: dict[str, Any]) -> None:
    """The file of a rule gives the same mapping, so the same state and the same incidents."""
    ((mapping, weakened),) = load(str(folder / f"{rule['name']}.yml"))

    assert plain(mapping) == plain(rule)
    assert weakened


@pytest.mark.parametrize("seed", range(3))
def test_the_exported_pack_gives_the_same_alerts(folder: Path, seed: int) -> None:
    """On generated events every alert of the pack and of its export is equal, incident ids included."""
    ours = Detector([rule["name"] for rule in BUILTIN], state_key=stable)
    theirs = Detector([str(folder)], state_key=stable)

    pairs = [(ours.observe(event, when), theirs.observe(event, when)) for when, event in generated(seed)]

    key = lambda alert: (alert["created"], alert["rule"], alert["incident_id"], alert["incident_state"])  # noqa: E731
    assert [sorted(one, key=key) for one, _ in pairs] == [sorted(other, key=key) for _, other in pairs]
    assert len({alert["rule"] for one, _ in pairs for alert in one}) >= 8


def test_an_export_is_sigma_that_others_understand() -> None:
    """Counts, groups, windows, levels and MITRE tags are said in Sigma's own words."""
    rule = next(rule for rule in BUILTIN if rule["name"] == "brute_force_ip")

    base, correlation = documents(dict(rule))

    assert base["detection"]["selection"] == {"event_type": "authentication", "success": False}
    assert correlation["correlation"]["type"] == "event_count"
    assert correlation["correlation"]["group-by"] == ["ip_address"]
    assert correlation["correlation"]["condition"] == {"gte": rule["count"]}
    assert correlation["tags"] == [f"attack.{name.lower()}" for name in rule["attack"]]


OWN: list[dict[str, Any]] = [
    {"name": "text", "where": {"a": "x*y\\z?", "b": ["u", "v"], "c": {"startswith": ["/a", "/b"]}}, "count": 1, "within": 0, "resolve_after": 5},
    {"name": "numbers", "where": [{"n": {"gte": 1, "lt": 5}}, {"n": 7}], "by": ["ip_address"], "count": 2, "within": 1.5},
    {"name": "everything", "where": {}, "by": ["ip_address"], "count": 9, "within": 60},
    {"name": "big", "where": {"event_type": "api_response"}, "by": "ip_address", "measure": {"sum": "response_size", "gte": 1e9}, "within": 3600},
    {"name": "slow", "where": {"event_type": "api_response"}, "measure": {"percentile": "response_time_ms", "gt": 900, "percent": 99}, "within": 60},
    {"name": "unless", "where": {"a": 1}, "unless": [{"b": 2, "c": 3}, {"d": {"exists": True}}], "count": 3, "within": 60, "mode": "observe"},
    {"name": "pair", "sequence": [{"where": {"a": 1}, "count": 2}, {"where": {"a": 2}}], "by": ["u"], "within": 60, "unless": {"x": 1, "y": 2}},
]  # fmt: skip


@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule["name"])
def test_own_rules_load_back_too(tmp_path: Path, rule: dict[str, Any]) -> None:
    """Escapes, fractions, alternatives, measures and modes survive the way to a file and back."""
    (tmp_path / "rule.yml").write_text(as_yaml(rule), encoding="utf-8")

    ((mapping, weakened),) = load(str(tmp_path / "rule.yml"))

    assert plain(mapping) == plain(rule)
    assert not weakened
