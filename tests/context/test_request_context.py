from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers import SecurityLogger
from seclog_handlers.context import current_request_id, request_context
from tests.context.support import kept

REQUEST = {
    "method": "POST", "path": "/orders", "query_params": {"page": "2"}, "ip_address": "203.0.113.7", "user_id": 42,
    "user_agent": "curl/8", "api_version": "v2", "content_length": 17, "headers": {"Host": "shop.example"},
}  # fmt: skip


def test_logs_a_request_and_its_response() -> None:
    """A request becomes an api_request and an api_response with the same id, the status, the size and the time."""
    logger, out = kept()

    with request_context(logger, REQUEST) as request_id:
        request_id.status_code, request_id.response_size = 201, 512

    asked, answered = out.one("api_request"), out.one("api_response")
    assert (asked.msg, answered.msg) == ("api_request", "api_response")
    assert (asked.method, asked.path, asked.user_id, asked.request_size) == ("POST", "/orders", 42, 17)
    assert asked.request_id == answered.request_id == request_id
    assert (answered.status_code, answered.response_size) == (201, 512)
    assert answered.response_time_ms >= 0


def test_a_response_is_a_200_unless_somebody_says_otherwise() -> None:
    """The status defaults to 200, and an unknown size is left out."""
    logger, out = kept()

    with request_context(logger, {}):
        pass

    answered = out.one("api_response")
    assert answered.status_code == 200
    assert not hasattr(answered, "response_size")


def test_an_exception_is_logged_and_raised_unchanged() -> None:
    """An exception makes a 500 and a security_unhandled_exception of severity HIGH, and is raised as it was."""
    logger, out = kept()
    error = ValueError("no such order")

    with pytest.raises(ValueError, match="no such order") as raised, request_context(logger, REQUEST) as request_id:
        raise error

    event = out.one("security_unhandled_exception")
    assert raised.value is error
    assert error.__cause__ is None
    assert (event.severity, event.levelno, event.exc_info[1]) == ("HIGH", logging.ERROR, error)
    assert (event.request_id, event.user_id, event.ip_address) == (request_id, 42, "203.0.113.7")
    assert out.one("api_response").status_code == 500


def test_what_is_no_exception_is_no_failure() -> None:
    """KeyboardInterrupt passes, is no security event, and the response is logged all the same."""
    logger, out = kept()

    with pytest.raises(KeyboardInterrupt), request_context(logger, {}):
        raise KeyboardInterrupt

    assert out.of("security_unhandled_exception") == []
    assert out.one("api_response").status_code == 200


def test_the_fingerprint_is_the_kind_of_failure() -> None:
    """Two failures of the same type in the same functions share a fingerprint, whatever their text; others do not."""
    logger, out = kept()

    def fail(error: Exception) -> None:
        raise error

    for error in (ValueError("a"), ValueError("b"), TypeError("a")):
        with pytest.raises(type(error)), request_context(logger, {}):
            fail(error)

    first, second, third = (event.fingerprint for event in out.of("security_unhandled_exception"))
    assert first == second
    assert first != third


@pytest.mark.parametrize(
    "request_data",
    [
        {"request_id": "abc-1.Z_9"},
        {"headers": {"X-Request-ID": "abc-1.Z_9"}},
        {"headers": {"x-request-id": "abc-1.Z_9"}},
    ],
)
def test_takes_the_id_that_came_with_the_request(request_data: dict[str, object]) -> None:
    """An id comes from `request_id` or the header X-Request-ID, in whatever case it is written."""
    logger, out = kept()

    with request_context(logger, request_data) as request_id:
        pass

    assert request_id == "abc-1.Z_9"
    assert out.ids() == ["abc-1.Z_9"] * 2


@pytest.mark.parametrize("given_id", ["", "a" * 129, "a b", "a\nb", "a\n", "{}", "é", "١", 7, None, b"abc", ["abc"]])
def test_makes_an_id_where_the_given_one_is_no_word(given_id: object) -> None:
    """An id that is too long, forged or no text is replaced by a new one: it would be on every line."""
    logger, _ = kept()

    with request_context(logger, {"request_id": given_id, "headers": {"X-Request-ID": given_id}}) as request_id:
        pass

    assert len(request_id) == 32
    assert int(request_id, 16)


@given(st.text())
def test_no_id_but_a_plain_word_is_ever_written(text: str) -> None:
    """Whatever a client sends, the id is 1 to 128 of letters, digits, dot, dash, underscore."""
    logger, _ = kept()

    with request_context(logger, {"request_id": text}) as request_id:
        pass

    assert 1 <= len(request_id) <= 128
    assert all(char.isascii() and (char.isalnum() or char in "._-") for char in request_id)


def test_outside_of_a_request_there_is_no_id() -> None:
    """The id ends with its request; a nested request gives way to the outer one."""
    logger, _ = kept()
    assert current_request_id() is None

    with request_context(logger, {"request_id": "outer"}):
        with request_context(logger, {"request_id": "inner"}):
            assert current_request_id() == "inner"
        assert current_request_id() == "outer"

    assert current_request_id() is None


@pytest.mark.parametrize("form", ["name", "logger", "adapter", "security"])
def test_takes_a_logger_in_any_form(form: str) -> None:
    """A name, a Logger, a LoggerAdapter and a SecurityLogger all do; an adapter's fields stay on the events."""
    logger, out = kept()
    forms = {
        "name": "app",
        "logger": logger,
        "adapter": logging.LoggerAdapter(logger, {"tenant": "t1"}),
        "security": SecurityLogger(logger, {"tenant": "t1"}),
    }

    with request_context(forms[form], {"method": "GET"}):
        pass

    assert out.one("api_request").method == "GET"
    if form in ("adapter", "security"):
        assert out.one("api_response").tenant == "t1"


class Broken(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("a filter of the application's")


def test_a_logger_that_raises_does_not_reach_the_request() -> None:
    """The body runs and its own exception comes out, even if every log call fails."""
    logger, _ = kept()
    logger.addFilter(Broken())
    done = []

    with request_context(logger, REQUEST):
        done.append(1)
    with pytest.raises(ZeroDivisionError), request_context(logger, REQUEST):
        done.append(1 // 0)

    assert done == [1]


def test_the_callers_mapping_is_left_alone() -> None:
    """The request that was passed is not changed."""
    logger, _ = kept()
    request = {**REQUEST, "headers": {"Host": "shop.example"}}
    before = {**request, "headers": {"Host": "shop.example"}}

    with request_context(logger, request):
        pass

    assert request == before


def test_an_odd_mapping_is_a_request_with_a_new_id() -> None:
    """Headers that are no mapping, or that fail when they are read, only cost the id that they carry."""
    logger, out = kept()

    class Odd(dict):  # type: ignore[type-arg]
        def items(self) -> object:
            raise RuntimeError

    for headers in ([("X-Request-ID", "abc")], Odd(a=1), 7):
        with request_context(logger, {"headers": headers}) as request_id:
            assert len(request_id) == 32

    assert len(out.of("api_response")) == 3
