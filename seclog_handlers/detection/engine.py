"""The detector: events in, alerts out, on event time."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.acquaintances import Acquaintances, meet, part
from seclog_handlers.detection.builtin import BUILTIN, DEFAULTS
from seclog_handlers.detection.caps import BESIDE, Caps
from seclog_handlers.detection.case import PREFIX, Case, Identities
from seclog_handlers.detection.clock import Clock
from seclog_handlers.detection.compiled import Counter, Plan, Rows, counters
from seclog_handlers.detection.deferral import Deferral
from seclog_handlers.detection.hits import (
    any_open,
    counted_value,
    hits_of,
    introductions,
    keys_of,
    muted_rules,
    rebuild,
)
from seclog_handlers.detection.incidents import Origin, Show
from seclog_handlers.detection.ledger import Hit, Ledger
from seclog_handlers.detection.notices import Notices
from seclog_handlers.detection.rules import load
from seclog_handlers.detection.state import NEVER, Entry, MemoryState, State, open_state, shown
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.pseudonym import Pseudonymizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from seclog_handlers.detection.acquaintances import Newcomer
    from seclog_handlers.detection.conditions import Event
    from seclog_handlers.detection.deferral.routes import Label

# Event types whose rows are remembered; an application has a few, an attacker may invent more.
MAX_TYPES = 256

# Fields that hold persons, whatever the rules group by: each kind of identity has keys of its own.
IDENTITIES = ("username", "user_id", "email", "session_id", "device_id", "ip_address")

# Whether events that cannot matter yet wait in this process's memory. Off, each is counted at once: the same, slower.
DEFERS = True

# How long closing waits for other processes that have the state, in seconds.
CLOSE_WAIT_S = 1.0

_NOBODY: frozenset[str] = frozenset()

Alerts = list[dict[str, Any]]


class Detector:
    """Rules over bounded state: an attack becomes one incident, told when it opens, grows and ends.

    Args:
        rules: None for the built-in pack; or a list of names of built-in rules, mappings that override one by
            name, and new mappings.
        state: `memory://`, `sqlite:///relative/path`, `sqlite:////absolute/path` or `redis://host:port/number`; or
            `env:NAME`, `file:PATH` for one of them.
        service: Name on the alerts.
        state_key: (field, value) -> stable keyed text, hexadecimal digits, that stands for a value in the state.
            Needed for a state that other processes share; otherwise a random key is made.
        show: (event, field, value) -> what an alert shows of an event's value; the value itself by default.
        environment: Name on the alerts.
        host: Name on the alerts.
        clock: Gives live records their event time; by default the wall clock, made steady with the state's help.
        caps: How much this process may remember, where its own memory is the state.

    Attributes:
        clock: The same.
        rules: The rules that run, as they were checked.
        origin: service, environment and host of the alerts; may be changed at any time.
        quiet_until: Until when nothing is to be resolved, seconds since the epoch, as far as is known without
            asking the store.

    Raises:
        ConfigurationError: For rules or a state that cannot be used.
    """

    def __init__(
        self,
        rules: Any = None,
        state: str = "memory://",
        *,
        service: str = "",
        state_key: Callable[[str, Any], str] | None = None,
        show: Show | None = None,
        environment: str = "",
        host: str = "",
        clock: Clock | None = None,
        caps: Caps = BESIDE,
    ) -> None:
        self.rules = load(rules, BUILTIN, DEFAULTS)
        self._counters = counters(self.rules)
        self._state: State = open_state(state)
        if self._state.shared and state_key is None:
            raise ConfigurationError(
                f"state is {shown(state)!r}, which processes share, but no key was given: without one each process "
                f"would "
                "know the same address under another name. Give 'state_key'.",
            )
        self.origin = Origin(service, environment, host)
        self.clock = clock or Clock(self._state.offset)
        self._identities = Identities(state_key or Pseudonymizer().state_key, caps.identities)
        shown_as = show or (lambda _event, _field, value: value)
        self._ledger = Ledger(self.rules, shown_as, self.origin, self._counts)
        self._notices = Notices(self.origin)
        # In a shared state they are entries.
        self._acquaintances = None if self._state.shared else Acquaintances(caps.identities)
        # Entries that an event needs to look at, beside those that it is counted in.
        self._peek = self._state.peek if isinstance(self._state, MemoryState) else _nothing
        self._deferral: Deferral | None = None
        if isinstance(self._state, MemoryState) and self._acquaintances is not None and DEFERS:
            rules_by_name = {rule.name: rule for rule in self.rules}
            self._deferral = Deferral(
                self._counters, rules_by_name, self._state, self._identities, caps, self._acquaintances,
            )  # fmt: skip
        # Until then nothing is to be resolved; a shared state is asked each time.
        self._quiet_until = 0
        self.quiet_until = 0.0
        self._rows: dict[str | None, Rows] = {None: self._new_rows(None)}

    def observe(self, event: Event, when: float, state_keys: Mapping[str, str] | None = None) -> Alerts:
        """Judge one event.

        Args:
            event: Its fields.
            when: Event time, seconds since the epoch; cut to milliseconds.
            state_keys: Stable keys of identities that the event shows as tokens, by field.

        Returns:
            Alerts, in order: incidents that ended before, then what this event opens or changes. Each is a
            mapping
            with `message`, `level`, `created` and the fields of a `security_alert`.
        """
        now = int(when * 1000 + 0.0005)
        alerts = self._resolved(now) if now >= self._quiet_until else []
        deferral = self._deferral
        if deferral is not None:
            streak = deferral.streak
            if streak is not None and streak.takes(event, now, state_keys):
                self._ledger.remember((streak.plan, event, now, state_keys))
                return alerts
        kind = event.get("event_type")
        found = self._rows.get(kind if type(kind) is str else None)
        if found is None:
            found = self._rows_of(kind)
        if not found.rows:
            return alerts
        if deferral is not None:
            visit = found.visits.find(event, state_keys)
            if visit is not None and deferral.revisits(visit, now):
                self._ledger.remember((visit.plan, event, now, state_keys))
                return alerts
        plan = found.plan(event)
        if not plan.members:
            return alerts
        case = Case(event, now, state_keys, self._identities)
        labels = None if deferral is None else deferral.takes(plan, case)
        if labels is None or labels:
            alerts += self._judge(plan, case, labels)
        self._ledger.remember((plan, event, now, state_keys))
        if self._state.notices:
            alerts += self._told(now)
        return alerts

    def _told(self, now: int) -> Alerts:
        alerts = self._notices.tell(self._state.notices, now)
        self._learn()
        return alerts

    def _rows_of(self, kind: Any) -> Rows:
        if len(self._rows) >= MAX_TYPES:
            self._rows = {None: self._rows[None]}
        found = self._rows[kind] = self._new_rows(kind)
        return found

    def _new_rows(self, kind: Any) -> Rows:
        return Rows(self._counters, kind, self._deferral.route if self._deferral is not None else None)

    def _judge(self, plan: Plan, case: Case, labels: Sequence[Label] | None) -> Alerts:
        """Count one event now, and before it what waits in its groups; with labels, for groups of these only."""
        hits = hits_of(plan.members if labels is None else plan.route.chosen(labels), case)
        if not hits:
            return []
        deferral = self._deferral
        if deferral is None:
            keys = keys_of(hits, case)
            if self._acquaintances is None:
                keys += introductions(hits, case)
            alerts = self._state.apply(keys, case.now, lambda entries: self._count(hits, entries, case))
            self._learn()
            return alerts
        own_keys = [key for key, _, _ in hits]
        groups = deferral.waiting(own_keys) if labels is None else deferral.left

        def together(entries: dict[str, Entry]) -> Alerts:
            deferral.settle(groups, entries)
            return self._count(hits, entries, case)

        alerts = self._state.apply([*own_keys, *deferral.keys(groups)], case.now, together)
        if labels is None:
            deferral.has(own_keys)
        deferral.weigh_judged(groups, case.groups, case.now)
        self._learn()
        return alerts

    def _learn(self) -> None:
        """Note until when nothing is to be resolved."""
        due = self._due()
        if not self._state.shared:
            self._quiet_until = due
        self.quiet_until = due / 1000 if due < NEVER else math.inf

    def _counts(
        self, counter: Counter, key: str, plan: Plan, event: Event, now: int, state_keys: Mapping[str, str] | None,
    ) -> bool:  # fmt: skip
        """Whether an event of a plan is counted by a counter, under that key."""
        if counter not in plan.counters or self._identities.group(counter.by, event, state_keys) != key[PREFIX:]:
            return False
        return counter.counts_all or counted_value(counter, Case(event, now, state_keys, self._identities)) is not None

    def _count(self, hits: Sequence[Hit], entries: dict[str, Entry], case: Case) -> Alerts:
        """Count the event under each of its counters: the transition of the state."""
        alerts: Alerts = []
        now, own = case.now, case.own
        for key, counter, value in hits:
            newcomer = counter.newcomer
            if newcomer is not None and value == newcomer.step and self._has_met(newcomer, entries, case):
                continue
            entry = entries.get(key)
            if entry is None:
                if counter.opening is not None and value != counter.opening:
                    continue
                if counter.while_open and not any_open(counter.while_open, entries, case, self._peek):
                    continue
                entry = entries[key] = Entry(counter.measure.ttl)
            else:
                if counter.while_open and not any_open(counter.while_open, entries, case, self._peek):
                    continue
                if entry.seed is not None:
                    rebuild(entry, counter)
                elif entry.due and entry.due <= now:  # opened by another process
                    alerts += self._ledger.resolve({key: entry}, now)
            crossings = counter.add(entry, now, value)
            if crossings is None:
                continue
            if crossings and newcomer is not None:
                self._part(newcomer, entries, case)
            entry.last = max(entry.last, now)
            if own and now > entry.own:
                entry.own = now
            if crossings or (entry.incidents and not self._ledger.only_tallied(case, counter, entry)):
                muted = muted_rules(counter, entries, case, self._peek) if counter.inhibitors else _NOBODY
                alerts += self._ledger.change(case, key, counter, entry, crossings, muted)
        return alerts

    def _has_met(self, newcomer: Newcomer, entries: dict[str, Entry], case: Case) -> bool:
        """Whether what must be new is not; if it is, it will not be the next time."""
        key = case.key(newcomer)
        if key is None:
            return False
        known = self._acquaintances
        return meet(entries, key, case.now) if known is None else known.meet(key, case.now)

    def _part(self, newcomer: Newcomer, entries: dict[str, Entry], case: Case) -> None:
        """Let an event that made an alert be no introduction: who broke in stays a stranger."""
        key = case.key(newcomer)
        if key is not None:
            part(entries, key) if self._acquaintances is None else self._acquaintances.part(key)

    def _due(self) -> int:
        """When there is something to resolve, as far as is known without asking the store."""
        backup, known = self._state.backup, min(self._state.next_due, self._notices.next_due)
        return known if backup is None else min(known, backup.next_due)

    def _resolved(self, now: int) -> Alerts:
        alerts = self._settle(now) if now >= self._due() else []
        self._learn()
        return alerts

    def _settle(self, now: int) -> Alerts:
        """Resolve what is due."""
        alerts = self._notices.resolve(now)
        for state in (self._state, self._state.backup):
            if state is not None and now >= state.next_due:
                alerts += state.flush()
                keys = state.due_keys(now)
                if keys:
                    alerts += state.apply(keys, now, lambda entries: self._ledger.resolve(entries, now))
                if keys and self._deferral is not None:
                    self._deferral.resolved(keys)
        return sorted(alerts, key=lambda alert: (alert["created"], alert["incident_id"]))

    def tick(self, now: float) -> Alerts:
        """Resolve the incidents that are due by `now`, seconds since the epoch."""
        alerts = self._settle(milliseconds(now))
        self._learn()
        return alerts

    @property
    def waiting(self) -> bool:
        """Whether incidents wait to be resolved, as far as is known without asking the store."""
        return self._due() < NEVER

    @property
    def judges_all(self) -> bool:
        """Whether records without `event_type` are judged too."""
        return bool(self._rows[None].rows)

    def next_due(self) -> float | None:
        """Return when the next incident is to be resolved, seconds since the epoch; None without any."""
        states = [state for state in (self._state, self._state.backup) if state is not None]
        due = min(self._notices.next_due, *(state.earliest_due() for state in states))
        return None if due >= NEVER else due / 1000

    def after_fork(self) -> None:
        """Leave incidents of this process's memory to the parent: each is resolved once."""
        if self._deferral is not None:
            self._deferral.count_open()
            self._deferral.start_anew()
        self._state.after_fork()
        self._notices.after_fork()
        self._learn()

    def forget(self, value: Any, shown: Iterable[str] = ()) -> int:
        """Drop what the state holds of a person: counters, incidents, samples, of groups that they are part of.

        Args:
            value: The identity, as the application logs it: a user name, an address, a session's id.
            shown: What stands for it on records: its tokens.

        Returns:
            How many entries are gone.

        Raises:
            StateUnavailableError: If a shared state cannot be used now: nothing, or not all, was dropped.
        """
        fields = {field.name: field for counter in self._counters for field in (*counter.by, *counter.distinct)}
        texts = {json.dumps(text) for text in (str(value), *shown)}
        for name in {*fields, *IDENTITIES}:
            identity = self._identities.key(name, str(value))
            texts |= {identity, json.dumps(self._identities.digits(identity))}
        self._ledger.forget()
        self._identities.forget()
        gone = 0 if self._acquaintances is None else self._acquaintances.forget(texts)
        if self._deferral is None:
            return gone + self._state.forget(sorted(texts))
        self._deferral.count_open()
        gone += self._state.forget(sorted(texts)) + self._deferral.forget(sorted(texts))
        self._deferral.start_anew()
        return gone

    def close(self) -> Alerts:
        """Let go of the state's file or connection; the next event opens it again.

        Returns:
            Alerts of events that had to wait for other processes until now.
        """
        alerts: Alerts = self._state.flush(CLOSE_WAIT_S)
        self._state.close()
        return alerts


def _nothing(_key: str) -> None:
    """Peek into a state where everything that is needed has been read."""


def milliseconds(when: float) -> int:
    """Cut a time to milliseconds; a time that was written with three digits stays what it was."""
    return int(when * 1000 + 0.0005)  # half a microsecond: what a float loses at that size
