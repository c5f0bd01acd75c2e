"""What every store must do with clicks: fold them exactly once, and read them back as counts."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest
from tests.store.conftest import OpenStore

from shortly.accounts.people import MAX_WORKSPACES
from shortly.clicks.store import EVERY_LINK, Batch, ClickStore, Total, every_link
from shortly.clicks.visit import DIMENSIONS, MAX_VALUES, OTHER, Tally, Visit
from shortly.errors import InvalidCursor
from shortly.store import Store

pytestmark = pytest.mark.anyio

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAY = 20_500
AT = DAY * DAY_MS
"""A midnight."""


@pytest.fixture
def click_store(store: Store) -> ClickStore:
    """Give an empty store."""
    return store


@pytest.fixture
async def same_store(open_store: OpenStore, store: Store) -> AsyncIterator[ClickStore]:
    """Give the same store as another process opens it."""
    async with open_store() as opened:
        yield opened


def visit(at_ms: int = AT, link_id: int = 1, **values: Any) -> Visit:
    """A human's visit unless told otherwise."""
    return Visit(at_ms=at_ms, link_id=link_id, **values)


def batch(visits: Sequence[Visit], *, segment: str = "w/0", start: int = 16) -> Batch:
    """The visits as records of 10 bytes each."""
    ends = [start + 10 * (nth + 1) for nth in range(len(visits))]
    return Batch(
        segment=segment,
        start=start,
        end=ends[-1] if ends else start,
        visits=list(zip(ends, visits, strict=True)),
    )


async def test_clicks_are_counted_by_link_hour_and_day(click_store: ClickStore) -> None:
    await click_store.fold(
        [
            batch(
                [
                    visit(AT, referrer="a.example"),
                    visit(AT + HOUR_MS - 1, bot="curl"),
                    visit(AT + HOUR_MS, referrer="a.example", country="DE"),
                    visit(AT + DAY_MS, 2, referrer="b.example"),
                ]
            )
        ]
    )
    assert await click_store.totals([1, 2, 3, EVERY_LINK]) == {1: Total(3, 1), 2: Total(1), EVERY_LINK: Total(4, 1)}
    assert await click_store.totals([]) == {}
    hour = DAY * 24
    assert await click_store.hours(1, hour, hour + 48) == {hour: Total(2, 1), hour + 1: Total(1)}
    assert await click_store.hours(1, hour + 1, hour + 2) == {hour + 1: Total(1)}
    assert await click_store.hours(EVERY_LINK, hour + 1, hour + 25) == {hour + 1: Total(1), hour + 24: Total(1)}
    assert await click_store.tally(1, hour, hour + 24) == Tally(
        clicks=3, bots=1, dimensions={"referrer": {"a.example": 2}, "country": {"DE": 1}, "bot": {"curl": 1}}
    )
    assert (await click_store.tally(EVERY_LINK, hour, hour + 48)).dimensions["referrer"] == {
        "a.example": 2,
        "b.example": 1,
    }


async def test_clicks_of_all_links_are_known_by_the_moment(click_store: ClickStore) -> None:
    visits = [
        visit(AT),
        visit(AT + 9_999, 2, bot="curl", private=True),
        visit(AT + 10_000, 3),
        visit(AT + 10_000, refused="expired"),
        visit(AT + HOUR_MS, 4),
        visit(AT, 5, workspace=2),
    ]
    first = AT // 10_000
    for _ in range(2):  # folding again changes nothing
        await click_store.fold([batch(visits)])
        assert await click_store.moments(EVERY_LINK, first, first + 361) == {
            first: Total(2, 1),
            first + 1: Total(1),
            first + 360: Total(1),
        }
    await click_store.fold([batch([visit(AT + 5)] * 3, segment="w/1")])
    assert await click_store.moments(EVERY_LINK, first, first + 1) == {first: Total(5, 1)}
    assert await click_store.moments(EVERY_LINK, first + 1, first + 360) == {first + 1: Total(1)}
    assert await click_store.moments(every_link(2), first - 7, first + 7) == {first: Total(1)}
    assert await click_store.moments(every_link(3), first, first + 360) == {}


