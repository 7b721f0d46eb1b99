"""Stages 5 and 6: where an event comes from, and how risky it is."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from seclog_handlers import _config, rendering
from seclog_handlers._record import derive, ensure_mark, fields_of, note_error
from seclog_handlers.enrichment.addresses import parse_address, truncate
from seclog_handlers.enrichment.geo import GeoLocator
from seclog_handlers.enrichment.risk import RiskModel
from seclog_handlers.enrichment.trusted import TrustedSources
from seclog_handlers.filters.pseudonyms import replace_everywhere
from seclog_handlers.filters.stage import WITHHELD, Stage, applied, words
from seclog_handlers.pseudonym import Pseudonymizer, parse_keys

IP_POLICIES = ("keep", "truncate", "token")
# Fields that hold no address of the client's, or the one that is replaced as a whole.
_SKIP = frozenset({"ip_address", "geo_location", "event_type"})


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
        self._locator = GeoLocator(words("geoip.database", database)) if lookup else None
        # Hiding an address protects; looking it up only enriches.
        self.protects = self._ip != "keep"  # type: ignore[misc]

    def _apply(self, record: logging.LogRecord) -> None:
        address = record.__dict__.get("ip_address")
        if applied(record, "geo") or (address is None and not self._trusted):
            return
        ensure_mark(record).applied.add("geo")
        try:
            self._enrich(record, address)
        except Exception as error:
            note_error(record, type(self).__name__, error)
        if self._ip != "keep" and address is not None:
            self._hide(record, address)

    def _enrich(self, record: logging.LogRecord, address: Any) -> None:
        if self._trusted:
            trusted = self._trusted.match(fields_of(record), address, record.created)
            if trusted:
                derive(record, "trusted", trusted)
        location = self._locator.locate(address) if self._locator is not None and address is not None else None
        if location:
            derive(record, "geo_location", location)

    def _hide(self, record: logging.LogRecord, address: Any) -> None:
        attributes = record.__dict__
        attributes["ip_address"] = self._hidden(address)
        found = {rendering.text(address), str(parse_address(address) or "")}
        pairs = [(raw, attributes["ip_address"]) for raw in found if raw]
        headers = attributes.get("security_headers")
        if type(headers) is dict and "forwarded_for" in headers:
            pairs.append((headers["forwarded_for"], self._hidden(headers["forwarded_for"])))
        replace_everywhere(record, pairs, self._engine, _SKIP)

    def _hidden(self, address: Any) -> str:
        parsed = parse_address(address)
        if parsed is None:
            return WITHHELD
        return truncate(parsed) if self._ip == "truncate" else self._engine.address(str(parsed))


class RiskFilter(Stage):
    """Score authentication events from 0 to 100 and name the reasons.

    Uses what the stages before it left on the record: tokens, country, the shown address.
    """

    def __init__(self) -> None:
        super().__init__()
        self._model = RiskModel()

    def _apply(self, record: logging.LogRecord) -> None:
        if record.__dict__.get("event_type") != "authentication" or applied(record, "risk"):
            return
        ensure_mark(record).applied.add("risk")
        score, factors = self._model.score(fields_of(record), record.created)
        derive(record, "risk_score", score)
        derive(record, "risk_factors", factors)
