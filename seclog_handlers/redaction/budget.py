"""What looking for secrets in one record may cost: counted, not timed, so that every machine withholds the same."""

from __future__ import annotations

# A step is what a regular expression needs for some 30 characters, or a microsecond of a slow server.
STEPS = 24_000
# For short texts alone, so that a long one beside them cannot take the addresses and names of its record with it.
RESERVE = 5_000
SHORT = 512
SHARE = 500  # more than any short text asks for

# What costs how much: a text at all, a name or a token to look at, what was found and is put in its place.
TEXT, LOOK, FOUND = 10, 14, 2


class TooDenseError(ValueError):
    """A text asks for more work than any log line of its length."""


class Budget:
    """What is left of the work that one record may cost, whatever its encodings hide.

    Attributes:
        left: How much of it is left.
        withheld: Whether a text was withheld for want of it.
    """

    # Not set in __init__: most records ask for nothing, and a new object without it costs a third.
    left = STEPS
    withheld = False
    _reserve = RESERVE

    def allows(self, length: int) -> bool:
        """Tell whether a text of that length may be begun with; a short one may use the reserve."""
        if self.left < SHARE:
            self.left = max(self.left, 0)
            if length <= SHORT:
                lent = min(SHARE, self._reserve)
                self._reserve -= lent
                self.left += lent
        if self.left > 0:
            return True
        self.withheld = True
        return False

    def is_spent(self) -> bool:
        """Tell whether nothing is left for any text."""
        return self.left <= 0 >= self._reserve

    def affords_more(self) -> bool:
        """Tell whether the record may be gone through once more: few are so full that half of it is gone."""
        return self.left > STEPS // 2 and not self.withheld

    def spend(self, steps: int = LOOK) -> None:
        """Take so many steps.

        Raises:
            TooDenseError: If fewer are left.
        """
        self.left -= steps
        if self.left < 0:
            self.withheld = True
            raise TooDenseError

    def read(self, length: int) -> None:
        """Take what it costs to search a text of that length once more.

        Raises:
            TooDenseError: If that is more than is left.
        """
        self.spend(length >> 6)
