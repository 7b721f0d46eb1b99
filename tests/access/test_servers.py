"""Each server's own record becomes an event with the fields that it shows."""

from __future__ import annotations

import logging

import pytest
import uvicorn.logging

from seclog_handlers.access import AccessLog

from .shapes import (
    AGENT,
    BASIC,
    CLIENT,
    application_record,
    django_record,
    django_server_record,
    gunicorn_record,
    uvicorn_record,
    werkzeug_record,
)

RECORDS = {
    "gunicorn": lambda code, target: gunicorn_record(str(code), *target.split("?")),
    "uvicorn": uvicorn_record,
    "werkzeug": werkzeug_record,
    "django.server": django_server_record,
    "django.request": django_record,
}
BOTH = pytest.mark.parametrize("server", RECORDS)


def event_of(record: logging.LogRecord, **settings):
    return AccessLog(**settings).event(record.__dict__)


@BOTH
def test_a_401_of_a_login_is_a_failed_authentication(server):
    """A 401 where a password came with the query is a failed login, whoever the server is."""
    event = event_of(RECORDS[server](401, "/in?user=bob&password=x"))

    assert event["event_type"] == "authentication"
    assert event["success"] is False
    assert event["username"] == "bob"
    assert event["auth_method"] == "query_parameter"


@BOTH
def test_a_403_is_a_denied_authorization(server):
    """A 403 is a denied authorization."""
    event = event_of(RECORDS[server](403, "/admin"))

    assert (event["event_type"], event["granted"]) == ("authorization", False)


@BOTH
def test_a_429_is_a_rate_limit_violation(server):
    """A 429 is a rate limit violation of its path."""
    event = event_of(RECORDS[server](429, "/search?q=x"))

    assert (event["event_type"], event["endpoint"]) == ("rate_limit_violation", "/search")


@BOTH
@pytest.mark.parametrize("status", [404, 500])
def test_another_status_is_a_response(server, status):
    """Any other status is an api_response."""
    event = event_of(RECORDS[server](status, "/gone"))

    assert event["event_type"] == "api_response"
    assert event["status_code"] == status


@BOTH
def test_the_request_is_described(server):
    """Method, path without query, parsed query, status and HTTP version are fields, and the source is said."""
    event = event_of(RECORDS[server](404, "/a/b?x=1&x=2&y="))

    assert event["method"] == "GET"
    assert event["path"] == "/a/b"
    assert event["query_params"] == {"x": ["1", "2"], "y": ""}
    assert event["status_code"] == 404
    assert event["http_version"] == "1.1"
    assert event["source"] == "access_log"


@pytest.mark.parametrize("server", [name for name in RECORDS if name != "django.server"])
def test_the_address_is_the_clients(server):
    """The client's address is a field without its port, where the record shows one."""
    event = event_of(RECORDS[server](404, "/"))

    assert event["ip_address"] == CLIENT


def test_gunicorn_shows_more():
    """The atoms of gunicorn give the user agent, the size, the time in milliseconds and the user of Basic."""
    event = event_of(gunicorn_record("200 OK", headers={"Authorization": BASIC}, sent=512))

    assert event["user_agent"] == AGENT
    assert event["response_size"] == 512
    assert event["response_time_ms"] == 2.5
    assert event["username"] == "bob"


def test_a_quote_in_a_user_agent_is_one_quote():
    """What gunicorn escapes for its own line is not escaped in a field."""
    event = event_of(gunicorn_record(headers={"User-Agent": 'a "b" c'}))

    assert event["user_agent"] == 'a "b" c'


def test_uvicorns_own_formatter_still_works():
    """The fields of an event leave uvicorn's AccessFormatter with its five arguments."""
    record = uvicorn_record(401, "/login?user=bob")
    formatter = uvicorn.logging.AccessFormatter('%(client_addr)s "%(request_line)s" %(status_code)s', use_colors=False)
    record.__dict__.update(event_of(record))

    assert formatter.format(record) == f'{CLIENT}:33164 "GET /login?user=bob HTTP/1.1" 401 Unauthorized'


@pytest.mark.parametrize("client", [("::1", 5), ("::ffff:203.0.113.5", 5)])
def test_uvicorn_shows_ipv6_with_a_port(client):
    """An IPv6 client loses its port, and an IPv4 one in IPv6 clothes is an IPv4 address."""
    event = event_of(uvicorn_record(client=client))

    assert event["ip_address"] in ("::1", CLIENT)


@pytest.mark.parametrize(
    "record",
    [
        lambda: uvicorn_record(client=None),
        lambda: gunicorn_record(peer=""),
        lambda: werkzeug_record(client=""),
        django_server_record,
    ],
)
def test_no_address_is_no_field(record):
    """A client on a Unix socket has no address: the field is left out, so that it groups nobody."""
    event = event_of(record())

    assert "ip_address" not in event


def test_werkzeugs_colours_are_no_part_of_the_path():
    """ANSI codes around a coloured request line do not reach the fields."""
    record = werkzeug_record(401, "/login?a=b")
    event = event_of(record)

    assert "\x1b" in record.args[0]
    assert (event["method"], event["path"], event["http_version"]) == ("GET", "/login", "1.1")


