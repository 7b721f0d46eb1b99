from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from seclog_handlers import errors

# No example is late on a busy machine.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in each run of CI: it shall say what a change broke. By hand they differ from run to run.
settings.register_profile("ci", settings.get_profile("patient"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "patient")

PATIENCE = 300  # seconds that one test may take; a busy machine needs a tenth of it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test that hangs fails; one that fails leaves no open file to be found in the middle of another."""
    failed = item.session.testsfailed
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        if item.session.testsfailed > failed:
            _forget_the_failure()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that fails leaves no process behind."""
    before = _children()
    try:
        return (yield)
    except BaseException:
        for child in _children() - before:
            with contextlib.suppress(OSError):  # it may have ended by itself
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        raise


def _give_up(_number: int, _frame: Any) -> None:
    pytest.fail(f"the test took more than {PATIENCE} seconds")


def _children() -> set[int]:
    """Return the processes that this one has started, where the system says so."""
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended since
            found.update(map(int, path.read_text().split()))
    return found


def _forget_the_failure() -> None:
    """Collect what the traceback of a failed test has kept alive, without its warnings."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        vars(sys).pop(name, None)
    told = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = told


@pytest.fixture(autouse=True)
def fresh_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test starts with the logging, the mode and the unsaid warnings of a fresh process."""
    monkeypatch.delenv("SECLOG_MODE", raising=False)
    errors._said.clear()
    root, known = logging.getLogger(), set(logging.root.manager.loggerDict)
    handlers, level = list(root.handlers), root.level
    made_before = set(logging._handlerList)
    yield
    logging.shutdown([made for made in logging._handlerList if made not in made_before])
    for name in set(logging.root.manager.loggerDict) - known:
        _reset(logging.getLogger(name))
    for name in known:  # a configuration may have disabled them
        logging.getLogger(name).disabled = False
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def _reset(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.filters.clear()
    logger.propagate, logger.disabled = True, False
    logger.setLevel(logging.NOTSET)
