"""AccessLog: from a record's attributes to the fields of an event."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from seclog_handlers import _config, events
from seclog_handlers.access import credentials, servers
from seclog_handlers.access.addresses import Proxies
from seclog_handlers.access.answer import number, query_params
from seclog_handlers.access.ledger import Ledger
from seclog_handlers.access.paths import Paths
from seclog_handlers.enrichment.addresses import parse_address

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from seclog_handlers.access.answer import Answer

# Where a 401 without visible credentials is a failed login, since they are in the body: usual last segments.
DEFAULT_LOGIN_PATHS = (
    "login", "log-in", "signin", "sign-in", "sign_in", "auth", "authenticate", "authorize", "token",
    "session", "sessions", "oauth", "sso", "wp-login.php",
)  # fmt: skip

SOURCE = "access_log"

_UNAUTHORIZED = 401
_FAMILIES = {
    _UNAUTHORIZED: events.AUTHENTICATION,
    403: events.AUTHORIZATION,
    429: events.RATE_LIMIT_VIOLATION,
}
# Statuses whose requests are more than an answer.
SPECIAL = frozenset(_FAMILIES)
# What an application's event may answer for -> the field that says that nothing was refused.
_OUTCOMES = {
    events.AUTHENTICATION: "success",
    events.AUTHORIZATION: "granted",
    events.RATE_LIMIT_VIOLATION: "",
    events.API_REQUEST: "",
    events.API_RESPONSE: "",
}

# Events that wait for the next record of a server: more than the requests that are under way at a time. Most
# applications log events and no access records, and pay a tenth of what telling the ledger would cost.
MAX_NOTED = 1024
_MAX_ADDRESS = 64

# Of django.security's events; those that any scanner on the internet triggers are LOW.
_SECURITY_SEVERITY = "MEDIUM"
_SECURITY_SEVERITIES = {"disallowed_host": "LOW"}


class AccessLog:
    """Events from the records of gunicorn, hypercorn, uvicorn, Werkzeug, daphne and Django.

    401 is a failed login when credentials were sent or the path is a login path, 403 a denied authorization,
    429 a rate_limit_violation, anything else an api_response. django.security.* become `security_<name>`. One
    request counts once: the application's own event before django.request's before the access record.

    Args:
        trusted_proxies: CIDRs, or `unix`, of proxies whose X-Forwarded-For is believed.
        login_paths: `/path` exactly, `/path/*` with all below, or `name` as the last segment of any path.
        health_paths: Paths that are no events, in the same forms.

    Raises:
        ConfigurationError: If an entry of `trusted_proxies` is no network, or a list is none.
    """

    def __init__(
        self,
        trusted_proxies: Iterable[str] = (),
        login_paths: Iterable[str] = DEFAULT_LOGIN_PATHS,
        health_paths: Iterable[str] = (),
    ) -> None:
        self._proxies = Proxies(_config.as_list("access_log.trusted_proxies", trusted_proxies))
        self._logins = Paths(_config.as_list("access_log.login_paths", login_paths))
        self._health = Paths(_config.as_list("access_log.health_paths", health_paths))
        self._ledger = Ledger()
        self._noted: deque[tuple[Any, ...]] = deque(maxlen=MAX_NOTED)
        self._challenges_are_shown = False

    def event(self, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the fields that make an event of a server's record; never raises.

        Args:
            attributes: The record's `__dict__`; it is not changed.

        Returns:
            The fields, with `event_type`. An access record whose request was counted by an earlier record
            gets the same fields without `event_type`, so that its address is located and hidden like any
            other. None for other records, for health paths and for a django.request record that tells
            nothing new.
        """
        try:
            read = servers.reader(attributes.get("name"))
            if read is None or attributes.get("event_type") is not None:
                return None
            answer = read(attributes)
            if answer is None:
                return None
            self._catch_up()
            return self._judge(answer, attributes)
        except Exception:
            return None  # a record that only looks like a server's

    def alone(
        self, status: int, method: str, path: str, query: str, peer: str, user: str, user_agent: str, version: str,
    ) -> dict[str, Any] | None:  # fmt: skip
        """Return what `event` makes of a request of which no other record tells, and that refuses nobody.

        Args:
            status: 100 to 599, but for those of SPECIAL.
            method: Of the request; as all others empty where the record does not show it.
            path: Without the query.
            query: What follows the path.
            peer: The client's address.
            user: Whom the server knows.
            user_agent: The header.
            version: Of HTTP.
        """
        if self._health and self._health.match(path):
            return None
        shown: dict[str, Any] = {"event_type": events.API_RESPONSE, "method": method, "path": path}
        if query:
            shown["query_params"] = query_params(query)
        shown["status_code"] = status
        address = self._proxies.client(peer, "")
        if address:
            shown["ip_address"] = address
        if user:
            shown["username"] = user
        if user_agent:
            shown["user_agent"] = user_agent
        shown["http_version"] = version
        shown["source"] = SOURCE
        return shown

    def note(self, attributes: Mapping[str, Any], answers: bool = False) -> None:
        """Remember an event that the application logged itself, so that its request counts once.

        Never raises.

        Args:
            attributes: The `__dict__` of a record that carries an `event_type`.
            answers: Whether it is known that the response to its request will be an event too.
        """
        try:
            gist = self.gist(attributes)
            if gist is not None:
                self.keep(gist, attributes, answers)
        except Exception:
            return  # an odd event counts all the same, only its access record may count again

    def gist(self, attributes: Mapping[str, Any]) -> tuple[str, Any] | None:
        """Return what `note` remembers of an event beside who logged it when: family, address; None for nothing."""
        family = attributes.get("event_type")
        if type(family) is not str:  # the hash of a nested tuple may have no end
            return None
        outcome = _OUTCOMES.get(family)
        if outcome is None or attributes.get("source") == SOURCE:
            return None
        if outcome and events.truth(attributes.get(outcome)) is True:
            return None  # a success stands for no 401 or 403
        address = attributes.get("ip_address")
        return family, None if type(address) is str and len(address) > _MAX_ADDRESS else address

    def keep(self, gist: tuple[str, Any], attributes: Mapping[str, Any], answers: bool) -> None:
        """Remember the event that `gist` was told of, or an equal one."""
        task = attributes["taskName"] if "taskName" in attributes else task_name()
        unit = attributes["process"], attributes["thread"], task
        self._noted.append((*gist, unit, attributes["created"], answers))

    def _catch_up(self) -> None:
        """Tell the ledger of the events that were noted since a server's record came."""
        noted = self._noted
        while noted:
            try:
                family, named, unit, created, answers = noted.popleft()
            except IndexError:  # another thread's record was faster
                return
            address = parse_address(named)
            shown = "" if address is None else str(address)
            self._ledger.application(_unit(*unit), shown, family, _seconds(created), answers)

    def _judge(self, answer: Answer, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
        parameters = query_params(answer.query)
        auth = credentials.auth_method(answer, parameters) if answer.status in _FAMILIES else ""
        address = self._proxies.client(answer.peer, answer.forwarded)
        healthy = self._health.match(answer.path)
        unit = _unit_of(attributes) if answer.own_unit else None
        place = (unit, address, self._family(answer, auth), _seconds(attributes.get("created")))
        if answer.by_framework:
            if healthy or not self._framework_counts(answer, place):
                return None
            return {**_event(answer, place[2], auth), **_request(answer, address, parameters)}
        self._challenges_are_shown = self._challenges_are_shown or answer.shows_challenge
        counted = self._ledger.server(*place)
        if healthy:
            return None
        event = {} if counted is None else _event(answer, counted, auth)
        return {**event, **_request(answer, address, parameters)}

    def _family(self, answer: Answer, auth: str) -> str:
        family = _FAMILIES.get(answer.status, events.API_RESPONSE)
        if family != events.AUTHENTICATION or self._logins.match(answer.path):
            return family
        return family if auth and not credentials.expired(answer) else events.API_RESPONSE

    def _framework_counts(self, answer: Answer, place: tuple[Hashable, str, str, float]) -> bool:
        family = place[2]
        if answer.security and family == events.API_RESPONSE:
            return True
        # Only the response's headers tell a token that ran out from a wrong one: where access records show
        # them, they decide.
        if family == events.AUTHENTICATION and self._challenges_are_shown and credentials.renewable(answer):
            return self._logins.match(answer.path) and self._ledger.framework(*place)
        return self._ledger.framework(*place)


def _event(answer: Answer, family: str, auth: str) -> dict[str, Any]:
    """Return the fields that make a request an event of its family."""
    if answer.security:
        severity = _SECURITY_SEVERITIES.get(answer.security, _SECURITY_SEVERITY)
        return {"event_type": events.SECURITY_PREFIX + answer.security, "severity": severity}
    found: dict[str, Any] = {"event_type": family}
    if family == events.AUTHENTICATION:
        found["success"] = False
        if auth:
            found["auth_method"] = auth
    elif family == events.AUTHORIZATION:
        found["granted"] = False
    elif family == events.RATE_LIMIT_VIOLATION:
        found["endpoint"] = answer.path
    return found


def _request(answer: Answer, address: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that every request has, as far as its record shows them."""
    user = credentials.username(answer)
    if not user and answer.status == _UNAUTHORIZED:
        user = credentials.claimed_user(answer, parameters)
    found = {
        "method": answer.method,
        "path": answer.path,
        "query_params": parameters,
        "status_code": answer.status,
        "ip_address": address,
        "username": user,
        "user_agent": answer.user_agent,
        "http_version": answer.http_version,
    }
    shown = {name: value for name, value in found.items() if value}
    if answer.size is not None:
        shown["response_size"] = answer.size
    if answer.time_ms is not None:
        shown["response_time_ms"] = round(answer.time_ms, 3)
    shown["source"] = SOURCE
    return shown


def _unit_of(attributes: Mapping[str, Any]) -> Hashable:
    task = attributes["taskName"] if "taskName" in attributes else task_name()
    return _unit(attributes.get("process"), attributes.get("thread"), task)


def _unit(process: Any, thread: Any, task: Any) -> Hashable:
    """Return what tells one thread, greenlet or task of one process from others; None if nothing does."""
    if type(thread) is not int and type(task) is not str:
        return None
    return (process if type(process) is int else 0, thread, task if type(task) is str else None)


def task_name() -> str | None:
    """Return the running asyncio task's name, which records carry themselves from Python 3.12 on."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    loop = asyncio._get_running_loop()  # noqa: SLF001 - documented in asyncio; asking for a task outside of a loop raises
    task = None if loop is None else asyncio.current_task(loop)
    return None if task is None else str(task.get_name())


def _seconds(created: Any) -> float:
    seconds = number(created)
    return 0.0 if seconds is None else seconds
