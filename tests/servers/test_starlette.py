"""Starlette under uvicorn, with the ASGI middleware."""

from __future__ import annotations

import pytest

from tests.servers.harness import QUERY, Launcher, Program, leaks, recipes

pytest.importorskip("starlette", reason="Starlette is not installed")
RECIPES = recipes("frameworks.md")


def serve(launch: Launcher) -> Program:
    launch.write(RECIPES)
    return launch.uvicorn("starlette_app:app", "--log-config", "uvicorn.ini")


def test_failures_of_middleware_and_access_log_count_once(launch: Launcher) -> None:
    """The middleware's response and uvicorn's access record of one 401 are one failed login; five alert once."""
    server = serve(launch)

    server.attack()
    server.stop()

    assert len(server.events("authentication", success=False)) == 5
    assert len(server.events("api_response")) == 5
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_every_record_of_a_request_has_its_id(launch: Launcher) -> None:
    """The id is on what the request and its task log; a stream is passed on, counted and logged at its end."""
    server = serve(launch)

    home = server.get(f"/?{QUERY}", {"X-Request-ID": "abc-123"})
    stream = server.get("/stream", {"X-Request-ID": "abc-124"})
    server.stop()

    said = {line["message"]: line.get("request_id") for line in server.lines()}
    (answer,) = server.events("api_response", request_id="abc-124", logger="seclog.http")
    assert home.headers["X-Request-ID"] == "abc-123"
    assert (said["home page"], said["from a task"]) == ("abc-123", "abc-123")
    assert len(stream.body) == answer["response_size"] == 100  # type: ignore[attr-defined]
    assert leaks(launch.folder) == []


def test_an_unhandled_exception_alerts_without_the_secret_it_names(launch: Launcher) -> None:
    """An endpoint that raises is a HIGH event and an alert; uvicorn's own traceback is redacted too."""
    server = serve(launch)

    assert server.get(f"/broken?{QUERY}").status == 500
    server.stop()

    (event,) = server.events("security_unhandled_exception")
    assert (event["severity"], event["ip_address"]) == ("HIGH", "127.0.0.1")
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []
