"""Disks that are full, files that cannot be written, and back again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.faults.support import conserved, run

# A limit on the file's size stands for a full disk: the kernel cuts the line that meets it, and refuses the next.
FULL = """
import resource

if "unwitnessed" in sys.argv:
    _failures.watch = lambda target, account: None
if "forgetful" in sys.argv:
    accounting._taken = lambda target, before: None
if "torn" in sys.argv:
    from seclog_handlers.handlers import files
    files._append = os.write
kind = {"FileHandler": logging.FileHandler, "SharedFileHandler": seclog_handlers.SharedFileHandler}[sys.argv[1]]
root = secured(shaped(kind("out.log")))
raised = []

def talk(name, count):
    for number in range(count):
        try:
            root.info("%s %d", name, number)
        except Exception as error:
            raised.append(repr(error))

talk("before", 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize("out.log") + 300, resource.RLIM_INFINITY))
talk("full", 150)
full = seclog_handlers.stats()["secure"]["targets"]["out"]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
talk("after", 20)
report(raised=raised, full=full)
os._exit(0)  # what is said at the end is another test's business
"""


@pytest.mark.parametrize("kind", ["FileHandler", "SharedFileHandler"])
def test_a_full_disk_and_back(tmp_path: Path, kind: str) -> None:
    """While a disk is full lines are dropped and counted; then all goes on, no line is torn, every sum comes out."""
    outcome = run(tmp_path, FULL, kind)

    messages = outcome.messages()
    assert outcome.report["raised"] == []
    assert conserved(outcome.report["full"])
    assert conserved(outcome.target)
    assert outcome.target["calls"] == 190
    assert outcome.target["written"] == len(messages)
    assert outcome.target["dropped"].keys() <= {"ENOSPC", "EFBIG"}
    assert [text for text in messages if not text.startswith("full")] == [
        *(f"before {number}" for number in range(20)), *(f"after {number}" for number in range(20)),
    ]  # fmt: skip
    assert outcome.stderr.count("\n") == 1
    assert "full 1" not in outcome.stderr


@pytest.mark.parametrize(
    ("kind", "saboteur"),
    [("FileHandler", "unwitnessed"), ("FileHandler", "forgetful"), ("SharedFileHandler", "torn")],
)
def test_the_full_disk_finds_saboteurs(tmp_path: Path, kind: str, saboteur: str) -> None:
    """Failures nobody witnesses, a buffer nobody knows of and lines that stay torn are what that test finds."""
    outcome = run(tmp_path, FULL, kind, saboteur)

    try:
        right = outcome.target["written"] == len(outcome.messages())
    except json.JSONDecodeError:
        right = False
    assert not right


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("kind", ["logging.FileHandler", "seclog_handlers.SharedFileHandler"])
def test_a_device_that_is_always_full(tmp_path: Path, kind: str) -> None:
    """/dev/full takes nothing, says so once on stderr without a word of the record, and stops no other target."""
    program = f"""
    other = shaped(logging.FileHandler("out.log"))
    full = shaped({kind}("/dev/full"))
    full.set_name("full")
    root = secured(other, [full])
    for number in range(300):
        root.info("secret line %d", number)
    report()
    """

    outcome = run(tmp_path, program)

    full = outcome.report["stats"]["secure"]["targets"]["full"]
    assert outcome.status == 0
    assert (full["calls"], full["written"]) == (300, 0)
    assert conserved(full)
    assert outcome.target == {"calls": 300, "written": 300, "pending": 0, "dropped": {}}
    assert len(outcome.messages()) == 300
    assert "ENOSPC" in outcome.stderr or "No space" in outcome.stderr
    assert "secret line" not in outcome.stderr


def test_what_was_lost_is_said_when_the_program_ends(tmp_path: Path) -> None:
    """The summary record of the losses reaches the targets that still work."""
    program = """
    full = shaped(seclog_handlers.SharedFileHandler("/dev/full"))
    full.set_name("full")
    root = secured(shaped(logging.FileHandler("out.log")), [full])
    for number in range(3):
        root.info("line %d", number)
    """

    outcome = run(tmp_path, program)

    summary = outcome.lines()[-1]
    assert (summary["logger"], summary["event_type"], summary["level"]) == ("seclog", "seclog_losses", "ERROR")
    assert summary["handlers"]["secure"]["targets"]["full"]["dropped"] == {"ENOSPC": 3}


@pytest.mark.parametrize("kind", ["logging.handlers.WatchedFileHandler", "seclog_handlers.SharedFileHandler"])
def test_a_folder_that_vanishes_and_comes_back(tmp_path: Path, kind: str) -> None:
    """Without its folder a file cannot be opened: counted, nothing raised; when the folder is back, lines are too."""
    program = f"""
    import logging.handlers, shutil
    os.mkdir("logs")
    root = secured(shaped({kind}("logs/out.log")))
    root.info("before")
    shutil.rmtree("logs")
    for _ in range(5):
        root.info("gone")
    os.mkdir("logs")
    root.info("after")
    root.info("after")
    report()
    os._exit(0)
    """

    outcome = run(tmp_path, program)

    assert outcome.status == 0
    assert conserved(outcome.target)
    assert outcome.target["dropped"]["ENOENT"] == 5
    assert outcome.messages("logs/out.log")[-1] == "after"
    assert outcome.target["written"] == 1 + len(outcome.messages("logs/out.log"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written_stops_the_start(tmp_path: Path) -> None:
    """A read-only file is an error when the configuration is loaded, not later."""
    (tmp_path / "out.log").touch(0o400)

    outcome = run(tmp_path, 'seclog_handlers.SharedFileHandler("out.log")')

    assert "may not write" in outcome.stderr
