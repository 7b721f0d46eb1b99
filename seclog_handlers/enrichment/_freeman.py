"""How unusual a login is for its user: the model of Freeman et al. (NDSS 2016), equation 7, in counters.

For each feature (address, user agent) the probability of its value among all logins is divided by that among
the user's own; the features' quotients are multiplied, and weighed by how often this user logs in. Each
feature is a mixture of levels with the weights of Wiefling et al. (2021), and smoothed as in their published
implementation.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import Any

MAX_USERS = 20_000
MAX_VALUES = 100_000
# Values that one user is remembered with; nobody logs in from more places and devices that still tell
# something.
MAX_USER_VALUES = 64

# Wiefling, Duermuth, Lo Iacono: What's in Score for Website Users (2021).
ADDRESS_WEIGHTS = (0.6, 0.3, 0.1)  # address, ASN, country
AGENT_WEIGHTS = (0.5386653840551359, 0.2680451498625666, 0.18818295100109536, 0.0051065150812021525)
WEIGHTS = (ADDRESS_WEIGHTS, AGENT_WEIGHTS)  # agent: text, browser, system, device

# What a feature never seen with this user counts for: a fourth of its probability among all.
NEVER_SEEN = 4.0

# For each feature the values of its levels, the most specific first: (address, asn, country), (agent, ...).
Features = tuple[tuple[Any, ...], ...]

_LOGINS = ""
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def _keys(features: Features) -> tuple[tuple[str, ...], ...]:
    """Return a text for each value, the place of its counters: feature, level, value."""
    return tuple(
        tuple(f"{feature}{level}{value!r}" for level, value in enumerate(values))
        for feature, values in enumerate(features)
    )


class LoginModel:
    """Counts successful logins; scores further ones in constant time.

    Memory is bounded: users and values used least lately are forgotten.
    """

    def __init__(self, max_users: int = MAX_USERS, max_values: int = MAX_VALUES) -> None:
        self._max_users = max_users
        self._max_values = max_values
        self._logins = 0
        self._users: OrderedDict[Any, dict[str, int]] = OrderedDict()
        self._counts: OrderedDict[str, int] = OrderedDict()
        # How many values each level has, by the first two letters of their keys.
        self._kinds: dict[str, int] = {}
        # The values of the further levels that came with a feature's most specific value.
        self._within: OrderedDict[str, tuple[frozenset[str], ...]] = OrderedDict()

    def is_new(self, user: Any, features: Features, feature: int, level: int) -> bool:
        """Tell whether the user never logged in with this value, though with others of its level."""
        own = self._users.get(user)
        if own is None or features[feature][level] is None:
            return False
        unknown = own.get(f"{feature}{level}None", 0)
        return unknown < own[_LOGINS] and _keys(features)[feature][level] not in own

    def score(self, user: Any, features: Features) -> float | None:
        """Return the quotient: about 0 for what the user always does, above 1 for what others rather do.

        None at a user's first login: there is nothing to compare with.
        """
        own = self._users.get(user)
        if own is None:
            return None
        logins = own[_LOGINS]
        score = self._logins / (len(self._users) * logins)
        for weights, keys in zip(WEIGHTS, _keys(features), strict=True):
            this_user = 0.0
            for weight, key in zip(weights, keys, strict=True):
                this_user += weight * own.get(key, 0)
            score *= self._among_all(weights, keys) * logins / this_user if this_user else NEVER_SEEN
        return score

    def _among_all(self, weights: tuple[float, ...], keys: tuple[str, ...]) -> float:
        """Return the probability of a feature's values among all logins, the most specific level smoothed."""
        counts, kinds = self._counts, 1
        further = 0.0
        for weight, key in zip(weights[1:], keys[1:], strict=True):
            kinds += self._kinds.get(key[:2], 0)
            further += weight * counts.get(key, 0)
        count = counts.get(keys[0], 0)
        within = count / (count + 1 + sum(map(len, self._within.get(keys[0], ())))) if count else 1.0
        return weights[0] * within * max(count, 1) / (self._logins + kinds) + further / self._logins

    def learn(self, user: Any, features: Features) -> None:
        """Count a successful login."""
        self._logins += 1
        own = self._users.get(user)
        if own is None:
            own = self._users[user] = {_LOGINS: 0}
        self._users.move_to_end(user)
        own[_LOGINS] += 1
        for keys in _keys(features):
            for key in keys:
                own[key] = own.get(key, 0) + 1
                self._count(key)
            self._link(keys)
        if len(own) > MAX_USER_VALUES:
            _forget_rarest(own, _keys(features))
        if len(self._users) > self._max_users:
            self._users.popitem(last=False)

    def _count(self, key: str) -> None:
        known = self._counts.get(key, 0)
        self._counts[key] = known + 1
        self._counts.move_to_end(key)
        if not known:
            self._kinds[key[:2]] = self._kinds.get(key[:2], 0) + 1
            if len(self._counts) > self._max_values:
                forgotten, _ = self._counts.popitem(last=False)
                self._kinds[forgotten[:2]] -= 1

    def _link(self, keys: tuple[str, ...]) -> None:
        """Remember with which further values the most specific one came; nearly always the same."""
        known = self._within.get(keys[0])
        if known is None:
            known = tuple(frozenset((key,)) for key in keys[1:])
        elif not all(key in old for key, old in zip(keys[1:], known, strict=True)):
            known = tuple(old | {key} for key, old in zip(keys[1:], known, strict=True))
        self._within[keys[0]] = known
        self._within.move_to_end(keys[0])
        if len(self._within) > self._max_values:
            self._within.popitem(last=False)


def _forget_rarest(own: dict[str, int], current: tuple[tuple[str, ...], ...]) -> None:
    kept = {_LOGINS, *(key for keys in current for key in keys)}
    while len(own) > MAX_USER_VALUES:
        del own[min((key for key in own if key not in kept), key=own.__getitem__)]
