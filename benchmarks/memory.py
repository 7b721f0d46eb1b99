"""Memory: after the import, in steady state with every cache full, and under a million keys that an attacker chose.

Run it: python benchmarks/memory.py [--keys 1000000]

Each figure is the resident memory of a process of its own (Linux), beside a process that does the same with
python-json-logger alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None
# Distinct users, addresses, sessions and texts that fill every bounded cache of the default policy.
FULL = 100_000

SCRIPT = """
import gc, logging, logging.config, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {here!r})
import shapes
from contenders import CONTENDERS
calls = CONTENDERS[{name!r}]({path!r}, "")
for shape in "ABCDEF":
    calls[shape]()
for number in range({number}):
    calls["fresh"](shapes.fresh_login(number))
gc.collect()
pages = int(open("/proc/self/statm").read().split()[1])
print(pages * {page})
"""
IMPORT = """
import logging, logging.config
{statement}
pages = int(open("/proc/self/statm").read().split()[1])
print(pages * {page})
"""


def resident(script: str) -> float:
    """Return the resident memory, in MB, that a process says it has."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 2**20


def imported(statement: str) -> float:
    return resident(IMPORT.format(statement=statement, page=os.sysconf("SC_PAGE_SIZE")))


def logged(name: str, number: int, folder: str) -> float:
    values = {"here": str(HERE), "name": name, "path": str(Path(folder) / "log"), "number": number}
    return resident(SCRIPT.format(**values, page=os.sysconf("SC_PAGE_SIZE")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    arguments = parser.parse_args()
    names = ("python-json-logger JsonFormatter", "seclog_handlers, whole pipeline")
    rows = {"import": tuple(map(imported, ("import pythonjsonlogger.json", "from seclog_handlers import *")))}
    for title, number in (("first records", 0), ("caches full", FULL), (f"{arguments.keys:,} keys", arguments.keys)):
        with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
            rows[title] = tuple(logged(name, number, folder) for name in names)
    print(f"{'MB resident':20}{'plain JSON':>12}{'pipeline':>12}{'more':>8}")
    for title, (plain, ours) in rows.items():
        print(f"{title:20}{plain:12.1f}{ours:12.1f}{ours - plain:8.1f}")


if __name__ == "__main__":
    main()
