"""Sigma files and folders, read by pySigma."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seclog_handlers.errors import ConfigurationError

SUFFIXES = (".yml", ".yaml")
# A file of rules that somebody wrote is smaller.
MAX_BYTES = 5_000_000

_MISSING = (
    "The 'pysigma' package is needed for the Sigma rules in {path!r}. Install seclog-handlers[sigma], "
    "or write the rules as mappings."
)


def read(path: str) -> list[Any]:
    """Return the rules of a file, or of all files in and below a folder; each knows its file as `source`.

    Rules may refer to each other across the files of a folder. Filters are applied.

    Raises:
        ConfigurationError: If pySigma is not installed, or for a file that it cannot read.
    """
    try:
        from sigma.collection import SigmaCollection  # noqa: PLC0415 - optional, and 200 ms
        from sigma.exceptions import SigmaError  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(_MISSING.format(path=path)) from error
    parsed = [rule for file in files(path) for rule in _read_file(file)]
    try:
        return list(SigmaCollection(parsed).rules)
    except SigmaError as error:
        raise ConfigurationError(f"Sigma rules of {path!r}: {one_line(error)}") from None


def files(path: str) -> list[Path]:
    """Return the Sigma files that a path names, in the order of their names."""
    start = Path(path)
    if not start.is_dir():
        return [start]
    found = sorted(file for file in start.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not found:
        raise ConfigurationError(f"rules contains the folder {path!r}, which holds no .yml or .yaml file.")
    return found


def _read_file(file: Path) -> list[Any]:
    import yaml  # noqa: PLC0415 - comes with pySigma
    from sigma.collection import SigmaCollection  # noqa: PLC0415
    from sigma.exceptions import SigmaError, SigmaRuleLocation  # noqa: PLC0415

    try:
        documents = list(yaml.safe_load_all(_text(file)))
        for document in documents:
            if document is not None and not isinstance(document, dict):
                raise ConfigurationError(f"Sigma file {str(file)!r} has a document that is no mapping.")
        collection = SigmaCollection.from_dicts(
            documents, source=SigmaRuleLocation(file), collect_filters=True, resolve_references=False,
        )  # fmt: skip
    except (yaml.YAMLError, SigmaError, RecursionError) as error:
        raise ConfigurationError(f"Sigma file {str(file)!r} cannot be read: {one_line(error)}") from None
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"Sigma file {str(file)!r} is no Sigma rule: {one_line(error)}") from None
    return [*collection.rules, *collection.filters]


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"Sigma file {str(file)!r} is larger than {MAX_BYTES} bytes: split it.")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigurationError(
            f"rules contains {str(file)!r}, which cannot be read ({reason}): give the path of a Sigma file.",
        ) from error


def one_line(error: BaseException) -> str:
    """Return what an exception says in one line."""
    return " ".join(str(error).split())[:500] or type(error).__name__
