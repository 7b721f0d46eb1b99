"""Rarely met sides of the spool, the journal and the channels."""

from __future__ import annotations

import base64
import email.utils
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.alerts import handler as handler_module
from seclog_handlers.handlers.alerts import spool as spool_module
from seclog_handlers.handlers.alerts.channels import open_channels
from seclog_handlers.handlers.alerts.tools import send_test, spool_report
from tests.alerts.conftest import stopped
from tests.alerts.records import alert
from tests.alerts.servers import Request, closed_port, serving, status, until
from tests.alerts.test_channels import Mailbox, mailbox
from tests.alerts.test_delivery import handle

__all__ = ["mailbox"]
Make = Callable[..., AlertHandler]


def test_a_large_spool_is_kept_in_several_files(handler: Make, spool: Path, monkeypatch: pytest.MonkeyPatch):
    """Beyond a size a process begins its next file, so that the first can go; counts stay exact."""
    monkeypatch.setattr(spool_module, "SEGMENT", 2_000)
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        for number in range(30):
            alerts.handle(alert(number))
        assert len(alerts._writer.names) > 3
        until(lambda: alerts.stats()["delivered"] == 30)
        alerts.close()

        assert {incident for incident, _ in server.incidents()} == {f"inc-{number}" for number in range(30)}
    assert alerts.stats()["alerts"] == alerts.stats()["delivered"] == 30
    assert list(spool.glob("*/*.alerts")) == []


def test_fsync_writes_through(handler: Make, spool: Path):
    """With fsync the alert arrives just the same."""
    with serving() as server:
        alerts = handler(server.url, spool=spool, fsync="on")
        alerts.handle(alert())

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, handler: Make):
    """Without a spool a limited number of alerts is kept; what does not fit is counted as dead-lettered."""
    monkeypatch.setattr(handler_module, "MEMORY_LIMIT", 5)
    alerts = handler(f"http://127.0.0.1:{closed_port()}/", drain_timeout=0)
    alerts._sender = _asleep(alerts)
    for number in range(8):
        alerts.handle(alert(number))

    assert alerts.stats()["waiting"] == 5
    assert alerts.stats()["dead_lettered"] == 3
    assert alerts.stats()["alerts"] == 8
    alerts._sender = None


def _asleep(alerts: AlertHandler) -> Any:
    from seclog_handlers.handlers.alerts.sender import Sender

    return Sender(alerts.channels, None, alerts._memory, alerts._settings)


def test_a_damaged_journal_costs_no_alert(handler: Make, spool: Path):
    """Lines of the journal or the spool that no program can read are left out; the alerts beside them arrive."""
    first = handler(f"http://127.0.0.1:{closed_port()}/hook", spool=spool, drain_timeout=0)
    first.handle(alert(1))
    stopped(first)
    folder = next(spool.iterdir())
    (folder / "journal.jsonl").write_bytes(b'{"step": "done"}\n{"step": "fly"}\n[]\n\xff\n{"st')
    with next(folder.glob("*.alerts")).open("ab") as file:
        file.write(b'not json\n{"at": 1}\n{"at": 2, "al')
    second = AlertHandler([_url_of(first)], spool, 0.05, drain_timeout=0)
    second.start()
    until(lambda: second.stats()["taken_over"])

    assert second.stats()["waiting"] == 1
    assert len(spool_report(spool)[0].waiting) == 1
    second.close()


def _url_of(alerts: AlertHandler) -> str:
    endpoint: Any = alerts.channels[0]
    return f"http://127.0.0.1:{endpoint._endpoint._port}/hook"


def test_a_heartbeat_stops_with_the_circuit(handler: Make, spool: Path):
    """While a channel's circuit is open the dead man's switch is not called: silence tells."""
    with serving() as watcher, serving(status(500)) as server:
        alerts = handler(server.url, spool=spool, heartbeat_url=watcher.url, heartbeat_interval=1)
        with pytest.warns(match="fails"):
            handle(alerts, lambda: "open" in str(alerts.stats()["channels"]), alert())
        until(lambda: not alerts._sender._heartbeat._busy.is_set())
        before = len(watcher.requests)
        until(lambda: len(watcher.requests) > before, 1.5)

        assert len(watcher.requests) == before


