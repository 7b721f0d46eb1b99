"""What the tests of alerts share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.handlers.alerts import AlertHandler

FAST = {"group_wait": 0.05, "group_interval": 0.1, "drain_timeout": 60}


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def handler() -> Iterator[Callable[..., AlertHandler]]:
    """Make handlers with short timers; they are closed at the end, without waiting for dead channels."""
    made: list[AlertHandler] = []

    def make(*channels: Any, **options: Any) -> AlertHandler:
        made.append(AlertHandler(channels, **{**FAST, **options}))
        return made[-1]

    yield make
    for one in made:
        one._drain_timeout = 0
        stopped(one)


def stopped(handler: AlertHandler) -> None:
    """Close a handler and wait until its sender has let go of the spool, however slow the machine is."""
    sender = handler._sender
    handler.close()
    if sender is not None and sender._thread is not None:
        sender._thread.join(60)
