"""What to tell of one rule, and when: Alertmanager's timers. Pure: time is a number passed in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from seclog_handlers.handlers.alerts.content import decoded, rank
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


@dataclass(eq=False, slots=True)
class Pending:
    """An alert that some channel has yet to receive.

    Attributes:
        ref: (file, offset) of its line; unique.
        at: Wall time of the log call, seconds.
        alert: What grouping needs of it.
        left: Names of the channels that have yet to receive it.
        dead: Whether a channel has given it up.
        since: When it came, on the clock that the timers use.
        text: Its line, which has all of it.
    """

    ref: tuple[str, int]
    at: float
    alert: dict[str, Any]
    left: frozenset[str] = frozenset()
    dead: bool = False
    since: float = 0.0
    text: bytes = b""

    @property
    def content(self) -> dict[str, Any]:
        """All that is to be told."""
        content = decoded(self.text)
        return self.alert if content is None else content[1]


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
    """The incidents of one rule on one channel.

    Args:
        limit: Incidents in one notification.
        mutes: Whether another incident speaks for this one.
        patience: Seconds that the end of an incident waits for a notification to ride along with.
    """

    def __init__(self, limit: int, mutes: Callable[[dict[str, Any]], bool], patience: float = 0.0) -> None:
        self.limit = limit
        self._mutes = mutes
        self._patience = patience
        self.single = limit == 1  # the receiver keeps incidents itself: each change is told, nothing repeated
        self.waiting: dict[str, list[Pending]] = {}
        self.backlog: OrderedDict[str, list[Pending]] = OrderedDict()  # looked at when there is room among the waiting
        self.firing: dict[str, tuple[dict[str, Any], float]] = {}  # as last told, and the time of its last news
        self.since: float | None = None  # the oldest thing worth telling
        self._ending: dict[str, float] = {}  # incidents whose end waits to ride along, and since when
        self._hurried: set[str] = set()  # incidents whose end does not
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
            self._rides_along(pending)

    def _rides_along(self, pending: Pending) -> None:
        if self._patience and is_over(pending) and pending.alert["incident_id"] not in self._hurried:
            self._ending.setdefault(pending.alert["incident_id"], pending.since)

    def _is_news(self, alert: dict[str, Any]) -> bool:
        known = self.firing.get(alert["incident_id"])
        if known is None:
            return not self._mutes(alert)
        if self.single:
            return True
        if alert["incident_state"] == "resolve":
            return not self._patience or alert["incident_id"] in self._hurried
        told = known[0]
        return rank(alert["severity"]) > rank(told["severity"]) or _number(alert) >= GROWTH * _number(told) > 0

    def due(self, timers: Timers) -> float | None:
        """Return when to tell next, or None if there is nothing to tell."""
        times = [self._news_due(self.since, timers)] if self.since is not None else []
        if self._ending:
            times.append(min(self._ending.values()) + self._patience)
        goes_on = len(self.firing) > len(self._ending)
        if self.since is None and goes_on and self.flushed is not None and not self.single:
            times.append(self.flushed + timers.repeat_interval)
        return min(times, default=None)

    def _news_due(self, since: float, timers: Timers) -> float:
        if self.hurry or self.again:
            return since
        first = since + timers.group_wait
        if self.firing and self.flushed is not None:
            return max(first, self.flushed + timers.group_interval)
        return first

    @property
    def has_to_tell(self) -> bool:
        """Whether something waits that shall be told before the process ends."""
        return self.since is not None or bool(self._ending)

    def compose(self, room: int) -> tuple[list[dict[str, Any]], list[Pending], bool]:
        """Return at most `room` alerts to show, those this settles, and whether more should follow at once."""
        shown: list[dict[str, Any]] = []
        covered: list[Pending] = []
        more = False
        audible = [queue for identity, queue in self.waiting.items() if not self.is_muted(identity)]
        ordered = sorted(audible, key=self._urgency)
        for queue in ordered[:room]:
            part = self._next_state(queue)
            shown.append(_shown(part[-1]))
            covered += part
            more |= len(part) < len(queue)
        return shown, covered, more or len(ordered) > room

    def going_on(self, now: float, shown: list[dict[str, Any]], room: int) -> list[dict[str, Any]]:
        """Return what people know of and is not among what a notification shows anyway."""
        self._forget(now)
        told = {alert["incident_id"] for alert in shown}
        others = (alert for identity, (alert, _) in self.firing.items() if identity not in told)
        return [] if self.single else list(islice(others, room))

    def _urgency(self, queue: list[Pending]) -> tuple[bool, int]:
        """Sort news before what only rides along, the severe before the less severe."""
        news = any(self._is_news(one.alert) for one in queue)
        return not news, -max(rank(one.alert["severity"]) for one in queue)

    def is_muted(self, identity: str) -> bool:
        """Whether nobody has heard of a waiting incident, and another incident speaks for it."""
        return identity not in self.firing and self._mutes(self.waiting[identity][0].alert)

    def effects(self, cause: dict[str, Any]) -> list[list[Pending]]:
        """Return the alerts of each incident that nobody has heard of and `cause` speaks for."""
        queues = [queue for identity, queue in self.waiting.items() if identity not in self.firing]
        return [queue for queue in queues if concerns(cause["group"], queue[0].alert["group"])]

    def hasten(self, identity: str) -> None:
        """Tell the end of an incident as if it were an opening."""
        self._hurried.add(identity)

    def _next_state(self, queue: list[Pending]) -> list[Pending]:
        """Return the alerts of one incident that its next telling covers: its opening is told before its end."""
        over = next((index for index, one in enumerate(queue) if is_over(one)), None)
        if over is None:
            return list(queue)
        unheard = queue[0].alert["incident_id"] not in self.firing and queue[0].alert["incident_state"] == "open"
        return queue[:over] if unheard and over else queue[: over + 1]

    def _forget(self, now: float) -> None:
        if now - self._forgot < _MINUTE:
            return
        self._forgot = now
        for identity, (_, news) in list(self.firing.items()):
            if now - news > FORGET_AFTER and identity not in self._ending:
                del self.firing[identity]

    def told(self, alerts: list[dict[str, Any]], now: float, *, more: bool) -> None:
        """Take note that people have been told of incidents of this rule."""
        if self.since is not None or any(alert["status"] == "firing" for alert in alerts):
            self.flushed = now
        for alert in alerts:
            identity = alert["incident_id"]
            if alert["status"] == "resolved":
                self.firing.pop(identity, None)
                self._hurried.discard(identity)
            else:
                self.firing[identity] = (alert, self.firing.get(identity, (alert, now))[1])
        while len(self.firing) > KNOWN:
            del self.firing[next(iter(self.firing))]
        self.again = more

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
        self._ending.clear()
        for identity in self.waiting.keys() & self.firing.keys():
            self._rides_along(self.waiting[identity][-1])
        news = [one for queue in self.waiting.values() for one in queue if self._is_news(one.alert)]
        while self.backlog and len(news) < IN_VIEW:
            identity, queue = self.backlog.popitem(last=False)
            self.waiting[identity] = queue
            news += [one for one in queue if self._is_news(one.alert)]
        self._news = len(news)
        self.since = min((one.since for one in news), default=None)
        self.hurry = any(map(_is_critical, news))


def _is_critical(pending: Pending) -> bool:
    return rank(pending.alert["severity"]) == _CRITICAL and not is_over(pending)


def is_over(pending: Pending) -> bool:
    """Whether an alert is the end of its incident."""
    return bool(pending.alert["incident_state"] == "resolve")


def _shown(pending: Pending) -> dict[str, Any]:
    return {**pending.content, "status": "resolved" if is_over(pending) else "firing"}


def _number(alert: dict[str, Any]) -> float:
    count = alert.get("count")
    return float(count) if type(count) in (int, float) and count is not None else 0.0
