"""Pages of statistics: visits folded into a store, read back as sums, series, breakdowns and comparisons."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shortly.clicks.store import EVERY_LINK, ClickStore
from shortly.clicks.visit import DIMENSIONS, OTHER, Visit
from shortly.errors import InvalidCursor, InvalidInput, RangeTooLarge
from shortly.stats.breakdowns import MAX_TOP
from shortly.stats.periods import PeriodQuery
from shortly.stats.service import MAX_VISITS, StatsService

from .conftest import NOW, Fold

pytestmark = pytest.mark.anyio

CREATED = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = PeriodQuery(period="7d")


def at(text: str) -> int:
    """Return unix milliseconds of an ISO 8601 time, UTC where it names no offset."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def visit(when: str, who: int = 0, *, link_id: int = 1, **fields: Any) -> Visit:
    return Visit(at_ms=at(when), link_id=link_id, visitor=who.to_bytes(8, "big") if who else b"", **fields)


async def test_a_page_without_clicks_is_all_zeros(stats: StatsService) -> None:
    page = await stats.page(1, CREATED, WEEK)
    assert (page.summary.clicks, page.summary.bots, page.summary.humans, page.summary.visitors) == (0, 0, 0, 0)
    assert [bucket.clicks for bucket in page.series] == [0] * 7
    assert page.change.clicks is page.change.bots is page.change.humans is page.change.visitors is None
    assert [breakdown.dimension for breakdown in page.breakdowns] == list(DIMENSIONS)
    assert all(breakdown.values == [] and breakdown.unknown == 0 for breakdown in page.breakdowns)
    assert page.heat_map == [[0] * 24] * 7


async def test_a_page_tells_clicks_bots_humans_and_visitors_apart_and_compares_them(
    stats: StatsService, fold: Fold
) -> None:
    await fold(
        [
            visit("2026-11-16T23:59:59.999", 1),  # the week before
            visit("2026-11-10T00:00", 2),
            visit("2026-11-10T00:01", bot="GoogleBot"),
            visit("2026-11-09T23:59:59.999", 3),  # before both
            visit("2026-11-17T00:00", 1),
            visit("2026-11-17T12:00", 1),
            visit("2026-11-18T12:00", 1),
            visit("2026-11-18T12:00", 2),
            visit("2026-11-23T12:33", bot="GoogleBot"),
            visit("2026-11-23T12:33", refused="expired"),
            visit("2026-11-18T12:00", 9, link_id=2),
        ]
    )
    page = await stats.page(1, CREATED, WEEK)
    summary, previous = page.summary, page.previous
    assert (summary.clicks, summary.bots, summary.humans, summary.visitors) == (5, 1, 4, 3)
    assert (previous.clicks, previous.bots, previous.humans, previous.visitors) == (3, 1, 2, 2)
    assert previous.until == summary.since
    assert page.change.clicks == pytest.approx(2 / 3)
    assert (page.change.bots, page.change.humans, page.change.visitors) == (0, 1, 0.5)
    assert [bucket.clicks for bucket in page.series] == [2, 2, 0, 0, 0, 0, 1]
    assert [bucket.bots for bucket in page.series] == [0, 0, 0, 0, 0, 0, 1]
    assert [bucket.visitors for bucket in page.series] == [1, 2, 0, 0, 0, 0, 0]
    assert page.series[0].start.isoformat() == "2026-11-17T00:00:00+00:00"
    assert page.running


async def test_every_link_is_a_sum_like_one_link(stats: StatsService, fold: Fold) -> None:
    await fold(
        [visit("2026-11-20T10:00", 1), visit("2026-11-20T10:00", 1, link_id=2), visit("2026-11-21T10:00", 2, link_id=2)]
    )
    page = await stats.page(EVERY_LINK, None, WEEK)
    assert page.summary.clicks == 3
    assert sum(bucket.clicks for bucket in page.series) == 3


async def test_all_of_every_link_starts_at_the_first_click(stats: StatsService, fold: Fold) -> None:
    empty = await stats.page(EVERY_LINK, None, PeriodQuery(period="all"))
    assert empty.summary.since.isoformat() == "2026-11-23T00:00:00+00:00"
    await fold([visit("2026-10-02T22:30", 1), visit("2026-11-20T10:00", 1, link_id=2)])
    page = await stats.page(EVERY_LINK, None, PeriodQuery(period="all", tz="Europe/Berlin"))
    assert page.summary.since.isoformat() == "2026-10-03T00:00:00+02:00"
    assert page.summary.clicks == 2


