"""How risky an authentication event is, from 0 to 100, and why.

The points of all factors are added and cut at 100:

=========================  ==============================================================================
user_failures              4 for each recent failure of the same user, at most 32; on a success that comes
                           from an address without failures at most 16, and 0 if the user knows the address
address_failures           4 for each recent failure of the same address, at most 32
success_after_failures     success after 5 or more recent failures of the same address: 40, 4 more for each
                           further one, at most 60; else of the same user, from an address new to it: 20
open_incident              20: an incident on the address is open; 15: on its network; 10: on the user, when
                           the event's address is new to the user; the highest of them
impossible_travel          40: the user cannot have come from the place of the login before
new_country                25: the user has logged in before, never from this country
new_network                10: the same of the network (ASN)
new_device                 10: the same of browser, system and kind of device, from the fourth login on
scanner_agent              30: the user agent of a known scanner
anonymizer                 15: the address is known as a proxy, VPN or Tor exit
unfamiliar_login           0 to 30: 10 x log10(s) rounded down, s of Freeman's model, from login 2 on; 0 where
                           s is below 1, which is what the user is likelier to do than others
=========================  ==============================================================================

A recent failure counts by halves: full at once, half after an hour. A success clears the user's and halves the
address's. The event itself counts among its failures.
"""

from __future__ import annotations

import math
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from seclog_handlers.enrichment._freeman import NOTHING, LoginModel
from seclog_handlers.enrichment._incidents import OpenIncidents
from seclog_handlers.enrichment._recent import Recent
from seclog_handlers.enrichment.agents import CACHE_SIZE, MAX_AGENT, Agent, describe, scanner

if TYPE_CHECKING:
    from collections.abc import Mapping

HALF_LIFE = 3600.0
DECAY = math.log(2) / HALF_LIFE
# Users, and as many addresses, whose failures are remembered.
MAX_TRACKED = 20_000

POINTS_PER_FAILURE = 4
MAX_FAILURE_POINTS = 32
# Others who try a user's password say little about who comes from where nothing failed.
MAX_OTHERS_POINTS = 16
MANY_FAILURES = 5
AFTER_FAILURES_OF_ADDRESS = 40
MAX_AFTER_FAILURES = 60
AFTER_FAILURES_OF_USER = 20
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

_LEVEL_OF = tuple(next(name for highest, name in LEVELS if score <= highest) for score in range(101))
# Below this quotient there is no point for an unfamiliar login.
_FAMILIAR = 10**0.1
_UNKNOWN = (None, None)
_points_of = itemgetter("points")

Factor = dict[str, Any]
_Failures = tuple[float, float]


def risk_level(score: int) -> str:
    """Return low (to 21), medium (to 47), high (to 73) or critical."""
    return _LEVEL_OF[score]


def unfamiliar_points(quotient: float) -> int:
    """Return the points for what Freeman's model says: never fewer for more, 0 to 30."""
    return min(MAX_UNFAMILIAR, int(10 * math.log10(quotient))) if quotient > 1 else 0


