"""The risk score: what raises it, what does not, and the login model behind it."""

from __future__ import annotations

import copy
import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.enrichment import _failures, _freeman, _incidents, risk
from seclog_handlers.enrichment._freeman import LoginModel
from seclog_handlers.enrichment.agents import SCANNERS, describe, scanner
from seclog_handlers.enrichment.risk import RiskModel, risk_level, unfamiliar_points

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
T0 = 1_800_000_000.0


def login(
    success: bool = True, user: str = "usr_k1_bob", address: str = "203.0.113.5", country: str = "DE", **more
) -> dict:
    place = {"country": country, "asn": 64500} if country else {"scope": "private"}
    return {
        "username": user,
        "ip_address": address,
        "success": success,
        "user_agent": CHROME,
        "geo_location": place,
        **more,
    }


def names(factors: list) -> set[str]:
    return {factor["name"] for factor in factors}


class TestScore:
    def test_the_first_login_is_no_risk(self):
        """Nothing is known yet: no points, no factors."""
        assert RiskModel().score(login(), T0) == (0, [])

    def test_an_ordinary_user_stays_low(self):
        """The same user from the same place stays in the lowest band, also after a typing error."""
        model = RiskModel()

        scores = [model.score(login(success=day % 10 != 3), T0 + day * 86400)[0] for day in range(60)]

        assert max(scores) <= 21

    def test_failures_add_up(self):
        """Each further failure of one user from one address scores higher, up to a limit."""
        model = RiskModel()

        scores = [model.score(login(False), T0 + second)[0] for second in range(20)]

        assert scores == sorted(scores)
        assert scores[0] == 2 * risk.POINTS_PER_FAILURE
        assert scores[-1] == 2 * risk.MAX_FAILURE_POINTS

    def test_failures_fade(self):
        """After an hour a failure counts half, after a day nothing."""
        model = RiskModel()
        for second in range(4):
            model.score(login(False), T0 + second)

        soon = model.score(login(None), T0 + 3600)[1]
        later = model.score(login(None), T0 + 86400)

        assert {"name": "user_failures", "points": 2 * risk.POINTS_PER_FAILURE} in soon
        assert later == (0, [])

    def test_users_and_addresses_count_apart(self):
        """Spraying shows at the address, a distributed attack at the user."""
        model = RiskModel()
        for number in range(6):
            sprayed = model.score(login(False, user=f"usr_k1_{number}"), T0)[1]
            attacked = model.score(login(False, user="usr_k1_root", address=f"198.51.100.{number}"), T0)[1]

        assert sprayed[0]["name"] == "address_failures"
        assert attacked[0]["name"] == "user_failures"

    def test_a_break_in_is_critical(self):
        """Success after many failures of one address reaches 90 and more."""
        model = RiskModel()
        model.score(login(user="usr_k1_root"), T0 - 86400)
        for second in range(147):
            model.score(login(False, user="usr_k1_root", address="198.51.100.9", country="XX"), T0 + second)

        score, factors = model.score(login(True, user="usr_k1_root", address="198.51.100.9", country="XX"), T0 + 150)

        assert score >= 90
        assert factors[0] == {"name": "success_after_failures", "points": 60}
        assert risk_level(score) == "critical"

    def test_the_first_many_failures_count_most(self):
        """A success after exactly five failures of the address is 40 points, each further failure 4 more."""
        points = []
        for failures in (4, 5, 6, 10, 30):
            model = RiskModel()
            for _ in range(failures):
                model.score(login(False), T0)
            factors = model.score(login(), T0)[1]
            points.append({factor["name"]: factor["points"] for factor in factors}.get("success_after_failures"))

        assert points == [None, 40, 44, 60, 60]

    def test_the_owner_of_an_attacked_account_scores_less(self):
        """A success from an address that did not fail is hardly the attacker's, and from a known network even less."""
        model = RiskModel()
        model.score(login(), T0 - 86400)
        for number in range(20):
            model.score(login(False, address=f"198.51.100.{number}"), T0)

        near = copy.deepcopy(model).score(login(address="203.0.113.77"), T0 + 1)
        elsewhere = {"country": "DE", "asn": 64999}
        score, factors = model.score(login(address="192.0.2.77", geo_location=elsewhere), T0 + 1)

        assert {"name": "success_after_failures", "points": 15} in factors
        assert {"name": "user_failures", "points": 12} in factors
        assert score <= 47
        assert near[0] <= 21

    def test_who_comes_as_always_is_not_blamed_for_others(self):
        """From an address that the user knows and that did not fail, an attack on the account is no risk."""
        model = RiskModel()
        model.score(login(), T0 - 86400)
        for number in range(20):
            model.score(login(False, address=f"198.51.100.{number}"), T0)

        assert model.score(login(), T0 + 1) == (0, [])

    def test_a_success_clears_the_user(self):
        """After a success the user starts anew; the address only half."""
        model = RiskModel()
        for second in range(4):
            model.score(login(False), T0 + second)
        model.score(login(), T0 + 5)

        _, factors = model.score(login(None), T0 + 6)

        assert {"name": "address_failures", "points": 8} in factors
        assert "user_failures" not in names(factors)

    def test_a_new_country_counts_once(self):
        """A country from which the user never logged in; after the success it is known."""
        model = RiskModel()
        model.score(login(), T0)

        first = model.score(login(country="FR", address="198.51.100.1"), T0 + 1)[1]
        second = model.score(login(country="FR", address="198.51.100.1"), T0 + 2)[1]

        assert {"name": "new_country", "points": 25} in first
        assert "new_country" not in names(second)

    def test_failures_teach_nothing(self):
        """An attacker's country does not become known by failing from it."""
        model = RiskModel()
        model.score(login(), T0)
        model.score(login(False, country="XX"), T0 + 1)

        assert "new_country" in names(model.score(login(country="XX"), T0 + 2)[1])

    def test_a_new_network_counts(self):
        """A network from which the user never logged in, in a known country."""
        model = RiskModel()
        model.score(login(), T0)

        event = login(address="198.51.100.1", geo_location={"country": "DE", "asn": 64999})

        assert names(model.score(event, T0 + 1)[1]) >= {"new_network"}
        assert "new_network" not in names(model.score(event, T0 + 2)[1])

    def test_a_new_device_counts_from_the_fourth_login_on(self):
        """Somebody settled comes with another browser or system; a new version of the same is none."""
        model = RiskModel()
        phone = "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0.0.0 Mobile Safari/537.36"
        early = model.score(login(), T0)[1] + model.score(login(user_agent="curl/8"), T0 + 1)[1]
        model.score(login(), T0 + 2)

        update = model.score(login(user_agent=CHROME.replace("126", "131")), T0 + 3)[1]
        other = model.score(login(user_agent=phone), T0 + 4)[1]

        assert "new_device" not in names(early)
        assert "new_device" not in names(update)
        assert {"name": "new_device", "points": 10} in other

    def test_impossible_travel_counts(self):
        """The field that RiskFilter derives from the locations."""
        event = login(impossible_travel={"km": 9000, "kmh": 9000})

        assert RiskModel().score(event, T0)[1] == [{"name": "impossible_travel", "points": 40}]

    def test_unknown_countries_are_not_new(self):
        """Private addresses have no country: neither the first login nor a later one makes it new."""
        model = RiskModel()
        model.score(login(country=""), T0)

        assert "new_country" not in names(model.score(login(), T0 + 1)[1])
        assert "new_country" not in names(model.score(login(country=""), T0 + 2)[1])

    def test_scanners_and_anonymisers(self):
        """A scanner's user agent and a known proxy have their own points."""
        event = login(False, user_agent="sqlmap/1.7", geo_location={"is_anonymous": True})

        _, factors = RiskModel().score(event, T0)

        assert factors[:2] == [{"name": "scanner_agent", "points": 30}, {"name": "anonymizer", "points": 15}]

    def test_an_unfamiliar_login(self):
        """Another address, network and device than ever before scores above the usual ones."""
        model = RiskModel()
        for second in range(10):
            model.score(login(), T0 + second)
            model.score(
                login(user="usr_k1_eve", address="198.51.100.1", user_agent="curl/8", country="FR"), T0 + second
            )

        usual = model.score(login(), T0 + 20)
        unusual = model.score(login(address="198.51.100.1", user_agent="curl/8", country="FR"), T0 + 21)

        assert usual == (0, [])
        assert {"unfamiliar_login", "new_country"} <= names(unusual[1])

    def test_events_out_of_order(self):
        """A late event neither grows old failures nor raises."""
        model = RiskModel()
        model.score(login(False), T0)

        assert model.score(login(False), T0 - 3600)[0] == 4 * risk.POINTS_PER_FAILURE

    def test_what_comes_days_late_has_faded(self):
        """Failures of last week that another process tells of now are no recent ones; of the weeks they are."""
        model = RiskModel()
        model.score(login(False, user="usr_k1_eve"), T0)
        for second in range(40):
            late = model.score(login(False, user="usr_k1_eve"), T0 - 7 * 86400 + second)[0]

        assert late == 2 * risk.POINTS_PER_FAILURE
        assert model.score(login(user="usr_k1_bob"), T0 + 1)[0] >= 90

    def test_points_explain_the_score(self):
        """The points of the factors, heaviest first, add up to the score, or to more than 100."""
        model = RiskModel()
        for second in range(30):
            score, factors = model.score(login(second == 29, user_agent="nikto"), T0 + second)

            points = [factor["points"] for factor in factors]
            assert points == sorted(points, reverse=True)
            assert score == min(100, sum(points))

    def test_memory_is_bounded(self, monkeypatch):
        """Users and addresses that an attacker makes up push each other out."""
        monkeypatch.setattr(_failures, "MAX_TRACKED", 100)
        model = RiskModel()

        for number in range(1000):
            model.score(login(False, user=f"usr_{number}", address=f"address {number}"), T0 + number)

        assert len(model._failures.users) <= 100
        assert len(model._failures.addresses) <= 100

    @given(st.lists(st.tuples(
        st.dictionaries(
            st.sampled_from(["username", "user_id", "ip_address", "success", "user_agent", "geo_location"]),
            st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=2)) | st.dictionaries(
                st.sampled_from(["country", "asn", "is_anonymous"]), st.none() | st.text(max_size=2) | st.lists(st.none())),
        ),
        st.floats(0, 4e9),
    ), max_size=12))  # fmt: skip
    def test_any_event_has_a_score(self, events):
        """Whatever the fields hold: 0 to 100, whole, and plain data."""
        model = RiskModel()

        for fields, when in events:
            score, factors = model.score(fields, when)
            assert type(score) is int
            assert 0 <= score <= 100
            assert json.dumps(factors)


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0, "low"),
        (21, "low"),
        (22, "medium"),
        (47, "medium"),
        (48, "high"),
        (73, "high"),
        (74, "critical"),
        (100, "critical"),
    ],
)
def test_levels(score, level):
    """Elastic's bands."""
    assert risk_level(score) == level


