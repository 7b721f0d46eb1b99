"""How long the import takes, beside python-json-logger's.

Run it: python benchmarks/import_time.py [--rounds 15]

Each import is a new process that tells the time of its import statements alone; the best of all rounds counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

SCRIPT = "import logging.config, time; start = time.perf_counter(); {}; print((time.perf_counter() - start) * 1e3)"
STATEMENTS = {
    "python-json-logger": "import pythonjsonlogger.json",
    "import seclog_handlers": "import seclog_handlers",
    "its handlers and formatters": "from seclog_handlers import SecurityHandler, EscalationHandler, JsonFormatter",
    "with an AlertHandler": "from seclog_handlers import SecurityHandler, EscalationHandler, JsonFormatter, AlertHandler",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    best = dict.fromkeys(STATEMENTS, float("inf"))
    for _ in range(rounds):
        for name, statement in STATEMENTS.items():
            done = subprocess.run([sys.executable, "-c", SCRIPT.format(statement)], capture_output=True, check=True)
            best[name] = min(best[name], float(done.stdout))
    base = best["python-json-logger"]
    print(f"{'ms':32}{'import':>8}{'more than python-json-logger':>32}")
    for name, milliseconds in best.items():
        print(f"{name:32}{milliseconds:8.1f}{milliseconds - base:32.1f}")


if __name__ == "__main__":
    main()
