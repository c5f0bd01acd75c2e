"""Which backups are kept: the newest of each of the last days, weeks and months."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple


class Rule(NamedTuple):
    """How many days, weeks (ISO, Monday to Sunday) and months, in UTC, keep their newest backup.

    Days without a backup do not count: a machine that was off for a month keeps what it has.
    """

    daily: int
    weekly: int
    monthly: int


def kept(moments: Iterable[datetime], rule: Rule) -> set[datetime]:
    """Return the moments whose backups the rule keeps; the newest is always among them."""
    newest_first = sorted(set(moments), reverse=True)
    found = set(newest_first[:1])
    for count, period_of in ((rule.daily, day_of), (rule.weekly, week_of), (rule.monthly, month_of)):
        found |= newest_of_each(newest_first, period_of, count)
    return found


def newest_of_each(
    newest_first: Iterable[datetime], period_of: Callable[[datetime], tuple[int, int]], count: int
) -> set[datetime]:
    """Return the newest moment of each of the last ``count`` periods that have any."""
    periods: dict[tuple[int, int], datetime] = {}
    for moment in newest_first:
        periods.setdefault(period_of(moment.astimezone(UTC)), moment)
    return set(list(periods.values())[:count])


def day_of(moment: datetime) -> tuple[int, int]:
    """Return year and day of the year."""
    return moment.year, moment.timetuple().tm_yday


def week_of(moment: datetime) -> tuple[int, int]:
    """Return year and week as ISO 8601 counts them."""
    year, week, _ = moment.isocalendar()
    return year, week


def month_of(moment: datetime) -> tuple[int, int]:
    """Return year and month."""
    return moment.year, moment.month
