"""Database files in MaxMind's format: kept in memory, replaced when the file is, read into our fields."""

from __future__ import annotations

import errno
import os
import stat
import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from seclog_handlers.errors import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from maxminddb import Reader

# What geoipupdate names the files, the most detailed first.
EDITIONS = (
    "GeoIP2-City", "GeoLite2-City", "GeoIP2-Country", "GeoLite2-Country",
    "GeoIP2-ISP", "GeoLite2-ASN", "GeoIP2-Anonymous-IP",
)  # fmt: skip

_ANONYMOUS = (
    "is_anonymous", "is_anonymous_vpn", "is_public_proxy", "is_tor_exit_node", "is_vpn", "is_proxy", "is_tor",
)  # fmt: skip
_TRAITS = frozenset({
    "autonomous_system_number", "autonomous_system_organization", "asn", "as_name", "as_org", "org", *_ANONYMOUS,
})  # fmt: skip

# What MaxMind's readers look for at the end of a file, and how far back.
MARKER = b"\xab\xcd\xefMaxMind.com"
MARKER_WITHIN = 128 * 1024
# Addresses that are looked up in new data, so that a file that is half written is not taken for a good one.
PROBES = tuple(f"{first}.{second}.3.4" for first in range(1, 224, 7) for second in (20, 180))

Signature = tuple[int, int, int, int]

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
        # The get() of the reader in use.
        self._get: Callable[[str], object] = _no_data
        # The process in which a thread reads the file; a forked child has no such thread.
        self._reading = 0
        self.version = 0

    def refresh(self, *, wait: bool) -> int:
        """Read the file again if it was replaced; return the version.

        Args:
            wait: Whether to wait for the new contents. A log call does not: it goes on with the last good data
                while a thread reads, which ends with that.
        """
        signature = self._look()
        if signature is None or signature == self._signature:
            return self.version
        if wait:
            self._read(signature)
        elif self._reading != os.getpid():
            self._reading = os.getpid()
            try:
                threading.Thread(target=self._read, args=(signature,), name="seclog-geo", daemon=True).start()
            except RuntimeError:  # no thread to be had, or the interpreter ends
                self._reading = 0
        return self.version

    @property
    def reading(self) -> bool:
        """Whether new contents are on their way."""
        return self._reading == os.getpid()

    def _look(self) -> Signature | None:
        """Return what tells one content of the file from another, or None if there is no file."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - every two seconds, for every file
        except OSError as error:
            if self._asked or self.version:
                self._warn(error)
            self._signature = None
            return None
        return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)

    def _read(self, signature: Signature) -> None:
        """Take the file's contents; if somebody writes to it meanwhile, the next look will find that."""
        try:
            reader = _reader(self._path)
            if self._look() == signature:
                self._get = reader.get
                self._signature = signature
                self.version += 1
        except Exception as error:
            self._signature = signature
            self._warn(error)
        finally:
            self._reading = 0

    def location(self, address: str) -> dict[str, Any]:
        """Return the fields that this database knows of an address, given in its plain form."""
        try:
            record = self._get(address)
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


def _no_data(_address: str) -> None:
    return None


def _reader(path: str) -> Reader:
    """Open a private copy of a file: mapped where anonymous files are (10 times faster), else in memory."""
    import maxminddb  # noqa: PLC0415 - 14 ms that only who has a database pays

    data = _contents(path)
    try:
        reader = _mapped(data)
    except (AttributeError, OSError, ValueError):  # no memfd, no /proc, no C extension
        reader = maxminddb.open_database(BytesIO(data), maxminddb.MODE_FD)
    for address in PROBES:
        reader.get(address)
    return reader


def _contents(path: str) -> bytes:
    """Return what is in a database file.

    Raises:
        OSError: If it cannot be read, or is something that one could wait for: a pipe, a device.
        ValueError: If it is no database; a large file is not read to find that.
    """
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        file.seek(max(0, status.st_size - MARKER_WITHIN))
        if MARKER not in file.read():
            raise ValueError(path)
        file.seek(0)
        return file.read()


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
    """Return our fields from a record of any of the known schemas, in the order of FIELDS."""
    try:  # what a City database says of nearly every address
        place = record["location"]
        found = {
            "country": record["country"]["iso_code"],
            "city": record["city"]["names"]["en"],
            "latitude": place["latitude"],
            "longitude": place["longitude"],
            "accuracy_radius_km": place["accuracy_radius"],
        }
    except (KeyError, TypeError, IndexError):
        return _any_fields(record)
    return found if _TRAITS.isdisjoint(record) and "traits" not in record else _any_fields(record)


def _any_fields(record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    code, city = _country(record), _name(record.get("city"))
    if code:
        found["country"] = code
    if city is not None:
        found["city"] = city
    place, traits = record.get("location"), record.get("traits")
    _add_place(found, place if type(place) is dict else record)
    _add_traits(found, {**record, **traits} if type(traits) is dict else record)
    return found


def _add_place(found: dict[str, Any], place: dict[str, Any]) -> None:
    values = (
        ("latitude", _number(_first(place, "latitude", "lat"))),
        ("longitude", _number(_first(place, "longitude", "lon", "lng"))),
        ("accuracy_radius_km", _number(place.get("accuracy_radius"))),
    )
    found.update((name, value) for name, value in values if value is not None)


def _add_traits(found: dict[str, Any], traits: dict[str, Any]) -> None:
    values = (
        ("asn", _asn(_first(traits, "autonomous_system_number", "asn"))),
        ("as_org", _name(_first(traits, "autonomous_system_organization", "as_name", "as_org", "org"))),
        ("is_anonymous", _anonymous(traits)),
    )
    found.update((name, value) for name, value in values if value is not None)


def _first(record: dict[str, Any], *keys: str) -> Any:
    for key in keys:
        value = record.get(key)
        if value is not None and value != "":
            return value
    return None


def _country(record: dict[str, Any]) -> str | None:
    code = _first(record, "country_code", "countryCode")
    if code is None:
        country = record.get("country") or record.get("registered_country")
        code = country.get("iso_code") if type(country) is dict else country
    return str(code) if code else None


def _name(value: Any) -> str | None:
    if type(value) is dict:
        names = value.get("names")
        value = names.get("en") or next(iter(names.values()), None) if type(names) is dict else None
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
