"""The most clicked links of each workspace and day, out of those of all partitions.

The script that counts clicks compares each link whose count of the day grew with the partition's first ones; see
``store.sqlite.click_tops`` for why these are always the ones with the most. A link that is among the first
``TOP_KEPT`` of all is among the first of its partition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from shortly.clicks.store import TOP_KEPT, TopDay, Total
from shortly.store.redis import click_keys
from shortly.store.redis.click_calls import cut
from shortly.store.redis.click_days import few_in
from shortly.store.redis.click_rows import BOTS, CLICKS
from shortly.store.redis.client import Client
from shortly.store.redis.keys import PARTITIONS

READ_TOGETHER = 1_000


async def read_top_days(client: Client, sum_id: int, since_day: int, until_day: int) -> dict[int, TopDay]:
    """Return the first ones of each day, see ``ClickStore.top_days``."""
    tops: dict[int, TopDay] = {}
    for day in range(since_day, until_day):
        replies = await client.read_many(
            [
                ("ZRANGE", click_keys.top(partition, sum_id, day), 0, TOP_KEPT - 1, "REV", "WITHSCORES")
                for partition in range(PARTITIONS)
            ]
        )
        clicks: dict[int, int] = {}
        below = 0
        for reply in replies:
            clicks.update((int(link_id), int(float(score))) for link_id, score in reply)
            if len(reply) >= TOP_KEPT:
                below = max(below, int(float(reply[-1][1])))
        if clicks:
            tops[day] = TopDay(clicks, below)
    return tops


async def read_days_of(client: Client, link_ids: Sequence[int], since_day: int, until_day: int) -> dict[int, Total]:
    """Return the clicks of links in some days, see ``ClickStore.days_of``; a look-up for each link and day."""
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    places = [(link_id, day) for link_id in link_ids for day in range(since_day, until_day)]
    for some in cut(places, READ_TOGETHER):
        rows = await client.read_many([("HMGET", click_keys.day_row(*place), CLICKS, BOTS) for place in some])
        for (link_id, _), (clicks, bots) in zip(some, rows, strict=True):
            sums[link_id][0] += int(clicks or 0)
            sums[link_id][1] += int(bots or 0)
        texts = await client.read_many([("GET", click_keys.packed_day(*place)) for place in some])
        for (link_id, _), text in zip(some, texts, strict=True):
            for total in few_in(text).totals().values():
                sums[link_id][0] += total.clicks
                sums[link_id][1] += total.bots
    return {link_id: Total(clicks, bots) for link_id, (clicks, bots) in sums.items() if clicks}
