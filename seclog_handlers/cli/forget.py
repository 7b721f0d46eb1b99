"""`seclog forget VALUE`: a person's counters, incidents, samples and logins leave a shared state."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from seclog_handlers.cli import COMMANDS, keys
from seclog_handlers.cli.screen import Screen
from seclog_handlers.errors import ConfigurationError

DONE, NOTHING, UNUSABLE = 0, 1, 2

_DESCRIPTION = """Drop what a detection state that processes share holds of VALUE: counters of groups that
they are part of, open incidents (they are not resolved aloud) and samples; and the logins that risk.state keeps.
A process that runs forgets those logins when it ends.

  seclog forget bob --config logging.ini --state sqlite:////var/lib/shop/seclog.db

VALUE may be '-': then it is read from standard input and stays out of the shell's history. Log files and
alerts that were written or wait to be sent are not touched: see 'seclog pseudonym' and 'seclog alert spool'."""


def register(subparsers: Any) -> None:
    """Add the parser of `seclog forget`."""
    parser = subparsers.add_parser(
        "forget",
        help=COMMANDS["forget"],
        description=_DESCRIPTION,
        epilog="exit status: 0 dropped, 1 nothing was there, 2 wrong usage, no keys, or the state cannot be used",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("value", metavar="VALUE", help="who: a user name, an address, ...; '-' reads it from stdin")
    parser.add_argument(
        "--state", required=True, metavar="URL",
        help="as given to EscalationHandler or in risk.state: sqlite:///..., redis://..., env:NAME",
    )  # fmt: skip
    keys.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Drop the entries and return the exit status."""
    from seclog_handlers.detection import BUILTIN, Detector  # noqa: PLC0415 - not to parse a command line
    from seclog_handlers.detection.engine import IDENTITIES  # noqa: PLC0415
    from seclog_handlers.detection.state import StateUnavailableError  # noqa: PLC0415
    from seclog_handlers.enrichment.journal import BookUnavailableError, open_journal  # noqa: PLC0415

    value = sys.stdin.readline().rstrip("\r\n") if options.value == "-" else options.value
    try:
        engine = keys.read(options).pseudonymizer()
        if engine is None or not value:
            return NOTHING
        detector = Detector([rule["name"] for rule in BUILTIN], options.state, state_key=engine.state_key)
        shown = {token for field in IDENTITIES for token in engine.tokens(field, value).values()}
        gone = detector.forget(value, {*shown, engine.address(value)})
        detector.close()
        journal = open_journal(options.state)
        if journal is not None:
            gone += journal.forget(sorted({*shown, *(engine.state_key(field, value) for field in IDENTITIES)}))
            journal.close()
    except (ConfigurationError, StateUnavailableError, BookUnavailableError) as error:
        Screen(sys.stderr).line(str(error))
        return UNUSABLE
    print(f"{gone} entries dropped.")
    return DONE if gone else NOTHING
