"""A channel that refuses, hangs, fails or lies; real sockets on loopback."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.errors import SecurityLogWarning
from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.alerts.tools import drop, retry, spool_report
from tests.alerts.conftest import stopped
from tests.alerts.records import alert
from tests.alerts.servers import (
    black_hole,
    closed_port,
    garbage,
    half_close,
    reset,
    serving,
    silence,
    status,
    trickle,
    until,
)

Make = Callable[..., AlertHandler]


def conserved(handler: AlertHandler) -> bool:
    """Whether the counts add up."""
    stats = handler.stats()
    return stats["alerts"] == stats["delivered"] + stats["waiting"] + stats["dead_lettered"]


def handle(handler: AlertHandler, condition: Callable[[], Any], *records: logging.LogRecord) -> None:
    """Hand over records and wait for a condition."""
    for record in records:
        handler.handle(record)
    until(condition)


def test_an_alert_arrives(handler: Make, spool: Path):
    """An alert reaches a webhook, and is counted as delivered."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert())
        until(lambda: alerts.stats()["delivered"])

        assert server.incidents() == [("inc-1", "firing")]
        assert alerts.stats()["waiting"] == 0
        assert conserved(alerts)


@pytest.mark.parametrize("answer", [status(500), status(429), status(503, "Retry-After: 0"), status(302, "Location: /x"),
                                    status(404), reset, half_close, garbage],
                         ids=["500", "429", "503", "302", "404", "reset", "half-close", "garbage"])  # fmt: skip
def test_a_failure_is_tried_again(answer: Any, handler: Make, spool: Path):
    """After any failure the same notification with the same key is sent again until it arrives; nothing is lost."""
    with serving(answer, status(200)) as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert())
        until(lambda: alerts.stats()["delivered"])

        assert server.incidents() == [("inc-1", "firing")]
        assert len({request.headers["idempotency-key"] for request in server.requests}) == 1
        assert conserved(alerts)


def test_retry_after_is_honoured(handler: Make, spool: Path):
    """A 429 with Retry-After is not tried again earlier than the server asked."""
    with serving(status(429, "Retry-After: 2"), status(200)) as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert())
        until(lambda: server.accepted)
        first, second = server.requests

        assert second.at - first.at >= 2


def test_a_redirect_is_not_followed(handler: Make, spool: Path):
    """An answer that points elsewhere is a failure: alerts and keys go where the configuration says."""
    with serving() as elsewhere, serving(status(307, f"Location: {elsewhere.url}")) as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert())
        until(lambda: len(server.requests) > 1)

        assert elsewhere.requests == []


def test_a_silent_server_is_left_after_the_timeout(handler: Make, spool: Path):
    """A server that takes the request and never answers costs its timeout, then the alert is tried again."""
    with serving(silence, status(200)) as server:
        alerts = handler({"url": server.url, "timeout": 0.3}, spool=spool)
        alerts.handle(alert())

        assert until(lambda: server.accepted)


def test_a_server_that_trickles_is_cut_off(handler: Make, spool: Path):
    """A server that answers byte by byte within each timeout, but never ends, is left in the end."""
    with serving(trickle, status(200)) as server:
        alerts = handler({"url": server.url, "timeout": 0.2}, spool=spool)
        alerts.handle(alert())

        assert until(lambda: server.accepted)


def test_a_dead_channel_does_not_hold_up_another(handler: Make, spool: Path):
    """While one channel is a black hole, the other gets its alerts at once; the alert waits until both have it."""
    with black_hole() as port, serving() as server:
        alerts = handler({"url": f"http://127.0.0.1:{port}/dead", "timeout": 120}, server.url, spool=spool)
        alerts.handle(alert())

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]
        assert alerts.stats()["waiting"] == 1
        assert conserved(alerts)


def test_the_circuit_opens_and_is_said_once(handler: Make, spool: Path):
    """A channel that fails several times in a row is said to be failing, without its path or key, and stats show it."""
    alerts = handler(f"http://user:hunter2@127.0.0.1:{closed_port()}/secret-path", spool=spool)
    with pytest.warns(SecurityLogWarning, match="Connection refused") as caught:
        handle(alerts, lambda: "open" in str(alerts.stats()["channels"]), alert())

    assert len(caught.list) == 1
    assert "hunter2" not in str(caught.list[0].message) + repr(alerts)
    assert "secret-path" not in str(caught.list[0].message) + repr(alerts)


