"""The middleware, what the application says itself, and the server's access record: one request each."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from seclog_handlers.context import SecurityASGIMiddleware, request_context
from tests.support import Lines, secured

CLIENT = ("203.0.113.7", 5000)


def serve(app: Any, requests: int = 1) -> Lines:
    """Let an ASGI application answer as uvicorn does: the access record is logged when the response begins."""
    logger, out = secured(name="")
    access = logging.getLogger("uvicorn.access")

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            access.info('%s - "%s %s HTTP/%s" %d', "{}:{}".format(*CLIENT), "POST", "/login", "1.1", message["status"])

    async def answer() -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/login",
            "query_string": b"",
            "headers": [],
            "client": CLIENT,
        }
        await SecurityASGIMiddleware(app, logger)(scope, None, send)

    async def all_of_them() -> None:
        for _ in range(requests):
            await asyncio.create_task(answer())

    asyncio.run(all_of_them())
    logger.handlers.clear()
    return out


def kinds(out: Lines) -> list[str]:
    return [line["event_type"] for line in out.lines if "event_type" in line]


async def respond(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})


@pytest.mark.parametrize("requests", [1, 3])
def test_the_first_response_of_a_process_counts_once(requests: int) -> None:
    """The middleware logs the response after the server has: the server's record leaves it to it, the first one too."""

    async def app(_: Any, __: Any, send: Any) -> None:
        await respond(send, 200)

    assert kinds(serve(app, requests)) == ["api_request", "api_response"] * requests


def test_a_failure_said_by_a_thread_without_an_address_counts_once() -> None:
    """A sync endpoint runs in a thread and names no address: the request knows it, and links the access record."""

    def endpoint() -> None:
        logging.getLogger("shop").warning(
            "login failed", extra={"event_type": "authentication", "username": "bob", "success": False}
        )

    async def app(_: Any, __: Any, send: Any) -> None:
        await asyncio.to_thread(endpoint)
        await respond(send, 401)

    out = serve(app, 2)

    failures = [line for line in out.lines if line.get("event_type") == "authentication"]
    assert [line["message"] for line in failures] == ["login failed"] * 2
    assert {line["ip_address"] for line in failures} == {CLIENT[0]}


@pytest.mark.parametrize(
    ("extra", "address"),
    [
        ({"event_type": "authentication", "success": False}, "203.0.113.7"),
        ({"event_type": "security_account_locked", "severity": "HIGH", "ip_address": None}, "203.0.113.7"),
        ({"event_type": "authorization", "granted": False, "ip_address": "198.51.100.1"}, "198.51.100.1"),
        ({"event_type": "authentication", "request_id": "another"}, None),
        ({"event_type": "order_placed"}, None),
        ({"event_type": ["odd"]}, None),
        ({}, None),
    ],
)
def test_whose_address_an_event_gets(extra: dict[str, Any], address: str | None) -> None:
    """What rules count by address gets the request's, unless it names one itself or is another request's."""
    logger, out = secured()

    with request_context(logger, {"ip_address": "203.0.113.7"}):
        logger.info("said", extra=extra)

    (line,) = [line for line in out.lines if line["message"] == "said"]
    assert line.get("ip_address") == address


def test_an_odd_request_gives_no_address() -> None:
    """A mapping that fails, or an address that is no text, costs the address only."""

    class Odd(dict):  # type: ignore[type-arg]
        def get(self, *_: Any) -> Any:
            raise RuntimeError

    for request in (Odd(), {"ip_address": 7}):
        logger, out = secured()
        with request_context(logger, request):
            logger.info("said", extra={"event_type": "authentication", "success": False})

        assert [line.get("ip_address") for line in out.lines if line["message"] == "said"] == [None]
