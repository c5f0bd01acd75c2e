"""When in the week people click."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from shortly.stats.periods import Period
from shortly.stats.series import HourlyTotals
from shortly.stats.zones import EPOCH_ORDINAL, HOUR_S, local_start, offset_s

MONDAY = 3
"""Of the first day of the epoch, a Thursday."""
WEEK = 7 * 24


def draw_heat_map(period: Period, hours: HourlyTotals) -> list[list[int]]:
    """Return the human clicks by weekday and hour: 7 rows from Monday on, each of 24 local hours from midnight on.

    Args:
        period: The period.
        hours: The clicks of a span that the period lies in.
    """
    cells = [0] * WEEK
    for since, until, shift in spans(period):
        humans = hours.humans[since - hours.since_hour : until - hours.since_hour]
        first = since + shift + MONDAY * 24
        for nth in range(min(WEEK, until - since)):
            cells[(first + nth) % WEEK] += sum(humans[nth::WEEK])
    return [cells[start : start + 24] for start in range(0, WEEK, 24)]


def spans(period: Period) -> Iterator[tuple[int, int, int]]:
    """Yield the period's UTC hours in order: start, end (exclusive) and what to add to have the local hour.

    The clock is asked once a UTC day; the hours of a day on which it changes come one by one.
    """
    zone = period.zone
    since = hour = period.since_hour
    offset = offset_s(hour, zone)
    while hour < period.until_hour:
        tomorrow = hour // 24 * 24 + 24
        next_offset = offset_s(tomorrow, zone)
        if next_offset != offset:
            if since < hour:
                yield since, hour, shift_of(offset)
            since = min(tomorrow, period.until_hour)
            for changing in range(hour, since):
                yield changing, changing + 1, wall_hour(changing, zone) - changing
        hour, offset = tomorrow, next_offset
    if since < period.until_hour:
        yield since, period.until_hour, shift_of(offset)


def shift_of(offset: int) -> int:
    """Return the whole hours of an offset in seconds, rounded up: see ``zones``."""
    return -(-offset // HOUR_S)


def wall_hour(hour: int, zone: ZoneInfo) -> int:
    """Return the local hour that a UTC hour stands for, as a number since the local 1970-01-01T00."""
    start = local_start(hour, zone)
    return (start.toordinal() - EPOCH_ORDINAL) * 24 + start.hour