# Wiefling, Duermuth, Lo Iacono (2021), as their published code has them: address, network, country; user agent,
# browser, system, device.
ADDRESS_WEIGHTS = (0.6, 0.3, 0.1)
AGENT_WEIGHTS = (0.5386653840551359, 0.2680451498625666, 0.18818295100109536, 0.0051065150812021525)


def reference(history: list, user: str, features: tuple) -> float | None:
    """The published algorithm (Wiefling et al. 2022), written out over the whole history, without counters."""
    own = [past for who, past in history if who == user]
    everybody = [past for _, past in history]
    if not own:
        return None
    score = 1.0
    for index, weights in enumerate((ADDRESS_WEIGHTS, AGENT_WEIGHTS)):
        values = features[index]
        local = sum(
            w * sum(past[index][level] == values[level] for past in own) / len(own) for level, w in enumerate(weights)
        )
        same = [past[index] for past in everybody if past[index][0] == values[0]]
        levels = range(1, len(weights))
        unseen = 1 + sum(len({past[level] for past in same}) for level in levels)
        kinds = 1 + sum(len({past[index][level] for past in everybody}) for level in levels)
        total = len(everybody)
        if same:
            first = (
                (len(same) / len(same))
                * (1 - unseen / (len(same) + unseen))
                * (len(same) / total)
                * (1 - kinds / (total + kinds))
            )
        else:
            first = 1.0 * (1 / (total + kinds))
        overall = weights[0] * first + sum(
            weights[level] * sum(past[index][level] == values[level] for past in everybody) / total for level in levels
        )
        score *= overall / (local or overall / 4)
    return score * (1 / len({who for who, _ in history})) / (len(own) / len(everybody))


