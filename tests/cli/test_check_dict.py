from __future__ import annotations

from typing import Any

import pytest

from seclog_handlers.cli import check_dict

SOUND: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"quiet": {"()": "logging.Filter", "name": "app"}, "named": {"name": "app"}},
    "formatters": {
        "text": {"format": "%(message)s"},
        "json": {"()": "seclog_handlers.JsonFormatter", "fmt": ""},
    },
    "handlers": {
        "out": {"class": "logging.StreamHandler", "formatter": "text"},
        "secure": {"class": "seclog_handlers.SecurityHandler", "target": "out"},
    },
    "loggers": {"app": {"level": "INFO", "handlers": ["secure"], "propagate": False}},
    "root": {"level": "INFO", "handlers": ["secure"]},
}


def found(**changes: Any) -> list[tuple[str, str]]:
    config = {key: value for key, value in {**SOUND, **changes}.items() if value is not None}
    return [(finding.code, finding.where) for finding in check_dict.findings(config)]


def test_says_nothing_about_a_sound_mapping() -> None:
    """A dictConfig that is read as it was meant has no finding."""
    assert found() == []


@pytest.mark.parametrize(
    ("code", "where", "changes"),
    [
        ("unknown-key", "the top level", {"handler": {}}),
        ("unknown-key", "loggers.app", {"loggers": {"app": {"handler": ["secure"]}}}),
        ("unknown-key", "root", {"root": {"level": "INFO", "handler": ["secure"]}}),
        ("filter-class-ignored", "filters.redact", {"filters": {"redact": {"class": "x.Redact"}}}),
        (
            "formatter-keys-dropped",
            "formatters.json",
            {"formatters": {"json": {"class": "x.J", "rename": {}}}},
        ),
        ("formatter-keys-dropped", "formatters.json", {"formatters": {"json": {"fmt": "%(message)s"}}}),
        ("target-under-factory", "handlers.b", {"handlers": {"a": {}, "b": {"()": "x.H", "target": "a"}}}),
        ("disables-existing-loggers", "the top level", {"disable_existing_loggers": None}),
        ("disables-existing-loggers", "the top level", {"disable_existing_loggers": True}),
        ("incremental-ignores", "the top level", {"incremental": True}),
    ],
)
def test_names_what_dict_config_ignores(code: str, where: str, changes: dict[str, Any]) -> None:
    """Each silent failure of a dictConfig is named with its place."""
    assert (code, where) in found(**changes)


def test_an_incremental_change_of_levels_is_sound() -> None:
    """An incremental configuration that only sets levels and propagation loses nothing."""
    config = {
        "version": 1,
        "incremental": True,
        "handlers": {"out": {"level": "INFO"}},
        "loggers": {"app": {"level": "DEBUG", "propagate": False}},
        "root": {"level": "INFO"},
    }

    assert check_dict.findings(config) == []


def test_gunicorn_keeps_existing_loggers() -> None:
    """The defaults of gunicorn say disable_existing_loggers=False for a mapping that does not."""
    config = {key: value for key, value in SOUND.items() if key != "disable_existing_loggers"}

    assert check_dict.findings(config, keeps_loggers=True) == []


def test_survives_parts_that_are_no_mappings() -> None:
    """What dictConfig itself will refuse is left to it."""
    assert check_dict.findings({**SOUND, "handlers": ["out"], "loggers": None, "root": 5, "filters": {"a": 1}}) == []


def test_offers_the_key_that_was_meant() -> None:
    """A misspelt key comes with the one that looks like it."""
    (finding,) = check_dict.findings({**SOUND, "loggers": {"app": {"handler": []}}})

    assert "did you mean 'handlers'?" in finding.what
