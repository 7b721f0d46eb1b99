"""Forks under logging threads: does any child hang, is any line lost or torn?

Run it: python benchmarks/forks.py [--forks 1000] [--threads 4] [--stock]

The parent's threads log through a SecurityHandler (all stages, an EscalationHandler, a heartbeat) to a stock
FileHandler and to a SharedFileHandler while children are forked; each child logs one record and goes. With --stock the
threads log to the stock FileHandler alone, which shows what the forks would do without the pack.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import seclog_handlers

PATIENCE_S = 30  # a child that takes longer hangs
AT_ONCE = 8
EVENT = {"event_type": "authentication", "username": "alice", "success": False, "ip_address": "203.0.113.77"}


def configure(folder: Path, *, stock: bool) -> logging.Logger:
    file = logging.FileHandler(folder / "stock.log")
    shared = seclog_handlers.SharedFileHandler(str(folder / "shared.log"))
    for handler in (file, shared):
        handler.setFormatter(seclog_handlers.JsonFormatter())
    policy = {"pseudonyms.keys": "k1:" + "0" * 32, "service": "forks", "heartbeat": 0.5}
    escalate = seclog_handlers.EscalationHandler(target=shared, policy=policy)
    secure = seclog_handlers.SecurityHandler(target=file, targets=[shared, escalate], policy=policy)
    logger = logging.getLogger("forks")
    logger.propagate, logger.handlers = False, [file if stock else secure]
    logger.setLevel(logging.INFO)
    return logger


def fork(logger: logging.Logger, count: int) -> int:
    """Fork children that log once each; return how many of them hung or failed."""
    running: set[int] = set()
    hung = 0
    for number in range(count):
        child = os.fork()
        if not child:
            signal.alarm(PATIENCE_S)
            logger.info("child %d", number, extra=EVENT)
            os._exit(0)
        running.add(child)
        while running and (len(running) >= AT_ONCE or number == count - 1):
            done, status = os.wait()
            running.discard(done)
            hung += status != 0
    return hung


def check(path: Path, count: int) -> str:
    lines = path.read_text().splitlines()
    messages, torn = [], 0
    for line in lines:
        try:
            messages.append(json.loads(line)["message"])
        except ValueError:  # noqa: PERF203 - a torn line is rare
            torn += 1
    children = {message for message in messages if message.startswith("child ")}
    return f"{path.name}: {len(lines)} lines, {torn} torn, {count - len(children)} children's lines missing"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forks", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--stock", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder, began = Path(name), time.monotonic()
        logger = configure(folder, stock=options.stock)
        done = threading.Event()

        def talk() -> None:
            while not done.is_set():
                logger.info("from a thread", extra=EVENT)

        threads = [threading.Thread(target=talk) for _ in range(options.threads)]
        for thread in threads:
            thread.start()
        hung = fork(logger, options.forks)
        done.set()
        for thread in threads:
            thread.join()
        logging.shutdown()
        version = ".".join(map(str, sys.version_info[:3]))
        took = time.monotonic() - began
        print(f"Python {version}: {hung} of {options.forks} children hung or failed, {took:.0f} s")
        for path in sorted(folder.glob("*.log")):
            print("  " + check(path, options.forks))


if __name__ == "__main__":
    main()
