"""Middleware for WSGI applications."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from seclog_handlers.access.addresses import Proxies
from seclog_handlers.context.description import described, wsgi_request
from seclog_handlers.context.exchange import DEFAULT_LOGGER, HEADER, Exchange

if TYPE_CHECKING:
    from seclog_handlers.context.current import RequestId
    from seclog_handlers.context.exchange import Logger

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class SecurityWSGIMiddleware:
    """Log each request of a WSGI application as events, and give each response its X-Request-ID.

    The body is passed on as it comes; the response is logged at its end, or when the server closes it early.

    Args:
        app: The application.
        logger: A logger, or its name.
        trusted_proxies: CIDRs, or `unix`, of proxies whose X-Forwarded-For is believed.
    """

    def __init__(
        self,
        app: WSGIApp,
        logger: Logger = DEFAULT_LOGGER,
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        self._app = app
        self._logger = logger
        self._proxies = Proxies(trusted_proxies)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        exchange = Exchange(self._logger, described(wsgi_request, environ, self._proxies))
        exchange.id.status_code, exchange.id.response_size = 500, 0  # until the application says otherwise
        exchange.begin()
        try:
            return _Body(self._app(environ, _starter(start_response, exchange.id)), exchange)
        except BaseException as error:
            if isinstance(error, Exception):
                exchange.fail(error)
            exchange.end()
            raise


def _starter(start_response: Callable[..., Any], request: RequestId) -> Callable[..., Any]:
    """Return a start_response that notes the status and adds the id, and whose write() is counted."""

    def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], Any]:
        request.status_code = int(status[:3]) if status[:3].isdigit() else 500
        if not any(name.lower() == HEADER.lower() for name, _ in headers):
            headers = [*headers, (HEADER, str(request))]
        write = start_response(status, headers, *exc_info)

        def counted(data: bytes) -> Any:
            request.response_size = (request.response_size or 0) + len(data)
            return write(data)

        return counted

    return start


class _Body:
    """The application's body, counted while the server takes it."""

    def __init__(self, body: Iterable[bytes], exchange: Exchange) -> None:
        self._body = body
        self._chunks = iter(body)
        self._exchange = exchange

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self._exchange.answer()
            raise
        except Exception as error:
            self._exchange.fail(error)
            raise
        request = self._exchange.id
        request.response_size = (request.response_size or 0) + len(chunk)
        return chunk

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.end()
