"""What the built-in pack makes of a likeness of a month of an exposed SSH host."""

from __future__ import annotations

from functools import lru_cache

import pytest

from seclog_handlers.detection import BUILTIN, Detector
from tests.detection.month import FAILURES, HOMES, Month, judged
from tests.detection.support import BRUTE, state_key

SEEDS = range(6)

month = lru_cache(maxsize=len(SEEDS))(Month)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_likeness_is_one(seed):
    """What is known of the log holds: addresses, failures, logins, and what fail2ban's rule finds of it."""
    events = month(seed).events
    failures = [event for _, event in events if not event["success"]]
    own = [event for _, event in events if event["ip_address"] in HOMES]
    found = judged(month(seed), [{**BRUTE, "resolve_after": 600}])

    assert len(failures) == FAILURES
    assert len({event["ip_address"] for event in failures} - set(HOMES)) == 149
    assert (sum(event["success"] for event in own), sum(not event["success"] for event in own)) == (174, 13)
    assert found.incidents == 51
    assert 0.33 < found.addresses < 0.35
    assert 0.48 < found.failures < 0.60


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pack_finds_the_break_in_and_spares_the_operator(seed):
    """One alert about a success, at the second of the break-in; most addresses and failures in few incidents."""
    found = judged(month(seed))

    assert found.break_ins == [month(seed).break_in]
    assert found.operator == 0
    assert found.addresses >= 0.71
    assert found.failures >= 0.68
    assert found.incidents <= 80


def test_the_operator_is_hit_where_his_address_counts_for_nothing():
    """The likeness is a hard one: without `new`, strangers who fail on the operator's name make his logins alerts."""
    rule = next(rule for rule in BUILTIN if rule["name"] == "success_after_failures")
    steps = [{key: value for key, value in step.items() if key != "new"} for step in rule["sequence"]]

    assert judged(month(1), ["builtin", {**rule, "sequence": steps}]).operator > 0


def test_workers_agree_on_who_has_met_before(tmp_path):
    """Two detectors that share a file and take turns tell what one alone does: none forgets what the other has seen."""
    state = f"sqlite:///{tmp_path}/state.db"
    pair = [Detector(None, state, state_key=state_key) for _ in range(2)]
    events = month(1).events
    last = events[-1][0] + 40 * 86_400
    told = [alert for number, (when, event) in enumerate(events) for alert in pair[number % 2].observe(event, when)]
    told += pair[0].tick(last)
    for engine in pair:
        engine.close()
    alone = Detector(None, state_key=state_key)

    def outline(alerts):
        kept = ("rule", "group", "incident_state", "count", "first_seen", "last_seen")
        return sorted(str([alert[name] for name in kept]) for alert in alerts)

    expected = [alert for when, event in events for alert in alone.observe(event, when)] + alone.tick(last)
    assert outline(told) == outline(expected)
