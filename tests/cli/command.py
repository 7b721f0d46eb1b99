"""The real command, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def seclog(*words: str, cwd: Path, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `seclog WORDS` from `cwd` as a user would."""
    return python("-m", "seclog_handlers.cli", *words, cwd=cwd, stdin=stdin, **environment)


def python(*words: str, cwd: Path, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in {"SECLOG_MODE", "PYTHONWARNINGS"}}
    path = os.pathsep.join(part for part in (str(ROOT), environment.pop("PYTHONPATH", "")) if part)
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**plain, "PYTHONPATH": path, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def checked(file: str, *words: str, cwd: Path, **environment: str) -> dict[str, Any]:
    """Return the JSON report of `seclog check FILE`."""
    done = seclog("check", file, "--json", "--timeout", "120", *words, cwd=cwd, **environment)
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["status"] == done.returncode, done.stderr
    return report


def codes(report: dict[str, Any], kind: str = "finding") -> set[str]:
    return {finding["code"] for finding in report["findings"] if finding["kind"] == kind}
