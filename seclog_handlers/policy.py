"""One policy from a mapping, an INI section or a TOML file; it builds the stages that handlers run."""

from __future__ import annotations

import configparser
import copy
import difflib
import os
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seclog_handlers import _config
from seclog_handlers.enrichment.trusted import TrustedSources
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.filters import (
    AccessLogFilter,
    EventFilter,
    GeoIPFilter,
    PseudonymFilter,
    RedactionFilter,
    RiskFilter,
    SamplingFilter,
)
from seclog_handlers.filters.sampling import KEEP, LEVELS
from seclog_handlers.pseudonym import Pseudonymizer, parse_keys

if TYPE_CHECKING:
    import logging

MODES = ("full", "observe", "redact", "off")
IP_POLICIES = ("keep", "truncate", "token")
INI_SECTION = "seclog"
INI_SUFFIXES = (".ini", ".cfg", ".conf")

Reader = Callable[[str, Any], Any]

# Every key with the reader that checks it. A stage's own name switches it on or off.
_KEYS: dict[str, Reader] = {
    "service": _config.as_text,
    "mode": lambda key, value: _config.as_choice(key, _off_word(value), MODES),
    "access_log": _config.as_bool,
    "access_log.trusted_proxies": _config.as_list,
    "access_log.login_paths": _config.as_list,
    "access_log.health_paths": _config.as_list,
    "events": _config.as_bool,
    "levels": _config.as_bool,
    "redact": _config.as_bool,
    "redact.keys": _config.as_list,
    "redact.allow": _config.as_list,
    "redact.patterns": _config.as_lines,
    "redact.known_values": _config.as_list,
    "redact.censor": _config.as_text,
    "redact.source_lines": _config.as_bool,
    "pseudonyms": _config.as_bool,
    "pseudonyms.fields": _config.as_list,
    "pseudonyms.keys": parse_keys,
    "pseudonyms.scope": _config.as_text,
    "ip": lambda key, value: _config.as_choice(key, value, IP_POLICIES),
    "geoip": _config.as_bool,
    "geoip.database": _config.as_list,
    "risk": _config.as_bool,
    "risk.state": _config.as_text,
    "risk.travel_kmh": _config.as_number,
    "risk.travel_km": _config.as_number,
    "risk.travel_hours": _config.as_number,
    "sampling": _config.as_bool,
    "sampling.keep": lambda key, value: _config.as_choice(key, value, LEVELS),
    "control": _config.as_text,
    "heartbeat": _config.as_number,
}
# What every line has: `fields` may rename these, but not to each other's names.
LINE = ("timestamp", "level", "logger", "message", "service", "exception", "stack")
# A digest that could be guessed from would tell them.
_SECRET = frozenset({"pseudonyms.keys", "redact.known_values"})
# Keys whose last part the user chooses.
_FREE: dict[str, Reader] = {"static": _config.as_text, "fields": _config.as_text}
_TRUSTED: dict[str, Reader] = {
    "ranges": _config.as_list,
    "users": _config.as_list,
    "agents": _config.as_list,
    "paths": _config.as_list,
    "reason": _config.as_text,
    "expires": lambda key, value: _config.as_text(key, str(value)),
}
_SAMPLING: dict[str, Reader] = {"first": _config.as_number, "then": _config.as_number, "by": _config.as_list}
# Keys whose middle the user chooses.
_NAMED = {"trusted": _TRUSTED, "sampling": _SAMPLING}


