"""What to tell of one rule, and when: Alertmanager's timers. Pure: time is a number passed in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from seclog_handlers.handlers.alerts.content import rank
from seclog_handlers.handlers.alerts.inhibition import concerns

GROWTH = 100  # an incident a hundred times as large as last told is news; other updates ride along
FORGET_AFTER = 86_400.0  # s without news, after which an open incident is not repeated any more
KNOWN = 2_000  # open incidents of a group that are remembered as told; more would cost log calls and disk
IN_VIEW = 200  # incidents of a group among which the next to be told are chosen; looking takes the log calls' time
_MINUTE = 60.0
_CRITICAL = rank("CRITICAL")


@dataclass(frozen=True)
class Timers:
    """Seconds, as Alertmanager defines them."""

    group_wait: float = 30
    group_interval: float = 300
    repeat_interval: float = 14_400


@dataclass(eq=False)
class Pending:
    """An alert that some channel has yet to receive.

    Attributes:
        ref: (file, offset) of its line; unique.
        at: Wall time of the log call, seconds.
        alert: Its content.
        left: Names of the channels that have yet to receive it.
        dead: Whether a channel has given it up.
        since: When it came, on the clock that the timers use.
    """

    ref: tuple[str, int]
    at: float
    alert: dict[str, Any]
    left: set[str] = field(default_factory=set)
    dead: bool = False
    since: float = 0.0


@dataclass(eq=False)
class Batch:
    """One notification: what it shows, and the alerts that it settles when it arrives.

    Attributes:
        key: The same for every attempt, also after a crash.
        rule: The group.
        alerts: Contents, each with `status` firing or resolved.
        covered: What is settled by its arrival.
        held_back: How many of them the cap per minute has delayed.
        more: Whether the group has more to tell at once.
        buried: How many alerts this channel never got since its last notification.
        noted: Whether the journal knows it.
    """

    key: str
    rule: str
    alerts: list[dict[str, Any]]
    covered: list[Pending]
    held_back: int = 0
    more: bool = False
    buried: int = 0
    noted: bool = False

    @property
    def status(self) -> str:
        """`resolved` when every incident shown is over, else `firing`."""
        return "resolved" if all(alert["status"] == "resolved" for alert in self.alerts) else "firing"


class Group:
    """The incidents of one rule on one channel."""

    def __init__(self, limit: int, mutes: Callable[[dict[str, Any]], bool]) -> None:
        self.limit = limit
        self._mutes = mutes
        self.single = limit == 1  # the receiver keeps incidents itself: each change is told, nothing repeated
        self.waiting: dict[str, list[Pending]] = {}
        self.backlog: OrderedDict[str, list[Pending]] = OrderedDict()  # looked at when there is room among the waiting
        self.firing: dict[str, tuple[dict[str, Any], float]] = {}  # as last told, and the time of its last news
        self.since: float | None = None  # the oldest thing worth telling
        self.flushed: float | None = None
        self.hurry = False  # something CRITICAL waits
        self.again = False  # more follows a notification that could not hold it all
        self.held_back = 0
        self._news = 0  # waiting alerts that are worth telling
        self._forgot = float("-inf")

    def add(self, pending: Pending) -> None:
        """Take in an alert; it may or may not be a reason to tell."""
        identity = pending.alert["incident_id"]
        if _is_critical(pending) and identity in self.backlog:
            self.waiting[identity] = self.backlog.pop(identity)
        if identity in self.backlog or (self._news >= IN_VIEW and identity not in self.waiting
                                        and not _is_critical(pending)):  # fmt: skip
            self.backlog.setdefault(identity, []).append(pending)
            return
        if self._is_news(pending.alert):
            self._news += 1
            self.since = pending.since if self.since is None else min(self.since, pending.since)
            self.hurry |= _is_critical(pending)
        self.waiting.setdefault(identity, []).append(pending)
        if identity in self.firing:
            self.firing[identity] = (self.firing[identity][0], pending.since)

    def _is_news(self, alert: dict[str, Any]) -> bool:
        known = self.firing.get(alert["incident_id"])
        if known is None:
            return not self._mutes(alert)
        if self.single or alert["incident_state"] == "resolve":
            return True
        told = known[0]
        return rank(alert["severity"]) > rank(told["severity"]) or _number(alert) >= GROWTH * _number(told) > 0

    def due(self, timers: Timers) -> float | None:
        """Return when to tell next, or None if there is nothing to tell."""
        repeat = None
        if self.firing and self.flushed is not None and not self.single:
            repeat = self.flushed + timers.repeat_interval
        if self.since is None:
            return repeat
        if self.hurry or self.again:
            return self.since
        first = self.since + timers.group_wait
        if self.firing and self.flushed is not None:
            return max(first, self.flushed + timers.group_interval)
        return first

    def compose(self, now: float) -> tuple[list[dict[str, Any]], list[Pending], bool]:
        """Return the alerts to show, those this settles, and whether more should follow at once."""
        shown: list[dict[str, Any]] = []
        covered: list[Pending] = []
        more = False
        audible = [queue for identity, queue in self.waiting.items() if not self.is_muted(identity)]
        ordered = sorted(audible, key=self._urgency)
        for queue in ordered[: self.limit]:
            part = self._next_state(queue)
            shown.append(_shown(part[-1]))
            covered += part
            more |= len(part) < len(queue)
        self._forget(now)
        told = {alert["incident_id"] for alert in shown}
        room = 0 if self.single else self.limit - len(shown)
        rest = islice((alert for identity, (alert, _) in self.firing.items() if identity not in told), room)
        return [*shown, *rest], covered, more or len(ordered) > self.limit

    def _urgency(self, queue: list[Pending]) -> tuple[bool, int]:
        """Sort news before what only rides along, the severe before the less severe."""
        news = any(self._is_news(one.alert) for one in queue)
        return not news, -max(rank(one.alert["severity"]) for one in queue)

    def is_muted(self, identity: str) -> bool:
        """Whether nobody has heard of a waiting incident, and another incident speaks for it."""
        return identity not in self.firing and self._mutes(self.waiting[identity][0].alert)

    def silenced(self, cause: dict[str, Any]) -> list[Pending]:
        """Return the alerts of incidents that have begun and ended while `cause` spoke for them."""
        queues = [queue for identity, queue in self.waiting.items() if identity not in self.firing]
        ended = [queue for queue in queues if _is_over(queue[-1]) and concerns(cause["group"], queue[0].alert["group"])]
        return [pending for queue in ended for pending in queue]

    def _next_state(self, queue: list[Pending]) -> list[Pending]:
        """Return the alerts of one incident that its next telling covers: its opening is told before its end."""
        over = next((index for index, one in enumerate(queue) if _is_over(one)), None)
        if over is None:
            return list(queue)
        unheard = queue[0].alert["incident_id"] not in self.firing and queue[0].alert["incident_state"] == "open"
        return queue[:over] if unheard and over else queue[: over + 1]

    def _forget(self, now: float) -> None:
        if now - self._forgot < _MINUTE:
            return
        self._forgot = now
        for identity, (_, news) in list(self.firing.items()):
            if now - news > FORGET_AFTER:
                del self.firing[identity]

    def told(self, batch: Batch, now: float) -> None:
        """Take note that a batch has arrived."""
        self.flushed = now
        for alert in batch.alerts:
            identity = alert["incident_id"]
            if alert["status"] == "resolved":
                self.firing.pop(identity, None)
            else:
                self.firing[identity] = (alert, self.firing.get(identity, (alert, now))[1])
        while len(self.firing) > KNOWN:
            del self.firing[next(iter(self.firing))]
        self.again = batch.more

    def remove(self, settled: list[Pending]) -> None:
        """Take out alerts that were told or given up, and look again whether anything is worth telling."""
        for pending in settled:
            identity = pending.alert["incident_id"]
            queues = self.backlog if identity in self.backlog else self.waiting
            left = [one for one in queues.get(identity, ()) if one is not pending]
            if left:
                queues[identity] = left
            else:
                queues.pop(identity, None)
        self.look_again()

    def look_again(self) -> None:
        """Find out anew whether anything is worth telling."""
        news = [one for queue in self.waiting.values() for one in queue if self._is_news(one.alert)]
        while self.backlog and len(news) < IN_VIEW:
            identity, queue = self.backlog.popitem(last=False)
            self.waiting[identity] = queue
            news += [one for one in queue if self._is_news(one.alert)]
        self._news = len(news)
        self.since = min((one.since for one in news), default=None)
        self.hurry = any(map(_is_critical, news))


def _is_critical(pending: Pending) -> bool:
    return rank(pending.alert["severity"]) == _CRITICAL and not _is_over(pending)


def _is_over(pending: Pending) -> bool:
    return bool(pending.alert["incident_state"] == "resolve")


def _shown(pending: Pending) -> dict[str, Any]:
    return {**pending.alert, "status": "resolved" if _is_over(pending) else "firing"}


def _number(alert: dict[str, Any]) -> float:
    count = alert.get("count")
    return float(count) if type(count) in (int, float) and count is not None else 0.0
