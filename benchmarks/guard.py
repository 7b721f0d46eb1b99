"""Counts what a log call executes, so that a change that makes it dearer is seen on any machine, however busy.

Run it: python benchmarks/guard.py            prints the counts beside the baseline's
        python benchmarks/guard.py --update   makes the counts of this Python the baseline

Counted are the bytecode instructions and the calls of C functions of one warm log call through the whole pipeline,
per shape of shapes.py: the least of several calls, since once a second a timestamp is made anew. The baseline is
guard.json, per minor version of Python; tests/test_cost.py fails when a count is more than a twentieth above it.
"""

from __future__ import annotations

import argparse
import json
import logging
import logging.config
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contenders import configuration
from shapes import SHAPES

BASELINE = Path(__file__).with_suffix(".json")
VERSION = "{}.{}".format(*sys.version_info)
WARM, RUNS = 60, 8


def instructions(call: Callable[[], Any]) -> int:
    """Return how many bytecode instructions and calls of C functions a call takes."""
    return _traced(call) if sys.version_info < (3, 12) else _monitored(call)


def _traced(call: Callable[[], Any]) -> int:
    count = 0

    def trace(frame: Any, event: str, _argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            count += 1
        return trace

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        if event == "c_call":
            count += 1

    sys.setprofile(profile)
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
        sys.setprofile(None)
    return count


def _monitored(call: Callable[[], Any]) -> int:
    count = 0

    def see(*_arguments: Any) -> None:
        nonlocal count
        count += 1

    monitoring, tool = sys.monitoring, 3
    events = monitoring.events.INSTRUCTION | monitoring.events.CALL
    monitoring.use_tool_id(tool, "guard")
    for event in (monitoring.events.INSTRUCTION, monitoring.events.CALL):
        monitoring.register_callback(tool, event, see)
    monitoring.set_events(tool, events)
    try:
        call()
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
    return count


def counts() -> dict[str, int]:
    """Return shape -> count."""
    warnings.simplefilter("ignore")
    found: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        logging.config.dictConfig(configuration(str(Path(folder) / "log")))
        logger = logging.getLogger("benchmark")
        for title, shape in SHAPES.items():
            for _ in range(WARM):
                shape(logger)
            found[title[0]] = min(instructions(lambda shape=shape: shape(logger)) for _ in range(RUNS))
        logging.shutdown()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true")
    update = parser.parse_args().update
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    found = counts()
    print(json.dumps({"found": found, "baseline": known.get(VERSION)}))
    if update:
        known[VERSION] = found
        BASELINE.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
