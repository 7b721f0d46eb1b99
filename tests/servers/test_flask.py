"""Flask behind gunicorn: the application's events, the middleware's and the access records are one story."""

from __future__ import annotations

import sys

import pytest

from tests.servers.harness import PASSWORD, QUERY, Launcher, Program, leaks, recipes

pytest.importorskip("flask", reason="Flask is not installed")
RECIPES = recipes("frameworks.md")


def serve(launch: Launcher, *switches: str) -> Program:
    launch.write(RECIPES)
    return launch.gunicorn("flask_app:app", "--log-config", "gunicorn.ini", *switches)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_failure_that_two_tell_counts_once(launch: Launcher, workers: int) -> None:
    """The application's event and gunicorn's access record of one request are one failure; five alert once."""
    server = serve(launch, "--workers", str(workers))

    server.attack()
    server.stop()

    assert len(server.events("authentication", success=False)) == 5
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []


def test_every_record_of_a_request_has_its_id(launch: Launcher) -> None:
    """The id that the client sent is on the request, the response, the view's records and in the answer."""
    server = serve(launch)

    response = server.get(f"/?thread=1&{QUERY}", {"X-Request-ID": "abc-123"})
    server.stop()

    assert response.headers["X-Request-ID"] == "abc-123"
    (request,) = server.events("api_request")
    answer = server.events("api_response", request_id="abc-123")[0]
    said = {line["message"]: line.get("request_id") for line in server.lines()}
    assert request["request_id"] == "abc-123"
    assert (answer["status_code"], answer["response_size"]) == (200, 6)
    assert said["home page"] == "abc-123"
    assert said["from a thread"] == ("abc-123" if sys.version_info >= (3, 12) else None)
    assert leaks(launch.folder) == []


def test_an_unhandled_exception_alerts(launch: Launcher) -> None:
    """An exception that Flask answers with a 500 is a HIGH event with its redacted traceback, and one incident."""
    server = serve(launch)

    statuses = [server.get(f"/broken?{QUERY}").status for _ in range(3)]
    server.stop()

    events = server.events("security_unhandled_exception")
    assert statuses == [500, 500, 500]
    assert len(events) == 3
    assert len({event["fingerprint"] for event in events}) == 1
    assert {(event["severity"], event["level"]) for event in events} == {("HIGH", "ERROR")}
    assert "RuntimeError" in events[0]["exception"]
    assert PASSWORD not in server.stdout
    assert len(server.opened()) == 1
    assert leaks(launch.folder) == []
