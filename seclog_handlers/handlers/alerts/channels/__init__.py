"""The channels an alert can take, made from URLs or mappings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from seclog_handlers import _config
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers.alerts.channels import pagerduty, slack
from seclog_handlers.handlers.alerts.channels.channel import TIMEOUT, Channel, Options, Outcome
from seclog_handlers.handlers.alerts.channels.http import Endpoint, parse_url
from seclog_handlers.handlers.alerts.channels.webhook import Webhook
from seclog_handlers.handlers.alerts.content import SEVERITIES, rank

__all__ = ["Channel", "Options", "Outcome", "open_channels"]

_KEYS = frozenset({"url", "key", "min_severity", "timeout", "per_minute", "resolve_wait"})
_LONGEST_TIMEOUT = 120.0  # s


def open_channels(value: Any, min_severity: str, per_minute: int, resolve_wait: float | None = None) -> list[Channel]:
    """Return the channels that a configuration names; opens no connection.

    Args:
        value: One URL, or a list of URLs and mappings {"url", "key", "min_severity", "timeout", "per_minute",
            "resolve_wait"}. `url` and `key` may be references (env:NAME, file:PATH).
        min_severity: For channels that name none.
        per_minute: For channels that name none.
        resolve_wait: For channels that name none; None: as is usual for the kind of channel.

    Raises:
        ConfigurationError: If one cannot work; secrets are not shown.
    """
    given = _config.plain(value)
    if isinstance(given, str):
        given = given.split("\n")
    rows = [given] if isinstance(given, dict) else given
    if not isinstance(rows, Sequence) or not any(rows):
        raise ConfigurationError(
            "AlertHandler needs channels: give a list with at least one URL, as ('env:SECLOG_WEBHOOK',) "
            "or ('https://alerts.example.com/hook',).",
        )
    usual = {"min_severity": min_severity, "per_minute": per_minute, "resolve_wait": resolve_wait}
    channels = [_open(f"channels[{index}]", row, usual) for index, row in enumerate(rows) if row]
    names = [channel.name for channel in channels]
    if len(set(names)) < len(names):
        raise ConfigurationError("channels names the same address twice: leave one out.")
    return channels


def _open(what: str, row: Any, usual: dict[str, Any]) -> Channel:
    settings = {**usual, **(row if isinstance(row, dict) else {"url": row})}
    unknown = sorted(map(str, set(settings) - _KEYS))
    if unknown or not isinstance(settings.get("url"), str):
        raise ConfigurationError(
            f"{what} must be a URL or a mapping with 'url' and, if need be, 'key', 'min_severity', 'timeout', "
            f"'per_minute', 'resolve_wait'" + (f"; it has {', '.join(unknown)}." if unknown else "."),
        )
    number = _config.as_number
    options = Options(
        key=_config.secret(f"{what}.key", str(settings.get("key", ""))),
        severity=rank(severity(f"{what}.min_severity", settings["min_severity"])),
        timeout=number(f"{what}.timeout", settings.get("timeout", TIMEOUT), minimum=0.1, maximum=_LONGEST_TIMEOUT),
        per_minute=int(number(f"{what}.per_minute", settings["per_minute"], minimum=1)),
    )
    url = _config.secret(f"{what}.url", settings["url"].strip())
    channel = _of_scheme(what, url, options)
    if settings["resolve_wait"] is not None:
        channel.resolve_wait = number(f"{what}.resolve_wait", settings["resolve_wait"])
    # Two rooms of one chat server differ in the secret part only; the spool must tell them apart over restarts.
    channel.name += "#" + hashlib.sha256(_identity(url, options).encode()).hexdigest()[:8]
    return channel


def _identity(url: str, options: Options) -> str:
    parts = parse_url("url", url)  # a password may be weak: nothing is derived from it
    address = f"{parts.scheme}://{parts.username}@{parts.hostname}:{parts.port}{parts.path}?{parts.query}"
    return f"{address}\n{options.key if parts.scheme.startswith('pagerduty') else ''}"


def severity(key: str, value: Any) -> str:
    """Read one of LOW, MEDIUM, HIGH, CRITICAL, in any case."""
    return _config.as_choice(key, value, tuple(word.lower() for word in SEVERITIES)).upper()


def _of_scheme(what: str, url: str, options: Options) -> Channel:
    parts = parse_url(what, url)
    kind, _, transport = parts.scheme.partition("+")
    if kind == "slack":
        return _slack(what, url, transport, options)
    if kind == "pagerduty":
        return _pagerduty(what, url, transport, options)
    if kind in {"smtp", "smtps"} and not transport:
        from seclog_handlers.handlers.alerts.channels.mail import Mail  # noqa: PLC0415 - loads email and ssl

        return Mail(what, url, options)
    if parts.hostname == "hooks.slack.com":
        return _slack(what, "slack+" + url, parts.scheme, options)
    if parts.scheme in {"http", "https"}:
        endpoint = Endpoint(what, url, options.timeout)
        return Webhook(f"webhook:{endpoint.host}", endpoint, options)
    if not kind:
        raise ConfigurationError(f"{what} has no scheme: write a URL such as https://alerts.example.com/hook.")
    from seclog_handlers.handlers.alerts.channels.services import AppriseService  # noqa: PLC0415 - an extra

    return AppriseService(what, parts.scheme, url, options)


def _slack(what: str, url: str, transport: str, options: Options) -> Channel:
    """`slack://T/B/X`, or `slack+https://host/path` for a service that takes the same messages."""
    address = url.partition("+")[2] if transport else slack.URL + url.partition("://")[2]
    endpoint = Endpoint(what, address, options.timeout)
    return slack.Slack(f"slack:{endpoint.host}", endpoint, options)


def _pagerduty(what: str, url: str, transport: str, options: Options) -> Channel:
    """`pagerduty://KEY`, or `pagerduty+https://KEY@events.eu.pagerduty.com/v2/enqueue`; the key may stand in `key`."""
    parts = parse_url(what, url)
    key = options.key or (parts.username if transport else parts.netloc) or ""
    if not key:
        raise ConfigurationError(f"{what} has no routing key: write pagerduty://ROUTING_KEY, or give it as 'key'.")
    address = pagerduty.URL
    if transport:
        address = f"{transport}://{parts.netloc.rpartition('@')[2]}{parts.path or '/v2/enqueue'}"
    endpoint = Endpoint(what, address, options.timeout)
    keyed = Options(key, options.severity, options.timeout, options.per_minute)
    return pagerduty.PagerDuty(f"pagerduty:{endpoint.host}", endpoint, keyed)