class Policy:
    """What the pack does, checked once; it does not change afterwards.

    Attributes:
        mode: 'full', 'observe', 'redact' or 'off'; the environment variable SECLOG_MODE overrides the file.
        service: The name on every line; the program's name by default.
        static: Further constant fields of every line.
        fields: Renames of output fields, ours -> theirs.
        trusted: Named ranges, users, agents and paths that are logged and marked, never paged.
        control: The file whose one word is the mode while the program runs, "" for none.
        heartbeat: Seconds between two signs of life, 0 for none.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self._settings = _checked(settings or {})
        self.mode: str = _mode(self._settings.get("mode", "full"))
        self.service: str = self._settings.get("service") or _config.program_name()
        self.static: dict[str, str] = self.section("static")
        self.fields: dict[str, str] = _distinct(self.section("fields"))
        self.control: str = self._settings.get("control", "")
        self.heartbeat: float = self._settings.get("heartbeat", 0.0)
        self.has_key = bool(self._settings.get("pseudonyms.keys"))
        self.pseudonymizer = Pseudonymizer(**self.section("pseudonyms"))
        self.trusted = TrustedSources(self._named("trusted"), token=self.pseudonymizer.token)

    @classmethod
    def load(cls, source: Any) -> Policy:
        """Read a policy.

        Args:
            source: None for the defaults, a Policy, a mapping (nested or with dotted keys), or the path of an
                INI file with a section [seclog] or of a TOML file, relative to the working directory.

        Raises:
            ConfigurationError: For an unreadable file, an unknown key, a wrong type, a reference to nothing.
        """
        if isinstance(source, Policy):
            return source
        if isinstance(source, (str, os.PathLike)):
            return cls(_read(Path(source)))
        if source is None or isinstance(source, Mapping):
            return cls(source)
        raise ConfigurationError(
            f"policy is {source!r}: it must be a mapping, or the path of an INI file with a section "
            f"[{INI_SECTION}] or of a TOML file.",
        )

    def in_mode(self, mode: str) -> Policy:
        """Return this policy in another mode, with the same keys."""
        other = copy.copy(self)
        other.mode = mode
        return other

    @property
    def digest(self) -> str:
        """Twelve hex digits that change when the policy does; no secret of the policy goes into them."""
        shown = {key: value for key, value in self._settings.items() if key not in _SECRET}
        return sha256(repr(sorted(shown.items())).encode("utf-8", "backslashreplace")).hexdigest()[:12]

    @property
    def output(self) -> dict[str, Any]:
        """What formatters need: the constant fields and the renames."""
        return {"service": self.service, "static": self.static, "fields": self.fields}

    def stages(self) -> list[logging.Filter]:
        """Return the filters of this policy's mode, in their order, each one new."""
        if self.mode == "off":
            return []
        redaction = self._redaction()
        if self.mode == "redact":
            return redaction
        return [*self._recognition(), *redaction, *self._enrichment()]

    def _on(self, stage: str) -> bool:
        return bool(self._settings.get(stage, True))

    def _recognition(self) -> list[logging.Filter]:
        stages: list[logging.Filter] = []
        if self._on("access_log"):
            stages.append(AccessLogFilter(**self.section("access_log")))
        if self._on("events"):
            stages.append(EventFilter(levels=self._on("levels")))
        return stages

    def _redaction(self) -> list[logging.Filter]:
        stages: list[logging.Filter] = []
        tokens = self._on("pseudonyms")
        censored = None
        if self._on("redact"):
            leave = self.pseudonymizer.fields if tokens else ()
            redaction = RedactionFilter(**self.section("redact"), leave=leave)
            stages.append(redaction)
            censored = redaction.censored
        if tokens:
            stages.append(PseudonymFilter(pseudonymizer=self.pseudonymizer, censored=censored))
        return stages

    def _enrichment(self) -> list[logging.Filter]:
        stages: list[logging.Filter] = []
        ip = self._settings.get("ip", "keep")
        if self._on("geoip") or ip != "keep" or self.trusted:
            stages.append(GeoIPFilter(
                **self.section("geoip"), ip=ip, lookup=self._on("geoip"),
                trusted=self.trusted, pseudonymizer=self.pseudonymizer,
            ))  # fmt: skip
        if self._on("risk"):
            stages.append(RiskFilter(**self.section("risk"), pseudonymizer=self.pseudonymizer))
        return stages

    def sampler(self) -> SamplingFilter | None:
        """Return a new filter for the outputs, or None where nothing is to be left out."""
        rules = self._named("sampling") if self._on("sampling") else {}
        keep = self._settings.get("sampling.keep", KEEP)
        sampler = SamplingFilter(rules, keep, annotate=False)
        return sampler if rules and self.mode != "off" else None

    def section(self, name: str) -> dict[str, Any]:
        """Return the settings under `name.`, without that prefix, as they were read and checked."""
        prefix = name + "."
        return {key[len(prefix) :]: value for key, value in self._settings.items() if key.startswith(prefix)}

    def _named(self, head: str) -> dict[str, dict[str, Any]]:
        """Return the entries of a section whose names the user chose."""
        entries: dict[str, dict[str, Any]] = {}
        for key, value in self.section(head).items():
            name, _, part = key.rpartition(".")
            if name:
                entries.setdefault(name, {})[part] = value
        return entries


def _off_word(value: Any) -> Any:
    """YAML and TOML writers turn `off` into False."""
    return "off" if value is False else value