def test_a_refused_alert_goes_to_the_dead_letters(handler: Make, spool: Path, capfd: pytest.CaptureFixture[str]):
    """What a server will never take (400) is put aside, counted and announced; the next notification says so too."""
    with serving(status(400), status(200)) as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert())
        until(lambda: alerts.stats()["dead_lettered"])
        alerts.handle(alert(2))
        until(lambda: server.accepted)
        until(lambda: alerts.stats()["delivered"])

        assert server.accepted[0].json()["commonAnnotations"]["dead_lettered"] == "1"
        assert alerts.stats()["alerts"] == 2
        assert conserved(alerts)
    assert "1 alerts could not be delivered" in capfd.readouterr().err
    assert [letter["alert"]["incident_id"] for letter in spool_report(spool)[0].dead] == ["inc-1"]


def test_what_is_too_old_goes_to_the_dead_letters(handler: Make, spool: Path):
    """An alert that cannot be delivered within max_age is put aside."""
    with serving(status(500)) as server:
        alerts = handler(server.url, spool=spool, max_age=1)
        alerts.handle(alert())
        until(lambda: alerts.stats()["dead_lettered"])

        assert alerts.stats()["waiting"] == 0
        assert conserved(alerts)


def test_dead_letters_can_be_sent_again(handler: Make, spool: Path):
    """Dead letters that an operator puts back are delivered by the running sender."""
    with serving(status(400), status(200)) as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert())
        until(lambda: alerts.stats()["dead_lettered"])

        assert retry(spool) == 1
        assert until(lambda: server.incidents()) == [("inc-1", "firing")]


def test_waiting_alerts_can_be_dropped(handler: Make, spool: Path):
    """An operator can drop what waits, once no process sends."""
    alerts = handler(f"http://127.0.0.1:{closed_port()}/", spool=spool, drain_timeout=0)
    alerts.handle(alert())
    stopped(alerts)

    assert drop(spool) == 1
    assert spool_report(spool)[0].waiting == []


def test_min_severity_and_mode_and_other_records(handler: Make, spool: Path):
    """Below min_severity, in observe mode, or no alert at all: ignored, and counted as such."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert(1, severity="MEDIUM"))
        alerts.handle(alert(2, mode="observe"))
        alerts.handle(logging.makeLogRecord({"msg": "boom", "levelno": logging.CRITICAL}))
        alerts.handle(alert(3))
        until(lambda: alerts.stats()["delivered"])

        assert server.incidents() == [("inc-3", "firing")]
        assert alerts.stats()["ignored"] == 3
        assert alerts.stats()["alerts"] == 1


def test_each_channel_has_its_own_min_severity(handler: Make, spool: Path):
    """A channel may take less severe alerts than the handler's default, or only the worst."""
    with serving() as low, serving() as high:
        alerts = handler(
            {"url": low.url, "min_severity": "low"}, {"url": high.url, "min_severity": "CRITICAL"}, spool=spool
        )
        alerts.handle(alert(1, severity="LOW"))
        alerts.handle(alert(2, severity="CRITICAL", rule="other"))
        until(lambda: alerts.stats()["delivered"] == 2)

        assert sorted(low.incidents()) == [("inc-1", "firing"), ("inc-2", "firing")]
        assert high.incidents() == [("inc-2", "firing")]


def test_closing_delivers_what_waits_for_its_timer(handler: Make, spool: Path):
    """An alert whose group_wait is not over is delivered when the handler is closed."""
    with serving() as server:
        alerts = handler(server.url, spool=spool, group_wait=60)
        alerts.handle(alert())
        alerts.close()

        assert server.incidents() == [("inc-1", "firing")]
        assert alerts.stats()["delivered"] == 1
    assert list(spool.glob("*/*.alerts")) == []


def test_closing_reads_the_last_alerts_first(handler: Make, spool: Path):
    """An alert logged right before the end is delivered, though the sender was asleep."""
    with serving() as server:
        alerts = handler(server.url, spool=spool, group_interval=60)
        alerts.handle(alert(1))
        until(lambda: alerts.stats()["delivered"])
        until(lambda: alerts._sender.idle)
        alerts.handle(alert(1, "resolve"))
        alerts.close()

        assert server.incidents() == [("inc-1", "firing"), ("inc-1", "resolved")]


def test_closing_with_a_dead_channel_keeps_the_alerts(handler: Make, spool: Path):
    """Closing takes no longer than drain_timeout allows; what could not be delivered is sent by the next process."""
    with black_hole() as port:
        alerts = handler(f"http://127.0.0.1:{port}/", spool=spool, drain_timeout=0.3)
        for number in range(5):
            alerts.handle(alert(number))
        alerts.close()

        assert alerts.stats()["waiting"] == 5
        assert conserved(alerts)
    assert len(spool_report(spool)[0].waiting) == 5


