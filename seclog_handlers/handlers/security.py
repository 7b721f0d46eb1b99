"""SecurityHandler: a private copy of each record goes through the stages, then to the targets."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import islice
from typing import Any, ClassVar

from seclog_handlers import context
from seclog_handlers._config import plain
from seclog_handlers._record import (
    MARK,
    Mark,
    ensure_mark,
    fields_of,
    is_memorable,
    lift_message,
    mark_of,
    note_error,
    private_copy,
)
from seclog_handlers.filters import RiskFilter, SamplingFilter, withhold
from seclog_handlers.filters.redaction import too_dense
from seclog_handlers.filters.stage import WITHHELD, settle_names
from seclog_handlers.handlers import _coverage
from seclog_handlers.handlers._repeats import Memory, Plan, planned
from seclog_handlers.handlers._targets import TargetsHandler
from seclog_handlers.handlers.accounting import SAMPLED, losses, name_of, named
from seclog_handlers.handlers.life import LOOK_MASK, Life, notice
from seclog_handlers.policy import Policy

# In the other modes nothing is judged.
JUDGED = frozenset({"full", "observe"})

# Kinds of records whose stages are remembered; longer names and more fields are not.
MAX_PLANS = 1024

# Of a record's attributes: what one record may cost redaction is spent on fewer.
MAX_ATTRIBUTES = 4096

INJECTION = "security_log_injection_attempt"
# What a rule may group by or make exceptions for.
_INJECTION_FIELDS = (
    "ip_address", "username", "user_id", "session_id", "email", "user_agent", "request_id", "method", "path",
    "endpoint", "api_endpoint", "geo_location", "trusted", "log_injection",
)  # fmt: skip


class TooManyFieldsError(Exception):
    """A record has more fields than a line can show."""


class SecurityHandler(TargetsHandler):
    """Redact, pseudonymise, enrich and score records, then hand them to other handlers.

    The application's record is never changed, whatever other handlers see it. A stage that fails withholds what
    it could not judge, or goes without; the record is written all the same and says so in `seclog_error`.

    Args:
        target: The handler that writes the lines.
        targets: Further handlers, or their names in the same configuration; an EscalationHandler stands here.
        policy: A mapping, or the path of an INI or TOML file; None is the default policy, which protects.
        level: Records below it are left alone.

    Raises:
        ConfigurationError: If the policy or a target cannot be used.
    """

    judges: ClassVar[bool] = False

    def __init__(
        self,
        target: logging.Handler | None = None,
        targets: Sequence[str | logging.Handler] = (),
        policy: Any = None,
        level: int | str = logging.NOTSET,
    ) -> None:
        # Whatever can be wrong is found before logging knows the handler and would close it at exit.
        self._policy = loaded = Policy.load(plain(policy))
        self._prepared: dict[str, tuple[logging.Filter, ...]] = {}
        if loaded.control:  # every mode may come: what is wrong with its stages is to be said now
            self._stages_of("full")
        self._use(self._stages_of(loaded.mode))
        self._output = loaded.output
        self._sampler = loaded.sampler()
        super().__init__(target, targets, loaded, level)
        self._life = Life(self, loaded)

    def _process(self, record: logging.LogRecord) -> None:
        life = self._life
        if life.armed or losses.count != life.told or not self._calls & LOOK_MASK:
            life.attend(self._calls)
        private = private_copy(record)
        crowded = len(private.__dict__) > MAX_ATTRIBUTES
        if crowded:
            private.__dict__ = dict(islice(private.__dict__.items(), MAX_ATTRIBUTES))
        try:
            self._transform(private)
        except Exception as error:
            withhold(private)
            note_error(private, type(self).__name__, error)
        if crowded:
            note_error(private, type(self).__name__, TooManyFieldsError())
        attributes = private.__dict__
        if crowded or attributes.get("msg") is WITHHELD or ("seclog_error" in attributes and too_dense(private)):
            self._withheld += 1
            losses.count += 1
        if self._sampler is None or self._mode == "off":
            self._deliver(private, (self._mode in JUDGED and self._chain) or self._receivers())
        else:
            self._deliver_sample(private, self._sampler)
        if "log_injection" in attributes:
            self._tell_of_injection(private)

    def _transform(self, record: logging.LogRecord) -> None:
        attributes, mode = record.__dict__, self._mode
        known = MARK in attributes
        if known:
            mark = ensure_mark(record)
            mark.output, mark.mode = self._output, mode
        else:
            mark = attributes[MARK] = Mark(self._output, mode)
        if mode == "off":
            return
        context.apply(record)
        if type(attributes.get("msg")) is dict:
            lift_message(record)
        logger = attributes.get("name")
        try:
            plan = self._plans.get((tuple(attributes), logger)) if type(logger) is str else None
        except Exception:  # the hash of a name that is no text
            plan = None
        repeats, rest = self._plan_of(record) if plan is None else plan
        if repeats is not None:
            repeats.take(record, None if known else mark)
        for stage in rest:
            stage.filter(record)

    def _plan_of(self, record: logging.LogRecord) -> Plan:
        """Return the stages that records of a kind need, and remember them.

        A program has few kinds of records, and most need little more than redaction. What becomes an event on its
        way needs every stage that follows.
        """
        settle_names(record)
        logger, names = record.__dict__.get("name"), tuple(record.__dict__)
        if type(logger) is not str or not is_memorable((*names, logger)):
            return Plan(None, self._stages)
        plan = planned(names, logger, self._stages, self._memory)
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        self._plans[names, logger] = plan
        return plan

    def _receivers(self) -> Sequence[logging.Handler]:
        """Return the targets that a record of this mode goes to: all, or those that do not judge."""
        chain = self._resolved()
        return chain if self._mode in JUDGED else [target for target in chain if not _judges(target)]

    def _deliver_sample(self, record: logging.LogRecord, sampler: SamplingFilter) -> None:
        """Let every record be judged, and write what sampling leaves of them."""
        receivers = self._receivers()
        self._deliver(record, [target for target in receivers if _judges(target)])
        outputs = [target for target in receivers if not _judges(target)]
        self._summarise(sampler.summary(record.created), outputs)
        if sampler.filter(record):
            self._deliver(record, outputs)
            return
        for target in outputs:
            account = self._accounts[id(target)]
            account.calls += 1
            account.drop(SAMPLED)

    def _summarise(self, summary: logging.LogRecord | None, outputs: Sequence[logging.Handler]) -> None:
        if summary is not None:
            ensure_mark(summary).output = self._output
            self._deliver(summary, outputs)

    def _resolved(self) -> tuple[logging.Handler, ...]:
        """Return the targets; at the first use the risk model learns to listen to the ones that judge."""
        new = self._chain is None
        chain = super()._resolved()
        if new:
            for target in chain:
                if isinstance(target, TargetsHandler) and target.judges:
                    target.listeners.append(self._note_alert)
        return chain

    def _note_alert(self, alert: logging.LogRecord) -> None:
        for stage in self._stages:
            if isinstance(stage, RiskFilter):
                stage.note(alert)

    def _tell_of_injection(self, record: logging.LogRecord) -> None:
        """Let rules know of a sign of log injection as an event of its own; it is written nowhere."""
        mark, fields = mark_of(record), fields_of(record)
        if mark is None or "log_injection" not in mark.derived or fields.get("event_type") == INJECTION:
            return
        shown = {name: fields[name] for name in _INJECTION_FIELDS if name in fields}
        event = {**shown, "severity": "MEDIUM", "details": {"fields": fields["log_injection"]}}
        message = "security_event_log_injection_attempt"
        signal = notice(self, INJECTION, logging.WARNING, message, event)
        signal.created = record.created
        own = ensure_mark(signal)
        own.tokens, own.state_keys, own.derived = dict(mark.tokens), dict(mark.state_keys), set(mark.derived)
        self._deliver(signal, [target for target in self._receivers() if _judges(target)])

    @property
    def mode(self) -> str:
        """The mode that records are handled in now."""
        return self._mode

    @property
    def output(self) -> dict[str, Any]:
        """The constant fields and the renames of its lines."""
        return self._output

    @property
    def policy(self) -> Policy:
        """The policy that records are handled by."""
        return self._policy

    def switch(self, mode: str) -> None:
        """Go on in another mode, with the targets that judge."""
        super().switch(mode)
        self._use(self._stages_of(mode))
        for target in self._resolved():
            if isinstance(target, TargetsHandler):
                target.switch(mode)

    def _use(self, stages: tuple[logging.Filter, ...]) -> None:
        self._stages = stages
        self._plans: dict[tuple[tuple[str, ...], str], Plan] = {}
        self._memory = Memory()

    def _stages_of(self, mode: str) -> tuple[logging.Filter, ...]:
        """Return the stages of a mode; whoever comes back to it finds what they have learnt."""
        key = "full" if mode == "observe" else mode
        if key not in self._prepared:
            self._prepared[key] = tuple(self._policy.in_mode(key).stages())
        return self._prepared[key]

    def tell(self, record: logging.LogRecord) -> None:
        """Hand a record of the pack itself to the targets."""
        self._deliver(record, self._receivers())

    def beat(self) -> None:
        """Give a sign of life; called by the ticker, with the lock held."""
        self._alone(self._life.beat, None)
        self._catch_up()

    @property
    def lost(self) -> tuple[int, int]:
        """Records that this handler and the ones that it targets have dropped unasked, and withheld."""
        handlers = self._ours()
        return sum(handler.unwanted for handler in handlers), sum(handler.withheld for handler in handlers)

    def counts(self) -> dict[str, Any]:
        """Return what a sign of life says about the records of this process."""
        reports = {name: handler.report() for name, handler in named(self._ours(), name_of).items()}
        return {"calls": self._calls, "withheld": self._withheld, "handlers": reports}

    def _ours(self) -> list[TargetsHandler]:
        return [self, *(target for target in self.chain if isinstance(target, TargetsHandler))]

    def forget_parent(self) -> None:
        """Start from nothing in a forked child."""
        super().forget_parent()
        self._life.reset()

    def close(self) -> None:
        """Say what is still to be said, flush and leave the shutdown list; the next record opens it again."""
        self.acquire()
        try:
            closed = [target for target in self.chain if _is_closed(target)]
            self._alone(self._life.end, None)
            self._alone(self._end_sample, None)
            for stage in [stage for stages in self._prepared.values() for stage in stages]:
                if isinstance(stage, RiskFilter):
                    stage.close()
            for target in closed:  # shutdown closes the newest first: what was said last may have opened it again
                target.close()
            _coverage.closed(self)
        finally:
            self.release()
        super().close()

    def _end_sample(self, _nothing: None) -> None:
        if self._sampler is not None:
            outputs = [target for target in self.chain if not _judges(target)]
            self._summarise(self._sampler.summary(None), outputs)


def _is_closed(target: logging.Handler) -> bool:
    return isinstance(target, logging.FileHandler) and target.stream is None


def _judges(target: logging.Handler) -> bool:
    return isinstance(target, TargetsHandler) and target.judges
