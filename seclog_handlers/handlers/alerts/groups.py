"""When to tell: Alertmanager's timers over alerts grouped by rule. Pure: time is a number passed in."""

from __future__ import annotations

import hashlib
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from seclog_handlers.handlers.alerts.content import rank
from seclog_handlers.handlers.alerts.inhibition import Inhibitions, concerns, inhibited

GROWTH = 100  # an incident a hundred times as large as last told is news; other updates ride along
FORGET_AFTER = 86_400.0  # s without news, after which an open incident is not repeated any more
FIRST_BACKOFF = 0.5  # s, doubled with each failure in a row
LONGEST_BACKOFF = 60.0  # s, as Alertmanager's
LONGEST_RETRY_AFTER = 3_600.0  # s that a server's Retry-After is believed
CIRCUIT_FAILURES = 4  # failures in a row that open the circuit
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


class Lane:
    """One channel's groups, its circuit and its cap per minute; at most one notification is under way."""

    def __init__(self, name: str, timers: Timers, limit: int, per_minute: int) -> None:
        self.name = name
        self.groups: dict[str, Group] = {}
        self.current: Batch | None = None  # composed, not yet known to have arrived
        self.busy = False
        self.failures = 0
        self.blocked_until = float("-inf")
        self.asked_to_wait = float("-inf")
        self.told = 0
        self.buried = 0
        self._timers = timers
        self._limit = limit
        self._per_minute = per_minute
        self._sent: deque[float] = deque(maxlen=max(1, per_minute))
        self._inhibitions = Inhibitions(timers.repeat_interval)

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: the channel has failed several times in a row."""
        return self.failures >= CIRCUIT_FAILURES

    def group(self, rule: str) -> Group:
        """Return the rule's group, made now if need be."""
        group = self.groups.get(rule)
        if group is None:
            group = self.groups[rule] = Group(self._limit, self._inhibitions.mutes)
        return group

    def add(self, pending: Pending) -> None:
        """Take in an alert of this channel."""
        changed = self._inhibitions.hear(pending.alert, pending.since)
        self.group(pending.alert["rule"]).add(pending)
        self._look_again(changed)

    def restore(self, rule: str, firing: dict[str, dict[str, Any]], flushed: float) -> None:
        """Go on from what a predecessor has told of a rule."""
        group = self.group(rule)
        group.flushed = flushed
        group.firing = {identity: (alert, flushed) for identity, alert in firing.items()}
        for alert in firing.values():
            self._look_again(self._inhibitions.hear(alert, flushed))

    def _look_again(self, rules: Iterable[str]) -> None:
        for rule in rules:
            if rule in self.groups:
                self.groups[rule].look_again()

    def next(self, now: float, wall: float, *, drain: bool = False) -> Batch | None:
        """Return the notification to send now, or None.

        Args:
            now: Time on the timers' clock.
            wall: Time of day, for the key of a repetition.
            drain: The process is about to end: timers and backoff do not count any more.
        """
        if self.busy or now < self.asked_to_wait or (now < self.blocked_until and (not drain or self.is_open)):
            return None
        self._look_again(self._inhibitions.expire(now))
        if self.current is None:
            self.current = self._compose(now, wall, drain=drain)
        return self.current

    def _compose(self, now: float, wall: float, *, drain: bool) -> Batch | None:
        due = sorted(
            (when, rule)
            for rule, group in self.groups.items()
            if (when := group.due(self._timers)) is not None and (when <= now or (drain and group.since is not None))
        )
        if not due:
            return None
        if self._is_capped(now):
            for _, rule in due:
                self.groups[rule].held_back = 1
            return None
        rule = due[0][1]
        group = self.groups[rule]
        shown, covered, more = group.compose(now)
        if not shown:
            self._drop_if_empty(rule)
            return None
        covered += self._silenced(shown)
        held_back, group.held_back = (len(covered) if group.held_back else 0), 0
        return Batch(self._key(rule, covered, wall), rule, shown, covered, held_back, more, self.buried)

    def _silenced(self, shown: list[dict[str, Any]]) -> list[Pending]:
        """Return the alerts that need not be told, since those shown stand for them."""
        found = {}
        for alert in shown:
            for rule in inhibited(alert) & self.groups.keys():
                found.update({id(pending): pending for pending in self.groups[rule].silenced(alert)})
        return list(found.values())

    def _is_capped(self, now: float) -> bool:
        return len(self._sent) == self._per_minute and now - self._sent[0] < _MINUTE

    def _key(self, rule: str, covered: list[Pending], wall: float) -> str:
        refs = ";".join(f"{name}@{offset}" for name, offset in (one.ref for one in covered)) or f"repeat {wall:.3f}"
        return hashlib.sha256(f"{self.name}\n{rule}\n{refs}".encode()).hexdigest()[:32]

    def wake_at(self, now: float) -> float | None:
        """Return when `next` may have something to say, or None."""
        if self.busy:
            return None
        times = [when for group in self.groups.values() if (when := group.due(self._timers)) is not None]
        if self.current is not None:
            times.append(now)
        if not times:
            return None
        earliest = max(min(times), self.blocked_until, self.asked_to_wait)
        return max(earliest, self._sent[0] + _MINUTE) if self._is_capped(earliest) else earliest

    def arrived(self, batch: Batch, now: float) -> None:
        """Take note that a notification has arrived: the circuit closes."""
        self.current, self.failures, self.blocked_until = None, 0, float("-inf")
        self.told += 1
        self.buried -= batch.buried
        self._sent.append(now)
        group = self.group(batch.rule)
        group.limit = min(self._limit, group.limit * 2)
        group.told(batch, now)
        self._remove(batch.covered)
        over = [alert["incident_id"] for alert in batch.alerts if alert["status"] == "resolved"]
        self._look_again(self._inhibitions.end(over))
        self._drop_if_empty(batch.rule)

    def _remove(self, settled: list[Pending]) -> None:
        by_rule: dict[str, list[Pending]] = {}
        for pending in settled:
            by_rule.setdefault(pending.alert["rule"], []).append(pending)
        for rule, part in by_rule.items():
            self.group(rule).remove(part)
            self._drop_if_empty(rule)

    def failed(self, now: float, retry_after: float | None) -> None:
        """Take note of a failure: the same notification is tried again later, after a random part of the backoff."""
        self.failures += 1
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self.failures - 1, 20))
        self.blocked_until = now + backoff * random.uniform(0.5, 1)  # noqa: S311 - jitter, no secret
        if retry_after is not None:
            self.asked_to_wait = now + min(retry_after, LONGEST_RETRY_AFTER)

    def refused(self, batch: Batch) -> list[Pending]:
        """Take note that the content was refused: try it in halves; return what is refused on its own."""
        self.current, self.failures = None, 0
        group = self.group(batch.rule)
        if len(batch.alerts) > 1:
            group.limit, group.again = max(1, len(batch.alerts) // 2), True
            return []
        return [pending for pending in batch.covered if pending.alert["rule"] == batch.rule]

    def give_up(self, gone: list[Pending]) -> bool:
        """Forget alerts that will not be told; return whether the notification to be tried again went with them."""
        self._remove(gone)
        self._look_again(self._inhibitions.end(pending.alert["incident_id"] for pending in gone))
        dropped = self.current is not None and not self.busy and any(one in gone for one in self.current.covered)
        if dropped:
            self.current = None
        return dropped

    def _drop_if_empty(self, rule: str) -> None:
        group = self.groups.get(rule)
        if group is not None and not group.waiting and not group.firing:
            del self.groups[rule]
