"""What a user of the pack can be told: configuration errors, and warnings about degraded service."""

from __future__ import annotations

import sys
import warnings


class ConfigurationError(ValueError):
    """The configuration cannot work. The text says what was given, the rule and the way out."""


class SecurityLogWarning(UserWarning):
    """The pack works, but with less than was asked for (no key, no geo database, a dead store)."""


_said: set[str] = set()


def warn_once(text: str, *, key: str | None = None) -> None:
    """Say `text` once per process through `warnings`; never raises, whatever the warning filters are.

    With warnings turned into errors the text goes to stderr instead: a degraded service is not a reason
    to break the application that logs.

    Args:
        text: A full sentence: what is missing, what happens instead, the way out.
        key: What counts as the same warning; the text itself by default.
    """
    name = text if key is None else key
    if name in _said:
        return
    _said.add(name)
    try:
        warnings.warn(text, SecurityLogWarning, stacklevel=2)
    except SecurityLogWarning:
        tell_stderr(text)


def tell_stderr(text: str) -> None:
    """Write one line to stderr, if there is one; never raises."""
    try:
        sys.stderr.write(f"seclog_handlers: {text}\n")
    except Exception:
        pass  # stderr is closed or full: nobody is left to tell
