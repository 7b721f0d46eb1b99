"""Impossible travel: what is told, what is not, and how often."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.enrichment import travel
from seclog_handlers.enrichment.travel import Journeys, Spot, distance_km

T0 = 1_800_000_000.0
HOUR = 3600.0
BERLIN, PARIS, SYDNEY, POTSDAM = (52.52, 13.405), (48.857, 2.352), (-33.869, 151.209), (52.39, 13.06)


def at(place: tuple[float, float], radius: float | None = None) -> dict:
    location = {"country": "XX", "latitude": place[0], "longitude": place[1]}
    return location if radius is None else {**location, "accuracy_radius_km": radius}


class TestDistance:
    @pytest.mark.parametrize(
        ("one", "other", "km"),
        [
            (BERLIN, PARIS, 878),
            (BERLIN, SYDNEY, 16_096),
            (BERLIN, BERLIN, 0),
            ((0, 179.5), (0, -179.5), 111),
            ((90, 0), (-90, 0), 20_015),
        ],
    )
    def test_is_the_great_circle(self, one, other, km):
        """Known distances, also over the date line and from pole to pole."""
        assert distance_km(Spot(*one, 0), Spot(*other, 0)) == pytest.approx(km, rel=0.005, abs=0.01)


class TestJourneys:
    def test_a_first_login_is_no_journey(self):
        """There is nothing to come from."""
        assert Journeys().arrive("bob", at(BERLIN), T0) is None

    def test_too_fast_is_told(self):
        """Berlin to Sydney in an hour: distance and speed are named."""
        journeys = Journeys()
        journeys.arrive("bob", at(BERLIN), T0)

        assert journeys.arrive("bob", at(SYDNEY), T0 + HOUR) == {"km": 16095, "kmh": 16095}

    @pytest.mark.parametrize(("hours", "told"), [(1.0, True), (1.08, True), (1.1, False), (23, False)])
    def test_an_airliner_is_no_alarm(self, hours, told):
        """Berlin to Paris, 878 km: below 805 km/h nothing is told."""
        journeys = Journeys()
        journeys.arrive("bob", at(BERLIN), T0)

        assert (journeys.arrive("bob", at(PARIS), T0 + hours * HOUR) is not None) == told

    def test_both_radii_are_taken_off(self):
        """A location known to within 400 km on both sides may be 78 km away."""
        journeys = Journeys()
        journeys.arrive("bob", at(BERLIN, 400), T0)
        journeys.arrive("eve", at(BERLIN, 100), T0)

        assert journeys.arrive("bob", at(PARIS, 400), T0 + 60) is None
        assert journeys.arrive("eve", at(PARIS, 100), T0 + 60)["km"] == 677

    def test_near_places_are_one(self):
        """Within 100 km nothing is told, however fast."""
        journeys = Journeys()
        journeys.arrive("bob", at(BERLIN), T0)

        assert journeys.arrive("bob", at(POTSDAM), T0) is None

    def test_two_logins_at_once(self):
        """The same second on two continents has a speed, not a division by zero."""
        journeys = Journeys()
        journeys.arrive("bob", at(BERLIN), T0)

        assert journeys.arrive("bob", at(SYDNEY), T0)["kmh"] == pytest.approx(16_094 * 3600, rel=0.01)

    def test_nothing_follows_after_a_day(self):
        """Logins more than 24 hours apart are not compared, even for a place that nobody reaches in that time."""
        slow = Journeys(max_kmh=100)
        slow.arrive("bob", at(BERLIN), T0)

        assert slow.arrive("bob", at(SYDNEY), T0 + 25 * HOUR) is None

    def test_users_are_apart(self):
        """One user's journey is nobody else's."""
        journeys = Journeys()
        journeys.arrive("bob", at(BERLIN), T0)

        assert journeys.arrive("eve", at(SYDNEY), T0 + 60) is None

    def test_a_vpn_that_flips_is_told_once(self):
        """Home and VPN by turns, a little jitter included: one alarm, not one a login."""
        journeys = Journeys()
        told = []
        for number in range(200):
            place = (BERLIN, SYDNEY)[number % 2]
            jitter = (number % 7) / 20
            told.append(journeys.arrive("bob", at((place[0] + jitter, place[1])), T0 + number * HOUR))

        assert [number for number, journey in enumerate(told) if journey] == [1]

    def test_another_place_is_told_though_a_vpn_flips(self):
        """A known pair of places hides no third one."""
        journeys = Journeys()
        for number in range(10):
            journeys.arrive("bob", at((BERLIN, SYDNEY)[number % 2]), T0 + number * HOUR)

        assert journeys.arrive("bob", at((35.68, 139.69)), T0 + 10 * HOUR) is not None

    def test_a_pair_is_told_again_after_a_week(self):
        """What did not happen for a week is news."""
        journeys = Journeys()
        for place in (BERLIN, SYDNEY):
            journeys.arrive("bob", at(place), T0)

        again = T0 + travel.TOLD_S + 3 * HOUR
        journeys.arrive("bob", at(BERLIN), again)

        assert journeys.arrive("bob", at(SYDNEY), again + HOUR) is not None

    def test_a_late_event_does_not_move_the_user(self):
        """An event out of order is judged, and the user stays where the latest one was."""
        journeys = Journeys()
        journeys.arrive("bob", at(BERLIN), T0)

        assert journeys.arrive("bob", at(SYDNEY), T0 - HOUR) is not None
        assert journeys.arrive("bob", at(BERLIN), T0 + HOUR) is None

    @pytest.mark.parametrize(
        "location",
        [{}, {"scope": "private"}, {"latitude": 1.0}, at((91, 0)), at((0, 181)), at((math.nan, 0)), {"latitude": "52", "longitude": "13"},
         {"latitude": True, "longitude": True}],
    )  # fmt: skip
    def test_without_coordinates_nothing_follows(self, location):
        """An address without a place neither tells nor forgets anything."""
        journeys = Journeys()
        journeys.arrive("bob", at(BERLIN), T0)

        assert journeys.arrive("bob", location, T0 + 60) is None
        assert journeys.arrive("bob", at(SYDNEY), T0 + 120) is not None

    @pytest.mark.parametrize("radius", ["10", None, -5, math.nan, []])
    def test_odd_radii_are_none(self, radius):
        """A radius that is no number counts as 0."""
        journeys = Journeys()
        journeys.arrive("bob", {**at(BERLIN), "accuracy_radius_km": radius}, T0)

        assert journeys.arrive("bob", at(SYDNEY), T0 + 60) is not None

    def test_memory_is_bounded(self, monkeypatch):
        """Users push each other out; one user's told pairs do, too."""
        monkeypatch.setattr(travel, "MAX_USERS", 100)
        journeys = Journeys()
        for number in range(1000):
            journeys.arrive(f"u{number}", at(BERLIN), T0)
        for number in range(100):
            journeys.arrive("bob", at((-60.0 + number, (number * 37) % 180 - 0.5)), T0 + number)

        assert len(journeys._last) <= 100
        assert len(journeys._told.get("bob")) <= travel.MAX_TOLD

    @given(
        st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 5000), st.floats(0, 2e5)), max_size=8)
    )
    def test_any_journey_is_told_in_plain_numbers(self, stops):
        """Whatever the places and times: None, or a distance above 100 km and a speed above 805 km/h."""
        journeys = Journeys()

        for latitude, longitude, radius, when in stops:
            told = journeys.arrive("bob", at((latitude, longitude), radius), T0 + when)
            assert told is None or (100 <= told["km"] <= 20_016 and told["kmh"] >= 805 and type(told["km"]) is int)
