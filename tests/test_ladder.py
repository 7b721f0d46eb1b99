"""The import ladder: each room imports only from below it, engines know nothing of logging."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "seclog_handlers"
# Room -> rung. A module may import from its own room, from its own rung, or from below.
RUNGS = {
    "errors": 0, "_config": 0, "_record": 1, "rendering": 1, "_message": 1, "_template": 1, "_occurrences": 1,
    "redaction": 2, "pseudonym": 2, "enrichment": 2, "detection": 2, "access": 2, "events": 2,
    "formatters": 3, "filters": 3, "adapter": 3,
    "context": 4, "policy": 4,
    "handlers": 5, "integrations": 6, "cli": 7,
}  # fmt: skip
ENGINES = {"redaction", "pseudonym", "enrichment", "detection", "access", "events"}
MODULES = sorted(PACKAGE.rglob("*.py"))
# At module level only what every user has anyway; the rest at first use.
HEAVY = {"geoip2", "maxminddb", "sqlite3", "smtplib", "urllib.request", "http.client", "orjson", "asyncio", "ssl"}


def room(path: Path) -> str:
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_the_ladder(path: Path) -> None:
    """No module imports from a room above its own, and nobody imports the command line."""
    if path == PACKAGE / "__init__.py":
        return
    own = room(path)

    for name in imports(path):
        if name.startswith("seclog_handlers."):
            target = name.split(".")[1]
            assert RUNGS[target] <= RUNGS[own], f"{own} imports {name}"
            assert target != "cli" or own == "cli"


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_engines_know_nothing_of_logging(engine: str) -> None:
    """An engine is values in, values out: it never imports logging."""
    for path in MODULES:
        if room(path) == engine:
            assert not {name for name in imports(path) if name.split(".")[0] == "logging"}, path


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Databases, network and geo modules are imported at first use only."""
    script = (
        "import sys, pythonjsonlogger.core; before = set(sys.modules);"
        "import seclog_handlers as s; s.SecurityHandler; s.EscalationHandler; s.JsonFormatter;"
        f"print(sorted((set(sys.modules) - before) & {HEAVY!r} - {{'orjson'}}))"
    )

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PACKAGE.parent)

    assert loaded.stdout.strip() == "[]", loaded.stderr
