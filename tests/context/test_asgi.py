from __future__ import annotations

import asyncio
from typing import Any

import pytest

from seclog_handlers.context import SecurityASGIMiddleware, current_request_id
from tests.context.support import Kept, kept

Message = dict[str, Any]


def scope(**more: Any) -> Message:
    return {
        "type": "http", "method": "GET", "path": "/orders", "query_string": b"page=2", "client": ("203.0.113.7", 5000),
        "headers": [(b"user-agent", b"curl/8"), (b"content-length", b"5"), (b"accept", b"a"), (b"accept", b"b")], **more,
    }  # fmt: skip


def call(app: Any, given: Message | None = None, **options: Any) -> tuple[list[Message], Kept]:
    """Run one connection, and return what was sent."""
    _, out = kept()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(SecurityASGIMiddleware(app, "app", **options)(given or scope(), receive, send))
    return sent, out


async def hello(_: Message, __: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello", "more_body": True})
    await send({"type": "http.response.body", "body": b" you"})


def test_logs_what_came_in_and_what_went_out() -> None:
    """The scope becomes an api_request, the body an api_response with its size; the client gets the id."""
    sent, out = call(hello)

    asked, answered = out.one("api_request"), out.one("api_response")
    assert (asked.method, asked.path, asked.query_params) == ("GET", "/orders", {"page": "2"})
    assert (asked.ip_address, asked.user_agent, asked.request_size) == ("203.0.113.7", "curl/8", 5)
    assert asked.headers["Accept"] == "a, b"
    assert (answered.status_code, answered.response_size) == (201, 9)
    assert (b"x-request-id", asked.request_id.encode()) in sent[0]["headers"]
    assert [message.get("body") for message in sent] == [None, b"hello", b" you"]


def test_the_applications_messages_are_left_alone() -> None:
    """The application's own message and its headers are not changed."""
    start = {"type": "http.response.start", "status": 200, "headers": [(b"X-Request-ID", b"own")]}

    async def app(_: Message, __: Any, send: Any) -> None:
        await send(start)
        await send({"type": "http.response.body"})

    sent, _ = call(app)

    assert start == {"type": "http.response.start", "status": 200, "headers": [(b"X-Request-ID", b"own")]}
    assert sent[0]["headers"] == [(b"X-Request-ID", b"own")]


def test_the_response_is_logged_when_its_body_ends() -> None:
    """What an application does after its response, such as background tasks, does not delay the event."""
    seen: list[int] = []

    async def app(given: Message, receive: Any, send: Any) -> None:
        await hello(given, receive, send)
        seen.append(len(out.of("api_response")))

    _, out = kept()
    asyncio.run(SecurityASGIMiddleware(app, "app")(scope(), _nothing, _nowhere))

    assert seen == [1]
    assert len(out.of("api_response")) == 1


async def _nothing() -> Message:
    return {}


async def _nowhere(_: Message) -> None:
    return None


def test_other_messages_pass() -> None:
    """Extensions such as early hints reach the server as they are."""
    hint = {"type": "http.response.early_hint", "links": [b"</style.css>"]}

    async def app(given: Message, receive: Any, send: Any) -> None:
        await send(hint)
        await hello(given, receive, send)

    sent, _ = call(app)

    assert sent[0] == hint


def test_an_exception_goes_on_unchanged() -> None:
    """An exception of the application is a security event and a 500, and the server gets it as it was."""
    error = RuntimeError("no")

    async def app(*_: Any) -> None:
        raise error

    _, out = kept()
    with pytest.raises(RuntimeError) as raised:
        asyncio.run(SecurityASGIMiddleware(app, "app")(scope(), _nothing, _nowhere))

    assert raised.value is error
    assert out.one("security_unhandled_exception").ip_address == "203.0.113.7"
    assert out.one("api_response").status_code == 500


def test_a_client_that_goes_away_is_a_499() -> None:
    """A task that is cancelled before it answered is no failure of the application."""

    async def app(*_: Any) -> None:
        raise asyncio.CancelledError

    _, out = kept()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(SecurityASGIMiddleware(app, "app")(scope(), _nothing, _nowhere))

    assert out.of("security_unhandled_exception") == []
    assert out.one("api_response").status_code == 499


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_other_connections_pass(kind: str) -> None:
    """Websockets and lifespan reach the application as they are and are no requests."""
    seen: list[Any] = []

    async def app(given: Message, receive: Any, send: Any) -> None:
        seen.append((given["type"], await receive(), current_request_id()))
        await send({"type": f"{kind}.done"})

    sent, out = call(app, scope(type=kind))

    assert seen == [(kind, {"type": "http.request"}, None)]
    assert sent == [{"type": f"{kind}.done"}]
    assert out.records == []


@pytest.mark.parametrize(
    "more", [{"client": None}, {"headers": None}, {"path": None, "query_string": None}, {"headers": [(1, 2)]}]
)
def test_a_half_made_scope_is_served(more: Message) -> None:
    """Whatever a scope lacks, the application gets it and its answer goes out."""
    sent, out = call(hello, scope(**more))

    assert len(sent) == 3
    assert len(out.of("api_response")) == 1


@pytest.mark.parametrize(("proxies", "address"), [((), "10.0.0.1"), (("10.0.0.0/8",), "198.51.100.9")])
@pytest.mark.filterwarnings("ignore::seclog_handlers.SecurityLogWarning")
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(proxies: tuple[str, ...], address: str) -> None:
    """X-Forwarded-For counts if it comes from a proxy that the configuration names."""
    given = scope(client=("10.0.0.1", 1), headers=[(b"x-forwarded-for", b"198.51.100.9")])

    _, out = call(hello, given, trusted_proxies=proxies)

    assert out.one("api_request").ip_address == address


def test_concurrent_requests_keep_their_ids() -> None:
    """Requests that are served at the same time do not see each other's id."""
    seen: dict[str, str | None] = {}

    async def app(given: Message, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        seen[given["path"]] = current_request_id()
        await hello(given, receive, send)

    async def main() -> None:
        served = SecurityASGIMiddleware(app, "app")
        paths = [f"r{number}" for number in range(20)]
        scopes = [scope(path=path, headers=[(b"x-request-id", path.encode())]) for path in paths]
        await asyncio.gather(*(served(given, _nothing, _nowhere) for given in scopes))

    kept()
    asyncio.run(main())

    assert seen == {path: path for path in seen}
    assert len(seen) == 20
