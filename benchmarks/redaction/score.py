"""Scores redaction: recall by group, benign rows altered, context lost. `python benchmarks/redaction/score.py --seed 1`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from benign import benign  # noqa: E402 - its folder is put on the path above
from cases import Row, positives  # noqa: E402

from seclog_handlers.redaction import Redactor  # noqa: E402


def output(redactor: Redactor, row: Row) -> str:
    """Return everything of a row that a formatter could print after redaction."""
    if row.args is not None or row.extra:
        msg, args = redactor.message(row.value, row.args or ())
        rendered = msg % args if args else msg
        return f"{rendered}\n{args!r}\n{redactor.fields(row.extra)!r}"
    value: Any = redactor.text(row.value) if isinstance(row.value, str) else redactor.value(row.value)
    return value if isinstance(value, str) else repr(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--show", type=int, default=40)
    options = parser.parse_args()
    redactor = Redactor()
    rows, clean = positives(options.seed, options.rounds), benign(options.seed, options.rounds)
    total: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    lost = 0
    examples: dict[str, list[str]] = defaultdict(list)
    start = time.perf_counter()
    for row in rows:
        shown = output(redactor, row)
        total[row.group] += 1
        if any(secret in shown for secret in row.secrets):
            missed[row.group] += 1
            examples[f"missed {row.group}/{row.notation}"].append(f"{row.value!r} -> {shown[:300]!r}")
        if not all(word in shown for word in row.stays):
            lost += 1
            examples[f"context {row.group}/{row.notation}"].append(f"{row.value!r} -> {shown[:300]!r}")
    altered = 0
    for row in clean:
        shown = output(redactor, row)
        before = row.value if isinstance(row.value, str) else repr(row.value)
        if shown != before:
            altered += 1
            examples[f"altered {row.notation}"].append(f"{row.value!r} -> {shown[:200]!r}")
    seconds = time.perf_counter() - start
    for name, texts in sorted(examples.items(), key=lambda item: -len(item[1]))[: options.show]:
        print(f"{len(texts):5} {name}\n      {texts[0][:400]}")
    print(f"\n{'group':12} {'rows':>6} {'recall':>8}")
    for group in sorted(total):
        print(f"{group:12} {total[group]:6} {100 - 100 * missed[group] / total[group]:7.2f} %")
    print(f"{'all':12} {sum(total.values()):6} {100 - 100 * sum(missed.values()) / sum(total.values()):7.2f} %")
    print(
        f"benign rows altered: {altered} of {len(clean)} ({100 * altered / len(clean):.2f} %); context lost: {lost} ({100 * lost / len(rows):.2f} %); {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
