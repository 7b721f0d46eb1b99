"""`seclog replay`: what the rules would have said about logs that exist already."""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from seclog_handlers.cli import COMMANDS
from seclog_handlers.cli.screen import Screen, plural
from seclog_handlers.errors import ConfigurationError

if TYPE_CHECKING:
    from seclog_handlers.cli.replay_report import Difference, Findings, Incident
    from seclog_handlers.cli.replay_run import Judge, Reading, Source, Told

DONE, NOTHING_READ, UNUSABLE = 0, 1, 2
DEFAULT_LIMIT = 50
_STYLES = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow"}
_FORMATS = ("json", "sshd", "access", "nginx", "apache", "combined", "common", "gunicorn", "uvicorn")

_DESCRIPTION = """Run detection rules over existing logs (plain or gzip) and print the incidents that they would have
opened. Nothing is sent and no file is written. Files are read in the order given: the oldest first.

  seclog replay app.log.2.gz app.log.1 app.log --policy logging.ini
  seclog replay /var/log/auth.log --rules brute_force_ip --compare brute_force_ip.count=3
  seclog replay access.log --rules rules/ --tz Europe/Berlin
  seclog replay app.log --regex '^(?P<time>\\S+) LOGIN FAILED (?P<username>\\S+) (?P<ip_address>\\S+)' \\
      --set event_type=authentication --set success=false"""

_STATUS = """exit status:
  0  done, whether there were incidents or not
  1  no line was understood
  2  wrong usage, or rules, a policy or a file that cannot be read"""


def register(subparsers: Any) -> None:
    """Add the parser of `seclog replay`."""
    parser = subparsers.add_parser(
        "replay", help=COMMANDS["replay"], description=_DESCRIPTION, epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="what to read; '-': standard input")
    add("--rules", action="append", default=[], metavar="RULES",
        help="a Sigma file or folder, a JSON or TOML file with a list, or the name of a built-in rule; repeatable; "
             "default: the built-in pack")  # fmt: skip
    add("--policy", metavar="FILE",
        help="INI or TOML policy: its keys make the tokens, its trusted sources are left out")  # fmt: skip
    add("--compare", action="append", default=[], metavar="RULE.KEY=VALUE",
        help="also run the rules with this change, or those of this file, and show the difference; "
             "repeatable")  # fmt: skip
    add("--format", choices=_FORMATS, help="the line format; by default each file's is recognised")
    add("--regex", metavar="EXPR", help="lines of your own: named groups are fields, 'time' is the time")
    add("--time-format", metavar="FORM", help="with --regex: the time's form, as strptime has it")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="with --regex: a field of every event")
    add("--tz", default="UTC", metavar="ZONE", help="zone of times that say none (default: %(default)s)")
    add("--year", type=int, metavar="Y", help="year of the first time that has none (default: by the file's own time)")
    add("--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help="incidents in the table (default: %(default)s)")
    add("--json", action="store_true", help="print one JSON object for each alert, then a summary")


def run(options: argparse.Namespace) -> int:
    """Replay the files, print what was found and return the exit status."""
    errors = Screen(sys.stderr)
    try:
        return _replay(options, errors)
    except ConfigurationError as error:
        errors.line(str(error))
        return UNUSABLE


def _replay(options: argparse.Namespace, errors: Screen) -> int:
    from seclog_handlers.cli import replay_run  # noqa: PLC0415 - not to parse a command line
    from seclog_handlers.cli.redact_progress import Progress  # noqa: PLC0415
    from seclog_handlers.cli.replay_report import Findings, difference  # noqa: PLC0415

    source, judges, ephemeral = _prepared(options)
    screen = Screen()
    findings = [Findings() for _ in judges]
    tell = _Teller(screen, as_json=options.json, rules=judges[0])
    takers: list[tuple[Judge, Told]] = [
        (judge, _both(found.add, tell) if number == 0 else found.add)
        for number, (judge, found) in enumerate(zip(judges, findings, strict=True))
    ]
    bar = Progress(replay_run.total_size(options.files), shown=sys.stderr.isatty() and not sys.stdout.isatty())
    began = time.perf_counter()
    try:
        seen = replay_run.replay(options.files, source, takers, bar.advance)
    finally:
        bar.close()
    seconds = time.perf_counter() - began
    change = difference(*findings) if len(findings) > 1 else None
    if options.json:
        print(json.dumps(_summary(seen, findings, change)))
    else:
        _show(screen, options, seen, findings, change, seconds)
    screen.flush()
    _notes(errors, seen, ephemeral=ephemeral)
    if seen.damaged:
        return UNUSABLE
    return DONE if seen.events or not seen.unknown else NOTHING_READ


def _both(one: Told, other: Told) -> Told:
    def both(alerts: list[dict[str, Any]]) -> None:
        one(alerts)
        other(alerts)

    return both


def _prepared(options: argparse.Namespace) -> tuple[Source, list[Judge], bool]:
    from seclog_handlers.cli import replay_formats, replay_times, rule_files  # noqa: PLC0415
    from seclog_handlers.cli.replay_run import Judge, Source  # noqa: PLC0415
    from seclog_handlers.policy import Policy  # noqa: PLC0415 - imports all stages

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no key: said at the end, in other words
        policy = Policy.load(options.policy)
    if not options.regex and (options.set or options.time_format):
        raise ConfigurationError("--set and --time-format belong to --regex: give that too.")
    own = (options.regex, replay_formats.constants(options.set), options.time_format) if options.regex else None
    source = Source(policy, options.format, replay_times.zone(options.tz), options.year, own)
    rules = rule_files.entries(options.rules)
    sets = [rules]
    if options.compare:
        changes = [word for word in options.compare if "=" in word]
        files = [word for word in options.compare if "=" not in word]
        sets.append(rule_files.changed(rule_files.entries(files) if files else rules, changes))
    return source, [Judge(each, policy) for each in sets], policy.pseudonymizer.ephemeral


class _Teller:
    """Tells alerts as they come: the timeline."""

    def __init__(self, screen: Screen, *, as_json: bool, rules: Judge) -> None:
        self._screen = screen
        self._json = as_json
        if not as_json:
            screen.line(f"Timeline ({plural(len(rules.detector.rules), 'rule')})", "bold")

    def __call__(self, alerts: list[dict[str, Any]]) -> None:
        for alert in alerts:
            if self._json:
                print(json.dumps(alert))
            elif alert["incident_state"] != "resolve":
                self._line(alert)

    def _line(self, alert: dict[str, Any]) -> None:
        from seclog_handlers.cli.replay_report import shown_group  # noqa: PLC0415

        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(alert["created"]))
        severity = alert["severity"]
        self._screen.line(
            f"  {moment}  {alert['incident_state']:<6} {severity:<8} {alert['rule']}  {shown_group(alert)}  "
            f"count {alert['count']}",
            _STYLES.get(severity, ""),
        )


