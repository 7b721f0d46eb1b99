"""Names of handlers in a configuration: checked when it is loaded, with the way out when they lead nowhere."""

from __future__ import annotations

import logging
from typing import Any

from seclog_handlers.errors import ConfigurationError


def checked_target(owner: str, target: Any) -> logging.Handler | None:
    """Return the target if it is a handler or None."""
    if target is None or isinstance(target, logging.Handler):
        return target
    raise ConfigurationError(
        f"{owner} was given target={target!r}: it must be a handler. In an INI file write 'target = NAME' as a "
        "line of the handler's section; in a dictConfig use 'class' instead of '()', which resolves no target.",
    )


def checked_level(owner: str, level: Any) -> int:
    """Return the number of a level that is given as a number or as one of logging's names."""
    number = logging.getLevelName(level) if isinstance(level, str) else level
    if isinstance(number, int):
        return number
    raise ConfigurationError(
        f"{owner} was given level={level!r}: it must be a number, or a name that logging knows, such as 'INFO'.",
    )


def checked_targets(owner: str, targets: Any) -> list[str | logging.Handler]:
    """Return the further targets, names or handlers, each once."""
    if not isinstance(targets, (list, tuple)):
        raise ConfigurationError(
            f"{owner} was given targets={targets!r}: it must be a list of handler names; "
            'with one name in an INI file write ("NAME",) with the comma.',
        )
    entries = [_entry(owner, entry) for entry in targets]
    return list(dict.fromkeys(entries))


def _entry(owner: str, entry: Any) -> str | logging.Handler:
    if isinstance(entry, logging.Handler):
        return entry
    if isinstance(entry, str) and entry.strip():
        return entry.removeprefix("cfg://handlers.").strip()
    raise ConfigurationError(f"{owner}: targets contains {entry!r}: it must hold names of handlers.")


def by_name(owner: str, entry: str | logging.Handler) -> str | logging.Handler:
    """Return the handler that logging knows under a name."""
    if isinstance(entry, logging.Handler):
        return entry
    known = logging._handlers  # type: ignore[attr-defined]  # noqa: SLF001 - public from 3.12
    if entry not in known:
        raise ConfigurationError(unknown(owner, entry, sorted(map(str, known))))
    found: logging.Handler = known[entry]
    return found


def unknown(owner: str, name: str, known: list[str]) -> str:
    """Say that a name is no handler's."""
    return (
        f"{owner}: targets names the handler {name!r}, which this configuration does not have; "
        f"it has {', '.join(known) or 'none'}. Add the handler or correct the name."
    )


def cycle(owner: str, name: str) -> str:
    """Say that a target leads back to its owner."""
    return f"{owner}: target {name!r} leads back to this handler; a record would never end. Remove one link."


def reaches(handlers: Any, name: str, own: Any) -> bool:
    """Whether the handler called `name` leads to the section `own`, following raw configuration."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        name = waiting.pop()
        section = dict.get(handlers, name)
        if section is own and own is not None:
            return True
        if name in seen or not isinstance(section, dict):
            continue
        seen.add(name)
        further = [dict.get(section, "target"), *(dict.get(section, "targets") or ())]
        waiting += [entry for entry in further if isinstance(entry, str)]
    return False


def descendants(handler: logging.Handler) -> set[logging.Handler]:
    """Return the handler and every handler that it leads to."""
    seen: set[logging.Handler] = set()
    waiting: list[Any] = [handler]
    while waiting:
        found = waiting.pop()
        if isinstance(found, logging.Handler) and found not in seen:
            seen.add(found)
            waiting += [getattr(found, "target", None), *getattr(found, "_further", ())]
    return seen
