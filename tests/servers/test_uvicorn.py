"""uvicorn with an application that logs nothing."""

from __future__ import annotations

import shutil

import pytest

from tests.servers.harness import REPO, Launcher, leaks, recipes

RECIPES = recipes("frameworks.md")


@pytest.mark.parametrize("config", ["uvicorn.ini", "uvicorn.json"])
def test_five_failed_logins_alert_once_and_show_no_secret(launch: Launcher, config: str) -> None:
    """Five 401s on a login path are five failed logins and one alert."""
    launch.write(RECIPES)
    server = launch.uvicorn("silent_asgi:application", "--log-config", config)

    server.attack()
    server.stop()

    assert len(server.events("authentication", success=False)) == 5
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_the_example_as_it_stands(launch: Launcher) -> None:
    """logging.ini.example, unchanged but for its name, which uvicorn wants to end in .ini, alerts once."""
    shutil.copy(REPO / "logging.ini.example", launch.folder / "logging.ini")
    server = launch.uvicorn("silent_asgi:application", "--log-config", "logging.ini")

    server.attack()
    server.stop()

    assert len(server.events("authentication", success=False)) == 5
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_uvicorns_own_formatter_still_works_beside(launch: Launcher) -> None:
    """The AccessFormatter of uvicorn, which takes five arguments apart, formats the redacted record of a target."""
    text = RECIPES["uvicorn.ini"]
    text = text.replace("keys = secure, escalate, out", "keys = secure, escalate, out, plain")
    text = text.replace("keys = json", "keys = json, access")
    text = text.replace('"targets": ("escalate",)', '"targets": ("escalate", "plain")')
    text += '\n[handler_plain]\nclass = FileHandler\nargs = ("plain.log",)\nformatter = access\n'
    text += '\n[formatter_access]\nclass = uvicorn.logging.AccessFormatter\nformat = %(client_addr)s "%(request_line)s" %(status_code)s\n'
    launch.write({"both.ini": text})
    server = launch.uvicorn("silent_asgi:application", "--log-config", "both.ini")

    server.attack(1)
    server.stop()

    line = next(line for line in (launch.folder / "plain.log").read_text().splitlines() if "GET" in line)
    assert line.startswith("127.0.0.1:")
    assert "401" in line
    assert leaks(launch.folder) == []
