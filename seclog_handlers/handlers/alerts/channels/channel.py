"""What the sender asks of a channel, and what a channel answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from seclog_handlers.handlers.alerts.groups import Batch

TIMEOUT = 10.0  # s for connecting and for each answer
COMPANY = 172_800.0  # s that the end of an incident waits for news to be told with, where people read


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt.

    Attributes:
        kind: `delivered`; `retry`: try again later; `refused`: this content will never be taken.
        detail: For people; never holds a secret, an address of a channel or an alert's content.
        retry_after: Seconds the server asked to wait.
    """

    kind: Literal["delivered", "retry", "refused"]
    detail: str
    retry_after: float | None = None


@dataclass(frozen=True)
class Options:
    """What every channel may be told beside its URL."""

    key: str = ""
    severity: int = 2
    timeout: float = TIMEOUT
    per_minute: int = 20


class Channel(Protocol):
    """A way to tell people. `deliver` may block as long as its timeouts; it runs in a thread of its own."""

    name: str
    batch: int
    options: Options
    resolve_wait: float

    def payload(self, batch: Batch) -> Any:
        """Return what `deliver` would send, without secrets, for people to read."""

    def deliver(self, batch: Batch) -> Outcome:
        """Send one notification."""

    def abort(self) -> None:
        """End a delivery that takes too long; called from another thread."""

    def forget(self) -> None:
        """Close what a forked child has inherited, without disturbing the parent."""


def described(error: BaseException) -> str:
    """Return what kind of failure this is; never the error's own text, which may hold an address or a key."""
    reason = getattr(error, "strerror", None)
    kind = type(error).__name__
    return f"{kind}: {reason}" if isinstance(reason, str) and reason.isascii() else kind
