from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from seclog_handlers import errors

# The same examples in each run of CI: it shall say what a change broke. By hand they differ from run to run.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


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