def test_hypercorn_shows_a_port_and_a_size_as_text():
    """The atoms of hypercorn are those of gunicorn, with the client's port and the size of the Content-Length header."""
    atoms = {"h": "203.0.113.5:4711", "m": "GET", "s": "404", "U": "/x", "q": "a=1", "H": "1.1", "B": "21", "D": 1500}
    record = logging.LogRecord("hypercorn.access", 20, __file__, 1, "%(h)s", (atoms,), None)
    event = event_of(record)

    assert event["ip_address"] == CLIENT
    assert (event["response_size"], event["response_time_ms"]) == (21, 1.5)


def test_daphnes_development_server():
    """The dict of daphne gives the request; its websocket records are no events."""
    details = {"method": "GET", "path": "/x?a=1", "status": 403, "time_taken": 0.25, "client": "203.0.113.5:4711"}
    http = logging.LogRecord("django.channels.server", 20, __file__, 1, "%(path)s", (details,), None)
    socket = logging.LogRecord(
        "django.channels.server", 20, __file__, 1, "%(path)s", ({"path": "/ws", "client": ""},), None
    )
    event = event_of(http)

    assert (event["event_type"], event["ip_address"], event["response_time_ms"]) == ("authorization", CLIENT, 250.0)
    assert event_of(socket) is None


@pytest.mark.parametrize(
    ("logger", "status", "event_type", "severity"),
    [
        ("django.security.csrf", 403, "security_csrf_failure", "MEDIUM"),
        ("django.security.DisallowedHost", 400, "security_disallowed_host", "LOW"),
        ("django.security.SuspiciousFileOperation", 400, "security_suspicious_file_operation", "MEDIUM"),
    ],
)
def test_djangos_security_loggers_become_security_events(logger, status, event_type, severity):
    """What Django calls a security matter is a security event with its request's fields."""
    event = event_of(django_record(status, logger=logger))

    assert (event["event_type"], event["severity"]) == (event_type, severity)
    assert (event["ip_address"], event["status_code"]) == (CLIENT, status)


def test_a_security_record_without_a_request_is_an_event_too():
    """A corrupted session is logged without its request: an event all the same."""
    record = logging.LogRecord("django.security.SuspiciousSession", 30, __file__, 1, "Session data corrupted", (), None)

    assert event_of(record) == {
        "event_type": "security_suspicious_session",
        "severity": "MEDIUM",
        "source": "access_log",
    }


@pytest.mark.parametrize(
    "record",
    [
        lambda: logging.LogRecord("app", 20, __file__, 1, "GET / 401", (), None),
        lambda: logging.LogRecord("werkzeug", 20, __file__, 1, "Press CTRL+C to quit", (), None),
        lambda: logging.LogRecord("django.request", 30, __file__, 1, "no request", (), None),
        lambda: logging.LogRecord("uvicorn.access", 20, __file__, 1, "%s", ("one",), None),
        lambda: logging.LogRecord("uvicorn.access", 20, __file__, 1, "%s", ("a:1", "GET", "/", "1.1", 9999), None),
        lambda: logging.LogRecord("gunicorn.access", 20, __file__, 1, "%s", ({"s": "200"},), None),
        lambda: logging.LogRecord("django.server", 20, __file__, 1, "%s %s %s", ("\x16\x03\x01", "400", "-"), None),
        application_record,
    ],
)
def test_other_records_are_no_events(record):
    """A record that is no server's, or that nobody can read, is no event."""
    assert event_of(record()) is None


def test_health_paths_are_no_events():
    """A path that only a load balancer asks for is no event, in each of the three forms."""
    paths = ("/healthz", "/internal/*", "ping")

    for path in ("/healthz/", "/internal/live", "/internal", "/v1/PING"):
        assert event_of(gunicorn_record(path=path), health_paths=paths) is None
    for path in ("/healthz/x", "/internals", "/ping/x"):
        assert event_of(gunicorn_record(path=path), health_paths=paths)


def test_lists_may_be_one_string():
    """An INI's comma-separated text is as good as a list."""
    log = AccessLog(trusted_proxies="10.0.0.0/8, unix", login_paths="/enter\n/come-in", health_paths="/up")

    assert log.event(gunicorn_record("401", "/come-in").__dict__)["event_type"] == "authentication"
    assert log.event(gunicorn_record(path="/up").__dict__) is None


def test_the_record_is_left_as_it_is():
    """The record's own attributes, msg and args above all, are not touched: the server's formatter needs them."""
    record = gunicorn_record("401", "/login")
    before = dict(record.__dict__)
    args = dict(record.args)
    event_of(record)

    assert record.__dict__ == before
    assert dict(record.args) == args


def test_an_application_event_is_nobodys_access_record():
    """A server's record that carries an event already is left to whoever put it there."""
    record = gunicorn_record("401", "/login")
    record.event_type = "order_placed"

    assert event_of(record) is None


def test_a_whole_url_as_target_is_its_path():
    """A request in absolute form, as to a proxy, shows its path and query."""
    event = event_of(werkzeug_record(404, "http://example.org/a?b=c"))

    assert (event["path"], event["query_params"]) == ("/a", {"b": "c"})


def test_a_query_without_end_is_read_in_part():
    """A query of a million parameters costs no more than a hundred."""
    event = event_of(gunicorn_record(query="&".join(f"p{n}=1" for n in range(100_000))))

    assert len(event["query_params"]) == 100
