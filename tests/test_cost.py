"""What a log call executes stays near the baseline in the repository: counted, not timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GUARD = Path(__file__).parents[1] / "benchmarks" / "guard.py"
# Libraries differ a little from version to version.
TOLERANCE = 1.05


@pytest.fixture(scope="module")
def counts() -> dict[str, dict[str, int]]:
    """Shape -> instructions, found now and in the baseline."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment |= {"PYTHONHASHSEED": "0", "PYTHONPATH": str(GUARD.parents[1])}
    done = subprocess.run(
        [sys.executable, str(GUARD)], env=environment, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("shape", list("ABCDEF"))
def test_a_log_call_executes_no_more_than_before(shape: str, counts: dict[str, dict[str, int]]) -> None:
    """A change that makes the way of a record longer is seen; if it is worth it, `guard.py --update` says so."""
    if counts["baseline"] is None:
        pytest.skip(f"guard.json has no counts of Python {sys.version_info[0]}.{sys.version_info[1]}")

    assert counts["found"][shape] <= counts["baseline"][shape] * TOLERANCE
