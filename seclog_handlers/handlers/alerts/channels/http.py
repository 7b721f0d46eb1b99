"""One HTTP endpoint: the standard library's client with time limits, verified TLS, proxies, and no redirects."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers.alerts.channels.channel import Outcome, described

if TYPE_CHECKING:
    from email.message import Message
    from http.client import HTTPConnection

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_REFUSED = frozenset({400, 413, 415, 422})  # about this content; others (401, 404, 5xx) are about the service
_OK = range(200, 300)


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine, by name or address."""
    return host in _LOOPBACK or (host or "").startswith("127.")


def parse_url(what: str, url: str) -> SplitResult:
    """Take a URL apart.

    Raises:
        ConfigurationError: If it is none; the URL itself is not shown, it may hold a secret.
    """
    try:
        if not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        message = f"{what} is not a valid URL: write it in ASCII without blanks, special characters as %XX."
        raise ConfigurationError(message) from None
    return parts


class Endpoint:
    """Where to post to.

    Args:
        what: How to call it in errors, such as `channels[0]`.
        url: An `https://` URL; `http://` on a loopback host only.
        timeout: Seconds for connecting and for each answer.
    """

    def __init__(self, what: str, url: str, timeout: float) -> None:
        import http.client  # noqa: F401, PLC0415 - loaded while the configuration is: 17 ms that no log call waits for
        import ssl  # noqa: F401, PLC0415
        import urllib.request  # noqa: F401, PLC0415
        from encodings import idna  # noqa: F401, PLC0415

        parts = parse_url(what, url)
        if not parts.hostname or parts.scheme not in {"http", "https"}:
            raise ConfigurationError(f"{what} names no host: write https://host/path.")
        if parts.scheme != "https" and not is_loopback(parts.hostname):
            raise ConfigurationError(
                f"{what} is plain http:// to {parts.hostname!r}: use https://; http:// is for loopback only.",
            )
        self.host = parts.hostname
        self._scheme = parts.scheme
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._login = _basic(parts)
        self._timeout = timeout
        self._connection: HTTPConnection | None = None

    def send(self, method: str, body: bytes | None, headers: Mapping[str, str]) -> Outcome:
        """Send one request; every failure is an outcome, none is raised."""
        from http.client import HTTPException  # noqa: PLC0415 - in the sender's thread only

        try:
            connection = self._connection = self._connect()
        except (OSError, ValueError) as error:
            return Outcome("retry", described(error))
        try:
            connection.request(method, self._path, body, {**self._login, **headers})
            response = connection.getresponse()
            return outcome(response.status, response.headers)
        except (OSError, HTTPException, ValueError, AttributeError) as error:
            return Outcome("retry", described(error))  # AttributeError: aborted between two steps
        finally:
            self._connection = None
            connection.close()

    def _connect(self) -> HTTPConnection:
        import ssl  # noqa: PLC0415 - in the sender's thread only
        from http.client import HTTPConnection, HTTPSConnection  # noqa: PLC0415

        if self._scheme == "http":
            return HTTPConnection(self.host, self._port, timeout=self._timeout)
        context = ssl.create_default_context()
        proxy = _proxy(self.host)
        if proxy is None or not proxy.hostname:
            return HTTPSConnection(self.host, self._port, timeout=self._timeout, context=context)
        tunnel = HTTPSConnection(proxy.hostname, proxy.port or 3128, timeout=self._timeout, context=context)
        login = {"Proxy-" + name: value for name, value in _basic(proxy).items()}
        tunnel.set_tunnel(self.host, self._port, login)
        return tunnel

    def abort(self) -> None:
        """Make a blocked `send` return."""
        end_socket(getattr(self._connection, "sock", None))

    def forget(self) -> None:
        """Close an inherited socket; its connection stays the parent's."""
        close_socket(getattr(self._connection, "sock", None))


def end_socket(connected: socket.socket | None) -> None:
    """Shut a connection down so that a thread that waits on it goes on."""
    try:
        if connected is not None:
            connected.shutdown(socket.SHUT_RDWR)
    except (OSError, ValueError):
        pass  # it has ended by itself


def close_socket(connected: socket.socket | None) -> None:
    """Close a descriptor without a word to the other side."""
    try:
        if connected is not None:
            connected.close()
    except OSError:
        pass  # it is closed


def _basic(parts: SplitResult) -> dict[str, str]:
    import base64  # noqa: PLC0415 - rarely needed

    if not parts.username:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")}


def _proxy(host: str) -> SplitResult | None:
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - in the sender's thread only

    named = getproxies().get("https")
    if not named or is_loopback(host) or proxy_bypass(host):
        return None
    return urlsplit(named if "://" in named else "http://" + named)


def outcome(status: int, headers: Message) -> Outcome:
    """Read an answer: 2xx has arrived, 400, 413, 415 and 422 refuse the content, anything else is tried again."""
    if status in _OK:
        return Outcome("delivered", f"HTTP {status}")
    if status in _REFUSED:
        return Outcome("refused", f"HTTP {status}")
    hint = " (redirects are not followed: configure the new address)" if 300 <= status < 400 else ""  # noqa: PLR2004
    return Outcome("retry", f"HTTP {status}{hint}", _retry_after(headers.get("Retry-After")))


def _retry_after(value: str | None) -> float | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - http.client has loaded it

    if not value:
        return None
    try:
        text = value.strip()
        return float(text) if text.isdigit() else max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
