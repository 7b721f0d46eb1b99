from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler
from wsgiref.validate import validator

import pytest

from seclog_handlers import ConfigurationError
from seclog_handlers.context import SecurityWSGIMiddleware, current_request_id
from tests.context.support import Kept, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Environ = dict[str, Any]


def environ(**more: str) -> Environ:
    return {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/orders", "QUERY_STRING": "page=2&tag=a&tag=b",
        "SERVER_NAME": "shop.example", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "203.0.113.7",
        "HTTP_USER_AGENT": "curl/8", **more,
    }  # fmt: skip


def serve(app: Any, env: Environ | None = None, **options: Any) -> tuple[bytes, Kept]:
    """Run one request through the standard library's own WSGI server code."""
    _, out = kept()
    written = io.BytesIO()
    server = SimpleHandler(
        io.BytesIO(), written, io.StringIO(), env or environ(), multithread=False, multiprocess=False
    )
    server.run(SecurityWSGIMiddleware(app, "app", **options))
    return written.getvalue(), out


def hello(_: Environ, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello", b" you"]


def test_logs_what_came_in_and_what_went_out() -> None:
    """The environ becomes an api_request, the body an api_response with its size; the client gets the id."""
    written, out = serve(hello, environ(CONTENT_LENGTH="5", CONTENT_TYPE="text/plain", REMOTE_USER="bob"))

    asked, answered = out.one("api_request"), out.one("api_response")
    assert (asked.method, asked.path, asked.query_params) == ("GET", "/orders", {"page": "2", "tag": ["a", "b"]})
    assert (asked.ip_address, asked.user_agent, asked.user_id, asked.request_size) == (
        "203.0.113.7",
        "curl/8",
        "bob",
        5,
    )
    assert asked.headers == {"User-Agent": "curl/8", "Content-Type": "text/plain"}
    assert (answered.status_code, answered.response_size) == (200, 9)
    assert f"X-Request-ID: {asked.request_id}".encode() in written
    assert written.endswith(b"hello you")


def test_a_path_is_text() -> None:
    """A path comes as the latin-1 of its UTF-8; it is logged as what it says."""
    _, out = serve(hello, environ(SCRIPT_NAME="/shop", PATH_INFO="/größe".encode().decode("latin-1")))

    assert out.one("api_request").path == "/shop/größe"


def test_an_incoming_id_is_taken_and_sent_back() -> None:
    """The client's own X-Request-ID is on the events and on the response."""
    written, out = serve(hello, environ(HTTP_X_REQUEST_ID="abc-1"))

    assert out.ids() == ["abc-1", "abc-1"]
    assert b"X-Request-ID: abc-1" in written


def test_a_header_of_the_applications_own_is_kept() -> None:
    """A response that has an X-Request-ID already does not get a second one."""

    def app(_: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("x-request-id", "own")])
        return [b""]

    written, _ = serve(app)

    assert written.lower().count(b"x-request-id") == 1