async def test_a_refused_visit_is_no_click(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit(refused="expired", country="DE", visitor=b"visitor1")])])
    hour = DAY * 24
    assert await click_store.totals([1]) == {}
    assert await click_store.hours(1, hour, hour + 1) == {}
    assert await click_store.visitors(1, DAY, DAY + 1) == {}
    for until in (hour + 1, hour + 24):
        assert await click_store.tally(1, hour, until) == Tally(dimensions={"refused": {"expired": 1}})


async def test_every_dimension_is_kept(click_store: ClickStore) -> None:
    described: dict[str, Any] = {name: f"{name} 1" for name in DIMENSIONS if name not in ("bot", "refused")}
    await click_store.fold([batch([visit(**described), visit(bot="curl"), visit(refused="disabled")])])
    tally = await click_store.tally(1, DAY * 24, DAY * 24 + 24)
    assert tally.dimensions == {name: {value: 1} for name, value in described.items()} | {
        "bot": {"curl": 1},
        "refused": {"disabled": 1},
    }


@pytest.mark.parametrize(
    ("since", "until", "clicks"),
    [
        (0, 72, 72),
        (0, 24, 24),
        (1, 71, 70),
        (23, 25, 2),
        (5, 9, 4),
        (5, 24, 19),
        (24, 30, 6),
        (30, 30, 0),
        (-999, 999, 72),
    ],
)
async def test_a_tally_begins_and_ends_at_the_hours_asked_for(
    click_store: ClickStore, since: int, until: int, clicks: int
) -> None:
    await click_store.fold([batch([visit(AT + hour * HOUR_MS, country="DE") for hour in range(72)])])
    first = DAY * 24
    assert (await click_store.tally(1, first + since, first + until)).clicks == clicks
    assert len(await click_store.hours(1, first + since, first + until)) == clicks
    assert await click_store.clicks_between(1, first + since, first + until) == Total(clicks)


@pytest.mark.parametrize("each_time", [1, 7, 40, 500])
async def test_sums_are_right_however_many_clicks_a_day_has_and_however_they_come(
    click_store: ClickStore, each_time: int
) -> None:
    chance = random.Random(each_time)
    visits = [
        visit(
            AT + chance.randrange(3 * 24) * HOUR_MS,
            chance.choice([1, 1, 1, 1, 1, 2, 3]),
            refused=chance.choice(["", "", "", "expired"]),
            country=chance.choice(["", "DE", "FR"]),
            bot=chance.choice(["", "", "curl"]),
        )
        for _ in range(500)
    ]
    for start in range(0, len(visits), each_time):
        await click_store.fold([batch(visits[start : start + each_time], start=16 + start * 10)])
    first = DAY * 24
    for link_id in (EVERY_LINK, 1, 2, 3):
        for since, until in [(0, 72), (3, 20), (3, 30), (24, 25), (17, 71), *((hour, hour + 1) for hour in range(24))]:
            given = [
                one
                for one in visits
                if link_id in (EVERY_LINK, one.link_id) and since <= (one.at_ms - AT) // HOUR_MS < until
            ]
            clicks = [one for one in given if not one.refused]
            tally = await click_store.tally(link_id, first + since, first + until)
            assert (tally.clicks, tally.bots) == (len(clicks), len([one for one in clicks if one.bot]))
            assert tally.dimensions.get("refused", {}).get("expired", 0) == len(given) - len(clicks)
            for country in ("DE", "FR"):
                expected = len([one for one in clicks if not one.bot and one.country == country])
                assert tally.dimensions.get("country", {}).get(country, 0) == expected
            hours = await click_store.hours(link_id, first + since, first + until)
            assert sum(total.clicks for total in hours.values()) == len(clicks)
            assert 0 not in [total.clicks for total in hours.values()]
            together = await click_store.clicks_between(link_id, first + since, first + until)
            assert together == Total(tally.clicks, tally.bots)


