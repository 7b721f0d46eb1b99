"""The price of each stage, of each handler and of the line, for the records of shapes.py.

Run it: python benchmarks/stages.py [--rounds 30] [--calls 300]

A record goes through the stages one after another, each timed over many private copies. The best round counts: what
is shown is the price itself, without what the machine did beside.
"""

from __future__ import annotations

import argparse
import logging
import logging.config
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contenders import configuration
from shapes import SHAPES

from seclog_handlers import context
from seclog_handlers._record import ensure_mark, private_copy

TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None


class Keeper(logging.Handler):
    """Keeps the records of one shape."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def records_of(shape: Callable[[logging.Logger], None], number: int) -> list[logging.LogRecord]:
    logger = logging.getLogger("benchmark.kept")
    logger.propagate = False
    keeper = Keeper()
    logger.handlers[:] = [keeper]
    for _ in range(number):
        shape(logger)
    return keeper.records


def prices(handler: Any, records: list[logging.LogRecord], rounds: int) -> dict[str, float]:
    """Return step -> microseconds a record, in the order of the way."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, seconds in _walk(handler, records):
            price = seconds / len(records) * 1e6
            best[name] = min(price, best.get(name, price))
    return best


def _walk(handler: Any, records: list[logging.LogRecord]) -> Any:
    copies: list[logging.LogRecord] = []
    yield "private copy", _time(lambda record: copies.append(private_copy(record)), records)
    for copy in copies:
        ensure_mark(copy).output = handler.output
    yield "request id", _time(context.apply, copies)
    for stage in handler._stages:
        yield type(stage).__name__, _time(stage.filter, copies)
    for target in handler.chain:
        if target.formatter is not None:
            yield "line", _time(target.format, copies)
            yield "line, written", _time(target.handle, copies)
        else:
            yield type(target).__name__, _time(target.handle, copies)


def _time(step: Callable[[logging.LogRecord], Any], records: list[logging.LogRecord]) -> float:
    start = time.process_time()
    for record in records:
        step(record)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=300)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    columns: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        logging.config.dictConfig(configuration(str(Path(folder) / "log")))
        logger = logging.getLogger("benchmark")
        for title, shape in SHAPES.items():
            shape(logger)
            columns[title[0]] = prices(logger.handlers[0], records_of(shape, arguments.calls), arguments.rounds)
        logging.shutdown()
    print(f"{'us a record':20}" + "".join(f"{letter:>8}" for letter in columns))
    for step in next(iter(columns.values())):
        print(f"{step:20}" + "".join(f"{column[step]:8.2f}" for column in columns.values()))


if __name__ == "__main__":
    main()
