"""stats(): what became of each record, for each target."""

from __future__ import annotations

import logging
import logging.handlers
import queue
from typing import Any

import pytest

import seclog_handlers as pack
from seclog_handlers.handlers import accounting, life
from tests.faults.support import conserved
from tests.support import KEY, PASSWORD, Lines, record

POLICY = {"pseudonyms.keys": [KEY], "geoip": "off", "service": "test"}


class Broken(logging.Handler):
    """A target that fails, and swallows its failure as stock handlers do."""

    def __init__(self, error: type[Exception] = ValueError) -> None:
        super().__init__()
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        try:
            raise self.error(PASSWORD)
        except Exception:
            self.handleError(record)


class Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise LookupError


def secure(*targets: logging.Handler, **more: Any) -> pack.SecurityHandler:
    handler = pack.SecurityHandler(target=targets[0], targets=targets[1:], policy={**POLICY, **more})
    handler.set_name("secure")
    for number, target in enumerate(targets):
        target.set_name(f"target{number}")
    return handler


def test_each_target_has_its_own_sums() -> None:
    """Written, left out by level, left out by a filter, swallowed and raised failures: each call is one of them."""
    targets = [Lines(), Lines(), Lines(), Broken(), Raising()]
    targets[1].setLevel(logging.ERROR)
    targets[2].addFilter(lambda record: "b" in record.msg)
    handler = secure(*targets)

    for text in ("a", "b", "c"):
        handler.handle(record(text))

    found = pack.stats()["secure"]
    assert (found["calls"], found["pending"], found["withheld"], found["dropped"]) == (3, 0, 0, {})
    assert found["targets"] == {
        "target0": {"calls": 3, "written": 3, "pending": 0, "dropped": {}},
        "target1": {"calls": 3, "written": 0, "pending": 0, "dropped": {"level": 3}},
        "target2": {"calls": 3, "written": 1, "pending": 0, "dropped": {"filter": 2}},
        "target3": {"calls": 3, "written": 0, "pending": 0, "dropped": {"ValueError": 3}},
        "target4": {"calls": 3, "written": 0, "pending": 0, "dropped": {"LookupError": 3}},
    }
    assert all(conserved(account) for account in found["targets"].values())


def test_handlers_without_a_name_are_told_apart() -> None:
    """Two unnamed targets of one class have a number."""
    handler = pack.SecurityHandler(target=Lines(), targets=[Lines()], policy=POLICY)
    handler.set_name("unnamed")
    handler.handle(record())

    assert list(pack.stats()["unnamed"]["targets"]) == ["Lines", "Lines#2"]


def test_reasons_do_not_fill_memory() -> None:
    """A target that invents exception types has a bounded number of reasons, and still every call is counted."""
    broken = Broken()
    handler = secure(broken)

    for number in range(100):
        broken.error = type(f"Error{number}", (Exception,), {})
        handler.handle(record())

    account = pack.stats()["secure"]["targets"]["target0"]
    assert len(account["dropped"]) == accounting.MAX_REASONS + 1
    assert account["dropped"]["other"] == 100 - accounting.MAX_REASONS
    assert conserved(account)


def test_a_target_that_others_use_too_keeps_their_failures() -> None:
    """A record that came another way fails as it did before, and counts for nobody here."""
    broken = Broken()
    seen: list[logging.LogRecord] = []
    broken.handleError = seen.append  # type: ignore[method-assign]
    handler = secure(broken)
    handler.handle(record("ours"))
    direct = record("theirs")

    broken.handle(direct)

    assert direct in seen
    assert pack.stats()["secure"]["targets"]["target0"]["calls"] == 1


def test_a_target_of_two_handlers_counts_for_each() -> None:
    """Failures count for the handler whose record it was."""
    broken = Broken()
    first, second = secure(broken), secure(broken)
    second.set_name("second")

    for handler, times in ((first, 2), (second, 3)):
        for _ in range(times):
            handler.handle(record())

    found = pack.stats()
    assert found["secure"]["targets"]["target0"]["dropped"] == {"ValueError": 2}
    assert found["second"]["targets"]["target0"]["dropped"] == {"ValueError": 3}


def test_closing_one_of_two_handlers_leaves_the_others_count() -> None:
    """The wrap around a shared target goes with its last handler."""
    broken = Broken()
    first, second = secure(broken), secure(broken)
    first.handle(record())
    second.handle(record())

    first.close()
    second.handle(record())

    assert second.report()["targets"]["target0"]["dropped"] == {"ValueError": 2}


