"""Clicks in Redis: exact through kills of the drain and of the server, bounded in time and memory."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from tests.faults.ordered_program import OrderedProgram
from tests.store.fold_program import AT, HOT, LINKS, Order, Report, batch_of, fold_all, visits_in
from tests.store.redis_servers import RedisServer, RedisServers, single_server

from shortly.clicks.fold import DAY_MS, HOUR_MS, add, fold_visits, hours_of
from shortly.clicks.store import EVERY_LINK, TOP_DAYS, Batch, Total, every_link
from shortly.clicks.visit import MAX_VALUES, OTHER, Tally, Visit
from shortly.errors import StorageFull
from shortly.redis_address import parse_address
from shortly.store.redis import clicks as clicks_module
from shortly.store.redis.clicks import RedisClicks
from shortly.store.redis.client import Client

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FIRST_DAY, LAST_DAY = AT // DAY_MS, AT // DAY_MS + 2
HOURS = (FIRST_DAY * 24, LAST_DAY * 24)
ALWAYS = "appendonly yes\nappendfsync always\n"
SEGMENTS = {"one/0": 300, "two/0": 200}

SUMS = (EVERY_LINK, every_link(2))

Counts = dict[str, Any]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisClicks]:
    """Give the clicks of a store."""
    client = Client(parse_address(url), track=False)
    await client.open()
    try:
        yield RedisClicks(client)
    finally:
        await client.close()


@pytest.fixture
async def clicks(redis_server: RedisServer) -> AsyncIterator[RedisClicks]:
    """Give the clicks of an empty store."""
    async with opened(redis_server.url) as store:
        yield store


# --- counting, by the store and in the simplest way ----------------------------------------------------------


async def counted(clicks: RedisClicks) -> Counts:
    """Return all that the store says about all links."""
    everybody = (*SUMS, *LINKS)
    return {
        "totals": await clicks.totals(everybody),
        "hours": {link_id: await clicks.hours(link_id, *HOURS) for link_id in everybody},
        "visitors": {link_id: await clicks.visitors(link_id, FIRST_DAY, LAST_DAY) for link_id in everybody},
        "days": {link_id: await clicks.tally(link_id, *HOURS) for link_id in everybody},
        "by hour": {link_id: await clicks.tally(link_id, HOURS[0] + 1, HOURS[1] - 1) for link_id in everybody},
        "visits": {link_id: await listed(clicks, link_id) for link_id in everybody},
    }


async def listed(clicks: RedisClicks, link_id: int, *, limit: int = 5_000) -> list[Visit]:
    """Return all raw visits, read in pages; sorted, where time leaves their order open."""
    visits: list[Visit] = []
    cursor = None
    while True:
        page = await clicks.visits(link_id, since_ms=0, until_ms=1 << 42, limit=limit, cursor=cursor)
        visits += page.items
        if (cursor := page.next_cursor) is None:
            break
    times = [visit.at_ms for visit in visits]
    assert times == sorted(times, reverse=True)
    return sorted(visits, key=repr)


def expected(segments: Mapping[str, int]) -> Counts:
    """Return what ``counted`` returns when every visit was counted once."""
    visits = [visit for segment, count in segments.items() for visit in visits_in(segment, count)]
    folded = fold_visits(visits)
    for day, alone in folded.alone.items():
        folded.days[day] |= {link_id: hours_of([visit]) for link_id, visit in alone.items()}
    counts: Counts = {name: {} for name in ("totals", "hours", "visitors", "days", "by hour", "visits")}
    for link_id in (*SUMS, *LINKS):
        tally, hours = Tally(dimensions={}), {}
        for day, links in sorted(folded.days.items()):
            for hour, of_hour in sorted(links.get(link_id, {}).items()):
                add(tally, of_hour)
                if of_hour.clicks:
                    hours[day * 24 + hour] = Total(of_hour.clicks, of_hour.bots)
        if tally.clicks:
            counts["totals"][link_id] = Total(tally.clicks, tally.bots)
        counts["hours"][link_id] = hours
        counts["days"][link_id] = counts["by hour"][link_id] = tally
        visitors = {
            day: {visitor for of_link, visitor in seen if link_id == of_link}
            for day, seen in sorted(folded.visitors.items())
        }
        counts["visitors"][link_id] = {day: len(seen) for day, seen in visitors.items() if seen}
        of_link_visits = [visit for visit in visits if link_id in ids_of(visit) and not visit.private]
        counts["visits"][link_id] = sorted(of_link_visits, key=repr)
    return counts


def ids_of(visit: Visit) -> tuple[int, int]:
    """Return where a visit is counted."""
    return visit.link_id, every_link(visit.workspace)


def visit(at_ms: int = AT, link_id: int = 1, **values: Any) -> Visit:
    """A human's visit unless told otherwise."""
    return Visit(at_ms=at_ms, link_id=link_id, **values)


