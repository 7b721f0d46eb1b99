"""Where an address is: country, city, network owner, from local files; nothing is asked over a network."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import FIFOCache

from seclog_handlers.enrichment._mmdb import EDITIONS, DatabaseFile, opened
from seclog_handlers.enrichment.addresses import documentation, ipv4_scope, parse_address, scope
from seclog_handlers.errors import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# geoipupdate's folder, and the one of Debian's geoip packages.
FOLDERS = ("/var/lib/GeoIP", "/usr/share/GeoIP")
FIELDS = (
    "country", "city", "latitude", "longitude", "accuracy_radius_km", "asn", "as_org", "is_anonymous",
)  # fmt: skip

VARIABLE = "SECLOG_GEOIP_DB"
CACHE_SIZE = 8192
# Files are looked at this often, in seconds of the monotonic clock; a new one is in use within 5 s.
CHECK_INTERVAL = 2.0
# And so often while one is being read.
READING_INTERVAL = 0.2

Location = dict[str, Any]


def _empty_cache() -> FIFOCache[str, Location]:
    """Return a cache for locations, of what is not known an empty one.

    First in, first out: a hit costs a third of what it does where the order of use is kept (0.2 to 0.6 us).
    """
    return FIFOCache(CACHE_SIZE)


class GeoLocator:
    """Locates addresses with the first of these that is there.

    The databases given; those of the environment variable SECLOG_GEOIP_DB (paths as in PATH); those that
    geoipupdate left in its folders; the country table of the package iptocc. Several databases of one place
    add up: the first that knows a field says it. Without any, only private, loopback and reserved addresses are
    named. A file that is missing or broken is warned about once, and looked for again every two seconds; one
    that breaks later keeps its last good data. Files are read at the start; later a thread reads them, which
    no look-up waits for.

    Args:
        database: Paths of .mmdb files (MaxMind's City, Country, ASN, Anonymous-IP, or flat ones with
            country_code, asn, as_name), or of folders with MaxMind's editions.
    """

    def __init__(self, database: Iterable[str] | str = ()) -> None:
        given = [database] if isinstance(database, str) else list(database)
        named = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
        self._cache = _empty_cache()
        self._places = [place for paths in (given, named) if (place := _files(paths, asked=True))]
        self._places += [_files([folder], asked=False) for folder in FOLDERS]
        self._country: Callable[[str], str | None] | None = None
        self._active: dict[DatabaseFile, int] = {}
        self._due = 0.0
        # How many values were given that are no address.
        self.not_addresses = 0
        self._refresh(time.monotonic(), wait=True)

    def locate(self, address: Any) -> Location | None:
        """Return what is known of an address, or None.

        Args:
            address: Text in any notation that `parse_address` reads, or an address object.

        Returns:
            A new dict with some of country (ISO 3166), city, latitude, longitude, accuracy_radius_km, asn,
            as_org, is_anonymous; or {"scope": "private" | "loopback" | "reserved"}. Never raises.
        """
        now = time.monotonic()
        if now >= self._due:
            self._refresh(now, wait=False)
        found = self._cache.get(address) if type(address) is str else None
        if found is None:
            found = self._look_up(address)
        return found.copy() if found else None

    def _look_up(self, value: Any) -> Location | None:
        if type(value) is not str:
            address = parse_address(value)
            if address is None:
                return self._no_address()
            value = str(address)
            if (known := self._cache.get(value)) is not None:
                return known
        kind, text = ipv4_scope(value), value
        if kind is None:
            address = parse_address(value)
            if address is None:
                return self._no_address()
            kind, text = scope(address), str(address)
        found: Location = {"scope": kind} if kind else self._known(text)
        self._remember(value, found)
        return found

    def _remember(self, value: str, found: Location) -> None:
        try:
            self._cache[value] = found
        except KeyError:
            pass  # two threads made room at once: the next look-up finds it anew

    def _no_address(self) -> Location | None:
        self.not_addresses += 1
        return None

    def _known(self, address: str) -> Location:
        if not self._active:
            return self._by_country(address) or _unknown(address)
        found: Location = {}
        for database in self._active:
            found = {**database.location(address), **found} if found else database.location(address)
        if len(self._active) > 1:
            found = {field: found[field] for field in FIELDS if field in found}
        return found or _unknown(address)

    def _by_country(self, address: str) -> Location:
        if self._country is None:
            self._country = _country_table()
        country = self._country(address)
        return {"country": country} if country else {}

    def _refresh(self, now: float, *, wait: bool) -> None:
        """Use the first place that has a readable file, and the newest version of each file."""
        self._due = now + CHECK_INTERVAL
        for place in self._places:
            usable = {database: version for database in place if (version := database.refresh(wait=wait))}
            if any(database.reading for database in place):
                self._due = now + min(CHECK_INTERVAL, READING_INTERVAL)
            if usable:
                if usable != self._active:
                    self._active = usable
                    self._cache = _empty_cache()
                return


def _unknown(address: str) -> Location:
    parsed = parse_address(address)
    return {"scope": "reserved"} if parsed is not None and documentation(parsed) else {}


def _files(paths: list[str], *, asked: bool) -> list[DatabaseFile]:
    files: list[DatabaseFile] = []
    for path in map(Path, paths):
        if not asked or path.is_dir():
            files += [opened(path / f"{edition}.mmdb", asked=False) for edition in EDITIONS]
        else:
            files.append(opened(path, asked=True))
    return files


def _country_table() -> Callable[[str], str | None]:
    try:
        from iptocc import country_code  # noqa: PLC0415 - the extra `geo`
    except ImportError:
        warn_once(
            "No geo database was found, so geo_location is left out (private addresses are still marked): "
            "set geoip.database to a .mmdb file, or install seclog-handlers[geo], or set geoip = off.",
        )
        return lambda _: None
    return country_code  # type: ignore[no-any-return, unused-ignore]
