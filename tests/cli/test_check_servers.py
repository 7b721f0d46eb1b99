"""`seclog check --server` loads a configuration into what that server has set up before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.command import checked, codes
from tests.cli.configurations import handlers, mapping, write
from tests.cli.test_check import where

if TYPE_CHECKING:
    from pathlib import Path


def test_a_mapping_is_loaded_over_gunicorns_defaults(tmp_path: Path) -> None:
    """With --log-config-json gunicorn keeps existing loggers, and names its own unless the file names some."""
    pytest.importorskip("gunicorn")
    config = mapping(loggers={
        "gunicorn.access": {"level": "INFO", "handlers": ["secure"], "propagate": False},
        "gunicorn.error": {"level": "INFO", "handlers": ["secure"], "propagate": False},
    })  # fmt: skip
    del config["disable_existing_loggers"]

    report = checked(write(tmp_path, config), "--server", "gunicorn", cwd=tmp_path)

    assert (report["error"], codes(report)) == (None, set())


def test_uvicorns_own_handlers_stay_under_an_applications_mapping(tmp_path: Path) -> None:
    """An application that loads its own dictConfig under uvicorn leaves uvicorn's raw handlers in place."""
    pytest.importorskip("uvicorn")
    (tmp_path / "conf.py").write_text(f"LOGGING = {mapping()!r}")

    report = checked("conf:LOGGING", "--server", "uvicorn", cwd=tmp_path)

    assert "logger uvicorn.access" in where(report, "logger-not-covered")
    assert "raw-records" in codes(report)


def test_uvicorns_log_config_replaces_its_handlers(tmp_path: Path) -> None:
    """A file for --log-config is loaded instead of uvicorn's own, so the root covers everything."""
    report = checked(write(tmp_path, mapping()), "--server", "uvicorn", cwd=tmp_path)

    assert (report["error"], codes(report)) == (None, set())


def test_djangos_mail_handler_is_raw(tmp_path: Path) -> None:
    """LOGGING beside Django's defaults: AdminEmailHandler mails the query string, django.server stays raw."""
    pytest.importorskip("django")
    (tmp_path / "shop_settings.py").write_text(
        f"SECRET_KEY = 'x'\nINSTALLED_APPS = []\nLOGGING = {mapping()!r}",
    )

    report = checked("shop_settings:LOGGING", "--server", "django", cwd=tmp_path)

    mail = [finding for finding in report["findings"] if "AdminEmailHandler" in finding["where"]]
    assert [finding["code"] for finding in mail if "query string" in finding["what"]] == ["raw-records"]
    assert "logger django.server" in where(report, "logger-not-covered")


def test_djangos_loggers_disabled_by_default_are_named(tmp_path: Path) -> None:
    """LOGGING without disable_existing_loggers=False disables django and django.server."""
    pytest.importorskip("django")
    config = mapping()
    del config["disable_existing_loggers"]
    (tmp_path / "shop_settings.py").write_text(f"INSTALLED_APPS = []\nLOGGING = {config!r}")

    report = checked("shop_settings:LOGGING", cwd=tmp_path)

    assert "disables-existing-loggers" in codes(report)
    assert "django" in where(report, "logger-disabled")[0]


def test_djangos_loggers_named_are_covered(tmp_path: Path) -> None:
    """Naming django and django.server replaces their raw handlers."""
    pytest.importorskip("django")
    secured = {"level": "INFO", "handlers": ["secure"], "propagate": False}
    config = mapping(handlers=handlers(), loggers={"django": secured, "django.server": secured})

    report = checked(write(tmp_path, config), "--server", "django", cwd=tmp_path)

    assert (report["error"], codes(report)) == (None, set())


def test_celerys_takeover_is_advice(tmp_path: Path) -> None:
    """Where Celery is installed, check says that its worker replaces the root logger's handlers."""
    pytest.importorskip("celery")

    report = checked(write(tmp_path, mapping()), cwd=tmp_path)

    assert "celery-takes-over" in codes(report, "advice")
    assert report["status"] == 0
