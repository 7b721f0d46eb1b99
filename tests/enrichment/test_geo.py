"""Locations: from real database files in every state a file can be in."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from seclog_handlers.enrichment import _mmdb, geo
from seclog_handlers.enrichment.addresses import parse_address
from seclog_handlers.enrichment.geo import GeoLocator
from tests.support import PATIENCE, until

if TYPE_CHECKING:
    from pathlib import Path

BERLIN = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "city": {"names": {"en": "Berlin", "de": "Berlin"}},
    "location": {"latitude": 52.5, "longitude": 13.4, "accuracy_radius": 10},
}
OWNER = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}
FLAT = {
    "country": "France", "country_code": "FR", "city": "Paris", "lat": "48.9", "lng": 2.3, "asn": "AS64501",
    "as_name": "Exemple",
}  # fmt: skip
HOST = "203.0.113.5"


def write(path: Path, record: dict, networks: tuple[str, ...] = ("203.0.113.0/24",), version: int = 4) -> Path:
    writer = MMDBWriter(version, "Test", ipv4_compatible=version == 6, languages=["en"], description="test")
    writer.insert_network(IPSet(networks), record)
    scratch = path.with_suffix(".new")
    writer.to_db_file(str(scratch))
    scratch.replace(path)
    return path


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch):
    """Tests see no database but their own, and look at files on every look-up."""
    monkeypatch.setattr(geo, "FOLDERS", ())
    monkeypatch.setattr(geo, "CHECK_INTERVAL", 0.0)
    monkeypatch.delenv("SECLOG_GEOIP_DB", raising=False)


@pytest.fixture
def without_iptocc(monkeypatch):
    monkeypatch.setitem(sys.modules, "iptocc", None)


def said(caught: list) -> list[str]:
    return [str(warning.message) for warning in caught]


class TestFields:
    def test_of_a_city_database(self, tmp_path):
        """MaxMind's City schema gives country, city, coordinates and their radius."""
        locator = GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN)))

        assert locator.locate(HOST) == {
            "country": "DE", "city": "Berlin", "latitude": 52.5, "longitude": 13.4, "accuracy_radius_km": 10,
        }  # fmt: skip

    def test_of_a_flat_database(self, tmp_path):
        """Flat schemas write numbers as text and the AS number with its letters."""
        locator = GeoLocator([str(write(tmp_path / "flat.mmdb", FLAT))])

        assert locator.locate(HOST) == {
            "country": "FR", "city": "Paris", "latitude": 48.9, "longitude": 2.3, "asn": 64501, "as_org": "Exemple",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("record", "expected"),
        [
            ({"country": "DE"}, {"country": "DE"}),
            ({"registered_country": {"iso_code": "DE"}}, {"country": "DE"}),
            ({"city": {"names": {"fr": "Londres"}}}, {"city": "Londres"}),
            ({"is_anonymous": True, "is_tor_exit_node": True}, {"is_anonymous": True}),
            ({"is_tor_exit_node": True}, {"is_anonymous": True}),
            ({"traits": {"is_anonymous": False}}, {"is_anonymous": False}),
            ({"latitude": 0.0, "longitude": 0}, {"latitude": 0.0, "longitude": 0}),
            ({"latitude": "north", "asn": "AS?", "city": "", "country_code": ""}, None),
            ({"country": {}, "location": "here", "traits": []}, None),
        ],
    )
    def test_of_other_schemas(self, tmp_path, record, expected):
        """What a record does not know, or says in a way that makes no sense, is left out."""
        locator = GeoLocator(str(write(tmp_path / "x.mmdb", record, ("81.2.69.0/24",))))

        assert locator.locate("81.2.69.142") == expected

    def test_several_databases_add_up(self, tmp_path):
        """A City and an ASN database complete each other; the first that knows a field says it."""
        paths = [
            write(tmp_path / "asn.mmdb", OWNER), write(tmp_path / "city.mmdb", BERLIN), write(tmp_path / "flat.mmdb", FLAT),
        ]  # fmt: skip

        found = GeoLocator(map(str, paths)).locate(HOST)

        assert found["asn"] == 64500
        assert found["city"] == "Berlin"
        assert list(found) == ["country", "city", "latitude", "longitude", "accuracy_radius_km", "asn", "as_org"]

    def test_ipv6(self, tmp_path):
        """IPv6 addresses are looked up; a database of IPv4 addresses knows none."""
        six = write(tmp_path / "six.mmdb", BERLIN, ("2001:db8::/32", "203.0.113.0/24"), version=6)
        four = write(tmp_path / "four.mmdb", OWNER)
        locator = GeoLocator([str(six), str(four)])

        assert locator.locate("2001:db8::1")["city"] == "Berlin"
        assert locator.locate("::ffff:203.0.113.5")["asn"] == 64500


