"""`seclog whois TOKEN`: whose token it is, by trying candidates; every look-up leaves an audit line."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import pwd
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from seclog_handlers.cli import COMMANDS, keys
from seclog_handlers.cli.screen import Screen
from seclog_handlers.errors import ConfigurationError

if TYPE_CHECKING:
    from seclog_handlers.pseudonym import Pseudonymizer

FOUND, NOT_FOUND, UNUSABLE = 0, 1, 2
# Longer candidates are skipped: no identity is that long.
MAX_CANDIDATE = 65_536
PRIVATE = 0o600

# A token; in front of an address's stands its network, `203.0.113.0/24_`.
_TOKEN = re.compile(r"(?:[0-9a-f.:]{2,39}/\d{1,3}_)?((usr|eml|ses|dev|ip)_k([A-Za-z0-9]{1,16})_[0-9a-f]{32})")
# A field of each kind of token.
_FIELDS = {"usr": "username", "eml": "email", "ses": "session_id", "dev": "device_id", "ip": "ip_address"}

_DESCRIPTION = """Find out whose TOKEN it is. A token cannot be inverted: every line of --candidates is
tried under the key that the token names, and the first that fits is printed. No table of people and tokens
is kept. One audit line says when, who asked, about which token, why, and whether somebody was found; if it cannot
be written, nothing is looked up."""


def register(subparsers: Any) -> None:
    """Add the parser of `seclog whois`."""
    parser = subparsers.add_parser(
        "whois",
        help=COMMANDS["whois"],
        description=_DESCRIPTION,
        epilog="exit status: 0 found, 1 not found, 2 wrong usage, no such key, or an unreadable or unwritable file",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("token", type=_token, metavar="TOKEN", help="a token as the log shows it: usr_k1_...")
    parser.add_argument(
        "--candidates", required=True, metavar="FILE", help="who it could be, one a line; may be .gz; '-' is stdin"
    )
    parser.add_argument("--reason", required=True, type=_reason, metavar="TEXT", help="why, for the audit line")
    parser.add_argument(
        "--audit", metavar="FILE", help="append the audit line here (default: it goes to standard error)"
    )
    keys.add_arguments(parser)


def _token(text: str) -> re.Match[str]:
    match = _TOKEN.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError("a token looks like usr_k1_ and 32 hexadecimal digits")
    return match


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say why: whoever reads the audit line will ask")
    return text.strip()


def run(options: argparse.Namespace) -> int:
    """Look the token up, write the audit line, print who it is, return the exit status."""
    from seclog_handlers.cli.streams import opened  # noqa: PLC0415 - not to parse a command line

    token, kind, key_id = options.token.groups()
    try:
        pseudonymizer = keys.read(options).pseudonymizer(key_id)
        if pseudonymizer is None:
            raise ConfigurationError(
                f"None of these keys has the id of the token, {key_id!r}: it was made with a key that has been "
                "removed, or by another service. Give the keys of that service, that old key among them.",
            )
        with _audit(options.audit) as audit, opened(options.candidates) as source:
            found = _looked_up(token, kind, options.reason, pseudonymizer, source.file, audit)
    except (ConfigurationError, OSError, EOFError, ValueError) as error:
        Screen(sys.stderr).line(f"Nothing was disclosed: {error}")
        return UNUSABLE
    if found is None:
        return NOT_FOUND
    Screen().line(found)
    return FOUND


def _looked_up(
    token: str, kind: str, reason: str, pseudonymizer: Pseudonymizer, file: BinaryIO, audit: BinaryIO
) -> str | None:
    """Return who it is, after the audit line is written; it is written too when the search is cut short."""
    found: bool | None = None
    try:
        person = next(
            (name for name in candidates(file) if token in pseudonymizer.tokens(_FIELDS[kind], name).values()), None
        )
        found = person is not None
    finally:
        line = json.dumps({
            "timestamp": dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "event": "pseudonym_lookup", "user": _user(os.getuid()), "sudo_user": os.environ.get("SUDO_USER"),
            "host": socket.gethostname(), "token": token, "reason": reason, "found": found,
        })  # fmt: skip
        audit.write(line.encode() + b"\n")
        audit.flush()
    return person


def candidates(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file that could be somebody, one at a time."""
    whole = True
    while line := file.readline(MAX_CANDIDATE):
        ends = line.endswith(b"\n")
        if whole and (ends or len(line) < MAX_CANDIDATE):
            name = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if name.strip():
                yield name
        whole = ends


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


@contextmanager
def _audit(path: str | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stderr.buffer
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(descriptor, "ab", buffering=0) as file:
        yield file
        os.fsync(descriptor)
