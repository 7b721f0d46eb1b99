"""The risk score: what raises it, what does not, and the login model behind it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.enrichment import _freeman, risk
from seclog_handlers.enrichment._freeman import ADDRESS_WEIGHTS, AGENT_WEIGHTS, LoginModel
from seclog_handlers.enrichment.agents import SCANNERS, describe, scanner
from seclog_handlers.enrichment.risk import RiskModel, risk_level

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
T0 = 1_800_000_000.0


def login(success: bool = True, user: str = "usr_k1_bob", address: str = "203.0.113.5", country: str = "DE", **more) -> dict:
    place = {"country": country, "asn": 64500} if country else {"scope": "private"}
    return {"username": user, "ip_address": address, "success": success, "user_agent": CHROME, "geo_location": place, **more}


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
        """After half an hour a failure counts half, after a day nothing."""
        model = RiskModel()
        for second in range(4):
            model.score(login(False), T0 + second)

        soon = model.score(login(None), T0 + 1800)[1]
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
        assert factors[0] == {"name": "success_after_failures", "points": 40}
        assert risk_level(score) == "critical"

    def test_the_owner_of_an_attacked_account_scores_less(self):
        """A success from an address that did not fail is not the attacker's."""
        model = RiskModel()
        for number in range(6):
            model.score(login(False, address=f"198.51.100.{number}"), T0)

        _, factors = model.score(login(address="203.0.113.77"), T0 + 1)

        assert {"name": "success_after_failures", "points": 25} in factors

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
            model.score(login(user="usr_k1_eve", address="198.51.100.1", user_agent="curl/8", country="FR"), T0 + second)

        usual = model.score(login(), T0 + 20)
        unusual = model.score(login(address="198.51.100.1", user_agent="curl/8", country="FR"), T0 + 21)

        assert usual == (0, [])
        assert {"unfamiliar_login", "new_country"} <= names(unusual[1])

    def test_events_out_of_order(self):
        """A late event neither grows old failures nor raises."""
        model = RiskModel()
        model.score(login(False), T0)

        assert model.score(login(False), T0 - 3600)[0] == 4 * risk.POINTS_PER_FAILURE

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
        monkeypatch.setattr(risk, "MAX_TRACKED", 100)
        model = RiskModel()

        for number in range(1000):
            model.score(login(False, user=f"usr_{number}", address=f"address {number}"), T0 + number)

        assert len(model._failures) == 100

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
    ("score", "level"), [(0, "low"), (21, "low"), (22, "medium"), (47, "medium"), (48, "high"), (73, "high"), (74, "critical"), (100, "critical")],
)
def test_levels(score, level):
    """Elastic's bands."""
    assert risk_level(score) == level


def reference(history: list, user: str, features: tuple) -> float | None:
    """The published algorithm (Wiefling et al. 2022), written out over the whole history, without counters."""
    own = [past for who, past in history if who == user]
    everybody = [past for _, past in history]
    if not own:
        return None
    score = 1.0
    for index, weights in enumerate((ADDRESS_WEIGHTS, AGENT_WEIGHTS)):
        values = features[index]
        local = sum(w * sum(past[index][level] == values[level] for past in own) / len(own) for level, w in enumerate(weights))
        same = [past[index] for past in everybody if past[index][0] == values[0]]
        levels = range(1, len(weights))
        unseen = 1 + sum(len({past[level] for past in same}) for level in levels)
        kinds = 1 + sum(len({past[index][level] for past in everybody}) for level in levels)
        total = len(everybody)
        if same:
            first = (len(same) / len(same)) * (1 - unseen / (len(same) + unseen)) * (len(same) / total) * (1 - kinds / (total + kinds))
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


class TestLoginModel:
    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.tuples(addresses | moving, agents)), max_size=25))
    def test_equals_the_published_algorithm(self, logins):
        """Counters give what the reference computes over the whole history, also for addresses that move."""
        model, history = LoginModel(), []

        for user, features in logins:
            expected, found = reference(history, user, features), model.score(user, features)
            assert (expected is None) == (found is None)
            assert expected is None or math.isclose(expected, found, rel_tol=1e-9)
            model.learn(user, features)
            history.append((user, features))

    def test_memory_is_bounded(self):
        """Users, values and one user's values are capped; the least lately used go."""
        model = LoginModel(max_users=50, max_values=200)

        for number in range(2000):
            model.learn(f"u{number % 100}", ((f"a{number}", number, 0), (f"g{number}", 1, 2, 3)))
            model.learn("always", ((f"b{number}", number, 0), (f"h{number}", 1, 2, 3)))

        assert len(model._users) == 50
        assert len(model._counts) == len(model._within) == 200
        assert len(model._users["always"]) <= _freeman.MAX_USER_VALUES
        assert model._users["always"][""] == 2000
        assert sum(model._kinds.values()) == 200
        assert model.score("always", (("new", 1, 0), ("new", 1, 2, 3))) > 0


class TestAgents:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (CHROME, ("Chrome 126", "Windows 10", "desktop")),
            (CHROME + " Edg/126.0.0.0", ("Edge 126", "Windows 10", "desktop")),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", ("Firefox 127", "Linux", "desktop")),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Version/17.5 Mobile/15E148 Safari/604.1",
                ("Safari 17", "iOS 17", "mobile"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
                ("Safari 17", "macOS 10", "desktop"),
            ),
            ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0.0.0 Mobile Safari/537.36", ("Chrome 126", "Android 14", "mobile")),
            ("Mozilla/5.0 (Linux; Android 14; SM-X910) SamsungBrowser/25.0 Chrome/121.0", ("Samsung Internet 25", "Android 14", "tablet")),
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
