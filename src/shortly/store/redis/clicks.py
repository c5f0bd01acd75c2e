"""Clicks in Redis: counts, raw visits, and the journal positions that make folding exact.

How a visit is counted once, whatever dies in between
-----------------------------------------------------
The atomic step of a Cluster is a script on one slot, so each partition *P* (256 of links by their home, and two of
``EVERY_LINK``) keeps positions of its own beside its counts: ``pos(P, S)`` for each journal segment *S*. ``fold`` reads
them, sums up the visits of each partition behind its position, and runs one script for each partition, which does
nothing unless the positions are still those that the sums were made for, and otherwise adds the sums and sets
``pos(P, S)`` to the end of what was folded. A script is all or nothing, in memory, in the append-only file and on
replicas. So at every moment

    (1) a visit of *P* at position *x* of *S* has been counted, once, if ``x <= pos(P, S)``, and not at all otherwise.

*Proof.* At first all positions are 0 and nothing is counted. A script changes counts of *P* and ``pos(P, S)``
together. It adds exactly the visits behind the expected position up to the new one: the batch has all of them (see 2),
and if ``pos(P, S)`` had been moved in the meantime, the comparison would have failed. Whether a reply arrives, a script
is sent twice, or batches have other borders the next time, plays no part in this.

A partition whose links a batch does not visit is not written to, so its position stays behind. Hence ``DONE``, with
one position for each segment, which is moved when all scripts of a batch have succeeded (durably, when replicas are
asked for):

    (2) all visits up to ``DONE(S)`` have been counted.

*Proof.* A batch begins at ``DONE(S)`` or before it, because ``positions`` is that, and the drain reads on from there;
when ``DONE(S)`` moves to its end, all partitions that have visits in it have counted them, by (1). ``DONE`` says where
to read on and nothing else; one that is too low, because a process died before it moved, or because a server lost its
last second, makes visits come again that (1) then skips. One that is too high would hide visits, so it moves after the
partitions' writes are as durable as the settings ask for: without replicas to wait for, a fail-over to one that lags
behind can lose clicks, as it can lose links.

A segment's positions are forgotten after its file is deleted, so it cannot come again.

Hot links
---------
Scripts get sums, not clicks: a link with all clicks of a batch costs its partition one addition for each hour, day and
value, and others nothing. What does grow with its clicks, visitor hashes and raw visits, is given to scripts by
``STEP_VISITS``, each with a step of the positions, so none keeps the server for more than some milliseconds.

Memory
------
Visitors are kept exactly, as 64-bit hashes until the day after: 8 bytes each in sets of up to 512, which nearly all
links' are, and 70 in larger ones; those of all links are dealt out to ``CROWDS`` small sets. A HyperLogLog would be
smaller beyond 1,500 visitors of a link and day, but not exact. Raw visits, which make up most of the memory, are kept
once, in a list of their link, which costs 3 bytes for each beside its text; a sorted set would cost 100. The list of
all links has pointers to them, 13 bytes each. A day of a link that is clicked now and then is one packed text of some
hundred bytes for each hour, see ``click_days``.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from shortly.clicks.fold import DAY_MS, add
from shortly.clicks.store import Batch, TopDay, Total, VisitPage, is_sum, sum_of
from shortly.clicks.visit import Tally
from shortly.errors import StoreUnavailable
from shortly.store.redis import click_keys
from shortly.store.redis.click_calls import Call, cut, run_all, run_while_made
from shortly.store.redis.click_days import FEW_BYTES, READ_TOGETHER, Sums, read_few, tally_of
from shortly.store.redis.click_folding import KEEP_S, Positions, calls_of, partitions_of, slices_of
from shortly.store.redis.click_keys import CLICK_TAGS, DONE
from shortly.store.redis.click_pages import read_visits, read_visits_of_all
from shortly.store.redis.click_pruning import forget_links, prune_visitors, prune_visits
from shortly.store.redis.click_rows import (
    BOTS,
    CLICKS,
    HOURS_OF_DAY,
    MOMENTS,
    VISITORS,
    hours_in,
    moments_in,
)
from shortly.store.redis.click_tops import read_days_of, read_top_days
from shortly.store.redis.click_visits import first_id, read_cursor
from shortly.store.redis.client import Client
from shortly.store.redis.keys import PARTITIONS, home_of
from shortly.store.redis.scripts import Argument, Command, Script

FOLD_TRIES = 5
"""How often other processes may move the same segment's positions during one fold; none should, ever."""
SENT_TOGETHER = 16
"""Partitions whose scripts are sent in one go."""
SMALL_READS = 1_000
"""Fields or segments that are sent together."""
CHANGED = 16
"""Changed links that one look at a partition returns."""

DONE_MOVED = Script("click_done")
FORGET = Script("click_forget")
SALT = Script("click_salt")
KNOWN = Script("click_known")