def test_a_stream_is_passed_on_part_by_part_and_closed() -> None:
    """Nothing is read ahead, the response is logged at the body's end, and the body's close() is called."""
    said: list[str | None] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(3):
                said.append(current_request_id())
                yield b"part"

        def close(self) -> None:
            said.append("closed")

    def app(_: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Body()

    _, out = kept()
    body = SecurityWSGIMiddleware(app, "app")(environ(HTTP_X_REQUEST_ID="r1"), lambda *_: None)
    parts = iter(body)

    assert said == []
    assert next(parts) == b"part"
    assert said == ["r1"]
    assert out.of("api_response") == []
    assert list(parts) == [b"part", b"part"]
    assert out.one("api_response").response_size == 12
    body.close()  # type: ignore[attr-defined]
    assert said == ["r1", "r1", "r1", "closed"]
    assert current_request_id() is None


def test_a_client_that_goes_away_early_is_a_response_too() -> None:
    """A body that the server closes before its end is logged with what went out."""

    def app(_: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        return [b"part"] * 3

    _, out = kept()
    body = SecurityWSGIMiddleware(app, "app")(environ(), lambda *_: None)
    next(iter(body))
    body.close()  # type: ignore[attr-defined]

    assert out.one("api_response").response_size == 4


def test_written_bytes_count() -> None:
    """What an application writes through start_response's write() is part of the response."""

    def app(_: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])(b"written ")
        return [b"returned"]

    written, out = serve(app)

    assert out.one("api_response").response_size == 16
    assert written.endswith(b"written returned")


def test_an_exception_before_the_response() -> None:
    """An exception of the application goes on to the server unchanged, as a 500 and a security event."""
    error = RuntimeError("no")

    def app(_: Environ, __: Callable[..., Any]) -> list[bytes]:
        raise error

    _, out = kept()
    with pytest.raises(RuntimeError) as raised:
        SecurityWSGIMiddleware(app, "app")(environ(), lambda *_: None)

    assert raised.value is error
    assert out.one("security_unhandled_exception").ip_address == "203.0.113.7"
    assert out.one("api_response").status_code == 500
    assert current_request_id() is None


def test_an_exception_in_the_middle_of_the_body() -> None:
    """A body that fails is logged once, and the response when the server closes it."""

    def app(_: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        yield b"part"
        raise RuntimeError("torn")

    _, out = kept()
    body = SecurityWSGIMiddleware(app, "app")(environ(), lambda *_: None)
    with pytest.raises(RuntimeError, match="torn"):
        list(body)
    body.close()  # type: ignore[attr-defined]
    body.close()  # type: ignore[attr-defined]

    assert len(out.of("security_unhandled_exception")) == 1
    assert (out.one("api_response").status_code, out.one("api_response").response_size) == (500, 4)


def test_a_worker_that_is_told_to_stop_passes() -> None:
    """SystemExit in the application is no security event, and still ends the request."""

    def app(_: Environ, __: Callable[..., Any]) -> list[bytes]:
        raise SystemExit(1)

    _, out = kept()
    with pytest.raises(SystemExit):
        SecurityWSGIMiddleware(app, "app")(environ(), lambda *_: None)

    assert out.of("security_unhandled_exception") == []
    assert len(out.of("api_response")) == 1
    assert current_request_id() is None


@pytest.mark.parametrize(("proxies", "address"), [((), "10.0.0.1"), (("10.0.0.0/8",), "198.51.100.9")])
@pytest.mark.filterwarnings("ignore::seclog_handlers.SecurityLogWarning")
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(proxies: tuple[str, ...], address: str) -> None:
    """X-Forwarded-For counts if it comes from a proxy that the configuration names."""
    env = environ(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.9")

    _, out = serve(hello, env, trusted_proxies=proxies)

    assert out.one("api_request").ip_address == address


def test_a_proxy_that_is_no_network_stops_the_start() -> None:
    """A wrong entry of trusted_proxies is a configuration error."""
    with pytest.raises(ConfigurationError, match="not-a-network"):
        SecurityWSGIMiddleware(hello, trusted_proxies=("not-a-network",))


@pytest.mark.parametrize("env", [{}, {"QUERY_STRING": None}, {"PATH_INFO": 7, "REMOTE_ADDR": None}])
def test_a_half_made_environ_is_served(env: Environ) -> None:
    """Whatever an environ lacks, the application gets it and its answer goes out."""
    _, out = kept()

    body = SecurityWSGIMiddleware(hello, "app")(env, lambda *_: None)

    assert list(body) == [b"hello", b" you"]
    body.close()  # type: ignore[attr-defined]
    assert len(out.of("api_response")) == 1


def test_conforms_to_the_standard() -> None:
    """The standard library's validator finds nothing wrong on either side of the middleware."""
    _, out = kept()
    written = io.BytesIO()
    env = environ()

    def app(env: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    wrapped = validator(SecurityWSGIMiddleware(validator(app), "app"))
    SimpleHandler(io.BytesIO(), written, io.StringIO(), env, multithread=False, multiprocess=False).run(wrapped)

    assert b"200 OK" in written.getvalue()
    assert len(out.of("api_response")) == 1