addresses = st.integers(0, 6).map(lambda n: (f"a{n}", n // 2, n // 4))
agents = st.integers(0, 6).map(lambda n: (f"u{n}", f"b{n % 3}", f"o{n % 2}", "desktop"))
moving = st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2))


def judged(model: LoginModel, user: str, features: tuple) -> float | None:
    (address, *network), (text, *device) = features
    return model.judge(user, address, tuple(network), text, tuple(device), True)[0]


def assert_equal_to_reference(logins: list) -> None:
    model, history = LoginModel(), []
    for user, features in logins:
        expected, found = reference(history, user, features), judged(model, user, features)
        assert (expected is None) == (found is None)
        assert expected is None or math.isclose(expected, found, rel_tol=1e-9)
        history.append((user, features))


class TestLoginModel:
    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.tuples(addresses | moving, agents)), max_size=25))
    def test_equals_the_published_algorithm(self, logins):
        """Counters give what the reference computes over the whole history, also for addresses that move."""
        assert_equal_to_reference(logins)

    def test_equals_it_on_a_thousand_histories(self):
        """The same on histories of people who mostly come the same way, and now and then do not."""
        chance = random.Random(5)

        for _ in range(1000):
            places = [(f"a{n}", chance.randrange(4), chance.randrange(3)) for n in range(6)]
            devices = [(f"u{n}", f"b{chance.randrange(4)}", f"o{chance.randrange(3)}", "desktop") for n in range(6)]
            people = {name: (chance.choice(places), chance.choice(devices)) for name in "abcde"}
            logins = []
            for _ in range(chance.randrange(1, 16)):
                user = chance.choice("abcde")
                usual = people[user]
                features = usual if chance.random() < 0.7 else (chance.choice(places), chance.choice(devices))
                logins.append((user, features))
            assert_equal_to_reference(logins)

    def test_memory_is_bounded(self, monkeypatch):
        """Users, values and one user's values are capped; those not used for long go."""
        for name in ("MAX_ADDRESSES", "MAX_AGENTS", "MAX_FURTHER"):
            monkeypatch.setattr(_freeman, name, 200)
        monkeypatch.setattr(_freeman, "MAX_USERS", 50)
        model = LoginModel()

        for number in range(2000):
            judged(model, f"u{number % 100}", ((f"a{number}", number, 0), (f"g{number}", 1, 2, 3)))
            judged(model, "always", ((f"b{number}", number, 0), (f"h{number}", 1, 2, 3)))

        assert 25 <= len(model._users) <= 50
        for feature in (model._places, model._agents):
            assert max(map(len, (feature._values, feature._furthers, *feature._levels))) <= 200
            assert feature.kinds == 1 + sum(map(len, feature._levels))
        assert model._users.get("always")[0] == 2000
        assert len(model._users.get("always")) <= 1 + 2 * _freeman.MAX_OWN
        assert judged(model, "always", (("new", 1, 0), ("new", 1, 2, 3))) > 0

    def test_an_address_that_moves_on_and_on(self, monkeypatch):
        """The networks that one address is remembered with are bounded."""
        monkeypatch.setattr(_freeman, "MAX_SEEN", 10)
        model = LoginModel()

        for number in range(50):
            judged(model, "bob", (("a", number, number), ("g", 1, 2, 3)))

        assert model._places._values.get("a").unseen <= 11

    @given(st.floats(0, 1e12), st.floats(0, 1e12))
    def test_more_unusual_never_scores_less(self, one, other):
        """The points are a monotone map of the model's quotient, 0 to 30."""
        low, high = sorted((one, other))

        assert 0 <= unfamiliar_points(low) <= unfamiliar_points(high) <= 30


