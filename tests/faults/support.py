"""What the fault tests share: a program of its own for each fault, and the sums that must come out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# What every program starts with. `secured(target, ...)` is a logger behind a SecurityHandler.
PRELUDE = """
import json, logging, os, sys, threading, time, warnings
warnings.simplefilter("ignore")
import seclog_handlers
from seclog_handlers.handlers import _failures, accounting

POLICY = {"pseudonyms.keys": ["k1:0123456789abcdef0123456789abcdef"], "geoip": "off", "service": "faults"}

def shaped(handler):
    handler.setFormatter(seclog_handlers.JsonFormatter())
    return handler

def secured(target, targets=(), **policy):
    handler = seclog_handlers.SecurityHandler(target=target, targets=targets, policy={**POLICY, **policy})
    handler.set_name("secure")
    target.set_name("out")
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    return root

def report(**more):
    with open("report.json", "w") as file:
        json.dump({"stats": seclog_handlers.stats(), **more}, file)
"""


class Outcome:
    """A program that has ended: its streams, its report, and the lines of out.log."""

    def __init__(self, folder: Path, status: int, stdout: str, stderr: str) -> None:
        self.folder, self.status, self.stdout, self.stderr = folder, status, stdout, stderr
        path = folder / "report.json"
        self.report: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    @property
    def target(self) -> dict[str, Any]:
        account: dict[str, Any] = self.report["stats"]["secure"]["targets"]["out"]
        return account

    def lines(self, name: str = "out.log") -> list[dict[str, Any]]:
        """Return the parsed lines; a torn one is an error."""
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def messages(self, name: str = "out.log") -> list[str]:
        """Return what the application logged, without the pack's own records."""
        return [line["message"] for line in self.lines(name) if line["logger"] != "seclog"]


def conserved(account: dict[str, Any]) -> bool:
    """Whether calls = written + pending + dropped by reason, with no number below zero."""
    dropped = account["dropped"].values()
    numbers = [account["written"], account["pending"], *dropped]
    return account["calls"] == sum(numbers) and min(numbers) >= 0


def run(folder: Path, program: str, *arguments: str, timeout: float = 150, **options: Any) -> Outcome:
    """Run a program in a folder of its own, after PRELUDE."""
    path = folder / "program.py"
    path.write_text(PRELUDE + textwrap.dedent(program))
    options.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run(
        [sys.executable, str(path), *arguments],
        stderr=subprocess.PIPE, text=True, cwd=folder, timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, **options,
    )  # fmt: skip
    return Outcome(folder, done.returncode, done.stdout or "", done.stderr)
