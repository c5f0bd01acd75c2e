"""Deleting clicks that have been kept long enough, in steps that keep nobody waiting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from shortly.clicks.fold import DAY_MS
from shortly.clicks.store import is_sum
from shortly.store.redis import click_keys
from shortly.store.redis.click_calls import Call, cut, run_all
from shortly.store.redis.click_keys import CLICK_TAGS, VISIT_DAYS
from shortly.store.redis.client import Client
from shortly.store.redis.keys import home_of
from shortly.store.redis.scripts import Script

STEP = 1_000
"""Visits, keys or sets of visitors that one script deletes, about."""
SIDE_BY_SIDE = 16
"""Such scripts that are sent together, and links that are forgotten together."""
SALT_DAYS = 30
"""Older salts have run out by themselves long ago."""

CUT = Script("click_slices", "click_entries", "click_cut")
DROP = Script("click_slices", "click_entries", "click_drop")
UNLINK = Script("click_unlink")
UNSEE = Script("click_unsee")
GONE = Script("click_gone")


async def prune_visits(client: Client, before_ms: int) -> None:
    """Delete raw visits that are older; those of the links first, because the pointers tell which links have any."""
    names = [name.decode() for name in await client.read("SMEMBERS", VISIT_DAYS)]
    for name in sorted(names, key=click_keys.day_in):
        day = click_keys.day_in(name)
        if day * DAY_MS >= before_ms:
            break
        keys = click_keys.visits_of_day(name)
        done_ms, end_ms = 0, min(before_ms, (day + 1) * DAY_MS)
        while done_ms < end_ms:
            cut_ms, *links = await client.run(CUT, keys, [end_ms, STEP])
            done_ms = int(cut_ms)
            parts: defaultdict[int, list[str]] = defaultdict(list)
            for link in links:
                link_id = int.from_bytes(link, "big")
                parts[home_of(link_id)] += click_keys.visits(link_id)
            await run_all(client, [(DROP, part, [done_ms]) for part in parts.values()])
            await client.run(DROP, [*keys, VISIT_DAYS], [done_ms, name])


async def prune_visitors(client: Client, before_day: int) -> None:
    """Delete visitor hashes and salts of older days."""
    partitions = range(len(CLICK_TAGS))
    replies = await client.read_many([("SMEMBERS", click_keys.seen_days(partition)) for partition in partitions])
    due = [(p, int(day)) for p, days in zip(partitions, replies, strict=True) for day in days if int(day) < before_day]
    while due:
        some, due = due[:SIDE_BY_SIDE], due[SIDE_BY_SIDE:]
        names = await client.read_many([("SRANDMEMBER", click_keys.seen_names(*place), STEP) for place in some])
        left = await run_all(client, [_unseen(*place, of_day) for place, of_day in zip(some, names, strict=True)])
        due += [place for place, more in zip(some, left, strict=True) if more]
    salts = [click_keys.salt(day) for day in range(before_day - SALT_DAYS, before_day)]
    await client.run(UNLINK, salts, [])


async def forget_links(client: Client, link_ids: Sequence[int]) -> None:
    """Delete everything about links that are gone, the days that tell where it is last."""
    for some in cut([link_id for link_id in link_ids if not is_sum(link_id)], SIDE_BY_SIDE):
        days = await client.read_many([("SMEMBERS", click_keys.days(link_id)) for link_id in some])
        steps: list[Call] = [
            (UNLINK, list(keys), [])
            for link_id, days_of_link in zip(some, days, strict=True)
            for keys in cut(list(_rows_of(link_id, map(int, days_of_link))), STEP)
        ]
        for link_id, days_of_link in zip(some, days, strict=True):
            steps += [_unseen(home_of(link_id), int(day), [str(link_id)]) for day in days_of_link]
        for calls in cut(steps, SIDE_BY_SIDE):
            await run_all(client, calls)
        await run_all(client, [_gone(link_id) for link_id in some])


def _unseen(partition: int, day: int, names: Sequence[bytes | str]) -> Call:
    keys = [click_keys.seen_names(partition, day), click_keys.seen_days(partition)]
    return UNSEE, keys + [click_keys.seen(partition, day, int(name)) for name in names], [day, *names]


def _rows_of(link_id: int, days: Iterator[int]) -> Iterator[str]:
    for day in days:
        yield click_keys.packed_day(link_id, day)
        yield click_keys.day_row(link_id, day)
        for hour in range(day * 24, day * 24 + 24):
            yield click_keys.hour_row(link_id, hour)


def _gone(link_id: int) -> Call:
    totals, field = click_keys.totals(link_id)
    keys = [totals, click_keys.changed(home_of(link_id)), click_keys.days(link_id), *click_keys.visits(link_id)]
    return GONE, keys, [link_id, field, f"{field}b"]
