"""A month of an exposed SSH host: the break-in stands out, the operator does not, however the story varies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from seclog_handlers.enrichment.risk import RiskModel

T0 = 1_800_000_000.0
DAY = 86400.0
DAYS = 24

OPERATOR = "usr_root"
HOMES = ("203.0.113.5", "203.0.113.90", "203.0.113.91")
BURGLAR = "198.51.100.7"

Event = tuple[float, dict[str, Any], str]


def ssh(success: bool, user: str, address: str, place: dict[str, Any] | None = None) -> dict[str, Any]:
    event = {"event_type": "authentication", "username": user, "ip_address": address, "success": success}
    return {**event, "geo_location": place} if place else event


class Story:
    """The log as it was, with what a test varies.

    Args:
        seed: Of what is left to chance.
        geo: Whether a database knows the addresses.
        dynamic: Whether the operator has another address each day, of one network.
        away: A day on which the operator comes through another provider, None for none.
        target: The account that is broken into.
        attempt_s: Seconds between two of the burglar's 147 failures.
        pause: Seconds between the last of them and the success.
        names: What the burglar guesses for.
    """

    def __init__(
        self,
        seed: int = 1,
        geo: bool = False,
        dynamic: bool = False,
        away: int | None = None,
        target: str = "usr_test",
        attempt_s: float = 4.0,
        pause: float = 4.0,
        names: tuple[str, ...] = ("usr_test",),
        start: float = 9 * DAY,
    ) -> None:
        self.chance = random.Random(seed)
        self.geo = geo
        self.dynamic = dynamic
        self.away = away
        self.target = target
        self.attempt_s = attempt_s
        self.pause = pause
        self.names = names
        self.start = start

    def place(self, asn: int, country: str) -> dict[str, Any] | None:
        return {"asn": asn, "country": country} if self.geo else None

    def operator(self) -> Iterator[Event]:
        """174 logins in working hours, 13 of them after a typing error or two."""
        chance = self.chance
        mistyped = set(chance.sample(range(174), 9))
        errors = iter([2, 2, 2, 2, 1, 1, 1, 1, 1])
        for number in range(174):
            day = number * DAYS // 174
            when = T0 + day * DAY + chance.uniform(7, 18) * 3600
            address, place = chance.choice(HOMES), self.place(64500, "DE")
            if self.dynamic:
                address = f"203.0.{day}.{chance.randrange(250)}"
            if self.away is not None and day == self.away:
                address, place = "192.0.2.200", self.place(64600, "DE")
            for error in range(next(errors) if number in mistyped else 0):
                yield when - 5 - 5 * error, ssh(False, OPERATOR, address, place), "typo"
            yield when, ssh(True, OPERATOR, address, place), "operator"

    def burglar(self) -> Iterator[Event]:
        place = self.place(64700, "XX")
        begin = T0 + self.start
        for number in range(147):
            name = self.target if number == 146 else self.chance.choice(self.names)
            yield begin + number * self.attempt_s, ssh(False, name, BURGLAR, place), "guess"
        when = begin + 146 * self.attempt_s + self.pause
        yield when, ssh(True, self.target, BURGLAR, place), "burglar"

    def background(self) -> Iterator[Event]:
        """1,024 failures from 149 other addresses: bursts against root and names of services, and single tries."""
        chance = self.chance
        left = 1024
        for number in range(149):
            address, place = f"192.0.2.{number}", self.place(64800 + number, "YY")
            tries = left if number == 148 else min(left, chance.choice([1, 1, 2, 3, 6, 12, 30]))
            left -= tries
            begin = T0 + chance.random() * (DAYS - 1) * DAY
            for attempt in range(tries):
                name = chance.choice([OPERATOR, OPERATOR, "usr_admin", "usr_test", "usr_oracle"])
                yield begin + attempt * chance.choice([3, 40, 600]), ssh(False, name, address, place), "guess"

    def scores(self) -> dict[str, list[int]]:
        model = RiskModel()
        found: dict[str, list[int]] = {"operator": [], "burglar": [], "typo": [], "guess": []}
        events = [*self.operator(), *self.burglar(), *self.background()]
        for when, event, who in sorted(events, key=lambda entry: entry[0]):
            found[who].append(model.score(event, when)[0])
        return found


VARIATIONS: dict[str, dict[str, Any]] = {
    "as it was": {},
    "several names": {"names": ("usr_root", "usr_test", "usr_admin")},
    "into the operator's own account": {"target": OPERATOR, "names": (OPERATOR,)},
    "with a database": {"geo": True},
    "a dynamic address": {"dynamic": True},
    "a dynamic address, with a database": {"dynamic": True, "geo": True},
    "another provider once": {"away": 12},
    "another provider once, with a database": {"away": 12, "geo": True},
    "another provider under attack": {"away": 9, "geo": True, "target": OPERATOR, "names": (OPERATOR,)},
    "one try in four minutes": {"attempt_s": 240.0},
    "one try in two hours": {"attempt_s": 7200.0},
    "an hour later": {"pause": 3600.0},
    "ten days later": {"pause": 10 * DAY},
    "on the first day": {"start": 60.0},
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_break_in_stands_out_from_the_operator(name):
    """The burglar's success scores 90 or more, each of 174 ordinary logins below 47, whatever else happens."""
    for seed in range(3):
        scores = Story(seed=seed, **VARIATIONS[name]).scores()

        assert len(scores["operator"]) == 174
        assert scores["burglar"][0] >= 90
        assert max(scores["operator"]) < 47


def test_an_office_that_mistypes_is_no_burglar():
    """Two hundred people behind one address, some new each day: typing errors, also in names that nobody has."""
    chance = random.Random(200)
    model = RiskModel()
    events: list[Event] = []
    for day in range(DAYS):
        for person in range(200):
            when = T0 + day * DAY + chance.uniform(8, 10) * 3600
            if person % 20 > day:
                continue  # comes to the office later
            if chance.random() < 0.1:
                events += [(when - 5 - n, ssh(False, f"usr_{person}", HOMES[0]), "typo") for n in range(3)]
            if chance.random() < 0.03:
                events.append((when - 40, ssh(False, f"usr_{when}", HOMES[0]), "typo"))
            events.append((when, ssh(True, f"usr_{person}", HOMES[0]), "office"))

    scores = []
    for when, event, who in sorted(events, key=lambda entry: entry[0]):
        score, _ = model.score(event, when)
        scores += [score] if who == "office" else []

    assert len(scores) > 2000
    assert max(scores) < 47
