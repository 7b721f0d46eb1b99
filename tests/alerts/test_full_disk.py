"""A disk that is really full: what waits, what arrives and what is given up are always all there is."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.handlers.alerts import AlertHandler, journal, ledger
from seclog_handlers.handlers.alerts.report import dead_letters
from seclog_handlers.handlers.alerts.spool import DEAD_LETTERS, write_all
from tests.alerts.conftest import stopped
from tests.alerts.records import alert
from tests.alerts.servers import Server, serving, status, until

Make = Callable[..., AlertHandler]
SIZE = 2_048  # kB
BEFORE, FULL, AFTER = 8, 24, 4  # alerts


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 512):
                pass
        except OSError:
            return filler


def letters(disk: Path) -> list[str]:
    return [letter["alert"]["incident_id"] for path in disk.rglob(DEAD_LETTERS) for letter in dead_letters(path.parent)]


def conserved(alerts: AlertHandler) -> bool:
    stats = alerts.stats()
    return bool(stats["alerts"] == stats["delivered"] + stats["waiting"] + stats["dead_lettered"]
                and stats["failed"] == 0)  # fmt: skip


def live_through(alerts: AlertHandler, server: Server, disk: Path, *, recovers: bool) -> list[bool]:
    """Alerts that a channel refuses, before, while and after the disk is full; return whether the sums came out."""
    sums = []
    alerts.handle(alert(0))
    until(lambda: server.requests)
    for number in range(1, BEFORE):
        alerts.handle(alert(number, samples=["x" * 200]))
    filler = fill(disk)
    for number in range(BEFORE, BEFORE + FULL):
        alerts.handle(alert(number, samples=["x" * 200]))
        sums.append(conserved(alerts))
    asked = len(server.requests)
    until(
        lambda: sum(len(request.json()["alerts"]) == 1 for request in server.requests[asked:]) > 5
    )  # a page may have room for four
    sums.append(conserved(alerts))
    if recovers:
        server.script.append(status(200))
        with server.lock:
            server.script[:-1] = []
    filler.unlink()
    for number in range(BEFORE + FULL, BEFORE + FULL + AFTER):
        alerts.handle(alert(number))
        sums.append(conserved(alerts))
    until(lambda: not alerts.stats()["waiting"], 120)
    return [*sums, conserved(alerts)]


def outcome(make: Make, disk: Path, *, recovers: bool) -> dict[str, Any]:
    with serving(status(400)) as server:
        alerts = make(server.url, spool=disk / "spool", group_interval=0.05, per_minute=100_000)
        sums = live_through(alerts, server, disk, recovers=recovers)
        stats, told = alerts.stats(), {name for name, _ in server.incidents()}
        kept = alerts._sequence
        stopped(alerts)
    return {"sums": sums, "told": told, "letters": letters(disk), "in_memory": kept, **stats}


def is_right(found: dict[str, Any]) -> bool:
    """Whether every alert is accounted for, each either delivered or given up, and the counts say so."""
    every = {f"inc-{number}" for number in range(BEFORE + FULL + AFTER)}
    return (
        all(found["sums"])
        and found["alerts"] == len(every)
        and found["waiting"] == 0
        and found["dead_lettered"] == len(found["letters"]) == len(set(found["letters"]))
        and found["delivered"] == len(found["told"])
        and found["told"] | set(found["letters"]) == every
        and not found["told"] & set(found["letters"])
    )


@pytest.mark.filterwarnings("ignore::seclog_handlers.errors.SecurityLogWarning")
@pytest.mark.parametrize("recovers", [False, True])
def test_dead_letters_on_a_full_disk(recovers: bool, handler: Make, disk: Path):
    """What a full disk does not take waits: no alert is lost, none is both delivered and given up, all sums come out."""
    found = outcome(handler, disk, recovers=recovers)

    assert is_right(found), found
    assert bool(found["told"]) is recovers
    assert found["in_memory"] > 0


def glue(descriptor: int, data: bytes) -> None:
    """The saboteur: half of a line stays."""
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, "full")


@pytest.mark.parametrize(("write", "left"), [(write_all, 100), (glue, 4_096)], ids=["ours", "saboteur"])
def test_a_write_is_whole_or_undone(write: Callable[[int, bytes], None], left: int, disk: Path):
    """Of what a full disk has no room for nothing stays, so that the next line begins where this one did."""
    descriptor = os.open(disk / "lines", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b"x" * 100)  # the rest of its page is there for it
    fill(disk)

    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC) + "|full"):
        write(descriptor, b"y" * 8_000)
    size = os.fstat(descriptor).st_size
    os.close(descriptor)

    assert size == left


def forget(folder: Path, entries: list[dict[str, Any]]) -> None:
    with contextlib.suppress(OSError):
        journal.bury(folder, entries)


@pytest.mark.filterwarnings("ignore::seclog_handlers.errors.SecurityLogWarning")
def test_the_full_disk_finds_a_saboteur(handler: Make, disk: Path, monkeypatch: pytest.MonkeyPatch):
    """Letters that are counted before they are written are what that test finds."""
    monkeypatch.setattr(ledger, "bury", forget)

    assert not is_right(outcome(handler, disk, recovers=False))