async def test_local_days_have_the_visitors_of_the_utc_day_with_their_date(stats: StatsService, fold: Fold) -> None:
    await fold([visit("2026-11-19T23:30", 1), visit("2026-11-20T00:30", 2)])  # both on the 20th in Berlin
    series = await stats.series(
        1, CREATED, PeriodQuery(since="2026-11-19", until="2026-11-21", tz="Europe/Berlin", step="day")
    )
    assert [(bucket.clicks, bucket.visitors) for bucket in series] == [(0, 1), (2, 1)]


async def test_visitors_are_not_known_where_a_bucket_cuts_through_a_day(stats: StatsService, fold: Fold) -> None:
    await fold([visit("2026-11-19T12:30", 1), visit("2026-11-20T00:30", 2), visit("2026-11-23T08:00", 3)])
    cut = PeriodQuery(since="2026-11-19T06:00", until="2026-11-22T06:00", step="day")
    assert [bucket.visitors for bucket in await stats.series(1, CREATED, cut)] == [None, 1, 0, None]
    assert (await stats.page(1, CREATED, cut)).summary.visitors is None
    today = await stats.page(1, CREATED, PeriodQuery(period="today"))
    assert {bucket.visitors for bucket in today.series} == {None}
    assert today.summary.visitors == 1
    assert (await stats.page(1, CREATED, PeriodQuery(period="24h"))).summary.visitors is None
    months = await stats.series(1, CREATED, PeriodQuery(period="year"))
    assert [bucket.visitors for bucket in months] == [0] * 10 + [3]


@pytest.mark.parametrize(
    ("tz", "since", "until", "days"),
    [
        ("Europe/Berlin", "2026-03-28", "2026-03-31", {28: 24, 29: 23, 30: 24}),
        ("Europe/Berlin", "2026-10-24", "2026-10-27", {24: 24, 25: 25, 26: 24}),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-06", {3: 24, 4: 23, 5: 24}),
        ("America/Sao_Paulo", "2018-02-16", "2018-02-19", {16: 24, 17: 25, 18: 24}),
        ("Australia/Lord_Howe", "2026-04-04", "2026-04-07", {4: 24, 5: 24, 6: 24}),
        ("Asia/Kolkata", "2026-03-28", "2026-03-31", {28: 24, 29: 24, 30: 24}),
        ("Pacific/Apia", "2011-12-28", "2012-01-01", {28: 24, 29: 24, 31: 24}),
    ],
)
async def test_one_click_an_hour_gives_each_local_day_as_many_as_it_has_hours(
    tz: str, since: str, until: str, days: dict[int, int], stats: StatsService, fold: Fold
) -> None:
    start = datetime.fromisoformat(since).replace(tzinfo=UTC) - timedelta(days=2)
    hours = [start + timedelta(hours=hour) for hour in range(8 * 24)]
    await fold([visit(hour.isoformat()) for hour in hours])
    page = await stats.page(1, CREATED, PeriodQuery(since=since, until=until, tz=tz, step="day"), dimensions=())
    assert {bucket.start.day: bucket.clicks for bucket in page.series} == days
    assert sum(map(sum, page.heat_map)) == page.summary.clicks == sum(days.values())


async def test_the_heat_map_shows_local_weekdays_and_hours(stats: StatsService, fold: Fold) -> None:
    await fold(
        [
            visit("2026-10-24T22:10"),  # Sunday 00:10 in Berlin, summer time
            visit("2026-10-25T00:10"),  # Sunday 02:10, the first time
            visit("2026-10-25T01:10"),  # Sunday 02:10, the second time
            visit("2026-10-25T23:10"),  # Monday 00:10, winter time
            visit("2026-10-25T23:20"),
            visit("2026-10-25T23:30", bot="GoogleBot"),
        ]
    )
    query = PeriodQuery(since="2026-10-24", until="2026-10-28", tz="Europe/Berlin")
    heat = (await stats.page(1, CREATED, query)).heat_map
    warm = {(day, hour): count for day, row in enumerate(heat) for hour, count in enumerate(row) if count}
    assert warm == {(6, 0): 1, (6, 2): 2, (0, 0): 2}


async def test_a_breakdown_adds_up_to_the_human_clicks(stats: StatsService, fold: Fold) -> None:
    countries = ["DE"] * 5 + ["FR"] * 3 + ["AT", "CH"] * 2 + ["IT"] + [OTHER] * 4 + [""] * 3
    await fold(
        [visit("2026-11-20T10:00", country=country) for country in countries]
        + [visit("2026-11-20T10:00", bot="GoogleBot"), visit("2026-11-20T10:00", bot="bingbot")]
        + [visit("2026-11-20T10:00", refused="expired", country="DE")]
    )
    country, bot, refused = await stats.breakdowns(1, CREATED, WEEK, dimensions=["country", "bot", "refused"], top=3)
    assert [(value.value, value.count) for value in country.values] == [("DE", 5), ("FR", 3), ("AT", 2), (OTHER, 7)]
    assert (country.total, country.unknown) == (20, 3)
    assert [value.share for value in country.values] == [0.25, 0.15, 0.1, 0.35]
    assert [(value.value, value.count, value.share) for value in bot.values] == [
        ("GoogleBot", 1, 0.5),
        ("bingbot", 1, 0.5),
    ]
    assert (refused.total, refused.unknown, refused.values[0].share) == (1, 0, 1)


