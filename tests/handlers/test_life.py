"""Signs of life, the control file, and loggers that somebody silenced."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import seclog_handlers as pack
from seclog_handlers.errors import SecurityLogWarning
from seclog_handlers.handlers import _coverage, control, life
from tests.support import KEY, PASSWORD, Lines, record, until

POLICY = {"pseudonyms.keys": [KEY], "geoip": "off", "service": "test"}


@pytest.fixture(autouse=True)
def unknown_loggers() -> Iterator[None]:
    """No logger of an earlier test was ever covered."""
    _coverage._covered.clear()
    yield
    _coverage._covered.clear()


def secure(*targets: logging.Handler, name: str = "secure", **policy: Any) -> pack.SecurityHandler:
    handler = pack.SecurityHandler(target=targets[0], targets=targets[1:], policy={**POLICY, **policy})
    handler.set_name(name)
    return handler


def kinds(out: Lines) -> list[str]:
    return [line["event_type"] for line in out.lines if line["logger"] == "seclog"]


# ---- heartbeat


def test_start_beats_and_stop_are_records() -> None:
    """With a heartbeat the first record is announced, time alone makes further ones, and the end is said."""
    out = Lines()
    handler = secure(out, heartbeat=0.02, name="start")
    handler.handle(record("hello"))
    assert until(lambda: kinds(out).count("seclog_heartbeat") > 1)

    handler.close()

    assert kinds(out)[0] == "sys_startup"
    assert kinds(out)[-1] == "sys_shutdown"
    beat = next(line for line in out.lines if line.get("event_type") == "seclog_heartbeat")
    assert (beat["mode"], beat["key_id"], beat["pid"], beat["service"]) == ("full", "1", os.getpid(), "test")
    assert beat["policy_hash"] == handler.policy.digest
    assert (beat["calls"], beat["withheld"]) == (1, 0)
    assert KEY not in out.text


def test_a_configuration_starts_no_thread() -> None:
    """Threads started before a fork are dead in the workers: the ticker starts with the first record."""
    before = set(threading.enumerate())

    handler = secure(Lines(), heartbeat=60)

    assert set(threading.enumerate()) <= before
    handler.close()


def test_without_a_heartbeat_there_is_nothing_but_the_records() -> None:
    """The default is silence: one line per log call."""
    out = Lines()
    handler = secure(out)

    handler.handle(record("hello"))
    handler.close()

    assert [line["message"] for line in out.lines] == ["hello"]


def test_a_handler_of_the_same_name_is_a_reload() -> None:
    """A configuration that is loaded again says so, and the old one's end."""
    first, second = Lines(), Lines()
    old = secure(first, heartbeat=60, name="again")
    old.handle(record())
    old.close()

    new = secure(second, heartbeat=60, name="again")
    new.handle(record())

    assert kinds(first) == ["sys_startup", "sys_shutdown"]
    assert kinds(second) == ["sys_restart"]


def test_a_beat_tells_losses() -> None:
    """A heartbeat carries the counts per target, and what was lost is said with it."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError

    out, broken = Lines(), Broken()
    handler = secure(out, broken, heartbeat=0.02)
    handler.handle(record("hello"))

    assert until(lambda: "seclog_losses" in kinds(out))
    handler.close()


def test_a_ticker_that_cannot_say_anything_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """A beat that fails is counted as any failure, and the next one comes."""
    out = Lines()
    handler = secure(out, heartbeat=0.01)
    handler.handle(record("hello"))
    counts, handler.counts = handler.counts, lambda: 1 / 0  # type: ignore[method-assign]
    assert until(lambda: handler.report()["dropped"].get("ZeroDivisionError", 0) > 1)

    handler.counts = counts  # type: ignore[method-assign]

    assert until(lambda: "seclog_heartbeat" in kinds(out))
    assert capsys.readouterr().err.count("could not handle") == 1
    handler.close()


def test_the_policy_hash_holds_no_secret() -> None:
    """Keys do not go into the digest, every other setting does."""
    plain = pack.SecurityHandler(policy=POLICY).policy.digest

    assert pack.SecurityHandler(policy={**POLICY, "pseudonyms.keys": [KEY + "x"]}).policy.digest == plain
    assert pack.SecurityHandler(policy={**POLICY, "service": "other"}).policy.digest != plain


# ---- control file


@pytest.fixture
def switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a word into the control file; every record looks at it."""
    monkeypatch.setattr(control, "LOOK_EVERY_S", 0.0)
    path = tmp_path / "mode"

    def write(word: str) -> Path:
        path.write_text(word)
        path.chmod(0o600)
        return path

    return write


