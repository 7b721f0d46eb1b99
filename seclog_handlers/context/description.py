"""What a WSGI environ or an ASGI scope says of its request, in the words of `request_context`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seclog_handlers.access.answer import query_params, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seclog_handlers.access.addresses import Proxies


def described(
    describe: Callable[[Any, Proxies], dict[str, Any]],
    raw: Any,
    proxies: Proxies,
) -> dict[str, Any]:
    """Return what `describe` makes of the server's own form of a request, or nothing if it cannot."""
    try:
        return describe(raw, proxies)
    except Exception:  # a server's or a test client's half-made environ
        return {}


def wsgi_request(environ: Mapping[str, Any], proxies: Proxies) -> dict[str, Any]:
    """Describe the request of a WSGI environ."""
    headers = {
        key[5:].replace("_", "-").title(): value
        for key, value in environ.items()
        if key.startswith("HTTP_") and isinstance(value, str)
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return _request(
        method=environ.get("REQUEST_METHOD"),
        path=path.encode("latin-1", "replace").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        address=proxies.client(environ.get("REMOTE_ADDR", ""), headers.get("X-Forwarded-For", "")),
        user=environ.get("REMOTE_USER"),
        length=environ.get("CONTENT_LENGTH"),
    )


def asgi_request(scope: Mapping[str, Any], proxies: Proxies) -> dict[str, Any]:
    """Describe the request of an ASGI scope."""
    headers: dict[str, str] = {}
    for name, value in scope.get("headers", ()):
        key, text = name.decode("latin-1").title(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    client = scope.get("client")
    return _request(
        method=scope.get("method"),
        path=scope.get("path"),
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        address=proxies.client(client[0] if client else "", headers.get("X-Forwarded-For", "")),
        user=None,
        length=headers.get("Content-Length"),
    )


def _request(
    *,
    method: Any,
    path: Any,
    query: str,
    headers: dict[str, str],
    address: str,
    user: Any,
    length: Any,
) -> dict[str, Any]:
    """Return what log_api_request wants, without what is unknown."""
    found = {
        "method": method,
        "path": path,
        "query_params": query_params(query),
        "headers": headers,
        "ip_address": address or None,
        "user_agent": headers.get("User-Agent"),
        "user_id": user or None,
        "content_length": whole(length),
    }
    return {name: value for name, value in found.items() if value is not None}
