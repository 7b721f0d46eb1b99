"""SecurityHandler: a private copy of each record goes through the stages, then to the targets."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

from seclog_handlers import context
from seclog_handlers._record import ensure_mark, lift_message, note_error, private_copy
from seclog_handlers.filters import withhold
from seclog_handlers.filters.stage import WITHHELD
from seclog_handlers.handlers import _coverage, _injection
from seclog_handlers.handlers._targets import TargetsHandler
from seclog_handlers.handlers.accounting import WANTED, live, losses, name_of
from seclog_handlers.handlers.life import Life
from seclog_handlers.policy import JUDGED, Policy


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
        super().__init__(target, targets, policy, level)
        self._prepared: dict[str, tuple[logging.Filter, ...]] = {}
        if self._policy.control:  # every mode may come: what is wrong with the policy is to be said now
            self._stages_of("full")
        self._stages = self._stages_of(self._policy.mode)
        self._output = self._policy.output
        self._judges: tuple[logging.Handler, ...] = ()
        self._life = Life(self, self._policy)

    def _stages_of(self, mode: str) -> tuple[logging.Filter, ...]:
        """Return the stages of a mode; whoever comes back to it finds what they have learnt."""
        key = "full" if mode == "observe" else mode
        if key not in self._prepared:
            self._prepared[key] = tuple(self._policy.in_mode(key).stages())
        return self._prepared[key]

    def _process(self, record: logging.LogRecord) -> None:
        life = self._life
        if life.armed or losses.count != life.told or not self._calls & LAST_CALL:
            life.attend(self._calls)
        private = private_copy(record)
        try:
            self._transform(private)
        except Exception as error:
            withhold(private)
            note_error(private, type(self).__name__, error)
        attributes = private.__dict__
        if attributes["msg"] is WITHHELD:
            self._withheld += 1
            losses.count += 1
        self._deliver(private, self._resolved())
