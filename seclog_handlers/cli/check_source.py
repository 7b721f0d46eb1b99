"""Reading a configuration as it is written, without loading it."""

from __future__ import annotations

import configparser
import importlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECTIONS = ("loggers", "handlers", "formatters")
DICT_SUFFIXES = (".json", ".toml", ".yaml", ".yml")


class CannotRead(Exception):  # noqa: N818 - it is the end of the check, not a fault in it
    """The configuration cannot be read; the text says why."""


@dataclass(frozen=True)
class Source:
    """A configuration as it is written.

    Attributes:
        label: What the user gave, for messages.
        path: The file, or None for module:DICT.
        ini: The sections as they are written, [DEFAULT] an ordinary one, or None.
        mapping: The dictConfig, or None.
    """

    label: str
    path: Path | None = None
    ini: configparser.RawConfigParser | None = None
    mapping: dict[str, Any] | None = None


def is_module(name: str) -> bool:
    """Whether `name` is of the form module:DICT, and no existing file."""
    module, colon, attribute = name.partition(":")
    dotted = all(part.isidentifier() for part in module.split("."))
    return bool(colon) and dotted and attribute.isidentifier() and not Path(name).exists()


def read(name: str) -> Source:
    """Read a configuration: an INI, JSON, TOML or YAML file, or a mapping in a module, which is imported.

    Raises:
        CannotRead: If there is no such file, or it cannot be parsed.
    """
    if is_module(name):
        return Source(name, mapping=_from_module(name))
    path = Path(name)
    text = _text(path)
    suffix = path.suffix.lower()
    if suffix in DICT_SUFFIXES:
        return Source(name, path, mapping=_mapping(name, _parsed(suffix, name, text)))
    return Source(name, path, ini=_parsed_ini(name, text))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CannotRead(f"{str(path)!r} cannot be read: {error.strerror or type(error).__name__}.") from None
    except UnicodeDecodeError:
        raise CannotRead(f"{str(path)!r} is not UTF-8 text.") from None


def _parsed_ini(name: str, text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="")
    try:
        parser.read_string(text, source=name)
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", ())), (None,))[0]
        place = f" at line {line}" if line else ""
        # The error's own text quotes the line, which may hold a key.
        raise CannotRead(f"{name!r} is no valid INI file: {type(error).__name__}{place}.") from None
    missing = [f"[{section}]" for section in _SECTIONS if not parser.has_section(section)]
    if missing:
        raise CannotRead(f"{name!r} has no section {', '.join(missing)}: fileConfig needs all of them.")
    return parser


def _parsed(suffix: str, name: str, text: str) -> Any:
    try:
        if suffix == ".json":
            return json.loads(text)
        if suffix == ".toml":
            return _toml().loads(text)
        return _yaml().safe_load(text)
    except CannotRead:
        raise
    except Exception as error:  # each of the parsers has its own
        what = suffix[1:].upper()
        line = getattr(error, "lineno", None) or getattr(getattr(error, "problem_mark", None), "line", None)
        place = f" at line {line}" if line else ""
        raise CannotRead(f"{name!r} is no valid {what} file: {type(error).__name__}{place}.") from None


def _toml() -> Any:
    try:
        return importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    except ImportError:
        raise CannotRead(
            "The 'tomli' package is needed to read TOML before Python 3.11. Install seclog-handlers[toml].",
        ) from None


def _yaml() -> Any:
    try:
        return importlib.import_module("yaml")
    except ImportError:
        raise CannotRead("The 'PyYAML' package is needed to read YAML. Install PyYAML.") from None


def _from_module(name: str) -> dict[str, Any]:
    module, _, attribute = name.partition(":")
    try:
        value = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # importing runs the module: anything can come out of it
        raise CannotRead(f"{name!r} cannot be imported: {type(error).__name__}: {error}") from error
    return _mapping(name, value)


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise CannotRead(f"{name!r} is a {type(value).__name__}: a dictConfig is a mapping.")
    return dict(value)
