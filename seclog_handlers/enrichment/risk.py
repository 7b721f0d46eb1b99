"""How risky an authentication event is, from 0 to 100, and why.

The points of all factors are added and cut at 100:

=========================  ==============================================================================
user_failures              4 for each recent failure of the same user, at most 32. On a success: of those at
                           other addresses, at most 12, and 0 if the user knows the address or its network
address_failures           4 for each recent failure of the same address, at most 32. On a success from an
                           address new to the user those of weeks count, too
success_after_failures     success after 5 or more such failures of the same address: 40, 4 more for each further
                           one, at most 60; 20 from an address that the user knows. Else 15 after 5 recent
                           failures of the same user elsewhere, from an address and network new to it
open_incident              20: an incident on the address is open; 15: on its network; 10: on the user, when
                           the event's address is new to the user and nothing above speaks of that; the highest
impossible_travel          40: the user cannot have come from the place of the login before
new_country                25: the user has logged in before, never from this country
new_network                10: the same of the network (ASN)
new_device                 10: the same of browser, system and kind of device, from the fourth login on
scanner_agent              30: the user agent of a known scanner
anonymizer                 15: the address is known as a proxy, VPN or Tor exit
unfamiliar_login           0 to 30: 10 x log10(s) rounded down, s of Freeman's model, from login 2 on; 0 where
                           s is below 1, which is what the user is likelier to do than others
=========================  ==============================================================================

A recent failure counts in full at once and half after an hour; one of weeks half after seven days. A success clears
the user's, and half of those that it had in a row at its address. The event itself counts among its failures. Three
failures are granted to an address for each other user who has logged in from there.
"""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers.enrichment._failures import Failures
from seclog_handlers.enrichment._freeman import NOTHING, LoginModel
from seclog_handlers.enrichment._incidents import OpenIncidents
from seclog_handlers.enrichment.agents import CACHE_SIZE, MAX_AGENT, Agent, describe, scanner

if TYPE_CHECKING:
    from collections.abc import Mapping

POINTS_PER_FAILURE = 4
MAX_FAILURE_POINTS = 32
# Others who try a user's password say little about who comes from where nothing failed.
MAX_OTHERS_POINTS = 12
MANY_FAILURES = 5
AFTER_FAILURES_OF_ADDRESS = 40
MAX_AFTER_FAILURES = 60
AFTER_FAILURES_AT_HOME = 20
AFTER_FAILURES_OF_USER = 15
OPEN_INCIDENT = {"address": 20, "network": 15, "user": 10}
IMPOSSIBLE_TRAVEL = 40
NEW_COUNTRY = 25
NEW_NETWORK = 10
NEW_DEVICE = 10
SCANNER_AGENT = 30
ANONYMIZER = 15
MAX_UNFAMILIAR = 30
MAX_SCORE = 100

# Elastic's bands: the highest score of each level.
LEVELS = ((21, "low"), (47, "medium"), (73, "high"), (100, "critical"))

USER_FIELDS = ("username", "user_id", "email")

# What is new to a user -> its factor and points.
NEWS = {
    "country": ("new_country", NEW_COUNTRY), "asn": ("new_network", NEW_NETWORK), "device": ("new_device", NEW_DEVICE),
}  # fmt: skip

LEVEL_OF = tuple(next(name for highest, name in LEVELS if score <= highest) for score in range(101))
# Below this quotient there is no point for an unfamiliar login.
_FAMILIAR = 10**0.1
_UNKNOWN: tuple[Any, Any] = (None, None)
_HALF = 0.5
# Failures -> their points; so many have the most.
_MANY = MAX_FAILURE_POINTS // POINTS_PER_FAILURE
_POINTS = tuple(POINTS_PER_FAILURE * failures for failures in range(_MANY + 1))
# User agent -> what it says, and whether it is a scanner's.
_agents: dict[str, tuple[Agent, bool]] = {}
_points_of = itemgetter(1)

# How well the user knows where the event comes from.
_STRANGE, _NEAR, _HOME = range(3)

# Seconds since 1970: the year 9999. Infinity, or NaN, would leave counters that never change again.
MAX_TIME = 253_402_300_800.0

Factor = dict[str, Any]
# Under which the model remembers an event: user, address, and the user agent with what it says.
Names = tuple[Any, Any, tuple[str, Agent, bool]]


# What an event says, made countable: whose it is or None; whether the login succeeded, anything but True and False is
# neither; its address or None; that one's ASN and country; the user agent or what stands for it; what that says;
# whether it is a scanner's; whether the address is known to hide people; and user, address and the text of the address
# as alerts name them. A plain tuple: a named one takes as long as a tenth of all.
Subject = tuple[Any, Any, Any, tuple[Any, Any], str, Agent, bool, bool, tuple[Any, Any, Any]]


