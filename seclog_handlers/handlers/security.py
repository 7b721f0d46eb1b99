"""SecurityHandler: a private copy of each record goes through the stages, then to the targets."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from seclog_handlers import context
from seclog_handlers._record import ensure_mark, lift_message, note_error, private_copy
from seclog_handlers.filters import withhold
from seclog_handlers.handlers._targets import TargetsHandler


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

    def __init__(
        self,
        target: logging.Handler | None = None,
        targets: Sequence[str | logging.Handler] = (),
        policy: Any = None,
        level: int | str = logging.NOTSET,
    ) -> None:
        super().__init__(target, targets, policy, level)
        self._stages = tuple(self._policy.stages())
        self._output = self._policy.output

    def _process(self, record: logging.LogRecord) -> None:
        private = private_copy(record)
        try:
            self._transform(private)
        except Exception as error:
            withhold(private)
            note_error(private, type(self).__name__, error)
        self._deliver(private, self._resolved())

    def _transform(self, record: logging.LogRecord) -> None:
        mark = ensure_mark(record)
        mark.output, mark.mode = self._output, self._policy.mode
        if mark.mode == "off":
            return
        context.apply(record)
        if type(record.msg) is dict:
            lift_message(record)
        for stage in self._stages:
            stage.filter(record)
