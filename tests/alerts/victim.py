"""A process that logs alerts and says, after each log call has returned, which one: to be killed by a test.

Usage: python victim.py SPOOL URL FIRST COUNT PAUSE [--deliver | --wait-line | --stay]
"""

from __future__ import annotations

import argparse
import os
import time
import warnings

from seclog_handlers.handlers.alerts import AlertHandler
from tests.alerts.records import alert
from tests.alerts.servers import until, waiting


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("spool")
    parser.add_argument("url")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("pause", type=float)
    parser.add_argument("--deliver", action="store_true", help="end only when nothing waits in the spool")
    parser.add_argument("--stay", action="store_true", help="end only when standard input ends")
    parser.add_argument("--wait-line", action="store_true", help="log only when a line has come")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    handler = AlertHandler((args.url,), args.spool, 0.02, 0.02, drain_timeout=60, per_minute=100_000)
    handler.start()
    os.write(1, b"started\n")
    if args.wait_line:
        os.read(0, 1)
    for number in range(args.first, args.first + args.count):
        handler.handle(alert(number))
        os.write(1, b"%d\n" % number)
        time.sleep(args.pause)
    if args.deliver:
        until(lambda: not waiting(args.spool))
    if args.stay:
        os.read(0, 1)
    handler.close()
    os.write(1, b"closed\n")


if __name__ == "__main__":
    main()
