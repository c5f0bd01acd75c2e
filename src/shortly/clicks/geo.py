"""Places of networks, from a MaxMind-format database that the operator supplies and may replace at any time."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import maxminddb
import structlog

from shortly.clicks.text import bounded

log = structlog.get_logger(__name__)

CACHED_NETWORKS = 65_536
CHECK_EVERY_S = 60.0


class Place(NamedTuple):
    """Empty texts where the database knows nothing."""

    country: str = ""
    """ISO 3166-1 alpha-2."""
    region: str = ""
    """In English, like the city."""
    city: str = ""


NOWHERE = Place()


class Places:
    """Looks networks up; a file that is missing or broken gives one warning, and its predecessor's answers if any."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._reader: maxminddb.Reader | None = None
        self._version: tuple[int, int, int] | None = None
        self._check_at = clock()
        self._cached = lru_cache(CACHED_NETWORKS)(self._look_up)

    def place_of(self, network: str) -> Place:
        """Return the place of a network such as ``203.0.113.0``; never raises; sees a new file within a minute."""
        if not network:
            return NOWHERE
        if self._clock() >= self._check_at:
            self._check()
        return self._cached(network)

    def close(self) -> None:
        """Let go of the database."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _check(self) -> None:
        """Load the file if it is another one than the last time."""
        self._check_at = self._clock() + CHECK_EVERY_S
        try:
            stat = self._path.stat()
            version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            version = (0, 0, 0)
        if version == self._version:
            return
        self._version = version
        try:
            reader = open_copy(self._path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as broken:
            log.warning("places are unknown: the GEOIP_PATH file cannot be read", reason=str(broken))
            return
        self.close()
        self._reader = reader
        self._cached.cache_clear()

    def _look_up(self, network: str) -> Place:
        if self._reader is None:
            return NOWHERE
        try:
            return place_in(self._reader.get(network))
        except (ValueError, maxminddb.InvalidDatabaseError):  # no address; an IPv6 one in an IPv4 file; broken data
            return NOWHERE


def open_copy(path: Path) -> maxminddb.Reader:
    """Open a copy in memory: a file that is mapped and then cut short by somebody kills the process (SIGBUS)."""
    if not hasattr(os, "memfd_create"):
        return maxminddb.open_database(path, maxminddb.MODE_MEMORY)
    with path.open("rb") as file, open(os.memfd_create("geoip"), "wb") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        return maxminddb.open_database(f"/proc/self/fd/{copy.fileno()}")


def place_in(record: object) -> Place:
    """Read a record of GeoLite2, DB-IP (nested, with names by language) or IPinfo (flat)."""
    if not isinstance(record, dict):
        return NOWHERE
    country = record.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else record.get("country_code", country)
    regions = record.get("subdivisions")
    region = regions[0] if isinstance(regions, list) and regions else record.get("region")
    return Place(country_code(code), english(region), english(record.get("city")))


def country_code(text: object) -> str:
    """Return the code in upper case; empty for what is none, and for ``XX`` and ``T1``, CDNs' words for unknown."""
    if not isinstance(text, str) or len(text) != 2 or not text.isascii() or not text.isalpha():
        return ""
    code = text.upper()
    return "" if code == "XX" else code


def english(named: object) -> str:
    """Return the English name of a place, given as a record or as the name itself."""
    if isinstance(named, dict):
        names = named.get("names")
        named = names.get("en") if isinstance(names, dict) else None
    return bounded(named) if isinstance(named, str) else ""
