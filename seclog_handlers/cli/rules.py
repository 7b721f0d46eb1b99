"""`seclog rules`: which detection rules there are, what each one means, and the same as Sigma files."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seclog_handlers.cli import COMMANDS
from seclog_handlers.cli.screen import Screen, plural
from seclog_handlers.errors import ConfigurationError

if TYPE_CHECKING:
    from seclog_handlers.detection.rules import Rule

OK, NOT_WRITTEN, UNUSABLE = 0, 1, 2

_DESCRIPTION = """List the detection rules, explain one, or write the built-in ones as Sigma files.

  seclog rules list                     # the built-in rules; * marks those that run without configuration
  seclog rules list --rules sigma/      # what a Sigma folder makes
  seclog rules explain brute_force_ip
  seclog rules export sigma/            # Sigma files that load back to the same rules"""

_STATUS = """exit status:
  0  done
  1  export: a file is there already (--force replaces it); nothing was written
  2  wrong usage, an unknown rule, or rules that cannot be read"""


def register(subparsers: Any) -> None:
    """Add the parser of `seclog rules`."""
    parser = subparsers.add_parser(
        "rules", help=COMMANDS["rules"], description=_DESCRIPTION, epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="one line for each rule")
    _add_rules(listing)
    listing.add_argument("--json", action="store_true", help="print one JSON list")
    explain = actions.add_parser("explain", help="what a rule counts, when it alerts, and why")
    explain.add_argument("name", help="name of a rule")
    _add_rules(explain)
    export = actions.add_parser("export", help="write rules as Sigma files, one a rule (extra: sigma)")
    export.add_argument("dir", help="the folder, made if it is not there")
    export.add_argument("--all", action="store_true", help="also the built-in rules that do not run by default")
    export.add_argument("--force", action="store_true", help="replace files that are there")


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rules", action="append", default=[], metavar="RULES",
        help="a Sigma file or folder, or a JSON or TOML file with a list; repeatable; default: all built-in rules",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    try:
        return {"list": _list, "explain": _explain, "export": _export}[options.action](options)
    except BrokenPipeError:
        raise
    except (ConfigurationError, OSError) as error:
        Screen(sys.stderr).line(str(error))
        return UNUSABLE


def _loaded(options: argparse.Namespace) -> tuple[Rule, ...]:
    """Return the rules that the options name, every built-in one by default."""
    from seclog_handlers.cli import rule_files  # noqa: PLC0415 - not to parse a command line
    from seclog_handlers.detection.builtin import BUILTIN  # noqa: PLC0415
    from seclog_handlers.detection.rules import load  # noqa: PLC0415

    entries = rule_files.entries(options.rules) if options.rules else [rule["name"] for rule in BUILTIN]
    return load(entries, BUILTIN)


def _default_names(options: argparse.Namespace) -> frozenset[str]:
    from seclog_handlers.detection.builtin import DEFAULTS  # noqa: PLC0415

    return frozenset() if options.rules else frozenset(DEFAULTS)


def _list(options: argparse.Namespace) -> int:
    from seclog_handlers.cli import rule_text  # noqa: PLC0415

    rules, defaults = _loaded(options), _default_names(options)
    if options.json:
        print(json.dumps([{**rule_text.plain(rule), "default": rule.name in defaults} for rule in rules], indent=2))
        return OK
    screen = Screen()
    width = max(len(rule.name) for rule in rules)
    for rule in rules:
        mark = "*" if rule.name in defaults else " "
        screen.line(
            f"{mark} {rule.name:<{width}}  {rule.severity.strip('{}'):<8} {rule.mode:<7} "
            f"{rule_text.threshold(rule)} by {rule_text.group(rule)}",
        )
    if defaults:
        screen.line()
        screen.line(f"{plural(len(rules), 'rule')}; * runs without configuration, the others by name.")
    return OK


def _explain(options: argparse.Namespace) -> int:
    from seclog_handlers.cli import rule_text  # noqa: PLC0415

    rules = _loaded(options)
    rule = next((rule for rule in rules if rule.name == options.name), None)
    if rule is None:
        import difflib  # noqa: PLC0415

        near = difflib.get_close_matches(options.name, [each.name for each in rules], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else " `seclog rules list` shows the names."
        raise ConfigurationError(f"There is no rule {options.name!r}.{hint}")
    screen = Screen()
    screen.line(rule.name, "bold")
    for label, text in rule_text.explained(rule):
        screen.paragraph(label, text)
    if not options.rules:
        default = rule.name in _default_names(options)
        screen.paragraph("runs", "without configuration" if default else "when it is named in 'rules'")
    return OK


def _export(options: argparse.Namespace) -> int:
    from seclog_handlers.detection.builtin import BUILTIN, DEFAULTS  # noqa: PLC0415
    from seclog_handlers.detection.sigma.export import as_yaml  # noqa: PLC0415

    chosen = [dict(rule) for rule in BUILTIN if options.all or rule["name"] in DEFAULTS]
    folder = Path(options.dir)
    texts = {folder / f"{rule['name']}.yml": as_yaml(rule, weakened=True) for rule in chosen}
    there = [path for path in texts if path.exists()]
    if there and not options.force:
        Screen(sys.stderr).line(f"Nothing was written: {there[0]} is there already; --force replaces it.")
        return NOT_WRITTEN
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    Screen().line(f"{plural(len(texts), 'rule')} written to {folder}; rules = [{str(folder)!r}] loads them.")
    return OK
