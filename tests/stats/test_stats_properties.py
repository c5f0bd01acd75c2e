"""What holds for every period, zone and step, drawn at random over one store full of clicks."""

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shortly.clicks.store import Batch, ClickStore
from shortly.clicks.visit import Visit
from shortly.errors import RangeTooLarge
from shortly.stats.periods import STEPS, PeriodQuery
from shortly.stats.service import Page, StatsService
from shortly.stats.zones import local_start, utc_hour
from shortly.store.sqlite import SqliteStore

WHOLE_HOUR_ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Africa/Casablanca",
]
BROKEN_HOUR_ZONES = [
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Tehran",
    "Pacific/Chatham",
]
SPANS = [(datetime(2010, 9, 1, tzinfo=UTC), 500), (datetime(2018, 1, 1, tzinfo=UTC), 400)]
"""Starts and days in which there are clicks and clock changes."""

zones = st.sampled_from([*WHOLE_HOUR_ZONES, *BROKEN_HOUR_ZONES])
steps = st.sampled_from([*STEPS, None])


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    start, days = draw(st.sampled_from(SPANS))
    return start + timedelta(minutes=draw(st.integers(0, days * 24 * 60)))


class Stored(NamedTuple):
    """A store full of clicks, the loop it is open on, and the moments of the clicks."""

    runner: asyncio.Runner
    store: ClickStore
    clicks: list[datetime]

    def page(self, query: PeriodQuery, now: datetime) -> Page:
        stats = StatsService(self.store, lambda: now)
        try:
            return self.runner.run(stats.page(1, datetime(2018, 3, 4, 5, tzinfo=UTC), query, dimensions=["country"]))
        except RangeTooLarge:
            assume(False)
            raise


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    chance = Random(2)
    clicks = [
        start + timedelta(milliseconds=milliseconds)
        for start, days in SPANS
        for milliseconds in sorted(chance.choices(range(days * 86_400_000), k=1500))
    ]
    visits = [Visit(at_ms=round(at.timestamp() * 1000), link_id=1, country=chance.choice(["DE", ""])) for at in clicks]
    with asyncio.Runner() as runner:
        store = SqliteStore(tmp_path_factory.mktemp("stats"))
        runner.run(store.__aenter__())
        runner.run(store.fold([Batch(segment="s", start=0, end=len(visits), visits=list(enumerate(visits, 1)))]))
        yield Stored(runner, store, clicks)
        runner.run(store.__aexit__())


def check(page: Page, clicks: list[datetime], now: datetime) -> None:
    """Assert what must hold for every page."""
    hours = [at.timestamp() // 3600 for at in clicks]

    def count(since: datetime, until: datetime) -> int:
        return bisect_left(hours, until.timestamp() // 3600) - bisect_left(hours, since.timestamp() // 3600)

    summary, previous = page.summary, page.previous
    starts = [bucket.start for bucket in page.series]
    assert starts[0] == summary.since
    assert all(start.timestamp() < end.timestamp() for start, end in pairwise([*starts, summary.until]))
    assert sum(bucket.clicks for bucket in page.series) == summary.clicks == count(summary.since, summary.until)
    for bucket, end in zip(page.series, [*starts[1:], summary.until], strict=True):
        assert bucket.clicks == count(bucket.start, end)
        if page.step != "hour":
            assert bucket.start == starts[0] or bucket.start.hour in (0, 1)
    assert previous.until == summary.since
    assert previous.since.timestamp() < previous.until.timestamp()
    assert previous.clicks == count(previous.since, previous.until)
    (country,) = page.breakdowns
    assert sum(value.count for value in country.values) + country.unknown == country.total == summary.humans
    assert page.heat_map == heat_map_of(clicks, summary.since, summary.until, ZoneInfo(page.tz))
    assert page.running == (utc_hour(summary.until) > utc_hour(now))


def heat_map_of(clicks: list[datetime], since: datetime, until: datetime, zone: ZoneInfo) -> list[list[int]]:
    """Count clicks one by one, by the weekday and the hour that the wall shows where the local hour begins."""
    cells = [[0] * 24 for _ in range(7)]
    for at in clicks:
        if since.timestamp() // 3600 <= at.timestamp() // 3600 < until.timestamp() // 3600:
            start = local_start(utc_hour(at), zone)
            cells[start.weekday()][start.hour] += 1
    return cells


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=zones, step=steps, since=moments(), length=st.timedeltas(timedelta(minutes=1), timedelta(days=500)))
def test_the_series_of_any_span_adds_up_to_its_clicks(
    stored: Stored, zone: str, step: str | None, since: datetime, length: timedelta
) -> None:
    now = datetime(2026, 11, 23, 12, 34, tzinfo=UTC)
    query = PeriodQuery(since=since.isoformat(), until=(since + length).isoformat(), tz=zone, step=step)
    page = stored.page(query, now)
    check(page, stored.clicks, now)
    assert page.summary.since <= since or zone in BROKEN_HOUR_ZONES
    assert page.summary.until >= since + length


@settings(max_examples=150, deadline=None)
@given(
    zone=zones,
    step=steps,
    now=moments(),
    period=st.sampled_from(["24h", "7d", "30d", "90d", "12mo", "today", "yesterday", "month", "year", "all"]),
)
def test_the_series_of_any_named_period_at_any_moment_adds_up_to_its_clicks(
    stored: Stored, zone: str, step: str | None, now: datetime, period: str
) -> None:
    check(stored.page(PeriodQuery(period=period, tz=zone, step=step), now), stored.clicks, now)


@settings(max_examples=60, deadline=None)
@given(zone=st.sampled_from(WHOLE_HOUR_ZONES), now=moments(), period=st.sampled_from(["7d", "30d", "month"]))
def test_days_are_the_dates_on_the_visitors_wall(stored: Stored, zone: str, now: datetime, period: str) -> None:
    page = stored.page(PeriodQuery(period=period, tz=zone), now)
    dates = Counter(at.astimezone(ZoneInfo(zone)).date() for at in stored.clicks)
    for bucket in page.series:
        assert bucket.clicks == dates[bucket.start.date()]
