"""Sums over several days: made when the days are over, read instead of them, and right after late clicks."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

from shortly.clicks.store import EVERY_LINK, Batch
from shortly.clicks.visit import MAX_VALUES, OTHER, Visit
from shortly.store.sqlite import SqliteStore, click_spans
from shortly.store.sqlite.click_spans import SPANS, spans_of

pytestmark = pytest.mark.anyio

DAY_MS = 86_400_000
DAY = 20_480
"""The first day of a span of any length."""


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    """A store in which ten clicks are many."""
    monkeypatch.setattr(click_spans, "MANY_CLICKS", 10)
    async with SqliteStore(tmp_path) as store:
        yield store


async def fold(store: SqliteStore, visits: Sequence[Visit], segment: str = "w/0") -> None:
    """Fold visits out of a segment of their own."""
    await store.fold([Batch(segment=segment, start=0, end=len(visits), visits=list(enumerate(visits, start=1)))])


async def keep_house(store: SqliteStore, day: int) -> None:
    """Do what is done every hour, on this day."""
    await store.prune(now_ms=day * DAY_MS, visits_before_ms=0, gone_links=[])


def spans_in(folder: Path) -> set[tuple[int, int, int]]:
    """Return days, first day from ``DAY`` on and link of each span."""
    reader = apsw.Connection(str(folder / "clicks.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        sql = "SELECT hours / 24, first_hour / 24 - ?, link_id FROM link_spans WHERE hours > 24"
        return set(reader.execute(sql, (DAY,)))
    finally:
        reader.close()


def once_a_day(days: int, link_id: int) -> list[Visit]:
    """Return a visit on each day."""
    return [Visit(at_ms=(DAY + day) * DAY_MS, link_id=link_id, country="DE") for day in range(days)]


def test_any_days_that_a_span_may_hold_are_few_spans() -> None:
    assert all(longer == 2 * shorter for longer, shorter in pairwise(SPANS))
    days = [(64, DAY), (32, DAY), (16, DAY), (8, DAY), (4, DAY + 4), (2, DAY + 4)]
    quarters = [(6, (DAY + 5) * 24 + hour) for hour in (0, 6, 12, 18)]
    assert spans_of(DAY + 5) == [(length * 24, day * 24) for length, day in days] + quarters


async def test_spans_are_made_of_days_that_are_over_for_links_with_many_clicks(
    store: SqliteStore, tmp_path: Path
) -> None:
    await fold(store, [*once_a_day(12, 1), *once_a_day(9, 2)])
    await keep_house(store, DAY + 9)  # the day before may still get late clicks
    spans = {(8, 0), (4, 0), (4, 4), (2, 0), (2, 2), (2, 4), (2, 6)}
    assert spans_in(tmp_path) == {(*span, link_id) for span in spans for link_id in (EVERY_LINK, 1)}


async def test_spans_are_made_only_where_there_are_clicks(store: SqliteStore, tmp_path: Path) -> None:
    await fold(
        store, [Visit(at_ms=0, link_id=1), Visit(at_ms=DAY * DAY_MS, link_id=1), Visit(at_ms=1 << 42, link_id=1)]
    )
    await keep_house(store, DAY + 80)
    assert {first_day for _, first_day, _ in spans_in(tmp_path)} == {-DAY, 0}


async def test_a_late_click_unmakes_the_spans_around_it_until_the_next_hour(store: SqliteStore, tmp_path: Path) -> None:
    await fold(store, once_a_day(20, 1))
    await keep_house(store, DAY + 18)
    before = spans_in(tmp_path)
    assert (16, 0, 1) in before
    await fold(store, [Visit(at_ms=(DAY + 5) * DAY_MS, link_id=1, country="FR")], "late/0")
    gone = {(16, 0), (8, 0), (4, 4), (2, 4)}
    assert before - spans_in(tmp_path) == {(*span, link_id) for span in gone for link_id in (EVERY_LINK, 1)}
    for _ in range(2):
        tally = await store.tally(1, DAY * 24, (DAY + 16) * 24)
        assert tally.clicks == 17
        assert tally.dimensions == {"country": {"DE": 16, "FR": 1}}
        await keep_house(store, DAY + 18)
        assert spans_in(tmp_path) == before


async def test_spans_are_read_instead_of_the_days(store: SqliteStore, tmp_path: Path) -> None:
    await fold(store, once_a_day(20, 1))
    await keep_house(store, DAY + 18)
    writer = apsw.Connection(str(tmp_path / "clicks.db"))
    writer.execute("UPDATE link_spans SET clicks = 1000 * hours / 24 WHERE link_id = 1 AND hours > 24")
    writer.close()
    spans = [(0, 16, 16_000), (0, 17, 16_001), (1, 16, 14_001), (3, 7, 2000 + 2), (3, 4, 1), (-9, 99, 16_004)]
    for since, until, expected in spans:
        assert (await store.tally(1, (DAY + since) * 24, (DAY + until) * 24)).clicks == expected


async def test_a_remembered_sum_stays_as_it_is_and_is_not_taken_for_another_one(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click_spans, "WORTH_REMEMBERING", 1)
    await fold(store, [*once_a_day(20, 1), *once_a_day(20, 2)])
    await keep_house(store, DAY + 18)
    whole, longer = (DAY * 24, (DAY + 16) * 24), (DAY * 24, (DAY + 17) * 24 + 1)
    known = click_spans._remembered_sum.cache_info().hits
    for _ in range(3):
        assert (await store.tally(1, *longer)).dimensions == {"country": {"DE": 18}}  # two are added to the sum
        tally = await store.tally(1, *whole)
        assert (tally.clicks, tally.bots, tally.dimensions) == (16, 0, {"country": {"DE": 16}})
        tally.dimensions["country"]["DE"] = 0  # nobody else sees that
    assert click_spans._remembered_sum.cache_info().hits >= known + 5
    await fold(store, [Visit(at_ms=(DAY + 5) * DAY_MS, link_id=1, country="FR")], "late/0")
    await keep_house(store, DAY + 18)
    assert (await store.tally(1, *whole)).dimensions == {"country": {"DE": 16, "FR": 1}}
    assert (await store.tally(2, *whole)).dimensions == {"country": {"DE": 16}}


def busy_hours(day: int, hours: Sequence[int], link_id: int = 1) -> list[Visit]:
    """Return ten visits in each hour of a day, from a country of the hour's own."""
    return [
        Visit(at_ms=(DAY + day) * DAY_MS + hour * 3_600_000 + nth, link_id=link_id, country=f"C{hour}")
        for hour in hours
        for nth in range(10)
    ]


