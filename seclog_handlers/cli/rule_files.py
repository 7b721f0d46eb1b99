"""Rules as a command line names them: built-in names, Sigma files, folders, JSON and TOML files; and changed ones."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seclog_handlers.detection.builtin import BUILTIN
from seclog_handlers.detection.rules import PACK, SIGMA_SUFFIXES
from seclog_handlers.errors import ConfigurationError

Entries = list[Any]


def entries(words: Sequence[str]) -> Entries:
    """Return a rules list: what EscalationHandler takes as `rules`.

    Args:
        words: Names of built-in rules, `builtin` for the pack, files; nothing is the built-in pack.

    Raises:
        ConfigurationError: For a file that cannot be read.
    """
    found: Entries = []
    for word in words or [PACK]:
        found += _read(word)
    return found


def _read(word: str) -> Entries:
    path = Path(word)
    if path.is_dir() or path.suffix.lower() in SIGMA_SUFFIXES:
        return [word]
    if path.suffix.lower() not in (".json", ".toml"):
        return [word]
    try:
        text = path.read_text(encoding="utf-8")
        loaded = json.loads(text) if path.suffix.lower() == ".json" else _toml().loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The rules file {word!r} cannot be read: {error}") from None
    rules = loaded.get("rules") if isinstance(loaded, Mapping) else loaded
    if not isinstance(rules, list):
        raise ConfigurationError(f"The rules file {word!r} holds no list of rules: give a list, or one under 'rules'.")
    return rules


def _toml() -> Any:
    name = "tomllib" if sys.version_info >= (3, 11) else "tomli"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            "The 'tomli' package is needed for TOML before Python 3.11. Install seclog-handlers[toml].",
        ) from error


def changed(rules: Entries, changes: Sequence[str]) -> Entries:
    """Return the rules with some keywords changed.

    Args:
        rules: A rules list.
        changes: Each `RULE.KEYWORD=VALUE`, for instance `brute_force_ip.count=10`; the value as JSON, or text.

    Raises:
        ConfigurationError: For a change that names no rule of the list.
    """
    found = _expanded(rules)
    for change in changes:
        name, keyword, value = _change(change)
        found = _with(found, name, {keyword: value})
    return found


def _change(text: str) -> tuple[str, str, Any]:
    target, equals, value = text.partition("=")
    name, dot, keyword = target.rpartition(".")
    if not equals or not dot or not name or not keyword:
        raise ConfigurationError(
            f"--compare {text!r} must be RULE.KEYWORD=VALUE, such as brute_force_ip.count=10, or a file of rules.",
        )
    try:
        return name, keyword, json.loads(value)
    except ValueError:
        return name, keyword, value


def _expanded(rules: Entries) -> Entries:
    """Return the list with the rules of Sigma files in it as mappings, so that they can be changed."""
    found: Entries = []
    for entry in rules:
        is_path = isinstance(entry, str) and entry != PACK
        if is_path and (entry.lower().endswith(SIGMA_SUFFIXES) or Path(entry).is_dir()):
            from seclog_handlers.detection import sigma  # noqa: PLC0415 - optional

            found += [mapping for mapping, _ in sigma.load(entry)]
        else:
            found.append(entry)
    return found


def _with(rules: Entries, name: str, change: dict[str, Any]) -> Entries:
    names = [entry.get("name") if isinstance(entry, Mapping) else entry for entry in rules]
    if name in names:
        at = names.index(name)
        old = rules[at] if isinstance(rules[at], Mapping) else {"name": name}
        return [*rules[:at], {**old, **change}, *rules[at + 1 :]]
    if PACK in names and any(rule["name"] == name for rule in BUILTIN):
        return [*rules, {"name": name, **change}]
    raise ConfigurationError(f"--compare names the rule {name!r}, which is not among those that run.")