class TestOpenIncidents:
    def alert(self, state: str = "open", incident: str = "i1", **group: str) -> dict:
        return {
            "incident_id": incident,
            "incident_state": state,
            "group": {key.replace("__", "/"): value for key, value in group.items()},
        }

    @pytest.mark.parametrize(
        ("group", "points"),
        [
            ({"ip_address": "203.0.113.5"}, 20),
            ({"ip_address__24": "203.0.113.0/24"}, 15),
            ({"username": "usr_k1_bob"}, 10),
            ({"user_id": "usr_k1_bob"}, 10),
            ({"ip_address": "203.0.113.5", "endpoint": "/login"}, 20),
            ({"ip_address": "203.0.113.6"}, None),
            ({"ip_address__24": "198.51.100.0/24"}, None),
            ({"ip_address__24": "ip_k1_0f"}, None),
            ({"endpoint": "/login"}, None),
        ],
    )
    def test_raise_the_score_while_they_are_open(self, group, points):
        """An open incident on the address, its network or the user counts until it is resolved."""
        model = RiskModel()
        model.note(self.alert(**group))

        during = model.score(login(None), T0)[1]
        model.note(self.alert("update", **group))
        model.note(self.alert("resolve", **group))
        after = model.score(login(None), T0 + 1)

        assert during == ([{"name": "open_incident", "points": points}] if points else [])
        assert after == (0, [])

    def test_two_incidents_about_one_address(self):
        """The end of one does not end the other."""
        model = RiskModel()
        model.note(self.alert(incident="i1", ip_address="203.0.113.5"))
        model.note(self.alert(incident="i2", ip_address="203.0.113.5"))
        model.note(self.alert("resolve", incident="i1", ip_address="203.0.113.5"))

        assert names(model.score(login(None), T0)[1]) == {"open_incident"}

    def test_ipv6_networks(self):
        """A /64 is compared as a number, too."""
        model = RiskModel()
        model.note(self.alert(ip_address__64="2001:db8:1:2::/64"))

        assert names(model.score(login(None, address="2001:db8:1:2::99"), T0)[1]) == {"open_incident"}
        assert model.score(login(None, address="2001:db8:1:3::99"), T0) == (0, [])

    def test_the_attacked_user_at_home_is_no_risk(self):
        """An incident on the user says nothing about an address that the user knows."""
        model = RiskModel()
        model.score(login(), T0)
        model.note(self.alert(username="usr_k1_bob"))

        assert model.score(login(), T0 + 1) == (0, [])

    def test_are_bounded(self, monkeypatch):
        """Alerts that are never resolved push each other out."""
        monkeypatch.setattr(_incidents, "MAX_OPEN", 10)
        open_ones = _incidents.OpenIncidents()

        for number in range(100):
            open_ones.note(self.alert(incident=f"i{number}", ip_address=f"10.0.0.{number}"))

        assert len(open_ones._open) == len(open_ones.subjects) == 10

    @pytest.mark.parametrize("alert", [{}, {"incident_id": 1, "group": {}}, {"incident_id": "i", "group": None},
                                       {"incident_id": "i", "group": {1: 2}, "incident_state": []}])  # fmt: skip
    def test_what_is_no_alert_is_no_incident(self, alert):
        """Anything may be handed over."""
        open_ones = _incidents.OpenIncidents()
        open_ones.note(alert)

        assert not open_ones


