"""Celery keeps its state per process: each test runs its worker in a process of its own."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers import SecurityLogWarning

pytest.importorskip("celery", reason="Celery is not installed")

REPO = Path(__file__).parents[2]
WORKER = """
import json, logging, os
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.utils.log import get_task_logger

class Kept(logging.Handler):
    messages = []
    def emit(self, record):
        self.messages.append((record.name, record.getMessage()))

kept = Kept()
app = Celery("shop", broker="memory://", backend="cache+memory://")
log = get_task_logger("shop.tasks")

@app.task
def work():
    log.warning("in the task")
    return 7

{setup}
logging.getLogger().setLevel(logging.INFO)
with start_worker(app, perform_ping_check=False, loglevel="INFO"):
    assert work.delay().get(timeout=150) == 7
    root, tasks = logging.getLogger(), logging.getLogger("celery.task")
    print(json.dumps({{
        "root": [type(handler).__name__ for handler in root.handlers],
        "tasks": [type(handler).__name__ for handler in tasks.handlers],
        "propagate": tasks.propagate,
        "kept": Kept.messages,
        "hijack": app.conf.worker_hijack_root_logger,
    }}), flush=True)
    os._exit(0)  # a worker in memory takes seconds to stop
"""
INSTALL = "from seclog_handlers.integrations.celery import install; install(app)\n"
CONFIGURE = "logging.getLogger().addHandler(kept)\n"


def run(setup: str) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-c", WORKER.format(setup=setup)], cwd=REPO, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_without_the_call_a_worker_takes_over() -> None:
    """What the call is for: a worker replaces the root logger's handlers, and task records never reach them."""
    said, _ = run(CONFIGURE)

    assert "Kept" not in said["root"]
    assert not said["propagate"]
    assert ["shop.tasks", "in the task"] not in said["kept"]


def test_one_call_keeps_the_configuration() -> None:
    """With install(app) the handlers stay, none is added, and what tasks and the worker log reaches them."""
    said, _ = run(CONFIGURE + INSTALL)

    assert "Kept" in said["root"]
    assert set(said["tasks"]) <= {"NullHandler"}
    assert ["shop.tasks", "in the task"] in said["kept"]
    assert any(name == "celery.app.trace" for name, _ in said["kept"])
    assert said["hijack"] is False


def test_the_order_of_the_calls_does_not_matter() -> None:
    """install(app) before the configuration does as well, and twice is once."""
    said, _ = run(INSTALL + INSTALL + CONFIGURE)

    assert "Kept" in said["root"]
    assert [message for _, message in said["kept"]].count("in the task") == 1


def test_a_worker_without_any_configuration_says_so() -> None:
    """Where nobody configured logging, one warning says that Celery does not either."""
    _, errors = run(INSTALL)

    assert errors.count("the root logger has no handler") == 1


def test_the_signal_leaves_handlers_alone() -> None:
    """What Celery asks before it configures logging is answered, and nothing else happens."""
    from celery import Celery, signals

    from seclog_handlers.integrations.celery import TASK_LOGGERS, _leave_logging_alone, install

    root = logging.getLogger()
    handlers, mine = list(root.handlers), logging.NullHandler()
    install(Celery("shop"))
    root.handlers[:] = [mine]
    try:
        answers = signals.setup_logging.send(sender=None)
        assert root.handlers == [mine]
        root.handlers.clear()
        with pytest.warns(SecurityLogWarning, match="no handler"):
            signals.setup_logging.send(sender=None)
    finally:
        root.handlers[:] = handlers
        for name in TASK_LOGGERS:
            logging.getLogger(name).filters.clear()
        signals.setup_logging.disconnect(_leave_logging_alone, dispatch_uid="seclog")

    assert [answer for _, answer in answers] == [None]


def test_positional_arguments_are_withheld() -> None:
    """Celery's text of positional arguments goes from args and data; keyword arguments and the caller's dict stay."""
    from seclog_handlers.integrations.celery import PositionalArguments

    context = {"name": "shop.charge", "args": "('bob', 'secret')", "kwargs": "{'amount': 7}"}
    record = logging.makeLogRecord({"msg": "Task %(name)s %(args)s", "args": context, "data": context})

    assert PositionalArguments().filter(record)

    assert record.getMessage() == "Task shop.charge [WITHHELD]"
    assert record.data == {"name": "shop.charge", "args": "[WITHHELD]", "kwargs": "{'amount': 7}"}  # type: ignore[attr-defined]
    assert context["args"] == "('bob', 'secret')"


@pytest.mark.parametrize("args", [(), ("a", 1), {"name": "x"}, {"args": "()"}, {"args": ""}, None])
def test_records_without_arguments_pass_as_they_are(args: object) -> None:
    """A record that shows no arguments is not touched."""
    from seclog_handlers.integrations.celery import PositionalArguments

    record = logging.makeLogRecord({"args": args})

    assert PositionalArguments().filter(record)
    assert record.args is args
