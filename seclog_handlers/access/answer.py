"""What a server said about one request, in one shape for all servers, and what it takes to read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

# A query is parsed so far; more is no query that somebody wrote.
MAX_QUERY = 8192
MAX_PARAMETERS = 100

_MAX_DIGITS = 18
_METHOD = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}\Z")  # WebDAV and friends have methods of their own


@dataclass
class Answer:
    """One answered request; what the server's record does not show is empty or None."""

    status: int
    method: str = ""
    path: str = ""
    query: str = ""
    peer: str = ""  # the address at the other end of the connection, as the record shows it
    forwarded: str = ""  # X-Forwarded-For
    user_agent: str = ""
    username: str = ""
    authorization: str = ""  # the request's Authorization header
    challenge: str = ""  # the response's WWW-Authenticate header
    api_key: bool = False  # the request has an X-Api-Key header
    http_version: str = ""
    size: int | None = None  # bytes
    time_ms: float | None = None
    shows_challenge: bool = False  # the record shows the response's headers
    by_framework: bool = False  # django.request and django.security: logged before the server's own record
    own_unit: bool = True  # logged by the thread or task that handles the request
    security: str = ""  # the name of a security event, where the framework says that it is one


def text(value: Any) -> str:
    """Return text as it is, an empty one for anything else and for the servers' `-`."""
    if type(value) is str:
        return "" if value == "-" else value
    return str.__str__(value) if issubclass(type(value), str) else ""


def whole(value: Any) -> int | None:
    """Return a whole number from a number or its digits."""
    if type(value) is int:
        return value
    is_number = type(value) is str and len(value) <= _MAX_DIGITS and value.isascii() and value.isdigit()
    return int(value) if is_number else None


def number(value: Any) -> float | None:
    """Return a finite number from a number; text is none."""
    return value if type(value) in (int, float) and abs(value) < float("inf") else None


def method(value: Any) -> str:
    """Return an HTTP method, or an empty text for what cannot be one."""
    word = text(value)
    return word if _METHOD.match(word) else ""


def split_target(target: Any) -> tuple[str, str]:
    """Return the path and the query of a request target, which may be a whole URL (RFC 9112, 3.2)."""
    path, _, query = text(target).partition("?")
    if not path.startswith("/") and "://" in path[:9]:
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path, query


def split_request_line(line: Any) -> tuple[str, str, str, str]:
    """Return method, path, query and HTTP version of a request line, all empty if it is none."""
    verb, _, rest = text(line).partition(" ")
    target, _, protocol = rest.rpartition(" ")
    if not method(verb) or not protocol.startswith("HTTP/"):
        return "", "", "", ""
    return verb, *split_target(target), protocol[5:]


def query_params(query: str) -> dict[str, Any]:
    """Return a parsed query: name -> value, or a list of values where a name comes more than once."""
    found: dict[str, Any] = {}
    for pair in query[:MAX_QUERY].split("&", MAX_PARAMETERS)[:MAX_PARAMETERS]:
        if pair:
            name, _, value = pair.partition("=")
            _add(found, unquote_plus(name), unquote_plus(value))
    return found


def _add(found: dict[str, Any], name: str, value: str) -> None:
    earlier = found.get(name)
    if earlier is None:
        found[name] = value
    elif type(earlier) is list:
        earlier.append(value)
    else:
        found[name] = [earlier, value]
