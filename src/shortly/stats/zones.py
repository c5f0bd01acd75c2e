"""Local time on a clock that ticks in UTC hours, which is what counts are kept by.

An hour is a whole number since the unix epoch, UTC. In a zone whose offset is a whole number of hours, each is a local
hour too. Elsewhere (India +05:30, Nepal +05:45, ...) the UTC hour in which a local hour begins stands for it, so local
hours, days and months begin up to 30 minutes early there; that holds for the present moment as well.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from shortly.errors import InvalidInput

HOUR_S = 3600
EPOCH_ORDINAL = 719_163
"""1970-01-01 as ``date.toordinal`` counts."""
REMEMBERED = 10_000
"""Conversions that are remembered of each kind: a year's page asks the same ones again and again."""


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all IANA time zones."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; only known names ever reach the file system.

    Raises:
        InvalidInput: There is no such zone.
    """
    if name not in zone_names():
        raise InvalidInput("The time zone must be an IANA name, such as Europe/Berlin or UTC.", field="tz")
    return ZoneInfo(name)


def utc_hour(moment: datetime) -> int:
    """Return the UTC hour that an aware moment lies in."""
    return int(moment.timestamp() // HOUR_S)


@lru_cache(REMEMBERED)
def local_start(hour: int, zone: ZoneInfo) -> datetime:
    """Return the start of the local hour that a UTC hour stands for; it lies within that UTC hour."""
    return datetime.fromtimestamp(hour * HOUR_S + -offset_s(hour, zone) % HOUR_S, zone)


def local_date(hour: int, zone: ZoneInfo) -> date:
    """Return the local date that a UTC hour counts for."""
    return local_start(hour, zone).date()


@lru_cache(REMEMBERED)
def day_start(day: date, zone: ZoneInfo) -> int:
    """Return the first UTC hour that counts for a local date.

    Where a clock change skips midnight the day begins with the change; a date that is skipped as a whole has the same
    start as the next one.
    """
    return utc_hour(datetime(day.year, day.month, day.day, tzinfo=zone))


def utc_day(day: date) -> int:
    """Return the number of the UTC day with this date, as visitors are kept by."""
    return day.toordinal() - EPOCH_ORDINAL


def offset_s(hour: int, zone: ZoneInfo) -> int:
    """Return the zone's distance from UTC at the start of a UTC hour, in seconds, positive to the east."""
    offset = datetime.fromtimestamp(hour * HOUR_S, zone).utcoffset()
    assert offset is not None  # noqa: S101 - a ZoneInfo always knows
    return int(offset.total_seconds())
