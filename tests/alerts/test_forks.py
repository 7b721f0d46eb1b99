"""Forked processes: each has its own file, one sender serves them all, and nothing of the parent's is disturbed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.alerts.servers import serving, status, until

PREFORK = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
from seclog_handlers.handlers.alerts import AlertHandler
from tests.alerts.records import alert
spool, url, children = sys.argv[1], sys.argv[2], int(sys.argv[3])
handler = AlertHandler((url,), spool, 0.05, 0.05, drain_timeout=0.5, per_minute=100_000)
if len(sys.argv) > 4:
    handler.handle(alert(9_999))  # the parent's sender runs, and its thread is busy while it forks
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
time.sleep(1.5)
stats = handler.stats()
print("stats", stats["alerts"], stats["delivered"], stats["waiting"], stats["taken_over"])
handler.close()
"""


def run(program: str, *arguments: object) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=os.getcwd(), check=True, capture_output=True, text=True,
                          timeout=150).stdout.split("\n")  # fmt: skip


def test_children_of_a_configured_parent(spool: Path):
    """A handler that was configured before the fork works in each child; the parent sends what hard-stopped children left."""
    with serving(status(200)) as server:
        lines = run(PREFORK, spool, server.url, 40)
        logged = {f"inc-{line}" for line in lines if line.isdigit()}

        assert len(logged) == 40
        assert {incident for incident, _ in server.incidents()} == logged
    assert "stats 40 40 0 40" in lines


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
import os, sys, time, warnings
warnings.simplefilter("ignore")
from seclog_handlers.handlers.alerts import AlertHandler
from tests.alerts.records import alert
handler = AlertHandler((sys.argv[2],), sys.argv[1], 0.05, 0.05)
handler.handle(alert(1))
time.sleep(0.3)
if os.fork():
    os.kill(os.getpid(), 9)  # the sender dies, a child that never logs lives on
os.close(1)
time.sleep(3)
os._exit(0)
"""


def test_a_child_does_not_keep_a_dead_parents_lock(spool: Path):
    """A child that outlives the sender does not hold its locks: another process takes over at once."""
    with serving(status(500)) as server:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run(
            [sys.executable, "-c", ORPHAN, str(spool), server.url], env=environment, check=False, timeout=120
        )
        server.script[:] = [_accepting(server)]
        lines = run(PREFORK, spool, server.url, 0)

        assert until(lambda: ("inc-1", "firing") in server.incidents())
    assert "stats 1 1 0 1" in lines


def _accepting(server: object) -> object:
    from tests.alerts.servers import counted

    answer = counted(status(200))
    answer.server = server
    return answer
