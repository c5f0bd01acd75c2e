"""A database of networks and their places, as GEOIP_PATH names one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

MUNICH = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BY", "names": {"en": "Bavaria", "de": "Bayern"}}],
    "city": {"names": {"de": "München", "en": "Munich"}},
}
"""In MaxMind's form."""


def put_places(path: Path, places: Mapping[str, Any]) -> None:
    """Write it as geoipupdate does: beside the old one, then over it."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test")
    for network, place in places.items():
        writer.insert_network(IPSet([network]), place)
    writer.to_db_file(str(path.with_suffix(".new")))
    os.replace(path.with_suffix(".new"), path)
