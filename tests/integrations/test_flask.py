from __future__ import annotations

import logging
from typing import Any

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

import flask

from seclog_handlers.integrations.flask import init_app
from tests.context.support import Kept, kept


def served(**options: Any) -> tuple[Any, Kept]:
    app = flask.Flask("shop")

    @app.get("/")
    def home() -> str:
        return "hello"

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("broken view")

    _, out = kept("shop.requests")
    init_app(app, "shop.requests", **options)
    return app.test_client(), out


def test_requests_are_events() -> None:
    """One call, and each request has its api_request, its api_response and its id in the answer."""
    client, out = served()

    response = client.get("/?page=2", headers={"X-Request-ID": "abc-1"})
    response.close()

    assert (out.one("api_request").path, out.one("api_request").query_params) == ("/", {"page": "2"})
    assert (out.one("api_response").status_code, out.one("api_response").response_size) == (200, 5)
    assert response.headers["X-Request-ID"] == "abc-1"


def test_an_exception_that_flask_handles_is_an_event() -> None:
    """Flask answers with a 500 itself; the exception is a security event all the same, once."""
    client, out = served()

    response = client.get("/broken")
    response.close()

    event = out.one("security_unhandled_exception")
    assert response.status_code == 500
    assert (event.severity, event.ip_address, str(event.exc_info[1])) == ("HIGH", "127.0.0.1", "broken view")
    assert event.request_id == out.one("api_response").request_id
    assert out.one("api_response").status_code == 500


def test_a_client_that_keeps_the_context_works() -> None:
    """Flask's own `with client:` leaves its context outside of the middleware, as it does without it."""
    client, out = served()

    with client:
        response = client.get("/?page=3")
        assert flask.request.args["page"] == "3"
    response.close()

    assert len(out.of("api_request")) == 1


class Broken(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("a filter of the application's")


def test_a_logger_that_raises_does_not_reach_the_answer() -> None:
    """Requests and failures are answered as without the pack, even if no event can be logged."""
    client, _ = served()
    logging.getLogger("shop.requests").addFilter(Broken())

    with client.get("/") as good, client.get("/broken") as bad:
        assert (good.status_code, good.data, bad.status_code) == (200, b"hello", 500)


def test_forwarded_addresses_are_believed_from_trusted_proxies() -> None:
    """trusted_proxies holds for requests and for exceptions."""
    client, out = served(trusted_proxies=["127.0.0.0/8"])

    client.get("/broken", headers={"X-Forwarded-For": "198.51.100.9"}).close()

    assert out.one("api_request").ip_address == "198.51.100.9"
    assert out.one("security_unhandled_exception").ip_address == "198.51.100.9"
