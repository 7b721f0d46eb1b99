"""QueueHandler: the log call only leaves the record; nothing else about it changes."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.config
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers import ConfigurationError, JsonFormatter, QueueHandler, SecurityHandler, request_context, stats
from tests.support import KEY, record

ROOT = Path(__file__).parents[2]


class Target(logging.Handler):
    """Remembers what it was given and by whom, and can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.on_emit: Any = None

    def emit(self, record: logging.LogRecord) -> None:
        assert self.gate.wait(60)
        self.seen.append(record.getMessage())
        self.threads.add(threading.get_ident())
        if self.on_emit is not None:
            self.on_emit(record)


def put(handler: logging.Handler, *messages: Any) -> None:
    for message in messages:
        handler.handle(record(str(message)))


def test_another_thread_does_the_work() -> None:
    """A log call returns while the target is still busy; the order stays."""
    target = Target()
    handler = QueueHandler(target)
    target.gate.clear()

    put(handler, *range(100))
    taken = list(target.seen)
    target.gate.set()
    handler.flush()

    assert taken == []
    assert target.seen == [str(number) for number in range(100)]


def test_records_arrive_without_a_flush() -> None:
    """The thread comes by itself, also after it has slept."""
    target, arrived = Target(), threading.Semaphore(0)
    target.on_emit = lambda _record: arrived.release()
    handler = QueueHandler(target)

    for number in range(3):
        put(handler, number)
        assert arrived.acquire(timeout=60)
        if number:
            while not handler._asleep:  # let it lie down
                threading.Event().wait(0.01)

    assert target.threads.isdisjoint({threading.get_ident()})
    handler.close()


def test_a_full_queue_is_handed_on_by_the_log_call() -> None:
    """No more than `capacity` wait, none is lost, and they keep their order."""
    target = Target()
    handler = QueueHandler(target, capacity=10)

    put(handler, *range(500))

    assert handler.report()["pending"] <= 10
    handler.flush()
    assert target.seen == [str(number) for number in range(500)]
    assert stats()["QueueHandler"]["targets"]["Target"]["written"] == 500
    handler.close()


