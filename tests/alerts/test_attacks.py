"""Attacks, from the application's records to what people read: few notifications, each incident opened and closed."""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from seclog_handlers import EscalationHandler
from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.alerts.channels.channel import COMPANY
from seclog_handlers.handlers.alerts.content import alert_of, complete, rank
from seclog_handlers.handlers.alerts.groups import Pending, Timers
from seclog_handlers.handlers.alerts.lane import Lane
from tests.alerts.servers import Server, serving, until

Make = Callable[..., AlertHandler]
POLICY = {"pseudonyms.keys": ["k1:0123456789abcdef0123456789abcdef"], "geoip": "off"}
DAY = 86_400
USERS = ("root", "admin", "test", "oracle", "guest", "ubuntu", "git", "mysql")


def attempt(created: float, address: str, user: str, *, success: bool = False) -> logging.LogRecord:
    fields = {"event_type": "authentication", "success": success, "ip_address": address, "username": user}
    return logging.makeLogRecord({"name": "app", "msg": "login", "levelno": 30, "levelname": "WARNING",
                                  "created": created, **fields})  # fmt: skip


def exposed_host(days: int = 24, incidents: int = 51, over: int = 682) -> Iterator[logging.LogRecord]:
    """As many bursts beyond fail2ban's threshold as a real SSH log of 24 days had, and the noise of lone attempts."""
    generator, start, events = random.Random(7), time.time() - days * DAY, []
    sizes = [generator.choice((1, 2, 3, 5, 8, 12, 20, 30)) for _ in range(incidents)]
    for number, size in enumerate(sizes):
        when, user = start + generator.uniform(0, (days - 2) * DAY), generator.choice(USERS)
        for _ in range(4 + round(size * over / sum(sizes))):
            when += generator.uniform(2, 40)
            events.append(attempt(when, f"198.18.{number}.7", user if number % 3 else generator.choice(USERS)))
        if number == 50:
            events.append(attempt(when + 20, f"198.18.{number}.7", user, success=True))
    events += [
        attempt(start + generator.uniform(0, (days - 2) * DAY), f"198.19.{number}.9", "root") for number in range(100)
    ]
    events.append(attempt(start + (days - 1) * DAY, "192.0.2.1", "carol"))  # by then every incident is over
    yield from sorted(events, key=lambda record: record.created)


def changes(server: Server) -> dict[str, list[str]]:
    """Incident -> what was told of it, repetitions left out."""
    told: dict[str, list[str]] = {}
    for incident, status in server.incidents():
        states = told.setdefault(incident, [])
        if states[-1:] != [status]:
            states.append(status)
    return told


def test_a_log_of_many_days_is_few_notifications(handler: Make, spool: Path):
    """Hundreds of events over the threshold are at most 55 notifications, and every incident is opened and closed."""
    with serving() as server:
        alerts = handler(server.url, spool=spool, group_wait=300, group_interval=300, per_minute=1_000)
        escalation = EscalationHandler(target=alerts, policy=POLICY)
        for record in exposed_host():
            escalation.handle(record)
        escalation.close()
        alerts.close()
        stats, told = alerts.stats(), changes(server)

        assert stats["alerts"] == stats["delivered"] > 100
        assert len(told) >= 51
        assert {tuple(states) for states in told.values()} == {("firing", "resolved")}
        assert len(server.accepted) <= 55


def test_one_attack_is_opened_and_closed_once(handler: Make, spool: Path):
    """Thousands of events of one attack are an opening and an end, with nothing in between that is no news."""
    with serving() as server:
        alerts = handler(server.url, spool=spool, group_wait=0.5, group_interval=300)
        escalation = EscalationHandler(target=alerts, rules=["brute_force_ip"], policy=POLICY)
        start = time.time() - 40_000
        for number in range(5_000):
            escalation.handle(attempt(start + number * 0.05, "203.0.113.9", "bob"))
        until(lambda: server.accepted)
        escalation.handle(attempt(start + 39_000, "192.0.2.1", "carol"))
        escalation.close()
        alerts.close()

        assert [request.json()["status"] for request in server.accepted] == ["firing", "resolved"]
        assert list(changes(server).values()) == [["firing", "resolved"]]


class Alerts(logging.Handler):
    """Keeps the alerts that people are to hear of."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if rank(record.__dict__["severity"]) >= rank("HIGH"):
            self.kept.append(record)


def tell(alerts: list[logging.LogRecord], patience: float) -> list[tuple[float, list[dict[str, object]]]]:
    """Return the notifications of one channel, and when, if every alert came at its event time."""
    lane, told = Lane("people", Timers(), 200, 20, patience), []

    def until_then(moment: float) -> None:
        while (when := lane.wake_at(now)) is not None and when <= moment:
            batch = lane.next(when, when)
            if batch is not None:
                lane.arrived(batch, when)
                told.append((when, batch.alerts))

    now = alerts[0].created
    for number, record in enumerate(alerts):
        until_then(record.created)
        now = record.created
        lane.add(Pending(("f", number), now, complete(alert_of(record, "h")), frozenset({"people"}), since=now))
        until_then(now)
    until_then(now + 30 * DAY)
    return told


def test_isolated_incidents_are_hardly_more_notifications_than_incidents():
    """Told at event time, 51 incidents over weeks are at most 55 notifications, and no opening waits for another."""
    sink = Alerts()
    escalation = EscalationHandler(target=sink, rules=["brute_force_ip"], policy=POLICY)
    for record in exposed_host():
        escalation.handle(record)
    escalation.close()
    opened = {record.incident_id: record.created for record in sink.kept if record.incident_state == "open"}
    told = tell(sink.kept, COMPANY)
    states, heard = defaultdict(list), {}
    for when, alerts in told:
        for one in alerts:
            heard.setdefault(one["incident_id"], when)
            states[one["incident_id"]].append(one["status"])

    assert len(told) <= 55 < len(tell(sink.kept, 0))
    assert len(opened) == 51
    assert {tuple(dict.fromkeys(seen)) for seen in states.values()} == {("firing", "resolved")}
    assert all(seen.count("resolved") == 1 for seen in states.values())
    assert max(heard[name] - opened[name] for name in opened) <= Timers().group_wait
