"""Places to look networks up in."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

MUNICH = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BY", "names": {"en": "Bavaria", "de": "Bayern"}}],
    "city": {"names": {"de": "München", "en": "Munich"}},
}
OSLO = {"country": "NO", "region": "Oslo", "city": "Oslo"}

PutPlaces = Callable[[Path, dict[str, Any]], None]


@pytest.fixture
def put_places() -> PutPlaces:
    """Write a database of networks and their places as geoipupdate does: beside the old one, then over it."""

    def put(path: Path, places: dict[str, Any]) -> None:
        writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test")
        for network, place in places.items():
            writer.insert_network(IPSet([network]), place)
        writer.to_db_file(str(path.with_suffix(".new")))
        os.replace(path.with_suffix(".new"), path)

    return put


@pytest.fixture
def munich() -> dict[str, Any]:
    """A record in MaxMind's form."""
    return MUNICH


@pytest.fixture
def oslo() -> dict[str, Any]:
    """A record in IPinfo's form."""
    return OSLO