@pytest.mark.parametrize("workspace", [1, 2])
async def test_sums_over_long_times_are_right_before_and_after_housekeeping(
    click_store: ClickStore, workspace: int
) -> None:
    chance = random.Random(7)
    everything = every_link(workspace)
    visit = partial(Visit, workspace=workspace)
    visits = [
        visit(AT + chance.randrange(200 * DAY_MS), chance.choice([1, 1, 1, 1, 2]), country=chance.choice(["DE", "FR"]))
        for _ in range(15_000)
    ]

    async def check() -> None:
        for _ in range(20):
            since, until = sorted((chance.randrange(201 * 24), chance.randrange(201 * 24)))
            for link_id in (everything, 1, 2):
                tally = await click_store.tally(link_id, DAY * 24 + since, DAY * 24 + until)
                counted = Counter(
                    one.country
                    for one in visits
                    if link_id in (everything, one.link_id) and since <= (one.at_ms - AT) // HOUR_MS < until
                )
                assert tally == Tally(counted.total(), 0, {"country": dict(counted)} if counted else {})

    await click_store.fold([batch(visits)])
    for nth in range(3):
        await check()
        late = [visit(AT + chance.randrange(200 * DAY_MS), 2, country="DE") for _ in range(5)]
        await click_store.fold([batch(late, segment=f"late/{nth}")])
        visits += late
        await check()
        await click_store.prune(now_ms=AT + 150 * DAY_MS, visits_before_ms=0, gone_links=[])
    await check()


async def test_the_same_visitor_is_counted_once_a_day_and_link(click_store: ClickStore) -> None:
    one, two = b"visitor1", b"visitor2"
    await click_store.fold(
        [
            batch([visit(visitor=one), visit(visitor=one), visit(AT + HOUR_MS, visitor=two), visit(visitor=b"")]),
            batch([visit(link_id=2, visitor=one), visit(bot="curl", visitor=b"visitor3")], segment="w/1"),
        ]
    )
    await click_store.fold([batch([visit(visitor=two), visit(AT + DAY_MS, visitor=one)], start=1000)])
    assert await click_store.visitors(1, DAY, DAY + 2) == {DAY: 2, DAY + 1: 1}
    assert await click_store.visitors(2, DAY, DAY + 2) == {DAY: 1}
    assert await click_store.visitors(EVERY_LINK, DAY, DAY + 1) == {DAY: 2}


