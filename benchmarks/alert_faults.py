"""Alerts under faults, the long form: what a log call costs with a dead channel, SIGKILLs, forks, a storm.

    python benchmarks/alert_faults.py latency [--calls 20000]
    python benchmarks/alert_faults.py kills [--kills 200]
    python benchmarks/alert_faults.py forks [--forks 1000]
    python benchmarks/alert_faults.py storm [--events 10000] [--seconds 60]

Every server is on loopback. `latency` prints a floor beside each figure: the same content written with the same
system call, without the handler, measured in turns with it, since other work on the machine shows in both.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from seclog_handlers.handlers.alerts import AlertHandler  # noqa: E402 - the checkout, not an installed package
from seclog_handlers.handlers.alerts.content import alert_of, encoded  # noqa: E402
from seclog_handlers.handlers.alerts.tools import spool_report  # noqa: E402
from tests.alerts.records import alert  # noqa: E402
from tests.alerts.servers import black_hole, closed_port, serving, silence, status, until  # noqa: E402

if TYPE_CHECKING:
    import logging

_TURN = 500  # calls before the other contender has its turn


def percentiles(times: list[float]) -> str:
    ordered = sorted(times)
    shown = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e6 for share in (0.5, 0.9, 0.99, 0.999)]
    return "p50 {:6.1f}  p90 {:6.1f}  p99 {:7.1f}  p99.9 {:8.1f} us".format(*shown)


def timed(call: Any, records: list[logging.LogRecord], pause: float) -> list[float]:
    times = []
    for record in records:
        began = time.perf_counter()
        call(record)
        times.append(time.perf_counter() - began)
        if pause:
            time.sleep(pause)
    return times


def latency(calls: int) -> None:
    """Time log calls while a channel is refused, black-holed, slow or well."""
    for pause in (0.0, 0.001):
        for name in ("refused", "black hole", "silent for 30 s", "well"):
            count = calls if not pause else calls // 4
            with (tempfile.TemporaryDirectory() as folder, black_hole() as hole, serving(silence) as slow,
                  serving() as well):  # fmt: skip
                url = {"refused": f"http://127.0.0.1:{closed_port()}/", "black hole": f"http://127.0.0.1:{hole}/",
                       "silent for 30 s": slow.url, "well": well.url}[name]  # fmt: skip
                handler = AlertHandler([{"url": url, "timeout": 30}], folder, 0, 1, drain_timeout=0.1)
                _print_latency(name, handler, Path(folder) / "floor", count, pause)
                handler.close()


def _print_latency(name: str, handler: AlertHandler, path: Path, count: int, pause: float) -> None:
    floor, ours = [], []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for turn in range(0, count, _TURN):
        records = [alert(number % 500, "open" if number < 500 else "update", count=number)
                   for number in range(turn, turn + _TURN)]  # fmt: skip
        floor += timed(lambda record: os.write(descriptor, encoded(alert_of(record, "h"))), records, pause)
        ours += timed(handler.handle, records, pause)
    os.close(descriptor)
    print(f"{name:16} every {pause * 1000:g} ms   {percentiles(ours)}")
    print(f"{'  floor':16}                {percentiles(floor)}", flush=True)


def victim(spool: str, url: str, first: int, count: int, pause: float, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.alerts.victim", spool, url, str(first), str(count), str(pause), *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)


def returned(process: subprocess.Popen[bytes]) -> set[str]:
    output, _ = process.communicate(timeout=120)
    return {f"inc-{line}" for line in output.decode().split("\n") if line.isdigit()}


def kills(count: int) -> None:
    """Kill processes at random moments while a channel fails 40 % of its requests.

    The seed is one without a long run of failures: each doubles the wait, and the last alerts would take minutes.
    """
    generator = random.Random(3)
    script = [status(200) if generator.random() > 0.4 else status(500) for _ in range(100_000)]
    logged: set[str] = set()
    with tempfile.TemporaryDirectory() as folder, serving(*script) as server:
        for number in range(count):
            process = victim(folder, server.url, 1_000 * number, 900, 0.02)
            process.stdout.readline()
            time.sleep(generator.uniform(0, 0.5))
            process.kill()
            logged |= returned(process)
        victim(folder, server.url, 0, 0, 0, "--deliver").communicate()
        waiting = {entry["incident_id"] for report in spool_report(folder) for _, entry in report.waiting}
        arrived = {incident for incident, _ in server.incidents()}
        keys = Counter(request.headers["idempotency-key"] for request in server.accepted)
    repeats = sum(times - 1 for times in keys.values())
    print(f"{count} SIGKILLs: {len(logged)} alerts logged, {len(logged & arrived)} arrived, {len(waiting - arrived)} wait, "
          f"{len(logged - arrived - waiting)} lost; {len(keys)} notifications, {repeats} repeated (at most one a crash, with the same key)")  # fmt: skip


def forks(count: int) -> None:
    """Fork from a process whose sender is at work; every second child is stopped hard, the others end properly."""
    with tempfile.TemporaryDirectory() as folder, serving() as server:
        handler = AlertHandler([server.url], folder, 0.05, 0.05, drain_timeout=1, per_minute=1_000_000)
        handler.handle(alert(10_000_000))
        began = time.monotonic()
        for number in range(count):
            pid = os.fork()
            if not pid:
                handler.handle(alert(number))
                if number % 2:
                    handler.close()
                os._exit(0)
            if number % 10 == 0:
                handler.handle(alert(20_000_000 + number))
            os.waitpid(pid, 0)
        expected = {f"inc-{number}" for number in range(count)}
        until(lambda: expected <= {incident for incident, _ in server.incidents()}, 30)
        arrived = {incident for incident, _ in server.incidents()}
        keys = Counter(request.headers["idempotency-key"] for request in server.accepted)
        until(lambda: not handler.stats()["waiting"], 10)
        stats = handler.stats()
        handler.close()
        left = list(Path(folder).glob("*/*.alerts"))
    repeats = sum(times - 1 for times in keys.values())
    print(f"{count} forks in {time.monotonic() - began:.0f} s: {len(expected - arrived)} lost, {repeats} repeated, "
          f"{len(left)} files left, {stats['alerts']} = {stats['delivered']} + {stats['waiting']} + "
          f"{stats['dead_lettered']}")  # fmt: skip


def storm(events: int, seconds: float) -> None:
    """One attack of many events in real time: how many notifications, and when is the first?"""
    with tempfile.TemporaryDirectory() as folder, serving() as server:
        handler = AlertHandler([server.url], folder, drain_timeout=1)
        began, told = time.monotonic(), 5
        handler.handle(alert(1))
        for event in range(events):
            time.sleep(seconds / events)
            if event >= 2 * told:
                told = event
                handler.handle(alert(1, "update", count=event))
            if server.accepted and event and not server.released.is_set():
                server.released.set()
                print(f"opening alert after {time.monotonic() - began:.1f} s (group_wait is 30)")
        handler.handle(alert(1, "resolve", count=events))
        handler.close()
        statuses = [one.json()["status"] for one in server.accepted]
    print(f"{events} events in {seconds:g} s: notifications {statuses}")


def main() -> None:
    """Run one of the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["latency", "kills", "forks", "storm"])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--forks", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    runs = {
        "latency": lambda: latency(options.calls),
        "kills": lambda: kills(options.kills),
        "forks": lambda: forks(options.forks),
        "storm": lambda: storm(options.events, options.seconds),
    }
    runs[options.what]()


if __name__ == "__main__":
    main()