def batch(visits: list[Visit], segment: str = "w/0") -> Batch:
    """The visits as records of 10 bytes each."""
    return batch_of(segment, visits, 0, len(visits))


# --- kills ---------------------------------------------------------------------------------------------------


class FoldProgram(OrderedProgram):
    """The program of that name, running."""

    def __init__(self) -> None:
        super().__init__("tests.store.fold_program")

    def start(
        self,
        url: str,
        segments: dict[str, int],
        *,
        batch: int,
        kill_at: int = 0,
        kill_after_s: float | None = None,
    ) -> None:
        """Begin to fold."""
        self.order(Order(url=url, segments=segments, batch=batch, kill_at=kill_at, kill_after_s=kill_after_s))

    def fold(self, url: str, segments: dict[str, int], **order: Any) -> Report:
        """Fold what is not folded, or be killed over it."""
        self.start(url, segments, **order)
        report: Report = self.report()
        return report


@pytest.fixture(scope="module")
def program() -> Iterator[FoldProgram]:
    """Start the program."""
    with closing(FoldProgram()) as running:
        yield running


async def check(url: str, segments: Mapping[str, int]) -> None:
    """Compare all that can be read with what must be there."""
    async with opened(url) as clicks:
        assert await counted(clicks) == expected(segments)


def test_a_fold_killed_before_any_step_counts_every_click_once(redis_server: RedisServer, program: FoldProgram) -> None:
    def attempt(kill_at: int) -> Report:
        redis_server.command("FLUSHALL")
        report = program.fold(redis_server.url, SEGMENTS, batch=350, kill_at=kill_at)
        assert program.fold(redis_server.url, SEGMENTS, batch=130)["exit_code"] == 0  # with other borders
        asyncio.run(check(redis_server.url, SEGMENTS))
        return report

    steps = attempt(0)["steps"]
    assert steps >= 15
    for kill_at in range(1, steps + 1):
        assert attempt(kill_at) == {"exit_code": -signal.SIGKILL, "steps": kill_at - 1}


@pytest.mark.parametrize("kind", ["redis_server", "redis_cluster"])
def test_folds_killed_again_and_again_at_any_moment_count_every_click_once(
    kind: str, request: pytest.FixtureRequest, program: FoldProgram
) -> None:
    server: RedisServer | RedisServers = request.getfixturevalue(kind)
    chance = random.Random(20)
    segments: dict[str, int] = {}
    killed = 0
    while killed < 15:
        segments[f"node/{len(segments)}"] = 4_000
        order: dict[str, Any] = {"batch": chance.randrange(300, 1500)}
        while program.fold(server.url, segments, kill_after_s=chance.uniform(0.01, 0.25), **order)["exit_code"]:
            killed += 1
    asyncio.run(check(server.url, segments))
    print(f"killed {killed} times over {sum(segments.values()):,} clicks")


def test_a_server_killed_in_the_middle_of_folds_has_counted_every_click_once(program: FoldProgram) -> None:
    chance = random.Random(30)
    segments: dict[str, int] = {}
    kills = 0
    with single_server(ALWAYS) as server:
        while kills < 10:
            segments[f"node/{len(segments)}"] = 4_000
            program.start(server.url, segments, batch=500)
            while not program.has_reported(within_s=chance.uniform(0.01, 0.15)):
                server.kill()
                kills += 1
                server.start()
            assert program.report()["exit_code"] == 0
        asyncio.run(check(server.url, segments))
        server.kill()
        server.start()
        asyncio.run(check(server.url, segments))  # the file has them all, too
    print(f"killed the server {kills} times over {sum(segments.values()):,} clicks")


# --- other processes, other troubles -------------------------------------------------------------------------


async def test_processes_that_fold_the_same_segments_at_once_count_every_click_once(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks_module, "SENT_TOGETHER", 3)
    segments = {"one/0": 2_000, "two/0": 2_000}
    async with opened(redis_server.url) as one, opened(redis_server.url) as two, opened(redis_server.url) as three:
        folding = (fold_all(one, segments, 700), fold_all(two, segments, 300), fold_all(three, segments, 450))
        await asyncio.gather(*folding)
        assert await counted(one) == expected(segments)


