"""Raw visits on their way: the target counts them anew, and so makes its lists and sets of visitors itself."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from msgspec.structs import replace

from shortly.clicks.fold import DAY_MS, HOUR_MS
from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.store import Store

SEGMENT = "migration"
"""What the target takes the visits for; forgotten when they are there."""
BATCH = 2_000
PAGE = 1_000
FOR_EVER_MS = 1 << 42
"""In the year 2109."""


async def copy_visits(
    source: Store,
    target: Store,
    days: Mapping[int, Sequence[int]],
    targets: Mapping[int, int],
    told: Callable[[int], None],
) -> None:
    """Put the source's visits in the place of those that the target has.

    The target's counts are wrong afterwards, and to be set; all of it may be repeated. Visits of links that are gone
    are left out, and of those who visited before yesterday nobody remembers that they did.

    Args:
        source: Nobody counts clicks into it.
        target: The same.
        days: What stands for the sum of each workspace -> its days with counts.
        targets: The target's ids of the source's links.
        told: How many more visits were copied.
    """
    now_ms = time.time_ns() // 1_000_000
    await target.prune(now_ms=now_ms, visits_before_ms=FOR_EVER_MS, gone_links=[])
    await target.forget_segments([SEGMENT])
    position = 0
    for sum_id, of_sum in days.items():
        async for visits in each_hour(source, sum_id, of_sum):
            known = [replace(visit, link_id=targets[visit.link_id]) for visit in visits if visit.link_id in targets]
            for start in range(0, len(known), BATCH):
                some = known[start : start + BATCH]
                placed = [(position + nth, visit) for nth, visit in enumerate(some, start=1)]
                end = position + len(some)
                await target.fold([Batch(segment=SEGMENT, start=position, end=end, visits=placed)])
                position = end
                told(len(some))
    await target.forget_segments([SEGMENT])
    await target.prune(now_ms=now_ms, visits_before_ms=0, gone_links=[])


async def each_hour(store: Store, sum_id: int, days: Sequence[int]) -> AsyncIterator[list[Visit]]:
    """Yield the visits that a store keeps of these days, an hour's at once, oldest first."""
    for day in sorted(days):
        for start_ms in range(day * DAY_MS, (day + 1) * DAY_MS, HOUR_MS):
            visits: list[Visit] = []
            cursor = None
            while True:
                page = await store.visits(
                    sum_id, since_ms=start_ms, until_ms=start_ms + HOUR_MS, limit=PAGE, cursor=cursor
                )
                visits += page.items
                cursor = page.next_cursor
                if cursor is None:
                    break
            if visits:
                yield visits[::-1]