def _show(
    screen: Screen, options: argparse.Namespace, seen: Reading, findings: list[Findings], change: Difference | None,
    seconds: float,
) -> None:  # fmt: skip
    found = findings[0]
    if not found.total:
        screen.line("  nothing")
    screen.line()
    screen.line(f"Incidents: {found.total}", "bold")
    shown = sorted(found.incidents.values(), key=_by_severity)[: options.limit]
    for incident in shown:
        _show_incident(screen, incident)
    if found.total > len(shown):
        screen.line(f"  and {found.total - len(shown)} more (--limit, --json)")
    for rule, number in found.opened.most_common():
        screen.line(f"  {rule}: {plural(number, 'incident')}")
    if change is not None:
        _show_change(screen, options, findings, change)
    screen.line()
    rate = f", {seen.events / seconds:,.0f} events/s" if seconds and seen.events else ""
    screen.line(f"{seen.lines:,} lines, {seen.events:,} events, {plural(seen.unknown, 'line')} not understood{rate}")
    for path, form in seen.formats.items():
        screen.line(f"  {path}: {form}")


_RANKS = {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 2, "LOW": 3}


def _by_severity(incident: Incident) -> tuple[int, str, str]:
    return _RANKS[incident.severity], incident.first, incident.rule


def _show_incident(screen: Screen, incident: Incident) -> None:
    screen.line(
        f"  {incident.severity:<8} {incident.rule}  {incident.group}  {incident.first} to {incident.last}  "
        f"{plural(incident.count, 'event')}  {incident.state}",
        _STYLES.get(incident.severity, ""),
    )


def _show_change(screen: Screen, options: argparse.Namespace, findings: list[Findings], change: Difference) -> None:
    screen.line()
    screen.line(f"Compared with {', '.join(options.compare)}", "bold")
    screen.line(f"  {findings[0].total} incidents as they are, {findings[1].total} with the change")
    for word, incidents in (("only as they are", change.gone), ("only with the change", change.new)):
        screen.line(f"  {word}: {len(incidents)}")
        for incident in sorted(incidents, key=_by_severity)[: options.limit]:
            _show_incident(screen, incident)


def _summary(seen: Reading, findings: list[Findings], change: Difference | None) -> dict[str, Any]:
    found = findings[0]
    summary: dict[str, Any] = {
        "lines": seen.lines, "events": seen.events, "not_understood": seen.unknown, "formats": seen.formats,
        "damaged": seen.damaged,
        "incidents": found.total, "by_rule": dict(found.opened), "alerts": found.alerts,
    }  # fmt: skip
    if change is not None:
        summary["compare"] = {
            "incidents": findings[1].total, "by_rule": dict(findings[1].opened),
            "gone": [incident.plain() for incident in change.gone],
            "new": [incident.plain() for incident in change.new],
        }  # fmt: skip
    return {"summary": summary}


def _notes(errors: Screen, seen: Reading, *, ephemeral: bool) -> None:
    if ephemeral:
        errors.line(
            "Tokens are random in this run, since no key was given: --policy FILE with pseudonyms.keys makes those "
            "of the live log.",
        )
    if seen.backwards:
        errors.line("A file begins long before the one in front of it ends: give the oldest file first.")