def test_a_closed_handler_opens_again(handler: Make, spool: Path):
    """Frameworks close handlers and go on using them: a later alert is still delivered."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert(1))
        alerts.close()
        alerts.handle(alert(2))
        until(lambda: len(server.incidents()) > 1)
        alerts.close()

        assert server.incidents()[0] == ("inc-1", "firing")
        assert ("inc-2", "firing") in server.incidents()
        assert alerts.stats()["delivered"] == 2
        assert conserved(alerts)


def test_alerts_left_with_other_channels_are_taken_over(handler: Make, spool: Path):
    """After a change of the channels, alerts that wait for the old ones go to the new ones."""
    old = handler(f"http://127.0.0.1:{closed_port()}/", spool=spool, drain_timeout=0)
    old.handle(alert(1))
    stopped(old)
    with serving() as server:
        new = handler(server.url, spool=spool)
        new.start()

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]
        until(lambda: new.stats()["delivered"])
        assert new.stats()["taken_over"] == 1
        assert conserved(new)


def test_a_successor_goes_on_with_open_incidents(handler: Make, spool: Path):
    """A new process knows which incidents were told: an update is no second opening, and a notification shows them."""
    with serving() as server:
        first = handler(server.url, spool=spool)
        first.handle(alert(1))
        until(lambda: first.stats()["delivered"])
        first.close()
        second = handler(server.url, spool=spool)
        second.handle(alert(1, "update", count=9))
        until(lambda: second._sender.ledger.read)
        assert len(server.accepted) == 1
        second.handle(alert(2))
        until(lambda: len(server.accepted) > 1)

        assert sorted(server.incidents()[1:]) == [("inc-1", "firing"), ("inc-2", "firing")]


def test_without_a_spool_alerts_are_kept_in_memory(handler: Make):
    """No spool: it works, and a warning says what is lost when the process dies."""
    with serving(status(500), status(200)) as server:
        alerts = handler(server.url)
        with pytest.warns(SecurityLogWarning, match="no 'spool'"):
            handle(alerts, lambda: alerts.stats()["delivered"], alert())

        assert server.incidents() == [("inc-1", "firing")]
        assert conserved(alerts)


def test_a_spool_that_cannot_be_written_loses_nothing(handler: Make, tmp_path: Path):
    """A spool under a file, which no user can write: one warning, and alerts are sent from memory."""
    (tmp_path / "file").write_text("")
    with serving() as server:
        alerts = handler(server.url, spool=tmp_path / "file" / "spool")
        with pytest.warns(SecurityLogWarning, match="cannot be"):
            handle(alerts, lambda: alerts.stats()["delivered"] == 2, alert(1), alert(2))

        assert {incident for incident, _ in server.incidents()} == {"inc-1", "inc-2"}
        assert conserved(alerts)


FULL = """
import resource, sys, warnings
warnings.simplefilter("ignore")
from seclog_handlers.handlers.alerts import AlertHandler
from tests.alerts.records import alert
from tests.alerts.servers import until
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))
handler = AlertHandler((sys.argv[2],), sys.argv[1], 0.05, 0.05, drain_timeout=60)
for number in range(40):
    handler.handle(alert(number))
until(lambda: len(handler._memory) == 0)
handler.close()
stats = handler.stats()
print(stats["alerts"], stats["delivered"] + stats["waiting"] + stats["dead_lettered"], stats["failed"])
"""


def test_a_full_disk_loses_nothing(spool: Path):
    """When no file can grow any more, alerts are sent from memory, and half a written line harms nobody."""
    with serving() as server:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", FULL, str(spool), server.url]
        output = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=120
        ).stdout
        arrived = {incident for incident, _ in server.incidents()}

    assert arrived == {f"inc-{number}" for number in range(40)}
    assert output.split() == ["40", "40", "0"]


def test_a_heartbeat_is_sent_while_all_is_well(handler: Make, spool: Path):
    """The dead man's switch is called at intervals, with no alert at all, once the process has started its sender."""
    with serving() as server, serving() as watcher:
        alerts = handler(server.url, spool=spool, heartbeat_url=watcher.url, heartbeat_interval=1)
        alerts.start()

        assert until(lambda: len(watcher.requests) > 1)
        assert watcher.requests[0].line.startswith("GET /hook")


def test_closing_an_unused_handler_starts_nothing(handler: Make, spool: Path):
    """Configuring and closing leaves no thread and no file behind."""
    alerts = handler(f"http://127.0.0.1:{closed_port()}/", spool=spool)
    alerts.close()

    assert not spool.exists()
    assert alerts._sender is None
