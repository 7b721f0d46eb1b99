"""`seclog check FILE`: what a logging configuration does silently wrong, and what it writes."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seclog_handlers.cli import COMMANDS
from seclog_handlers.cli.check_findings import FINDING, Finding, found
from seclog_handlers.cli.screen import Screen, plural

CLEAN, FINDINGS, CANNOT_LOAD = 0, 1, 2
SERVERS = ("gunicorn", "uvicorn", "django", "plain")
DEFAULT_TIMEOUT_S = 30.0
STDERR_SHOWN = 2000
TOLD = "seclog_handlers: "  # how errors.tell_stderr begins a line

_DESCRIPTION = """Load a logging configuration in a process of its own and say what is silently wrong with it:
keys that are ignored, handlers that still write raw records, loggers that are not covered or are counted
twice, missing keys, state that workers do not share. Ten trap records show what it writes; nobody is alerted
and no log file is touched.

The file is code: an INI file's args and kwargs, a dictConfig's factories and a module are run. Check only
files that you would start your program with, from the folder that you start it in."""


@dataclass
class Report:
    """What a check found.

    Attributes:
        file: The configuration, as given.
        server: The value of --server.
        findings: Findings and advice.
        handlers: Each handler that writes: {"handler", "raw", "loggers"}.
        traps: Each trap record: {"title", "logger", "before", "after", "leaked_by", "forged_by"}.
        error: Why the configuration cannot be loaded, or None.
    """

    file: str
    server: str | None
    findings: list[Finding] = field(default_factory=list)
    handlers: list[dict[str, Any]] = field(default_factory=list)
    traps: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None

    @property
    def status(self) -> int:
        """The exit status: 0 clean, 1 findings, 2 cannot load."""
        if self.error is not None:
            return CANNOT_LOAD
        return FINDINGS if self.of_kind(FINDING) else CLEAN

    def of_kind(self, kind: str) -> list[Finding]:
        """Return the findings, or the advice."""
        return [finding for finding in self.findings if finding.kind == kind]


def register(subparsers: Any) -> None:
    """Add the parser of `seclog check`."""
    parser = subparsers.add_parser(
        "check",
        help=COMMANDS["check"],
        description=_DESCRIPTION,
        epilog="exit status: 0 clean (advice alone is clean), 1 findings, 2 the file cannot be loaded",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", help="an INI, JSON, TOML or YAML file, or module:DICT")
    parser.add_argument("--server", choices=SERVERS, help="what the program runs behind")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=DEFAULT_TIMEOUT_S,
        metavar="S",
        help="seconds to load it (default: %(default)g)",
    )


def seconds(text: str) -> float:
    """Read a time limit; argparse's error names this function."""
    limit = float(text)
    if not 0 < limit < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return limit


def run(options: argparse.Namespace) -> int:
    """Check a configuration, print the report and return the exit status."""
    report = check(options.file, options.server, options.timeout)
    if options.json:
        print(json.dumps({**asdict(report), "status": report.status}, indent=2))
    else:
        show(report, Screen())
    return report.status


def check(file: str, server: str | None = None, timeout: float = DEFAULT_TIMEOUT_S) -> Report:
    """Check a configuration in a process of its own.

    Args:
        file: A path, or module:DICT.
        server: One of SERVERS; 'plain' is one process. None knows nothing about it.
        timeout: Seconds after which the process is ended.
    """
    report = Report(file, server)
    with tempfile.TemporaryDirectory(prefix="seclog-check-") as folder:
        output = Path(folder, "report")
        status, said = _run_child(file, server, timeout, output)
        for line in output.read_text(encoding="utf-8").splitlines() if output.exists() else ():
            _add(report, json.loads(line))
    report.error = report.error or _failure(file, status, said, timeout)
    report.findings += _told(said)
    return report


