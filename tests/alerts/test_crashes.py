"""Processes killed by SIGKILL at every change of the spool's state, and what their successors do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from seclog_handlers.handlers.alerts.tools import spool_report
from tests.alerts.servers import Server, serving, status, until

ROOT = Path(__file__).resolve().parents[2]
KILL_POINTS = [
    "before-append", "after-append:3", "before-rename", "leader", "before-journal-rename", "after-journal-rename",
    "send-noted", "delivered", "delivered:3", "done-noted", "before-remove", "after-remove",
]  # fmt: skip


def victim(
    spool: Path, url: str, first: int, count: int, *options: str, pause: float = 0.005, kill: str = ""
) -> subprocess.Popen[bytes]:
    """Start a process that logs `count` alerts."""
    command = [
        sys.executable,
        "-m",
        "tests.alerts.victim",
        str(spool),
        url,
        str(first),
        str(count),
        str(pause),
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SECLOG_TEST_KILL_POINT": kill}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment)


def returned(process: subprocess.Popen[bytes]) -> set[str]:
    """The incidents whose log call had returned when the process ended."""
    output, _ = process.communicate(timeout=120)
    return {f"inc-{line}" for line in output.decode().split("\n") if line.isdigit()}


@pytest.mark.parametrize("point", KILL_POINTS)
def test_nothing_is_lost_at_any_kill_point(point: str, spool: Path):
    """Whatever state the spool was in: each alert whose log call had returned arrives, at most one notification twice."""
    with serving(status(200)) as server:
        killed = victim(spool, server.url, 0, 40, "--deliver", kill=point)
        logged = returned(killed)
        logged |= returned(victim(spool, server.url, 100, 1, "--deliver"))
        arrived = {incident for incident, _ in server.incidents()}

    assert killed.returncode == -signal.SIGKILL
    assert logged <= arrived
    assert repeats(server) <= 1


def repeats(server: Server) -> int:
    """How many notifications came a second time."""
    keys = Counter(request.headers["idempotency-key"] for request in server.accepted)
    return sum(count - 1 for count in keys.values())


@pytest.mark.parametrize("point", ["buried", "lost-noted"])
def test_a_crash_while_giving_up_counts_once(point: str, spool: Path):
    """An alert that was being put aside when the process was killed is a dead letter once, and waits no more."""
    with serving(status(400)) as server:
        killed = victim(spool, server.url, 0, 1, "--deliver", kill=point)
        returned(killed)
        returned(victim(spool, server.url, 0, 0, "--deliver"))
    (report,) = spool_report(spool)

    assert killed.returncode == -signal.SIGKILL
    assert report.waiting == []
    assert len({tuple(letter["ref"]) for letter in report.dead}) == 1


def test_a_living_process_takes_over_from_a_killed_sender(spool: Path):
    """When the process that sends is killed, another that shares the spool goes on, without a new log call."""
    with serving(status(200)) as server:
        sender = victim(spool, server.url, 0, 20, "--wait-line", "--deliver", pause=0, kill="send-noted")
        assert sender.stdout is not None
        sender.stdout.readline()
        until(lambda: list(spool.glob("*/journal.jsonl")))
        heir = victim(spool, server.url, 0, 0, "--stay")
        assert sender.stdin is not None
        sender.stdin.write(b"x")
        sender.stdin.flush()
        logged = returned(sender)
        arrived = until(lambda: logged <= {incident for incident, _ in server.incidents()})
        heir.kill()
        heir.communicate()

    assert logged
    assert arrived


def test_processes_that_share_a_spool_have_one_sender(spool: Path):
    """Alerts of three processes are told together, by one of them, each once."""
    with serving(status(200)) as server:
        processes = [victim(spool, server.url, 100 * number, 25, "--deliver") for number in range(3)]
        logged = set().union(*map(returned, processes))
        told = {incident for incident, _ in server.incidents()}

    assert len(logged) == 75
    assert repeats(server) == 0
    assert told >= logged


def test_a_live_sender_takes_over_the_files_of_dead_processes(spool: Path):
    """A process that only logs, and is killed before its alert is sent, loses nothing: the sender reads its file."""
    with serving(status(200)) as server:
        sender = victim(spool, server.url, 0, 1, "--stay")
        assert sender.stdout is not None
        until(lambda: server.accepted)
        logged = returned(victim(spool, server.url, 50, 20, pause=0, kill="after-append:10"))
        arrived = until(lambda: logged <= {incident for incident, _ in server.incidents()})
        sender.kill()
        sender.communicate()

    assert len(logged) == 9
    assert arrived


def test_files_of_dead_processes_are_removed_once_settled(spool: Path):
    """A spool does not grow: files whose alerts have all arrived go, and so does the history of what they held."""
    with serving(status(200)) as server:
        for number in range(2):
            returned(victim(spool, server.url, 10 * number, 5, kill="done-noted"))
        returned(victim(spool, server.url, 100, 1, "--deliver"))

    assert list(spool.glob("*/*.alerts")) == []


def test_sigkill_at_random_moments_with_a_flaky_channel(spool: Path):
    """Processes killed while a channel fails two of five times lose nothing; a crash repeats at most one notification."""
    answers = [status(200), status(500), status(200), status(503), status(200)] * 400
    logged: set[str] = set()
    crashes = 4
    with serving(*answers) as server:
        for crash in range(crashes):
            process = victim(spool, server.url, 1_000 * crash, 900, "--stay", pause=0.001)
            assert process.stdout is not None
            read = [process.stdout.readline() for _ in range(20 + 20 * crash)]
            process.kill()
            logged |= returned(process) | {f"inc-{int(line)}" for line in read[1:]}
        returned(victim(spool, server.url, 99_000, 1, "--deliver"))
        arrived = {incident for incident, _ in server.incidents()}

    assert len(logged) > crashes * 20
    assert logged <= arrived
    assert repeats(server) <= crashes
