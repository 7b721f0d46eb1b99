"""Impossible travel: two logins of one user, too far apart for the time between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers.enrichment._recent import Recent

if TYPE_CHECKING:
    from collections.abc import Mapping

# Okta's limit, about what an airliner does; and how far apart two places are one to a geo database.
MAX_KMH = 805.0
MIN_KM = 100.0
# Of logins further apart in time nothing follows.
WITHIN_HOURS = 24.0

MAX_USERS = 20_000
# Pairs of places that one user was reported with, and how long they are not reported again while they go on.
MAX_TOLD = 8
TOLD_S = 7 * 86400.0

EARTH_RADIUS_KM = 6371.0088
# A degree of latitude; two places closer than that many degrees of both are less than 100 km apart.
_NEAR_DEGREES = 0.4
# Two logins within one second are counted as a second apart.
_MIN_S = 1.0


class Spot(NamedTuple):
    """A place on Earth in degrees, and how far from it the client may be, in km."""

    latitude: float
    longitude: float
    radius: float


# When, and where, a user was last.
_Last = tuple[float, Spot]
# The pairs of places that were reported, and when they last occurred.
_Told = tuple[tuple[float, Spot, Spot], ...]


class Journeys:
    """Remembers where each user logged in last; says when the next login cannot be the same person.

    A pair of places is told once: whoever comes by turns from home and through a VPN would otherwise be told with
    each login. It is told again when it did not occur for a week.

    Args:
        max_kmh: Highest speed that is still travel.
        min_km: Shorter distances are never told.
        within_hours: Logins further apart in time say nothing.
    """

    def __init__(
        self,
        max_kmh: float = MAX_KMH,
        min_km: float = MIN_KM,
        within_hours: float = WITHIN_HOURS,
    ) -> None:
        self._max_kmh = max_kmh
        self._min_km = min_km
        self._within = within_hours * 3600.0
        self._near = min(_NEAR_DEGREES, min_km / 250.0)
        self._last: Recent[_Last] = Recent(MAX_USERS)
        self._told: Recent[_Told] = Recent(MAX_USERS // 10)

    def arrive(self, user: Any, location: Mapping[str, Any], when: float) -> dict[str, int] | None:
        """Note a successful login.

        Args:
            user: Whose it is; anything that can be a key.
            location: `latitude` and `longitude` in degrees, `accuracy_radius_km`; without them nothing follows.
            when: Event time, in seconds since 1970.

        Returns:
            None; or {"km", "kmh"} of a journey that nobody makes: the great circle less both radii.
        """
        latitude: Any = location.get("latitude")
        longitude: Any = location.get("longitude")
        if not (_is_degrees(latitude, 90) and _is_degrees(longitude, 180)):
            return None
        last = self._last.get(user)
        if last is not None and when < last[0]:
            return self._jump(user, last, _spot(location), when)  # late: judged, but the user is not there any more
        if last is not None and abs(last[1][0] - latitude) < self._near and abs(last[1][1] - longitude) < self._near:
            self._last[user] = (when, last[1])
            return None
        spot = _spot(location)
        self._last[user] = (when, spot)
        return self._jump(user, last, spot, when) if last is not None else None

    def _jump(self, user: Any, last: _Last, spot: Spot, when: float) -> dict[str, int] | None:
        seconds = max(abs(when - last[0]), _MIN_S)
        km = distance_km(last[1], spot) - last[1].radius - spot.radius
        kmh = km / (seconds / 3600)
        if km <= self._min_km or kmh <= self._max_kmh or seconds > self._within:
            return None
        return None if self._is_told(user, last[1], spot, when) else {"km": round(km), "kmh": round(kmh)}

    def _is_told(self, user: Any, one: Spot, other: Spot, when: float) -> bool:
        """Tell whether the two places were told of this user; note that they occurred."""
        told = self._told.get(user) or ()
        recent = [pair for pair in told if abs(when - pair[0]) <= TOLD_S]
        others = [pair for pair in recent if not self._same(pair, one, other)]
        known = len(others) < len(recent)
        self._told[user] = (*others, (when, one, other))[-MAX_TOLD:]
        return known

    def _same(self, pair: tuple[float, Spot, Spot], one: Spot, other: Spot) -> bool:
        _, first, second = pair
        return (self._one_place(first, one) and self._one_place(second, other)) or (
            self._one_place(first, other) and self._one_place(second, one)
        )

    def _one_place(self, one: Spot, other: Spot) -> bool:
        return distance_km(one, other) - one.radius - other.radius <= self._min_km


def _is_degrees(value: Any, most: float) -> bool:
    return (type(value) is float or type(value) is int) and -most <= value <= most


def _spot(location: Mapping[str, Any]) -> Spot:
    radius: Any = location.get("accuracy_radius_km")
    known = type(radius) is int or type(radius) is float
    return Spot(location["latitude"], location["longitude"], radius if known and radius > 0 else 0.0)


def distance_km(one: Spot, other: Spot) -> float:
    """Return the great circle between two places, by the haversine formula."""
    latitude, latitude2 = math.radians(one.latitude), math.radians(other.latitude)
    across = math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    down = math.sin((latitude2 - latitude) / 2) ** 2
    share = down + math.cos(latitude) * math.cos(latitude2) * across
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(share)))