class RiskModel:
    """Scores authentication events by what they say and by what came before them.

    Its memory is this process's, bounded, and keyed by what the fields hold: tokens, where pseudonyms are on.
    Time is the events' own.
    """

    def __init__(self) -> None:
        self._user_failures: Recent[_Failures] = Recent(MAX_TRACKED)
        self._address_failures: Recent[_Failures] = Recent(MAX_TRACKED)
        self._logins = LoginModel()
        self._incidents = OpenIncidents()

    def score(self, fields: Mapping[str, Any], when: float) -> tuple[int, list[Factor]]:
        """Return the score of one event and its factors, the heaviest first, and remember the event.

        Args:
            fields: The event: `username`, `user_id` or `email`, `ip_address`, `success`, `user_agent`,
                `geo_location`, `impossible_travel`.
            when: Its time, in seconds since 1970.
        """
        get = fields.get
        user, address, text, place = get("username"), get("ip_address"), get("user_agent"), get("geo_location")
        # An ordinary event passes these checks; whatever else fields may hold is made countable or None.
        if type(user) is not str or not 0 < len(user) <= MAX_AGENT:
            user = user_of(fields)
        if type(address) is not str or not 0 < len(address) <= MAX_AGENT:
            address = _key(address)
        if type(text) is not str or len(text) > MAX_AGENT:
            text = text[:MAX_AGENT] if type(text) is str else ""
        network = (place.get("asn"), place.get("country")) if type(place) is dict else _UNKNOWN
        if type(network[0]) is not int or type(network[1]) is not str:
            network = _key(network[0]), _key(network[1])
        success = get("success")
        device, scans = _agent(text)
        unusual, news = None, NOTHING
        if user is not None:
            unusual, news = self._logins.judge(user, address, network, text, device, success is True)
        points: dict[str, int] = {}
        stranger = unusual is None or "address" in news
        if success is False or self._user_failures.get(user) or self._address_failures.get(address):
            self._judge_failures(points, user, address, success, when, stranger=stranger)
        if self._incidents:
            self._judge_incidents(points, user, address, stranger=stranger)
        if "impossible_travel" in fields:
            points["impossible_travel"] = IMPOSSIBLE_TRAVEL
        if news:
            points.update(NEWS[name] for name in news if name in NEWS)
        if scans:
            points["scanner_agent"] = SCANNER_AGENT
        if place and type(place) is dict and place.get("is_anonymous") is True:
            points["anonymizer"] = ANONYMIZER
        if unusual is not None and unusual >= _FAMILIAR:
            points["unfamiliar_login"] = unfamiliar_points(unusual)
        return _told(points) if points else (0, [])

    def note(self, alert: Mapping[str, Any]) -> None:
        """Note an alert, so that events about its user, address or network score higher until it is resolved.

        Args:
            alert: The fields of a `security_alert`: `incident_id`, `incident_state`, `group`.
        """
        self._incidents.note(alert)

    def _judge_failures(
        self, points: dict[str, int], user: Any, address: Any, success: Any, when: float, *, stranger: bool,
    ) -> None:  # fmt: skip
        """Count a failure, or judge what comes after failures."""
        most_of_user = MAX_FAILURE_POINTS
        if success is False:
            of_user = round(_another(self._user_failures, user, when)) if user is not None else 0
            of_address = round(_another(self._address_failures, address, when)) if address is not None else 0
        else:
            of_user = round(_faded(self._user_failures.get(user), when))
            by_address = self._address_failures.get(address)
            of_address = round(_faded(by_address, when))
        if success is True:
            self._user_failures.pop(user)
            if by_address:
                self._address_failures[address] = (_faded(by_address, when) / 2, max(when, by_address[1]))
            if of_address >= MANY_FAILURES:
                more = POINTS_PER_FAILURE * (of_address - MANY_FAILURES)
                points["success_after_failures"] = min(MAX_AFTER_FAILURES, AFTER_FAILURES_OF_ADDRESS + more)
            elif of_user >= MANY_FAILURES and stranger:
                points["success_after_failures"] = AFTER_FAILURES_OF_USER
            if not of_address:
                most_of_user = MAX_OTHERS_POINTS if stranger else 0
        if of_user:
            points["user_failures"] = min(most_of_user, POINTS_PER_FAILURE * of_user)
        if of_address:
            points["address_failures"] = min(MAX_FAILURE_POINTS, POINTS_PER_FAILURE * of_address)

    def _judge_incidents(self, points: dict[str, int], user: Any, address: Any, *, stranger: bool) -> None:
        about = self._incidents.about(user, address)
        if not stranger:
            about.discard("user")
        if about:
            points["open_incident"] = max(OPEN_INCIDENT[kind] for kind in about)


@lru_cache(CACHE_SIZE)
def _agent(text: str) -> tuple[Agent, bool]:
    return describe(text), scanner(text) is not None


def _faded(failures: _Failures | None, when: float) -> float:
    """Return how many failures are left by now."""
    return failures[0] * math.exp(-max(0.0, when - failures[1]) * DECAY) if failures is not None else 0.0


def _another(table: Recent[_Failures], key: Any, when: float) -> float:
    """Count a failure; return how many there were lately."""
    earlier = table.young.get(key) or table.get(key)
    if earlier is None:
        table.add(key, (1.0, when))
        return 1.0
    count, last = earlier
    age = when - last
    if age > 0:
        count, last = count * math.exp(-age * DECAY), when
    count += 1.0
    table.young[key] = (count, last)
    return count


def _told(points: dict[str, int]) -> tuple[int, list[Factor]]:
    factors: list[Factor] = [{"name": name, "points": worth} for name, worth in points.items() if worth]
    if len(factors) > 1:
        factors.sort(key=_points_of, reverse=True)
    return min(MAX_SCORE, sum(points.values())), factors


def user_of(fields: Mapping[str, Any]) -> Any:
    """Return whose event it is: the first of the fields for it that can be counted, or None."""
    return next((key for name in USER_FIELDS if (key := _key(fields.get(name))) is not None), None)


def _key(value: Any) -> Any:
    """Return a value that can be counted, or None: text and numbers, not too long."""
    if type(value) is str:
        return value[:MAX_AGENT] or None
    return value if type(value) is int else None
