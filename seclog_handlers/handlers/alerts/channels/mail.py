"""`smtp://` and `smtps://`: one mail per notification, plain text."""

from __future__ import annotations

import platform
import smtplib
import ssl
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote

from seclog_handlers.errors import ConfigurationError, warn_once
from seclog_handlers.handlers.alerts.channels.channel import COMPANY, Options, Outcome, described
from seclog_handlers.handlers.alerts.channels.http import close_socket, end_socket, is_loopback, parse_url
from seclog_handlers.handlers.alerts.channels.slack import footer, headline
from seclog_handlers.handlers.alerts.content import facts, line, title
from seclog_handlers.handlers.alerts.groups import Batch

_SHOWN = 20
_SUBJECT = 150
_PORTS = {"smtps": 465, "smtp": 587}
_KNOWN = frozenset({"to", "from", "starttls"})
_PERMANENT = 500
_FORM = "smtps://user:password@host:465/?to=a@example.com,b@example.com&from=alerts@example.com"


class Mail:
    """A mail server and the people who get its mails.

    Args:
        what: How to call the channel in errors.
        url: `smtps://...` (TLS at once) or `smtp://...` (STARTTLS, except on a loopback host or with `starttls=off`).
        options: As for every channel.
    """

    batch = 200
    resolve_wait = COMPANY

    def __init__(self, what: str, url: str, options: Options) -> None:
        parts = parse_url(what, url)
        query = parse_qs(parts.query)
        if not parts.hostname or set(query) - _KNOWN:
            raise ConfigurationError(f"{what} is a mail address in the wrong form: write {_FORM}.")
        self.name = f"{parts.scheme}:{parts.hostname}"
        self.options = options
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = options.key or unquote(parts.password or "")
        self._recipients = _addresses(what, "to", query)
        self._sender = (_addresses(what, "from", query) or [f"seclog@{_host_name()}"])[0]
        self._starttls = _starttls(what, query, loopback=is_loopback(parts.hostname), login=bool(self._user))
        if not self._recipients:
            raise ConfigurationError(f"{what} names nobody to write to: add ?to=, as in {_FORM}.")
        self._server: smtplib.SMTP | None = None

    def payload(self, batch: Batch) -> str:
        """Return the mail as text."""
        return self._message(batch).as_string()

    def deliver(self, batch: Batch) -> Outcome:
        """Send the mail to all recipients in one transaction."""
        try:
            server = self._connect()
        except (OSError, ValueError, smtplib.SMTPException) as error:
            self._close()
            return Outcome("retry", _explained(error))
        try:
            refused = server.send_message(self._message(batch), self._sender, self._recipients)
        except smtplib.SMTPDataError as error:
            return Outcome("refused" if error.smtp_code >= _PERMANENT else "retry", _explained(error))
        except (OSError, ValueError, AttributeError, smtplib.SMTPException) as error:
            return Outcome("retry", _explained(error))
        finally:
            self._close()
        if refused:
            warn_once(f"The mail server {self._host!r} refuses {len(refused)} of {len(self._recipients)} recipients "
                      "of alerts: check the addresses in the channel's ?to=.")  # fmt: skip
        return Outcome("delivered", f"accepted for {len(self._recipients) - len(refused)} recipients")

    def _connect(self) -> smtplib.SMTP:
        timeout, name = self.options.timeout, _host_name()
        if self._scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, name, timeout=timeout, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, name, timeout)
        self._server = server
        if self._starttls and self._scheme == "smtp":
            server.starttls(context=ssl.create_default_context())
        if self._user:
            server.login(self._user, self._password)
        return server

    def _message(self, batch: Batch) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = line(headline(batch), _SUBJECT)
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._recipients)
        mail["Date"] = formatdate(usegmt=True)
        mail["Message-ID"] = f"<{batch.key}@seclog>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Seclog-Key"] = batch.key
        blocks = [_block(alert) for alert in batch.alerts[:_SHOWN]] + footer(batch, _SHOWN)
        mail.set_content("\n\n".join(blocks) + "\n", charset="utf-8")
        return mail

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            close_socket(getattr(server, "sock", None))
            server.close()

    def abort(self) -> None:
        """End a delivery that takes too long."""
        end_socket(getattr(self._server, "sock", None))

    def forget(self) -> None:
        """Close what a forked child has inherited."""
        close_socket(getattr(self._server, "sock", None))


def _explained(error: BaseException) -> str:
    code = getattr(error, "smtp_code", None)
    return f"SMTP {code}" if isinstance(code, int) and code > 0 else described(error)


def _addresses(what: str, name: str, query: dict[str, list[str]]) -> list[str]:
    found = [address.strip() for text in query.get(name, []) for address in text.split(",") if address.strip()]
    wrong = next((address for address in found if not _is_address(address)), None)
    if wrong is not None:
        raise ConfigurationError(f"{what}: {name}={wrong!r} is no mail address: write {_FORM}.")
    return found


def _is_address(text: str) -> bool:
    try:
        Address(addr_spec=text)
    except (ValueError, HeaderParseError, IndexError):
        return False
    return True


def _starttls(what: str, query: dict[str, list[str]], *, loopback: bool, login: bool) -> bool:
    word = query.get("starttls", ["off" if loopback else "on"])[-1].lower()
    if word not in {"on", "off"}:
        raise ConfigurationError(f"{what}: starttls={word!r} must be 'on' or 'off'.")
    if word == "off" and login and not loopback:
        raise ConfigurationError(f"{what} would send its password in clear: use smtps://, or leave starttls=off out.")
    return word == "on"


def _host_name() -> str:
    name = platform.node()
    return name if name and name.isascii() and " " not in name else "localhost"


def _block(alert: dict[str, Any]) -> str:
    rows = "\n".join(f"{name}: {value}" for name, value in facts(alert))
    return f"[{alert['status'].upper()}] {title(alert)}\n{rows}"
