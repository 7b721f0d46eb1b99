"""What a log call costs its caller when a QueueHandler stands in front, against synchronous stdlib text.

Run it: python benchmarks/queued.py [--rounds 30] [--burst 100]

Bursts of log calls, as a request makes them, with the queue worked off between two bursts. Contenders alternate;
medians of wall microseconds per call in the calling thread, and of the ratio to stdlib text. The stock QueueHandler
formats the record in the caller (`prepare`) and is given a listener; both queues end in the whole pipeline.
"""

from __future__ import annotations

import argparse
import logging
import logging.config
import logging.handlers
import queue
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from contenders import FMT, configuration
from shapes import SHAPES

TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None
BASE = "stdlib text, synchronous"


def logger_of(name: str, handler: logging.Handler) -> logging.Logger:
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.handlers[:] = [handler]
    return logger


def contenders(folder: str) -> dict[str, tuple[logging.Logger, Callable[[], object]]]:
    """Return name -> logger, and what works its queue off."""
    config = configuration(str(Path(folder) / "log"))
    config["handlers"]["queue"] = {"class": "seclog_handlers.QueueHandler", "target": "secure"}
    config["loggers"] = {"ours": {"handlers": ["queue"], "level": "INFO", "propagate": False}}
    logging.config.dictConfig(config)
    ours = logging.getLogger("ours")
    secure = ours.handlers[0].target  # type: ignore[attr-defined]
    text = logging.FileHandler(str(Path(folder) / "text"))
    text.setFormatter(logging.Formatter(FMT))
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    listener = logging.handlers.QueueListener(waiting, secure)
    listener.start()
    return {
        BASE: (logger_of("text", text), lambda: None),
        "seclog_handlers.QueueHandler": (ours, ours.handlers[0].flush),
        "stock QueueHandler": (logger_of("stock", logging.handlers.QueueHandler(waiting)), waiting.join),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--burst", type=int, default=100)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        loggers = contenders(folder)
        print(f"{'us in the caller':34}" + "".join(f"{name:>34}" for name in loggers))
        for title, shape in SHAPES.items():
            times: dict[str, list[float]] = {name: [] for name in loggers}
            for _ in range(arguments.rounds):
                for name, (logger, work_off) in loggers.items():
                    start = time.perf_counter()
                    for _ in range(arguments.burst):
                        shape(logger)
                    times[name].append((time.perf_counter() - start) / arguments.burst * 1e6)
                    work_off()
            cells = [f"{statistics.median(mine):.1f} ({_ratio(mine, times[BASE]):.2f})" for mine in times.values()]
            print(f"{title:34}" + "".join(f"{cell:>34}" for cell in cells), flush=True)
        logging.shutdown()


def _ratio(mine: list[float], base: list[float]) -> float:
    return statistics.median(own / theirs for own, theirs in zip(mine, base, strict=True))


if __name__ == "__main__":
    main()