@pytest.mark.parametrize("size", [1, 3, 500])
async def test_batches_of_any_size_make_the_same_counts(clicks: RedisClicks, size: int) -> None:
    await fold_all(clicks, SEGMENTS, size)
    assert await counted(clicks) == expected(SEGMENTS)


async def test_a_day_is_packed_until_its_clicks_are_many(redis_server: RedisServer, clicks: RedisClicks) -> None:
    few = [visit(AT + nth * HOUR_MS, browser="A", visitor=bytes([nth] * 8)) for nth in range(2)]
    await clicks.fold([batch([*few, visit(bot="curl"), visit(refused="expired")])])
    assert redis_server.command("KEYS", "[ch]:{01}:*") == []
    many = [visit(AT + HOUR_MS, city=f"a rather long name {nth}", visitor=bytes([nth] * 8)) for nth in range(50)]
    await clicks.fold([batch(many, "w/1")])
    assert len(redis_server.command("KEYS", "[ch]:{01}:*")) == 2
    await clicks.fold([batch([visit(AT + HOUR_MS, browser="A", city="a rather long name 7")], "w/2")])
    tally = await clicks.tally(1, *HOURS)
    assert (tally.clicks, tally.bots) == (54, 1)
    assert (tally.dimensions["browser"], tally.dimensions["city"]["a rather long name 7"]) == ({"A": 3}, 2)
    assert (tally.dimensions["bot"], tally.dimensions["refused"]) == ({"curl": 1}, {"expired": 1})
    later = AT // HOUR_MS + 1
    assert await clicks.hours(1, *HOURS) == {later - 1: Total(2, 1), later: Total(52)}
    assert await clicks.clicks_between(1, later, later + 1) == Total(52)
    assert (await clicks.tally(1, later, later + 1)).clicks == 52
    assert await clicks.visitors(1, FIRST_DAY, LAST_DAY) == {FIRST_DAY: 50}
    assert await clicks.days_of([1], FIRST_DAY, LAST_DAY) == {1: Total(54, 1)}
    assert (await clicks.top_days(EVERY_LINK, FIRST_DAY, LAST_DAY))[FIRST_DAY].clicks == {1: 53}


async def test_counts_are_the_same_before_days_are_packed_and_when_they_begin_to_be(
    redis_server: RedisServer, clicks: RedisClicks
) -> None:
    clicks.packs_days = False
    await fold_all(clicks, {"one/0": 300}, 40)
    assert redis_server.command("KEYS", "f:{*") == []
    assert await counted(clicks) == expected({"one/0": 300})
    clicks.packs_days = True
    await fold_all(clicks, {"two/0": 200}, 40)
    assert redis_server.command("KEYS", "f:{*") != []
    assert await counted(clicks) == expected(SEGMENTS)


