"""`seclog alert test` and `seclog alert spool`."""

from __future__ import annotations

import importlib
import json
import logging.config
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers.alerts.channels import Channel, open_channels
from seclog_handlers.handlers.alerts.handler import PER_MINUTE, live_handlers
from seclog_handlers.handlers.alerts.tools import Report, Sent, drop, retry, send_test, spool_report

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

OK, FINDINGS, UNUSABLE = 0, 1, 2


def register(subparsers: Any) -> None:
    """Add the command to argparse's subparsers."""
    alert = subparsers.add_parser("alert", help="test the alert channels; look into the alert spool")
    actions = alert.add_subparsers(dest="action", required=True)
    test = actions.add_parser("test", help="send a marked test alert through each channel")
    test.add_argument("config", nargs="?", help="logging configuration: INI, JSON, TOML or module:DICT")
    test.add_argument(
        "--channel", action="append", default=[], metavar="URL", help="a channel beside or without CONFIG"
    )
    test.add_argument("--dry-run", action="store_true", help="print the payloads and send nothing")
    spool = actions.add_parser("spool", help="show, retry or drop what waits in a spool")
    spool.add_argument("dir", help="the folder given to AlertHandler as 'spool'")
    choice = spool.add_mutually_exclusive_group()
    choice.add_argument("--retry", action="store_true", help="put dead letters back into the spool")
    choice.add_argument("--drop", action="store_true", help="delete what waits and all dead letters")
    spool.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Run the command; 0: all well, 1: a channel did not take the test or alerts lie there, 2: cannot be done."""
    try:
        return _test(args) if args.action == "test" else _spool(args)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return UNUSABLE


def _test(args: argparse.Namespace) -> int:
    channels = _channels(args)
    if not channels:
        raise ConfigurationError(
            "There is nothing to test: name a configuration with an AlertHandler, or --channel URL."
        )
    results = send_test(channels, dry_run=args.dry_run)
    for result in results:
        print(_told(result, show_payload=args.dry_run))
    return OK if all(result.kind in {"delivered", "not sent"} for result in results) else FINDINGS


def _channels(args: argparse.Namespace) -> list[Channel]:
    channels = open_channels(args.channel, "LOW", PER_MINUTE) if args.channel else []
    if args.config:
        load(args.config)
        for handler in live_handlers():
            channels += handler.channels
    return list({channel.name: channel for channel in channels}.values())


def _told(result: Sent, *, show_payload: bool) -> str:
    head = f"{result.channel}: {result.kind} ({result.detail})"
    if not show_payload:
        return head
    payload = result.payload
    return f"{head}\n{payload if isinstance(payload, str) else json.dumps(payload, indent=2)}"


def load(config: str) -> None:
    """Apply a logging configuration to this process.

    Raises:
        ConfigurationError: If it cannot be read or applied.
    """
    try:
        _loader(config)()
    except Exception as error:  # whatever a configuration's own code raises
        raise ConfigurationError(f"{config!r} cannot be loaded: {_root(error)}") from error


def _loader(config: str) -> Callable[[], None]:
    path = Path(config)
    if path.suffix == ".json":
        return lambda: logging.config.dictConfig(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".toml":
        return lambda: logging.config.dictConfig(_toml(path))
    module, separator, name = config.partition(":")
    if separator and not path.exists():
        return lambda: logging.config.dictConfig(getattr(importlib.import_module(module), name))
    return lambda: logging.config.fileConfig(config, disable_existing_loggers=False)


def _toml(path: Path) -> dict[str, Any]:
    name = "tomllib" if sys.version_info >= (3, 11) else "tomli"
    content: dict[str, Any] = importlib.import_module(name).loads(path.read_text(encoding="utf-8"))
    return content


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _spool(args: argparse.Namespace) -> int:
    if args.retry:
        print(f"{retry(args.dir)} dead letters are back in the spool; the sender takes them like new alerts.")
        return OK
    if args.drop:
        print(f"{drop(args.dir)} alerts dropped.")
        return OK
    reports = spool_report(args.dir)
    print(
        json.dumps([_plain(report) for report in reports], indent=2) if args.json else "\n".join(map(_shown, reports))
    )
    return FINDINGS if any(report.waiting or report.dead for report in reports) else OK


def _plain(report: Report) -> dict[str, Any]:
    return {
        "folder": str(report.folder),
        "sending": report.sending,
        "waiting": [{"at": at, **alert} for at, alert in report.waiting],
        "dead_letters": report.dead,
    }


def _shown(report: Report) -> str:
    state = "a process is sending" if report.sending else "no process is sending"
    lines = [f"{report.folder}: {len(report.waiting)} waiting, {len(report.dead)} dead letters; {state}"]
    now = time.time()
    lines += [f"  waiting {now - at:8.0f} s  {_brief(alert)}" for at, alert in report.waiting]
    lines += [
        f"  dead    {letter['channel']}: {letter.get('reason')}  {_brief(letter['alert'])}" for letter in report.dead
    ]
    return "\n".join(lines)


def _brief(alert: dict[str, Any]) -> str:
    return f"{alert.get('severity')} {alert.get('rule')} {alert.get('incident_state')} {alert.get('incident_id')}"