@pytest.mark.parametrize("each_time", [1, 9, 300])
@pytest.mark.parametrize("workspaces", [(1, 2, MAX_WORKSPACES), (2, 3)])
async def test_each_workspace_has_sums_and_visits_of_its_own(
    click_store: ClickStore, workspaces: Sequence[int], each_time: int
) -> None:
    chance = random.Random(each_time)
    visits = [
        visit(
            AT + chance.randrange(30) * HOUR_MS + nth,
            link_id := chance.randrange(1, 9),
            workspace=workspaces[link_id % len(workspaces)],
            refused=chance.choice(["", "", "", "expired"]),
            country=chance.choice(["", "DE", "FR"]),
            bot=chance.choice(["", "", "curl"]),
            visitor=chance.choice([b"", b"visitor1", b"visitor2", b"visitor3"]),
            private=chance.random() < 0.1,
        )
        for nth in range(300)
    ]
    for start in range(0, len(visits), each_time):
        await click_store.fold([batch(visits[start : start + each_time], start=16 + start * 10)])
    first = DAY * 24
    for workspace in (*workspaces, 7):
        sum_id = every_link(workspace)
        of_workspace = [one for one in visits if one.workspace == workspace]
        clicks = [one for one in of_workspace if not one.refused]
        bots = [one for one in clicks if one.bot]
        total = {sum_id: Total(len(clicks), len(bots))} if clicks else {}
        assert await click_store.totals([sum_id]) == total
        for since, until in ((0, 48), (0, 24), (3, 29)):
            tally = await click_store.tally(sum_id, first + since, first + until)
            given = [one for one in of_workspace if since <= (one.at_ms - AT) // HOUR_MS < until]
            countries = Counter(one.country for one in given if one.country and not one.refused and not one.bot)
            assert tally.clicks == len([one for one in given if not one.refused])
            assert tally.dimensions.get("country", {}) == dict(countries)
        by_hour = Counter(one.at_ms // HOUR_MS for one in clicks)
        hours = await click_store.hours(sum_id, first, first + 48)
        assert {hour: total.clicks for hour, total in hours.items()} == dict(by_hour)
        people = [one for one in clicks if one.visitor and not one.bot and not one.private]
        seen = {(one.at_ms // DAY_MS, one.visitor) for one in people}
        assert await click_store.visitors(sum_id, DAY, DAY + 2) == dict(Counter(day for day, _ in seen))
        listed: list[Visit] = []
        cursor = None
        while True:
            page = await click_store.visits(sum_id, since_ms=AT, until_ms=AT * 2, limit=20, cursor=cursor)
            listed += page.items
            if (cursor := page.next_cursor) is None:
                break
        kept = [one for one in of_workspace if not one.private]
        assert sorted(listed, key=repr) == sorted(kept, key=repr)
        assert [one.at_ms for one in listed] == sorted((one.at_ms for one in kept), reverse=True)
    await click_store.prune(now_ms=AT, visits_before_ms=AT + DAY_MS, gone_links=[])
    for workspace in workspaces:
        late = [one for one in visits if one.workspace == workspace and one.at_ms >= AT + DAY_MS and not one.private]
        page = await click_store.visits(every_link(workspace), since_ms=0, until_ms=AT * 2, limit=999)
        assert len(page.items) == len(late)


async def test_visitors_of_one_workspace_are_none_of_another(click_store: ClickStore) -> None:
    for workspace in (1, 2, 3):
        await click_store.fold([batch([visit(visitor=b"visitor1", workspace=workspace)], segment=f"w/{workspace}")])
    seen = [await click_store.visitors(every_link(workspace), DAY, DAY + 1) for workspace in (1, 2, 3, 4)]
    assert seen == [{DAY: 1}, {DAY: 1}, {DAY: 1}, {}]


async def test_a_cursor_is_good_for_its_workspace_only(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit(workspace=2), visit(workspace=2), visit(workspace=3)])])
    page = await click_store.visits(every_link(2), since_ms=0, until_ms=AT + 1, limit=1)
    assert page.next_cursor is not None
    for workspace in (1, 3):
        with pytest.raises(InvalidCursor):
            await click_store.visits(
                every_link(workspace), since_ms=0, until_ms=AT + 1, limit=1, cursor=page.next_cursor
            )


async def test_folding_again_changes_nothing(click_store: ClickStore) -> None:
    first = batch([visit(visitor=b"visitor1"), visit(bot="curl")])
    for _ in range(3):
        await click_store.fold([first, first])
    assert await click_store.totals([1]) == {1: Total(2, 1)}
    assert dict(await click_store.positions()) == {"w/0": 36}
    assert len((await click_store.visits(1, since_ms=0, until_ms=AT * 2, limit=10)).items) == 2


async def test_of_an_overlapping_batch_only_the_new_part_is_folded(click_store: ClickStore) -> None:
    visits = [visit(country=code) for code in ("DE", "FR", "NO", "SE")]
    whole = batch(visits)
    await click_store.fold([batch(visits[:2])])
    await click_store.fold([whole])
    await click_store.fold([batch(visits[1:3], start=26)])  # late, and known
    assert await click_store.totals([1]) == {1: Total(4)}
    tally = await click_store.tally(1, DAY * 24, DAY * 24 + 1)
    assert tally.dimensions == {"country": {"DE": 1, "FR": 1, "NO": 1, "SE": 1}}
    assert dict(await click_store.positions()) == {"w/0": whole.end}


async def test_segments_have_positions_of_their_own(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit()], segment="a/0"), batch([visit()], segment="b/0")])
    await click_store.fold([Batch(segment="c/0", start=16, end=90, visits=[])])
    assert dict(await click_store.positions()) == {"a/0": 26, "b/0": 26, "c/0": 90}
    await click_store.forget_segments(["a/0", "never/0"])
    await click_store.forget_segments([])
    assert dict(await click_store.positions()) == {"b/0": 26, "c/0": 90}
    assert await click_store.totals([1]) == {1: Total(2)}


async def test_what_one_process_folds_another_one_reads(click_store: ClickStore, same_store: ClickStore) -> None:
    await click_store.fold([batch([visit()])])
    assert await same_store.totals([1]) == {1: Total(1)}
    await same_store.fold([batch([visit(), visit()])])
    assert await click_store.totals([1]) == {1: Total(2)}


async def test_a_fold_that_fails_leaves_nothing_behind(click_store: ClickStore) -> None:
    broken = visit(city="\ud800")  # no engine can write this
    with pytest.raises(ValueError):
        await click_store.fold([batch([visit(), broken])])
    assert await click_store.totals([1, EVERY_LINK]) == {}
    assert await click_store.positions() == {}
    assert (await click_store.tally(1, DAY * 24, DAY * 24 + 24)) == Tally()
    await click_store.fold([batch([visit()])])
    assert await click_store.totals([1]) == {1: Total(1)}


