"""Who failed lately, and where from: counts that fade, some within hours and some within weeks."""

from __future__ import annotations

import math
from math import exp
from typing import TYPE_CHECKING, NamedTuple

from seclog_handlers.enrichment._recent import Recent

if TYPE_CHECKING:
    from collections.abc import Hashable

# A failure counts half after so many seconds; for a stranger's success from the same address after so many.
HALF_LIFE = 3600.0
LASTING_HALF_LIFE = 7 * 86400.0
_DECAY = math.log(2) / HALF_LIFE
_LASTING_DECAY = math.log(2) / LASTING_HALF_LIFE

# Users, and as many addresses, whose failures are remembered.
MAX_TRACKED = 20_000

# Typing errors that an address is granted for each user who logs in from there, of at most so many users: an office
# has some each day, in names that no later success takes back.
GRANTED = 3
MAX_GRANTED_USERS = 1000


def _late(age: float, decay: float) -> float:
    """Return what is left of a failure that is told of late: hosts' clocks may differ by an hour, not by days."""
    return exp(min(0.0, age + HALF_LIFE) * decay)


class Before(NamedTuple):
    """What came before a success.

    Attributes:
        address: Recent failures of its address, less those that are granted.
        lasting: The same of weeks.
        others: Recent failures of its user at other addresses.
    """

    address: float = 0.0
    lasting: float = 0.0
    others: float = 0.0


NOTHING_BEFORE = Before()


class _Tally:
    """Failures of a user: how many are left of them, as of when."""

    __slots__ = ("last", "recent")

    def __init__(self, when: float) -> None:
        self.recent = 1.0
        self.last = when

    def left(self, when: float) -> float:
        age = when - self.last
        return self.recent * exp(-age * _DECAY) if age > 0 else self.recent


class _Source(_Tally):
    """Failures of an address, and how many of the last ones in a row were one user's."""

    __slots__ = ("in_a_row", "lasting", "user")

    def __init__(self, when: float, user: Hashable) -> None:
        super().__init__(when)
        self.lasting = 1.0
        self.user = user
        self.in_a_row = 1

    def lasts(self, when: float) -> float:
        age = when - self.last
        return self.lasting * exp(-age * _LASTING_DECAY) if age > 0 else self.lasting

    def forgive(self, when: float) -> None:
        """Take half of what the last user failed back: whoever logs in in the end has mistyped, or has guessed."""
        recent, lasting = self.left(when), self.lasts(when)
        half = self.in_a_row / 2
        self.recent, self.lasting = max(recent / 2, recent - half), max(lasting / 2, lasting - half)
        self.in_a_row = math.ceil(half)
        self.last = max(self.last, when)


class Failures:
    """Counts the failures of users and of addresses. Time is the events' own; memory is bounded."""

    def __init__(self) -> None:
        self.users: Recent[_Tally] = Recent(MAX_TRACKED)
        self.addresses: Recent[_Source] = Recent(MAX_TRACKED)

    def fail(self, user: Hashable, address: Hashable, when: float) -> tuple[float, float]:
        """Count a failure; return how many the user and the address have now; None is no user and no address."""
        of_user = of_address = 0.0
        # Written out, not in methods: an attack asks this thousands of times a second.
        if user is not None:
            tally = self.users.young.get(user) or self.users.get(user)
            if tally is None:
                self.users.add(user, _Tally(when))
                of_user = 1.0
            else:
                age = when - tally.last
                if age >= 0:
                    tally.recent = tally.recent * exp(-age * _DECAY) + 1.0
                    tally.last = when
                else:
                    tally.recent += _late(age, _DECAY)
                of_user = tally.recent
        if address is not None:
            source = self.addresses.young.get(address) or self.addresses.get(address)
            if source is None:
                self.addresses.add(address, _Source(when, user))
                return of_user, 1.0
            age = when - source.last
            if age >= 0:
                source.recent = source.recent * exp(-age * _DECAY) + 1.0
                source.lasting = source.lasting * exp(-age * _LASTING_DECAY) + 1.0
                source.last = when
            else:
                source.recent += _late(age, _DECAY)
                source.lasting += _late(age, _LASTING_DECAY)
            of_address = source.recent
            if user == source.user:
                source.in_a_row += 1
            else:
                source.user, source.in_a_row = user, 1
        return of_user, of_address

    def knows(self, user: Hashable, address: Hashable) -> bool:
        """Tell whether the user or the address has failed, as far as is remembered."""
        users, addresses = self.users, self.addresses
        return user in users.young or address in addresses.young or user in users.old or address in addresses.old

    def left(self, user: Hashable, address: Hashable, when: float) -> tuple[float, float]:
        """Return how many failures the user and the address have now."""
        tally, source = self.users.get(user), self.addresses.get(address)
        return tally.left(when) if tally else 0.0, source.left(when) if source else 0.0

    def succeed(self, user: Hashable, address: Hashable, when: float, others_here: int) -> Before:
        """Note a success; return what came before it.

        Args:
            user: Whose it is; its failures are cleared.
            address: Where it comes from; half of the user's own failures there are forgiven.
            when: Its time.
            others_here: How many other users have logged in from the address.
        """
        tally, source = self.users.pop(user), self.addresses.get(address)
        of_user = tally.left(when) if tally is not None else 0.0
        if source is None:
            return Before(others=of_user)
        granted = GRANTED * min(others_here, MAX_GRANTED_USERS)
        recent, lasting = source.left(when), source.lasts(when)
        own = 0.0
        if user is not None and source.user == user:
            own = min(recent, source.in_a_row)
            source.forgive(when)
        return Before(max(0.0, recent - granted), max(0.0, lasting - granted), max(0.0, of_user - own))
