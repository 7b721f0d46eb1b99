"""What befalls a spool and its channels: each fault leaves every alert delivered, waiting or a dead letter."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.alerts import orphans as orphans_module
from seclog_handlers.handlers.alerts import sender as sender_module
from seclog_handlers.handlers.alerts.channels import open_channels
from seclog_handlers.handlers.alerts.content import alert_of, encoded
from seclog_handlers.handlers.alerts.journal import read_history
from seclog_handlers.handlers.alerts.spool import LOCK, Writer
from seclog_handlers.handlers.alerts.tools import send_test, spool_report
from tests.alerts.conftest import stopped
from tests.alerts.records import alert
from tests.alerts.servers import Request, closed_port, serving, status, trickle, until, waiting
from tests.alerts.test_delivery import conserved

Make = Callable[..., AlertHandler]


def folder_of(alerts: AlertHandler) -> Path:
    assert alerts._folder is not None
    return alerts._folder


def test_the_spool_is_its_owners_alone(handler: Make, tmp_path: Path):
    """Whatever the umask: folders and files of a spool are readable by their owner only."""
    before = os.umask(0)
    try:
        alerts = handler(f"http://127.0.0.1:{closed_port()}/", spool=tmp_path / "s")
        alerts.handle(alert())
        until(lambda: (folder_of(alerts) / "journal.jsonl").exists())
        stopped(alerts)
    finally:
        os.umask(before)

    assert [path for path in [tmp_path / "s", *(tmp_path / "s").rglob("*")] if path.stat().st_mode & 0o077] == []


def test_a_lock_that_is_removed_lets_no_second_sender_send_twice(handler: Make, spool: Path):
    """Somebody deletes the spool under a running sender, and another process begins anew there: each sends its own."""
    with serving() as server:
        first = handler(server.url, spool=spool)
        first.handle(alert(1))
        until(lambda: first.stats()["delivered"])
        shutil.rmtree(spool)
        second = handler(server.url, spool=spool)
        for number in range(2, 6):
            first.handle(alert(number))
            second.handle(alert(10 * number))
        until(lambda: len(server.incidents()) >= 9 and not waiting(spool))

        assert first._writer is not None
        assert len(first._writer.names) == 2
        assert len({name for name, _ in server.incidents()}) == 9
        assert until(lambda: [first.stats()["sender"], second.stats()["sender"]].count(True) == 1)
        assert conserved(first)
        assert conserved(second)


def test_a_journal_that_is_removed_is_begun_again(handler: Make, spool: Path):
    """Somebody deletes the journal of a running sender: what it notes afterwards is found by its successor."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert(1))
        until(lambda: alerts.stats()["delivered"])
        (folder_of(alerts) / "journal.jsonl").unlink()
        alerts.handle(alert(2))
        until(lambda: len(server.accepted) > 1)

        assert until(lambda: len(read_history(folder_of(alerts)).finished) == 1)


ROOM = """
import resource, sys, warnings
warnings.simplefilter("ignore")
from seclog_handlers.handlers.alerts import AlertHandler
from tests.alerts.records import alert
from tests.alerts.servers import until
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, resource.RLIM_INFINITY))
handler = AlertHandler((sys.argv[2],), sys.argv[1], 0.05, 0.05, drain_timeout=60)
handler.handle(alert(1))
handler.handle(alert(2))
until(lambda: handler._sender.ledger.settled)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
handler.handle(alert(3))
until(lambda: not handler.stats()["waiting"])
stats = handler.stats()
print(stats["alerts"], stats["delivered"], stats["waiting"])
handler.close()
"""


def test_a_journal_on_a_full_disk_is_caught_up(spool: Path):
    """What a full disk did not take is noted when there is room again, so that counts are right and nobody sends twice."""
    with serving() as server:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", ROOM, str(spool), server.url]
        output = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=120
        ).stdout
        told = [name for name, _ in server.incidents()]

    assert output.split() == ["3", "3", "0"]
    assert set(told) == {"inc-1", "inc-2", "inc-3"}


