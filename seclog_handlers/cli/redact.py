"""`seclog redact`: existing log files in, clean ones out."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seclog_handlers.cli import COMMANDS, keys
from seclog_handlers.cli.screen import Screen, plural
from seclog_handlers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seclog_handlers.cli.redact_jobs import Job, Outcome
    from seclog_handlers.cli.redact_lines import LineRedactor, Tally
    from seclog_handlers.cli.redact_progress import Progress

CLEAN, FOUND, UNUSABLE = 0, 1, 2
STDOUT = "-"

_DESCRIPTION = """Read log files (text, JSON lines or both, plain or gzip) and write them without secrets, with
the tokens that live logging writes where the policy has keys. An input is never changed.

  seclog redact app.log.1 app.log.2.gz -o clean/ --config logging.ini -j 4
  kubectl logs deploy/shop | seclog redact > clean.log
  seclog redact --check fixtures/*.log"""

_STATUS = """exit status:
  0  done; with --check: nothing would be redacted
  1  with --check: something would be redacted
  2  wrong usage, a refused output, or a file that could not be read or written; the others are done"""


def register(subparsers: Any) -> None:
    """Add the parser of `seclog redact`."""
    parser = subparsers.add_parser(
        "redact", help=COMMANDS["redact"], description=_DESCRIPTION, epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("files", nargs="*", metavar="FILE", help="what to read; '-', or no file: standard input")
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=None,
        help="folder for the clean files, which keep their names; '-', the default, is standard output",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace files in DIR (never an input)")
    parser.add_argument("--check", action="store_true", help="write nothing, say which lines would be redacted")
    parser.add_argument("-j", "--jobs", type=_count, default=1, metavar="N", help="work on N files at once")
    keys.add_arguments(parser, required=False)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one process is needed")
    return number


def run(options: argparse.Namespace) -> int:
    """Redact the files and return the exit status."""
    from seclog_handlers.cli.stopping import stoppable  # noqa: PLC0415 - not to parse a command line

    try:
        with stoppable():
            return _run(options)
    except (KeyboardInterrupt, SystemExit):
        _give_up_output()
        raise


def _give_up_output() -> None:
    """Let nobody wait for a reader: what was buffered for standard output may find none."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(options: argparse.Namespace) -> int:
    from seclog_handlers.cli import redact_jobs  # noqa: PLC0415 - not to parse a command line

    errors = Screen(sys.stderr)
    try:
        jobs = _jobs(options)
        redactor = _redactor(options)
        if options.output not in (None, STDOUT) and not options.check:
            Path(options.output).mkdir(parents=True, exist_ok=True)
    except (ConfigurationError, redact_jobs.RefusedError, OSError) as error:
        errors.line(f"Nothing was written: {error}")
        return UNUSABLE
    bar = _progress(options, jobs)
    try:
        outcomes = list(_outcomes(options, jobs, redactor, bar))
    finally:
        bar.close()
    return _told(outcomes, errors, check=options.check)


def _jobs(options: argparse.Namespace) -> list[Job]:
    from seclog_handlers.cli.redact_jobs import RefusedError, plan  # noqa: PLC0415
    from seclog_handlers.cli.streams import STDIN  # noqa: PLC0415

    folder = None if options.output in (None, STDOUT) else options.output
    if options.check and options.output is not None:
        raise RefusedError("--check writes nothing: leave -o out.")
    if options.jobs > 1 and folder is None and not options.check:
        raise RefusedError("-j needs -o DIR: several files cannot be written to standard output at once.")
    if options.check:
        return plan(options.files or [STDIN], None, force=False)
    return plan(options.files or [STDIN], folder, force=options.force)


def _redactor(options: argparse.Namespace) -> LineRedactor:
    from seclog_handlers.cli.redact_lines import LineRedactor  # noqa: PLC0415
    from seclog_handlers.cli.redact_rules import rules  # noqa: PLC0415

    return LineRedactor(rules(options))


def _progress(options: argparse.Namespace, jobs: list[Job]) -> Progress:
    from seclog_handlers.cli.redact_jobs import total  # noqa: PLC0415
    from seclog_handlers.cli.redact_progress import Progress  # noqa: PLC0415

    on_screen = not options.check and jobs[0].target is None and sys.stdout.isatty()
    return Progress(total(jobs), shown=sys.stderr.isatty() and not on_screen)


def _outcomes(options: argparse.Namespace, jobs: list[Job], redactor: LineRedactor, bar: Progress) -> Iterable[Outcome]:
    from seclog_handlers.cli.redact_jobs import in_parallel, one_by_one  # noqa: PLC0415

    write = not options.check
    if options.jobs > 1 and len(jobs) > 1:
        return in_parallel(jobs, redactor, bar.advance, write=write, processes=options.jobs)
    return one_by_one(jobs, redactor, bar.advance, write=write)


def _told(outcomes: list[Outcome], errors: Screen, *, check: bool) -> int:
    from seclog_handlers.cli.redact_lines import Tally  # noqa: PLC0415

    whole = Tally()
    for outcome in outcomes:
        if outcome.error:
            errors.line(outcome.error, "bold red")
        else:
            whole.add(outcome.tally)
        if check:
            _show_lines(outcome)
    failed = sum(bool(outcome.error) for outcome in outcomes)
    _summary(whole, len(outcomes) - failed, errors, "would change" if check else "changed")
    if failed:
        errors.line(f"{plural(failed, 'file')} not done", "bold red")
        return UNUSABLE
    return FOUND if check and whole.changed else CLEAN


def _show_lines(outcome: Outcome) -> None:
    screen = Screen()
    for number, kinds in outcome.tally.where:
        screen.line(f"{outcome.job.source}:{number}: {', '.join(kinds)}")
    more = outcome.tally.changed - len(outcome.tally.where)
    if more:
        screen.line(f"{outcome.job.source}: and {plural(more, 'more line')}")


def _summary(whole: Tally, files: int, errors: Screen, verb: str) -> None:
    size = f"{whole.size / 1e6:.1f} MB"
    errors.line(f"{plural(files, 'file')}, {plural(whole.lines, 'line')}, {size}: {whole.changed} {verb}")
    width = max(map(len, whole.kinds), default=0)
    for kind, count in whole.kinds.most_common():
        errors.line(f"  {kind:<{width}}  {count}")
