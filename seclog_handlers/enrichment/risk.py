"""How risky an authentication event is, from 0 to 100, and why.

The points of all factors are added and cut at 100:

=========================  ==============================================================================
user_failures              4 for each recent failure of the same user, at most 32
address_failures           4 for each recent failure of the same address, at most 32
success_after_failures     success after 5 recent failures: 40 of the same address, 25 of the same user
new_country                25: the user has logged in before, never from this country
scanner_agent              30: the user agent of a known scanner
anonymizer                 15: the address is known as a proxy, VPN or Tor exit
unfamiliar_login           0 to 30: 10 x log10(1 + s) rounded down, s of Freeman's model, from login 2 on
=========================  ==============================================================================

A recent failure counts by halves: full at once, half after 30 minutes. A success clears the user's and halves
the address's. The event itself counts among its failures.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from seclog_handlers.enrichment._freeman import LoginModel
from seclog_handlers.enrichment.agents import MAX_AGENT, describe, scanner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seclog_handlers.enrichment._freeman import Features

HALF_LIFE = 1800.0
DECAY = math.log(2) / HALF_LIFE
MAX_TRACKED = 50_000

POINTS_PER_FAILURE = 4
MAX_FAILURE_POINTS = 32
MANY_FAILURES = 5
AFTER_FAILURES_OF_ADDRESS = 40
AFTER_FAILURES_OF_USER = 25
NEW_COUNTRY = 25
SCANNER_AGENT = 30
ANONYMIZER = 15
MAX_UNFAMILIAR = 30

# Elastic's bands: the highest score of each level.
LEVELS = ((21, "low"), (47, "medium"), (73, "high"), (100, "critical"))

USER_FIELDS = ("username", "user_id", "email")

_ADDRESS_FEATURE, _COUNTRY_LEVEL = 0, 2

Factor = dict[str, Any]


def risk_level(score: int) -> str:
    """Return low (to 21), medium (to 47), high (to 73) or critical."""
    return next(name for highest, name in LEVELS if score <= highest)


class RiskModel:
    """Scores authentication events by what they say and by what came before them.

    Its memory is this process's, bounded, and keyed by what the fields hold: tokens, where pseudonyms are on.
    Time is the events' own.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, Any], tuple[float, float]] = OrderedDict()
        self._logins = LoginModel()

    def score(self, fields: Mapping[str, Any], when: float) -> tuple[int, list[Factor]]:
        """Return the score of one event and its factors, the heaviest first, and remember the event.

        Args:
            fields: The event: `username` or `user_id`, `ip_address`, `success`, `user_agent`, `geo_location`.
            when: Its time, in seconds since 1970.
        """
        user, address = _first(fields, USER_FIELDS), _key(fields.get("ip_address"))
        success = fields.get("success")
        points = self._judge_failures(user, address, success, when)
        features = _features(fields, address)
        points |= self._judge_login(user, features) if user is not None else {}
        points |= _judge_source(fields)
        if success is True and user is not None:
            self._logins.learn(user, features)
        reasons = sorted(points.items(), key=lambda reason: -reason[1])
        factors: list[Factor] = [{"name": name, "points": worth} for name, worth in reasons if worth]
        return min(100, sum(points.values())), factors

    def _judge_failures(self, user: Any, address: Any, success: Any, when: float) -> dict[str, int]:
        failed = 1.0 if success is False else 0.0
        of_user = self._recent("user", user, when) + failed if user is not None else 0.0
        of_address = self._recent("address", address, when) + failed if address is not None else 0.0
        if success is True:
            self._remember("user", user, 0.0, when)
            self._remember("address", address, of_address / 2, when)
        elif failed:
            self._remember("user", user, of_user, when)
            self._remember("address", address, of_address, when)
        points = {"user_failures": _failure_points(of_user), "address_failures": _failure_points(of_address)}
        if success is True:
            points["success_after_failures"] = (
                AFTER_FAILURES_OF_ADDRESS if round(of_address) >= MANY_FAILURES
                else AFTER_FAILURES_OF_USER if round(of_user) >= MANY_FAILURES
                else 0
            )  # fmt: skip
        return points

    def _judge_login(self, user: Any, features: Features) -> dict[str, int]:
        unusual = self._logins.score(user, features)
        if unusual is None:
            return {}
        points = {"unfamiliar_login": min(MAX_UNFAMILIAR, int(10 * math.log10(1 + unusual)))}
        if self._logins.is_new(user, features, _ADDRESS_FEATURE, _COUNTRY_LEVEL):
            points["new_country"] = NEW_COUNTRY
        return points

    def _recent(self, kind: str, key: Any, when: float) -> float:
        count, last = self._failures.get((kind, key), (0.0, when))
        return count * math.exp(-max(0.0, when - last) * DECAY)

    def _remember(self, kind: str, key: Any, count: float, when: float) -> None:
        if key is None:
            return
        place = (kind, key)
        earlier = self._failures.pop(place, None)
        if count:
            self._failures[place] = (count, max(when, earlier[1]) if earlier else when)
        if len(self._failures) > MAX_TRACKED:
            self._failures.popitem(last=False)


def _judge_source(fields: Mapping[str, Any]) -> dict[str, int]:
    points = {}
    agent, location = fields.get("user_agent"), fields.get("geo_location")
    if type(agent) is str and scanner(agent[:MAX_AGENT]):
        points["scanner_agent"] = SCANNER_AGENT
    if type(location) is dict and location.get("is_anonymous") is True:
        points["anonymizer"] = ANONYMIZER
    return points


def _failure_points(failures: float) -> int:
    return min(MAX_FAILURE_POINTS, POINTS_PER_FAILURE * round(failures))


def _features(fields: Mapping[str, Any], address: Any) -> Features:
    location, agent = fields.get("geo_location"), fields.get("user_agent")
    place = location if type(location) is dict else {}
    text = agent[:MAX_AGENT] if type(agent) is str else ""
    return (address, _key(place.get("asn")), _key(place.get("country"))), (text, *describe(text))


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((key for name in names if (key := _key(fields.get(name))) is not None), None)


def _key(value: Any) -> Any:
    """Return a value that can be counted, or None: text and numbers, not too long."""
    if type(value) is str:
        return value[:MAX_AGENT] or None
    return value if type(value) is int else None
