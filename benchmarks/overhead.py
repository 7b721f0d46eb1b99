"""What a log call costs through the whole pipeline, against plain JSON logging in the same run.

Run it: python benchmarks/overhead.py [--rounds 40] [--calls 300]

Both contenders write to a file on tmpfs where there is one, flushed per record; they alternate round by round, so
that a machine whose speed drifts slows both alike. Medians of microseconds per call, and their ratio.
"""

from __future__ import annotations

import argparse
import logging
import logging.config
import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from shapes import SHAPES

TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None


def plain_json(path: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
            },
        },
        "handlers": {"out": {"class": "logging.FileHandler", "filename": path, "formatter": "json"}},
        "loggers": {"plain": {"handlers": ["out"], "level": "INFO", "propagate": False}},
    }


def secured(path: str) -> dict[str, Any]:
    policy = {"service": "benchmark", "pseudonyms.keys": "k1:" + "0" * 32}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "seclog_handlers.JsonFormatter"}},
        "handlers": {
            "out": {"class": "logging.FileHandler", "filename": path, "formatter": "json"},
            "alerts": {"class": "logging.FileHandler", "filename": path + ".alerts", "formatter": "json"},
            "escalate": {"class": "seclog_handlers.EscalationHandler", "policy": policy, "target": "alerts"},
            "secure": {
                "class": "seclog_handlers.SecurityHandler",
                "policy": policy,
                "target": "out",
                "targets": ["escalate"],
            },
        },
        "loggers": {"secured": {"handlers": ["secure"], "level": "INFO", "propagate": False}},
    }


def measure(rounds: int, calls: int) -> dict[str, tuple[float, float]]:
    plain, secure = logging.getLogger("plain"), logging.getLogger("secured")
    return {name: _compare(shape, plain, secure, rounds, calls) for name, shape in SHAPES.items()}


def _compare(shape: Any, plain: Any, secure: Any, rounds: int, calls: int) -> tuple[float, float]:
    samples: dict[Any, list[float]] = {plain: [], secure: []}
    for logger in (plain, secure):
        _time(shape, logger, calls)
    for _ in range(rounds):
        for logger, times in samples.items():
            times.append(_time(shape, logger, calls))
    return statistics.median(samples[plain]), statistics.median(samples[secure])


def _time(shape: Any, logger: Any, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        shape(logger)
    return (time.perf_counter() - start) / calls * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=300)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        logging.config.dictConfig(plain_json(os.path.join(folder, "plain.log")))
        logging.config.dictConfig(secured(os.path.join(folder, "secured.log")))
        print(f"{'shape':38} {'plain JSON us':>14} {'pipeline us':>12} {'ratio':>6}")
        for name, (plain, secure) in measure(arguments.rounds, arguments.calls).items():
            print(f"{name:38} {plain:14.1f} {secure:12.1f} {secure / plain:6.2f}")
        logging.shutdown()


if __name__ == "__main__":
    main()
