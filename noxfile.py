"""`nox` runs the suite on every supported Python; `nox -s lint types` the rest."""

from __future__ import annotations

import nox

CONTENDERS = ("structlog", "loguru", "ecs-logging", "logfire", "loggingredactor", "hushlog", "maskerlogger")

nox.options.sessions = ["lint", "types", "tests"]


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    session.install("ruff>=0.6")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    session.install("-e", ".[test]")
    session.run("mypy")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Install the contenders and measure; see docs/speed.md."""
    session.install("-e", ".[all]", "mmdb-writer", *CONTENDERS)
    session.run("python", "benchmarks/compare.py", "--write")
    for name in ("stages", "threads", "queued", "memory", "import_time", "scaling", "enrichment", "replay"):
        session.run("python", f"benchmarks/{name}.py")
