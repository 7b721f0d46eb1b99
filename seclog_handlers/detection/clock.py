"""Event time: what a record says, made steady where the wall clock steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# A record this close to now is live; any other is a replay, whose times are taken as they are.
LIVE_S = 5.0
# A wall clock that is off by less has not been stepped: that much lies between two readings on a busy machine.
STEP_S = 1.0
# A wall clock that has gone on by less since it was looked at was not set by as much as matters.
LOOK_S = 0.5

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

Remember = Callable[[str, float], float]


class Clock:
    """The wall clock as it would be had nobody set it since this boot.

    The first process of a boot leaves in the state by how much the wall clock was ahead of the time since boot; all
    others, and all later, add that to the time since boot.

    Args:
        remember: (boot, candidate) -> the offset that this boot has, kept with the state.
        wall: Reads the wall clock, in seconds since the epoch.
        steady: Reads a clock that nobody sets and that runs while the machine sleeps, in seconds.
        boot: Reads what names this boot.
    """

    def __init__(
        self,
        remember: Remember,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
        boot: Callable[[], str] | None = None,
    ) -> None:
        self._remember = remember
        self._wall = wall
        self._steady = steady or since_boot
        self._boot = boot or boot_id
        self._offset: float | None = None
        self._looked_at, self._off = -LIVE_S, 0.0

    def live(self, created: float) -> bool:
        """Tell whether a record was made just now, by the wall clock that it was made by."""
        return abs(self._wall() - created) < LIVE_S

    def event_time(self, created: float) -> float:
        """Return the event time of a record: corrected if it is live, else as it is."""
        wall = self._wall()
        if not -LIVE_S < wall - created < LIVE_S:
            return created
        if not 0.0 <= wall - self._looked_at < LOOK_S:
            self._off, self._looked_at = self._correction(wall), wall
        return created + self._off

    def now(self) -> float:
        """Return the event time of a record that was made now."""
        wall = self._wall()
        return wall + self._correction(wall)

    def _correction(self, wall: float) -> float:
        steady = self._steady()
        if self._offset is None:
            self._offset = self._remember(self._boot(), wall - steady)
        off = steady + self._offset - wall
        return off if abs(off) > STEP_S else 0.0


def since_boot() -> float:
    """Return seconds since boot, those asleep included, where the system can tell."""
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):
        return time.monotonic()


def boot_id() -> str:
    """Return what names this boot on Linux; elsewhere when it was, to ten minutes."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return str(round((time.time() - since_boot()) / 600))
