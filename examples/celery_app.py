"""A Celery application whose worker writes the security log.

celery -A celery_app worker --pool solo
"""

from __future__ import annotations

import logging.config
import os
from pathlib import Path

from celery import Celery
from celery.utils.log import get_task_logger

from seclog_handlers.integrations.celery import install

logging.config.fileConfig(os.environ.get("LOGGING_INI", "logging.ini"), disable_existing_loggers=False)

app = Celery("shop", broker="memory://", backend="cache+memory://")
if os.environ.get("BROKER_DIR"):  # folders instead of a broker, for one machine
    folder = Path(os.environ["BROKER_DIR"])
    for name in ("queue", "processed"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    app.conf.update(
        broker_url="filesystem://",
        broker_transport_options={
            "data_folder_in": str(folder / "queue"),
            "data_folder_out": str(folder / "queue"),
            "processed_folder": str(folder / "processed"),
        },
        task_ignore_result=True,
    )
install(app)
log = get_task_logger(__name__)


@app.task
def charge(customer: str, password: str) -> str:
    """Log a word of the work, and give the worker arguments that it must not show."""
    log.info("charging", extra={"username": customer, "password": password})
    return "done"