class RedisClicks:
    """The ``ClickStore`` of Redis."""

    def __init__(self, client: Client) -> None:
        """Take a client that somebody else opens and closes."""
        self._client = client
        self.packs_days = True
        """False while a version may come back that knows no packed days."""

    # --- the drain's side ------------------------------------------------------------------------------------

    async def positions(self) -> Mapping[str, int]:
        """See ``FoldStore``."""
        reply = await self._client.read("HGETALL", DONE)
        return {segment.decode(): int(position) for segment, position in reply.items()}

    async def fold(self, batches: Sequence[Batch]) -> None:
        """See ``FoldStore``; all or nothing in each partition. A fold that fails is to be repeated.

        Raises:
            StoreUnavailable, StorageFull: Some partitions may have counted their visits; folding the batches again, or
                others from ``positions`` on, counts the rest.
        """
        for _ in range(FOLD_TRIES):
            if await self._fold_partitions(batches):
                break
        else:
            raise StoreUnavailable
        ends: dict[str, int] = {}
        for batch in batches:
            ends[batch.segment] = max(ends.get(batch.segment, 0), batch.end)
        if ends:
            await self._client.run(DONE_MOVED, [DONE], [part for end in ends.items() for part in end])

    async def _fold_partitions(self, batches: Sequence[Batch]) -> bool:
        """Let all partitions count what they have not counted; False when positions moved while this was going on."""
        few_bytes = FEW_BYTES if self.packs_days else 0
        positions = await self._read_positions(partitions_of(batches))
        calls = (call for pieces in slices_of(batches) for call in calls_of(pieces, positions, few_bytes))
        return 0 not in await run_while_made(self._client, calls, SENT_TOGETHER)

    async def _read_positions(self, pairs: Sequence[tuple[int, str]]) -> Positions:
        segments: defaultdict[int, list[str]] = defaultdict(list)
        for partition, segment in pairs:
            segments[partition].append(segment)
        replies = await self._client.read_many(
            [("HMGET", click_keys.positions(partition), *names) for partition, names in segments.items()]
        )
        return {
            (partition, name): int(position)
            for (partition, names), reply in zip(segments.items(), replies, strict=True)
            for name, position in zip(names, reply, strict=True)
            if position is not None
        }

    async def forget_segments(self, segments: Sequence[str]) -> None:
        """See ``FoldStore``."""
        for some in cut(segments, SMALL_READS):
            keys = [*map(click_keys.positions, range(len(CLICK_TAGS))), DONE]
            await run_all(self._client, [(FORGET, [key], some) for key in keys])

    async def prune(self, *, now_ms: int, visits_before_ms: int, gone_links: Sequence[int]) -> None:
        """See ``FoldStore``."""
        await prune_visitors(self._client, now_ms // DAY_MS - 1)
        await prune_visits(self._client, visits_before_ms)
        await forget_links(self._client, gone_links)

    # --- the index's side ------------------------------------------------------------------------------------

    async def changed_totals(self) -> dict[int, Total]:
        """Return some totals that the index of links does not know yet; empty: it knows all.

        To be written there as they are, not added; then, or after a crash in between, ``forget_changed`` them.
        """
        keys = map(click_keys.changed, range(PARTITIONS))
        replies = await self._client.read_many([("SRANDMEMBER", key, CHANGED) for key in keys])
        link_ids = [int(link_id) for reply in replies for link_id in reply]
        totals = await self.totals(link_ids)
        return {link_id: totals.get(link_id, Total()) for link_id in link_ids}

    async def forget_changed(self, totals: Mapping[int, Total]) -> None:
        """Note that the index knows these totals; links that were clicked since stay among the changed ones."""
        parts: defaultdict[int, list[int]] = defaultdict(list)
        for link_id in totals:
            parts[home_of(link_id)].append(link_id)
        calls: list[Call] = []
        for partition, link_ids in parts.items():
            keys = [click_keys.changed(partition)]
            args: list[Argument] = []
            for link_id in link_ids:
                key, field = click_keys.totals(link_id)
                if key not in keys:
                    keys.append(key)
                args += [link_id, keys.index(key) + 1, field, totals[link_id].clicks]
            calls.append((KNOWN, keys, args))
        await run_all(self._client, calls)

    # --- the readers' side -----------------------------------------------------------------------------------

    async def salt(self, day: int) -> bytes:
        """See ``ClickStore``."""
        return bytes(await self._client.run(SALT, [click_keys.salt(day)], [secrets.token_bytes(16), KEEP_S]))

    async def totals(self, link_ids: Sequence[int]) -> dict[int, Total]:
        """See ``ClickStore``."""
        places = [(link_id, *click_keys.totals(link_id)) for link_id in link_ids]
        replies = await self._read([("HMGET", key, field, f"{field}b") for _, key, field in places])
        return {
            link_id: Total(int(clicks), int(bots or 0))
            for (link_id, _, _), (clicks, bots) in zip(places, replies, strict=True)
            if clicks is not None
        }

    async def hours(self, link_id: int, since_hour: int, until_hour: int) -> dict[int, Total]:
        """See ``ClickStore``."""
        days = await self._days(link_id, since_hour // 24, -(-until_hour // 24))
        rows = await self._read([("HMGET", click_keys.day_row(link_id, day), *HOURS_OF_DAY) for day in days])
        hours: dict[int, Total] = {}
        for day, row, few in zip(days, rows, await read_few(self._client, link_id, days), strict=True):
            of_row, of_few = hours_in(row), few.totals()
            for hour in sorted({*of_row, *of_few}):
                if since_hour <= day * 24 + hour < until_hour:
                    hours[day * 24 + hour] = sum_of(part[hour] for part in (of_row, of_few) if hour in part)
        return hours

    async def clicks_between(self, link_id: int, since_hour: int, until_hour: int) -> Total:
        """See ``ClickStore``; whole days are read as such, and the hours before and after them one by one."""
        whole: list[Command] = []
        parts: list[Command] = []
        days = await self._days(link_id, since_hour // 24, -(-until_hour // 24))
        for day in days:
            row = click_keys.day_row(link_id, day)
            if since_hour <= day * 24 and day * 24 + 24 <= until_hour:
                whole.append(("HMGET", row, CLICKS, BOTS))
            else:
                hours = range(max(since_hour - day * 24, 0), min(until_hour - day * 24, 24))
                parts += [("HMGET", row, HOURS_OF_DAY[hour], HOURS_OF_DAY[24 + hour]) for hour in hours]
        totals = [Total(int(clicks or 0), int(bots or 0)) for clicks, bots in await self._read([*whole, *parts])]
        for day, few in zip(days, await read_few(self._client, link_id, days), strict=True):
            totals += (total for hour, total in few.totals().items() if since_hour <= day * 24 + hour < until_hour)
        return sum_of(totals)

    async def moments(self, sum_id: int, since_moment: int, until_moment: int) -> dict[int, Total]:
        """See ``ClickStore``."""
        stretches = range(since_moment // MOMENTS, -(-until_moment // MOMENTS))
        rows = await self._read([("HGETALL", click_keys.moments_row(sum_id, stretch)) for stretch in stretches])
        return {
            moment: total
            for stretch, row in zip(stretches, rows, strict=True)
            for moment, total in moments_in(row, stretch).items()
            if since_moment <= moment < until_moment
        }

    async def top_days(self, sum_id: int, since_day: int, until_day: int) -> dict[int, TopDay]:
        """See ``ClickStore``."""
        return await read_top_days(self._client, sum_id, since_day, until_day)

    async def days_of(self, link_ids: Sequence[int], since_day: int, until_day: int) -> dict[int, Total]:
        """See ``ClickStore``."""
        return await read_days_of(self._client, link_ids, since_day, until_day)

    async def visitors(self, link_id: int, since_day: int, until_day: int) -> dict[int, int]:
        """See ``ClickStore``."""
        days = await self._days(link_id, since_day, until_day)
        rows = await self._read([("HGET", click_keys.visitors_row(link_id, day), VISITORS) for day in days])
        few = await read_few(self._client, link_id, days)
        numbers = [int(visitors or 0) + part.visitors for visitors, part in zip(rows, few, strict=True)]
        return {day: number for day, number in zip(days, numbers, strict=True) if number}

    async def tally(self, link_id: int, since_hour: int, until_hour: int) -> Tally:
        """See ``ClickStore``; whole days are read as such, and the hours before and after them one by one."""
        days = await self._days(link_id, since_hour // 24, -(-until_hour // 24))
        rows: list[tuple[str, Sums]] = []
        for day, few in zip(days, await read_few(self._client, link_id, days), strict=True):
            hours = range(max(since_hour, day * 24), min(until_hour, day * 24 + 24))
            if len(hours) == 24:
                rows.append((click_keys.day_row(link_id, day), few.sums()))
            else:
                rows += [(click_keys.hour_row(link_id, hour), few.hours.get(hour % 24, {})) for hour in hours]
        total = Tally(dimensions={})
        for some in cut(rows, READ_TOGETHER):
            replies = await self._client.read_many([("HGETALL", key) for key, _ in some])
            for row, (_, sums) in zip(replies, some, strict=True):
                add(total, tally_of(row, sums))
        return total

    async def visits(
        self, link_id: int, *, since_ms: int, until_ms: int, limit: int, cursor: str | None = None
    ) -> VisitPage:
        """See ``ClickStore``."""
        since, before = first_id(since_ms), first_id(until_ms)
        if cursor is not None:
            before = min(before, read_cursor(cursor, link_id))
        read = read_visits_of_all if is_sum(link_id) else read_visits
        return await read(self._client, link_id, since=since, before=before, limit=limit)

    async def _days(self, link_id: int, since_day: int, until_day: int) -> list[int]:
        """Return the days that the link has rows of, oldest first."""
        days = await self._client.read("SMEMBERS", click_keys.days(link_id))
        return sorted(day for day in map(int, days) if since_day <= day < until_day)

    async def _read(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies of commands that read a few fields each."""
        return [reply for some in cut(commands, SMALL_READS) for reply in await self._client.read_many(some)]
