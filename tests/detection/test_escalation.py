from __future__ import annotations

import json
import logging
import logging.config
import logging.handlers
import os
import time

import pytest

import seclog_handlers
from seclog_handlers import EscalationHandler, SecurityHandler
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers import escalation
from tests.detection.support import BRUTE, START, failure
from tests.support import KEY, Lines, until

POLICY = {"pseudonyms.keys": [KEY], "geoip": "off", "service": "shop", "static.environment": "prod"}


class Kept(logging.Handler):
    """A real handler that keeps the records it is given."""

    def __init__(self, level=logging.NOTSET):
        super().__init__(level)
        self.records = []

    def emit(self, record):
        self.records.append(record)


class Pager(logging.handlers.HTTPHandler):
    """A channel that keeps what it would have sent."""

    def __init__(self):
        super().__init__("localhost", "/")
        self.records = []

    def emit(self, record):
        self.records.append(record)


def record(created=START, **fields):
    made = logging.LogRecord("app", logging.WARNING, __file__, 1, "login failed for %s", ("bob",), None)
    made.created = created
    made.__dict__.update(fields)
    return made


def failures(handler, *offsets, start=START, **fields):
    for offset in offsets:
        handler.handle(record(start + offset, **failure(**fields)))


def escalating(target=None, **options):
    return EscalationHandler(target=target or Kept(), policy=POLICY, **{"rules": [BRUTE], **options})


def states_of(target):
    return [(made.rule, made.incident_state) for made in target.records]


def test_passes_on_alerts_and_nothing_else():
    """Five failures in, one alert out: the records that were judged end here."""
    target = Kept()
    failures(escalating(target), *range(5))

    assert [made.event_type for made in target.records] == ["security_alert"]


def test_an_alert_is_a_record_of_its_own():
    """An alert's logger is seclog, its level says how severe, its time is the event's."""
    target = Kept()
    failures(escalating(target), *range(5))
    (made,) = target.records

    assert (made.name, made.levelname, made.getMessage()) == ("seclog", "ERROR", "guessing")
    assert (made.created, made.msecs) == (START + 4, 0)
    assert made.args == ()
    assert made.service == "shop"


def test_reaches_target_and_targets_by_level():
    """Alerts go to the target and to all targets whose level they reach."""
    first, second, deaf = Kept(), Kept(), Kept(logging.CRITICAL)
    failures(escalating(first, targets=[second, deaf]), *range(5))

    assert [len(handler.records) for handler in (first, second, deaf)] == [1, 1, 0]


def test_an_alert_never_escalates():
    """Alerts that come back, for instance through a target on the same logger, are not judged."""
    target = Kept()
    handler = escalating(target, rules=[{"name": "all", "where": {}, "count": 1, "within": 0, "resolve_after": 9}])
    handler.handle(record(event_type="security_alert", severity="CRITICAL"))

    assert target.records == []


def test_shows_tokens_and_no_identity():
    """Alone on a logger it tokenises first: neither alert nor state shows who it was."""
    out = Lines()
    handler = escalating(out, rules=[{**BRUTE, "by": ["username"]}])
    failures(handler, *range(5), user="margaret.h", failure_reason="bad password=hunter2-Hunter2")
    (line,) = out.lines

    assert line["group"]["username"].startswith("usr_k1_")
    assert line["samples"][0]["username"] == line["group"]["username"]
    assert "margaret" not in out.text
    assert "hunter2-Hunter2" not in out.text
    assert "203.0.113.7" in out.text
    assert "margaret" not in json.dumps([entry.pack() for entry in handler._detector._state._entries.values()])


def test_tokenises_even_where_the_policy_shows_identities():
    """With the stage of pseudonyms off, alerts still name nobody: they go further than logs do."""
    out = Lines()
    handler = EscalationHandler(
        target=out,
        rules=[{**BRUTE, "by": ["username"]}],
        policy={**POLICY, "pseudonyms": "off"},
    )
    failures(handler, *range(5), user="margaret.h")

    assert "margaret" not in out.text


