"""Configurations that the tests change one thing of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

KEY = "k1:0123456789abcdef0123456789abcdef"
POLICY = {"pseudonyms.keys": [KEY], "geoip": "off", "service": "test"}


def ini(**parts: str) -> str:
    """Return an INI file without a finding; `parts` append lines to sections, or add sections."""
    sections = {
        "loggers": "keys = root",
        "handlers": "keys = secure, escalate, out",
        "formatters": "keys = json",
        "logger_root": "level = INFO\nhandlers = secure",
        "handler_secure": (
            "class = seclog_handlers.SecurityHandler\n"
            f"kwargs = {{'policy': {POLICY!r}, 'targets': ('escalate',)}}\n"
            "target = out"
        ),
        "handler_escalate": (
            "class = seclog_handlers.EscalationHandler\n"
            f"kwargs = {{'policy': {POLICY!r}, 'state': 'sqlite:///state.db'}}\n"
            "target = out"
        ),
        "handler_out": "class = StreamHandler\nargs = (sys.stdout,)\nformatter = json",
        "formatter_json": "class = seclog_handlers.JsonFormatter",
    }
    for name, lines in parts.items():
        sections[name] = lines
    return "".join(f"[{name}]\n{lines}\n\n" for name, lines in sections.items())


def mapping(**changes: Any) -> dict[str, Any]:
    """Return a dictConfig without a finding; `changes` replace its parts."""
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "seclog_handlers.JsonFormatter"}},
        "handlers": handlers(),
        "root": {"level": "INFO", "handlers": ["secure"]},
    }
    return {**config, **changes}


def handlers(**more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        "secure": {
            "class": "seclog_handlers.SecurityHandler",
            "target": "out",
            "targets": ["escalate"],
            "policy": POLICY,
        },
        "escalate": {
            "class": "seclog_handlers.EscalationHandler",
            "target": "out",
            "state": "sqlite:///state.db",
            "policy": POLICY,
        },
        "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"},
        **more,
    }


def write(folder: Path, config: str | dict[str, Any]) -> str:
    """Write a configuration and return the name of its file."""
    name = "logging.ini" if isinstance(config, str) else "logging.json"
    (folder / name).write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
    return name
