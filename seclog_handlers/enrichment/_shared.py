"""The risk model of several processes: each learns from the logins that the others see, through a journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from seclog_handlers.enrichment.agents import MAX_AGENT, Agent, describe, scanner
from seclog_handlers.enrichment.risk import MAX_TIME, Login, Names, RiskModel, key_of, network_of, user_field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seclog_handlers.enrichment.journal import Journal
    from seclog_handlers.enrichment.travel import Journeys

_LOCATION = ("latitude", "longitude", "accuracy_radius_km")
# User agents that are remembered with their keys.
MAX_AGENTS = 4096

_KnownAgent = tuple[str, Agent, bool]


class Sharing:
    """Exchanges what processes see.

    Args:
        model: This process's model, which learns from the others'.
        journeys: Where users were last, None where that is not looked at.
        journal: What the others are told through.
        state_key: (field, value) -> the stable keyed text that stands for it; no identity leaves the process.
    """

    def __init__(
        self, model: RiskModel, journeys: Journeys | None, journal: Journal, state_key: Callable[[str, Any], str],
    ) -> None:  # fmt: skip
        self._model = model
        self._journeys = journeys
        self._journal = journal
        self._state_key = state_key
        self._agents: dict[str, _KnownAgent] = {}

    def exchange(self, fields: Mapping[str, Any], when: float, keys: Mapping[str, str], *, travels: bool) -> Names:
        """Tell the others of an event, and learn what they have told.

        Args:
            fields: The event.
            when: Its time.
            keys: Stable keys of the identities that it shows as tokens, by field.
            travels: Whether it says where the user is.

        Returns:
            The names under which to score it.
        """
        name = user_field(fields)
        user = None if name is None else keys.get(name) or self._state_key(name, fields[name])
        address = key_of(fields.get("ip_address"))
        if address is not None:
            address = keys.get("ip_address") or self._state_key("ip_address", address)
        names = user, address, self._agent(fields.get("user_agent"))
        self._learn(self._journal.swap(self._row(fields, when, names, travels=travels)))
        return names

    def _row(self, fields: Mapping[str, Any], when: float, names: Names, *, travels: bool) -> str | None:
        success, place = fields.get("success"), fields.get("geo_location")
        if success is not True and success is not False:
            return None
        spot = [place.get(part) for part in _LOCATION] if travels and type(place) is dict else []
        user, address, (text, device, _) = names
        login = Login(user, address, network_of(place), text, device, success, when)
        return json.dumps([*login, spot], separators=(",", ":"), default=str)

    def _agent(self, text: Any) -> _KnownAgent:
        text = text[:MAX_AGENT] if type(text) is str else ""
        known = self._agents.get(text)
        if known is None:
            if len(self._agents) >= MAX_AGENTS:
                self._agents.clear()
            key = self._state_key("user_agent", text) if text else ""
            known = self._agents[text] = key, describe(text), scanner(text) is not None
        return known

    def _learn(self, bodies: list[str]) -> None:
        for body in bodies:
            self._read(body)

    def _read(self, body: str) -> None:
        try:
            self._take(json.loads(body))
        except Exception:
            pass  # of another version, or nobody's

    def _take(self, told: Any) -> None:
        if type(told) is dict:
            self._model.note(told)
            return
        user, address, network, text, device, success, when, spot = told
        if not abs(when) < MAX_TIME:
            return
        login = Login(user, address, tuple(network), text, Agent(*device), success, float(when))
        self._model.learn(login)
        if spot and self._journeys is not None and success is True and user is not None:
            self._journeys.arrive(user, dict(zip(_LOCATION, spot, strict=True)), float(when))

    def note(self, alert: Mapping[str, Any]) -> None:
        """Tell the others of an incident; addresses by their keys."""
        group = alert.get("group")
        if type(group) is not dict:
            return
        names = {
            label: self._state_key("ip_address", value) if label == "ip_address" else value
            for label, value in group.items()
        }
        told = {"incident_id": alert.get("incident_id"), "incident_state": alert.get("incident_state"), "group": names}
        self._model.note(told)
        self._learn(self._journal.swap(json.dumps(told, separators=(",", ":"), default=str)))

    def close(self) -> None:
        """Tell the others what they have not been told yet, and let go of the journal."""
        self._learn(self._journal.close())
