"""Which users, addresses and networks have an open incident, as alerts tell it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from seclog_handlers.enrichment.addresses import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping

# Incidents that are remembered as open; the oldest go.
MAX_OPEN = 10_000

_USERS = frozenset({"username", "user_id", "email"})
_BITS = {4: 32, 6: 128}

_Subject = tuple[Any, ...]


class OpenIncidents:
    """The open incidents that alerts told of, by who they are about.

    Attributes:
        subjects: Who they are about, and how many are about each.
    """

    def __init__(self) -> None:
        self._open: dict[str, list[_Subject]] = {}
        self.subjects: dict[_Subject, int] = {}
        # The (version, prefix length) of networks that ever had an incident.
        self._prefixes: set[tuple[int, int]] = set()

    def __bool__(self) -> bool:
        """Tell whether any is open."""
        return bool(self.subjects)

    def note(self, alert: Mapping[str, Any]) -> None:
        """Note an alert: its `incident_id`, `incident_state` and `group`."""
        incident, group = alert.get("incident_id"), alert.get("group")
        if type(incident) is not str or type(group) is not dict:
            return
        if alert.get("incident_state") == "resolve":
            self._close(incident)
        elif incident not in self._open:
            subjects = [found for label, value in group.items() if (found := _subject(label, value)) is not None]
            self._open[incident] = subjects
            for subject in subjects:
                self.subjects[subject] = self.subjects.get(subject, 0) + 1
                if subject[0] == "network":
                    self._prefixes.add((subject[1], subject[2]))
            if len(self._open) > MAX_OPEN:
                self._close(next(iter(self._open)))

    def _close(self, incident: str) -> None:
        for subject in self._open.pop(incident, ()):
            left = self.subjects.get(subject, 0) - 1
            if left > 0:
                self.subjects[subject] = left
            else:
                self.subjects.pop(subject, None)

    def nearest(self, user: Any, address: Any, shown: Any) -> str | None:
        """Return what has an open incident: `address`, else its `network`, else the `user`; None if none of them has.

        Args:
            user: Whose the event is; None if that shall not count.
            address: Where it comes from.
            shown: The address as text.
        """
        subjects = self.subjects
        if ("address", address) in subjects:
            return "address"
        parsed = parse_address(shown) if self._prefixes else None
        if parsed is not None:
            number, bits = int(parsed), _BITS[parsed.version]
            for version, prefix in self._prefixes:
                subject = ("network", version, prefix, number >> max(0, bits - prefix))
                if version == parsed.version and subject in subjects:
                    return "network"
        return "user" if user is not None and ("user", user) in subjects else None


def _subject(label: Any, value: Any) -> _Subject | None:
    if type(label) is not str or type(value) is not str:
        return None
    name, slash, _ = label.partition("/")
    if name in _USERS and not slash:
        return ("user", value)
    if name != "ip_address":
        return None
    if not slash:
        return ("address", value)
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        return None  # the policy hides addresses: nothing to compare
    shift = _BITS[network.version] - network.prefixlen
    return ("network", network.version, network.prefixlen, int(network.network_address) >> shift)
