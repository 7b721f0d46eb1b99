"""What a log call costs through the whole pipeline, against plain JSON logging in the same run.

Run it: python benchmarks/overhead.py [--rounds 40] [--calls 300]

Needs no package beside this one; compare.py shows the others too. Both contenders write to a file on tmpfs where there
is one, flushed per record; they alternate round by round, so that a machine whose speed drifts slows both alike.
Medians of CPU microseconds per call, and of their ratio.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from compare import TITLES, Contender, measure, ratio
from contenders import ANSWERS, BASE, OURS

ROWS = {**TITLES, "answers": ANSWERS}
TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=300)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        contenders = [Contender(name, folder, "") for name in (BASE, OURS)]
        samples = measure(contenders, arguments.rounds, arguments.calls, ROWS)
        for contender in contenders:
            contender.stop()
    print(f"{'shape':48} {'plain JSON us':>14} {'pipeline us':>12} {'ratio':>6}")
    for shape, title in ROWS.items():
        plain, ours = (sorted(samples[name][shape])[arguments.rounds // 2] for name in (BASE, OURS))
        print(f"{title:48} {plain:14.1f} {ours:12.1f} {ratio(samples, OURS, shape):6.2f}")


if __name__ == "__main__":
    main()
