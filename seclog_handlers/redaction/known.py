"""Secrets whose values are known: matched exactly, wherever they stand."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable

from seclog_handlers._config import secret
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.redaction.vocabulary import STATUS_WORDS

Found = tuple[int, int, str]

# Shorter values occur in text by chance.
MIN_REFERENCE = 4
MIN_PATTERN = 6


def known_values(entries: Iterable[str]) -> list[str]:
    """Return the values that `env:NAME`, `file:PATH` and names of environment variables by pattern stand for.

    Raises:
        ConfigurationError: If a reference resolves to nothing or to fewer than 4 characters, or an entry is neither.
    """
    values: set[str] = set()
    for entry in entries:
        if entry.startswith(("env:", "file:")):
            values.add(_referenced(entry))
        elif re.fullmatch(r"[A-Za-z0-9_*?\[\]-]+", entry):
            values.update(_by_pattern(entry))
        else:
            raise ConfigurationError(
                "redact.known_values contains an entry that is neither env:NAME, file:PATH nor the name of an "
                "environment variable, which may hold * and ?: never write the value itself into the configuration.",
            )
    return sorted(values, key=len, reverse=True)


def _referenced(entry: str) -> str:
    value = secret("redact.known_values", entry)
    if len(value) < MIN_REFERENCE:
        raise ConfigurationError(
            f"redact.known_values has {entry!r}, whose value is shorter than {MIN_REFERENCE} characters: "
            "it would be found in ordinary words; use redact.keys for the key it is logged under.",
        )
    return value


def _by_pattern(pattern: str) -> list[str]:
    return [
        value.strip()
        for name, value in os.environ.items()
        if fnmatch.fnmatchcase(name, pattern)
        and len(value.strip()) >= MIN_PATTERN
        and value.strip().lower() not in STATUS_WORDS
    ]


def finder(values: list[str]) -> Callable[[str], Iterable[Found]]:
    """Return a function that finds all of `values` in a text."""
    pattern = re.compile("|".join(map(re.escape, values)))

    def find(text: str) -> Iterable[Found]:
        if any(value in text for value in values):
            return [(match.start(), match.end(), "known") for match in pattern.finditer(text)]
        return ()

    return find
