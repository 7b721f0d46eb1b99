"""Random lives of a SecurityHandler: whatever happens in whatever order, lines are whole and the counts come out."""

from __future__ import annotations

import errno
import io
import json
import logging
import logging.handlers
import queue

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from seclog_handlers import EscalationHandler, JsonFormatter, SecurityHandler
from tests.support import KEY

POLICY = {"pseudonyms.keys": [KEY], "geoip": "off", "risk": "off", "service": "test"}
MESSAGES = st.one_of(
    st.text(st.characters()),
    st.none(),
    st.integers(),
    st.dictionaries(st.text(), st.integers() | st.text(), max_size=3),
    st.sampled_from(["password=hunter2-Hunter2", "%s", "%d %s", "%", "a\nb"]),
)
FIELDS = st.dictionaries(
    st.sampled_from(["username", "ip_address", "success", "data", "level", "service", "_seclog", "event_type"]),
    st.none() | st.booleans() | st.floats() | st.text(st.characters()) | st.lists(st.text(), max_size=3) | st.binary(),
    max_size=4,
)


class Disk(io.StringIO):
    """A stream that takes what it is given as long as there is room."""

    trouble: Exception | None = None

    def write(self, text: str) -> int:
        if self.trouble is not None:
            raise self.trouble
        return super().write(text)


class Silent(logging.Handler):
    """A target that raises where stdlib's would call handleError."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: Exception | None = None
        self.taken = 0

    def handle(self, record: logging.LogRecord) -> bool:
        if self.trouble is not None:
            raise self.trouble
        self.taken += 1
        return True


class Life(RuleBasedStateMachine):
    """One application's logging, and what a bookkeeper beside it would have written down."""

    handlers = Bundle("handlers")

    def __init__(self) -> None:
        super().__init__()
        self.disk, self.silent = Disk(), Silent()
        self.out = logging.StreamHandler(self.disk)
        self.out.setFormatter(JsonFormatter())
        self.queue: queue.Queue[logging.LogRecord] = queue.Queue(3)
        self.queued = logging.handlers.QueueHandler(self.queue)
        self.known: list[SecurityHandler] = []
        self.calls: dict[SecurityHandler, int] = {}

    @initialize(target=handlers)
    def first(self) -> SecurityHandler:
        return self.configure()

    @rule(target=handlers)
    def configure(self) -> SecurityHandler:
        """A configuration is loaded, once more."""
        judge = EscalationHandler(target=Silent(), policy=POLICY)
        made = SecurityHandler(target=self.out, targets=[self.silent, self.queued, judge], policy=POLICY)
        self.known.append(made)
        self.calls[made] = 0
        return made

    @rule(handler=handlers, msg=MESSAGES, args=st.lists(st.text() | st.integers(), max_size=2), extra=FIELDS)
    def log(self, handler: SecurityHandler, msg: object, args: list[object], extra: dict[str, object]) -> None:
        made = logging.LogRecord("app", logging.WARNING, "f", 1, msg, tuple(args), None)
        made.__dict__.update(extra)
        before = self.disk.getvalue()

        handler.handle(made)

        self.calls[handler] += 1
        added = self.disk.getvalue()[len(before) :]
        if self.disk.trouble is None:
            assert added.count("\n") == len(added.splitlines()) == 1
            assert "hunter2" not in added
            assert json.loads(added)["level"] == "WARNING"
        else:
            assert not added

    @rule(handler=handlers)
    def close(self, handler: SecurityHandler) -> None:
        handler.close()

    @rule(handler=consumes(handlers))
    def remove(self, handler: SecurityHandler) -> None:
        handler.close()

    @rule(handler=handlers)
    def fork(self, handler: SecurityHandler) -> None:
        """What happens to a handler in a forked child."""
        handler.forget_parent()
        self.calls[handler] = 0

    @rule(handler=handlers, mode=st.sampled_from(["full", "observe", "redact"]))
    def switch(self, handler: SecurityHandler, mode: str) -> None:
        handler.switch(mode)

    @rule(trouble=st.sampled_from([None, OSError(errno.ENOSPC, "no space"), ValueError("hunter2")]))
    def disk_changes(self, trouble: Exception | None) -> None:
        self.disk.trouble = trouble

    @rule(trouble=st.sampled_from([None, OSError(errno.EPIPE, "gone"), RuntimeError("hunter2")]))
    def target_changes(self, trouble: Exception | None) -> None:
        self.silent.trouble = trouble

    @rule()
    def somebody_reads_the_queue(self) -> None:
        while not self.queue.empty():
            self.queue.get()

    @rule(handler=handlers, level=st.sampled_from([logging.NOTSET, logging.ERROR]))
    def level_changes(self, handler: SecurityHandler, level: int) -> None:
        self.silent.setLevel(level)

    @invariant()
    def every_record_is_accounted_for(self) -> None:
        for handler in self.known:
            report = handler.report()
            assert report["calls"] == self.calls[handler]
            assert report["dropped"] == {}
            for target in report["targets"].values():
                assert target["calls"] == target["written"] + target["pending"] + sum(target["dropped"].values())
                assert min(target["written"], target["pending"], *target["dropped"].values(), 0) == 0

    @invariant()
    def what_is_counted_as_written_was_written(self) -> None:
        lines = self.disk.getvalue().count("\n")
        assert self._written("StreamHandler") <= lines
        assert self._written("Silent") <= self.silent.taken

    def _written(self, name: str) -> int:
        return sum(handler.report()["targets"].get(name, {"written": 0})["written"] for handler in self.known)


Life.TestCase.settings = settings(
    max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = Life.TestCase
