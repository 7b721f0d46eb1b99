"""How unusual a login is for its user: the model of Freeman et al. (NDSS 2016), equation 7, in counters.

For each feature (address, user agent) the probability of its value among all logins is divided by that among
the user's own; the features' quotients are multiplied, and weighed by how often this user logs in. Each
feature is a mixture of levels with the weights of Wiefling et al. (2021), and smoothed as in their published
implementation.

Every value is an object that counts itself, and a user is a list of such objects with own counts. So a login
costs a few look-ups and additions, however many came before it.
"""

from __future__ import annotations

from typing import Any

from seclog_handlers.enrichment._recent import Recent

MAX_USERS = 20_000
MAX_ADDRESSES = 30_000
MAX_AGENTS = 10_000
# Of each further level: networks, countries, browsers, systems, devices.
MAX_FURTHER = 10_000
# Places and agents that one user is remembered with; nobody logs in from more that still tell something.
MAX_OWN = 32
# Further values that one address is remembered with.
MAX_SEEN = 64

# Wiefling, Duermuth, Lo Iacono: What's in Score for Website Users (2021).
ADDRESS, ASN, COUNTRY = ADDRESS_WEIGHTS = (0.6, 0.3, 0.1)
AGENT, BROWSER, SYSTEM, DEVICE = AGENT_WEIGHTS = (
    0.5386653840551359, 0.2680451498625666, 0.18818295100109536, 0.0051065150812021525,
)  # fmt: skip

# What a feature never seen with this user counts for: a fourth of its probability among all.
NEVER_SEEN = 4.0

# A device is new only to a user who logged in this often.
SETTLED = 3

NOTHING: frozenset[str] = frozenset()

# A user's list: the number of logins, then pairs of a value and how often it came.
Own = list[Any]
_ONE_PLACE_ONE_AGENT = 5


