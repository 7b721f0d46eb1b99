"""Sources that are known: marked with a name and a reason, so that nobody is paged for them."""

from __future__ import annotations

import datetime as dt
import ipaddress
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers import _config
from seclog_handlers.enrichment.addresses import Address, parse_address
from seclog_handlers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CRITERIA = ("ranges", "users", "agents", "paths")
USER_FIELDS = ("username", "user_id", "email")
PATH_FIELDS = ("path", "endpoint", "api_endpoint")

_SETTINGS = (*CRITERIA, "reason", "expires")


class _Source(NamedTuple):
    name: str
    reason: str
    ranges: tuple[IPv4Network | IPv6Network, ...]
    users: frozenset[Any]
    agents: tuple[str, ...]
    paths: frozenset[str]
    prefixes: tuple[str, ...]
    expires: float


class TrustedSources:
    """The sources that a policy trusts.

    Args:
        entries: name -> a mapping with at least one of `ranges` (CIDRs or addresses), `users`, `agents`
            (parts of the user agent, in any case), `paths` (`/exact` or `/below/*`); an event matches where
            each that is given has one that fits. Further `reason`, and `expires`: an ISO date, whose day
            still counts (UTC), or date and time. A client chooses its user agent and path: trust them
            together with a range.
        token: field, value -> token, for events whose users are tokens already.

    Raises:
        ConfigurationError: For an unknown setting, a wrong range or date, or an entry that would match
        everything.
    """

    def __init__(
        self,
        entries: Mapping[str, Mapping[str, Any]],
        token: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self._sources = tuple(
            _source(name, entry, token) for name, entry in _config.as_mapping("trusted", entries).items()
        )

    def __bool__(self) -> bool:
        """Tell whether anything is trusted at all."""
        return bool(self._sources)

    def match(self, fields: Mapping[str, Any], address: Any, when: float) -> dict[str, str] | None:
        """Return {"name", "reason"} of the first source that an event comes from, or None.

        Args:
            fields: The event's fields.
            address: The raw client address, as an object or text.
            when: The event's time, in seconds since 1970.
        """
        parsed = parse_address(address)
        for source in self._sources:
            if when < source.expires and _matches(source, fields, parsed):
                return {"name": source.name, "reason": source.reason}
        return None


def _matches(source: _Source, fields: Mapping[str, Any], address: Address | None) -> bool:
    return (
        (not source.ranges or (address is not None and any(address in network for network in source.ranges)))
        and (not source.users or any(_key(fields.get(field)) in source.users for field in USER_FIELDS))
        and (not source.agents or _has_agent(source.agents, fields.get("user_agent")))
        and (
            not (source.paths or source.prefixes) or any(_has_path(source, fields.get(field)) for field in PATH_FIELDS)
        )
    )


def _has_agent(agents: tuple[str, ...], value: Any) -> bool:
    if type(value) is not str:
        return False
    agent = value.lower()
    return any(part in agent for part in agents)


def _has_path(source: _Source, value: Any) -> bool:
    if type(value) is not str:
        return False
    path = value.partition("?")[0]
    climbs = ".." in path or "%2e" in path.lower()  # such a path leads elsewhere than it says
    return path in source.paths or (not climbs and path.startswith(source.prefixes))


def _key(value: Any) -> str | None:
    if type(value) is str:
        return value.strip().lower()
    return str(value) if type(value) is int else None


def _source(name: str, entry: Any, token: Callable[[str, str], str | None] | None) -> _Source:
    key = f"trusted.{name}"
    settings = _config.as_mapping(key, entry)
    for setting in settings:
        if setting not in _SETTINGS:
            raise ConfigurationError(f"{key}.{setting} is not known: use one of {', '.join(_SETTINGS)}.")
    lists = {part: _config.as_list(f"{key}.{part}", settings.get(part)) for part in CRITERIA}
    if not any(lists.values()):
        raise ConfigurationError(
            f"{key} would trust everything: give it at least one of {', '.join(CRITERIA)}, or remove it.",
        )
    paths = [_path(key, path) for path in lists["paths"]]
    return _Source(
        name=name,
        reason=_config.as_text(f"{key}.reason", settings.get("reason", "")),
        ranges=tuple(_range(key, text) for text in lists["ranges"]),
        users=_users(lists["users"], token),
        agents=tuple(agent.lower() for agent in lists["agents"]),
        paths=frozenset(path for path in paths if not path.endswith("*")),
        prefixes=tuple(path[:-1] for path in paths if path.endswith("*")),
        expires=_expiry(key, settings["expires"]) if "expires" in settings else float("inf"),
    )


def _users(users: list[str], token: Callable[[str, str], str | None] | None) -> frozenset[Any]:
    known = {_key(user) for user in users}
    if token is not None:
        known.update(token(field, user) for user in users for field in USER_FIELDS)
    return frozenset(known - {None})


def _range(key: str, text: str) -> IPv4Network | IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigurationError(
            f"{key}.ranges contains {text!r}: it must be an address or a network such as 192.0.2.0/24.",
        ) from None


def _path(key: str, path: str) -> str:
    if not path.startswith("/") or "*" in path[:-1]:
        raise ConfigurationError(
            f"{key}.paths contains {path!r}: a path starts with '/', and a '*' may stand at its end only, "
            "for whatever follows.",
        )
    return path


def _expiry(key: str, value: Any) -> float:
    """Return the moment from which an entry counts no more; a date's own day still counts."""
    text = str(value).strip()
    try:
        if len(text) == len("2026-01-31"):
            day = dt.date.fromisoformat(text)
            midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.timezone.utc)
            return midnight.timestamp() + 86400
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{key}.expires is {text!r}: it must be a date such as 2026-12-31, or an ISO date and time.",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)).timestamp()
