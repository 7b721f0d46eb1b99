"""Throughput with one thread and with several, against stdlib text in the same run.

Run it: python benchmarks/threads.py [--threads 4] [--rounds 7] [--calls 2000]

A handler holds its lock while it works, so threads that log at once wait for each other. What counts is what several
threads keep of one thread's throughput: ours should keep no less than stdlib text does. Wall time, best of rounds.
"""

from __future__ import annotations

import argparse
import logging
import logging.config
import tempfile
import threading
import time
import warnings
from pathlib import Path

import shapes
from contenders import FMT, configuration

TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None


def throughput(logger: logging.Logger, threads: int, calls: int) -> float:
    """Return records a second of all threads together."""
    ready = threading.Barrier(threads + 1)

    def work() -> None:
        ready.wait()
        for _ in range(calls // threads):
            shapes.shape_a(logger)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return calls / (time.perf_counter() - start)


def loggers(folder: str) -> dict[str, logging.Logger]:
    text = logging.getLogger("text")
    text.propagate = False
    text.setLevel(logging.INFO)
    handler = logging.FileHandler(str(Path(folder) / "text"))
    handler.setFormatter(logging.Formatter(FMT))
    text.addHandler(handler)
    logging.config.dictConfig(configuration(str(Path(folder) / "log")))
    return {"stdlib text": text, "seclog_handlers, whole pipeline": logging.getLogger("benchmark")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=2000)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    best: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        contenders = loggers(folder)
        for _ in range(arguments.rounds):
            for name, logger in contenders.items():
                for threads in (1, arguments.threads):
                    reached = throughput(logger, threads, arguments.calls)
                    best[name, threads] = max(reached, best.get((name, threads), 0))
        logging.shutdown()
    print(f"{'records a second':34}{'1 thread':>12}{f'{arguments.threads} threads':>12}{'kept':>8}")
    for name in contenders:
        one, many = best[name, 1], best[name, arguments.threads]
        print(f"{name:34}{one:12,.0f}{many:12,.0f}{many / one:8.2f}")


if __name__ == "__main__":
    main()