async def test_breakdowns_cover_the_period_and_nothing_else(stats: StatsService, fold: Fold) -> None:
    await fold(
        [
            visit("2026-11-19T22:59", browser="Before"),
            visit("2026-11-19T23:00", browser="First"),
            visit("2026-11-20T22:59", browser="Last"),
            visit("2026-11-20T23:00", browser="After"),
        ]
    )
    query = PeriodQuery(since="2026-11-20", until="2026-11-21", tz="Europe/Berlin")
    (browser,) = await stats.breakdowns(1, CREATED, query, dimensions=["browser"])
    assert [value.value for value in browser.values] == ["First", "Last"]


async def test_a_page_has_the_dimensions_asked_for_in_their_order(stats: StatsService) -> None:
    page = await stats.page(1, CREATED, WEEK, dimensions=["os", "browser", "os"])
    assert [breakdown.dimension for breakdown in page.breakdowns] == ["os", "browser"]
    assert (await stats.page(1, CREATED, WEEK, dimensions=[])).breakdowns == []


@pytest.mark.parametrize("junk", ["", "Country", "clicks", "__class__", "\0", "x" * 10_000])
async def test_unknown_dimensions_are_refused(stats: StatsService, junk: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await stats.page(1, CREATED, WEEK, dimensions=["country", junk])
    assert refusal.value.field == "dimension"
    with pytest.raises(InvalidInput):
        await stats.breakdowns(1, CREATED, WEEK, dimensions=[junk])


@pytest.mark.parametrize("junk", [0, -1, MAX_TOP + 1, 10**30])
async def test_numbers_out_of_bounds_are_refused(stats: StatsService, junk: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await stats.page(1, CREATED, WEEK, top=junk)
    assert refusal.value.field == "limit"
    with pytest.raises(InvalidInput) as refusal:
        await stats.visits(1, CREATED, WEEK, limit=junk)
    assert refusal.value.field == "limit"


async def test_a_page_with_too_many_buckets_is_refused(stats: StatsService) -> None:
    with pytest.raises(RangeTooLarge):
        await stats.page(1, CREATED, PeriodQuery(period="year", step="hour"))


async def test_raw_visits_come_newest_first_in_pages(stats: StatsService, fold: Fold) -> None:
    await fold([visit(f"2026-11-20T10:{minute:02}", minute + 1) for minute in range(10)])
    await fold([visit("2026-11-16T23:00"), visit("2026-11-20T10:30", link_id=2)])
    first = await stats.visits(1, CREATED, WEEK, limit=7)
    assert [item.at_ms for item in first.items] == [at(f"2026-11-20T10:{minute:02}") for minute in range(9, 2, -1)]
    second = await stats.visits(1, CREATED, WEEK, limit=7, cursor=first.next_cursor)
    assert [item.at_ms for item in second.items] == [at(f"2026-11-20T10:{minute:02}") for minute in range(2, -1, -1)]
    assert second.next_cursor is None
    everything = await stats.visits(EVERY_LINK, None, WEEK, limit=MAX_VISITS)
    assert len(everything.items) == 11


async def test_a_cursor_from_nowhere_is_refused(stats: StatsService) -> None:
    with pytest.raises(InvalidCursor):
        await stats.visits(1, CREATED, WEEK, cursor="../../etc/passwd")


async def test_totals_are_of_all_time(stats: StatsService, fold: Fold) -> None:
    await fold(
        [visit("2020-01-01T00:00"), visit("2026-11-20T10:00", bot="GoogleBot"), visit("2026-11-20T10:00", link_id=2)]
    )
    totals = await stats.totals([1, 3])
    assert {link_id: (total.clicks, total.bots) for link_id, total in totals.items()} == {1: (2, 1)}


async def test_a_click_of_this_minute_is_on_the_page_in_every_zone(store: ClickStore, fold: Fold) -> None:
    await fold([visit(NOW.isoformat())])
    stats = StatsService(store, lambda: NOW)
    for tz in ("UTC", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns"):
        for period in ("24h", "today", "7d", "month", "year", "12mo", "all"):
            page = await stats.page(1, NOW, PeriodQuery(period=period, tz=tz), dimensions=())
            assert (page.summary.clicks, page.series[-1].clicks) == (1, 1), (tz, period)
