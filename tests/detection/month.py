"""A likeness of a month of an exposed SSH host, and what the built-in pack makes of it.

The log itself is not in the repository. What is known of it: 24 days; 150 addresses, the operator's among them; 1,184 failures, 147 of them by the
address that breaks in at last; an operator with 174 logins and 13 scattered failures; fail2ban's rule alone opens 51
incidents and finds 34 % of the addresses and 54 % of the failures. The rest are slow guessers, networks whose hosts take
turns, botnets that try one account once per address, and lone tries. The operator's account is the one that strangers
try most: that is the hard case.

Run it: python -m tests.detection.month [--seeds 6] [--lines FILE]
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from seclog_handlers.detection import Detector
from seclog_handlers.detection.fields import network
from tests.detection.support import BRUTE, state_key

START = 1_770_000_000
DAY = 86_400
DAYS = 24
FAILURES = 1184

OPERATOR = "root"
HOMES = ("203.0.113.5", "203.0.113.90", "198.18.4.7")
BURGLAR = "192.0.2.77"
VICTIM = "backup"
NAMES = ("root", "root", "root", "admin", "test", "oracle", "postgres", "ubuntu", "git", "nagios", "user", "ftp")
# Addresses that are no burst, slow guesser, network or botnet, and the tries that are left for them.
LONE = 42

Event = dict[str, Any]
CREDENTIAL_SUCCESS = ("success_after_failures", "success_during_attack")


class Month:
    """The events of one such month, in the order of their times.

    Args:
        seed: Of what is left to chance; equal seeds give equal months.

    Attributes:
        events: (seconds since the epoch, event).
        break_in: When the burglar gets in.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.break_in = 0.0
        found = [
            *self._operator(),
            *self._burglar(),
            *self._bursts(),
            *self._slow(),
            *self._networks(),
            *self._botnets(),
        ]
        left = FAILURES - sum(not event["success"] for _, event in found)
        found += self._lone(left)
        self.events = sorted(((round(when, 3), event) for when, event in found), key=lambda pair: pair[0])

    def _event(self, user: str, address: str, *, success: bool = False) -> Event:
        return {"event_type": "authentication", "username": user, "ip_address": address, "success": success}

    def _address(self) -> str:
        chance = self.chance
        return f"{chance.randrange(1, 126)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"

    def _moment(self, until: float = DAYS - 1.0) -> float:
        return START + self.chance.uniform(1, until) * DAY

    def _operator(self) -> Iterator[tuple[float, Event]]:
        """174 logins in working hours from a few usual addresses, nine of them after a typing error or two."""
        chance = self.chance
        mistyped = dict(zip(chance.sample(range(174), 9), [2, 2, 2, 2, 1, 1, 1, 1, 1], strict=True))
        for number in range(174):
            when = START + number * DAYS // 174 * DAY + chance.uniform(7, 18) * 3600
            address = HOMES[number] if number < len(HOMES) else chance.choice((HOMES[0], *HOMES))
            for error in range(mistyped.get(number, 0)):
                yield when - 6 - 5 * error, self._event(OPERATOR, address)
            yield when, self._event(OPERATOR, address, success=True)

    def _burglar(self) -> Iterator[tuple[float, Event]]:
        begin, gap = START + self.chance.uniform(8, 12) * DAY, self.chance.choice([3, 4, 8, 20])
        for number in range(147):
            yield begin + number * gap, self._event(VICTIM, BURGLAR)
        self.break_in = round(begin + 147 * gap, 3)
        yield self.break_in, self._event(VICTIM, BURGLAR, success=True)

    def _bursts(self) -> Iterator[tuple[float, Event]]:
        """Fifty addresses that guess faster than fail2ban allows."""
        chance = self.chance
        sizes = [*(size for size in (6, 8, 10, 12, 15, 20, 25) for _ in range(7)), 20]
        chance.shuffle(sizes)
        for size in sizes:
            address, begin = self._address(), self._moment()
            # Most try one account with a list of passwords, some a few accounts, a few a list of accounts.
            gap, names = chance.choice([2, 3, 10, 40, 100]), chance.choice([(), (), (), NAMES[:5], NAMES])
            names = names or (chance.choice(NAMES),)
            for number in range(size):
                yield begin + number * gap, self._event(chance.choice(names), address)

    def _slow(self) -> Iterator[tuple[float, Event]]:
        """Six that stay under fail2ban's window, but not for a day."""
        chance = self.chance
        for _ in range(6):
            address, when = self._address(), self._moment(DAYS - 2.0)
            for _ in range(14):
                yield when, self._event(chance.choice(NAMES), address)
                when += chance.uniform(700, 2400)

    def _networks(self) -> Iterator[tuple[float, Event]]:
        """Six networks of which four hosts take turns."""
        chance = self.chance
        for _ in range(6):
            prefix, when = self._address().rpartition(".")[0], self._moment(DAYS - 2.0)
            for turn in range(12):
                yield when, self._event(chance.choice(NAMES), f"{prefix}.{10 + turn % 4}")
                when += chance.uniform(200, 3000)

    def _botnets(self) -> Iterator[tuple[float, Event]]:
        """26 addresses that try one account now and then, on two days."""
        chance = self.chance
        members = [self._address() for _ in range(26)]
        for day, (start, end) in zip(chance.sample(range(1, DAYS - 2), 2), ((0, 13), (13, 26)), strict=True):
            account = chance.choice(["root", "admin"])
            for address in members[start:end] * 3:
                yield START + day * DAY + chance.uniform(0, 20) * 3600, self._event(account, address)

    def _lone(self, left: int) -> Iterator[tuple[float, Event]]:
        """The others: so many tries of the rest, hours apart and on names that hardly anybody else tries."""
        chance = self.chance
        addresses = [self._address() for _ in range(LONE)]
        for number in range(left):
            address = addresses[number % LONE]
            yield self._moment(), self._event(f"{chance.choice(NAMES)}{chance.randrange(40)}", address)