def test_behind_a_security_handler_the_tokens_are_the_records():
    """Group and samples show the tokens that the log lines show, so that one can be found from the other."""
    out = Lines()
    secure = SecurityHandler(
        target=out, targets=[escalating(out, rules=[{**BRUTE, "by": ["username"]}])], policy=POLICY
    )
    failures(secure, *range(5))

    *_, alert = out.lines
    assert alert["group"] == {"username": out.lines[0]["username"]}
    assert alert["query"].startswith('event_type:"authentication"')


def test_a_line_says_each_thing_once():
    """Service and environment of an alert are those of every line, not said twice."""
    out = Lines()
    failures(escalating(out), *range(5))

    assert (out.lines[0]["service"], out.lines[0]["environment"]) == ("shop", "prod")
    assert "extra.environment" not in out.lines[0]


def test_the_records_are_left_as_they_were():
    """A record that is judged is not changed, whoever else handles it."""
    made = record(**failure())
    before = dict(made.__dict__)
    escalating().handle(made)

    assert made.__dict__ == before


def test_access_records_become_events_first():
    """Alone on an access logger it understands what the server logged: five 401s with credentials alert."""
    target = Kept()
    handler = EscalationHandler(target=target, policy=POLICY)
    for number in range(5):
        made = logging.LogRecord("uvicorn.access", logging.INFO, __file__, 1, '%s - "%s %s HTTP/%s" %d', (), None)
        made.args = ("203.0.113.7:33164", "POST", "/login", "1.1", 401)
        made.created = START + number
        handler.handle(made)

    assert [(made.rule, made.severity) for made in target.records] == [("brute_force_ip", "MEDIUM")]


@pytest.mark.parametrize("mode", ["redact", "off"])
def test_these_modes_judge_nothing(mode):
    """In the modes redact and off nothing is looked for."""
    target = Kept()
    failures(EscalationHandler(target=target, policy={**POLICY, "mode": mode}, rules=[BRUTE]), *range(9))

    assert target.records == []


@pytest.mark.parametrize(
    ("policy", "rule"), [({**POLICY, "mode": "observe"}, BRUTE), (POLICY, {**BRUTE, "mode": "observe"})],
)  # fmt: skip
def test_what_is_observed_reaches_the_log_and_no_channel(policy, rule):
    """An observed alert is logged with its mode; handlers that reach people are left out."""
    log, pager = Kept(), Pager()
    failures(EscalationHandler(target=log, targets=[pager], policy=policy, rules=[rule]), *range(5))

    assert [made.mode for made in log.records] == ["observe"]
    assert pager.records == []


def test_what_pages_reaches_the_channel():
    """An alert of a rule that pages reaches log and channel."""
    log, pager = Kept(), Pager()
    failures(escalating(log, targets=[pager]), *range(5))

    assert [len(handler.records) for handler in (log, pager)] == [1, 1]


def test_shared_state_without_a_key_stops_the_start(tmp_path):
    """A state that processes share needs a key that they share, and the sentence says how to give one."""
    with pytest.raises(ConfigurationError, match=r"pseudonyms\.keys = env:NAME"):
        EscalationHandler(target=Kept(), state=f"sqlite:///{tmp_path}/state.db")


