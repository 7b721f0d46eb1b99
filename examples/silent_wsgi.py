"""A WSGI application that logs nothing: everything that the security log says of it comes from its server.

gunicorn --log-config gunicorn.ini silent_wsgi:application
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STATUS = {
    "/": "200 OK",
    "/login": "401 Unauthorized",
    "/admin": "403 Forbidden",
    "/busy": "429 Too Many Requests",
    "/broken": "500 Internal Server Error",
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the status that the path stands for."""
    status = STATUS.get(environ["PATH_INFO"], "404 Not Found")
    start_response(status, [("Content-Type", "text/plain")])
    return [status.encode("ascii"), b"\n"]