def test_a_strange_neighbour_keeps_nobody_from_sending(handler: Make, spool: Path):
    """Folders in the spool that cannot be read or locked, as another user's, are left alone."""
    strange = spool / "strange"
    (strange / LOCK).mkdir(parents=True)
    (strange / "1-0-x.alerts").write_bytes(encoded(alert_of(alert(7), "h")))
    (spool / "file").write_text("")
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert(1))

        assert until(lambda: alerts.stats()["delivered"]) == 1
        assert server.incidents() == [("inc-1", "firing")]


def left_by_another_program(spool: Path) -> None:
    writer = Writer(spool / "other", fsync=False)
    writer.append(encoded(alert_of(alert(7), "h")))
    writer.close()
    (spool / "other" / LOCK).write_bytes(b"other\n/srv/other")


def test_two_services_may_share_a_spool(handler: Make, spool: Path):
    """What another program has left is not sent to this one's people: it is about to start again."""
    left_by_another_program(spool)
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert(1))
        until(lambda: alerts.stats()["delivered"])

        assert server.incidents() == [("inc-1", "firing")]
        assert waiting(spool) == 1


def test_what_a_program_has_left_for_long_is_sent(handler: Make, spool: Path, monkeypatch: pytest.MonkeyPatch):
    """Alerts of a program that does not come back are taken over in the end: better others than nobody."""
    left_by_another_program(spool)
    monkeypatch.setattr(orphans_module, "STRANGERS_WAIT", -1)
    with serving() as server:
        handler(server.url, spool=spool).start()

        assert until(lambda: server.incidents()) == [("inc-7", "firing")]


def test_channels_are_changed_while_the_old_process_lives(handler: Make, spool: Path, monkeypatch: pytest.MonkeyPatch):
    """In a rolling restart the new process takes over when the old one has gone, though it began earlier."""
    monkeypatch.setattr(sender_module, "_ADOPT", 0.1)
    monkeypatch.setattr(sender_module, "_UPKEEP", 0.1)
    with serving() as server:
        old = handler(f"http://127.0.0.1:{closed_port()}/", spool=spool, drain_timeout=0)
        old.handle(alert(1))
        until(lambda: old.stats()["sender"])
        new = handler(server.url, spool=spool)
        new.start()
        until(lambda: new.stats()["sender"])
        assert server.incidents() == []
        stopped(old)

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]


def test_a_delivery_that_cannot_be_ended_is_left(handler: Make, spool: Path, monkeypatch: pytest.MonkeyPatch):
    """A channel that goes on though it was cut off, as a library's may, does not hold up its alerts for ever."""
    monkeypatch.setattr(sender_module, "_UPKEEP", 0.1)
    with serving() as server:
        alerts = handler({"url": server.url, "timeout": 0.1}, spool=spool)
        channel: Any = alerts.channels[0]
        whole, hung = channel.deliver, []

        def hang(batch: Any) -> Any:
            hung.append(batch)
            if len(hung) > 1:
                return whole(batch)
            return server.released.wait()

        channel.deliver = hang
        alerts.handle(alert())

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]
        assert hung[0].key == hung[1].key
        until(lambda: alerts.stats()["delivered"])
        assert conserved(alerts)


def test_a_handshake_that_trickles_is_cut_off(handler: Make, spool: Path, monkeypatch: pytest.MonkeyPatch):
    """A server that sends its TLS handshake byte by byte costs a limited time."""
    monkeypatch.setattr(sender_module, "_UPKEEP", 0.1)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        alerts = handler({"url": f"https://127.0.0.1:{listener.getsockname()[1]}/", "timeout": 0.3}, spool=spool)
        alerts.handle(alert())
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"\x16\x03\x03\x40\x00")
            until(lambda: _pushed(connection) or "'failures': 0" not in str(alerts.stats()["channels"]))

        assert "'failures': 0" not in str(alerts.stats()["channels"])
        assert alerts.stats()["waiting"] == 1
        assert conserved(alerts)


def _pushed(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"x")
    except OSError:
        return True
    return False


