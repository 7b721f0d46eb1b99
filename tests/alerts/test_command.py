"""`seclog alert test` and `seclog alert spool`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from seclog_handlers.cli import alert as command
from seclog_handlers.handlers.alerts import AlertHandler
from tests.alerts.conftest import stopped
from tests.alerts.records import alert
from tests.alerts.servers import closed_port, serving, status, until


def seclog(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    return command.run(parser.parse_args(["alert", *words]))


@pytest.fixture
def left(spool: Path) -> Path:
    """A spool in which an alert waits."""
    handler = AlertHandler([f"http://127.0.0.1:{closed_port()}/"], spool, drain_timeout=0)
    handler.handle(alert(1))
    stopped(handler)
    return spool


def test_test_sends_through_each_channel(capsys: pytest.CaptureFixture[str]):
    """Each channel gets the test, the answer is printed, and the exit status says whether all took it."""
    with serving() as good, serving(status(401)) as bad:
        assert seclog("test", "--channel", good.url) == 0
        assert seclog("test", "--channel", good.url, "--channel", bad.url) == 1
        assert len(good.accepted) == 2
    printed = capsys.readouterr().out

    assert "delivered (HTTP 200)" in printed
    assert "retry (HTTP 401)" in printed


def test_test_reads_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The channels of a configuration's AlertHandlers are tested, whatever its form."""
    with serving() as server:
        config = {"version": 1, "disable_existing_loggers": False, "root": {"handlers": ["pager"]}, "handlers": {
            "pager": {"class": f"{AlertHandler.__module__}.AlertHandler", "channels": [server.url]}}}  # fmt: skip
        path = tmp_path / "logging.json"
        path.write_text(json.dumps(config))

        assert seclog("test", str(path), "--dry-run") == 0
        assert server.connections == 0
        assert seclog("test", str(path)) == 0
        assert server.accepted
    assert '"groupLabels"' in capsys.readouterr().out


@pytest.mark.parametrize("words", [["test"], ["test", "/nonexistent.ini"], ["test", "--channel", "http://example.com/"],
                                   ["spool", "/nonexistent"], ["test", "no_such_module:CONFIG"]])  # fmt: skip
def test_what_cannot_be_done_is_said(words: list[str], capsys: pytest.CaptureFixture[str]):
    """Nothing to test, no configuration, no spool: exit status 2 and a sentence on stderr."""
    assert seclog(*words) == 2
    assert capsys.readouterr().err


def test_spool_shows_what_waits(left: Path, capsys: pytest.CaptureFixture[str]):
    """Waiting alerts are listed, in text or JSON, and the exit status says that there are some."""
    assert seclog("spool", str(left)) == 1
    assert "1 waiting, 0 dead letters; no process is sending" in capsys.readouterr().out
    assert seclog("spool", str(left), "--json") == 1
    assert json.loads(capsys.readouterr().out)[0]["waiting"][0]["incident_id"] == "inc-1"


def test_spool_drops(left: Path, capsys: pytest.CaptureFixture[str]):
    """What waits can be dropped; then the spool is empty."""
    assert seclog("spool", str(left), "--drop") == 0
    assert seclog("spool", str(left)) == 0
    assert "1 alerts dropped" in capsys.readouterr().out


def test_spool_is_not_dropped_under_a_sender(spool: Path, capsys: pytest.CaptureFixture[str]):
    """While a process sends, nothing is dropped."""
    handler = AlertHandler([f"http://127.0.0.1:{closed_port()}/"], spool, drain_timeout=0)
    handler.handle(alert(1))
    until(lambda: handler.stats()["sender"])

    assert seclog("spool", str(spool), "--drop") == 2
    assert "stop it" in capsys.readouterr().err
    assert seclog("spool", str(spool)) == 1
    assert "a process is sending" in capsys.readouterr().out
    handler.close()


def test_spool_puts_dead_letters_back(spool: Path, capsys: pytest.CaptureFixture[str]):
    """Dead letters become waiting alerts again."""
    with serving(status(400)) as server:
        handler = AlertHandler([server.url], spool, 0, drain_timeout=1)
        handler.handle(alert(1))
        until(lambda: handler.stats()["dead_lettered"])
        stopped(handler)

    assert seclog("spool", str(spool)) == 1
    assert "HTTP 400" in capsys.readouterr().out
    assert seclog("spool", str(spool), "--retry") == 0
    assert seclog("spool", str(spool)) == 1
    assert "1 waiting, 0 dead letters" in capsys.readouterr().out