def test_retry_after_may_be_a_date(handler: Make, spool: Path):
    """The HTTP date form of Retry-After is honoured; nonsense is ignored."""
    asked: list[int] = []

    def later(connection: socket.socket, request: Request) -> None:
        asked.append(int(time.time()) + 2)
        date = email.utils.formatdate(asked[0], usegmt=True)
        status(503, f"Retry-After: {date}")(connection, request)

    with serving(later, status(503, "Retry-After: soon"), status(200)) as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert())

        assert until(lambda: server.accepted)
        assert server.requests[1].wall > asked[0] - 0.01


def test_a_login_in_the_url_becomes_a_header():
    """User and password of a webhook's URL are sent as Basic authorization, percent-decoded."""
    with serving() as server:
        send_test(open_channels([server.url.replace("http://", "http://bob:p%40ss@")], "HIGH", 20))

        assert server.accepted[0].headers["authorization"] == "Basic " + base64.b64encode(b"bob:p@ss").decode()


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch):
    """HTTPS_PROXY is asked for a tunnel; it never sees the request itself."""
    with serving(status(403)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("http://", "http://me:pw@"))
        monkeypatch.delenv("no_proxy", raising=False)
        (result,) = send_test(open_channels(["https://alerts.example.com/hook"], "HIGH", 20))

        assert proxy.requests[0].line.startswith("CONNECT alerts.example.com:443")
    assert result.kind == "retry"


def test_mail_channels_without_a_server_or_tls(mailbox: tuple[Mailbox, int]):
    """No server, a server without TLS where TLS is demanded, a login it does not offer: failures that wait."""
    _, port = mailbox
    urls = [f"smtp://127.0.0.1:{closed_port()}/?to=a@example.com", f"smtp://127.0.0.1:{port}/?to=a@example.com&starttls=on",
            f"smtp://bob:pw@127.0.0.1:{port}/?to=b@example.com", f"smtps://127.0.0.1:{port}/?to=a@example.com"]  # fmt: skip
    results = send_test(open_channels([{"url": url, "timeout": 0.5} for url in urls], "HIGH", 20))

    assert [result.kind for result in results] == ["retry"] * 4


def test_a_mail_server_whose_recipients_are_all_refused_is_tried_again(mailbox: tuple[Mailbox, int]):
    """If nobody takes the mail it waits: the addresses may be put right."""
    _, port = mailbox
    (result,) = send_test(open_channels([f"smtp://127.0.0.1:{port}/?to=nobody@example.com"], "HIGH", 20))

    assert result.kind == "retry"


def test_aborting_a_delivery_that_is_not_under_way_does_nothing(mailbox: tuple[Mailbox, int]):
    """A channel can be told to stop at any moment."""
    urls = ["https://h.example.com/", "slack://T/B/X", "pagerduty://K", "smtps://h.example.com/?to=a@example.com"]
    for channel in open_channels(urls, "HIGH", 20):
        channel.abort()
        channel.forget()

        assert channel.name


def test_a_channel_that_raises_is_a_failure_that_waits(handler: Make, spool: Path):
    """A fault in a channel's own code costs an attempt, not the sender."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        channel: Any = alerts.channels[0]
        whole, channel._endpoint = channel._endpoint, None
        alerts.handle(alert())
        until(lambda: "'failures': 1" in str(alerts.stats()["channels"]))
        channel._endpoint = whole

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]


def test_a_file_that_cannot_be_read_is_said(handler: Make, spool: Path):
    """A link among the alert files is not followed: one warning, and the other files are sent."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        assert alerts._folder is not None
        alerts._folder.mkdir(parents=True)
        (alerts._folder / "1-0-x.alerts").symlink_to("/etc/hostname")
        with pytest.warns(match="cannot be read"):
            handle(alerts, lambda: server.accepted, alert())

        assert server.incidents() == [("inc-1", "firing")]