def _mode(configured: str) -> str:
    override = os.environ.get("SECLOG_MODE", "").strip()
    if not override:
        return configured
    return _config.as_choice("The environment variable SECLOG_MODE", override, MODES)


def _distinct(fields: dict[str, str]) -> dict[str, str]:
    """Return the renames if each field of a line keeps a name of its own: one name for two would lose one."""
    taken = {name: name for name in LINE if name not in fields}
    for ours, theirs in fields.items():
        if not theirs or theirs in taken:
            reason = f"the name of {taken[theirs]!r} as well" if theirs else "no name"
            raise ConfigurationError(
                f"fields.{ours} is {theirs!r}, which is {reason}: give each field a name of its own."
            )
        taken[theirs] = ours
    return fields


def _checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten to dotted keys and check every value."""
    flat: dict[str, Any] = {}
    for key, value in _flattened("", settings):
        if key in flat:
            raise ConfigurationError(f"The policy gives {key} twice, nested and dotted: keep one of them.")
        flat[key] = _reader(key)(key, value)
    return flat


def _flattened(prefix: str, settings: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in settings.items():
        if not isinstance(name, str):
            raise ConfigurationError(f"The policy has the key {name!r}: keys must be strings.")
        key = prefix + name.strip()
        pairs += _flattened(key + ".", value) if isinstance(value, Mapping) else [(key, value)]
    return pairs


def _reader(key: str) -> Reader:
    head, _, rest = key.partition(".")
    reader = _KEYS.get(key)
    if reader is None and rest:
        named = _NAMED.get(head, {}) if "." in rest else {}
        reader = named.get(rest.rpartition(".")[2]) or _FREE.get(head)
    if reader is not None:
        return reader
    named_keys = [f"{name}.NAME.{part}" for name, parts in _NAMED.items() for part in parts]
    known = [*_KEYS, "static.NAME", "fields.NAME", *named_keys]
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}."
    raise ConfigurationError(f"The policy has the unknown key {key!r}: {hint}")


def _read(path: Path) -> dict[str, Any]:
    suffix = path.suffix.lower()
    if suffix == ".toml":
        return _read_toml(path)
    if suffix in INI_SUFFIXES:
        return _read_ini(path)
    raise ConfigurationError(
        f"policy is {str(path)!r}: the name must end in .toml, or in {', '.join(INI_SUFFIXES)} for an INI file.",
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(
            f"policy is {str(path)!r}, which cannot be read ({reason}; the working directory is "
            f"{os.getcwd()!r}): give the path of a file that this user may read.",  # noqa: PTH109 - a string
        ) from error


def _read_ini(path: Path) -> dict[str, Any]:
    text = _text(path)
    parser = configparser.RawConfigParser(default_section="", strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text, source=str(path))
    except configparser.Error as error:
        raise ConfigurationError(f"policy is {str(path)!r}, which is no valid INI file: {_where(error)}.") from None
    if not parser.has_section(INI_SECTION):
        raise ConfigurationError(
            f"policy is {str(path)!r}, which has no section [{INI_SECTION}]: add it, or leave 'policy' out.",
        )
    return dict(parser.items(INI_SECTION))


def _where(error: configparser.Error) -> str:
    """Say what is wrong and where, without the text of the line, which may hold a key."""
    lines = [number for number, _ in getattr(error, "errors", ())] or [getattr(error, "lineno", None)]
    what = {"DuplicateOptionError": "a key is given twice", "DuplicateSectionError": "a section is given twice"}
    place = ", ".join(f"line {number}" for number in lines if number)
    return f"{what.get(type(error).__name__, 'it cannot be parsed')}{' at ' + place if place else ''}"


def _read_toml(path: Path) -> dict[str, Any]:
    toml = _toml_library()
    try:
        loaded: dict[str, Any] = toml.loads(_text(path))
    except toml.TOMLDecodeError as error:
        raise ConfigurationError(f"policy is {str(path)!r}, which is no valid TOML file: {error}.") from None
    section = loaded.get(INI_SECTION, loaded)
    return _config.as_mapping(f"policy {str(path)!r}: the table [{INI_SECTION}]", section)


def _toml_library() -> Any:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - only who uses TOML pays for it

        return tomllib
    try:
        import tomli  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "The 'tomli' package is needed for a TOML policy before Python 3.11. "
            "Install seclog-handlers[toml], or use an INI file.",
        ) from error
    return tomli
