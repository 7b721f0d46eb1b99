"""Any other scheme: the services of the Apprise package (extra `alerts`)."""

from __future__ import annotations

from typing import Any

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers.alerts.channels.channel import COMPANY, Options, Outcome, described
from seclog_handlers.handlers.alerts.channels.http import is_loopback
from seclog_handlers.handlers.alerts.channels.slack import footer, headline
from seclog_handlers.handlers.alerts.content import facts
from seclog_handlers.handlers.alerts.groups import Batch

_SHOWN = 10
# Apprise escapes for HTML, but some services read Markdown, mentions or tags in any text: those signs get a twin.
_HARMLESS = str.maketrans(
    {"<": "\u2039", ">": "\u203a", "@": "\uff20", "`": "'", "*": "\u2217", "~": "\u223c", "|": "\u00a6"}
)


class AppriseService:
    """One Apprise URL.

    Raises:
        ConfigurationError: If Apprise is not installed or does not know the URL.
    """

    batch = 200
    resolve_wait = COMPANY

    def __init__(self, what: str, scheme: str, url: str, options: Options) -> None:
        try:
            import apprise  # noqa: PLC0415 - an extra
        except ImportError:
            raise ConfigurationError(
                f"{what} has the scheme {scheme!r}: https, slack, pagerduty, smtp and smtps are built in; "
                "for others the 'apprise' package is needed. Install seclog-handlers[alerts].",
            ) from None
        service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        if service is None:
            raise ConfigurationError(
                f"{what} has the scheme {scheme!r}, and Apprise does not understand that URL: "
                "compare it with the service's page in Apprise's documentation.",
            )
        host = getattr(service, "host", None)
        if getattr(service, "secure", True) is False and host and not is_loopback(host):
            raise ConfigurationError(
                f"{what} is plain http to {host!r}: use the secure form, as 'jsons://'; plain is for loopback only.",
            )
        self.name = f"{scheme}:{host or 'apprise'}"
        self.options = options
        self._service = service
        self._format = apprise.NotifyFormat.TEXT
        self._types = {"firing": apprise.NotifyType.FAILURE, "resolved": apprise.NotifyType.SUCCESS}

    def payload(self, batch: Batch) -> dict[str, str]:
        """Return title and text, which Apprise renders for its service."""
        blocks = ["\n".join(f"{name}: {value}" for name, value in facts(alert)) for alert in batch.alerts[:_SHOWN]]
        body = "\n\n".join(blocks + footer(batch, _SHOWN))
        return {"title": headline(batch).translate(_HARMLESS), "body": body.translate(_HARMLESS)}

    def deliver(self, batch: Batch) -> Outcome:
        """Hand the notification to Apprise, which has time limits of its own."""
        arguments: dict[str, Any] = {"body_format": self._format, "notify_type": self._types[batch.status]}
        try:
            arrived = self._service.notify(**self.payload(batch), **arguments)
        except Exception as error:  # a plug-in of some service: whatever it raises, the alert waits
            return Outcome("retry", described(error))
        return Outcome("delivered", "accepted") if arrived else Outcome("retry", "Apprise reports a failure")

    def abort(self) -> None:
        """Do nothing: Apprise's own time limits end a delivery."""

    def forget(self) -> None:
        """Do nothing: Apprise opens a connection per delivery."""
