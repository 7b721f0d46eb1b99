"""Options that every formatter of the pack takes, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seclog_handlers import _config
from seclog_handlers._record import MARK
from seclog_handlers.errors import ConfigurationError

DEFAULT_MAX_BYTES = 256_000
MIN_MAX_BYTES = 4_096  # room for the trusted fields, however much of them must be escaped

# Written by the pack on every line; nothing that an application logs can take these names.
TRUSTED = ("timestamp", "level", "logger", "message", "service", "exception", "stack")

# What `fmt` may name without effect: the line has it anyway.
COVERED = frozenset({*TRUSTED, MARK, "msg", "args", "exc_info", "exc_text", "stack_info"})

# python-json-logger's names for two of our options.
_SYNONYMS = {"rename_fields": "fields", "static_fields": "static"}
_NAMES = ("service", "static", "fields", "max_bytes", "defaults", "validate")


@dataclass(frozen=True)
class Options:
    """What the configuration says about the content of a line.

    Attributes:
        service: Name on every line; None for the policy's, then the program's.
        static: Constant fields.
        fields: Renames, name of the pack -> name in the output.
        defaults: Fields that a record without them gets.
        max_bytes: Of one line in UTF-8; a longer one is cut visibly.
    """

    service: str | None = None
    static: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    max_bytes: int = DEFAULT_MAX_BYTES


def read_options(owner: str, given: dict[str, Any], more: tuple[str, ...] = ()) -> Options:
    """Return the options of a formatter.

    Args:
        owner: The formatter's class, for errors.
        given: Keywords as the configuration passes them.
        more: Further option names, which the formatter reads itself.

    Raises:
        ConfigurationError: For an unknown option or a value that does not fit.
    """
    known = {**given}
    for name, ours in _SYNONYMS.items():
        if name in known:
            if ours in known:
                raise ConfigurationError(f"{owner} got both {name!r} and {ours!r}, the same thing: give one.")
            known[ours] = known.pop(name)
    _refuse_unknown(owner, known, (*_NAMES, *more))
    return Options(
        service=_service(owner, known.get("service")),
        static=_static(owner, _mapping(owner, "static", known)),
        fields=_renames(owner, _mapping(owner, "fields", known)),
        defaults=_mapping(owner, "defaults", known),
        max_bytes=_max_bytes(owner, known.get("max_bytes", DEFAULT_MAX_BYTES)),
    )


def read_fmt(owner: str, fmt: Any, given: dict[str, Any]) -> Any:
    """Take `format`, the word that configuration files use, out of `given`; return the template."""
    if "format" not in given:
        return fmt
    if fmt is not None:
        raise ConfigurationError(f"{owner} got both 'fmt' and 'format': they mean the same; give one.")
    return given.pop("format")


def _refuse_unknown(owner: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise ConfigurationError(
                f"{owner} has no option {name!r}: it takes fmt (or format), datefmt, style, "
                f"{', '.join(known)}. Values are always rendered safely; to add or change fields, "
                "subclass it and override add_fields or process_log_record.",
            )


def _mapping(owner: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    value = given.get(name)
    return {} if value is None else _config.as_mapping(f"{owner}'s {name}", _config.plain(value))


def _service(owner: str, value: Any) -> str | None:
    return None if value is None else _config.as_text(f"{owner}'s service", value)


def _max_bytes(owner: str, value: Any) -> int:
    return int(_config.as_number(f"{owner}'s max_bytes", value, minimum=MIN_MAX_BYTES))


def _static(owner: str, static: dict[str, Any]) -> dict[str, Any]:
    for name in static:
        if name in TRUSTED:
            raise ConfigurationError(
                f"{owner}'s static contains {name!r}, which every line has already: choose another name.",
            )
    return static


def _renames(owner: str, fields: dict[str, Any]) -> dict[str, str]:
    seen: set[str] = set()
    for name, target in fields.items():
        if type(target) is not str or not target:
            raise ConfigurationError(f"{owner}'s fields renames {name!r} to {target!r}: it must be a name.")
        if target in seen or (target in TRUSTED and target != name):
            raise ConfigurationError(
                f"{owner}'s fields renames {name!r} to {target!r}, a name that is taken: choose another.",
            )
        seen.add(target)
    return fields
