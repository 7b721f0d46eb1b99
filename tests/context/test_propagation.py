"""The request id reaches every record that the request causes, and no other."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import logging.handlers
import queue
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seclog_handlers.context import RequestIdFilter, carry, current, current_request_id, request_context
from tests.context.support import kept

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
FOLLOWS_THREADS = sys.version_info >= (3, 12)
follows_threads = pytest.mark.skipif(not FOLLOWS_THREADS, reason="Thread.start can be followed from Python 3.12 on")


def run(work: Callable[[], Any], kind: type[threading.Thread] = threading.Thread, **settings: Any) -> None:
    thread = kind(target=work, **settings)
    thread.start()
    thread.join()


def test_every_record_of_the_request_has_the_id() -> None:
    """Records made during a request carry its id, those before and after do not."""
    logger, out = kept()

    logger.info("before")
    with request_context(logger, {"request_id": "r1"}):
        logger.info("during")
    logger.info("after")

    assert out.ids() == [None, "r1", "r1", "r1", None]


def test_an_id_of_the_records_own_is_kept() -> None:
    """A record that says whose it is keeps what it says."""
    logger, out = kept()

    with request_context(logger, {"request_id": "r1"}):
        logger.info("other", extra={"request_id": "mine"})

    assert out.ids() == ["r1", "mine", "r1"]


def test_the_id_on_a_record_is_a_plain_str() -> None:
    """Formatters meet a str, not the object that the body can set the status on."""
    logger, out = kept()

    with request_context(logger, {}):
        logger.info("during")

    assert {type(request_id) for request_id in out.ids()} == {str}


def test_tasks_have_the_id_of_the_request_that_started_them() -> None:
    """Concurrent asyncio tasks and their children keep their requests apart."""
    logger, out = kept()

    async def child() -> None:
        await asyncio.sleep(0)
        logger.info("child", extra={"wanted": asyncio.current_task().get_name()})  # type: ignore[union-attr]

    async def serve(name: str) -> None:
        with request_context(logger, {"request_id": name}):
            await asyncio.gather(*(asyncio.create_task(child(), name=name) for _ in range(3)))

    async def main() -> None:
        await asyncio.gather(*(serve(f"r{number}") for number in range(10)))

    asyncio.run(main())

    said = [record for record in out.records if record.msg == "child"]
    assert len(said) == 30
    assert all(record.request_id == record.wanted for record in said)  # type: ignore[attr-defined]


def test_to_thread_has_the_id() -> None:
    """asyncio.to_thread brings the context along."""
    logger, out = kept()

    async def main() -> None:
        with request_context(logger, {"request_id": "r1"}):
            await asyncio.to_thread(logger.info, "thread")

    asyncio.run(main())

    assert out.ids() == ["r1", "r1", "r1"]


@follows_threads
def test_a_thread_has_the_id_of_the_request_that_started_it() -> None:
    """A plain Thread, a subclass of it, a Timer, and a thread started by one of them all know the request."""
    logger, out = kept()

    class Worker(threading.Thread):
        def start(self) -> None:
            super().start()

    with request_context(logger, {"request_id": "r1"}):
        run(lambda: logger.info("thread"))
        run(lambda: logger.info("subclass"), Worker)
        run(lambda: run(lambda: logger.info("nested")))
        timer = threading.Timer(0, logger.info, ("timer",))
        timer.start()
        timer.join()

    assert out.ids() == ["r1"] * 6


@follows_threads
def test_a_thread_outside_of_requests_has_no_id() -> None:
    """Threads that were started before, after or beside a request are none of its business."""
    logger, out = kept()
    inside, logged = threading.Event(), threading.Event()

    def beside() -> None:
        inside.wait(60)
        logger.info("beside")
        logged.set()

    early = threading.Thread(target=beside)
    early.start()
    with request_context(logger, {"request_id": "r1"}):
        inside.set()
        logged.wait(60)
    early.join()
    run(lambda: logger.info("after"))

    assert {record.msg: getattr(record, "request_id", None) for record in out.records if not hasattr(record, "event_type")} == {
        "beside": None, "after": None,
    }  # fmt: skip


@follows_threads
def test_a_thread_keeps_the_id_after_the_response_but_a_daemon_does_not() -> None:
    """Work that a request left behind is still its own; a daemon that it happened to start serves the program."""
    logger, out = kept()
    ended = threading.Event()

    def late(name: str) -> None:
        ended.wait(60)
        logger.info(name)

    with request_context(logger, {"request_id": "r1"}):
        threads = [threading.Thread(target=late, args=(str(daemon),), daemon=daemon) for daemon in (False, True)]
        for thread in threads:
            thread.start()
    ended.set()
    for thread in threads:
        thread.join()

    said = {record.msg: getattr(record, "request_id", None) for record in out.records}
    assert (said["False"], said["True"]) == ("r1", None)


def test_a_pools_threads_belong_to_no_request() -> None:
    """A pool's thread that one request started does not put its id on the work of others."""
    logger, out = kept()

    with ThreadPoolExecutor(1) as pool:
        with request_context(logger, {"request_id": "r1"}):
            pool.submit(logger.info, "first").result()
        pool.submit(logger.info, "second").result()

    said = {record.msg: getattr(record, "request_id", None) for record in out.records}
    assert (said["first"], said["second"]) == (None, None)


