"""Celery: one call, and its worker leaves the logging configuration alone."""

from __future__ import annotations

import logging
from typing import Any

from celery import signals

from seclog_handlers.errors import warn_once

# The loggers whose records carry the arguments of tasks as text: received; succeeded, failed, retried.
TASK_LOGGERS = ("celery.worker.strategy", "celery.app.trace")
WITHHELD = "[WITHHELD]"


def install(app: Any) -> None:
    """Keep Celery's worker from replacing the handlers of the root logger and of `celery.task`.

    Call it where the Celery app is made, after logging is configured or before; the worker's `--loglevel` and
    `--logfile` then do nothing, since the logging configuration says both. Celery's records show the arguments
    of tasks; positional ones are withheld: without a name nothing tells a password from a city.

    Args:
        app: The Celery app.
    """
    app.conf.worker_hijack_root_logger = False
    # Celery configures nothing at all where this signal has a receiver; the app's own setting would still
    # put a bare handler on the logger `celery.task` and stop its records there.
    signals.setup_logging.connect(_leave_logging_alone, weak=False, dispatch_uid="seclog")
    for name in TASK_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(present, PositionalArguments) for present in logger.filters):
            logger.addFilter(PositionalArguments())


def _leave_logging_alone(**_: Any) -> None:
    if not logging.getLogger().handlers:
        warn_once(
            "seclog_handlers.integrations.celery keeps Celery from configuring logging, but the root logger "
            "has no handler: call logging.config.dictConfig or fileConfig before the worker starts.",
        )


class PositionalArguments(logging.Filter):
    """Withhold what Celery's records show of a task's positional arguments; keyword arguments have names."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the text in the record's arguments and in its extra `data`; always True."""
        record.args = _withheld(record.args)
        if "data" in record.__dict__:
            record.__dict__["data"] = _withheld(record.__dict__["data"])
        return True


def _withheld(context: Any) -> Any:
    """Return a copy without the arguments, or whatever was given if it shows none."""
    if type(context) is dict and context.get("args") not in (None, "", "()", "[]"):
        return {**context, "args": WITHHELD}
    return context