def test_every_record_is_counted() -> None:
    """All calls = written + pending + dropped, from many threads."""
    target = Target()
    handler = QueueHandler(target, capacity=50)
    threads = [threading.Thread(target=put, args=(handler, *range(200))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counted = handler.report()
    handler.close()

    assert counted["calls"] == 1600
    assert handler.report()["targets"]["Target"]["written"] == len(target.seen) == 1600


def test_closed_it_has_handed_on_everything_and_works_again() -> None:
    """Frameworks close handlers and go on using them."""
    target = Target()
    handler = QueueHandler(target)

    put(handler, 1)
    handler.close()
    seen = list(target.seen)
    put(handler, 2)
    handler.flush()

    assert seen == ["1"]
    assert target.seen == ["1", "2"]
    assert any(reference() is handler for reference in logging._handlerList)
    handler.close()


def test_a_target_that_logs_whenever_it_writes_ends() -> None:
    """What it logs is handed on a few times, then dropped and counted."""
    target = Target()
    handler = QueueHandler(target)
    target.on_emit = lambda _record: put(handler, "again")

    put(handler, "first")
    handler.flush()

    assert 2 <= len(target.seen) <= 20
    report = handler.report()
    assert report["dropped"] == {"recursion": 1}
    assert report["calls"] == report["targets"]["Target"]["written"] + 1
    handler.close()


def test_a_target_that_raises_stops_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """The failure is counted, the next record is handed on."""
    target = Target()
    handler = QueueHandler(target)

    def fail(taken: logging.LogRecord) -> None:
        if taken.getMessage() == "1":
            raise RuntimeError("hunter2")

    target.on_emit = fail
    put(handler, 1, 2)
    handler.flush()

    assert target.seen == ["1", "2"]
    assert handler.report()["targets"]["Target"]["dropped"] == {"RuntimeError": 1}
    assert "hunter2" not in capfd.readouterr().err
    handler.close()


def test_the_request_of_the_log_call_stays_known() -> None:
    """The request id is the caller's, not the thread's, and the caller's record is left alone."""
    lines: list[dict[str, Any]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonFormatter().format(record)))

    handler = QueueHandler(SecurityHandler(Lines(), policy={"pseudonyms.keys": KEY}))
    logger = logging.getLogger("queued")
    logger.propagate, logger.handlers = False, [handler]
    original = record("inside")

    with request_context(logger, {"headers": {"X-Request-ID": "r-1"}, "method": "GET", "path": "/"}):
        handler.handle(original)
    handler.flush()

    [inside] = [line for line in lines if line["message"] == "inside"]
    assert inside["request_id"] == "r-1"
    assert "request_id" not in original.__dict__
    handler.close()


def test_the_task_of_the_log_call_stays_known() -> None:
    """One thread serves many requests under asyncio: whose record it is, its task tells."""
    target = Target()
    names: list[Any] = []
    target.on_emit = lambda taken: names.append(taken.__dict__.get("taskName"))
    handler = QueueHandler(target)
    logger = logging.getLogger("queued.task")
    logger.propagate, logger.handlers = False, [handler]

    async def serve() -> None:
        asyncio.current_task().set_name("request-7")  # type: ignore[union-attr]
        logger.warning("served")

    asyncio.run(serve())
    handler.flush()

    assert names == ["request-7"]
    handler.close()


def test_a_filter_that_refuses_keeps_the_record_out() -> None:
    """Filters of the handler act in the log call."""
    target = Target()
    handler = QueueHandler(target)
    handler.addFilter(lambda taken: taken.getMessage() != "no")

    put(handler, "no", "yes")
    handler.flush()

    assert target.seen == ["yes"]
    handler.close()


@pytest.mark.parametrize("capacity", [0, "many", None])
def test_a_capacity_that_is_none_is_refused(capacity: Any) -> None:
    """The start stops with a sentence that names what was given."""
    with pytest.raises(ConfigurationError, match="capacity"):
        QueueHandler(capacity=capacity)


INI = """
[loggers]
keys = root
[handlers]
keys = queue, secure, out
[formatters]
keys = json
[logger_root]
level = INFO
handlers = queue
[handler_queue]
class = seclog_handlers.QueueHandler
kwargs = {"capacity": 1000}
target = secure
[handler_secure]
class = seclog_handlers.SecurityHandler
kwargs = {"policy": {"pseudonyms.keys": "k1:0123456789abcdef0123456789abcdef"}}
target = out
[handler_out]
class = StreamHandler
args = (sys.stdout,)
formatter = json
[formatter_json]
class = seclog_handlers.JsonFormatter
"""
PROGRAM = """
import logging, logging.config, os, sys
{configure}
logging.info("parent %s", "password=hunter2-secret")
if not os.fork():
    logging.info("child")
    logging.shutdown()
    os._exit(0)
os.wait()
logging.info("last")
"""
BY_INI = "logging.config.fileConfig(sys.argv[1], disable_existing_loggers=False)"
BY_DICT = """
logging.config.dictConfig({"version": 1, "formatters": {"json": {"()": "seclog_handlers.JsonFormatter"}},
 "handlers": {"queue": {"class": "seclog_handlers.QueueHandler", "capacity": 1000, "target": "secure"},
 "secure": {"class": "seclog_handlers.SecurityHandler", "target": "out",
 "policy": {"pseudonyms.keys": "k1:0123456789abcdef0123456789abcdef"}},
 "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
 "root": {"level": "INFO", "handlers": ["queue"]}})
"""


@pytest.mark.parametrize("configure", [BY_INI, BY_DICT], ids=["ini", "dict"])
def test_nothing_is_lost_at_exit_and_a_child_logs_for_itself(configure: str, tmp_path: Path) -> None:
    """Configured by either kind of file: a plain exit writes what waits, and a fork doubles nothing."""
    (tmp_path / "logging.ini").write_text(textwrap.dedent(INI))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(configure=configure), str(tmp_path / "logging.ini")],
        env=environment, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    messages = [json.loads(line)["message"] for line in done.stdout.splitlines()]
    assert sorted(messages) == ["child", "last", "parent password=[REDACTED]"]
    assert "hunter2" not in done.stdout + done.stderr
