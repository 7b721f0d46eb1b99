"""GeoIPFilter and RiskFilter: what the engines find, on the record."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from seclog_handlers import ConfigurationError, GeoIPFilter, RiskFilter
from seclog_handlers._record import derive, mark_of
from seclog_handlers.policy import Policy
from tests.support import KEY, record, secured

T0 = 1_800_000_000.0
BERLIN = {"country": "DE", "latitude": 52.52, "longitude": 13.405, "accuracy_radius_km": 10}
SYDNEY = {"country": "AU", "latitude": -33.869, "longitude": 151.209, "accuracy_radius_km": 10}


def login(when: float = T0, location: dict | None = None, **more: object) -> logging.LogRecord:
    fields = {
        "event_type": "authentication",
        "username": "usr_k1_bob",
        "ip_address": "203.0.113.5",
        "success": True,
        **more,
    }
    if location is not None:
        fields["geo_location"] = location
    made = record("login", **fields)
    made.created = when
    return made


def scored(stage: RiskFilter, made: logging.LogRecord) -> logging.LogRecord:
    stage.filter(made)
    return made


def database(path: Path) -> str:
    writer = MMDBWriter(4, "Test", languages=["en"], description="test")
    for network, place in (("203.0.113.0/24", BERLIN), ("198.51.100.0/24", SYDNEY)):
        writer.insert_network(IPSet([network]), {**place, "asn": 64500})
    writer.to_db_file(str(path))
    return str(path)


class TestRiskFilter:
    def test_adds_score_level_and_factors(self):
        """The three fields that every authentication event gets."""
        made = scored(RiskFilter(), login(success=False, user_agent="sqlmap/1.7"))

        assert (made.risk_score, made.risk_level) == (38, "medium")
        assert [factor["name"] for factor in made.risk_factors] == [
            "scanner_agent",
            "user_failures",
            "address_failures",
        ]

    @pytest.mark.parametrize("kind", ["authorization", "api_request", None, 5, ["authentication"]])
    def test_leaves_other_events_alone(self, kind):
        """Only authentication is scored."""
        assert not hasattr(scored(RiskFilter(), login(event_type=kind)), "risk_score")

    def test_scores_an_event_once(self):
        """A second pass counts no second failure."""
        stage, made = RiskFilter(), login(success=False)

        stage.filter(made)
        stage.filter(made)

        assert made.risk_score == 8

    def test_cannot_be_spoofed(self):
        """An application's own values move to extra.<name>, also that of a field that is not set."""
        made = scored(RiskFilter(), login(risk_score=0, risk_level="low", risk_factors=[], impossible_travel={"km": 1}))

        assert (made.risk_score, made.__dict__["extra.risk_score"]) == (0, 0)
        assert made.__dict__["extra.impossible_travel"] == {"km": 1}
        assert not hasattr(made, "impossible_travel")

    def test_impossible_travel_is_a_field_and_a_factor(self):
        """Berlin and Sydney within an hour: {km, kmh} for rules, points for the score."""
        stage = RiskFilter()
        stage.filter(login(location=BERLIN))

        made = scored(stage, login(T0 + 3600, SYDNEY))

        assert made.impossible_travel == {"km": 16075, "kmh": 16075}
        assert "impossible_travel" in mark_of(made).derived
        assert {"name": "impossible_travel", "points": 40} in made.risk_factors

    def test_a_trusted_source_is_no_journey(self):
        """An office or VPN that the policy names neither alarms nor moves the user."""
        stage = RiskFilter()
        stage.filter(login(location=BERLIN))
        office = login(T0 + 3600, SYDNEY)
        derive(office, "trusted", {"name": "vpn", "reason": ""})

        assert not hasattr(scored(stage, office), "impossible_travel")
        assert not hasattr(scored(stage, login(T0 + 3700, BERLIN)), "impossible_travel")

    def test_an_application_cannot_call_itself_trusted(self):
        """A field `trusted` that no stage derived is believed by nobody."""
        stage = RiskFilter()
        stage.filter(login(location=BERLIN))

        assert hasattr(scored(stage, login(T0 + 3600, SYDNEY, trusted={"name": "me"})), "impossible_travel")

    def test_failures_are_no_journeys(self):
        """Whoever fails to be the user has not moved it."""
        stage = RiskFilter()
        stage.filter(login(location=BERLIN))

        assert not hasattr(scored(stage, login(T0 + 60, SYDNEY, success=False)), "impossible_travel")
        assert not hasattr(scored(stage, login(T0 + 120, BERLIN)), "impossible_travel")

    def test_limits_can_be_set(self):
        """As text, as an INI gives them; 0 hours looks for none."""
        fast, off = RiskFilter(travel_kmh="20000"), RiskFilter(travel_hours="0")
        for stage in (fast, off):
            stage.filter(login(location=BERLIN))

        assert not hasattr(scored(fast, login(T0 + 3600, SYDNEY)), "impossible_travel")
        assert not hasattr(scored(off, login(T0 + 60, SYDNEY)), "impossible_travel")

    @pytest.mark.parametrize("limits", [{"travel_kmh": 0}, {"travel_km": -1}, {"travel_hours": "soon"}])
    def test_wrong_limits_stop_the_start(self, limits):
        """A speed below 1 km/h, a negative distance, a word."""
        with pytest.raises(ConfigurationError, match=r"risk\.travel_"):
            RiskFilter(**limits)
        with pytest.raises(ConfigurationError, match=r"risk\.travel_"):
            Policy({f"risk.{name}": value for name, value in limits.items()}).stages()

    def test_takes_note_of_alerts(self):
        """An alert record of an open incident raises what comes from its address."""
        stage = RiskFilter()
        stage.note(record("alert", incident_id="i", incident_state="open", group={"ip_address": "203.0.113.5"}))

        assert scored(stage, login()).risk_factors == [{"name": "open_incident", "points": 20}]

    @pytest.mark.parametrize("created", [float("nan"), float("inf"), -float("inf"), 1e300])
    def test_a_time_that_is_none_leaves_nothing_behind(self, created):
        """Such an event is not scored, and the next one is."""
        stage, made = RiskFilter(), login(success=False)
        made.created = created
        stage.filter(made)

        assert made.seclog_error == ["RiskFilter:ValueError"]
        assert scored(stage, login(success=False)).risk_score == 8

    @pytest.mark.parametrize("created", [None, "now"])
    def test_without_a_time_it_goes_without(self, created):
        """A record whose time is no number is passed on, and says so."""
        made = login(success=False)
        made.created = created
        stage = RiskFilter()
        stage.filter(login(success=False))

        assert stage.filter(made) is True
        assert made.seclog_error == ["RiskFilter:TypeError"]


