"""Sigma rules (extra `sigma`): files and folders, correlations too, compiled to the rules of the same detector."""

from __future__ import annotations

from typing import Any

from seclog_handlers.detection.sigma.compilation import Mapped, compiled, place_of, runs
from seclog_handlers.detection.sigma.reading import SUFFIXES, read
from seclog_handlers.errors import ConfigurationError

__all__ = ["SUFFIXES", "load"]


def load(path: str) -> list[Mapped]:
    """Return the rules of a Sigma file or folder as mappings of the rule language.

    A rule that only a correlation uses makes none of its own, unless the correlation says `generate: true`.

    Args:
        path: A .yml or .yaml file with one or several documents, or a folder of such files.

    Returns:
        (mapping, whether the rule is MEDIUM while nothing but access logs feeds it) for each rule.

    Raises:
        ConfigurationError: If pySigma is not installed, a file cannot be read, or a rule cannot be compiled; the text
            names file, rule and construct.
    """
    rules = read(path)
    if not rules:
        raise ConfigurationError(f"rules contains {path!r}, which holds no Sigma rule.")
    found: list[Mapped] = []
    seen: dict[Any, str] = {}
    for rule in rules:
        if runs(rule, rules):
            for mapping, weakened in compiled(rule):
                _check_name(mapping["name"], place_of(rule), seen)
                found.append((mapping, weakened))
    return found


def _check_name(name: Any, place: str, seen: dict[Any, str]) -> None:
    if name in seen:
        raise ConfigurationError(f"{place} is called {name!r} like {seen[name]}: give one of them another 'name'.")
    seen[name] = place