class Result(NamedTuple):
    """What came of it.

    Attributes:
        incidents: How many were told.
        break_ins: Times at which a success was told as an attack's.
        operator: Those of them that name the operator or an address of his.
        addresses: Share of attacking addresses with a failure inside an incident.
        failures: Share of all failures that lie between an incident's opening and its end.
    """

    incidents: int
    break_ins: list[float]
    operator: int
    addresses: float
    failures: float


def judged(month: Month, rules: Any = None, make: Callable[..., Detector] = Detector) -> Result:
    """Return what rules make of a month; fail2ban's share of another log calibrated what `inside` means."""
    engine = make(rules, state_key=state_key)
    alerts = [alert for when, event in month.events for alert in engine.observe(event, when)]
    alerts += engine.tick(month.events[-1][0] + 30 * DAY)
    opened = [alert for alert in alerts if alert["incident_state"] == "open"]
    ends = {alert["incident_id"]: alert["created"] for alert in alerts if alert["incident_state"] == "resolve"}
    spans: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for alert in opened:
        for label, value in alert["group"].items():
            spans.setdefault((label, value), []).append((alert["created"], ends[alert["incident_id"]]))
    failures = [(when, event) for when, event in month.events if not event["success"]]
    inside = [(when, event) for when, event in failures if _is_inside(when, event, spans)]
    attackers = {event["ip_address"] for _, event in failures} - set(HOMES)
    successes = [alert for alert in opened if alert["rule"] in CREDENTIAL_SUCCESS]
    return Result(
        len(opened), [alert["created"] for alert in successes],
        sum(bool({OPERATOR, *HOMES} & set(alert["group"].values())) for alert in successes),
        len(attackers & {event["ip_address"] for _, event in inside}) / len(attackers), len(inside) / len(failures),
    )  # fmt: skip


def _is_inside(when: float, event: Event, spans: dict[tuple[str, str], list[tuple[float, float]]]) -> bool:
    address = event["ip_address"]
    labels = (
        ("ip_address", address), ("username", event["username"]), ("ip_address/24", network(address, 24, 4) or ""),
    )  # fmt: skip
    return any(start <= when <= end for label in labels for start, end in spans.get(label, ()))


def lines(month: Month) -> Iterator[str]:
    """Yield the month as lines that `seclog replay` reads."""
    for when, event in month.events:
        moment = datetime.fromtimestamp(when).astimezone().isoformat(timespec="milliseconds")
        yield json.dumps({"timestamp": moment, "level": "INFO", "logger": "sshd", "message": "login", **event})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--lines", help="write the month of the first seed into this file, for `seclog replay`")
    arguments = parser.parse_args()
    if arguments.lines:
        with open(arguments.lines, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines(Month(0)))
    for seed in range(arguments.seeds):
        month = Month(seed)
        for name, rules in (("fail2ban", [{**BRUTE, "resolve_after": 600}]), ("the pack", None)):
            found = judged(month, rules)
            print(
                f"seed {seed} {name}: {found.incidents:3} incidents, {found.addresses:4.0%} of addresses, "
                f"{found.failures:4.0%} of failures, successes told {len(found.break_ins)} "
                f"(at the break-in {found.break_ins.count(month.break_in)}, the operator's {found.operator})",
            )


if __name__ == "__main__":
    main()