async def test_values_beyond_the_bound_are_counted_as_other(click_store: ClickStore) -> None:
    hour = DAY * 24
    for start in range(3):
        some = [visit(city=f"city {start * MAX_VALUES + nth}") for nth in range(MAX_VALUES)]
        await click_store.fold([batch([*some, visit(city="city 0")], start=start * 10_000)])
    for since, until in ((hour, hour + 1), (hour, hour + 24)):
        cities = (await click_store.tally(1, since, until)).dimensions["city"]
        assert len(cities) == MAX_VALUES + 1
        assert cities["city 0"] == 4
        assert cities[OTHER] == 2 * MAX_VALUES
    await click_store.fold([batch([visit(link_id=9, city=f"{nth}") for nth in range(2 * MAX_VALUES)], segment="w/9")])
    assert (await click_store.tally(9, hour, hour + 1)).dimensions["city"][OTHER] == MAX_VALUES


async def test_visits_are_listed_newest_first_in_pages(click_store: ClickStore) -> None:
    given = [visit(AT + nth // 3, 1 + nth % 2, browser=f"{nth}") for nth in range(20)]
    await click_store.fold([batch(given)])
    for link_id in (1, 2, EVERY_LINK):
        seen: list[Visit] = []
        cursor = None
        while True:
            page = await click_store.visits(link_id, since_ms=AT, until_ms=AT + 5, limit=4, cursor=cursor)
            assert 1 <= len(page.items) <= 4
            seen += page.items
            if (cursor := page.next_cursor) is None:
                break
        wanted = [one for one in given if link_id in (one.link_id, EVERY_LINK) and one.at_ms < AT + 5]
        assert [one.at_ms for one in seen] == sorted((one.at_ms for one in wanted), reverse=True)
        assert sorted(one.browser for one in seen) == sorted(one.browser for one in wanted)


async def test_a_visit_comes_back_whole(click_store: ClickStore) -> None:
    described: dict[str, Any] = {name: name for name in DIMENSIONS if name != "bot"}
    whole = visit(visitor=b"visitor1", **described)
    bot = visit(AT + 1, bot="curl")
    await click_store.fold([batch([whole, bot, visit(private=True)])])
    page = await click_store.visits(1, since_ms=0, until_ms=AT * 2, limit=10)
    assert page.items == [bot, whole]
    assert page.next_cursor is None


async def test_visits_that_come_while_pages_are_read_do_not_move_them(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit(AT + nth) for nth in range(4)])])
    first = await click_store.visits(1, since_ms=0, until_ms=AT * 2, limit=2)
    await click_store.fold([batch([visit(AT + 9)], segment="w/1")])
    second = await click_store.visits(1, since_ms=0, until_ms=AT * 2, limit=2, cursor=first.next_cursor)
    assert [one.at_ms - AT for one in first.items + second.items] == [3, 2, 1, 0]


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", "1.", "1.zz", "2.5", "1.-5", "01.5", "1.05", "1." + "f" * 16, "1.5.5", "1.\u0665", "1.5\0"]
)
async def test_a_foreign_cursor_is_refused(click_store: ClickStore, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await click_store.visits(1, since_ms=0, until_ms=AT, limit=5, cursor=cursor)


async def test_a_cursor_is_good_for_its_link_only(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit(), visit(), visit(link_id=2)])])
    page = await click_store.visits(1, since_ms=0, until_ms=AT + 1, limit=1)
    with pytest.raises(InvalidCursor):
        await click_store.visits(2, since_ms=0, until_ms=AT + 1, limit=1, cursor=page.next_cursor)


@pytest.mark.parametrize("at_ms", [0, 2**43, 2**63, 2**64 - 1])
async def test_no_time_stops_the_fold(click_store: ClickStore, at_ms: int) -> None:
    await click_store.fold([batch([visit(at_ms, country="DE")])])
    assert await click_store.totals([1]) == {1: Total(1)}
    assert (await click_store.tally(1, at_ms // HOUR_MS, at_ms // HOUR_MS + 1)).clicks == 1


async def test_the_highest_link_id_is_counted(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit(link_id=2**63 - 1, visitor=b"visitor1")])])
    assert await click_store.totals([2**63 - 1]) == {2**63 - 1: Total(1)}
    assert await click_store.visitors(2**63 - 1, DAY, DAY + 1) == {DAY: 1}
    await click_store.prune(now_ms=AT, visits_before_ms=0, gone_links=[2**63 - 1])
    assert await click_store.totals([2**63 - 1]) == {}