class Count:
    """A value of a further level: how often it came."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Further:
    """The further values that come with a most specific one: as they are, and their counts."""

    __slots__ = ("counts", "values")

    def __init__(self, values: tuple[Any, ...], counts: tuple[Count, ...]) -> None:
        self.values = values
        self.counts = counts


class Value:
    """A most specific value, an address or a user agent's text, with the further values it came with.

    Attributes:
        count: How often it came.
        further: What it came with.
        main: The same value with the further values it came with first, which counts for all; None for that.
        unseen: How many further values it came with, and one: the smoothing of its probability.
        users: How many users it came with.
    """

    __slots__ = ("count", "further", "main", "unseen", "users")

    def __init__(self, further: Further, main: Value | None) -> None:
        self.further = further
        self.main = main
        self.count = 0
        self.unseen = 1 + len(further.counts)
        self.users = 0


class Place(Value):
    """An address, with its network and country."""

    __slots__ = ()


class Agent(Value):
    """A user agent, with its browser, system and device."""

    __slots__ = ()


class Feature:
    """The values of one feature, counted among all logins.

    Attributes:
        kinds: How many further values there are, and one.
    """

    def __init__(self, kind: type[Value], weights: tuple[float, ...], size: int) -> None:
        self._kind = kind
        self._weights = weights
        self._values: Recent[Value] = Recent(size)
        # All further values of those that came with more than one set of them.
        self._seen: Recent[tuple[Count, ...]] = Recent(size)
        self._levels = [Recent[Count](MAX_FURTHER) for _ in weights[1:]]
        self._furthers: Recent[Further] = Recent(MAX_FURTHER)
        self.kinds = 1

    def find(self, key: Any, rest: tuple[Any, ...]) -> Value:
        """Return the value; one that never came counts nothing, and is not kept."""
        main = self._values.young.get(key) or self._values.get(key)
        if main is None:
            return self._kind(self._further(rest), None)
        if main.further.values == rest:
            return main
        return self._values.get((key, rest)) or self._kind(self._further(rest), main)

    def main(self, key: Any) -> Value | None:
        """Return what is remembered of a value, whatever it came with."""
        return self._values.get(key)

    def _further(self, rest: tuple[Any, ...]) -> Further:
        found = self._furthers.get(rest)
        if found is None:
            pairs = zip(self._levels, rest, strict=True)
            found = Further(rest, tuple(level.get(value) or Count() for level, value in pairs))
        return found

    def learn(self, key: Any, value: Value) -> None:
        """Count a value that came."""
        if not value.count:
            self._keep(key, value)
        value.count += 1
        if value.main is not None:
            value.main.count += 1
        for count in value.further.counts:
            count.count += 1

    def _keep(self, key: Any, value: Value) -> None:
        further, main = value.further, value.main
        for level, part, count in zip(self._levels, further.values, further.counts, strict=True):
            if level.get(part) is not count:
                level[part] = count
        self._furthers[further.values] = further
        self.kinds = 1 + sum(map(len, self._levels))
        if main is None:
            self._values[key] = value
            return
        self._values[(key, further.values)] = value
        seen = self._seen.get(key) or main.further.counts
        seen += tuple(count for count in further.counts if count not in seen)
        if len(seen) <= MAX_SEEN:
            self._seen[key] = seen
            main.unseen = 1 + len(seen)

    def overlap(self, one: Value, other: Value) -> float:
        """Return the weights of the levels on which two values agree."""
        same = self._weights[0] if (one.main or one) is (other.main or other) else 0.0
        levels = zip(self._weights[1:], one.further.counts, other.further.counts, strict=True)
        return same + sum(weight for weight, count, count2 in levels if count is count2)


class LoginModel:
    """Counts successful logins; scores further ones in constant time.

    Memory is bounded: users and values that were not used for long are forgotten.
    """

    def __init__(self) -> None:
        self._logins = 0
        self._users: Recent[Own] = Recent(MAX_USERS)
        self._places = Feature(Place, ADDRESS_WEIGHTS, MAX_ADDRESSES)
        self._agents = Feature(Agent, AGENT_WEIGHTS, MAX_AGENTS)

    def judge(
        self,
        user: Any,
        address: Any,
        network: tuple[Any, Any],
        text: str,
        device: tuple[str, str, str],
        learn: bool,
    ) -> tuple[float | None, frozenset[str]]:
        """Score a login.

        Args:
            user: Whose it is.
            address: Where it comes from.
            network: The address's ASN and country.
            text: The user agent.
            device: The user agent's browser, system and device.
            learn: Whether to count the login, which succeeded.

        Returns:
            The quotient, about 0 for what the user always does, above 1 for what others rather do; None at a
            user's first login, when there is nothing to compare with. And what of it is new to the user, of
            `address`, `asn`, `country`, `device`.
        """
        users = self._users
        own = users.young.get(user) or users.get(user)
        if own is None and not learn:
            return None, NOTHING
        place, agent = self._places.find(address, network), self._agents.find(text, device)
        if own is None:
            users[user] = own = [0]
            self._learn(own, address, place, text, agent)
            return None, NOTHING
        if len(own) == _ONE_PLACE_ONE_AGENT and own[1] is place and own[3] is agent:
            place_at, agent_at, here, with_it = 2, 4, own[2], own[4]
        else:
            place_at, agent_at, here, with_it = self._among_own(own, place, agent)
        total, logins = self._logins, own[0]
        score = total / ((len(users.young) + len(users.old)) * logins)
        # Both quotients and the counting are written out: this is what every login of the day costs.
        main = place.main or place
        count = main.count
        first = ADDRESS * (count * count / (count + main.unseen) if count else 1.0)
        asn, country = place.further.counts
        further = ASN * asn.count + COUNTRY * country.count
        score *= (first / (total + self._places.kinds) + further / total) * logins / here if here else NEVER_SEEN
        main = agent.main or agent
        count = main.count
        first = AGENT * (count * count / (count + main.unseen) if count else 1.0)
        browser, system, kind = agent.further.counts
        further = BROWSER * browser.count + SYSTEM * system.count + DEVICE * kind.count
        score *= (first / (total + self._agents.kinds) + further / total) * logins / with_it if with_it else NEVER_SEEN
        news = NOTHING if place_at and agent_at else _news(own, place, agent)
        if not learn:
            return score, news
        if place_at and agent_at and place.main is None and agent.main is None:
            self._logins = total + 1
            own[0] = logins + 1
            own[place_at] += 1
            own[agent_at] += 1
            place.count += 1
            asn.count += 1
            country.count += 1
            agent.count += 1
            browser.count += 1
            system.count += 1
            kind.count += 1
        else:
            self._learn(own, address, place, text, agent)
        return score, news

    def users_at(self, address: Any) -> int:
        """Return how many users have logged in from an address, as far as is remembered."""
        place = self._places.main(address)
        return place.users if place is not None else 0

    def _among_own(self, own: Own, place: Value, agent: Value) -> tuple[int, int, float, float]:
        """Return where the user's list counts the place and the agent, and their weighed counts."""
        place_at = agent_at = 0
        here = with_it = 0.0
        for at in range(2, len(own), 2):
            value = own[at - 1]
            if value is place:
                place_at = at
                here += own[at]
            elif value is agent:
                agent_at = at
                with_it += own[at]
            elif type(value) is Place:
                here += own[at] * self._places.overlap(value, place)
            else:
                with_it += own[at] * self._agents.overlap(value, agent)
        return place_at, agent_at, here, with_it

    def _learn(self, own: Own, address: Any, place: Value, text: str, agent: Value) -> None:
        self._logins += 1
        own[0] += 1
        self._places.learn(address, place)
        self._agents.learn(text, agent)
        _learn_own(own, place)
        _learn_own(own, agent)


def _learn_own(own: Own, value: Value) -> None:
    """Count a value among the user's own; of too many the rarest goes."""
    for at in range(2, len(own), 2):
        if own[at - 1] is value:
            own[at] += 1
            return
    (value.main or value).users += 1
    if len(own) > 2 * MAX_OWN:
        rarest = min(range(2, len(own), 2), key=own.__getitem__)
        del own[rarest - 1 : rarest + 1]
    own += (value, 1)


def _news(own: Own, place: Value, agent: Value) -> frozenset[str]:
    """Return what the user was never seen with; what is not known is not new, nor is the first that is known."""
    values = own[1::2]
    places = [value for value in values if type(value) is Place]
    news = set()
    if not any((place.main or place) is (known.main or known) for known in places):
        news.add("address")
    for level, name in enumerate(("asn", "country")):
        known = {value.further.values[level] for value in places} - {None}
        if known and place.further.values[level] not in (None, *known):
            news.add(name)
    if own[0] >= SETTLED and not any(_same_device(agent, known) for known in values if type(known) is Agent):
        news.add("device")
    return frozenset(news)


def _same_device(one: Value, other: Value) -> bool:
    """Tell whether browser, system and kind are the same, whatever their versions."""
    names = [[str(name).rstrip("0123456789. ") for name in agent.further.values] for agent in (one, other)]
    return names[0] == names[1]