def test_carry_brings_the_id_into_threads_and_pools() -> None:
    """Work that is handed over with `carry` knows its request on every Python, and the thread forgets it again."""
    logger, out = kept()

    with ThreadPoolExecutor(1) as pool:
        with request_context(logger, {"request_id": "r1"}):
            pool.submit(carry(logger.info), "pool").result()
            run(carry(lambda: logger.info("thread")))
            forgotten = pool.submit(current_request_id).result()
        out_of_request = pool.submit(carry(current_request_id)).result()

    assert out.ids() == ["r1"] * 4
    assert (forgotten, out_of_request) == (None, None)


def test_carry_passes_arguments_results_and_errors() -> None:
    """A carried function is called as it would be."""
    assert carry(divmod)(7, 2) == (3, 1)
    assert carry(int)("11", base=2) == 3
    with pytest.raises(ZeroDivisionError):
        carry(divmod)(1, 0)


def test_a_listeners_thread_does_not_claim_the_records_of_others() -> None:
    """A queue's records keep the ids of where they were made, even if a request works on them."""
    logger, out = kept()
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    source = logging.getLogger("elsewhere")
    source.handlers[:] = [logging.handlers.QueueHandler(records)]
    source.propagate = False
    run(lambda: source.warning("made in another thread"))

    with request_context(logger, {"request_id": "r1"}):
        out.handle(records.get())

    assert out.ids() == ["r1", None, "r1"]


def test_a_context_that_is_left_elsewhere_is_left() -> None:
    """A server that ends the request in another context than it began it in leaves no id behind there."""
    logger, _ = kept()
    context = request_context(logger, {"request_id": "r1"})
    elsewhere = contextvars.copy_context()
    elsewhere.run(context.__enter__)

    copied = elsewhere.run(contextvars.copy_context)
    copied.run(context.__exit__, None, None, None)

    assert copied.run(current_request_id) is None
    assert current_request_id() is None


def test_the_filter_passes_everything() -> None:
    """RequestIdFilter drops no record, whatever is on it."""
    stage = RequestIdFilter()

    assert stage.filter(logging.makeLogRecord({}))
    assert stage.filter(logging.makeLogRecord({"request_id": object(), "thread": None}))


@follows_threads
def test_a_program_whose_tools_are_all_taken_starts_threads_as_ever() -> None:
    """Where a debugger and a profiler hold every number of sys.monitoring, threads run, without the id."""
    script = (
        "import sys, threading\n"
        "from seclog_handlers.context import current_request_id, request_context\n"
        "for tool in (3, 4): sys.monitoring.use_tool_id(tool, 'other')\n"
        "with request_context('app', {'request_id': 'r1'}):\n"
        "    thread = threading.Thread(target=lambda: print(current_request_id()))\n"
        "    thread.start(); thread.join()\n"
        "    print(current_request_id())\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout.split() == ["None", "r1"]


@follows_threads
def test_another_pythons_thread_start_does_no_harm() -> None:
    """If a later Python's Thread.start looks different, the thread has no id; its start does not fail."""
    with request_context("app", {"request_id": "r1"}):
        current._on_thread_start(None, 0)

        assert current_request_id() == "r1"


def test_records_without_a_thread_get_the_id() -> None:
    """With logging.logThreads off, records do not say which thread made them: they are taken for this one's."""
    logger, _ = kept()
    record = logging.makeLogRecord({"thread": None})

    with request_context(logger, {"request_id": "r1"}):
        RequestIdFilter().filter(record)

    assert record.request_id == "r1"  # type: ignore[attr-defined]
