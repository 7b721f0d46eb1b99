"""Every surface, with every way to write a secret there: nothing of it reaches a line or stderr."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from seclog_handlers import SecurityHandler

PATH = Path(__file__).parents[2] / "benchmarks" / "redaction" / "surfaces.py"


@pytest.fixture(scope="module")
def surfaces() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("surfaces", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["surfaces"] = module  # a dataclass asks for it
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules["surfaces"]


def test_no_surface_shows_a_secret(surfaces: ModuleType) -> None:
    """Of 20 keys in 48 ways no value is on a line, or in what logging says on stderr."""
    assert [case for case in surfaces.rows() if surfaces.shown(*case)] == []


def test_the_search_finds_what_is_shown(surfaces: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without redaction nearly every case is found: the search sees the forms that secrets have on a line."""
    monkeypatch.setattr(surfaces, "_known", {"handler": SecurityHandler(policy={"mode": "off"})})

    cases = list(surfaces.rows())[::7]
    assert sum(surfaces.shown(*case) for case in cases) > 0.9 * len(cases)
