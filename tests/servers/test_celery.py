"""Celery's own command, with folders instead of a broker."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.servers.harness import PASSWORD, Launcher, environment, leaks, recipes

pytest.importorskip("celery", reason="Celery is not installed")

SEND = f"from celery_app import charge; charge.delay('bob', {PASSWORD!r}); charge.delay('bob', password={PASSWORD!r})"


def test_a_workers_log_is_the_security_log(launch: Launcher) -> None:
    """What the worker and its tasks log goes through the configuration, arguments and extras redacted."""
    text = recipes("frameworks.md")["daemon.ini"]
    launch.write({"logging.ini": text})
    folder = str(launch.folder / "broker")
    worker = launch.run(
        "celery", "-A", "celery_app", "worker", "--pool", "solo", "--without-gossip", "--without-mingle", "--loglevel", "INFO",
        BROKER_DIR=folder,
    )  # fmt: skip
    worker.wait_for_text("ready", "security.log")

    subprocess.run(
        [sys.executable, "-c", SEND], cwd=launch.folder, env=environment(BROKER_DIR=folder), check=True, timeout=150
    )
    worker.wait_for_text("succeeded", "security.log")
    worker.stop()

    lines = worker.lines("security.log")
    charged = [line for line in lines if line["message"] == "charging"]
    assert charged
    assert {line["logger"] for line in charged} == {"celery_app"}
    assert all(line["username"].startswith("usr_") and line["password"] == "[REDACTED]" for line in charged)
    shutil.rmtree(folder)  # the messages themselves
    assert leaks(launch.folder) == []
