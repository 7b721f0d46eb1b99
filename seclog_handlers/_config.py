"""Values as configuration files give them, made plain and checked; secrets fetched by reference."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seclog_handlers.errors import ConfigurationError

_TRUE = frozenset({"on", "true", "yes", "1"})
_FALSE = frozenset({"off", "false", "no", "0"})


def program_name() -> str:
    """Return the name of the running program, for lines whose policy names no service; `python` if it has none."""
    path = Path(sys.argv[0]) if sys.argv and sys.argv[0] else Path()
    name = path.parent.name if path.name == "__main__.py" else path.name
    return name.removesuffix(".py") if name[:1] not in ("", "-") else "python"


def plain(value: Any) -> Any:
    """Return `value` with dictConfig's converting containers replaced by plain dicts and lists.

    Iterating over a ConvertingDict or ConvertingList yields `cfg://` and `ext://` references as they were
    written; only indexing resolves them. Every factory of the pack passes what it is given through here.
    """
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in list(value)}
    if isinstance(value, (list, tuple)):
        return [plain(value[index]) for index in range(len(value))]
    return value


def as_bool(key: str, value: Any) -> bool:
    """Read a switch: true/false, or the words on/off, yes/no, 1/0 in any case."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ConfigurationError(f"{key} is {value!r}: it must be 'on' or 'off'.")


def as_list(key: str, value: Any) -> list[str]:
    """Read a list of words: a list, or text with one word per line or separated by commas."""
    if value is None:
        return []
    if isinstance(value, str):
        return [word.strip() for line in value.splitlines() for word in line.split(",") if word.strip()]
    if isinstance(value, (list, tuple, set, frozenset)):
        words = list(value)
        for word in words:
            if not isinstance(word, str):
                raise ConfigurationError(
                    f"{key} contains {word!r}: it must be a list of strings; put quotes around the value.",
                )
        return words
    raise ConfigurationError(
        f"{key} is {value!r}: it must be a list of strings, or one string with commas or one word per line.",
    )


def as_lines(key: str, value: Any) -> list[str]:
    """Read a list of texts that may hold commas: a list, or text with one a line."""
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    return as_list(key, value)


def as_number(key: str, value: Any, *, minimum: float = 0, maximum: float | None = None) -> float:
    """Read a number between `minimum` and `maximum`, both included."""
    number = _number(value)
    if number is None or number < minimum or (maximum is not None and number > maximum):
        limits = f"at least {minimum:g}" if maximum is None else f"from {minimum:g} to {maximum:g}"
        raise ConfigurationError(f"{key} is {value!r}: it must be a number, {limits}.")
    return number


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124 - not NaN


def as_text(key: str, value: Any) -> str:
    """Read one string; numbers are taken as they are written."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise ConfigurationError(f"{key} is {value!r}: it must be a string.")


def as_choice(key: str, value: Any, choices: tuple[str, ...]) -> str:
    """Read one of a few words, in any case."""
    word = str(value).strip().lower()
    if isinstance(value, bool) or word not in choices:
        raise ConfigurationError(f"{key} is {value!r}: it must be one of {', '.join(choices)}.")
    return word


def as_mapping(key: str, value: Any) -> dict[str, Any]:
    """Read a mapping with string keys."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"{key} is {value!r}: it must be a mapping of names to values.")
    return dict(value)


def secret(key: str, value: str) -> str:
    """Follow `env:NAME` or `file:PATH` to the secret it names; any other text is the secret itself.

    Args:
        key: The configuration key, for the error.
        value: The text as configured; never shown in an error unless it is a reference.

    Raises:
        ConfigurationError: If the variable is unset or empty, or the file cannot be read or is empty.
    """
    if value.startswith("env:"):
        found = os.environ.get(value[4:], "").strip()
        if not found:
            raise ConfigurationError(
                f"{key} is {value!r}, but the environment variable {value[4:]!r} is not set or is empty: "
                "set it before the program starts, or use file:PATH.",
            )
        return found
    if value.startswith("file:"):
        return _secret_file(key, value)
    return value


def _secret_file(key: str, value: str) -> str:
    try:
        found = Path(value[5:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigurationError(
            f"{key} is {value!r}, but that file cannot be read ({reason}): "
            "give the path of a UTF-8 file that this user may read.",
        ) from error
    if not found:
        raise ConfigurationError(f"{key} is {value!r}, but that file is empty: write the secret into it.")
    return found
