"""Access records made by the servers' own code, and told to an AccessLog as AccessLogFilter does."""

from __future__ import annotations

import datetime as dt
import logging
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import django.test
import gunicorn.config
import gunicorn.glogging
import uvicorn.protocols.utils
import werkzeug.serving
from django.core.servers.basehttp import WSGIRequestHandler
from django.http import HttpResponse
from django.utils.log import log_response

import tests.integrations.django_project  # noqa: F401 - Django takes its settings once in a process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seclog_handlers.access import AccessLog

CLIENT = "203.0.113.5"
AGENT = "curl/8.5"
# base64 of "bob:" and a made-up password; none of it is a secret of anybody.
BASIC = "Basic " + "Ym9iOm5vdC1hLXNlY3JldA=="
BEARER = "Bearer " + "made-up-token"


class Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def heard(name: str) -> Iterator[list[logging.LogRecord]]:
    """Collect the records of one logger, and leave it as it was."""
    logger, handler = logging.getLogger(name), Heard()
    before = logger.handlers[:], logger.level, logger.propagate, logger.disabled
    logger.handlers[:], logger.propagate, logger.disabled = [handler], False, False
    logger.setLevel(logging.DEBUG)
    try:
        yield handler.records
    finally:
        logger.handlers[:], _, logger.propagate, logger.disabled = before
        logger.setLevel(before[1])


def gunicorn_record(
    status: str = "200 OK",
    path: str = "/api",
    query: str = "",
    peer: str = CLIENT,
    headers: dict[str, str] | None = None,
    answer: dict[str, str] | None = None,
    method: str = "GET",
    sent: int = 12,
    took: dt.timedelta = dt.timedelta(microseconds=2500),
) -> logging.LogRecord:
    """Have gunicorn's own Logger log one request."""
    sent_headers = [(name.upper(), value) for name, value in {"User-Agent": AGENT, **(headers or {})}.items()]
    environ = {
        "REMOTE_ADDR": peer,
        "REQUEST_METHOD": method,
        "RAW_URI": path + ("?" + query if query else ""),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        **{"HTTP_" + name.replace("-", "_"): value for name, value in sent_headers},
    }
    response = types.SimpleNamespace(status=status, sent=sent, headers=list((answer or {}).items()))
    request = types.SimpleNamespace(headers=sent_headers)
    config = gunicorn.config.Config()
    config.set("accesslog", "-")
    with heard("gunicorn.error"), heard("gunicorn.access"):  # both are set up anew by gunicorn's Logger
        logger = gunicorn.glogging.Logger(config)
        with heard("gunicorn.access") as records:
            logger.access(response, request, environ, took)
    return records[0]


def uvicorn_record(
    status: int = 200,
    target: str = "/api",
    client: tuple[str, int] | None = (CLIENT, 33164),
    method: str = "GET",
) -> logging.LogRecord:
    """Log one request as uvicorn's protocols do."""
    path, _, query = target.partition("?")
    scope: Any = {
        "path": path,
        "query_string": query.encode(),
        "client": client,
        "method": method,
        "http_version": "1.1",
    }
    utils = uvicorn.protocols.utils
    with heard("uvicorn.access") as records:
        logging.getLogger("uvicorn.access").info(
            '%s - "%s %s HTTP/%s" %d',
            utils.get_client_addr(scope), scope["method"], utils.get_path_with_query_string(scope),
            scope["http_version"], status,
        )  # fmt: skip
    return records[0]


def werkzeug_record(
    status: int = 200, target: str = "/api", client: Any = (CLIENT, 1), method: str = "GET"
) -> logging.LogRecord:
    """Have Werkzeug's own request handler log one request, coloured."""
    handler = werkzeug.serving.WSGIRequestHandler.__new__(werkzeug.serving.WSGIRequestHandler)
    handler.client_address, handler.command, handler.path = client, method, target
    handler.request_version = "HTTP/1.1"
    handler.requestline = f"{method} {target} HTTP/1.1"
    werkzeug.serving._log_add_style, before = True, werkzeug.serving._log_add_style
    try:
        with heard("werkzeug") as records:
            handler.log_request(status, "-")
    finally:
        werkzeug.serving._log_add_style = before
    return records[0]


def django_server_record(status: int = 200, target: str = "/api", method: str = "GET") -> logging.LogRecord:
    """Have Django's development server log one request."""
    handler = WSGIRequestHandler.__new__(WSGIRequestHandler)
    handler.request = object()
    handler.requestline = f"{method} {target} HTTP/1.1"
    with heard("django.server") as records:
        handler.log_request(status, "17")
    return records[0]


def django_record(
    status: int = 401,
    target: str = "/api",
    headers: dict[str, str] | None = None,
    peer: str = CLIENT,
    logger: str = "django.request",
    asgi: bool = False,
) -> logging.LogRecord:
    """Have Django log the response to a request that it answered with an error."""
    factory = django.test.AsyncRequestFactory() if asgi else django.test.RequestFactory()
    request = factory.get(target, headers={"user-agent": AGENT, **(headers or {})})
    request.META["REMOTE_ADDR"] = peer
    with heard(logger) as records:
        log_response(
            "Refused: %s",
            request.path,
            response=HttpResponse(status=status),
            request=request,
            logger=logging.getLogger(logger),
        )
    return records[0]


def application_record(event_type: str = "authentication", **fields: Any) -> logging.LogRecord:
    """Log an event as an application does."""
    with heard("app") as records:
        logging.getLogger("app").warning("event", extra={"event_type": event_type, **fields})
    return records[0]


def failed_login(ip_address: str | None = CLIENT) -> logging.LogRecord:
    return application_record(username="bob", success=False, ip_address=ip_address)


def at(record: logging.LogRecord, **attributes: Any) -> logging.LogRecord:
    """Say which thread or task logged the record, or when."""
    record.__dict__.update(attributes)
    return record


def told(log: AccessLog, record: logging.LogRecord) -> dict[str, Any]:
    """Tell the log of a record as AccessLogFilter does, and return the event's fields."""
    if "event_type" in record.__dict__:
        log.note(record.__dict__)
        return {key: record.__dict__[key] for key in ("event_type", "success", "granted") if key in record.__dict__}
    return log.event(record.__dict__) or {}


def counts(log: AccessLog, *records: logging.LogRecord) -> dict[str, int]:
    """Return how often each event_type comes out of the records, told in this order."""
    found: dict[str, int] = {}
    for record in records:
        kind = told(log, record).get("event_type")
        if kind is not None:
            found[kind] = found.get(kind, 0) + 1
    return found