def test_rules_may_come_from_a_dictconfig():
    """Rules given in a dictConfig, with references, are the rules that run."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "brute": {"count": 3},
            "handlers": {
                "out": {"class": "tests.detection.test_escalation.Kept"},
                "escalate": {
                    "class": "seclog_handlers.EscalationHandler",
                    "target": "out",
                    "rules": [{"name": "brute_force_ip", "count": 3}],
                    "policy": POLICY,
                },
            },
            "loggers": {"dict.app": {"handlers": ["escalate"], "level": "INFO"}},
        }
    )
    (handler,) = logging.getLogger("dict.app").handlers
    failures(handler, *range(3))

    assert states_of(handler.target) == [("brute_force_ip", "open")]


def test_a_bad_rule_stops_the_start():
    """A rule that cannot work is an error of the configuration."""
    with pytest.raises(ConfigurationError, match="did you mean"):
        EscalationHandler(rules=["brute_force_pi"])


def test_live_incidents_are_resolved_without_another_record(monkeypatch):
    """An incident of now is resolved in time by a thread, once, with the due time as its time."""
    monkeypatch.setattr(escalation, "GRACE_S", 0.05)
    target = Kept()
    handler = escalating(target, rules=[{**BRUTE, "resolve_after": 0.1}])
    failures(handler, *[0] * 5, start=time.time())

    assert until(lambda: len(target.records) == 2)
    opened, resolved = target.records
    assert resolved.incident_state == "resolve"
    assert round(resolved.created - opened.created, 3) == 0.1
    assert until(lambda: not handler._ticker.alive)
    handler.close()


def test_a_replay_starts_no_thread():
    """Records of long ago are resolved by the records after them; no thread is started."""
    target = Kept()
    handler = escalating(target)
    failures(handler, *range(5))
    failures(handler, 5000, address="198.51.100.1")

    assert handler._ticker is None
    assert states_of(target) == [("guessing", "open"), ("guessing", "resolve")]


def test_close_stops_the_thread_and_the_next_record_starts_again():
    """A closed handler has no thread; it goes on with its incidents when a record comes."""
    target = Kept()
    handler = escalating(target)
    now = time.time()
    failures(handler, *[0] * 5, start=now)
    ticker = handler._ticker
    handler.close()
    stopped = ticker.alive
    failures(handler, *[0] * 5, start=now)

    assert not stopped
    assert handler._ticker.alive
    assert states_of(target) == [("guessing", "open"), ("guessing", "update")]
    handler.close()


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_each_process_resolves_its_own(tmp_path, monkeypatch):
    """A forked child, whose parent's thread it does not have, starts its own; of both, one resolves."""
    monkeypatch.setattr(escalation, "GRACE_S", 0.05)
    path = tmp_path / "alerts.jsonl"
    out = logging.FileHandler(path)
    out.setFormatter(seclog_handlers.JsonFormatter())
    rule = {**BRUTE, "resolve_after": 0.5}
    handler = escalating(out, rules=[rule], state=f"sqlite:///{tmp_path}/state.db")
    failures(handler, *[0] * 5, start=time.time())
    pid = os.fork()
    if pid == 0:
        failures(handler, 0, address="198.51.100.9", start=time.time())
        # By its ticker, or by its event where this took longer than the incident.
        until(lambda: len(path.read_text().splitlines()) == 2)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    handler.close()
    out.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]

    assert os.waitstatus_to_exitcode(status) == 0
    assert [line["incident_state"] for line in lines] == ["open", "resolve"]


def test_a_failing_target_stops_nothing(capsys):
    """A target that raises loses its alert, not those of the others, and the application sees nothing."""

    class Broken(logging.Handler):
        def handle(self, record):
            raise RuntimeError("hunter2")

    target = Kept()
    handler = escalating(Broken(), targets=[target])
    failures(handler, *range(5))

    assert len(target.records) == 1
    assert "hunter2" not in capsys.readouterr().err


def test_a_forked_child_leaves_the_parents_incidents_alone(tmp_path):
    """With private state an incident is resolved by the process that opened it, not by its children too."""
    path = tmp_path / "alerts.jsonl"
    out = logging.FileHandler(path)
    out.setFormatter(seclog_handlers.JsonFormatter())
    handler = escalating(out)
    failures(handler, *range(5))
    pid = os.fork()
    if pid == 0:
        failures(handler, 5000, address="198.51.100.9")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    failures(handler, 5000, address="198.51.100.9")
    out.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]

    assert os.waitstatus_to_exitcode(status) == 0
    assert [line["incident_state"] for line in lines] == ["open", "resolve"]
