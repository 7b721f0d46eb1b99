"""Django behind gunicorn: signals, django.request and gunicorn.access tell of the same requests."""

from __future__ import annotations

import shutil

import pytest

from tests.servers.harness import QUERY, REPO, Launcher, leaks, recipes

pytest.importorskip("django", reason="Django is not installed")
RECIPES = recipes("frameworks.md")


@pytest.mark.parametrize("workers", [1, 4])
def test_a_failure_that_three_tell_counts_once(launch: Launcher, workers: int) -> None:
    """The signal's event, django.request's 401 and gunicorn's are one failure each; five alert once."""
    launch.write(RECIPES)
    server = launch.gunicorn("django_app:application", "--access-logfile", "-", "--workers", str(workers))

    server.attack()
    server.stop()

    failures = server.events("authentication", success=False)
    assert len(failures) == 5
    assert {failure["logger"] for failure in failures} == {"seclog.django"}
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_the_example_as_it_stands(launch: Launcher) -> None:
    """logging.ini.example under gunicorn, and Django with no LOGGING of its own, which closes gunicorn's handlers."""
    launch.write({"django_logging.py": "LOGGING = {}\n"})
    shutil.copy(REPO / "logging.ini.example", launch.folder / "logging.ini.example")
    server = launch.gunicorn("django_app:application", "--log-config", "logging.ini.example")

    server.attack()
    server.stop()

    assert len(server.events("authentication", success=False)) == 5
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_a_permission_denial_is_one_event_with_its_resource(launch: Launcher) -> None:
    """PermissionDenied, django.request's 403 and gunicorn's are one denied authorization."""
    launch.write(RECIPES)
    server = launch.gunicorn("django_app:application", "--access-logfile", "-")

    server.get(f"/admin?{QUERY}")
    server.stop()

    (denied,) = server.events("authorization")
    assert denied["granted"] is False
    assert (denied["resource"], denied["action"], denied["ip_address"]) == ("/admin", "GET", "127.0.0.1")
    assert leaks(launch.folder) == []


def test_an_unhandled_exception_alerts_without_the_secret_it_names(launch: Launcher) -> None:
    """A view that raises is a HIGH event and an alert; the password in its message stays out of every output."""
    launch.write(RECIPES)
    server = launch.gunicorn("django_app:application", "--access-logfile", "-")

    assert server.get(f"/broken?{QUERY}").status == 500
    server.stop()

    (event,) = server.events("security_unhandled_exception")
    assert (event["severity"], event["logger"]) == ("HIGH", "seclog.django")
    assert "RuntimeError" in event["exception"]
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []
