"""gunicorn with an application that logs nothing: the security log comes from the configuration alone."""

from __future__ import annotations

import shutil

import pytest

from tests.servers.harness import QUERY, REPO, Launcher, leaks, recipes

RECIPES = recipes("frameworks.md")
EXAMPLE = REPO / "logging.ini.example"


@pytest.mark.parametrize(
    ("switches", "workers"),
    [
        (("--log-config", "gunicorn.ini"), 1),
        (("--log-config", "gunicorn.ini"), 2),
        (("--log-config", "gunicorn.ini"), 4),
        (("--log-config-json", "gunicorn.json"), 1),
        (("--log-config-json", "gunicorn.json"), 4),
    ],
    ids=["ini-1", "ini-2", "ini-4", "json-1", "json-4"],
)
def test_five_failed_logins_alert_once_and_show_no_secret(
    launch: Launcher, switches: tuple[str, str], workers: int
) -> None:
    """Five 401s with credentials are five failed logins and one alert, whichever workers answered them."""
    launch.write(RECIPES)
    server = launch.gunicorn("silent_wsgi:application", *switches, "--workers", str(workers))

    server.attack()
    server.stop()

    assert len(server.events("authentication", success=False)) == 5
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_each_status_is_its_event(launch: Launcher) -> None:
    """A 403 is a denied authorization, a 429 a rate limit violation, others are responses; all say what was asked."""
    launch.write(RECIPES)
    server = launch.gunicorn("silent_wsgi:application", "--log-config", "gunicorn.ini")

    for path in ("/", "/admin", "/busy", "/broken"):
        server.get(f"{path}?{QUERY}")
    server.stop()

    (denied,) = server.events("authorization")
    (limited,) = server.events("rate_limit_violation")
    responses = server.events("api_response")
    assert denied["granted"] is False
    assert (denied["path"], limited["path"]) == ("/admin", "/busy")
    assert [(line["path"], line["status_code"], line["level"]) for line in responses] == [
        ("/", 200, "INFO"),
        ("/broken", 500, "ERROR"),
    ]
    assert {line["ip_address"] for line in (denied, limited, *responses)} == {"127.0.0.1"}
    assert leaks(launch.folder) == []


def test_gevent_workers(launch: Launcher) -> None:
    """Greenlets instead of threads change nothing."""
    pytest.importorskip("gevent", reason="gevent is not installed")
    launch.write(RECIPES)
    server = launch.gunicorn(
        "silent_wsgi:application", "--log-config", "gunicorn.ini", "--workers", "2", "--worker-class", "gevent"
    )

    server.attack()
    server.stop()

    assert len(server.events("authentication", success=False)) == 5
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_the_example_as_it_stands(launch: Launcher) -> None:
    """logging.ini.example, unchanged and under another name, alerts once after five failed logins."""
    shutil.copy(EXAMPLE, launch.folder / "anything.conf")
    server = launch.gunicorn("silent_wsgi:application", "--log-config", "anything.conf")

    server.attack()
    server.stop()

    assert len(server.events("authentication", success=False)) == 5
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_a_challenge_without_credentials_is_no_failed_login(launch: Launcher) -> None:
    """A 401 that only asks for credentials, outside of a login path, is a response."""
    launch.write(RECIPES)
    server = launch.gunicorn("silent_wsgi:application", "--log-config", "gunicorn.ini")
    bare = {"Authorization": "", "Cookie": "", "X-Api-Key": ""}

    for _ in range(6):
        server.get("/reports", bare)
    server.stop()

    assert server.events("authentication") == []
    assert server.opened() == []