class TestGeoIPFilter:
    def test_journeys_are_found_though_addresses_are_hidden(self, tmp_path):
        """With tokens for addresses, through a whole pipeline: the location is looked up before, the rest after."""
        policy = {"pseudonyms.keys": [KEY], "geoip.database": [database(tmp_path / "db.mmdb")], "ip": "token"}
        logger, out = secured(policy)
        for address in ("203.0.113.5", "198.51.100.5"):
            event = {"event_type": "authentication", "username": "bob", "success": True, "ip_address": address}
            logger.info("login", extra=event)

        first, second = out.lines
        assert first["geo_location"]["country"] == "DE"
        assert "impossible_travel" not in first
        assert second["impossible_travel"]["km"] == 16095
        assert second["risk_level"] in ("medium", "high")
        assert "198.51.100.5" not in out.text

    def test_an_applications_own_location_moves_away(self, tmp_path):
        """geo_location is the pack's."""
        stage = GeoIPFilter(database=database(tmp_path / "db.mmdb"), keys=[KEY])
        made = record(ip_address="203.0.113.5", geo_location={"country": "XX"})

        stage.filter(made)
        stage.filter(made)

        assert made.geo_location["country"] == "DE"
        assert made.__dict__["extra.geo_location"] == {"country": "XX"}

    def test_counts_what_is_no_address(self, tmp_path):
        """A name in ip_address has no location; that it happened can be asked."""
        stage = GeoIPFilter(database=database(tmp_path / "db.mmdb"), keys=[KEY])
        made = record(ip_address="gateway")

        stage.filter(made)

        assert not hasattr(made, "geo_location")
        assert stage.not_addresses == 1
        assert GeoIPFilter(lookup=False, keys=[KEY]).not_addresses == 0
