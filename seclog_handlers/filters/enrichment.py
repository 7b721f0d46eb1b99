"""Stages 5 and 6: where an event comes from, and how risky it is."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from seclog_handlers import _config, rendering
from seclog_handlers._occurrences import Search, may_show, needles
from seclog_handlers._record import MARK, PROCESS, Mark, derive, ensure_mark, fields_of, note_error, reserve
from seclog_handlers.enrichment._shared import Sharing
from seclog_handlers.enrichment.addresses import parse_address, truncate
from seclog_handlers.enrichment.geo import GeoLocator
from seclog_handlers.enrichment.journal import MEMORY, open_journal, shown
from seclog_handlers.enrichment.risk import LEVEL_OF, MAX_TIME, RiskModel, Subject, subject_of
from seclog_handlers.enrichment.travel import MAX_KMH, MIN_KM, WITHIN_HOURS, Journeys
from seclog_handlers.enrichment.trusted import TrustedSources
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.events import AUTHENTICATION
from seclog_handlers.filters.stage import WITHHELD, Kind, Stage, words
from seclog_handlers.filters.surfaces import Surfaces, bound, replace_everywhere
from seclog_handlers.pseudonym import Pseudonymizer, parse_keys

IP_POLICIES = ("keep", "truncate", "token")
# Fields that hold no address of the client's, or the one that is replaced as a whole.
_SKIP = frozenset({"ip_address", "geo_location", "event_type"})
_SCORED = frozenset({"risk_score", "risk_level", "risk_factors"})
# What an event is scored by.
_SAID = ("username", "user_id", "email", "ip_address", "user_agent", "geo_location")
_RISK = _SCORED | {"impossible_travel"}


class GeoIPFilter(Stage):
    """Say where an address is, mark trusted sources, then hide the address as the `ip` policy asks.

    Args:
        database: Paths of .mmdb files; without any the usual places are searched.
        ip: `keep`, `truncate` (/24, /48) or `token` (the network in clear, then the host's token).
        trusted: name -> {ranges, users, agents, paths, reason, expires}.
        keys: Keys of the tokens, as for PseudonymFilter.
        lookup: Whether to look addresses up at all.
        pseudonymizer: A ready one instead of `keys`.
    """

    def __init__(
        self,
        database: Iterable[str] | str = (),
        ip: str = "keep",
        trusted: Mapping[str, Any] | TrustedSources | None = None,
        keys: Iterable[str] | str = (),
        lookup: bool = True,
        pseudonymizer: Pseudonymizer | None = None,
    ) -> None:
        super().__init__()
        self._ip = _config.as_choice("ip", ip, IP_POLICIES)
        self._engine = pseudonymizer or Pseudonymizer(keys=parse_keys("pseudonyms.keys", _config.plain(keys)))
        if not isinstance(trusted, TrustedSources):
            trusted = TrustedSources(_config.plain(trusted or {}), token=self._engine.token)
        self._trusted = trusted
        self._surfaces = Surfaces(_SKIP)
        self._locator = GeoLocator(words("geoip.database", database)) if lookup else None
        # Hiding an address protects; looking it up only enriches.
        self.protects = self._ip != "keep"  # type: ignore[misc]
        # Trust expires.
        self.repeats = not self._trusted  # type: ignore[misc]

    @property
    def not_addresses(self) -> int:
        """How many values of `ip_address` were no address, so that nothing is known of them."""
        return self._locator.not_addresses if self._locator is not None else 0

    def epoch(self) -> object:
        """Return what changes with the databases: as long as it is the same, an address is where it was."""
        return None if self._locator is None else self._locator.epoch()

    def leaves(self, name: str) -> bool:  # noqa: ARG002 - any may show the address
        """All fields, unless addresses are hidden: they are wherever they are shown."""
        return self._ip == "keep"

    def concerns(self, kind: Kind) -> bool:
        """Only records with an address; any, where users, agents or paths may be trusted."""
        return "ip_address" in kind.fields or bool(self._trusted)

    def _apply(self, record: logging.LogRecord) -> None:
        address = record.__dict__.get("ip_address")
        if address is None and not self._trusted:
            return
        mark = ensure_mark(record)
        if "geo" in mark.applied:
            return
        mark.applied.add("geo")
        try:
            self._enrich(record, mark, address)
        except Exception as error:
            note_error(record, type(self).__name__, error)
        if self._ip != "keep" and address is not None:
            self._hide(record, address)

    def _enrich(self, record: logging.LogRecord, mark: Mark, address: Any) -> None:
        if self._trusted:
            trusted = self._trusted.match(fields_of(record), address, record.created)
            if trusted:
                derive(record, "trusted", trusted)
        location = self._locator.locate(address) if self._locator is not None and address is not None else None
        if location is not None:
            attributes = record.__dict__
            if "geo_location" in attributes:
                reserve(record, "geo_location")
            mark.derived.add("geo_location")
            attributes["geo_location"] = location

    def _hide(self, record: logging.LogRecord, address: Any) -> None:
        bound(record)
        attributes = record.__dict__
        attributes["ip_address"] = self._hidden(address)
        if self._ip == "token":
            # What is counted by address does not start anew when the keys rotate.
            ensure_mark(record).state_keys["ip_address"] = self._engine.state_key("ip_address", address)
        found = {rendering.text(address), str(parse_address(address) or "")}
        pairs = [(raw, attributes["ip_address"]) for raw in found if raw]
        headers = attributes.get("security_headers")
        if type(headers) is dict and "forwarded_for" in headers:
            pairs.append((headers["forwarded_for"], self._hidden(headers["forwarded_for"])))
        self._replace(record, pairs)

    def _replace(self, record: logging.LogRecord, pairs: list[tuple[str, str]]) -> None:
        text = self._surfaces.text(record.__dict__, ())
        if text is None or may_show(text, [needle for raw, _ in pairs for needle in needles(raw)]):
            replace_everywhere(record, Search(pairs), _SKIP)

    def _hidden(self, address: Any) -> str:
        parsed = parse_address(address)
        if parsed is None:
            return WITHHELD
        return truncate(parsed) if self._ip == "truncate" else self._engine.address(str(parsed))


class RiskFilter(Stage):
    """Score authentication events from 0 to 100, and name the level and the reasons.

    Uses what the stages before it left on the record: tokens, location, the shown address. A journey that nobody
    makes becomes `impossible_travel`: {km, kmh}; events of trusted sources are no journeys.

    Args:
        travel_kmh: Highest speed between two logins that is still travel.
        travel_km: Shorter distances are never impossible.
        travel_hours: Logins further apart in time say nothing; 0 looks for no journeys.
        state: Where what is learnt is kept: `memory://`, in this process only; or `sqlite:///...`, `redis://...`,
            which processes share and which outlives them.
        keys: Keys of the names in a shared state, as for PseudonymFilter.
        pseudonymizer: A ready one instead of `keys`.
    """

    def __init__(
        self,
        travel_kmh: float | str = MAX_KMH,
        travel_km: float | str = MIN_KM,
        travel_hours: float | str = WITHIN_HOURS,
        state: str = MEMORY,
        keys: Iterable[str] | str = (),
        pseudonymizer: Pseudonymizer | None = None,
    ) -> None:
        super().__init__()
        self._model = RiskModel()
        hours = _config.as_number("risk.travel_hours", travel_hours)
        self._journeys = Journeys(
            _config.as_number("risk.travel_kmh", travel_kmh, minimum=1),
            _config.as_number("risk.travel_km", travel_km),
            hours,
        ) if hours else None  # fmt: skip
        self._sharing = self._shared(state, keys, pseudonymizer)

    def _shared(self, state: str, keys: Any, engine: Pseudonymizer | None) -> Sharing | None:
        journal = open_journal(state)
        if journal is None:
            return None
        engine = engine or Pseudonymizer(keys=parse_keys("pseudonyms.keys", _config.plain(keys)))
        if engine.ephemeral:
            raise ConfigurationError(
                f"risk.state is {shown(state)!r}, which processes share, but there are no pseudonyms.keys: with random "
                "keys each process would know the same user under another name. Set pseudonyms.keys = env:NAME or "
                "file:PATH, or use risk.state = memory://.",
            )
        return Sharing(self._model, self._journeys, journal, engine.state_key)

    def note(self, alert: logging.LogRecord) -> None:
        """Take note of an alert: events about its user, address or network score higher until it is resolved."""
        (self._sharing or self._model).note(alert.__dict__)

    def close(self) -> None:
        """Let go of a shared state's file or connection; the next event opens it again."""
        if self._sharing is not None:
            self._sharing.close()

    def concerns(self, kind: Kind) -> bool:
        """Only events."""
        return "event_type" in kind.fields

    def filter(self, record: logging.LogRecord) -> bool:
        """Score an authentication event; always True."""
        attributes = record.__dict__
        kind = attributes.get("event_type")
        if type(kind) is str and kind == AUTHENTICATION:
            try:
                self._score(record, attributes)
            except Exception as error:
                self._fail(record, error)
        return True

    def _score(self, record: logging.LogRecord, attributes: dict[str, Any]) -> None:
        mark = attributes.get(MARK)
        if type(mark) is not Mark or mark.origin is not PROCESS:
            mark = ensure_mark(record)
        if "risk" in mark.applied:
            return
        mark.applied.add("risk")
        if not attributes.keys().isdisjoint(_RISK):
            for name in _RISK.intersection(attributes):
                reserve(record, name)
        when = attributes["created"]
        if not abs(when) < MAX_TIME:
            raise ValueError("no time")
        known = mark.repeat.memory.get(self) if mark.repeat is not None else None
        # Of a record that is like an earlier one, it is known what it says.
        subject = known[2] if known is not None and known[0](attributes) == known[1] else None
        if subject is None:
            subject = self._subject(attributes, mark, when)
        journey = None
        if subject[1] is True and subject[0] is not None:
            journey = self._travel(attributes, mark, subject[0])
            if journey is not None:
                derive(record, "impossible_travel", journey)
        score, factors = self._model.judge(subject, when, journey is not None)
        mark.derived |= _SCORED
        attributes["risk_score"], attributes["risk_level"], attributes["risk_factors"] = score, LEVEL_OF[score], factors

    def _subject(self, attributes: dict[str, Any], mark: Mark, when: float) -> Subject:
        """Return what an event says, and remember it for those that are like it."""
        if self._sharing is not None:
            travels = "trusted" not in mark.derived
            names = self._sharing.exchange(attributes, when, mark.state_keys, travels=travels)
            return subject_of(attributes, names=names)
        repeat = mark.repeat
        if repeat is None:
            return subject_of(attributes)
        subject = subject_of(attributes)
        if self not in repeat.memory:  # otherwise somebody else has changed this one since
            fetch = itemgetter("event_type", *[name for name in (*_SAID, "success") if name in attributes])
            repeat.memory[self] = fetch, fetch(attributes), subject
        return subject

    def _travel(self, attributes: dict[str, Any], mark: Mark, user: Any) -> dict[str, Any] | None:
        """Note where a login came from; a trusted source is an office or a VPN, and says nothing of that."""
        location = attributes.get("geo_location")
        if self._journeys is None or type(location) is not dict or "trusted" in mark.derived:
            return None
        return self._journeys.arrive(user, location, attributes["created"])
