from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from seclog_handlers import cli
from tests.cli.command import ROOT, python, seclog

if TYPE_CHECKING:
    from pathlib import Path


def test_help_names_every_command_and_the_exit_statuses(tmp_path: Path) -> None:
    """`seclog --help` says what there is and what the exit statuses mean."""
    done = seclog("--help", cwd=tmp_path)

    assert done.returncode == 0
    said = " ".join(done.stdout.split())
    assert all(word in said for word in (*cli.COMMANDS, *cli.COMMANDS.values(), "exit status"))


def test_version_is_printed(tmp_path: Path) -> None:
    """`seclog --version` prints one line and stops."""
    done = seclog("--version", cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout.startswith("seclog ")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("check",),
        ("demo", "--speed", "0.5"),
        ("demo", "--speed", "x"),
        ("check", "x", "--timeout", "0"),
    ],
)
def test_wrong_usage_is_status_2(words: tuple[str, ...], tmp_path: Path) -> None:
    """Wrong usage says so on stderr and exits with 2, as argparse does everywhere."""
    done = seclog(*words, cwd=tmp_path)

    assert done.returncode == 2
    assert "usage: seclog" in done.stderr


def test_a_command_line_costs_no_heavy_import(tmp_path: Path) -> None:
    """Parsing imports argparse and the commands' own files: no engine, no logging.config, no rich."""
    program = (
        "import sys; from seclog_handlers.cli import _parser\n"
        "for command in ('', 'demo', 'check', 'init'): _parser(command)\n"
        "heavy = {'rich', 'asyncio', 'geoip2', 'pythonjsonlogger', 'seclog_handlers.filters'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = python("-c", program, cwd=tmp_path)

    assert done.stdout.strip() == "[]", done.stderr


def test_a_reader_that_leaves_is_no_traceback(tmp_path: Path) -> None:
    """`seclog init | head -0` ends quietly, as other programs do."""
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "seclog_handlers.cli", "init", str(tmp_path)],
        stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, text=True, timeout=150, check=False,
    )  # fmt: skip
    os.close(writer)

    assert done.returncode == cli.UNFINISHED
    assert done.stderr == ""


def test_an_interrupt_is_status_130(tmp_path: Path) -> None:
    """Ctrl-C ends a live demo without a traceback."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever ignores it has children who do
    try:
        running = subprocess.Popen(
            [sys.executable, "-m", "seclog_handlers.cli", "demo", "--speed", "1"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    assert running.stdout is not None
    for line in running.stdout:
        if "A normal morning" in line:
            break

    running.send_signal(signal.SIGINT)
    errors = running.communicate(timeout=150)[1]

    assert running.returncode == cli.INTERRUPTED
    assert errors == ""