def endless_body(connection: socket.socket, request: Request) -> None:
    """Take the request, answer success, and never end the body."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    try:
        while True:
            connection.sendall(b"x" * 65536)
    except OSError:
        pass


def endless_headers(connection: socket.socket, request: Request) -> None:
    """Answer with headers without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    try:
        while True:
            connection.sendall(b"X-A: " + b"x" * 1000 + b"\r\n")
    except OSError:
        pass


def test_an_endless_answer_is_not_read():
    """The status says it all: no body is read, and headers only up to a limit."""
    with serving(endless_body) as server, serving(endless_headers) as other:
        results = send_test(open_channels([server.url, other.url], "HIGH", 20))

    assert [result.kind for result in results] == ["delivered", "retry"]


def test_a_test_of_a_channel_that_trickles_ends():
    """`seclog alert test` waits no longer for an answer than the sender does."""
    with serving(trickle) as server:
        (result,) = send_test(open_channels([{"url": server.url, "timeout": 0.2}], "HIGH", 20))

    assert result.kind == "retry"


def test_garbage_of_any_length_is_passed_over(handler: Make, spool: Path):
    """What a power loss has left in a file, be it longer than what is read at a time, hides no alert behind it."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        folder_of(alerts).mkdir(parents=True)
        lines = [encoded(alert_of(alert(number), "h")) for number in range(3)]
        garbage = [b"\0" * 1_000_000 + b"\n", b'{"at": 1, "alert"\n\n\xff\n[]\n']
        content = lines[0] + garbage[0] + lines[1] + garbage[1] + lines[2] + b'{"at": 2, "al'
        (folder_of(alerts) / "1-0-x.alerts").write_bytes(content)
        alerts.start()
        until(lambda: alerts.stats()["delivered"] == 3)
        stopped(alerts)

        assert {name for name, _ in server.incidents()} == {"inc-0", "inc-1", "inc-2"}
        assert list(spool.glob("*/*.alerts")) == []


def test_a_host_that_does_not_exist_is_a_failure_that_waits():
    """A name that nobody resolves is tried again; the error names no address."""
    (result,) = send_test(open_channels(["https://does-not-exist.invalid/s3cret-path"], "HIGH", 20))

    assert result.kind == "retry"
    assert "s3cret" not in result.detail


def test_a_healthy_channel_gets_old_alerts(handler: Make, spool: Path):
    """However old an alert is (the clock was set, the machine was off): a channel that works gets it."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        writer = Writer(folder_of(alerts), fsync=False)
        writer.append(json.dumps({"at": 5.0, "alert": alert_of(alert(1), "h")}).encode() + b"\n")
        writer.append(json.dumps({"at": time.time() + 1e9, "alert": alert_of(alert(2), "h")}).encode() + b"\n")
        writer.close()
        alerts.start()
        until(lambda: len(server.incidents()) >= 2)

        assert {name for name, _ in server.incidents()} == {"inc-1", "inc-2"}
        assert until(lambda: alerts.stats()["delivered"] == 2)
        assert conserved(alerts)


def test_names_of_channels_derive_from_no_password():
    """A password in an address, which may be weak, changes nothing that is written to disk."""
    names = {open_channels([f"https://bob:{word}@h.example.com/x"], "HIGH", 20)[0].name for word in ("one", "two")}

    assert len(names) == 1


def test_no_secret_is_written_or_shown(handler: Make, spool: Path):
    """Neither the spool nor counts, errors and the handler's repr hold anything of an address but its host."""
    secret = "s3cr3t" + "-part"
    with serving(status(400), status(200)) as server:
        url = server.url.replace("http://", f"http://bob:{secret}@").replace("/hook", f"/{secret}?token={secret}")
        alerts = handler({"url": url, "key": secret}, spool=spool)
        alerts.handle(alert(1))
        until(lambda: alerts.stats()["dead_lettered"])
        alerts.handle(alert(2))
        until(lambda: alerts.stats()["delivered"])
        shown = f"{alerts!r} {alerts.stats()} {spool_report(spool)} {vars(alerts)}"

        assert all(secret.encode() not in path.read_bytes() for path in spool.rglob("*") if path.is_file())
        assert secret not in shown
        assert conserved(alerts)
