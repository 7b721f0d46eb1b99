"""What is silently wrong in a dictConfig, found without loading it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from seclog_handlers.cli.check_findings import Finding, found

TOP_KEYS = (
    "version",
    "formatters",
    "filters",
    "handlers",
    "loggers",
    "root",
    "incremental",
    "disable_existing_loggers",
)
LOGGER_KEYS = ("level", "handlers", "filters", "propagate")
_FORMATTER_KEYS = ("class", "format", "datefmt", "style", "validate")
FORMATTER_KEYS = (*_FORMATTER_KEYS, "defaults") if sys.version_info >= (3, 12) else _FORMATTER_KEYS
# gunicorn's own defaults, which it updates with the given dictConfig, have this key.
GUNICORN_LOGGER_KEYS = (*LOGGER_KEYS, "qualname")


def findings(config: Mapping[str, Any], *, keeps_loggers: bool = False) -> list[Finding]:
    """Return what is silently wrong in a dictConfig.

    Args:
        config: The mapping, as it is written.
        keeps_loggers: Whether whoever loads it says disable_existing_loggers=False, as gunicorn does.
    """
    every = [*_unknown("the top level", config, TOP_KEYS), *_filters(config), *_formatters(config)]
    every += [*_loggers(config), *_targets(config), *_incremental(config)]
    if not config.get("incremental") and config.get("disable_existing_loggers", not keeps_loggers):
        given = "says" if "disable_existing_loggers" in config else "does not say"
        every.append(found(
            "disables-existing-loggers", "the top level", f"It {given} 'disable_existing_loggers'.",
        ))  # fmt: skip
    return every


def _part(config: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (name, section) of the sections that are mappings; what is not fails when it is loaded."""
    part = config.get(kind)
    if isinstance(part, Mapping):
        for name, section in part.items():
            if isinstance(section, Mapping):
                yield str(name), section


def _unknown(where: str, section: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[Finding]:
    for key in section:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}."
            yield found("unknown-key", where, f"It has the key {key!r}; {hint}")


def _filters(config: Mapping[str, Any]) -> Iterator[Finding]:
    for name, section in _part(config, "filters"):
        if "()" not in section and set(section) - {"name"}:
            keys = ", ".join(repr(key) for key in section if key != "name")
            yield found("filter-class-ignored", f"filters.{name}", f"It has {keys}, and no '()'.")


def _formatters(config: Mapping[str, Any]) -> Iterator[Finding]:
    for name, section in _part(config, "formatters"):
        if "()" in section:
            continue
        extra = [repr(key) for key in section if key not in FORMATTER_KEYS]
        if extra:
            yield found("formatter-keys-dropped", f"formatters.{name}", f"It has {', '.join(extra)}.")


def _loggers(config: Mapping[str, Any]) -> Iterator[Finding]:
    for name, section in _part(config, "loggers"):
        yield from _unknown(f"loggers.{name}", section, GUNICORN_LOGGER_KEYS)
    root = config.get("root")
    if isinstance(root, Mapping):
        yield from _unknown("root", root, LOGGER_KEYS)


def _targets(config: Mapping[str, Any]) -> Iterator[Finding]:
    names = {name for name, _ in _part(config, "handlers")}
    for name, section in _part(config, "handlers"):
        if "()" in section and isinstance(section.get("target"), str) and section["target"] in names:
            yield found(
                "target-under-factory",
                f"handlers.{name}",
                f"It has '()' and the target {section['target']!r}.",
            )


def _incremental(config: Mapping[str, Any]) -> Iterator[Finding]:
    if not config.get("incremental"):
        return
    ignored = [kind for kind in ("filters", "formatters") if config.get(kind)]
    ignored += [f"handlers.{name}" for name, section in _part(config, "handlers") if set(section) - {"level"}]
    ignored += [
        f"loggers.{name}" for name, section in _part(config, "loggers") if set(section) - {"level", "propagate"}
    ]
    if isinstance(config.get("root"), Mapping) and set(config["root"]) - {"level"}:
        ignored.append("root")
    if ignored:
        yield found("incremental-ignores", "the top level", f"Ignored of it: {', '.join(ignored)}.")
