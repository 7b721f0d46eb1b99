"""`seclog demo`: one minute of a believable story through logging.ini.example, with its alerts."""

from __future__ import annotations

import argparse
import io
import json
import logging
import logging.config
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seclog_handlers.cli import COMMANDS, story
from seclog_handlers.cli.screen import Screen, plural

DEFAULT_SPEED = 60.0
EXAMPLE = "logging.ini.example"
_SEVERITY_STYLES = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow"}

_DESCRIPTION = """Play one minute of a story through logging.ini.example, as shipped: a normal morning, a
brute force, a spray, a break-in, an escalation, a flood. The log calls, the rules and their windows are real;
only the waiting between the calls is shortened. Nothing is sent, no file is written."""

Lines = Sequence[str]


def example_path() -> Path:
    """Return logging.ini.example: beside this file in an installed package, else of the source checkout."""
    here = Path(__file__).resolve()
    installed = here.with_name(EXAMPLE)
    return installed if installed.exists() else here.parents[2] / EXAMPLE


def register(subparsers: Any) -> None:
    """Add the parser of `seclog demo`."""
    parser = subparsers.add_parser(
        "demo",
        help=COMMANDS["demo"],
        description=_DESCRIPTION,
        epilog="exit status: 0 every expected alert appeared and no planted secret did, 1 otherwise",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the log's raw lines; the summary goes to stderr")
    parser.add_argument(
        "--speed", type=speed, default=DEFAULT_SPEED, metavar="N",
        help="how many times faster than life (default: %(default)g, the minute takes a second; 1 is live)",
    )  # fmt: skip


def speed(text: str) -> float:
    """Read how many times faster than life to play; argparse's error names this function."""
    times = float(text)
    if not 1 <= times < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 up")
    return times


@dataclass
class Played:
    """What the story made.

    Attributes:
        records: How many log calls were made.
        lines: Every line that was written.
        stderr: What was written to stderr meanwhile.
        notes: What the pack said when it was configured.
    """

    records: int = 0
    lines: list[str] = field(default_factory=list)
    stderr: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts, in their order."""
        return alerts_of(self.lines)

    @property
    def opened(self) -> Counter[str]:
        """How many incidents each rule has opened."""
        return Counter(str(alert.get("rule")) for alert in self.alerts if alert.get("incident_state") == "open")

    @property
    def missing(self) -> list[str]:
        """Rules that should have opened an incident, and have not."""
        return [rule for rule in story.EXPECTED if not self.opened[rule]]

    def leaked(self, planted: Sequence[str]) -> list[str]:
        """Return which of the planted texts can be read in what was written, as text or as parsed JSON.

        Whole words count: a random token that happens to contain the letters of a short name names nobody.
        """
        parsed = [repr(json.loads(line)) for line in self.lines]
        written = "\n".join([*self.lines, *parsed, self.stderr])
        return [text for text in planted if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", written)]


def run(options: argparse.Namespace) -> int:
    """Play the story, print it and return the exit status."""
    screen = Screen(sys.stderr if options.json else None)
    played = Played()
    if options.json:
        play(played, options.speed, lambda _: None, lambda _, lines: _print_raw(lines))
    else:
        screen.line("One minute of log calls through logging.ini.example", "bold")
        screen.line(f"The minute takes {story.LENGTH_S / options.speed:.1f} s (--speed 1 takes all of it).")
        play(played, options.speed, lambda chapter: _show_chapter(chapter, screen), _Teller(screen))
    show_summary(played, screen)
    return 0 if not played.missing and not played.leaked((*story.SECRETS, *story.IDENTITIES)) else 1


def play(
    played: Played,
    speed: float,
    begin: Callable[[story.Chapter], None],
    told: Callable[[story.Call, Lines], None],
) -> None:
    """Make every log call of the story at its time.

    Args:
        played: Receives what was written.
        speed: How many times faster than life.
        begin: Called when a chapter begins.
        told: Called after each log call with the lines that it made.
    """
    output, errors = io.StringIO(), io.StringIO()
    played.notes = _configure(output)
    start = time.monotonic()
    for chapter in story.CHAPTERS:
        begin(chapter)
        for call in chapter.calls:
            time.sleep(max(0.0, start + call.at / speed - time.monotonic()))
            with redirect_stderr(errors):
                logging.getLogger(call.logger).info(call.msg, *call.args, extra=call.extra)
            lines = _taken(output)
            played.records += 1
            played.lines += lines
            told(call, lines)
    played.stderr = errors.getvalue()


def _configure(output: io.StringIO) -> list[str]:
    """Load the example as it stands, its stdout being `output`; return what the pack says about it."""
    with warnings.catch_warnings(record=True) as said, redirect_stdout(output):
        warnings.simplefilter("always")
        logging.config.fileConfig(example_path(), disable_existing_loggers=False)
    return list(dict.fromkeys(str(each.message) for each in said))


def _taken(output: io.StringIO) -> list[str]:
    lines = output.getvalue().splitlines()
    output.seek(0)
    output.truncate()
    return lines


def alerts_of(lines: Lines) -> list[dict[str, Any]]:
    """Return the alerts among log lines."""
    events = [json.loads(line) for line in lines]
    return [event for event in events if event.get("event_type") == "security_alert"]


def unprotected(call: story.Call) -> str:
    """Return the line that python-json-logger's JsonFormatter, without this pack, writes of a log call."""
    from pythonjsonlogger.json import JsonFormatter  # noqa: PLC0415 - not needed to parse a command line

    record = logging.getLogger(call.logger).makeRecord(
        call.logger, logging.INFO, "shop.py", 1, call.msg, call.args, None, extra=call.extra,
    )  # fmt: skip
    return JsonFormatter("%(levelname)s %(name)s %(message)s").format(record)


class _Teller:
    """Prints what a log call made: the pair that is shown, and alerts as they open."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def __call__(self, call: story.Call, lines: Lines) -> None:
        if call is story.SHOWN:
            _show_pair(call, lines, self._screen)
        for alert in alerts_of(lines):
            if alert.get("incident_state") == "open":
                _show_alert(call, alert, self._screen)
        self._screen.flush()


def _show_chapter(chapter: story.Chapter, screen: Screen) -> None:
    screen.line()
    screen.line(f"{chapter.calls[0].at:5.1f} s  {chapter.title} ({plural(len(chapter.calls), 'log call')})", "bold")
    screen.flush()


def _show_pair(call: story.Call, lines: Lines, screen: Screen) -> None:
    arguments = "".join(f", {argument!r}" for argument in call.args)
    screen.block("call", f"logger.info({call.msg!r}{arguments}, extra={call.extra!r})")
    screen.block("without", unprotected(call), "red")
    for line in lines:
        screen.block("with", line, "green")


def _show_alert(call: story.Call, alert: dict[str, Any], screen: Screen) -> None:
    severity = str(alert.get("severity"))
    who = " ".join(f"{field}={value}" for field, value in (alert.get("group") or {}).items())
    attack = ",".join(alert.get("attack") or ()) or "-"
    screen.line(
        f"{call.at:5.1f} s  ALERT {severity:<8} {alert.get('rule')}: {alert.get('message')}",
        _SEVERITY_STYLES.get(severity, "bold"),
    )
    screen.line(f"         who {who}  count {alert.get('count')}  MITRE {attack}")


def show_summary(played: Played, screen: Screen) -> None:
    """Print the numbers, and whether a planted secret or name can be read anywhere."""
    screen.line()
    screen.line("Summary", "bold")
    screen.block("records", f"{played.records} log calls, {plural(len(played.lines), 'line')} written")
    states = Counter(str(alert.get("incident_state")) for alert in played.alerts)
    screen.block("alerts", ", ".join(f"{state} {count}" for state, count in states.items()) or "none")
    for rule, count in played.opened.items():
        screen.block("", f"{rule}: {plural(count, 'incident')}")
    for rule in played.missing:
        screen.block("missing", f"{rule} should have opened an incident", "bold red")
    _show_planted("secrets", story.SECRETS, played, screen)
    _show_planted("names", story.IDENTITIES, played, screen)
    for note in played.notes:
        screen.paragraph("note", note)


def _show_planted(label: str, planted: Sequence[str], played: Played, screen: Screen) -> None:
    leaked = played.leaked(planted)
    what = f"{len(planted)} planted, {len(leaked)} readable in the output"
    screen.block(label, what, "bold red" if leaked else "green")


def _print_raw(lines: Lines) -> None:
    for line in lines:
        print(line, flush=True)
