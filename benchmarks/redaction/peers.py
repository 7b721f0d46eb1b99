"""Scores this package and its peers side by side, over the rows of cases.py and benign.py.

python3.11 -m venv peers && peers/bin/pip install . -r benchmarks/redaction/peers.txt
peers/bin/python benchmarks/redaction/peers.py --seed 1 --write
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import platform
import sys
import time
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent)]

from benign import benign  # noqa: E402 - its folder is put on the path above
from cases import Row, positives  # noqa: E402
from contestants import CONTESTANTS, FIELDS, Call, Contestant, plain  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "redaction-peers.md"
GROUPS = ("token", "key-value", "structure", "url", "http", "pii", "encoding", "record")
DATA = "data"  # the field in which a row's value is logged if it is no text
TYPICAL = (
    "2026-09-21 14:13:20,228 order 38821 of customer 1834 confirmed in 31 ms, request "
    "301850c5-a38f-d547-923a-736994e3bf91 from 203.0.113.77 via GET /api/v1/orders/38821/items?page=2&sort=price 200 5123 web-7"
)


def call(row: Row) -> Call:
    """The log call of a row. Rows are copied: some packages change what they are given."""
    row = copy.deepcopy(row)
    if isinstance(row.value, str) or row.args is not None:
        return row.value, row.args, row.extra
    return "event", None, {DATA: row.value, **row.extra}


def texts(value: Any) -> list[str]:
    """Everything readable in what was written: strings, keys, numbers."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (str(key), *texts(item))]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in texts(item)]
    return [value if isinstance(value, str) else str(value)]


def readable(shown: dict[str, Any]) -> str:
    return "\n".join(texts(shown))


def score(contestant: Contestant, rows: list[Row], clean: list[Row]) -> dict[str, Any]:
    write, bare = contestant.prepare(), plain()
    total: Counter[str] = Counter()
    leaked: Counter[str] = Counter()
    failed = lost = altered = 0
    for row in rows:
        total[row.group] += 1
        before = readable(bare(call(row)))
        try:
            shown = readable(written := write(call(row)))
        except Exception:  # nothing was written: nothing leaked, and nothing was logged
            written = {"line": ""}
        if written == {"line": ""}:
            failed += 1
            lost += bool(row.stays)
            continue
        leaked[row.group] += any(secret in shown for secret in row.secrets)
        lost += any(word in before and word not in shown for word in row.stays)
    for row in clean:
        before = bare(call(row))
        try:
            shown = write(call(row))
            altered += any(shown.get(name) != value for name, value in before.items())
        except Exception:
            altered += 1
    recall = {group: 100 - 100 * leaked[group] / total[group] for group in GROUPS}
    return {
        "mean": sum(recall.values()) / len(GROUPS), **recall, "altered": 100 * altered / len(clean),
        "lost": 100 * lost / len(rows), "failed": failed, "cost": cost(write) - cost(bare),
    }  # fmt: skip


def cost(write: Any, count: int = 200, rounds: int = 15) -> float:
    """Microseconds of this thread for one typical line of 230 bytes without a secret, best of several rounds."""
    best = float("inf")
    calls = [(f"{TYPICAL} {number}", None, {}) for number in range(count)]
    for _ in range(rounds):
        start = time.thread_time()
        for item in calls:
            write(item)
        best = min(best, time.thread_time() - start)
    return best / count * 1e6


def writable(rows: list[Row]) -> list[Row]:
    """The rows that plain JSON logging can write: it fails on keys that are bytes."""
    bare = plain()
    return [row for row in rows if "line" not in bare(call(row))]


def versions(name: str) -> str:
    try:
        return version(name.partition(",")[0])
    except PackageNotFoundError:
        return "this checkout"


def table(results: list[tuple[Contestant, dict[str, Any]]]) -> str:
    lines = [
        "| package | mean | " + " | ".join(GROUPS) + " | benign altered | context lost | cost |",
        "|---" * (len(GROUPS) + 5) + "|",
    ]
    for contestant, result in results:
        cells = [f"{result[group]:.1f}" for group in ("mean", *GROUPS)]
        price = f"{result['cost']:.0f} us" if contestant.is_line else "-"
        cells += [f"{result['altered']:.1f} %", f"{result['lost']:.1f} %", price]
        lines.append(f"| {contestant.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(results: list[tuple[Contestant, dict[str, Any]]], options: argparse.Namespace, rows: int, clean: int) -> str:
    given = "\n".join(
        f"| {contestant.name} | {versions(contestant.name)} | {contestant.given} |" for contestant, _ in results
    )
    return f"""# Redaction beside its peers

<!-- Written by benchmarks/redaction/peers.py: do not edit by hand. -->

**The rows are ours.** The generator (`benchmarks/redaction/cases.py`, `benign.py`) was written by the authors of this
package, who have fixed what it showed: a package that nobody has tuned on these rows starts at a disadvantage, and its
authors may rightly call other things secret. Read the table as what remains readable of *these* rows, not as a grade. The packages are built for different
things: depii for personal data in prose, sentry's and logfire's scrubbers for their own events, by the names of
fields; maskerlogger for the tokens that gitleaks knows. What this package reached on rows that it had never seen is in
[redaction.md](redaction.md). Bring your own rows: `positives()` and `benign()` return plain lists.

Recall in per cent by group of rows, and their mean: {rows:,} log calls with planted secrets, of which none may be readable in what is
written. Of {clean:,} benign calls, those of which a field came out differently (an IP address is benign: these are security
logs). Context lost: rows with a secret in which words beside it went too. Cost: what the package adds to one JSON line of 230 bytes without a secret; none is
given for packages that write no line.

{table(results)}

What each was given, all in front of the same JSON formatter (`python-json-logger`, `%(message)s` and the fields of `extra`) where it has none of its own:

| package | version | set-up |
|---|---|---|
{given}

A call that a package failed on counts as a secret kept ({"; ".join(f"{contestant.name}: {result['failed']}" for contestant, result in results if result["failed"]) or "none did"}). Values that are no text are
logged as a field named `{DATA}`. Seed {options.seed}, {options.rounds} rounds, Python {platform.python_version()}, {platform.machine()}; microseconds hold on this machine only.

```console
$ python3.11 -m venv peers && peers/bin/pip install . -r benchmarks/redaction/peers.txt
$ peers/bin/python benchmarks/redaction/peers.py --seed {options.seed} --write
```
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default="", help="packages whose name contains this")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args()
    logging.raiseExceptions = False
    rows = writable(positives(options.seed, options.rounds))
    clean = writable(benign(options.seed, options.rounds))
    FIELDS[:] = sorted({DATA, *(name for row in (*rows, *clean) for name in row.extra)})
    results = []
    for contestant in CONTESTANTS:
        if options.only in contestant.name:
            results.append((contestant, score(contestant, rows, clean)))
            print(
                contestant.name,
                json.dumps({name: round(value, 1) for name, value in results[-1][1].items()}),
                flush=True,
            )
    results.sort(key=lambda item: -item[1]["mean"])
    print(table(results))
    if options.write:
        PAGE.write_text(page(results, options, len(rows), len(clean)), encoding="utf-8")


if __name__ == "__main__":
    main()
