"""The `seclog` command; one file a command."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# Each command's module offers register(subparsers), which adds its parser, and run(options).
COMMANDS = {
    "demo": "play one minute of attacks and show what the log and the alerts look like",
    "check": "say what is silently wrong with a logging configuration",
    "init": "write a starter configuration and a key file",
    "alert": "test the alert channels; look into the alert spool",
    "redact": "take the secrets out of existing log files",
    "key": "make a key for tokens, or add a new one to a key file",
    "pseudonym": "print a person's tokens, to search logs with",
    "whois": "find out whose token it is; leaves an audit line",
    "forget": "drop what the detection state holds of a person",
    "rules": "list and explain the detection rules; write them as Sigma files",
    "replay": "run the detection rules over existing logs",
}
INTERRUPTED = 130  # 128 + SIGINT, what shells expect
UNFINISHED = 1

_EPILOG = """exit status:
  0  done, nothing to say against it
  1  something was found, or not done; the output says what
  2  wrong usage, or a file that cannot be read or loaded
  130  interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: The words after the program's name; those of this process by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in words if not word.startswith("-")), "")
    try:
        options = _parser(command).parse_args(words)
        status: int = _module(options.command).run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; Python's own flush at exit must not fail on it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNFINISHED
    return status


def _module(command: str) -> Any:
    return import_module(f"{__name__}.{command}")


def _parser(command: str) -> argparse.ArgumentParser:
    """Return a parser that knows every command by name, and the options of the one that is meant."""
    parser = argparse.ArgumentParser(
        prog="seclog",
        description="A security log from any application's stdlib logging, by configuration alone.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        if name == command:
            _module(name).register(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: reading package metadata is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 20 ms

        try:
            number = version("seclog-handlers")
        except PackageNotFoundError:
            number = "(a source checkout, not installed)"
        print(f"seclog {number}")
        parser.exit()