class TestAgents:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (CHROME, ("Chrome 126", "Windows 10", "desktop")),
            (CHROME + " Edg/126.0.0.0", ("Edge 126", "Windows 10", "desktop")),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
                ("Firefox 127", "Linux", "desktop"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Version/17.5 Mobile/15E148 Safari/604.1",
                ("Safari 17", "iOS 17", "mobile"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
                ("Safari 17", "macOS 10", "desktop"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0.0.0 Mobile Safari/537.36",
                ("Chrome 126", "Android 14", "mobile"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X910) SamsungBrowser/25.0 Chrome/121.0",
                ("Samsung Internet 25", "Android 14", "tablet"),
            ),
            ("curl/8.5.0", ("curl 8", "other", "other")),
            ("python-requests/2.32", ("python-requests 2", "other", "other")),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://x)", ("Mozilla 5", "other", "bot")),
            ("", ("other", "other", "other")),
            ("\x00\ud800", ("other", "other", "other")),
        ],
    )
    def test_describes_the_common_ones(self, text, expected):
        """Browser, system and device of the agents that logs are full of."""
        assert describe(text) == expected

    @pytest.mark.parametrize("name", SCANNERS)
    def test_names_scanners(self, name):
        """A scanner's name anywhere in the agent, in any case."""
        assert scanner(f"Mozilla/5.0 ({name.upper()} 1.0)") in SCANNERS

    @pytest.mark.parametrize("text", [CHROME, "", "curl/8", "Mozilla/5.0 (compatible; bingbot/2.0)"])
    def test_ordinary_agents_are_no_scanners(self, text):
        """Browsers, tools and search engines are none."""
        assert scanner(text) is None

    @given(st.text())
    def test_any_text(self, text):
        """Whatever a client sends as its agent."""
        assert all(describe(text))