def test_a_swallowed_failure_prints_nothing_of_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard error names the target and the kind of failure, once, not the message, its arguments or the error's text."""
    handler = secure(Broken())

    for _ in range(3):
        handler.handle(record("message of %s", ("somebody",)))

    assert capsys.readouterr().err.splitlines() == [
        "seclog_handlers: target 'target0' failed with ValueError; what it cannot write is counted",
    ]


def test_a_handlers_own_way_with_failures_is_kept_without_the_record() -> None:
    """A target whose class has its own handleError is told, but gets no word of the record to print."""
    seen: list[logging.LogRecord] = []

    class Own(Broken):
        def handleError(self, record: logging.LogRecord) -> None:
            seen.append(record)
            raise RuntimeError("and fails")

    handler = secure(Own())

    handler.handle(record("secret", note="secret"))

    assert "secret" not in str(vars(seen[0]))
    assert pack.stats()["secure"]["targets"]["target0"]["dropped"] == {"ValueError": 1}


def test_a_withheld_record_is_counted() -> None:
    """A record whose redaction failed is written without its text, and counted as withheld."""
    from tests.handlers.test_security import FailingProtection

    handler = secure(Lines())
    handler._stages = (*handler._stages, FailingProtection())

    handler.handle(record("hello"))

    assert pack.stats()["secure"]["withheld"] == 1


@pytest.mark.parametrize("wait", [0.0, life.SUMMARY_S])
def test_losses_are_summed_up_at_most_once_a_minute(wait: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was dropped is one record for the other targets, a minute after the first loss, with all of the counts."""
    now = 1000.0
    monkeypatch.setattr(life.time, "monotonic", lambda: now)
    out, broken = Lines(), Broken()
    handler = secure(out, broken)
    for number in range(5):
        handler.handle(record(str(number)))
    broken.emit = lambda record: None  # type: ignore[method-assign]
    now += wait

    for number in range(5):
        handler.handle(record(str(number)))

    said = [line for line in out.lines if line["logger"] == "seclog"]
    assert len(said) == (1 if wait else 0)
    for line in said:
        assert (line["event_type"], line["level"], line["service"]) == ("seclog_losses", "ERROR", "test")
        assert line["handlers"]["secure"]["targets"]["target1"]["dropped"] == {"ValueError": 5}
    handler._life.reset()


def test_what_a_level_leaves_out_is_no_loss() -> None:
    """Records below a target's level are counted, but nobody is told of them."""
    out, high = Lines(), Lines()
    high.setLevel(logging.ERROR)
    handler = secure(out, high)
    handler.handle(record())

    handler.close()

    assert [line["logger"] for line in out.lines] == ["app"]


def test_escalation_is_a_target_and_has_targets() -> None:
    """An EscalationHandler's account stands beside that of its SecurityHandler, with its alerts."""
    alerts = Lines()
    escalate = pack.EscalationHandler(target=alerts, policy=POLICY)
    handler = secure(Lines(), escalate)

    for _ in range(5):
        handler.handle(record(event_type="authentication", username="al", success=False, ip_address="203.0.113.7"))

    found = pack.stats()
    assert found["secure"]["targets"]["target1"]["calls"] == found["target1"]["calls"] == 5
    assert found["target1"]["targets"]["Lines"]["written"] == len(alerts.lines) >= 1


def test_what_a_parent_left_in_a_queue_is_not_a_childs() -> None:
    """A forked child finds its parent's records in the copied queue: they are no debt of its own."""
    target = logging.handlers.QueueHandler(queue.Queue())
    handler = pack.SecurityHandler(target=target, policy=POLICY)
    handler.handle(record("parent"))
    handler.forget_parent()
    empty = handler.report()["targets"]["QueueHandler"]

    handler.handle(record("child"))

    assert empty == {"calls": 0, "written": 0, "pending": 0, "dropped": {}}
    assert handler.report()["targets"]["QueueHandler"] == {"calls": 1, "written": 0, "pending": 1, "dropped": {}}


def test_a_target_that_raises_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A target that raises for every record makes no flood on stderr."""

    class Raises(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError

    handler = pack.SecurityHandler(target=Raises(), policy=POLICY)
    for _ in range(5):
        handler.handle(record("x"))

    assert capsys.readouterr().err.count("RuntimeError") == 1
    assert handler.report()["targets"]["Raises"]["dropped"] == {"RuntimeError": 5}