def test_the_control_file_switches_the_mode(switch: Callable[[str], Path]) -> None:
    """The word in the file is the mode of the next record; each switch is a record of its own."""
    out = Lines()
    handler = secure(out, control=str(switch("full")))
    event = {"event_type": "authentication", "username": "bob.smith", "success": False}

    for word in ("full", "redact\n", "OFF", "full"):
        switch(word)
        handler.handle(record("password=%s", (PASSWORD,), **event))

    lines = [line for line in out.lines if line["logger"] != "seclog"]
    switches = [line for line in out.lines if line["logger"] == "seclog"]
    assert [PASSWORD in line["message"] for line in lines] == [False, False, True, False]
    assert [line["username"] == "bob.smith" for line in lines] == [False, False, True, False]
    assert ["risk_score" in line for line in lines] == [True, False, False, True]
    assert [(line["event_type"], line["previous_mode"], line["mode"]) for line in switches] == [
        ("sys_monitor_disabled", "full", "redact"),
        ("sys_monitor_disabled", "redact", "off"),
        ("sys_monitor_enabled", "off", "full"),
    ]


def test_what_a_mode_has_learnt_is_kept(switch: Callable[[str], Path]) -> None:
    """Coming back to full finds the stages that were there, with the same tokens."""
    out = Lines()
    handler = secure(out, control=str(switch("full")))
    handler.handle(record("a", username="bob.smith"))
    before = handler._stages
    switch("redact")
    handler.handle(record("b", username="bob.smith"))

    switch("full")
    handler.handle(record("c", username="bob.smith"))

    assert handler._stages is before
    assert len({line["username"] for line in out.lines if "username" in line}) == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_text("panic"), "another word"),
        (lambda path: path.write_bytes(b"\xff\xfe off"), "another word"),
        (lambda path: (path.write_text("off"), path.chmod(0o666)), "everybody may write"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "no regular file"),
        (lambda path: (path.unlink(), path.mkdir()), "no regular file"),
    ],
)
def test_a_spoilt_control_file_changes_nothing(switch: Callable[[str], Path], spoil: Any, words: str) -> None:
    """A missing, garbled or unsafe file keeps the last mode, and is named once."""
    path = switch("redact")
    out = Lines()
    handler = secure(out, control=str(path))
    handler.handle(record("a"))
    spoil(path)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(3):
            handler.handle(record("password=%s", (PASSWORD,)))

    assert handler.mode == "redact"
    assert PASSWORD not in out.text
    (warning,) = said
    assert warning.category is SecurityLogWarning
    assert words in str(warning.message)
    assert "Write one word" in str(warning.message)


def test_the_control_file_is_looked_at_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record within two seconds of the last look costs no look; one after them sees the switch."""
    now = 1000.0
    monkeypatch.setattr(control.time, "monotonic", lambda: now)
    path = tmp_path / "mode"
    path.write_text("full")
    handler = secure(Lines(), control=str(path))
    handler.handle(record())
    path.write_text("redact")
    now += control.LOOK_EVERY_S - 0.1
    handler.handle(record())
    early = handler.mode

    now += 0.2
    handler.handle(record())

    assert (early, handler.mode) == ("full", "redact")


def test_the_control_file_outranks_the_environment(
    switch: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A worker that restarts during an emergency comes up in the mode that the file asks for."""
    monkeypatch.setenv("SECLOG_MODE", "full")
    handler = secure(Lines(), control=str(switch("redact")), mode="observe")

    handler.handle(record())

    assert handler.mode == "redact"


def test_what_is_wrong_with_a_mode_to_come_stops_the_start(tmp_path: Path) -> None:
    """With a control file every mode may come, so a policy that is broken for one is refused at the start."""
    with pytest.raises(pack.ConfigurationError, match="redact"):
        secure(Lines(), control=str(tmp_path / "mode"), mode="off", redact={"patterns": ["("]})


