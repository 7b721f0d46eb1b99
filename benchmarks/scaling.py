"""How the cost of a record grows: with its size, its depth, the number of the user's keys, patterns and rules.

Run it: python benchmarks/scaling.py [--rounds 5]

Size and depth should grow it linearly up to the cap, keys not at all, 100 patterns by at most a fifth. Each text is
new, so that no cache helps. CPU microseconds per call, best of rounds.
"""

from __future__ import annotations

import argparse
import logging
import logging.config
import random
import string
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import shapes
from contenders import configuration

TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None
WORDS = tuple("".join(random.Random(seed).choices(string.ascii_lowercase, k=3 + seed % 7)) for seed in range(2000))


def text(size: int, seed: int) -> str:
    """Return a clean text of about that many characters, words and numbers, as no other seed makes it."""
    choose = random.Random(seed)
    parts, length = [], 0
    while length < size:
        word = choose.choice(WORDS) if choose.random() < 0.85 else str(choose.randrange(10_000))
        parts.append(word)
        length += len(word) + 1
    return " ".join(parts)


def nested(depth: int, seed: int) -> Any:
    return {"item": nested(depth - 1, seed), "note": f"step {seed}"} if depth else seed


def cost(folder: str, rounds: int, make: Callable[[int], dict[str, Any]], calls: int, **settings: Any) -> float:
    """Return CPU microseconds per call of the whole pipeline for records that `make` makes."""
    rules = settings.pop("rules", None)
    config = configuration(str(Path(folder) / "log"), **settings)
    if rules is not None:
        config["handlers"]["escalate"]["rules"] = rules
    logging.config.dictConfig(config)
    logger = logging.getLogger("benchmark")
    best, seed = float("inf"), 0
    for _ in range(rounds):
        extras = [make(seed + number) for number in range(calls)]
        seed += calls
        start = time.process_time()
        for extra in extras:
            logger.info("api_response", extra=extra)
        best = min(best, (time.process_time() - start) / calls * 1e6)
    logging.shutdown()
    return best


def show(title: str, rows: dict[str, float], sizes: dict[str, float] | None = None) -> None:
    print(f"\n{title}")
    for name, microseconds in rows.items():
        each = f"{microseconds / sizes[name] * 1000:12.2f} us/kB" if sizes else ""
        print(f"  {name:>12}{microseconds:12.1f} us{each}")


def rule(number: int) -> dict[str, Any]:
    where = {"event_type": "api_response", "status_code": 600 + number}
    return {"name": f"rule{number}", "where": where, "by": ["ip_address"], "count": 5, "within": 600}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    event = shapes.API_RESPONSE
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        sizes = {f"{size:,} B": float(size) for size in (100, 1_000, 10_000, 100_000, 1_000_000)}
        rows = {
            name: cost(folder, rounds, lambda seed, size=size: {**event, "note": text(int(size), seed)}, max(3, int(2e5 // size) % 500))
            for name, size in sizes.items()
        }  # fmt: skip
        show("size of one text (cut at 256 kB)", rows, sizes)
        depths = (1, 2, 4, 8, 12, 16)
        show(
            "depth",
            {
                str(depth): cost(folder, rounds, lambda seed, depth=depth: {**event, "data": nested(depth, seed)}, 200)
                for depth in depths
            },
        )
        note = lambda seed: {**event, "note": text(200, seed)}  # noqa: E731
        keys = {str(number): [f"internal_field_{each}" for each in range(number)] for number in (0, 10, 100, 1_000)}
        show(
            "the user's keys",
            {name: cost(folder, rounds, note, 300, **{"redact.keys": given}) for name, given in keys.items()},
        )
        patterns = {
            str(number): [f"\\bINT{each:03d}-[0-9A-F]{{12}}\\b" for each in range(number)] for number in (0, 10, 100)
        }
        show(
            "the user's patterns",
            {name: cost(folder, rounds, note, 300, **{"redact.patterns": given}) for name, given in patterns.items()},
        )
        rules = {str(number): [rule(each) for each in range(number)] for number in (1, 10, 100)}
        show("rules", {name: cost(folder, rounds, note, 300, rules=given) for name, given in rules.items()})


if __name__ == "__main__":
    main()
