"""The last hour as it happens."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.stats.conftest import NOW, Fold

from shortly.clicks.store import EVERY_LINK, ClickStore, every_link
from shortly.clicks.visit import Visit
from shortly.errors import TooManyStreams
from shortly.stats.live import HOUR, MAX_STREAMS, MAX_VISITS, Live, LiveService

pytestmark = pytest.mark.anyio

NOW_MS = int(NOW.timestamp() * 1000)
MOMENT = NOW_MS // 10_000


class Clock:
    """Tells the time that it was set to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def live(store: ClickStore, clock: Clock) -> AsyncIterator[LiveService]:
    service = LiveService(store, clock, every_s=0.02)
    yield service
    await service.close()


async def news(stream: AsyncIterator[Live | None]) -> Live:
    """Return the next news."""
    async with asyncio.timeout(10):
        async for each in stream:
            if each is not None:
                return each
    raise AssertionError("the stream has ended")


async def looked(live: LiveService) -> None:
    """Return when the store has been looked at from the beginning to the end since this was called."""
    (feed,) = live._feeds.values()
    looks = feed.looks
    async with asyncio.timeout(10):
        while feed.looks < looks + 2:
            await asyncio.sleep(0.005)


def visit(before_s: int = 0, link_id: int = 1, **values: object) -> Visit:
    return Visit(at_ms=NOW_MS - before_s * 1000, link_id=link_id, **values)  # type: ignore[arg-type]


async def test_who_begins_to_watch_is_told_the_last_hour(live: LiveService, fold: Fold) -> None:
    await fold([visit(), visit(bot="curl"), visit(3_590), visit(3_700), visit(60, workspace=2)])
    first = await news(live.watch(EVERY_LINK))
    assert (first.whole, first.until, first.complete) == (True, MOMENT, True)
    assert first.moments == [(MOMENT - 359, 1, 0), (MOMENT, 2, 1)]
    assert (await news(live.watch(every_link(2)))).moments == [(MOMENT - 6, 1, 0)]
    assert (await news(live.watch(every_link(3)))).moments == []


async def test_only_what_changed_is_told_after_that_in_absolute_numbers(live: LiveService, fold: Fold) -> None:
    await fold([visit(), visit(100)])
    stream = live.watch(EVERY_LINK)
    await news(stream)
    await fold([visit(), visit(500)])  # one of them late
    change = await news(stream)
    assert (change.whole, change.moments) == (False, [(MOMENT - 50, 1, 0), (MOMENT, 2, 0)])


async def test_who_comes_back_is_told_what_is_new_by_any_process(
    live: LiveService, store: ClickStore, fold: Fold, clock: Clock
) -> None:
    await fold([visit(), visit(2_000)])
    first = await news(live.watch(EVERY_LINK))
    clock.now += timedelta(minutes=10)
    await fold([visit(-300)])
    other = LiveService(store, clock, every_s=0.02)
    back = await news(other.watch(EVERY_LINK, first.id))
    assert back.whole is False
    assert back.moments == [(MOMENT, 1, 0), (MOMENT + 30, 1, 0)]
    await fold([visit(1_000)])  # later than is told again: then everything is
    await other.close()
    third = await news(LiveService(store, clock).watch(EVERY_LINK, first.id))
    assert third.whole is True
    assert len(third.moments) == 4


async def test_who_was_away_for_more_than_an_hour_is_told_everything(
    live: LiveService, fold: Fold, clock: Clock
) -> None:
    await fold([visit()])
    first = await news(live.watch(EVERY_LINK))
    clock.now += timedelta(minutes=61)
    await asyncio.sleep(0.1)
    back = await news(live.watch(EVERY_LINK, first.id))
    assert (back.whole, back.moments) == (True, [])


async def test_a_link_is_watched_by_its_visits_as_far_as_they_are_read(live: LiveService, fold: Fold) -> None:
    await fold([visit(5), visit(5, refused="expired"), visit(9, 2), visit(100, bot="curl")])
    first = await news(live.watch(1))
    assert (first.complete, first.moments) == (True, [(MOMENT - 10, 1, 1), (MOMENT - 1, 1, 0)])
    await fold([visit(20, 3)] * (MAX_VISITS + 1))
    crowd = await news(live.watch(3))
    assert (crowd.complete, sum(clicks for _, clicks, _ in crowd.moments)) == (False, MAX_VISITS)


async def test_many_who_watch_cost_one_look(store: ClickStore, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = store.moments

    async def counted(sum_id: int, since: int, until: int) -> object:
        looks.append(sum_id)
        return await look(sum_id, since, until)

    monkeypatch.setattr(store, "moments", counted)
    live = LiveService(store, clock, every_s=60)
    streams = [live.watch(EVERY_LINK) for _ in range(50)]
    assert {(await news(stream)).until for stream in streams} == {MOMENT}
    assert looks == [EVERY_LINK]
    await live.close()


async def test_who_reads_slowly_is_told_the_sum_at_once(live: LiveService, fold: Fold) -> None:
    slow = live.watch(EVERY_LINK)
    await news(slow)
    for _ in range(20):
        await fold([visit()])
        await looked(live)
    change = await news(slow)
    assert change.moments == [(MOMENT, 20, 0)]
    assert len(change.moments) <= HOUR


async def test_nobody_holds_more_streams_than_allowed(live: LiveService) -> None:
    held = [live.place("user:1") for _ in range(MAX_STREAMS)]
    for place in held:
        place.__enter__()
    with pytest.raises(TooManyStreams), live.place("user:1"):
        pass
    with live.place("user:2"):
        pass
    held[0].__exit__(None, None, None)
    with live.place("user:1"):
        pass


async def test_the_store_is_left_alone_when_nobody_watches(live: LiveService) -> None:
    stream = live.watch(EVERY_LINK)
    await news(stream)
    assert len(live._feeds) == 1
    await stream.aclose()
    assert live._feeds == {}


async def test_all_streams_end_with_the_process(live: LiveService) -> None:
    stream = live.watch(EVERY_LINK)
    await news(stream)
    await live.close()
    async with asyncio.timeout(5):
        assert [each async for each in stream if each is not None] == []


def test_moments_are_those_of_utc() -> None:
    assert datetime.fromtimestamp(MOMENT * 10, UTC) <= NOW < datetime.fromtimestamp(MOMENT * 10 + 10, UTC)