async def test_days_that_an_earlier_version_counted_go_on(redis_server: RedisServer, clicks: RedisClicks) -> None:
    day = f"{{01}}:1:{FIRST_DAY}"
    redis_server.command("HSET", f"c:{day}", "+", 5, "-", 2, "*", 3, "22", 5, "22b", 2, "bA", 3)
    redis_server.command("HSET", f"h:{{01}}:1:{AT // HOUR_MS}", "+", 5, "-", 2, "bA", 3)
    redis_server.command("SADD", "g:{01}:1", FIRST_DAY)
    await clicks.fold([batch([visit(browser="A", visitor=b"somebody")])])
    hour = (AT // HOUR_MS, AT // HOUR_MS + 1)
    for tally in (await clicks.tally(1, *HOURS), await clicks.tally(1, *hour)):
        assert (tally.clicks, tally.bots, tally.dimensions) == (6, 2, {"browser": {"A": 4}})
    assert await clicks.hours(1, *HOURS) == {hour[0]: Total(6, 2)}
    assert await clicks.visitors(1, FIRST_DAY, LAST_DAY) == {FIRST_DAY: 4}
    assert (await clicks.top_days(EVERY_LINK, FIRST_DAY, LAST_DAY))[FIRST_DAY].clicks == {1: 4}


async def test_a_server_without_room_refuses_and_goes_on_exactly_when_it_has_some(
    redis_server: RedisServer, clicks: RedisClicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks_module, "SENT_TOGETHER", 3)
    segments = {"one/0": 3_000}
    batches = [batch_of("one/0", visits_in("one/0", 3_000), 0, 3_000)]
    await clicks.fold([batch([visit(link_id=HOT + 256 * 9)])])
    used = redis_server.command("INFO", "memory")["used_memory"]
    try:
        redis_server.command("CONFIG", "SET", "maxmemory", used + 150_000)
        with pytest.raises(StorageFull):
            await clicks.fold(batches)
        assert "one/0" not in await clicks.positions()
    finally:
        redis_server.command("CONFIG", "SET", "maxmemory", 0)
    partly = (await clicks.totals([EVERY_LINK, *LINKS])).values()
    assert partly  # the refusal came in the middle
    await clicks.fold(batches)
    mended = await counted(clicks)
    wanted = expected(segments)
    for name in ("hours", "visitors", "days", "visits"):
        del mended[name][EVERY_LINK], wanted[name][EVERY_LINK]  # there is one click more of all
    assert mended["days"] == wanted["days"]
    assert mended["hours"] == wanted["hours"]
    assert mended["visits"] == wanted["visits"]


async def test_a_flushed_script_cache_is_filled_again(redis_server: RedisServer, clicks: RedisClicks) -> None:
    await clicks.fold([batch([visit()])])
    redis_server.command("SCRIPT", "FLUSH")
    await clicks.fold([batch([visit(), visit()])])
    assert await clicks.totals([1]) == {1: Total(2)}


# --- raw visits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [0, 500, 2_500, 10 * HOUR_MS])
async def test_visits_of_several_nodes_are_listed_by_time(clicks: RedisClicks, late: int) -> None:
    given = []
    for nth, segment in enumerate(("a/0", "b/0", "c/0")):
        visits = [visit(AT + 3 * step + nth - late * nth, browser=f"{segment} {step}") for step in range(1_500)]
        given += visits
        await clicks.fold([batch(visits, segment)])
    for link_id in (1, EVERY_LINK):
        assert await listed(clicks, link_id, limit=999) == sorted(given, key=repr)
    await clicks.prune(now_ms=AT, visits_before_ms=AT + 700, gone_links=[])
    kept = sorted((one for one in given if one.at_ms >= AT + 700), key=repr)
    for link_id in (1, EVERY_LINK):
        assert await listed(clicks, link_id) == kept


async def test_visits_of_a_gone_link_are_missing_in_the_list_of_all(clicks: RedisClicks) -> None:
    await clicks.fold([batch([visit(AT + nth, 1 + nth % 2, browser=str(nth)) for nth in range(3_000)])])
    await clicks.prune(now_ms=AT, visits_before_ms=0, gone_links=[1])
    page = await clicks.visits(EVERY_LINK, since_ms=0, until_ms=AT * 2, limit=5)
    assert [one.browser for one in page.items] == ["2999", "2997", "2995", "2993", "2991"]
    assert len(await listed(clicks, EVERY_LINK, limit=77)) == 1_500


async def test_nothing_is_left_of_what_was_pruned(redis_server: RedisServer, clicks: RedisClicks) -> None:
    await fold_all(clicks, SEGMENTS, 200)
    await clicks.salt(FIRST_DAY)
    gone = [link_id for link_id in LINKS if link_id != HOT]
    await clicks.forget_changed(await clicks.changed_totals())
    await clicks.prune(now_ms=AT + 30 * DAY_MS, visits_before_ms=AT + 30 * DAY_MS, gone_links=gone)
    await clicks.forget_segments(list(SEGMENTS))
    found = redis_server.command("KEYS", "*")
    tops = [key for key in found if key.startswith("k:")]
    assert tops
    assert all(0 < redis_server.command("TTL", key) <= TOP_DAYS * 86_400 for key in tops)  # they run out by themselves
    left = sorted({key.split(":")[0] + ":" + key.split(":")[1] for key in found if key not in tops})
    hot = f"{{{HOT:02x}}}"
    assert [key for key in left if not key.startswith("schema")] == sorted(
        ["c:{all}", "c:{log}", "e:{all}", "f:{all}", "g:{all}", "h:{all}", "s:{all}"]
        + [f"c:{hot}", f"f:{hot}", f"g:{hot}", f"h:{hot}", f"s:{hot}"]
        + ([f"q:{hot}"] if redis_server.command("EXISTS", f"q:{hot}") else [])
    )


# --- bounds --------------------------------------------------------------------------------------------------


async def test_values_that_are_kept_apart_stay_so_and_the_rarest_new_ones_do_not(clicks: RedisClicks) -> None:
    await clicks.fold([batch([visit(city=f"old {nth}") for nth in range(MAX_VALUES - 2)])])
    frequent = [visit(city="frequent")] * 5 + [visit(city="often")] * 3
    rare = [visit(city=f"rare {nth}") for nth in range(50)]
    await clicks.fold([batch([*rare, *frequent, visit(city="old 7"), visit(city=OTHER)], "w/1")])
    await clicks.fold([batch([visit(city="late"), visit(city="often"), visit(os="Linux")], "w/2")])
    for until in (HOURS[0] + 23, HOURS[1]):
        tally = await clicks.tally(1, HOURS[0], until)
        cities = tally.dimensions["city"]
        assert (cities["frequent"], cities["often"], cities["old 7"], cities[OTHER]) == (5, 4, 2, 52)
        assert len(cities) == MAX_VALUES + 1
        assert sum(cities.values()) == tally.clicks - 1
        assert tally.dimensions["os"] == {"Linux": 1}


async def test_visitors_are_counted_exactly_however_many(clicks: RedisClicks) -> None:
    for nth in range(3):
        visits = [visit(visitor=(nth * 1_000 + who).to_bytes(8, "big")) for who in range(2_000)]
        await clicks.fold([batch(visits, f"w/{nth}")])
    wanted = {FIRST_DAY: 4_000}
    assert await clicks.visitors(1, FIRST_DAY, LAST_DAY) == wanted
    assert await clicks.visitors(EVERY_LINK, FIRST_DAY, LAST_DAY) == wanted


async def test_visitors_and_salts_run_out_even_if_nobody_prunes(redis_server: RedisServer, clicks: RedisClicks) -> None:
    await clicks.salt(FIRST_DAY)
    await fold_all(clicks, SEGMENTS, 1_000)
    keys = [key for pattern in ("u:*", "a:*", "y:*") for key in redis_server.command("KEYS", pattern)]
    assert len(keys) > 100
    assert all(0 < redis_server.command("TTL", key) <= 3 * 86_400 for key in keys)


async def test_a_click_takes_a_few_hundred_bytes(redis_server: RedisServer, clicks: RedisClicks) -> None:
    before = redis_server.command("INFO", "memory")["used_memory"]
    chance = random.Random(1)
    count = 20_000
    visits = [
        visit(
            AT + nth * 1_000 // 6,
            int(chance.paretovariate(1.0)) % 100_000 + 1,
            visitor=chance.randbytes(8),
            referrer=f"site{chance.randrange(100)}.example.com",
            country="DE",
            region="Nordrhein-Westfalen",
            city=chance.choice(["Bonn", "Aachen", "Münster"]),
            browser="Firefox",
            os="Windows",
            device="desktop",
            language="de",
        )
        for nth in range(count)
    ]
    await clicks.fold([batch(visits)])
    used = (redis_server.command("INFO", "memory")["used_memory"] - before) / count
    print(f"{used:.0f} MB for a million clicks and their raw visits")
    assert used < 500


# --- word to the index ---------------------------------------------------------------------------------------


async def test_the_index_hears_of_every_total_that_changed(clicks: RedisClicks) -> None:
    assert await clicks.changed_totals() == {}
    await clicks.fold([batch([visit(), visit(link_id=2, bot="curl"), visit(link_id=3, refused="expired")])])
    assert await clicks.changed_totals() == {1: Total(1), 2: Total(1, 1)}
    heard = await clicks.changed_totals()
    await clicks.fold([batch([visit(link_id=2)], "w/1")])  # while the index is being told
    await clicks.forget_changed(heard)
    assert await clicks.changed_totals() == {2: Total(2, 1)}
    await clicks.forget_changed(await clicks.changed_totals())
    assert await clicks.changed_totals() == {}


async def test_the_index_hears_of_thousands_of_links(clicks: RedisClicks) -> None:
    links = range(1, 3_001)
    await clicks.fold([batch([visit(link_id=link_id) for link_id in links])])
    heard: dict[int, Total] = {}
    while changed := await clicks.changed_totals():
        heard |= changed
        await clicks.forget_changed(changed)
    assert heard == {link_id: Total(1) for link_id in links}
