"""`seclog init [DIR]`: a starter configuration for the stack that is found, and a key file."""

from __future__ import annotations

import argparse
import base64
import os
import secrets
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from seclog_handlers.cli import COMMANDS
from seclog_handlers.cli.check_source import CannotRead
from seclog_handlers.cli.init_template import LOGGERS, ini
from seclog_handlers.cli.screen import Screen

STACKS = ("django", "gunicorn", "uvicorn", "plain")
CONFIGURATION = "logging.ini"
KEY_FILE = "seclog.key"
STATE_FILE = "seclog-state.db"
KEY_BYTES = 32
KEY_ID = "k1"
PRIVATE = 0o600
PUBLIC = 0o644

DONE, EXISTS, REFUSED = 0, 1, 2
# Characters that the file could not carry: lists are separated by commas, lines by line ends.
_UNFIT = ",\n\r"

_DESCRIPTION = f"""Write {CONFIGURATION} for the stack that is found in DIR (gunicorn, uvicorn, Django, or a
plain program), and {KEY_FILE} with a new random key, readable by you alone. Nothing is ever overwritten: an
existing {CONFIGURATION} stops the command, an existing {KEY_FILE} is used as it is."""


@dataclass(frozen=True)
class Starter:
    """What is to be written.

    Attributes:
        stack: One of STACKS.
        reason: What that was concluded from.
        folder: The absolute folder.
        has_key: Whether a key file was there already.
    """

    stack: str
    reason: str
    folder: Path
    has_key: bool

    @property
    def configuration(self) -> Path:
        """The configuration to write."""
        return self.folder / CONFIGURATION

    @property
    def key(self) -> Path:
        """The key file that it refers to."""
        return self.folder / KEY_FILE


def register(subparsers: Any) -> None:
    """Add the parser of `seclog init`."""
    parser = subparsers.add_parser(
        "init",
        help=COMMANDS["init"],
        description=_DESCRIPTION,
        epilog="exit status: 0 written, 1 a configuration is there already, 2 nothing can be written there",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dir", nargs="?", default=".", metavar="DIR", help="where (default: here)")
    parser.add_argument("--stack", choices=STACKS, help="what the program runs on, instead of looking")


def run(options: argparse.Namespace) -> int:
    """Write the starter files, print the next steps and return the exit status."""
    screen = Screen()
    try:
        starter = plan(Path(options.dir), options.stack)
        write(starter)
    except FileExistsError as error:
        screen.line(f"{error.filename} exists already and is left as it is: nothing was written.", "bold red")
        return EXISTS
    except (CannotRead, OSError) as error:
        screen.line(f"Nothing can be written to {options.dir!r}: {error}", "bold red")
        return REFUSED
    show(starter, screen)
    return DONE


def plan(folder: Path, stack: str | None = None) -> Starter:
    """Decide what to write.

    Args:
        folder: An existing folder.
        stack: One of STACKS, or None to look for it.

    Raises:
        CannotRead: If the folder does not exist, or its name cannot stand in an INI file.
        FileExistsError: If it has a configuration already.
    """
    absolute = folder.resolve()
    if not absolute.is_dir():
        raise CannotRead("it is no folder.")
    if any(character in str(absolute) for character in _UNFIT):
        raise CannotRead(f"the name {str(absolute)!r} has a comma or a line end, which an INI file cannot carry.")
    configuration = absolute / CONFIGURATION
    if os.path.lexists(configuration):
        raise FileExistsError(0, "exists", str(configuration))
    found, reason = (stack, "--stack says so") if stack else detect(absolute)
    return Starter(found, reason, absolute, (absolute / KEY_FILE).exists())


def detect(folder: Path) -> tuple[str, str]:
    """Return the stack that a project uses, and what that was concluded from."""
    if (folder / "manage.py").is_file():
        return "django", "there is a manage.py"
    if (folder / "gunicorn.conf.py").is_file():
        return "gunicorn", "there is a gunicorn.conf.py"
    for name in ("Procfile", "Dockerfile", "requirements.txt", "pyproject.toml"):
        for stack in ("gunicorn", "uvicorn"):
            if _mentions(folder / name, stack):
                return stack, f"{name} names it"
    for stack in ("gunicorn", "uvicorn"):
        if _installed(stack):
            return stack, "it is installed"
    return "plain", "no server was found"


def _mentions(path: Path, word: str) -> bool:
    try:
        return word in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def write(starter: Starter) -> None:
    """Write the key file, unless there is one, and the configuration; both only if they do not exist.

    Raises:
        FileExistsError: If another process has written one of them meanwhile.
    """
    if not starter.has_key:
        key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")
        _create(starter.key, f"{KEY_ID}:{key}\n", PRIVATE)
    text = ini(
        starter.stack, service=starter.folder.name or "service", configuration=starter.configuration,
        key=starter.key, state=starter.folder / STATE_FILE,
    )  # fmt: skip
    _create(starter.configuration, text, PUBLIC)


def _create(path: Path, text: str, mode: int) -> None:
    """Create a file that has its mode from the start, and never follow or replace what is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def show(starter: Starter, screen: Screen) -> None:
    """Print what was written and what to do next."""
    key = "kept as it is" if starter.has_key else "a new random key; mode 600"
    screen.line(f"Stack: {starter.stack} ({starter.reason})", "bold")
    screen.line(f"Wrote {starter.configuration}", "green")
    screen.line(f"{'Uses ' if starter.has_key else 'Wrote'} {starter.key} ({key})", "green")
    screen.line()
    screen.line("Next:", "bold")
    for number, step in enumerate(next_steps(starter), 1):
        screen.line(f"{number}. {step}")


def next_steps(starter: Starter) -> list[str]:
    """Return what to do after `seclog init`, in order."""
    path = starter.configuration
    hint = f" --server {starter.stack}"
    return [
        f"Keep {starter.key.name} out of version control, and a copy of it in a safe place.",
        *_start(starter.stack, path),
        f"See what it does: seclog check {path}{hint}",
        (
            f"{len(LOGGERS[starter.stack])} loggers and the root logger are covered; "
            "an AlertHandler tells people (docs/alerts.md)."
        ),
    ]


def _start(stack: str, path: Path) -> list[str]:
    load = f"logging.config.fileConfig({str(path)!r}, disable_existing_loggers=False)"
    if stack == "gunicorn":
        return [f"Start the server with it: gunicorn --log-config {path} app:app"]
    if stack == "uvicorn":
        return [f"Start the server with it: uvicorn --log-config {path} app:app"]
    if stack == "django":
        return [
            f"In settings.py: LOGGING_CONFIG = None; import logging.config; {load}",
            'There, for logins and permissions: INSTALLED_APPS += ["seclog_handlers.integrations.django"]',
        ]
    return [f"As early as you can in your program: import logging.config; {load}"]
