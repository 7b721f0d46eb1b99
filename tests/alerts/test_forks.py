"""Forked processes: each has its own file, one sender serves them all, and nothing of the parent's is disturbed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.alerts.servers import serving, status

PREFORK = """
import os, sys, warnings
warnings.simplefilter("ignore")
from seclog_handlers.handlers.alerts import AlertHandler
from tests.alerts.records import alert
from tests.alerts.servers import until, waiting
spool, url, children = sys.argv[1], sys.argv[2], int(sys.argv[3])
handler = AlertHandler((url,), spool, 0.05, 0.05, drain_timeout=60, per_minute=100_000)
if len(sys.argv) > 4:
    handler.handle(alert(9_999))  # the parent's sender runs, and its thread is busy while it forks
    until(lambda: handler.stats()["sender"])
pids = []
for child in range(children):
    pid = os.fork()
    if not pid:
        handler.handle(alert(child))
        os.write(1, b"%d\\n" % child)
        os._exit(0)  # like a worker that is stopped hard: no close, no atexit
    pids.append(pid)
    if len(pids) >= 8:
        os.waitpid(pids.pop(0), 0)
for pid in pids:
    os.waitpid(pid, 0)
handler.start()
until(lambda: not waiting(spool) and not handler.stats()["waiting"])
stats = handler.stats()
print("stats", stats["alerts"], stats["delivered"], stats["waiting"], stats["taken_over"])
handler.close()
"""


def run(program: str, *arguments: object) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=os.getcwd(), check=True, capture_output=True, text=True,
                          timeout=120).stdout.split("\n")  # fmt: skip


def counts(lines: list[str]) -> list[int]:
    """Alerts, delivered, waiting and taken over, as the parent saw them at its end."""
    return next([int(count) for count in line.split()[1:]] for line in lines if line.startswith("stats"))


def test_children_of_a_configured_parent(spool: Path):
    """A handler that was configured before the fork works in each child; the parent sends what hard-stopped children left."""
    with serving(status(200)) as server:
        lines = run(PREFORK, spool, server.url, 40)
        logged = {f"inc-{line}" for line in lines if line.isdigit()}

        assert len(logged) == 40
        assert {incident for incident, _ in server.incidents()} == logged
    alerts, delivered, left, taken_over = counts(lines)
    assert (alerts, left) == (delivered, 0)
    assert alerts == taken_over <= 40  # a child may have had time to deliver some itself


def test_forks_while_the_parent_sends(spool: Path):
    """Forking while the sender is at work loses and doubles nothing: no child keeps the parent's lock or connection."""
    with serving(status(200)) as server:
        lines = run(PREFORK, spool, server.url, 60, "busy")
        logged = {f"inc-{line}" for line in lines if line.isdigit()} | {"inc-9999"}
        keys = [request.headers["idempotency-key"] for request in server.accepted]

        assert len(logged) == 61
        assert {incident for incident, _ in server.incidents()} == logged
        assert len(set(keys)) == len(keys)


ORPHAN = """
import os, sys, warnings
warnings.simplefilter("ignore")
from seclog_handlers.handlers.alerts import AlertHandler
from tests.alerts.records import alert
from tests.alerts.servers import until
handler = AlertHandler((sys.argv[2],), sys.argv[1], 0.05, 0.05)
handler.handle(alert(1))
until(lambda: handler.stats()["sender"])
if os.fork():
    os.kill(os.getpid(), 9)  # the sender dies, a child that never logs lives on
os.read(0, 1)
os._exit(0)
"""


def test_a_child_does_not_keep_a_dead_parents_lock(spool: Path):
    """A child that outlives the sender does not hold its locks: another process takes over at once."""
    with serving(status(500)) as server:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", ORPHAN, str(spool), server.url]
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as parent:
            parent.wait(60)
            server.script[:] = [status(200)]
            lines = run(PREFORK, spool, server.url, 0)

        assert server.incidents() == [("inc-1", "firing")]
    assert counts(lines) == [1, 1, 0, 1]
