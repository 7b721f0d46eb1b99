"""What is silently wrong in an INI file for fileConfig, found without loading it."""

from __future__ import annotations

import ast
import configparser
import difflib
import sys
from typing import TYPE_CHECKING

from seclog_handlers.cli.check_findings import Finding, found

if TYPE_CHECKING:
    from collections.abc import Iterator

# What fileConfig reads of each kind of section (3.10 to 3.14).
_FORMATTER_KEYS = ("format", "datefmt", "style", "class")
KEYS: dict[str, tuple[str, ...]] = {
    "logger": ("level", "handlers", "qualname", "propagate"),
    "handler": ("class", "args", "kwargs", "level", "formatter", "target"),
    "formatter": (*_FORMATTER_KEYS, "defaults") if sys.version_info >= (3, 12) else _FORMATTER_KEYS,
}
INTERPOLATED = (
    "class",
    "args",
    "kwargs",
    "level",
    "handlers",
    "target",
    "formatter",
    "qualname",
    "propagate",
)
VERBATIM = ("format", "datefmt", "style")
# Keys of [DEFAULT] that are usually meant for every section.
_SHARED_ON_PURPOSE = frozenset({"level", *VERBATIM})
_POLICY_HEADS = frozenset({"service", "mode", "redact", "pseudonyms", "geoip", "access_log", "trusted", "static"})

Sections = configparser.RawConfigParser


def findings(sections: Sections, *, passes_here: bool) -> list[Finding]:
    """Return what is silently wrong in the file.

    Args:
        sections: The file, read with [DEFAULT] as an ordinary section.
        passes_here: Whether whoever loads the file passes %(here)s, as gunicorn does.
    """
    every = [*_filters(sections), *_unknown_keys(sections), *_unlisted(sections), *_defaults(sections)]
    every += [*_percent(sections), *_doubled(sections), *_targets(sections), *_policy(sections)]
    if not passes_here and uses_here(sections):
        every.append(found("here-not-passed", "the file", "It uses %(here)s."))
    if not passes_here:
        every.append(found("file-config-disables-loggers", "the call of fileConfig", "The file cannot say it."))
    return every


def uses_here(sections: Sections) -> bool:
    """Whether a value that fileConfig interpolates refers to %(here)s."""
    return any(
        "%(here)s" in value and key in INTERPOLATED for _, _, options in _parts(sections) for key, value in options
    )


def _parts(sections: Sections) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Yield (kind, section, its own options) of the sections that fileConfig may read."""
    for section in sections.sections():
        kind = section.partition("_")[0]
        if kind in KEYS and section != kind:
            yield kind, section, [(key, value or "") for key, value in sections.items(section)]


def _filters(sections: Sections) -> Iterator[Finding]:
    for name in ("filters", *(part for part in sections.sections() if part.startswith("filter_"))):
        if sections.has_section(name):
            yield found("ini-filters-ignored", f"[{name}]", f"The section [{name}] defines a filter.")
    for _, section, options in _parts(sections):
        for key, value in options:
            if key == "filters":
                yield found("ini-filters-ignored", f"[{section}]", f"It has the line 'filters = {value}'.")


def _unknown_keys(sections: Sections) -> Iterator[Finding]:
    for kind, section, options in _parts(sections):
        for key, _ in options:
            if key not in KEYS[kind] and key != "filters":
                yield found("ini-unknown-key", f"[{section}]", f"It has the key {key!r}{_hint(key, KEYS[kind])}.")


def _hint(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; the keys are {', '.join(known)}"


def _unlisted(sections: Sections) -> Iterator[Finding]:
    for kind, section, _ in _parts(sections):
        name = section.removeprefix(kind + "_")
        if name not in _words(sections.get(kind + "s", "keys", fallback="")):
            yield found(
                "ini-section-unlisted", f"[{section}]", f"The keys of [{kind}s] do not list {name!r}.",
            )  # fmt: skip


def _words(value: str | None) -> list[str]:
    return [word.strip() for word in (value or "").split(",")]


def _defaults(sections: Sections) -> Iterator[Finding]:
    if not sections.has_section("DEFAULT"):
        return
    known = {key for keys in KEYS.values() for key in keys} - _SHARED_ON_PURPOSE
    for key, _ in sections.items("DEFAULT"):
        if key in known:
            yield found("ini-default-applies", "[DEFAULT]", f"It has the key {key!r}.")
        elif key.partition(".")[0] in _POLICY_HEADS:
            yield found("ini-default-not-policy", "[DEFAULT]", f"It has the key {key!r}.")


def _percent(sections: Sections) -> Iterator[Finding]:
    """Try what ConfigParser does to each value that fileConfig reads through it."""
    defaults = dict(sections.items("DEFAULT")) if sections.has_section("DEFAULT") else {}
    for _, section, options in _parts(sections):
        known = {**defaults, **dict(options), "here": "", "__file__": ""}
        for key, value in options:
            if key in INTERPOLATED and not _interpolates(key, value, known):
                yield found(
                    "ini-percent-not-doubled",
                    f"[{section}]",
                    f"The value of {key!r} has a single percent sign.",
                )


def _interpolates(key: str, value: str, known: dict[str, str]) -> bool:
    try:
        configparser.BasicInterpolation().before_get(_EMPTY, "section", key, value, known)
    except configparser.InterpolationError:
        return False
    return True


_EMPTY = configparser.RawConfigParser()


def _doubled(sections: Sections) -> Iterator[Finding]:
    for _, section, options in _parts(sections):
        for key, value in options:
            if key in VERBATIM and "%%(" in value:
                yield found("ini-percent-doubled", f"[{section}]", f"The value of {key!r} has '%%('.")


def _targets(sections: Sections) -> Iterator[Finding]:
    for kind, section, options in _parts(sections):
        written = dict(options)
        if kind == "handler" and not written.get("target") and _names_targets(written.get("kwargs", "")):
            yield found(
                "target-line-missing",
                f"[{section}]",
                "Its kwargs have 'targets', and it has no 'target' line.",
            )


def with_target(sections: Sections | None) -> list[str]:
    """Return the names of the handlers that have a `target` line."""
    parts = _parts(sections) if sections is not None else ()
    named = [section for kind, section, options in parts if kind == "handler" and dict(options).get("target")]
    return [section.removeprefix("handler_") for section in named]


def _names_targets(kwargs: str) -> bool:
    """Whether the dict display `kwargs` gives 'targets' anything."""
    value = (_arguments(kwargs) or {}).get("targets")
    return value is not None and not (isinstance(value, (ast.Tuple, ast.List)) and not value.elts)


def _policy(sections: Sections) -> Iterator[Finding]:
    if not sections.has_section("seclog"):
        return
    given = [
        _arguments(dict(options).get("kwargs", "{}")) for kind, _, options in _parts(sections) if kind == "handler"
    ]
    if None not in given and not any(_is_path(arguments.get("policy")) for arguments in given if arguments):
        yield found("policy-section-unused", "[seclog]", "No handler's policy is the path of a file.")


def _is_path(value: ast.expr | None) -> bool:
    """Whether an argument may be a path: anything but a literal of another kind."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str)
    return value is not None and not isinstance(value, ast.Dict)


def _arguments(kwargs: str) -> dict[str, ast.expr] | None:
    """Return what the dict display `kwargs` says, None if it is none; the file is parsed, not run."""
    try:
        tree = ast.parse(kwargs.strip().replace("%%", "%"), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(tree, ast.Dict):
        return None
    return {
        key.value: value
        for key, value in zip(tree.keys, tree.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
