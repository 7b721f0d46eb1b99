"""The sender: one thread that reads the spool and keeps the timers, and one per channel that talks to the network."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from seclog_handlers.errors import tell_stderr, warn_once
from seclog_handlers.handlers.alerts.channels.channel import Channel, Outcome, described
from seclog_handlers.handlers.alerts.content import rank
from seclog_handlers.handlers.alerts.groups import Batch, Pending, Timers
from seclog_handlers.handlers.alerts.heartbeat import Heartbeat
from seclog_handlers.handlers.alerts.lane import Lane
from seclog_handlers.handlers.alerts.ledger import Ledger, refs
from seclog_handlers.handlers.alerts.paced import paced
from seclog_handlers.handlers.alerts.post import Post
from seclog_handlers.handlers.alerts.reading import Line
from seclog_handlers.handlers.alerts.spool import kill_point

PENDING_LIMIT = 20_000  # alerts held in memory; further ones stay in the spool until some are settled
_BUSY_TICK = 0.2  # s between looks into the spool while there is something to send
_IDLE_TICK = 1.0  # s otherwise; an alert of this process wakes the thread at once
_READ_AT_ONCE = 1_000  # alerts, before due notifications get their turn
_LOOK = 500  # waiting alerts whose age is looked at in one go
_STIR = 2.0  # s without new alerts, after which this thread looks less often and is woken instead
_ADOPT = 30.0  # s between looks for what other channel sets have left
_UPKEEP = 2.0  # s between looks at what is too old or can be removed
PATIENCE = 4  # times a channel's timeout; then a connection that trickles is cut
_LONGEST_PAUSE = 5.0  # s


@dataclass(frozen=True)
class Settings:
    """How the sender works; times in seconds."""

    timers: Timers
    max_age: float = 259_200
    fsync: bool = False


class Sender:
    """Delivers what is in the spool of one channel set, as long as this process is the one that leads there.

    All state belongs to the one thread that runs `step`; others only append to `memory` and set `wake`.

    Args:
        channels: Where to send.
        folder: The spool of this channel set; None: memory only.
        memory: Alerts that no disk has taken, shared with the handler.
        settings: Timers and limits.
        heartbeat: The dead man's switch, if there is one.
        adopt: Called now and then while this process leads; appends what orphaned spools hold.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        folder: Path | None,
        memory: deque[Line],
        settings: Settings,
        heartbeat: Heartbeat | None = None,
        adopt: Callable[[], None] | None = None,
    ) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._settings = settings
        self._folder = folder
        self._memory = memory
        self._heartbeat = heartbeat
        self._adopt = adopt
        self.ledger = Ledger(folder, fsync=settings.fsync)
        self._destinations: dict[frozenset[str], frozenset[str]] = {}  # one object for all that go to the same
        self._results: SimpleQueue[tuple[Lane, Batch, Outcome]] = SimpleQueue()
        self.wake = threading.Event()
        self.idle = False  # whether the thread may be asleep for long: whoever appends then sets `wake`
        self.appended = 0  # counted up by whoever appends
        self._seen = 0
        self._stirred = float("-inf")  # when the last alert was read
        self._behind = False
        self.lanes = [
            Lane(channel.name, settings.timers, channel.batch, channel.options.per_minute, channel.resolve_wait)
            for channel in channels
        ]
        self._posts = {channel.name: Post(channel, self._results, self.wake) for channel in channels}
        self._under_way: dict[str, float] = {}
        self._upkeep_at = self._adopt_at = float("-inf")
        self._thread: threading.Thread | None = None
        self._deadline: float | None = None
        self._draining = False  # whether what was logged before the deadline was set has been read

    @property
    def leads(self) -> bool:
        """Whether this process sends for all that share the spool."""
        return self._folder is None or self.ledger.leads

    # ---- the thread

    def start(self) -> bool:
        """Start the thread; False where the interpreter starts no more threads."""
        thread = threading.Thread(target=self._run, name="seclog-alerts", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def stop(self, timeout: float) -> None:
        """Deliver what can be delivered within `timeout` seconds, then let go of the spool."""
        self._deadline = time.monotonic() + timeout
        self.wake.set()
        if self._thread is None:  # the interpreter is about to end and starts no threads
            if self._folder is None:
                self._run()
            else:
                self.ledger.close()  # what the spool holds is safe there; this thread shall not wait for a network
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout + 0.25)

    def forget(self) -> None:
        """Close what a forked child has inherited: descriptors and sockets, but nothing of the parent's."""
        for channel in self._channels.values():
            channel.forget()
        self.ledger.close()

    def _run(self) -> None:
        while not self._is_over(time.monotonic()):
            try:
                pause = self.step(time.monotonic())
            except Exception as error:
                warn_once(f"The alert sender met {described(error)}: it goes on, alerts wait until it succeeds.")
                pause = 1.0
            if not self._is_over(time.monotonic()):
                self.wake.wait(pause)
                self.wake.clear()
        self._finish()

    def _is_over(self, now: float) -> bool:
        if self._deadline is None:
            return False
        return now >= self._deadline or (self._draining and not self._behind and not self._has_work(now))

    def _has_work(self, now: float) -> bool:
        return bool(self._memory) or any(
            lane.busy or lane.next(now, time.time(), drain=True) is not None for lane in self.lanes
        )

    def step(self, now: float) -> float:
        """Do all that is due; return how many seconds there is nothing to do."""
        self.idle, self._seen = False, self.appended
        self._draining = self._deadline is not None
        self._collect()
        if self.ledger.lead():
            self._recover()
        self._take_in(now)
        self._dispatch(now)
        if now >= self._upkeep_at:
            self._upkeep_at = now + _UPKEEP
            self._keep_up(now)
        if self._heartbeat is not None and self.leads:
            self._heartbeat.beat(now, healthy=not any(lane.is_open for lane in self.lanes))
        return self._pause(time.monotonic())

    def _pause(self, now: float) -> float:
        self.idle = not self.ledger.pending or now - self._stirred > _STIR
        longest = _IDLE_TICK if self.idle else _BUSY_TICK
        if self._behind or self.appended != self._seen:
            return 0.005
        times = [when - now for lane in self.lanes if (when := lane.wake_at(now)) is not None]
        return min(max(0.005, min(times, default=longest)), longest if self._folder is not None else _LONGEST_PAUSE)

    # ---- taking in

    def _recover(self) -> None:
        """Go on where the last sender stopped: what was under way is sent again, under the same key."""
        self._adopt_at = float("-inf")
        now, wall = time.monotonic(), time.time()
        for lane in self.lanes:
            for (channel, rule), told in self.ledger.history.told.items():
                if channel == lane.name:
                    lane.restore(rule, told.firing, now - max(0.0, wall - told.at))

    def _take_in(self, now: float) -> None:
        limit = room = min(_READ_AT_ONCE, PENDING_LIMIT - len(self.ledger.pending))
        lines = self._new_lines(room)
        for line in lines if self._draining else paced(lines):
            room -= 1
            self._add(line, now)
        self._stirred = now if room < limit else self._stirred
        if self.ledger.leads:
            self._resume(complete=room > 0 or len(self.ledger.pending) >= PENDING_LIMIT)
        self._behind = room <= 0 and len(self.ledger.pending) < PENDING_LIMIT

    def _new_lines(self, limit: int) -> Iterator[Line]:
        while self._memory and limit > 0:
            limit -= 1
            yield self._memory.popleft()
        yield from self.ledger.lines(limit)

    def _add(self, line: Line, now: float) -> None:
        pending = self.ledger.take(line, now)
        if pending is None:
            return
        lanes = [lane for lane in self.lanes if self._wants(lane, line)]
        left = frozenset(lane.name for lane in lanes)
        pending.left = self._destinations.setdefault(left, left)
        for lane in lanes:
            lane.add(pending)
        if not lanes:
            self.ledger.settle([pending])

    def _wants(self, lane: Lane, line: Line) -> bool:
        severe = rank(line.alert["severity"]) >= self._channels[lane.name].options.severity
        return severe and line.ref not in self.ledger.history.sent.get(lane.name, ())

    def _resume(self, *, complete: bool) -> None:
        """Put the notifications that a crash left in doubt back to where they were, once their alerts are read."""
        for lane in self.lanes:
            send = self.ledger.history.doubt.get(lane.name)
            if send is None or lane.current is not None:
                continue
            refs = [(name, offset) for name, offset in send["refs"]]
            covered = [self.ledger.pending[ref] for ref in refs if ref in self.ledger.pending]
            if complete or len(covered) == len(refs):
                del self.ledger.history.doubt[lane.name]
                lane.group(send["rule"])
                lane.current = Batch(send["key"], send["rule"], send["alerts"], covered, noted=True)

    # ---- sending

    def _dispatch(self, now: float) -> None:
        for lane in self.lanes:
            if lane.name in self.ledger.history.doubt:
                continue  # the notification that a crash left under way goes first
            batch = lane.next(now, time.time(), drain=self._draining)
            if batch is None:
                continue
            if not batch.noted:
                batch.noted = True
                self.ledger.note({"step": "send", "channel": lane.name, "key": batch.key, "rule": batch.rule,
                            "alerts": batch.alerts, "refs": refs(batch.covered)})  # fmt: skip
                kill_point("send-noted")
            lane.busy = True
            self._under_way[lane.name] = now
            self._posts[lane.name].submit(lane, batch)

    def _collect(self) -> None:
        while not self._results.empty():
            self._take_result(*self._results.get())

    def _take_result(self, lane: Lane, batch: Batch, outcome: Outcome) -> None:
        now = time.monotonic()  # not earlier: a server that asked to wait counts from its answer
        lane.busy = False
        self._under_way.pop(lane.name, None)
        if outcome.kind == "delivered":
            self._arrived(lane, batch, now)
        elif outcome.kind == "refused":
            self._refused(lane, batch, outcome)
        else:
            lane.failed(now, outcome.retry_after)
            if lane.is_open:
                text = f"The alert channel {lane.name} fails ({outcome.detail}): alerts wait and are tried again."
                warn_once(text, key=f"circuit {lane.name}")

    def _arrived(self, lane: Lane, batch: Batch, now: float) -> None:
        self.ledger.note({"step": "done", "channel": lane.name, "key": batch.key, "at": time.time()})
        kill_point("done-noted")
        lane.arrived(batch, now)
        self._cross_off(lane, batch.covered)

    def _refused(self, lane: Lane, batch: Batch, outcome: Outcome) -> None:
        self.ledger.note({"step": "undo", "channel": lane.name})
        gone = lane.refused(batch)
        if gone:
            self._give_up(lane, gone, f"refused ({outcome.detail})")

    def _cross_off(self, lane: Lane, covered: list[Pending]) -> None:
        for pending in covered:
            pending.left -= {lane.name}
        self.ledger.settle([pending for pending in covered if not pending.left])

    def _give_up(self, lane: Lane, gone: list[Pending], reason: str) -> None:
        """Put aside what a channel will not get, and say so; with a full disk it waits on."""
        if not self.ledger.bury(lane.name, gone, reason):
            lane.failed(time.monotonic(), None)
            return
        lane.buried += len(gone)
        if lane.give_up(gone):
            self.ledger.note({"step": "undo", "channel": lane.name})
        fate = "they are lost." if self._folder is None else "they are in dead-letters.jsonl."
        tell_stderr(f"{len(gone)} alerts could not be delivered to {lane.name}: {reason}; {fate}")
        self._cross_off(lane, gone)

    # ---- upkeep

    def _keep_up(self, now: float) -> None:
        for lane in self.lanes:
            self._cut_off(lane, now)
            self._give_up_old(lane)
        self.ledger.tidy()
        if self.ledger.leads and self._adopt is not None and now >= self._adopt_at:
            self._adopt_at = now + _ADOPT
            self._adopt()

    def _cut_off(self, lane: Lane, now: float) -> None:
        """End a delivery that takes too long: however slowly its bytes come, the others wait behind it."""
        began = self._under_way.get(lane.name)
        channel = self._channels[lane.name]
        if began is None or now - began <= PATIENCE * channel.options.timeout:
            return
        channel.abort()
        if now - began > (PATIENCE + 1) * channel.options.timeout and lane.current is not None:
            self._posts[lane.name].abandon()
            self._posts[lane.name] = Post(channel, self._results, self.wake)
            self._take_result(lane, lane.current, Outcome("retry", "no end of the delivery in sight"))

    def _give_up_old(self, lane: Lane) -> None:
        """Put aside what a failing channel has not taken for too long; one that works gets it, however old."""
        if lane.busy or not lane.failures:
            return
        oldest = time.time() - self._settings.max_age
        waiting = paced(list(self.ledger.pending.values()), _LOOK)
        gone = [one for one in waiting if one.at < oldest and lane.name in one.left]
        if gone:
            self._give_up(lane, gone, f"older than {self._settings.max_age:g} s")

    def _finish(self) -> None:
        """Let go: what was not delivered stays in the spool, or goes back to memory."""
        self._collect()
        self.ledger.tidy()
        for post in self._posts.values():
            post.stop()
        self._memory.extend(self.ledger.give_back())
        self.ledger.close()

    def waiting_in_memory(self) -> int:
        """Return how many alerts exist in this process only."""
        return len(self._memory) + self.ledger.in_memory()
