from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.harness import Launcher

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.server)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    """Start programs in the test's folder; whatever the test does, none of them outlives it."""
    launcher = Launcher(tmp_path)
    try:
        yield launcher
    finally:
        launcher.stop()
