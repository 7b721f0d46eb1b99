"""Streams that are closed, broken or absent.

Each of these fails when `_failures.watch` and `Account.settle` do nothing: then what a target swallows counts as written.
"""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path

import pytest

from tests.faults.support import conserved, run


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        ("sys.stdout.close()", "ValueError"),
        ("os.close(1)", "EBADF"),
        ("out.stream = None", "AttributeError"),
    ],
)
def test_a_closed_stdout(tmp_path: Path, breaks: str, reason: str) -> None:
    """A stream that is closed raises nothing, drops what it cannot write, counted, and stops no other target."""
    program = f"""
    out = shaped(logging.StreamHandler(sys.stdout))
    other = shaped(logging.FileHandler("other.log"))
    root = secured(out, [other])
    root.info("before")
    {breaks}
    for number in range(10):
        root.info("password=%s", "hunter2-Hunter2")
    report()
    os._exit(0)
    """

    outcome = run(tmp_path, program)

    assert outcome.status == 0
    assert conserved(outcome.target)
    assert (outcome.target["calls"], outcome.target["written"]) == (11, 1)
    assert outcome.target["dropped"] == {reason: 10}
    assert len(outcome.messages("other.log")) == 11
    assert "hunter2" not in outcome.stderr


def test_a_reader_that_has_gone(tmp_path: Path) -> None:
    """A pipe that nobody reads any more is counted as EPIPE."""
    program = """
    root = secured(shaped(logging.StreamHandler(sys.stdout)))
    sys.stdin.readline()
    for number in range(10):
        root.info("line %d", number)
    report()
    os._exit(0)
    """
    reading, writing = os.pipe()
    os.close(reading)

    outcome = run(tmp_path, program, stdout=writing, stdin=subprocess.DEVNULL)
    os.close(writing)

    assert (outcome.status, outcome.target["dropped"]) == (0, {"EPIPE": 10})
    assert conserved(outcome.target)


def test_no_standard_streams_at_all(tmp_path: Path) -> None:
    """A daemon without stdout and stderr logs to its file as ever."""
    program = """
    sys.stdout = sys.stderr = None
    out = shaped(logging.FileHandler("out.log"))
    broken = shaped(logging.StreamHandler())
    root = secured(out, [broken])
    for number in range(10):
        root.info("line %d", number)
    report()
    """

    outcome = run(tmp_path, program)

    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.target == {"calls": 10, "written": 10, "pending": 0, "dropped": {}}
    assert outcome.report["stats"]["secure"]["targets"]["StreamHandler"]["dropped"] == {"AttributeError": 10}


def test_a_file_in_mode_w_that_was_closed(tmp_path: Path) -> None:
    """A stock file in mode `w` drops in silence what comes after its end: that is counted too."""
    program = """
    out = shaped(logging.FileHandler("out.log", mode="w"))
    root = secured(out)
    root.info("before")
    out.close()
    root.info("after")
    report()
    os._exit(0)
    """

    outcome = run(tmp_path, program)

    assert outcome.messages() == ["before"]
    assert outcome.target == {"calls": 2, "written": 1, "pending": 0, "dropped": {"closed": 1}}


def test_a_socket_that_nobody_listens_to(tmp_path: Path) -> None:
    """A SocketHandler drops in silence what it cannot send: that is counted too."""
    program = """
    import logging.handlers, socket
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = secured(logging.handlers.SocketHandler("127.0.0.1", port))
    for number in range(10):
        root.info("line %d", number)
    report()
    os._exit(0)
    """

    outcome = run(tmp_path, program)

    assert outcome.target["dropped"] == {"not_connected": 10}
    assert conserved(outcome.target)


def test_a_queue_that_is_full(tmp_path: Path) -> None:
    """What waits in a queue is pending; what does not fit is dropped; the rest arrives."""
    program = """
    import logging.handlers, queue
    waiting = queue.Queue(5)
    root = secured(logging.handlers.QueueHandler(waiting))
    for number in range(8):
        root.info("line %d", number)
    before = seclog_handlers.stats()["secure"]["targets"]["out"]
    listener = logging.handlers.QueueListener(waiting, shaped(logging.FileHandler("out.log")))
    listener.start()
    listener.stop()
    report(before=before)
    os._exit(0)
    """

    outcome = run(tmp_path, program)

    assert outcome.report["before"] == {"calls": 8, "written": 0, "pending": 5, "dropped": {"Full": 3}}
    assert outcome.target == {"calls": 8, "written": 5, "pending": 0, "dropped": {"Full": 3}}
    assert len((tmp_path / "out.log").read_text().splitlines()) == 5


def test_a_buffer_in_front_of_a_broken_file(tmp_path: Path) -> None:
    """A stock MemoryHandler's records are pending until it is full; what its target then fails on is counted."""
    program = """
    import logging.handlers
    full = shaped(seclog_handlers.SharedFileHandler("/dev/full"))
    root = secured(logging.handlers.MemoryHandler(4, target=full))
    for number in range(6):
        root.info("secret %d", number)
    report()
    os._exit(0)
    """

    outcome = run(tmp_path, program)

    assert outcome.target == {"calls": 6, "written": 0, "pending": 2, "dropped": {"ENOSPC": 4}}
    assert "secret" not in outcome.stderr


def test_the_patch_goes_with_the_handler() -> None:
    """Closing the handler gives its targets their own handleError back, also one that they had been given."""
    import seclog_handlers as pack
    from tests.support import Lines, record

    given = logging.StreamHandler()
    given.handleError = own = lambda record: None  # type: ignore[method-assign]
    plain = Lines()
    handler = pack.SecurityHandler(target=plain, targets=[given], policy={"geoip": "off"})
    handler.handle(record())
    patched = ["handleError" in vars(target) for target in (plain, given)]

    handler.close()

    assert patched == [True, True]
    assert "handleError" not in vars(plain)
    assert given.handleError is own
