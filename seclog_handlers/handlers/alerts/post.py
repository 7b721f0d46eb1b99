"""The thread of one channel."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from seclog_handlers.handlers.alerts.channels.channel import Channel, Outcome, described
from seclog_handlers.handlers.alerts.groups import Batch
from seclog_handlers.handlers.alerts.lane import Lane
from seclog_handlers.handlers.alerts.spool import kill_point

Results = SimpleQueue[tuple[Lane, Batch, Outcome]]


class Post:
    """The thread of one channel: takes one notification at a time, and hands back what became of it."""

    def __init__(self, channel: Channel, results: Results, wake: threading.Event) -> None:
        self._channel = channel
        self._results = results
        self._wake = wake
        self._work: SimpleQueue[tuple[Lane, Batch] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._abandoned = False

    def submit(self, lane: Lane, batch: Batch) -> None:
        """Send a notification in the channel's thread; in this one where the interpreter starts no more threads."""
        if self._thread is None:
            name = "seclog-" + self._channel.name.partition(":")[0]
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self._deliver(lane, batch)
                return
            self._thread = thread
        self._work.put((lane, batch))

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            self._deliver(*work)

    def _deliver(self, lane: Lane, batch: Batch) -> None:
        try:
            outcome = self._channel.deliver(batch)
        except Exception as error:  # a channel of the user's own: its alert waits
            outcome = Outcome("retry", described(error))
        kill_point("delivered")
        if not self._abandoned:
            self._results.put((lane, batch, outcome))
            self._wake.set()

    def abandon(self) -> None:
        """Give up a delivery that goes on though it was cut off; its thread ends whenever it can."""
        self._abandoned = True
        self.stop()

    def stop(self) -> None:
        """Let the thread end; what is under way is cut off."""
        if self._thread is not None:
            self._work.put(None)
            self._channel.abort()
