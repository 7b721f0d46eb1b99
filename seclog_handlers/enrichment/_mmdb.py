"""Database files in MaxMind's format: kept in memory, replaced when the file is, read into our fields."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from seclog_handlers.errors import warn_once

if TYPE_CHECKING:
    from pathlib import Path

    from maxminddb import Reader

    from seclog_handlers.enrichment.addresses import Address

# What geoipupdate names the files, the most detailed first.
EDITIONS = (
    "GeoIP2-City", "GeoLite2-City", "GeoIP2-Country", "GeoLite2-Country",
    "GeoIP2-ISP", "GeoLite2-ASN", "GeoIP2-Anonymous-IP",
)  # fmt: skip

_ANONYMOUS = (
    "is_anonymous", "is_anonymous_vpn", "is_public_proxy", "is_tor_exit_node", "is_vpn", "is_proxy", "is_tor",
)  # fmt: skip

Signature = tuple[int, int, int]

# Every locator of a process uses the same copy of a file.
_files: WeakValueDictionary[tuple[str, bool], DatabaseFile] = WeakValueDictionary()


def opened(path: Path, *, asked: bool) -> DatabaseFile:
    """Return the database at `path`, shared with whoever else uses it.

    Args:
        path: Of a .mmdb file; it need not be there yet.
        asked: Whether somebody named this file: then a warning says that it is not there.
    """
    key = (os.path.abspath(path), asked)  # noqa: PTH100 - resolve() would follow a link that an update replaces
    database = _files.get(key)
    if database is None:
        database = _files[key] = DatabaseFile(key[0], asked=asked)
    return database


class DatabaseFile:
    """One database file, read into memory as a whole: truncating or replacing the file cannot hurt.

    Attributes:
        version: Counts the contents read; 0 while there is no data. Once there is, it stays.
    """

    def __init__(self, path: str, *, asked: bool) -> None:
        self._path = path
        self._asked = asked
        self._signature: Signature | None = None
        self._reader: Reader | None = None
        self.version = 0

    def refresh(self) -> int:
        """Read the file again if it was replaced; return the version."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - every two seconds, for every file
        except OSError as error:
            if self._asked or self.version:
                self._warn(error)
            self._signature = None
            return self.version
        signature = (status.st_mtime_ns, status.st_size, status.st_ino)
        if signature != self._signature:
            self._signature = signature
            try:
                self._reader = _reader(self._path)
                self.version += 1
            except Exception as error:
                self._warn(error)
        return self.version

    def location(self, address: Address) -> dict[str, Any]:
        """Return the fields that this database knows of an address."""
        reader = self._reader
        try:
            record = reader.get(address) if reader is not None else None
            return _fields(record) if type(record) is dict else {}
        except ValueError:
            return {}  # an IPv6 address in a database of IPv4 addresses
        except Exception as error:
            self._warn(error)
            return {}

    def _warn(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or type(error).__name__
        instead = "its last good data stays" if self.version else "other sources are used"
        warn_once(
            f"The geo database {self._path!r} cannot be read ({reason}): {instead} until it is replaced. "
            "Give the path of a .mmdb file that this user may read in geoip.database, or set geoip = off.",
            key=f"geo database {self._path}",
        )


def _reader(path: str) -> Reader:
    """Open a private copy of a file: mapped where anonymous files are (10 times faster), else in memory."""
    import maxminddb  # noqa: PLC0415 - 14 ms that only who has a database pays

    with open(path, "rb") as file:  # noqa: PTH123
        data = file.read()
    try:
        reader = _mapped(data)
    except (AttributeError, OSError, ValueError):  # no memfd, no /proc, no C extension
        reader = maxminddb.open_database(BytesIO(data), maxminddb.MODE_FD)
    reader.get("192.0.2.1")
    return reader


def _mapped(data: bytes) -> Reader:
    import maxminddb  # noqa: PLC0415

    number = os.memfd_create("seclog-geo")
    try:
        with open(number, "wb", closefd=False) as file:
            file.write(data)
        return maxminddb.open_database(f"/proc/self/fd/{number}", maxminddb.MODE_MMAP_EXT)
    finally:
        os.close(number)


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    """Return our fields from a record of any of the known schemas."""
    place, traits = {**record, **_table(record, "location")}, {**record, **_table(record, "traits")}
    found = {
        "country": _country(record),
        "city": _name(record.get("city")),
        "latitude": _number(_first(place, "latitude", "lat")),
        "longitude": _number(_first(place, "longitude", "lon", "lng")),
        "accuracy_radius_km": _number(place.get("accuracy_radius")),
        "asn": _asn(_first(traits, "autonomous_system_number", "asn")),
        "as_org": _name(_first(traits, "autonomous_system_organization", "as_name", "as_org", "org")),
        "is_anonymous": _anonymous(traits),
    }
    return {key: value for key, value in found.items() if value is not None}


def _table(record: dict[str, Any], key: str) -> dict[str, Any]:
    value = record.get(key)
    return value if type(value) is dict else {}


def _first(record: dict[str, Any], *keys: str) -> Any:
    return next((record[key] for key in keys if record.get(key) not in (None, "")), None)


def _country(record: dict[str, Any]) -> str | None:
    code = _first(record, "country_code", "countryCode")
    if code is None:
        country = record.get("country") or record.get("registered_country")
        code = country.get("iso_code") if type(country) is dict else country
    return str(code) if code else None


def _name(value: Any) -> str | None:
    if type(value) is dict:
        names = _table(value, "names")
        value = names.get("en") or next(iter(names.values()), None)
    return value if type(value) is str and value else None


def _number(value: Any) -> float | None:
    try:
        return value if type(value) in (int, float) else float(value)
    except (TypeError, ValueError):
        return None


def _asn(value: Any) -> int | None:
    digits = str(value).upper().removeprefix("AS")
    return int(digits) if digits.isascii() and digits.isdigit() else None


def _anonymous(traits: dict[str, Any]) -> bool | None:
    known = [traits[key] for key in _ANONYMOUS if type(traits.get(key)) is bool]
    return any(known) if known else None