class TestScopes:
    @pytest.mark.parametrize(
        ("address", "scope"),
        [("10.0.0.1", "private"), ("127.0.0.1", "loopback"), ("[::1]:80", "loopback"), ("240.0.0.1", "reserved")],
    )
    def test_names_addresses_without_a_place(self, tmp_path, address, scope):
        """Private, loopback and reserved addresses are said to be so, whatever a database says."""
        locator = GeoLocator(str(write(tmp_path / "all.mmdb", BERLIN, ("10.0.0.0/8", "127.0.0.0/8", "240.0.0.0/8"))))

        assert locator.locate(address) == {"scope": scope}

    def test_documentation_addresses_are_reserved_unless_a_database_knows_them(self, tmp_path):
        """Demonstrations may give 203.0.113.0/24 a place; otherwise it has none."""
        locator = GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN)))

        assert locator.locate("203.0.113.5")["country"] == "DE"
        assert locator.locate("198.51.100.5") == {"scope": "reserved"}

    @pytest.mark.parametrize("value", ["", "bob", None, 5, ["203.0.113.5"], {}, b"203.0.113.5", "x" * 10_000])
    def test_what_is_no_address_has_no_location(self, tmp_path, value):
        """Anything may stand in ip_address."""
        assert GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN))).locate(value) is None

    def test_takes_address_objects(self, tmp_path):
        """An address object is located as its text is."""
        locator = GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN)))

        assert locator.locate(parse_address(HOST)) == locator.locate(HOST)

    def test_results_are_the_callers_own(self, tmp_path):
        """Changing a location does not change the next one."""
        locator = GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN)))

        locator.locate(HOST)["country"] = "XX"

        assert locator.locate(HOST)["country"] == "DE"


class TestSearchOrder:
    def test_the_given_database_comes_first(self, tmp_path, monkeypatch):
        """A policy's database wins over the environment's."""
        monkeypatch.setenv("SECLOG_GEOIP_DB", str(write(tmp_path / "env.mmdb", FLAT)))

        assert GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN))).locate(HOST)["country"] == "DE"

    def test_the_environment_comes_second(self, tmp_path, monkeypatch):
        """SECLOG_GEOIP_DB may name several files, as PATH does."""
        paths = write(tmp_path / "env.mmdb", {"country_code": "FR"}), write(tmp_path / "asn.mmdb", OWNER)
        monkeypatch.setenv("SECLOG_GEOIP_DB", os.pathsep.join(map(str, paths)))

        assert GeoLocator().locate(HOST) == {"country": "FR", "asn": 64500, "as_org": "Example Net"}

    def test_then_the_usual_folders(self, tmp_path, monkeypatch):
        """What geoipupdate leaves is found without configuration, all editions of one folder."""
        folder = tmp_path / "GeoIP"
        folder.mkdir()
        write(folder / "GeoLite2-City.mmdb", BERLIN)
        write(folder / "GeoLite2-ASN.mmdb", OWNER)
        monkeypatch.setattr(geo, "FOLDERS", (str(tmp_path / "none"), str(folder)))

        found = GeoLocator().locate(HOST)

        assert (found["city"], found["asn"]) == ("Berlin", 64500)

    def test_a_folder_may_be_given(self, tmp_path):
        """A path to a folder means the editions in it."""
        write(tmp_path / "GeoLite2-Country.mmdb", {"country": {"iso_code": "DE"}})

        assert GeoLocator(str(tmp_path)).locate(HOST) == {"country": "DE"}

    def test_then_the_country_table(self):
        """Without a database iptocc's table gives the country."""
        pytest.importorskip("iptocc")

        assert GeoLocator().locate("8.8.8.8") == {"country": "US"}

    @pytest.mark.usefixtures("without_iptocc")
    def test_then_nothing_and_says_so_once(self, monkeypatch):
        """With no source at all locations are absent; one warning says how to get them."""
        monkeypatch.setattr("seclog_handlers.errors._said", set())
        locator = GeoLocator()

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert locator.locate("8.8.8.8") is None
            assert locator.locate("9.9.9.9") is None

        assert len(caught) == 1
        assert "geoip.database" in said(caught)[0]
        assert locator.locate("10.0.0.1") == {"scope": "private"}


BROKEN = {
    "empty": b"",
    "garbage": b"no database " * 500,
    "truncated": None,
}


def spoil(path: Path, how: str) -> None:
    """Break a database file in place."""
    content = BROKEN[how]
    if content is None:
        content = path.read_bytes()[:200]
    with path.open("r+b") as file:
        file.write(content)
        file.truncate(len(content))
    os.utime(path, ns=(1, len(content) + 1))


