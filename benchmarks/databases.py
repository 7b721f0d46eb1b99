"""Databases that the benchmarks make themselves."""

from __future__ import annotations

from pathlib import Path


def city_database(folder: str) -> str:
    """Write a database with records as large as those of a City database: names in eight languages."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    def names(name: str) -> dict[str, str]:
        return {language: name + language for language in ("de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN")}

    writer = MMDBWriter(4, "GeoLite2-City", languages=["en"], description="benchmark")
    for number in range(1, 200):
        country = {"geoname_id": 2921044, "iso_code": "DE", "names": names("Germany")}
        record = {
            "city": {"geoname_id": number, "names": names(f"City {number}")},
            "continent": {"code": "EU", "geoname_id": 6255148, "names": names("Europe")},
            "country": country, "registered_country": country,
            "location": {"accuracy_radius": 10, "latitude": 50.5, "longitude": 13.5, "time_zone": "Europe/Berlin"},
            "postal": {"code": "10115"},
            "subdivisions": [{"geoname_id": 2950157, "iso_code": "BE", "names": names("Land")}],
        }  # fmt: skip
        writer.insert_network(IPSet([f"{number}.0.0.0/9"]), record)
    path = str(Path(folder) / "city.mmdb")
    writer.to_db_file(path)
    return path
