"""What a log call costs: this package's whole pipeline against loggers without any security, and against redactors.

Run it: python benchmarks/compare.py [--rounds 30] [--calls 200] [--only NAME ...] [--write]

`nox -s benchmarks` installs the contenders first. Each works in a process of its own, so that none finds another's
caches warm, and writes to a file on tmpfs, flushed per record. They alternate round by round: a machine whose speed
drifts slows all alike. The figures are medians of CPU microseconds per call; the ratios are medians of each round's ratio
to python-json-logger's JsonFormatter. With --write the table and a chart go to docs/.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from charts import bars
from contenders import BASE, CONTENDERS, FRESH, OURS
from databases import city_database
from shapes import SHAPES

DOCS = Path(__file__).parents[1] / "docs"
TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None
TITLES = {**{title[0]: title for title in SHAPES}, "fresh": FRESH}
Samples = dict[str, dict[str, list[float]]]


class Contender:
    """One contender's process."""

    def __init__(self, name: str, folder: str, database: str) -> None:
        own = Path(folder) / f"contender-{len(list(Path(folder).iterdir()))}"
        own.mkdir()
        command = [sys.executable, str(Path(__file__).parent / "contenders.py"), name, str(own), database]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.name = name
        self._log = own / "log"
        self.ready = self._line() == "ready"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def time(self, shape: str, calls: int) -> float:
        """Return microseconds per call."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{shape} {calls}\n")
        self._process.stdin.flush()
        return float(self._line())

    def why_not(self) -> str:
        """Return what the process said when it did not come up."""
        self._process.kill()
        assert self._process.stderr is not None
        return self._process.stderr.read().strip().rsplit("\n", 1)[-1]

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def start(names: list[str], folder: str) -> list[Contender]:
    """Start the contenders that are installed; the others are named."""
    database = city_database(folder) if importlib.util.find_spec("mmdb_writer") else ""
    started = [Contender(name, folder, database) for name in names]
    for contender in started:
        if not contender.ready:
            print(f"left out: {contender.name} ({contender.why_not()})")
    return [contender for contender in started if contender.ready]


def measure(contenders: list[Contender], rounds: int, calls: int, shapes: Iterable[str] = TITLES) -> Samples:
    """Return contender -> shape -> microseconds of each round."""
    samples: Samples = {contender.name: {shape: [] for shape in shapes} for contender in contenders}
    for shape in shapes:
        for contender in contenders:
            contender.time(shape, calls)
        for _ in range(rounds):
            for contender in contenders:
                samples[contender.name][shape].append(contender.time(shape, calls))
    return samples


def ratio(samples: Samples, name: str, shape: str, base: str = BASE) -> float:
    """Return the median of the rounds' ratios."""
    pairs = zip(samples[name][shape], samples[base][shape], strict=True)
    return statistics.median(mine / theirs for mine, theirs in pairs)


def table(samples: Samples) -> str:
    """Return the figures as a Markdown table: microseconds, and in brackets the ratio to the first contender."""
    lines = ["| contender | " + " | ".join([*(key for key in TITLES if key != "fresh"), "A, all new"]) + " |"]
    lines.append("|---" * (len(TITLES) + 1) + "|")
    for name, shapes in samples.items():
        cells = [
            f"{statistics.median(times):.1f} ({ratio(samples, name, shape):.2f})" for shape, times in shapes.items()
        ]
        shown = f"**{name}**" if name == OURS else name
        lines.append(f"| {shown} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write(samples: Samples) -> None:
    """Write the table and the chart that docs/speed.md shows."""
    begin, end = "<!-- compare: begin -->\n", "<!-- compare: end -->\n"
    page = DOCS / "speed.md"
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    machine = f"CPython {platform.python_version()} on {platform.system()}, {platform.machine()}."
    page.write_text(f"{head}{begin}{machine}\n\n{table(samples)}\n{end}{tail}", encoding="utf-8")
    values = {name: ratio(samples, name, "A") for name in samples}
    title = "A failed login (shape A): cost of a log call, python-json-logger's JsonFormatter = 1"
    (DOCS / "speed.svg").write_text(bars(title, values, highlight=OURS), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--only", nargs="+", default=[], help="further contenders beside ours and the base")
    parser.add_argument("--write", action="store_true", help="into docs/speed.md and docs/speed.svg")
    arguments = parser.parse_args()
    names = [name for name in CONTENDERS if not arguments.only or name in {BASE, OURS, *arguments.only}]
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        contenders = start(names, folder)
        samples = measure(contenders, arguments.rounds, arguments.calls)
        for contender in contenders:
            contender.stop()
    print("\n".join(f"{key}: {title}" for key, title in TITLES.items()), end="\n\n")
    print(table(samples))
    hand = "hand-written SecurityLogger on structlog"
    if hand in samples:
        print(
            f"\nours to the hand-written one: A {ratio(samples, OURS, 'A', hand):.2f}, all new {ratio(samples, OURS, 'fresh', hand):.2f}"
        )
    if arguments.write:
        write(samples)


if __name__ == "__main__":
    main()
