"""Statistics of the visits that have certain values, added up from raw visits."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shortly.clicks.store import EVERY_LINK, ClickStore, VisitPage
from shortly.clicks.visit import Visit
from shortly.errors import InvalidInput
from shortly.stats import service
from shortly.stats.breakdowns import Breakdown
from shortly.stats.periods import PeriodQuery
from shortly.stats.service import Page, StatsService
from shortly.store.sqlite import SqliteStore

from .conftest import NOW, Fold
from .test_stats_pages import CREATED, WEEK, visit

pytestmark = pytest.mark.anyio

VISITS = [
    visit("2026-11-16T12:00", 1, country="DE", browser="Firefox"),  # the week before
    visit("2026-11-17T00:00", 1, country="DE", browser="Firefox"),
    visit("2026-11-17T12:00", 1, country="DE", browser="Safari", referrer="a.example"),
    visit("2026-11-18T12:00", 2, country="DE", browser="Firefox"),
    visit("2026-11-18T12:00", 3, country="FR", browser="Firefox"),
    visit("2026-11-19T12:00", 3, country="FR", browser="Chrome"),
    visit("2026-11-19T12:00", bot="GoogleBot", country="DE"),
    visit("2026-11-23T12:33", refused="expired", country="DE"),
    visit("2026-11-20T12:00", 9, country="DE", browser="Edge", link_id=2),
]


def values(page: Page, dimension: str) -> dict[str, int]:
    breakdown: Breakdown = next(one for one in page.breakdowns if one.dimension == dimension)
    return {value.value: value.count for value in breakdown.values}


async def test_dimensions_are_crossed(stats: StatsService, fold: Fold) -> None:
    await fold(VISITS)
    page = await stats.page(1, CREATED, WEEK, filters={"country": "DE"})
    assert values(page, "browser") == {"Firefox": 2, "Safari": 1}
    assert values(page, "country") == {"DE": 3}
    assert values(page, "bot") == {"GoogleBot": 1}
    assert values(page, "refused") == {"expired": 1}
    assert (page.summary.clicks, page.summary.bots, page.summary.visitors) == (4, 1, 2)
    assert page.previous.clicks == 1
    assert [bucket.clicks for bucket in page.series] == [2, 1, 1, 0, 0, 0, 0]
    assert page.sample is not None
    assert (page.sample.read, page.sample.complete, page.sample.comparable) == (8, True, True)
    both = await stats.page(1, CREATED, WEEK, filters={"country": "DE", "browser": "Firefox"})
    assert (both.summary.clicks, both.summary.visitors) == (2, 2)
    everywhere = await stats.page(EVERY_LINK, None, WEEK, filters={"country": "DE"})
    assert values(everywhere, "browser") == {"Firefox": 2, "Safari": 1, "Edge": 1}


async def test_an_empty_value_means_visits_without_one(stats: StatsService, fold: Fold) -> None:
    await fold(VISITS)
    page = await stats.page(1, CREATED, WEEK, filters={"referrer": "", "country": "DE"})
    assert values(page, "browser") == {"Firefox": 2}


@pytest.mark.parametrize("query", [WEEK, PeriodQuery(period="24h"), PeriodQuery(period="all", tz="Asia/Kolkata")])
async def test_a_filter_that_all_visits_pass_changes_nothing(
    stats: StatsService, fold: Fold, query: PeriodQuery
) -> None:
    await fold([replace(one, country="DE") for one in VISITS] * 20)
    for link_id in (1, EVERY_LINK):
        plain = await stats.page(link_id, CREATED, query)
        filtered = await stats.page(link_id, CREATED, query, filters={"country": "DE"})
        assert replace(filtered, sample=None) == plain


async def test_no_more_visits_are_read_than_has_been_said_and_that_is_told(
    store: ClickStore, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortly.stats.filtered.MAX_READ", 5)
    monkeypatch.setattr("shortly.stats.filtered.PAGE", 2)
    stats = StatsService(store, lambda: NOW)
    await fold(VISITS)
    page = await stats.page(1, CREATED, WEEK, filters={"country": "DE"})
    assert page.sample is not None
    assert (page.sample.read, page.sample.complete, page.sample.comparable) == (5, False, False)
    since = datetime.fromtimestamp(page.sample.since_ms / 1000, UTC)
    assert since == datetime(2026, 11, 18, 12, 0, 0, 1000, UTC)
    assert page.summary.clicks == 1  # the bot; nothing at noon of the 18th is known whole


async def test_what_is_not_kept_any_more_is_told(store: ClickStore, fold: Fold) -> None:
    await fold(VISITS)
    short = StatsService(store, lambda: NOW, visit_days=3)
    page = await short.page(1, CREATED, WEEK, filters={"country": "DE"})
    assert page.sample is not None
    assert not page.sample.complete
    assert not page.sample.comparable
    long = StatsService(store, lambda: NOW, visit_days=8)
    page = await long.page(1, CREATED, WEEK, filters={"country": "DE"})
    assert page.sample is not None
    assert page.sample.complete
    assert not page.sample.comparable


@pytest.mark.parametrize("filters", [{"bot": "GoogleBot"}, {"refused": "expired"}, {"x": "y"}, {"city": "x" * 513}])
async def test_what_cannot_be_filtered_by_is_refused(stats: StatsService, filters: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        await stats.page(1, CREATED, WEEK, filters=filters)
    with pytest.raises(InvalidInput):
        await stats.visits(1, CREATED, WEEK, filters=filters)


async def test_pages_of_filtered_visits_together_are_all_of_them(stats: StatsService, fold: Fold) -> None:
    made = [
        visit(f"2026-11-20T{nth // 60 % 24:02}:{nth % 60:02}", country="DE" if nth % 7 == 0 else "FR")
        for nth in range(1_000)
    ]
    await fold(made)
    found: list[Visit] = []
    cursor: str | None = None
    pages = 0
    while True:
        page = await stats.visits(1, CREATED, WEEK, limit=10, cursor=cursor, filters={"country": "DE"})
        assert len(page.items) <= 10
        found += page.items
        pages += 1
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages > 1
    assert sorted(one.at_ms for one in found) == sorted(one.at_ms for one in made if one.country == "DE")


async def test_a_value_that_nobody_has_costs_no_more_than_some_reads(
    stats: StatsService, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FILTERED_READ", 10)
    await fold([visit("2026-11-20T12:00", country="FR") for _ in range(500)])
    page = await stats.visits(1, CREATED, WEEK, limit=10, filters={"country": "DE"})
    assert page.items == []
    assert page.next_cursor is not None  # 400 were looked at


@pytest.mark.parametrize("link_id", [1, EVERY_LINK])
@pytest.mark.parametrize("of_people", [0, 1, 3, 40, 397, 400])
async def test_without_bots_pages_are_full_and_together_have_all_people(
    stats: StatsService, fold: Fold, monkeypatch: pytest.MonkeyPatch, of_people: int, link_id: int
) -> None:
    monkeypatch.setattr(service, "FILTERED_READ", 50)
    made = [
        visit(f"2026-11-20T{nth // 60:02}:{nth % 60:02}", nth, bot="" if nth * of_people % 400 < of_people else "curl")
        for nth in range(400)
    ]
    await fold(made)
    pages = [await stats.visits(link_id, CREATED, WEEK, limit=10, bots=False)]
    while pages[-1].next_cursor is not None:
        pages.append(await stats.visits(link_id, CREATED, WEEK, limit=10, cursor=pages[-1].next_cursor, bots=False))
    people = [one.at_ms for page in pages for one in page.items]
    assert people == sorted((one.at_ms for one in made if not one.bot), reverse=True)
    assert len(people) == of_people
    assert {len(page.items) for page in pages[:-1]} <= {10}
    assert len(pages) <= of_people // 10 + 1


async def test_visitors_who_come_while_a_page_is_read_do_not_make_it_too_long(fold: Fold, store: ClickStore) -> None:
    await fold([visit("2026-11-20T12:00", nth) for nth in range(60)])

    class Busy(SqliteStore):
        """A store to which somebody comes before each read."""

        async def visits(self, *args: Any, **more: Any) -> VisitPage:
            await fold([visit("2026-11-20T12:30", 999) for _ in range(7)])
            return await store.visits(*args, **more)

    page = await StatsService(Busy(Path()), lambda: NOW).visits(1, CREATED, WEEK, limit=10, bots=False)
    assert len(page.items) == 10