async def test_quarters_of_a_day_are_read_instead_of_its_hours(store: SqliteStore, tmp_path: Path) -> None:
    await fold(store, [*busy_hours(0, range(24)), *once_a_day(3, 2)])
    await keep_house(store, DAY + 3)
    writer = apsw.Connection(str(tmp_path / "clicks.db"))
    quarters = set(writer.execute("SELECT first_hour - ?, link_id FROM link_spans WHERE hours = 6", (DAY * 24,)))
    writer.execute("UPDATE link_spans SET clicks = 1000 WHERE link_id = 1")
    writer.close()
    assert {hour for hour, link_id in quarters if link_id == 1} == {0, 6, 12, 18}
    assert not [link_id for _, link_id in quarters if link_id == 2]  # its days are single rows anyway
    expected = {(0, 5): 50, (0, 6): 1000, (5, 24): 10 + 3000, (5, 17): 10 + 1000 + 50, (11, 18): 10 + 1000, (7, 8): 10}
    for (since, until), clicks in expected.items():
        assert (await store.tally(1, DAY * 24 + since, DAY * 24 + until)).clicks == clicks


async def test_a_quarter_keeps_no_more_values_apart_than_a_day(store: SqliteStore, tmp_path: Path) -> None:
    visits = [
        Visit(at_ms=DAY * DAY_MS + hour * 3_600_000 + nth, link_id=1, referrer=f"{hour}-{nth}.example")
        for hour in range(2)
        for nth in range(150)
    ]
    await fold(store, [*visits, *busy_hours(0, [20])])
    await keep_house(store, DAY + 3)
    referrers = (await store.tally(1, DAY * 24, DAY * 24 + 6)).dimensions["referrer"]
    assert len(referrers) == MAX_VALUES + 1
    assert referrers[OTHER] == 300 - MAX_VALUES


async def test_a_late_click_unmakes_the_quarters_of_its_day(store: SqliteStore) -> None:
    await fold(store, busy_hours(0, range(24)))
    await keep_house(store, DAY + 3)
    await fold(store, [Visit(at_ms=DAY * DAY_MS + 3_600_000, link_id=1, country="FR")], "late/0")
    for _ in range(2):
        tally = await store.tally(1, DAY * 24, DAY * 24 + 6)
        assert (tally.clicks, tally.dimensions["country"]["FR"]) == (61, 1)
        await keep_house(store, DAY + 3)


async def test_a_day_without_other_hours_is_read_as_a_whole(store: SqliteStore, tmp_path: Path) -> None:
    await fold(store, busy_hours(0, [3, 4, 5]))
    writer = apsw.Connection(str(tmp_path / "clicks.db"))
    writer.execute("UPDATE link_days SET clicks = 1000 WHERE link_id = 1")
    writer.close()
    for since, until, clicks in [(0, 12, 1000), (3, 6, 1000), (3, 5, 20), (4, 24, 20), (6, 24, 0), (0, 3, 0)]:
        assert (await store.tally(1, DAY * 24 + since, DAY * 24 + until)).clicks == clicks


async def test_reading_leaves_what_is_remembered_as_it_is(store: SqliteStore) -> None:
    visits = [Visit(at_ms=DAY * DAY_MS + nth, link_id=1, referrer=f"{nth}.example") for nth in range(150)]
    await fold(store, visits)
    first = await store.tally(1, DAY * 24, DAY * 24 + 24)
    first.dimensions["referrer"]["0.example"] += 1
    assert await store.tally(1, DAY * 24, DAY * 24 + 24) != first
    await fold(store, visits, "w/1")
    assert (await store.tally(1, DAY * 24, DAY * 24 + 24)).dimensions["referrer"]["0.example"] == 2


async def test_spans_of_gone_links_are_deleted(store: SqliteStore, tmp_path: Path) -> None:
    await fold(store, once_a_day(20, 1))
    await keep_house(store, DAY + 18)
    await store.prune(now_ms=DAY * DAY_MS, visits_before_ms=0, gone_links=[1])
    assert {link_id for _, _, link_id in spans_in(tmp_path)} == {EVERY_LINK}
