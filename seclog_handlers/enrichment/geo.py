"""Where an address is: country, city, network owner, from local files; nothing is asked over a network."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seclog_handlers.enrichment._mmdb import EDITIONS, DatabaseFile, opened
from seclog_handlers.enrichment.addresses import Address, documentation, parse_address, scope
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

Location = dict[str, Any]


class GeoLocator:
    """Locates addresses with the first of these that is there.

    The databases given; those of the environment variable SECLOG_GEOIP_DB (paths as in PATH); those that
    geoipupdate left in its folders; the country table of the package iptocc. Several databases of one place
    add
    up: the first that knows a field says it. Without any, only private, loopback and reserved addresses are
    named. A file that is missing or broken is warned about once, and looked for again every two seconds; one
    that breaks later keeps its last good data.

    Args:
        database: Paths of .mmdb files (MaxMind's City, Country, ASN, Anonymous-IP, or flat ones with
            country_code, asn, as_name), or of folders with MaxMind's editions.
    """

    def __init__(self, database: Iterable[str] | str = ()) -> None:
        from cachetools import LRUCache  # noqa: PLC0415 - only who locates pays for it

        given = [database] if isinstance(database, str) else list(database)
        named = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
        self._cache: LRUCache[Any, Location | None] = LRUCache(CACHE_SIZE)
        self._places = [place for paths in (given, named) if (place := _files(paths, asked=True))]
        self._places += [_files([folder], asked=False) for folder in FOLDERS]
        self._country: Callable[[str], str | None] | None = None
        self._active: dict[DatabaseFile, int] = {}
        self._due = 0.0
        self._refresh(time.monotonic())

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
            self._refresh(now)
        try:
            found = self._cache[address]
        except (KeyError, TypeError):
            found = self._look_up(address)
        return dict(found) if found is not None else None

    def _look_up(self, value: Any) -> Location | None:
        address = parse_address(value)
        if address is None:
            return None
        kind = scope(address)
        found = {"scope": kind} if kind else self._known(address)
        try:
            self._cache[value] = found
        except KeyError:
            pass  # another thread changed the cache meanwhile
        return found

    def _known(self, address: Address) -> Location | None:
        found: Location = {}
        for database in self._active:
            found = {**database.location(address), **found}
        if not self._active:
            found = self._by_country(str(address))
        if not found and documentation(address):
            return {"scope": "reserved"}
        return {field: found[field] for field in FIELDS if field in found} or None

    def _by_country(self, address: str) -> Location:
        if self._country is None:
            self._country = _country_table()
        country = self._country(address)
        return {"country": country} if country else {}

    def _refresh(self, now: float) -> None:
        """Use the first place that has a readable file, and the newest version of each file."""
        self._due = now + CHECK_INTERVAL
        for place in self._places:
            usable = {database: version for database in place if (version := database.refresh())}
            if usable:
                if usable != self._active:
                    self._active = usable
                    self._cache.clear()
                return


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
