"""`seclog pseudonym VALUE`: a person's tokens under every key, to search logs with."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from seclog_handlers.cli import COMMANDS, keys
from seclog_handlers.cli.screen import Screen
from seclog_handlers.errors import ConfigurationError

DEFAULT_FIELD = "username"
FOUND, NOBODY, UNUSABLE = 0, 1, 2

_DESCRIPTION = """Print the tokens that stand for VALUE, one a line, oldest key first: what to search
older and newer logs for.

  seclog pseudonym bob --config logging.ini | grep -F -f - app.log

VALUE may be '-': then it is read from standard input and stays out of the shell's history."""


def register(subparsers: Any) -> None:
    """Add the parser of `seclog pseudonym`."""
    parser = subparsers.add_parser(
        "pseudonym",
        help=COMMANDS["pseudonym"],
        description=_DESCRIPTION,
        epilog="exit status: 0 printed, 1 the value identifies nobody (it is empty), 2 wrong usage or no keys",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("value", metavar="VALUE", help="who: a user name, an address, ...; '-' reads it from stdin")
    parser.add_argument(
        "--field", action="append", metavar="NAME",
        help=f"the field that the log has it in, which decides the kind of token (default: {DEFAULT_FIELD}); "
        "may be repeated",
    )  # fmt: skip
    keys.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the tokens and return the exit status."""
    try:
        pseudonymizer = keys.read(options).pseudonymizer()
    except ConfigurationError as error:
        Screen(sys.stderr).line(str(error))
        return UNUSABLE
    value = sys.stdin.readline().rstrip("\r\n") if options.value == "-" else options.value
    tokens = [
        token
        for field in options.field or [DEFAULT_FIELD]
        for token in (pseudonymizer.tokens(field, value).values() if pseudonymizer else ())
    ]
    for token in dict.fromkeys(tokens):
        print(token)
    return FOUND if tokens else NOBODY
