"""One reader for each server's record shape: attributes of a record in, an Answer or None out.

Shapes as gunicorn 22-27, hypercorn 0.17, uvicorn 0.30-0.54, Werkzeug 3, Django 4.2-5.2 and daphne 4 log them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seclog_handlers.access.answer import (
    Answer,
    method,
    number,
    split_request_line,
    split_target,
    text,
    whole,
)
from seclog_handlers.events import status_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECURITY_LOGGERS = "django.security."

_ANSI = re.compile(r"\x1b\[[0-9;]{0,16}m")
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_NAME = re.compile(r"[^a-z0-9_]")
_MAX_NAME = 64
# csrf is the one that Django names after a feature instead of what went wrong.
_SECURITY_NAMES = {"csrf": "csrf_failure"}


def is_servers(name: Any) -> bool:
    """Tell whether a logger's records are a server's or a framework's."""
    return type(name) is str and (name in _READERS or name.startswith(SECURITY_LOGGERS))


def reader(name: Any) -> Callable[[Mapping[str, Any]], Answer | None] | None:
    """Return what reads the records of the logger `name`, or None if it is no server's."""
    if type(name) is not str:
        return None
    return _READERS.get(name) or (_django_security if name.startswith(SECURITY_LOGGERS) else None)


def _atoms(attributes: Mapping[str, Any]) -> Answer | None:
    """Read gunicorn's and hypercorn's records: one dict with everything in it, whatever the format prints."""
    args: Any = attributes.get("args")
    if not issubclass(type(args), dict):
        return None
    status, verb = status_number(dict.get(args, "s")), method(dict.get(args, "m"))
    if status is None or not verb:
        return None
    return Answer(
        status,
        verb,
        text(dict.get(args, "U")),
        _atom(args, "q"),
        peer=text(dict.get(args, "h")),
        forwarded=_atom(args, "{http_x_forwarded_for}e") or _atom(args, "{x-forwarded-for}i"),
        user_agent=_atom(args, "a"),
        username=_atom(args, "u"),
        authorization=_atom(args, "{authorization}i"),
        challenge=_atom(args, "{www-authenticate}o"),
        api_key=bool(_atom(args, "{x-api-key}i")),
        http_version=text(dict.get(args, "H")).removeprefix("HTTP/"),
        size=_first(whole(dict.get(args, "B")), whole(dict.get(args, "b"))),
        time_ms=_milliseconds(args),
        shows_challenge=True,
    )


def _atom(args: Any, key: str) -> str:
    """Return text without the backslashes that gunicorn's SafeAtoms puts before quotes."""
    return text(dict.get(args, key)).replace('\\"', '"')


def _milliseconds(args: Any) -> float | None:
    microseconds = number(dict.get(args, "D"))
    return number(dict.get(args, "M")) if microseconds is None else microseconds / 1000


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _uvicorn(attributes: Mapping[str, Any]) -> Answer | None:
    """Read `('192.0.2.1:33164', 'GET', '/login?user=bob', '1.1', 401)`; there are no headers."""
    args = attributes.get("args")
    if type(args) is not tuple or len(args) != 5:  # noqa: PLR2004 - uvicorn's own AccessFormatter wants five
        return None
    client, verb, target, version, code = args
    status, verb = status_number(code), method(verb)
    if status is None or not verb:
        return None
    path, query = split_target(target)
    return Answer(status, verb, path, query, peer=_host(client), http_version=text(version))


def _host(client: Any) -> str:
    """Return the address of `address:port`; the address may be a bare IPv6 one."""
    return text(client).rpartition(":")[0]


def _werkzeug(attributes: Mapping[str, Any]) -> Answer | None:
    """Read `'192.0.2.1 - - [date] "%s" %s %s'` and `('GET /login HTTP/1.1', '401', '-')`, coloured or not."""
    peer, found, _ = text(attributes.get("msg")).partition(" - - [")
    return _request_line(attributes, peer.replace("%%", "%")) if found else None


def _django_server(attributes: Mapping[str, Any]) -> Answer | None:
    """Read `('GET /login HTTP/1.1', '401', '2')` of the development server, which shows no address."""
    return _request_line(attributes, "")


def _request_line(attributes: Mapping[str, Any], peer: str) -> Answer | None:
    args = attributes.get("args")
    if type(args) is not tuple or len(args) != 3:  # noqa: PLR2004 - line, status, size
        return None
    line = text(args[0])
    verb, path, query, version = split_request_line(_ANSI.sub("", line) if "\x1b" in line else line)
    status = status_number(args[1])
    if status is None or not verb:
        return None
    return Answer(status, verb, path, query, peer=peer, http_version=version, size=whole(args[2]))


def _channels(attributes: Mapping[str, Any]) -> Answer | None:
    """Read daphne's development server: one dict; websocket records have no status."""
    args = attributes.get("args")
    if type(args) is not dict:
        return None
    status, verb = status_number(args.get("status")), method(args.get("method"))
    if status is None or not verb:
        return None
    path, query = split_target(args.get("path"))
    seconds = number(args.get("time_taken"))
    time_ms = None if seconds is None else seconds * 1000
    return Answer(status, verb, path, query, peer=_host(args.get("client")), time_ms=time_ms)


def _django_request(attributes: Mapping[str, Any]) -> Answer | None:
    """Read the request that Django hangs on the record: META, method and path, nothing that computes."""
    status = status_number(attributes.get("status_code"))
    if status is None:
        return None
    answer = Answer(status, by_framework=True)
    request = attributes.get("request")
    try:
        _fill(answer, request)
    except Exception:
        return None  # no request of Django's
    return answer if answer.method else None


def _fill(answer: Answer, request: Any) -> None:
    answer.method, answer.path = method(request.method), text(request.path)
    header = request.META.get
    answer.query = text(header("QUERY_STRING"))
    answer.peer = text(header("REMOTE_ADDR"))
    answer.forwarded = text(header("HTTP_X_FORWARDED_FOR"))
    answer.user_agent = text(header("HTTP_USER_AGENT"))
    answer.authorization = text(header("HTTP_AUTHORIZATION"))
    answer.api_key = bool(text(header("HTTP_X_API_KEY")))
    answer.http_version = text(header("SERVER_PROTOCOL")).removeprefix("HTTP/")
    # Under ASGI Django logs from any thread of a pool, which others use at the same time.
    answer.own_unit = type(request).__name__ != "ASGIRequest"


def _django_security(attributes: Mapping[str, Any]) -> Answer | None:
    """Read django.security.<Name>: a security event; its request ends with 400 or 403, or goes on."""
    answer = _django_request(attributes) or Answer(0, by_framework=True)
    answer.security = _security_name(attributes["name"][len(SECURITY_LOGGERS) :])
    return answer


def _security_name(name: str) -> str:
    words = _NOT_NAME.sub("_", _CAPITALS.sub("_", name[:_MAX_NAME]).lower())
    return _SECURITY_NAMES.get(words, words) or "unnamed"


_READERS: dict[str, Callable[[Mapping[str, Any]], Answer | None]] = {
    "gunicorn.access": _atoms,
    "hypercorn.access": _atoms,
    "uvicorn.access": _uvicorn,
    "werkzeug": _werkzeug,
    "django.server": _django_server,
    "django.channels.server": _channels,
    "django.request": _django_request,
}
