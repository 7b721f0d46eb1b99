"""Events that cannot matter yet are noted, and counted together when they might: what makes detection cheap.

Each group knows how many further events it takes at the very least before any of its rules could cross. That
many are noted in a list; then all are counted, in their order, by the measures that count single events too. Nothing
that an alert says depends on when an event was counted, so the alerts are the same to the digit.

For this process's memory only: in a shared state others must see each event at once.
"""

from __future__ import annotations

from seclog_handlers.detection.deferral.deferral import Deferral

__all__ = ["Deferral"]