def remove(path: Path) -> None:
    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


STATES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: spoil(path, "empty"),
    "garbage": lambda path: spoil(path, "garbage"),
    "truncated in place": lambda path: spoil(path, "truncated"),
    "replaced": lambda path: write(path, FLAT),
    "folder": become_folder,
    "other database": lambda path: write(path, {"other": "thing", "country": "DE"}),
    "permission denied": lambda path: path.chmod(0),
}


class TestFaults:
    def test_a_missing_file_is_named_and_the_order_goes_on(self, tmp_path, monkeypatch):
        """A path that leads nowhere gives one warning with the path; the next source is used."""
        monkeypatch.setenv("SECLOG_GEOIP_DB", str(write(tmp_path / "env.mmdb", FLAT)))
        missing = str(tmp_path / "missing.mmdb")

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            locator = GeoLocator(missing)
            found = [locator.locate(HOST), locator.locate("203.0.113.6")]

        assert [place["country"] for place in found] == ["FR", "FR"]
        assert len(caught) == 1
        assert missing in said(caught)[0]
        assert "No such file" in said(caught)[0]

    def test_a_missing_file_is_used_when_it_comes(self, tmp_path):
        """An update may run after the program started."""
        path = tmp_path / "late.mmdb"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            locator = GeoLocator(str(path))
            assert locator.locate(HOST) == {"scope": "reserved"}

        write(path, BERLIN)

        assert until(lambda: locator.locate(HOST).get("city") == "Berlin")

    @pytest.mark.parametrize("how", BROKEN)
    def test_a_broken_file_at_the_start(self, tmp_path, how):
        """Garbage, an empty or a cut file is a warning, never an exception."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        spoil(path, how)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            locator = GeoLocator(str(path))
            found = locator.locate(HOST)

        assert found == {"scope": "reserved"}
        assert len(caught) == 1
        assert str(path) in said(caught)[0]

    @pytest.mark.parametrize("how", [*BROKEN, "removed"])
    def test_a_file_that_breaks_later_keeps_its_data(self, tmp_path, how):
        """Truncating, overwriting or removing the file under a running program changes nothing but a warning."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        locator = GeoLocator(str(path))
        locator.locate(HOST)
        if how == "removed":
            path.unlink()
        else:
            spoil(path, how)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = [locator.locate(f"203.0.113.{number}")["city"] for number in range(50)]
            assert until(lambda: bool(locator.locate(HOST) and caught))

        assert found == ["Berlin"] * 50
        assert len(caught) == 1
        assert "last good data" in said(caught)[0]

    def test_a_replaced_file_is_soon_in_use(self, tmp_path):
        """Also for a second locator that shares the file, and for addresses in the cache."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        one, other = GeoLocator(str(path)), GeoLocator(str(path))
        assert one.locate(HOST)["country"] == other.locate(HOST)["country"] == "DE"

        write(path, FLAT)

        assert until(lambda: one.locate(HOST)["country"] == other.locate(HOST)["country"] == "FR")

    def test_no_look_up_reads_a_file(self, tmp_path, monkeypatch):
        """While a thread reads new contents, however slowly, look-ups go on with the old ones."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        locator = GeoLocator(str(path))
        goes_on, readers = threading.Event(), []
        read = _mmdb._reader
        monkeypatch.setattr(
            _mmdb,
            "_reader",
            lambda path: (readers.append(threading.current_thread()), goes_on.wait(PATIENCE), read(path))[2],
        )

        write(path, FLAT)
        during = [locator.locate(HOST)["country"] for _ in range(100)]
        goes_on.set()

        assert during == ["DE"] * 100
        assert until(lambda: locator.locate(HOST)["country"] == "FR")
        assert len(readers) == 1
        assert readers[0] is not threading.current_thread()

    def test_contents_that_change_while_they_are_read_are_not_taken(self, tmp_path, monkeypatch):
        """An update that is not finished yet is looked at again."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        database, times = _mmdb.DatabaseFile(str(path), asked=True), itertools.count(1)
        read = _mmdb._reader
        monkeypatch.setattr(_mmdb, "_reader", lambda name: (read(name), os.utime(path, ns=(1, next(times))))[0])

        assert database.refresh(wait=True) == 0

        monkeypatch.setattr(_mmdb, "_reader", read)
        assert database.refresh(wait=True) == 1

    def test_without_threads_the_old_data_stays(self, tmp_path, monkeypatch):
        """Where no thread can be started, at the end of a process for instance, nothing breaks."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        locator = GeoLocator(str(path))

        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        write(path, FLAT)

        assert locator.locate(HOST)["country"] == "DE"

    def test_a_forked_child_reads_for_itself(self, tmp_path):
        """A fork while a thread reads leaves that thread behind; the child starts its own."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        database = _mmdb.DatabaseFile(str(path), asked=True)
        database._reading = os.getpid() + 1

        database.refresh(wait=False)

        assert until(lambda: database.version == 1)

    def test_a_pipe_is_not_waited_for(self, tmp_path):
        """A path that leads to something else than a file is a warning that says so."""
        path = tmp_path / "pipe.mmdb"
        os.mkfifo(path)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert GeoLocator(str(path)).locate(HOST) == {"scope": "reserved"}

        assert "not a regular file" in said(caught)[0]

    @pytest.mark.parametrize("state", STATES)
    def test_any_state_at_the_start(self, tmp_path, state):
        """Whatever is at the path: no exception, at most one warning, and addresses are still classed."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        STATES[state](path)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            locator = GeoLocator(str(path))
            found = [locator.locate("10.0.0.1"), locator.locate(HOST)]

        assert found[0] == {"scope": "private"}
        assert found[1]
        assert len(caught) <= 1

    @pytest.mark.parametrize("state", STATES)
    def test_any_state_under_load(self, tmp_path, state):
        """Whatever happens to the file while threads look addresses up: none fails, and its return is noticed."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        locator = GeoLocator(str(path))
        stop, failures, done = threading.Event(), [], [0]

        def load() -> None:
            for number in itertools.count():
                if stop.is_set():
                    return
                try:
                    assert locator.locate(f"203.0.113.{number % 200}")["country"] in ("DE", "FR")
                except Exception as error:
                    failures.append(error)
                done[0] += 1

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            threads = [threading.Thread(target=load) for _ in range(2)]
            for thread in threads:
                thread.start()
            STATES[state](path)
            assert until(lambda: done[0] > 2000)
            remove(path)
            write(path, FLAT)
            back = until(lambda: locator.locate(HOST)["country"] == "FR")
            stop.set()
            for thread in threads:
                thread.join()

        assert failures == []
        assert back

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read(self, tmp_path):
        """Missing permission is a warning that says so."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        path.chmod(0)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            GeoLocator(str(path))

        assert "Permission denied" in said(caught)[0]

    def test_a_file_whose_records_are_broken(self, tmp_path):
        """Damage that shows only at a look-up is a warning, and an address without a location."""
        path = write(tmp_path / "city.mmdb", BERLIN)
        content = bytearray(path.read_bytes())
        start = content.index(b"Germany") - 60
        content[start : start + 100] = b"\xff" * 100
        path.write_bytes(content)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            locator = GeoLocator(str(path))
            found = [locator.locate(HOST), locator.locate("203.0.113.6")]

        assert found == [{"scope": "reserved"}] * 2
        assert len(caught) == 1

    @pytest.mark.parametrize("record", [["a", "list"], "text"])
    def test_records_of_a_wrong_type(self, tmp_path, record):
        """A database of something else knows nothing."""
        assert GeoLocator(str(write(tmp_path / "x.mmdb", record, ("81.2.69.0/24",)))).locate("81.2.69.1") is None

    def test_works_without_anonymous_files(self, tmp_path, monkeypatch):
        """Where memory cannot be mapped (no memfd, no /proc) the data is read in plain Python."""
        monkeypatch.delattr(os, "memfd_create", raising=False)

        assert GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN))).locate(HOST)["city"] == "Berlin"

    def test_memory_of_look_ups_is_bounded(self, tmp_path):
        """An attacker who uses many addresses fills a cache of fixed size."""
        locator = GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN)))

        for number in range(geo.CACHE_SIZE + 100):
            locator.locate(f"10.1.{number >> 8}.{number & 255}")

        assert len(locator._cache) <= geo.CACHE_SIZE

    def test_counts_what_is_no_address(self, tmp_path):
        """Whoever writes names or ports into ip_address can find that out."""
        locator = GeoLocator(str(write(tmp_path / "city.mmdb", BERLIN)))

        for value in ("", "bob", 5, ["203.0.113.5"], "203.0.113.5:99999999", HOST, "10.0.0.1", "[::1]:80"):
            locator.locate(value)

        assert locator.not_addresses == 5


def test_imports_nothing_heavy_without_a_database():
    """A program without geo databases does not pay for their reader, and the web client is never imported."""
    code = (
        "import sys; import seclog_handlers.enrichment.geo as g; g.FOLDERS = (); g.GeoLocator().locate('10.0.0.1'); "
        "print([name for name in ('maxminddb', 'geoip2', 'geoip2.webservice', 'iptocc') if name in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