def test_files_without_a_name_are_swept(handler: Make, spool: Path):
    """What a process left that died before its first alert was written is removed after an hour."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        assert alerts._folder is not None
        alerts._folder.mkdir(parents=True)
        old, new = alerts._folder / "1-0-x.alerts.new", alerts._folder / "2-0-x.alerts.new"
        old.touch()
        new.touch()
        os.utime(old, (1, 1))
        alerts.handle(alert())
        until(lambda: server.accepted)

        assert not old.exists()
        assert new.exists()


def test_a_file_that_vanishes_while_it_is_looked_at(handler: Make, spool: Path):
    """A file that gets its name, or goes, while the sender begins does not keep it from noting what it sends."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        assert alerts._folder is not None
        alerts._folder.mkdir(parents=True)
        (alerts._folder / "1-0-x.alerts.new").symlink_to("nowhere")
        alerts.handle(alert())

        assert until(lambda: alerts.stats()["delivered"])
        assert b'"done"' in (alerts._folder / "journal.jsonl").read_bytes()


def test_a_spool_removed_under_a_running_process(handler: Make, spool: Path):
    """Somebody deletes the spool: alerts already taken are sent, and later ones too."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert(1))
        until(lambda: server.accepted)
        for path in next(spool.iterdir()).iterdir():
            path.unlink()
        next(spool.iterdir()).rmdir()
        alerts.handle(alert(2))

        assert until(lambda: ("inc-2", "firing") in server.incidents())


def test_a_test_of_a_toml_or_module_configuration(tmp_path: Path):
    """`seclog alert test` takes TOML and module:DICT; run in a process of its own, as the command is."""
    with serving() as server:
        config = {"version": 1, "handlers": {"p": {"class": "seclog_handlers.AlertHandler", "channels": [server.url]}},
                  "root": {"handlers": ["p"]}}  # fmt: skip
        (tmp_path / "settings_for_alerts.py").write_text(f"CONFIG = {config!r}\n")
        program = ("import argparse, sys\nfrom seclog_handlers.cli import alert\nparser = argparse.ArgumentParser()\n"
                   "alert.register(parser.add_subparsers())\nsys.exit(alert.run(parser.parse_args(sys.argv[1:])))")  # fmt: skip
        path = os.pathsep.join([str(tmp_path), *sys.path])
        command = [sys.executable, "-c", program, "alert", "test", "settings_for_alerts:CONFIG"]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120
        )

        assert done.returncode == 0, done.stderr
        assert server.accepted
    assert json.loads(server.accepted[0].body)["receiver"] == "seclog"


def test_addresses_without_a_host_or_transport_are_refused():
    """An address that names no host, or a scheme without transport, is refused."""
    for url in ("slack+https:///x", "pagerduty+ftp://K@127.0.0.1/x"):
        with pytest.raises(ConfigurationError):
            open_channels([url], "HIGH", 20)


def test_loopback_is_known_by_name_and_address():
    """Plain http is taken for every form of this machine's own address."""
    with socket.socket():
        for host in ("localhost", "127.0.0.1", "127.8.8.8", "[::1]"):
            assert open_channels([f"http://{host}/x"], "HIGH", 20)


def test_a_process_that_does_not_send_knows_its_counts(handler: Make, spool: Path):
    """Of two handlers with one spool only one sends; the other's counts are exact all the same."""
    with serving() as server:
        first, second = handler(server.url, spool=spool), handler(server.url, spool=spool)
        first.start()
        until(lambda: first.stats()["sender"])
        for number in range(3):
            second.handle(alert(number))
        until(lambda: second.stats()["delivered"] == 3)

        assert not second.stats()["sender"]
        assert second.stats()["alerts"] == 3
        assert second.stats()["waiting"] == 0
        assert first.stats()["taken_over"] == first.stats()["delivered"] == 3