class Login(NamedTuple):
    """What the model remembers of an event."""

    user: Any
    address: Any
    network: tuple[Any, Any]
    text: str
    device: Agent
    success: bool
    when: float


def risk_level(score: int) -> str:
    """Return low (to 21), medium (to 47), high (to 73) or critical."""
    return LEVEL_OF[score]


def unfamiliar_points(quotient: float) -> int:
    """Return the points for what Freeman's model says: never fewer for more, 0 to 30."""
    return min(MAX_UNFAMILIAR, int(10 * math.log10(quotient))) if quotient > 1 else 0


class RiskModel:
    """Scores authentication events by what they say and by what came before them.

    Its memory is this process's, bounded, and keyed by what the fields hold: tokens, where pseudonyms are on.
    Time is the events' own.
    """

    def __init__(self) -> None:
        self._failures = Failures()
        # At hand, since most events have no failures before them and should not pay for a call to hear that.
        self._failed_users, self._failed_addresses = self._failures.users, self._failures.addresses
        self._logins = LoginModel()
        self._incidents = OpenIncidents()

    def score(
        self, fields: Mapping[str, Any], when: float, user: Any = None, names: Names | None = None,
    ) -> tuple[int, list[Factor]]:  # fmt: skip
        """Return the score of one event and its factors, the heaviest first, and remember the event.

        Args:
            fields: The event: `username`, `user_id` or `email`, `ip_address`, `success`, `user_agent`,
                `geo_location`, `impossible_travel`.
            when: Its time, in seconds since 1970.
            user: Whose it is, where `user_of` was asked before.
            names: What to remember it under, where several processes share what they learn.
        """
        return self.judge(subject_of(fields, user, names), when, "impossible_travel" in fields)

    def judge(self, subject: Subject, when: float, impossible: bool) -> tuple[int, list[Factor]]:
        """Return the score of one event and its factors, the heaviest first, and remember the event.

        Args:
            subject: What the event says.
            when: Its time, in seconds since 1970.
            impossible: Whether the user cannot have come from where the login before was.
        """
        user, success, address, network, agent, device, scans, anonymous, shown = subject
        unusual, news = None, NOTHING
        if user is not None:
            unusual, news = self._logins.judge(user, address, network, agent, device, success is True)
        points: dict[str, int] = {}
        if success is False:
            _count(points, *self._failures.fail(user, address, when))
        elif (
            user in self._failed_users.young
            or address in self._failed_addresses.young
            or ((self._failed_users.old or self._failed_addresses.old) and self._failures.knows(user, address))
        ):
            nearness = _STRANGE if unusual is None else _nearness(news, network)
            self._judge_after_failures(points, user, address, success, when, nearness)
        if self._incidents.subjects:
            named, place, text = shown
            stranger = (unusual is None or "address" in news) and "success_after_failures" not in points
            nearest = self._incidents.nearest(named if stranger else None, place, text)
            if nearest is not None:
                points["open_incident"] = OPEN_INCIDENT[nearest]
        if impossible:
            points["impossible_travel"] = IMPOSSIBLE_TRAVEL
        if news:
            points.update([NEWS[name] for name in news if name in NEWS])
        if scans:
            points["scanner_agent"] = SCANNER_AGENT
        if anonymous:
            points["anonymizer"] = ANONYMIZER
        if unusual is not None and unusual > _FAMILIAR and (worth := unfamiliar_points(unusual)):
            points["unfamiliar_login"] = worth
        if not points:
            return 0, []
        score, told = _known_tellings.get(tuple(points.items())) or _telling(points)
        return score, list(map(_copy, told))

    def learn(self, login: Login) -> None:
        """Remember an event that another process has scored."""
        user, address, network, text, device, success, when = login
        if user is not None and success:
            self._logins.judge(user, address, network, text, device, learn=True)
        if not success:
            self._failures.fail(user, address, when)
        elif self._failures.knows(user, address):
            self._failures.succeed(user, address, when, max(0, self._logins.users_at(address) - 1))

    def note(self, alert: Mapping[str, Any]) -> None:
        """Note an alert, so that events about its user, address or network score higher until it is resolved.

        Args:
            alert: The fields of a `security_alert`: `incident_id`, `incident_state`, `group`.
        """
        self._incidents.note(alert)

    def _judge_after_failures(
        self, points: dict[str, int], user: Any, address: Any, success: Any, when: float, nearness: int,
    ) -> None:  # fmt: skip
        if success is True:
            self._judge_success(points, user, address, when, nearness)
        else:
            _count(points, *self._failures.left(user, address, when))

    def _judge_success(self, points: dict[str, int], user: Any, address: Any, when: float, nearness: int) -> None:
        """Judge what comes after failures: who guessed long enough gets in, and so does who mistyped."""
        others_here = self._logins.users_at(address) - 1
        before = self._failures.succeed(user, address, when, max(0, others_here))
        home = nearness == _HOME
        here = round(before.address if home else max(before.address, before.lasting))
        if here >= MANY_FAILURES:
            more = AFTER_FAILURES_OF_ADDRESS + POINTS_PER_FAILURE * (here - MANY_FAILURES)
            points["success_after_failures"] = AFTER_FAILURES_AT_HOME if home else min(MAX_AFTER_FAILURES, more)
        if here:
            points["address_failures"] = min(MAX_FAILURE_POINTS, POINTS_PER_FAILURE * here)
        others = round(before.others) if nearness == _STRANGE else 0
        if others:
            points["user_failures"] = min(MAX_OTHERS_POINTS, POINTS_PER_FAILURE * others)
        if others >= MANY_FAILURES > here:
            points["success_after_failures"] = AFTER_FAILURES_OF_USER


