"""A period's clicks over time and in sum, out of hourly counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate, pairwise
from operator import sub

from msgspec import Struct

from shortly.clicks.store import Total
from shortly.stats.periods import Period, whole_days
from shortly.stats.zones import local_start


class HourlyTotals:
    """Clicks by UTC hour, ready to be summed over any span of hours in the same short time.

    Args:
        totals: The clicks of hours that had any; those outside of the span are left out.
        since_hour: Start of the span, inclusive.
        until_hour: End of the span, exclusive.
    """

    def __init__(self, totals: Mapping[int, Total], since_hour: int, until_hour: int) -> None:
        self.since_hour = since_hour
        self.until_hour = until_hour
        clicks = [0] * (until_hour - since_hour)
        bots = clicks.copy()
        for hour, total in totals.items():
            if since_hour <= hour < until_hour:
                clicks[hour - since_hour] = total.clicks
                bots[hour - since_hour] = total.bots
        self.humans = list(map(sub, clicks, bots))
        """Of each hour of the span."""
        self._clicks = [0, *accumulate(clicks)]
        self._bots = [0, *accumulate(bots)]

    def sum(self, since_hour: int, until_hour: int) -> Total:
        """Return the clicks between two hours of the span, ``until_hour`` exclusive."""
        since, until = since_hour - self.since_hour, until_hour - self.since_hour
        return Total(self._clicks[until] - self._clicks[since], self._bots[until] - self._bots[since])


class Bucket(Struct, frozen=True, kw_only=True):
    """The clicks of one step of a period."""

    start: datetime
    """Inclusive, in local time with its offset; where the next bucket starts, this one ends."""
    clicks: int
    """Redirects given, to bots too."""
    bots: int
    visitors: int | None
    """Unique humans of a day, summed over the days of a longer bucket. They are known by UTC day: a local day has those
    of the UTC day with its date. None for hours and for buckets that the period's ends cut through a day."""


class Summary(Struct, frozen=True, kw_only=True):
    """A period's clicks in sum."""

    since: datetime
    """Inclusive, in local time."""
    until: datetime
    """Exclusive, in local time."""
    clicks: int
    """Redirects given, to bots too."""
    bots: int
    humans: int
    visitors: int | None
    """Sum of each day's unique humans, so that who comes on three days counts three times; by UTC days, see ``Bucket``.
    None when the period does not consist of whole days."""


class Change(Struct, frozen=True, kw_only=True):
    """How a period's sums differ from the previous one's: 0.25 is a quarter more. None where the previous one's is 0 or
    either is unknown."""

    clicks: float | None
    bots: float | None
    humans: float | None
    visitors: float | None


def fill_series(period: Period, hours: HourlyTotals, visitors: Mapping[int, int]) -> list[Bucket]:
    """Return one bucket for each step of a period, oldest first, without gaps.

    Args:
        period: The period.
        hours: The clicks of a span that the period lies in.
        visitors: UTC day -> its unique visitors.
    """
    edges = period.edges()
    buckets = []
    for start, end in pairwise(edges):
        total = hours.sum(start, end)
        days = None
        if period.step != "hour":
            days = whole_days(start, end, period.zone, running=period.running and end == period.until_hour)
        buckets.append(
            Bucket(
                start=local_start(start, period.zone),
                clicks=total.clicks,
                bots=total.bots,
                visitors=None if days is None else sum_days(days, visitors),
            )
        )
    return buckets


def summarise(period: Period, total: Total, visitors: Mapping[int, int]) -> Summary:
    """Return the sums of a period.

    Args:
        period: The period.
        total: Its clicks.
        visitors: UTC day -> its unique visitors.
    """
    days = period.whole_days()
    return Summary(
        since=period.since,
        until=period.until,
        clicks=total.clicks,
        bots=total.bots,
        humans=total.clicks - total.bots,
        visitors=None if days is None else sum_days(days, visitors),
    )


def compare(now: Summary, before: Summary) -> Change:
    """Return how a period differs from the one before."""
    return Change(
        clicks=ratio(now.clicks, before.clicks),
        bots=ratio(now.bots, before.bots),
        humans=ratio(now.humans, before.humans),
        visitors=ratio(now.visitors, before.visitors),
    )


def ratio(now: int | None, before: int | None) -> float | None:
    """Return the change as a share of what was before, or None where there is none."""
    return (now - before) / before if now is not None and before else None


def sum_days(days: range, visitors: Mapping[int, int]) -> int:
    """Return the visitors of some UTC days."""
    return sum(visitors.get(day, 0) for day in days)
