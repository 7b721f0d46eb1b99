"""The process in which `seclog check` loads a configuration: the file is code, and changes the whole process.

It writes one JSON object a line to the file it is told, so that what was found stays if loading hangs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seclog_handlers.cli import check_dict, check_handlers, check_ini, check_load, check_loggers, check_traps
from seclog_handlers.cli.check_findings import Finding, found
from seclog_handlers.cli.check_graph import arrivals, describe, loggers, writes
from seclog_handlers.cli.check_source import CannotRead, Source, read

PROGRAM = "your-program"  # the service's name on the trap records' lines, where the policy gives none

Say = Callable[[dict[str, Any]], None]


def main() -> None:
    """Check one configuration and end without running exit hooks, which could write to the user's files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server")
    parser.add_argument("configuration")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    with options.output.open("a", encoding="utf-8") as output:

        def say(part: dict[str, Any]) -> None:
            output.write(json.dumps(part) + "\n")
            output.flush()

        check(options.configuration, options.server, say)
    os._exit(0)


def check(configuration: str, server: str | None, say: Say) -> None:
    """Say what is wrong with a configuration, part by part.

    Args:
        configuration: A path, or module:DICT.
        server: The value of --server.
        say: Receives {"findings": ...}, {"handlers": ...}, {"traps": ...}, {"error": ...}.
    """
    ignored = frozenset(logging.root.manager.loggerDict)
    check_load.protect_files()
    check_load.keep_handlers()
    sys.argv[0] = PROGRAM
    try:
        source = read(configuration)
        _say_findings(say, static(source, server))
        _say_findings(say, _loaded(server, source))
    except CannotRead as error:
        say({"error": str(error)})
    except (Exception, SystemExit) as error:  # the configuration's own code: anything can come out of it
        say({"error": f"{configuration!r} cannot be loaded. {check_load.reasons(error)}"})
    else:
        _say_findings(say, [*check_handlers.findings(server), *check_loggers.findings(server, ignored)])
        _say_findings(say, check_handlers.ignored_targets(check_ini.with_target(source.ini)))
        _say_findings(say, [*others(server), *_silent_libraries(source)])
        say({"handlers": outputs()})
        _say_traps(say)


def static(source: Source, server: str | None) -> list[Finding]:
    """Return what is silently wrong in the text."""
    if source.mapping is not None:
        return check_dict.findings(source.mapping, keeps_loggers=server == "gunicorn")
    return check_ini.findings(source.ini, passes_here=server == "gunicorn") if source.ini is not None else []


def _loaded(server: str | None, source: Source) -> list[Finding]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        check_load.prepare(server, source)
        check_load.load(server, source)
    # A missing key is a finding of its own.
    texts = dict.fromkeys(str(each.message) for each in said if "pseudonyms.keys" not in str(each.message))
    return [found("said-at-start", "the start", text) for text in texts]


def others(server: str | None) -> Iterable[Finding]:
    """Yield advice about other packages of this environment."""
    if find_spec("celery") is not None:
        yield found("celery-takes-over", "celery", "It is installed here.")
    for name in ("gunicorn", "uvicorn"):
        names = check_loggers.SERVER_LOGGERS[name]
        named = any(logger.handlers for logger in loggers() if logger.name in names)
        if server is None and not named and find_spec(name) is not None:
            yield found("server-loggers-unnamed", name, f"{name} is installed, and its loggers are not named.")


def _silent_libraries(source: Source) -> Iterable[Finding]:
    """Look where Alembic keeps the file that calls fileConfig."""
    folders = {Path.cwd(), source.path.absolute().parent if source.path else Path.cwd()}
    for path in sorted(path for folder in folders for path in folder.glob("*/env.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if "fileConfig(" in text and "disable_existing_loggers=False" not in text.replace(" ", ""):
            yield found("library-disables-loggers", str(path), "It calls fileConfig with its default.")


def outputs() -> list[dict[str, Any]]:
    """Return each handler that writes records, whether they were protected, and whose they are."""
    rows: dict[tuple[int, bool], dict[str, Any]] = {}
    for logger in loggers():
        for end in arrivals(logger):
            if writes(end.handler):
                row = {"handler": describe(end.handler), "raw": not end.protected, "loggers": []}
                names = rows.setdefault((id(end.handler), end.protected), row)["loggers"]
                if logger.name not in names:
                    names.append(logger.name)
    return list(rows.values())


def _say_traps(say: Say) -> None:
    traps = check_traps.play()
    _say_findings(say, [*_shown(traps, "leaked_by", "secret-in-output"), *_shown(traps, "forged_by", "forged-line")])
    say({"traps": traps})


def _shown(traps: list[dict[str, Any]], key: str, code: str) -> Iterable[Finding]:
    for handler, count in Counter(name for trap in traps for name in trap[key]).items():
        what = f"Its lines for {count} of {len(traps)} trap records show it."
        yield found(code, f"handler {handler}", what)


def _say_findings(say: Say, findings: Iterable[Finding]) -> None:
    say({"findings": [asdict(finding) for finding in findings]})


if __name__ == "__main__":
    main()
