"""The most clicked links of a day, the same on every engine."""

import random
from collections import Counter

import pytest
from tests.store.examples import add
from tests.store.test_contract_clicks import AT, DAY, DAY_MS, batch, visit

from shortly.clicks.store import EVERY_LINK, TOP_KEPT, Batch, TopDay, Total, every_link
from shortly.stats.top import top_links
from shortly.store import Store

pytestmark = pytest.mark.anyio


async def best(store: Store, day: int = DAY, sum_id: int = EVERY_LINK) -> dict[int, int]:
    """Return the first ones of a day, as many as are right."""
    top = (await store.top_days(sum_id, day, day + 1)).get(day, TopDay({}, 0))
    return dict(sorted(top.clicks.items(), key=lambda item: -item[1])[:TOP_KEPT])


async def test_people_are_counted_by_link_day_and_workspace(store: Store) -> None:
    visits = [
        *[visit(AT, 1)] * 3,
        *[visit(AT, 2, bot="curl")] * 9,
        visit(AT, 2),
        visit(AT, 3, bot="curl"),
        visit(AT, 4, refused="expired"),
        visit(AT, 5, private=True),
        *[visit(AT, 6, workspace=2)] * 2,
        *[visit(AT + DAY_MS, 2)] * 2,
    ]
    await store.fold([batch(visits)])
    assert await best(store) == {1: 3, 2: 1, 5: 1}
    assert await best(store, DAY + 1) == {2: 2}
    assert await best(store, sum_id=every_link(2)) == {6: 2}
    assert await best(store, sum_id=every_link(3)) == {}
    assert await store.days_of([1, 2, 3, 4], DAY, DAY + 2) == {1: Total(3), 2: Total(12, 9), 3: Total(1, 1)}
    assert await store.days_of([], DAY, DAY + 2) == {}
    assert await store.days_of([1], DAY + 2, DAY) == {}


async def test_folding_again_changes_nothing(store: Store) -> None:
    one = batch([visit(AT, 1), visit(AT, 1), visit(AT, 2)])
    await store.fold([one])
    await store.fold([one])
    assert await best(store) == {1: 2, 2: 1}


async def test_the_first_ones_are_right_however_many_others_there_are(store: Store) -> None:
    chance = random.Random(7)
    truth: Counter[int] = Counter()
    position = 16
    for _ in range(6):
        ids = [int(chance.paretovariate(0.6)) % 3_000 * 256 + 1 for _ in range(1_500)]  # of one partition of Redis
        truth.update(ids)
        one = batch([visit(AT, link_id) for link_id in ids], start=position)
        position = one.end
        await store.fold([one])
    right = sorted(truth.values(), reverse=True)[:TOP_KEPT]
    assert len(truth) > 10 * TOP_KEPT
    assert list((await best(store)).values()) == right
    top = (await store.top_days(EVERY_LINK, DAY, DAY + 1))[DAY]
    assert all(truth[link_id] == clicks for link_id, clicks in top.clicks.items())
    assert top.below >= max(clicks for link_id, clicks in truth.items() if link_id not in top.clicks)


async def test_several_days_together_are_right_or_say_what_they_may_lack(store: Store) -> None:
    chance = random.Random(3)
    truth: Counter[int] = Counter()
    batches: list[Batch] = []
    position = 16
    for day in range(3):
        ids = [int(chance.paretovariate(0.8)) % 500 + 1 for _ in range(2_000)]
        truth.update(ids)
        batches.append(batch([visit(AT + day * DAY_MS, link_id) for link_id in ids], start=position))
        position = batches[-1].end
    await store.fold(batches)
    found = await top_links(store, EVERY_LINK, DAY, DAY + 3)
    for top in found.links:
        assert top.total == Total(truth[top.link_id])
    told = {top.link_id for top in found.links}
    assert max((clicks for link_id, clicks in truth.items() if link_id not in told), default=0) <= found.below
    sure = [top.total.clicks for top in found.links if top.total.clicks >= found.below]
    assert len(sure) >= 5
    assert sure == sorted(truth.values(), reverse=True)[: len(sure)]


async def test_old_days_are_forgotten(store: Store) -> None:
    await store.fold([batch([visit(AT, 1), visit(AT + 8 * DAY_MS, 1)])])
    await store.prune(now_ms=AT + 8 * DAY_MS, visits_before_ms=0, gone_links=[])
    assert await best(store, DAY + 8) == {1: 1}


async def test_links_are_read_by_their_ids(store: Store) -> None:
    one, other = await add(store, "a"), await add(store, "b")
    assert await store.get_links([one.id, other.id, 77_777]) == {one.id: one, other.id: other}
    assert await store.get_links([]) == {}