def _run_child(file: str, server: str | None, timeout: float, output: Path) -> tuple[int | None, str]:
    """Run the child; return its exit status, None if it had to be ended, and what it wrote to stderr."""
    command = [sys.executable, "-m", "seclog_handlers.cli.check_child", file, str(output)]
    command += ["--server", server] if server else []
    child = subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said = child.communicate(timeout=timeout)[1]
        return child.returncode, said.decode("utf-8", "replace").strip()
    except subprocess.TimeoutExpired:
        return None, _end(child)
    except BaseException:
        _end(child)
        raise


def _failure(file: str, status: int | None, said: str, timeout: float) -> str | None:
    if status is None:
        return f"{file!r} was not loaded within {timeout:g} s: something in it waits. Its process was ended."
    if status:
        text = said[-STDERR_SHOWN:] or "nothing"
        return f"The process that loaded {file!r} ended with status {status}. It said: {text}"
    return None


def _told(said: str) -> list[Finding]:
    """Return what the pack itself wrote to stderr; the rest is whatever the configuration's code prints."""
    lines = dict.fromkeys(line for line in said.splitlines() if line.startswith(TOLD))
    return [found("said-at-start", "stderr", line.removeprefix(TOLD)) for line in lines]


def _end(child: subprocess.Popen[bytes]) -> str:
    """End the child and what it started; return what it wrote to stderr."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has just ended
    return child.communicate()[1].decode("utf-8", "replace").strip()


def _add(report: Report, part: dict[str, Any]) -> None:
    report.findings += [Finding(**finding) for finding in part.get("findings", ())]
    report.handlers += part.get("handlers", ())
    report.traps += part.get("traps", ())
    report.error = part.get("error", report.error)


def show(report: Report, screen: Screen) -> None:
    """Print a report for a person."""
    findings = report.of_kind(FINDING)
    advice = [finding for finding in report.findings if finding.kind != FINDING]
    _show_findings("Findings", findings, "bold red", screen)
    _show_findings("Advice", advice, "bold yellow", screen)
    _show_handlers(report, screen)
    _show_traps(report, screen)
    if report.error is not None:
        screen.line("Cannot load", "bold red")
        screen.paragraph("reason", report.error)
        screen.line()
    screen.line(_summary(report, findings, advice), "bold")


def _summary(report: Report, findings: list[Finding], advice: list[Finding]) -> str:
    counts = f"{plural(len(findings), 'finding')}, {len(advice)} of advice"
    end = {CLEAN: "clean", FINDINGS: "findings", CANNOT_LOAD: "cannot be loaded"}[report.status]
    return f"{report.file}: {end} ({counts}). Exit status {report.status}."


def _show_findings(title: str, findings: list[Finding], style: str, screen: Screen) -> None:
    if not findings:
        return
    screen.line(title, "bold")
    for number, finding in enumerate(findings, 1):
        screen.line(f"{number}. {finding.code}: {finding.where}", style)
        screen.paragraph("what", finding.what)
        screen.paragraph("why", finding.why)
        screen.paragraph("way out", finding.way_out)
    screen.line()


def _show_handlers(report: Report, screen: Screen) -> None:
    if not report.handlers:
        return
    screen.line("Handlers that write records", "bold")
    for row in report.handlers:
        state, style = ("RAW      ", "red") if row["raw"] else ("protected", "green")
        screen.line(f"   {state} {row['handler']}: {', '.join(row['loggers'])}", style)
    screen.line()


def _show_traps(report: Report, screen: Screen) -> None:
    if not report.traps:
        return
    screen.line("Trap records", "bold")
    for number, trap in enumerate(report.traps, 1):
        screen.line(f"{number}. {trap['title']} ({trap['logger']})", "bold")
        screen.block("before", trap["before"])
        for after in trap["after"]:
            style = "red" if after["handler"] in (*trap["leaked_by"], *trap["forged_by"]) else "green"
            screen.block("after", f"{after['handler']}:", style)
            screen.block("", after["line"], style)
        if not trap["after"]:
            screen.block("after", "nothing is written", "yellow")
    screen.line()