def _nearness(news: frozenset[str], network: tuple[Any, Any]) -> int:
    if "address" not in news:
        return _HOME
    return _NEAR if network[0] is not None and "asn" not in news else _STRANGE


def _count(points: dict[str, int], of_user: float, of_address: float) -> None:
    """Add the points for failures as such, rounded to whole ones."""
    if of_user >= _HALF:
        points["user_failures"] = _POINTS[int(of_user + _HALF)] if of_user < _MANY else MAX_FAILURE_POINTS
    if of_address >= _HALF:
        points["address_failures"] = _POINTS[int(of_address + _HALF)] if of_address < _MANY else MAX_FAILURE_POINTS


def _cut(text: Any) -> str:
    return text[:MAX_AGENT] if type(text) is str else ""


def _agent(text: str) -> tuple[Agent, bool]:
    """Return what a user agent says, and whether it is a scanner's; remembered, within bounds."""
    if len(_agents) >= CACHE_SIZE:
        _agents.clear()
    known = _agents[text] = describe(text), scanner(text) is not None
    return known


# Points -> the score, and its factors with the heaviest first: most events have one of a few combinations.
_known_tellings: dict[tuple[tuple[str, int], ...], tuple[int, list[Factor]]] = {}
_copy = dict.copy


def _telling(points: dict[str, int]) -> tuple[int, list[Factor]]:
    """Return the score and its factors, to be copied, and remember them."""
    key = tuple(points.items())
    if len(_known_tellings) >= CACHE_SIZE:
        _known_tellings.clear()
    heaviest_first = sorted(key, key=_points_of, reverse=True)
    factors: list[Factor] = [{"name": name, "points": worth} for name, worth in heaviest_first]
    known = _known_tellings[key] = min(MAX_SCORE, sum(points.values())), factors
    return known


def subject_of(fields: Mapping[str, Any], user: Any = None, names: Names | None = None) -> Subject:
    """Return what an event says.

    Args:
        fields: The event.
        user: Whose it is, where `user_of` was asked before.
        names: What to remember it under, where several processes share what they learn.
    """
    get = fields.get
    place, shown = get("geo_location"), get("ip_address")
    if names is not None:
        user, address, (agent, device, scans) = names
        named = user_of(fields)
    else:
        text = get("user_agent")
        # An ordinary event passes these checks; whatever else fields may hold is made countable or None.
        user = named = user_of(fields) if user is None else user
        address = shown if type(shown) is str and 0 < len(shown) <= MAX_AGENT else key_of(shown)
        agent = text if type(text) is str and len(text) <= MAX_AGENT else _cut(text)
        device, scans = _agents.get(agent) or _agent(agent)
    anonymous = type(place) is dict and place.get("is_anonymous") is True
    about = (named, address, shown)
    return user, get("success"), address, network_of(place), agent, device, scans, anonymous, about


def user_of(fields: Mapping[str, Any]) -> Any:
    """Return whose event it is: the first of the fields for it that can be counted, or None."""
    user = fields.get("username")
    if type(user) is str and 0 < len(user) <= MAX_AGENT:  # as in most events
        return user
    field = user_field(fields)
    return None if field is None else key_of(fields[field])


def user_field(fields: Mapping[str, Any]) -> str | None:
    """Return which field says whose event it is, or None."""
    return next((name for name in USER_FIELDS if key_of(fields.get(name)) is not None), None)


def network_of(place: Any) -> tuple[Any, Any]:
    """Return the ASN and country that a location names, None for what it does not."""
    if type(place) is not dict:
        return _UNKNOWN
    asn, country = place.get("asn"), place.get("country")
    return (asn, country) if type(asn) is int and type(country) is str else (key_of(asn), key_of(country))


def key_of(value: Any) -> Any:
    """Return a value that can be counted, or None: text and numbers, not too long."""
    if type(value) is str:
        return value[:MAX_AGENT] or None
    return value if type(value) is int else None
