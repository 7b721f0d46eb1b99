"""Where an address is: country, city, network owner, from local files; nothing is asked over a network."""

from __future__ import annotations

import os
import time
from pathlib import Path
from socket import AF_INET, inet_pton
from typing import TYPE_CHECKING, Any

from cachetools import FIFOCache

from seclog_handlers.enrichment._mmdb import EDITIONS, DatabaseFile, opened
from seclog_handlers.enrichment.addresses import SPECIAL_BYTES, documentation, ipv4_scope, parse_address, scope
from seclog_handlers.errors import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# geoipupdate's folder, and the one of Debian's geoip packages.
FOLDERS = ("/var/lib/GeoIP", "/usr/share/GeoIP")
FIELDS = (
    "country", "city", "latitude", "longitude", "accuracy_radius_km", "asn", "as_org", "is_anonymous",
)  # fmt: skip

VARIABLE = "SECLOG_GEOIP_DB"
CACHE_SIZE = 4096
# They are kept in pages: the one that is being filled, and so many full ones, each of which costs every new address
# a look-up.
FULL_PAGES = 1
PAGE = CACHE_SIZE // (1 + FULL_PAGES)
# Files are looked at this often, in seconds of the monotonic clock; a new one is in use within 5 s.
CHECK_INTERVAL = 2.0
# And so often while one is being read.
READING_INTERVAL = 0.2

Location = dict[str, Any]


class Known:
    """Locations by address, of what is not known an empty one; whole pages go, first in, first out.

    An eviction for each new address would cost 1.3 us, a fifth of a look-up in a City database, and a hit 0.15 more.

    Attributes:
        page: The page that is being filled. Public, as are `pages`, the full ones, for look-ups that must not cost
            a call.
    """

    def __init__(self) -> None:
        self.page: dict[str, Location] = {}
        self.pages: tuple[dict[str, Location], ...] = ()
        self._full: FIFOCache[int, dict[str, Location]] = FIFOCache(FULL_PAGES)

    def __len__(self) -> int:
        """Return how many addresses it knows."""
        return len(self.page) + sum(map(len, self.pages))

    def add(self, address: str, found: Location) -> None:
        """Keep what is known of an address."""
        if len(self.page) >= PAGE:
            self._full[id(self.page)] = self.page
            self.pages = tuple(self._full.values())
            self.page = {}
        self.page[address] = found


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
        self._cache = Known()
        self._places = [place for paths in (given, named) if (place := _files(paths, asked=True))]
        self._places += [_files([folder], asked=False) for folder in FOLDERS]
        self._country: Callable[[str], str | None] | None = None
        self._active: dict[DatabaseFile, int] = {}
        # What asks them, or the country table.
        self._known: Callable[[str], Location] = self._by_country
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
        if type(address) is not str:
            parsed = parse_address(address)
            if parsed is None:
                return self._no_address()
            address = str(parsed)
        found = self._cache.page.get(address)
        if found is None:
            found = self._find(address)
        return found.copy() if found else None

    def epoch(self) -> object:
        """Return what is another object whenever `locate` may say something else of an address than before."""
        now = time.monotonic()
        if now >= self._due:
            self._refresh(now, wait=False)
        return self._cache

    def _find(self, value: str) -> Location | None:
        cache = self._cache
        for page in cache.pages:
            found = page.get(value)
            if found is not None:
                cache.add(value, found)
                return found
        try:
            special = inet_pton(AF_INET, value)[0] in SPECIAL_BYTES
        except (OSError, ValueError):
            special = True
        # Written out for what most are; the rest is looked at with care.
        found = self._known(value) if not special else self._find_special(value)
        if found is None:
            return self._no_address()
        if not found and not special:
            found = _unknown(value)
        page = cache.page
        if len(page) < PAGE:
            page[value] = found
        else:
            cache.add(value, found)
        return found

    def _find_special(self, value: str) -> Location | None:
        """Find what is no usual IPv4 address, or may be of a range that is no place."""
        kind, text = ipv4_scope(value), value
        if kind is None:
            address = parse_address(value)
            if address is None:
                return None
            kind, text = scope(address), str(address)
        return {"scope": kind} if kind else self._known(text) or _unknown(text)

    def _no_address(self) -> Location | None:
        self.not_addresses += 1
        return None

    def _from_all(self, address: str) -> Location:
        found: Location = {}
        for database in self._active:
            found = {**database.location(address), **found}
        return {field: found[field] for field in FIELDS if field in found}

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
                    self._known = next(iter(usable)).location if len(usable) == 1 else self._from_all
                    self._cache = Known()
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
