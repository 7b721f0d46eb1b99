"""Middleware for ASGI applications."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from seclog_handlers.access.addresses import Proxies
from seclog_handlers.context.description import asgi_request, described
from seclog_handlers.context.exchange import DEFAULT_LOGGER, HEADER, Exchange

if TYPE_CHECKING:
    from seclog_handlers.context.exchange import Logger

# nginx's word for a client that went away before it was answered.
CLIENT_CLOSED = 499

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADER = HEADER.lower().encode("ascii")


class SecurityASGIMiddleware:
    """Log each HTTP request of an ASGI application as events, and give each response its X-Request-ID.

    The body is passed on as it comes, and the response logged with its last part. Websockets and lifespan
    messages pass as they are.

    Args:
        app: The application.
        logger: A logger, or its name.
        trusted_proxies: CIDRs, or `unix`, of proxies whose X-Forwarded-For is believed.
    """

    def __init__(
        self,
        app: ASGIApp,
        logger: Logger = DEFAULT_LOGGER,
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        self.app = app
        self._logger = logger
        self._proxies = Proxies(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(self._logger, described(asgi_request, scope, self._proxies))
        exchange.id.status_code, exchange.id.response_size = CLIENT_CLOSED, 0  # until the application answers
        exchange.begin()
        try:
            await self.app(scope, receive, _sender(send, exchange))
        except Exception as error:
            exchange.fail(error)
            raise
        finally:
            exchange.end()


def _sender(send: Send, exchange: Exchange) -> Send:
    """Return a send that notes the status, adds the id, counts the body and logs the response at its end."""
    request = exchange.id

    async def counted(message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            request.status_code = message["status"]
            headers = list(message.get("headers", ()))
            if not any(name.lower() == _HEADER for name, _ in headers):
                headers.append((_HEADER, str(request).encode("ascii")))
            message = {**message, "headers": headers}
        elif kind == "http.response.body":
            request.response_size = (request.response_size or 0) + len(message.get("body", b""))
        await send(message)
        if kind == "http.response.body" and not message.get("more_body", False):
            exchange.answer()

    return counted