def test_nothing_is_judged_when_only_redacting(switch: Callable[[str], Path]) -> None:
    """In the modes redact and off records do not reach an EscalationHandler; switched back, they do."""
    alerts = Lines()
    escalate = pack.EscalationHandler(target=alerts, policy=POLICY)
    handler = secure(Lines(), escalate, control=str(switch("redact")))
    event = {"event_type": "authentication", "username": "al", "success": False, "ip_address": "203.0.113.7"}

    for _ in range(6):
        handler.handle(record(**event))
    quiet = len(alerts.lines)
    switch("full")
    for _ in range(6):
        handler.handle(record(**event))

    assert quiet == 0
    assert len(alerts.lines) > 0


def test_observe_reaches_the_escalation_behind_it(switch: Callable[[str], Path]) -> None:
    """Switched to observe, alerts of the EscalationHandler behind it are marked as observed only."""
    alerts = Lines()
    escalate = pack.EscalationHandler(target=alerts, policy=POLICY)
    handler = secure(Lines(), escalate, control=str(switch("observe")))

    for _ in range(6):
        handler.handle(record(event_type="authentication", username="al", success=False, ip_address="203.0.113.7"))

    assert {line["mode"] for line in alerts.lines} == {"observe"}


# ---- loggers that are covered no more


@pytest.fixture
def covered() -> Iterator[tuple[logging.Logger, Lines, pack.SecurityHandler]]:
    """A logger behind one SecurityHandler, and a sibling on another logger."""
    logger, out = logging.getLogger("covered"), Lines()
    handler, sibling = secure(Lines()), secure(out, name="sibling")
    logger.propagate, logger.handlers = False, [handler]
    other = logging.getLogger("other")
    other.propagate, other.handlers = False, [sibling]
    for one in (logger, other):
        one.setLevel(logging.INFO)
        one.info("hello")
    yield logger, out, sibling
    logger.handlers.clear()
    logger.disabled = False


@pytest.mark.parametrize(
    ("silence", "reason"),
    [
        (lambda logger: setattr(logger, "disabled", True), "disabled"),
        (lambda logger: logger.handlers.clear(), "removed"),
        (lambda logger: setattr(logger, "handlers", [logging.NullHandler()]), "removed"),
    ],
)
def test_a_sibling_reports_a_silenced_logger(
    covered: tuple[logging.Logger, Lines, pack.SecurityHandler],
    silence: Callable[[logging.Logger], None], reason: str, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A logger that lost its handler or was disabled is named once, on stderr and as a record."""
    logger, out, sibling = covered
    silence(logger)

    for _ in range(2 * life.LOOK_MASK + 5):
        sibling._life.attend(sibling._calls + 1)
        sibling._calls += 1

    said = [line for line in out.lines if line["logger"] == "seclog"]
    assert [(line["event_type"], line["reason"], line["loggers"]) for line in said] == [
        ("sys_monitor_disabled", reason, ["covered"]),
    ]
    assert capsys.readouterr().err.count("covered") == 1


def test_a_reload_that_disables_loggers_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """`disable_existing_loggers` left at its default at a live reload is said by the new handler's first record."""
    logger, old, out = logging.getLogger("module"), secure(Lines()), Lines()
    logger.handlers, logger.propagate = [old], False
    logger.warning("hello")
    old.close()
    logger.disabled = True

    secure(out).handle(record("first"))

    assert [line["message"] for line in out.lines] == ["security logging disabled", "first"]
    assert "disable_existing_loggers=False" in capsys.readouterr().err
    logger.handlers.clear()
    logger.disabled = False


def test_a_handler_that_was_closed_is_not_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """A handler that is closed and taken away was not needed any more: nothing is reported."""
    logger, old, out = logging.getLogger("module"), secure(Lines()), Lines()
    logger.handlers, logger.propagate = [old], False
    logger.warning("hello")

    old.close()
    logger.handlers.clear()
    secure(out).handle(record("first"))

    assert [line["message"] for line in out.lines] == ["first"]
    assert "covered" not in capsys.readouterr().err