async def test_pruning_deletes_old_visits_and_nothing_else(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit(AT + nth, country="DE") for nth in range(10)])])
    await click_store.prune(now_ms=AT, visits_before_ms=AT + 6, gone_links=[])
    page = await click_store.visits(EVERY_LINK, since_ms=0, until_ms=AT * 2, limit=99)
    assert [one.at_ms - AT for one in page.items] == [9, 8, 7, 6]
    assert await click_store.totals([1]) == {1: Total(10)}
    assert (await click_store.tally(1, DAY * 24, DAY * 24 + 24)).dimensions == {"country": {"DE": 10}}


async def test_pruning_goes_on_beyond_its_first_step(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit(AT + nth) for nth in range(10_001)])])
    await click_store.prune(now_ms=AT, visits_before_ms=AT + 10_000, gone_links=[])
    assert len((await click_store.visits(1, since_ms=0, until_ms=AT * 2, limit=99)).items) == 1


async def test_hashes_and_salts_are_kept_until_the_day_after(click_store: ClickStore) -> None:
    old, kept = await click_store.salt(DAY - 2), await click_store.salt(DAY - 1)
    seen = [visit(AT - 2 * DAY_MS, visitor=b"visitor1"), visit(AT - DAY_MS, visitor=b"visitor1")]
    await click_store.fold([batch(seen)])
    await click_store.prune(now_ms=AT, visits_before_ms=0, gone_links=[])
    assert await click_store.salt(DAY - 1) == kept
    assert await click_store.salt(DAY - 2) != old
    await click_store.fold([batch(seen, segment="late/0")])
    assert await click_store.visitors(1, DAY - 2, DAY) == {DAY - 2: 2, DAY - 1: 1}  # the older hash is forgotten


async def test_everything_about_a_gone_link_is_deleted_but_not_its_share_of_all(click_store: ClickStore) -> None:
    for link_id in (1, 2):
        days = [visit(AT + day * DAY_MS, link_id, visitor=b"visitor1", country="DE") for day in range(3)]
        await click_store.fold([batch(days, segment=f"w/{link_id}")])
    await click_store.prune(now_ms=AT, visits_before_ms=0, gone_links=[1, 77, EVERY_LINK])
    hours = (DAY * 24, DAY * 24 + 72)
    assert await click_store.totals([1, 2, EVERY_LINK]) == {2: Total(3), EVERY_LINK: Total(6)}
    assert await click_store.hours(1, *hours) == {}
    assert await click_store.tally(1, *hours) == Tally()
    assert await click_store.tally(1, hours[0] + 1, hours[1] - 1) == Tally()
    assert await click_store.visitors(1, DAY, DAY + 3) == {}
    assert (await click_store.visits(1, since_ms=0, until_ms=AT * 2, limit=9)).items == []
    assert (await click_store.tally(2, *hours)).clicks == 3
    assert (await click_store.tally(EVERY_LINK, *hours)).clicks == 6
    await click_store.fold([batch([visit(visitor=b"visitor1")], segment="w/3")])
    assert await click_store.visitors(1, DAY, DAY + 1) == {DAY: 1}


async def test_folding_goes_on_while_old_visits_are_deleted(click_store: ClickStore) -> None:
    await click_store.fold([batch([visit(AT + nth) for nth in range(20_000)])])
    pruning = asyncio.create_task(click_store.prune(now_ms=AT, visits_before_ms=AT * 2, gone_links=[]))
    for nth in range(3):
        await asyncio.sleep(0)
        await click_store.fold([batch([visit(AT * 3)], segment=f"w/{nth + 1}")])
    assert not pruning.done()
    await pruning
    assert await click_store.totals([1]) == {1: Total(20_003)}
    assert len((await click_store.visits(1, since_ms=0, until_ms=AT * 4, limit=9)).items) == 3


async def test_all_processes_get_the_same_salt(click_store: ClickStore, same_store: ClickStore) -> None:
    salts = await asyncio.gather(*(store.salt(DAY) for store in (click_store, same_store) * 10))
    assert len(set(salts)) == 1
    assert len(salts[0]) == 16
    assert await click_store.salt(DAY + 1) != salts[0]
