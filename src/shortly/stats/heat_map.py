"""When in the week people click."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from shortly.clicks.store import Total
from shortly.stats.periods import Period
from shortly.stats.zones import EPOCH_ORDINAL, HOUR_S, local_start, offset_s

MONDAY = 3
"""Of the first day of the epoch, a Thursday."""


def draw_heat_map(period: Period, hours: Mapping[int, Total]) -> list[list[int]]:
    """Return the human clicks by weekday and hour: 7 rows from Monday on, each of 24 local hours from midnight on."""
    cells = [0] * (7 * 24)
    shifts: dict[int, int | None] = {}
    for hour, total in hours.items():
        if period.since_hour <= hour < period.until_hour:
            day = hour // 24
            if day not in shifts:
                shifts[day] = day_shift(day, period.zone)
            shift = shifts[day]
            local = hour + shift if shift is not None else wall_hour(hour, period.zone)
            cells[(local + MONDAY * 24) % (7 * 24)] += total.clicks - total.bots
    return [cells[start : start + 24] for start in range(0, 7 * 24, 24)]


def day_shift(day: int, zone: ZoneInfo) -> int | None:
    """Return what to add to an hour of this UTC day to have the local hour, or None when the clock changes on it."""
    before, after = offset_s(day * 24, zone), offset_s(day * 24 + 24, zone)
    return -(-before // HOUR_S) if before == after else None


def wall_hour(hour: int, zone: ZoneInfo) -> int:
    """Return the local hour that a UTC hour stands for, as a number since the local 1970-01-01T00."""
    start = local_start(hour, zone)
    return (start.toordinal() - EPOCH_ORDINAL) * 24 + start.hour
