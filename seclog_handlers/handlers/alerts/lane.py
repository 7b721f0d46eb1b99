"""When to tell, on one channel: its groups, its circuit and its cap. Pure: time is a number passed in."""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from seclog_handlers.handlers.alerts.groups import Batch, Group, Pending, Timers, is_over
from seclog_handlers.handlers.alerts.inhibition import Inhibitions, inhibited

FIRST_BACKOFF = 0.5  # s, doubled with each failure in a row
LONGEST_BACKOFF = 60.0  # s, as Alertmanager's
LONGEST_RETRY_AFTER = 3_600.0  # s that a server's Retry-After is believed
CIRCUIT_FAILURES = 4  # failures in a row that open the circuit
_MINUTE = 60.0


class Lane:
    """One channel's groups, its circuit and its cap per minute; at most one notification is under way."""

    def __init__(self, name: str, timers: Timers, limit: int, per_minute: int, patience: float = 0.0) -> None:
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
        self._patience = 0.0 if limit == 1 else patience  # who keeps incidents itself hears of each end at once
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
            group = self.groups[rule] = Group(self._limit, self._inhibitions.mutes, self._patience)
        return group

    def add(self, pending: Pending) -> None:
        """Take in an alert of this channel."""
        changed = self._inhibitions.hear(pending.alert, pending.since)
        group = self.group(pending.alert["rule"])
        if self._patience and is_over(pending):
            if any(self._effects([pending.alert])):
                group.hasten(pending.alert["incident_id"])  # what it has spoken for may go on
            else:
                changed |= self._inhibitions.end([pending.alert["incident_id"]])
        group.add(pending)
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
            if (when := group.due(self._timers)) is not None and (when <= now or (drain and group.has_to_tell))
        )
        if not due:
            return None
        if self._is_capped(now):
            for _, rule in due:
                self.groups[rule].held_back = 1
            return None
        rule = due[0][1]
        group = self.groups[rule]
        shown, covered, more = group.compose(group.limit)
        self._take_along(rule, shown, covered)
        shown += group.going_on(now, shown, group.limit - len(shown))
        if not shown:
            self._drop_if_empty(rule)
            return None
        covered += self._silenced(shown)
        held_back, group.held_back = (len(covered) if group.held_back else 0), 0
        return Batch(self._key(rule, covered, wall), rule, shown, covered, held_back, more, self.buried)

    def _take_along(self, rule: str, shown: list[dict[str, Any]], covered: list[Pending]) -> None:
        """Where ends wait for company, a notification brings whatever waits, of whichever rule."""
        for other in list(self.groups) if self._patience else ():
            room = self.groups[rule].limit - len(shown)
            if other != rule and room > 0:
                alerts, settled, _ = self.groups[other].compose(room)
                shown += alerts
                covered += settled

    def _silenced(self, shown: list[dict[str, Any]]) -> list[Pending]:
        """Return the alerts of incidents that have begun and ended while those shown spoke for them."""
        told = {alert["incident_id"] for alert in shown}
        ended = [queue for queue in self._effects(shown) if is_over(queue[-1])]
        unheard = [queue for queue in ended if queue[0].alert["incident_id"] not in told]
        return list({id(pending): pending for queue in unheard for pending in queue}.values())

    def _effects(self, causes: Iterable[dict[str, Any]]) -> Iterator[list[Pending]]:
        for cause in causes:
            for rule in inhibited(cause) & self.groups.keys():
                yield from self.groups[rule].effects(cause)

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
        for rule in {alert["rule"]: None for alert in batch.alerts}:
            part = [alert for alert in batch.alerts if alert["rule"] == rule]
            self.group(rule).told(part, now, more=batch.more and rule == batch.rule)
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
