"""Flask: one call, and every request is an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import got_request_exception, request

from seclog_handlers.access.addresses import Proxies
from seclog_handlers.context import SecurityWSGIMiddleware, log_unhandled_exception

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

DEFAULT_LOGGER = "seclog.flask"


def init_app(app: Flask, logger: str = DEFAULT_LOGGER, trusted_proxies: Sequence[str] = ()) -> None:
    """Log each request, response and unhandled exception of a Flask application as events.

    Args:
        app: The application.
        logger: The name of the logger.
        trusted_proxies: CIDRs, or `unix`, of proxies whose X-Forwarded-For is believed.
    """
    proxies = Proxies(trusted_proxies)
    app.wsgi_app = SecurityWSGIMiddleware(app.wsgi_app, logger, trusted_proxies)  # type: ignore[method-assign]

    def failed(_sender: Any, exception: BaseException, **_: Any) -> None:
        try:
            peer = request.environ.get("REMOTE_ADDR", "")
            address = proxies.client(peer, request.headers.get("X-Forwarded-For", ""))
            log_unhandled_exception(logger, exception, ip_address=address or None)
        except Exception:
            pass  # Flask answers with a 500 either way

    # Flask turns exceptions into 500s before the middleware can see them.
    got_request_exception.connect(failed, app, weak=False)
