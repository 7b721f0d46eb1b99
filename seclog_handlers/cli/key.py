"""`seclog key new` and `seclog key rotate`: keys for tokens, made and followed up safely."""

from __future__ import annotations

import argparse
import base64
import os
import re
import secrets
import stat
import sys
from pathlib import Path
from typing import Any

from seclog_handlers.cli import COMMANDS
from seclog_handlers.cli.screen import Screen
from seclog_handlers.errors import ConfigurationError

KEY_BYTES = 32
FIRST_ID = "k1"
PRIVATE = 0o600
OTHERS = 0o077
# While it exists, a rotation is under way (or was killed in the middle).
ROTATING = ".rotating"
DONE, EXISTS, UNUSABLE = 0, 1, 2

_NUMBERED = re.compile(r"k?(\d{1,15})")
_STATUS = "exit status: 0 written, 1 there is a file already, or another rotation; 2 wrong usage, or it cannot be done"


def register(subparsers: Any) -> None:
    """Add the parsers of `seclog key new` and `seclog key rotate`."""
    parser = subparsers.add_parser("key", help=COMMANDS["key"])
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser(
        "new", help="make a random key", epilog=_STATUS,
        description="Make a random key of 32 bytes and write it to FILE (mode 600, never over an existing file).",
    )  # fmt: skip
    new.add_argument("file", nargs="?", metavar="FILE", help="where to (default: standard output)")
    new.add_argument("--id", type=_id, default=FIRST_ID, help=f"its id, which tokens show (default: {FIRST_ID})")
    rotate = actions.add_parser(
        "rotate", help="add a new key to a key file", epilog=_STATUS,
        description="Add a new random key to FILE. It makes the tokens from the next start on; older keys stay "
        "and are still recognised. FILE is replaced in one step and keeps its mode and its owner.",
    )  # fmt: skip
    rotate.add_argument("file", metavar="FILE", help="the key file that pseudonyms.keys names")


def _id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{1,16}", text):
        raise argparse.ArgumentTypeError("an id is 1 to 16 letters and digits")
    return text


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    errors = Screen(sys.stderr)
    try:
        return _new(options.file, options.id) if options.action == "new" else _rotate(Path(options.file))
    except FileExistsError as error:
        errors.line(f"{error.filename} exists already and is left as it is: nothing was written.{_hint(options)}")
        return EXISTS
    except (ConfigurationError, OSError) as error:
        errors.line(f"Nothing was written: {error}")
        return UNUSABLE


def _hint(options: argparse.Namespace) -> str:
    if options.action == "new":
        return " To add a key to it: seclog key rotate FILE."
    return " Another rotation is under way; if none is, one was killed: delete that file and try again."


def new_key(key_id: str) -> str:
    """Return a new key as a key file holds it."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode('ascii')}"


def _new(file: str | None, key_id: str) -> int:
    if file is None:
        print(new_key(key_id))
        return DONE
    _create(Path(file), f"{new_key(key_id)}\n".encode())
    screen = Screen()
    screen.line(f"Wrote {file} (mode 600): a new random key, {key_id}.", "green")
    screen.line(f"In the policy: pseudonyms.keys = file:{Path(file).absolute()}")
    screen.line("Keep it out of version control and apart from the logs, and a copy of it in a safe place.")
    return DONE


def _create(path: Path, content: bytes) -> int:
    """Create a private file that was not there; return its owner's number."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
        return os.fstat(descriptor).st_uid


def _rotate(named: Path) -> int:
    path = Path(os.path.realpath(named))  # a link keeps pointing there
    before = path.stat()
    fresh = path.with_name(path.name + ROTATING)
    _create(fresh, b"")
    try:
        content = path.read_bytes()
        ids = _ids(path)
        key_id = next_id(ids)
        gap = b"" if content.endswith(b"\n") else b"\n"
        fresh.write_bytes(content + gap + f"{new_key(key_id)}\n".encode())
        _ids(fresh)
        _finish(fresh, path, before)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _told(named, ids, key_id, before.st_mode)
    return DONE


def _ids(path: Path) -> list[str]:
    """Return the ids of the keys in a file, oldest first.

    Raises:
        ConfigurationError: If it holds no keys, or one that is too short or there twice.
    """
    from seclog_handlers.pseudonym import KeyRing, parse_keys  # noqa: PLC0415 - not to parse a command line

    return [key.id for key in KeyRing(parse_keys("FILE", f"file:{path}")).keys]


def next_id(ids: list[str]) -> str:
    """Return the id that follows: k2 after k1, and one more than their number where ids are no numbers."""
    numbers = [int(match[1]) for key_id in ids if (match := _NUMBERED.fullmatch(key_id))]
    return f"k{max([*numbers, len(ids)]) + 1}"


def _finish(fresh: Path, path: Path, before: os.stat_result) -> None:
    """Give the new file the old one's owner and mode, and put it in its place in one step."""
    if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(fresh, before.st_uid, before.st_gid)
    with fresh.open("rb") as file:
        os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _told(path: Path, ids: list[str], key_id: str, mode: int) -> None:
    screen = Screen()
    older = ", ".join(_shown(old) for old in ids)
    screen.line(f"{path} has a new key, {key_id}; mode and owner are as before.", "green")
    screen.line(f"1. Restart every process that reads it, on every host: from then on tokens say _{key_id}_.")
    screen.line(f"2. Keep {older} as long as you keep logs with such tokens: without it nobody finds a person in them.")
    screen.line("3. When the last such log is deleted, delete the key's line. Detection counts from the oldest key:")
    screen.line("   when that one goes, open incidents and windows begin anew, once.")
    mode = stat.S_IMODE(mode)
    if mode & OTHERS:
        screen.line(f"Others than its owner may use this file (mode {mode:o}): chmod 600 {path}", "bold red")


def _shown(key_id: str) -> str:
    return f"k{key_id}"
