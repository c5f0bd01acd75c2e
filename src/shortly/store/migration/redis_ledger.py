"""The ledger of Redis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Self

from shortly.accounts.records import Record
from shortly.clicks.store import Total, is_sum
from shortly.store.migration.ledger import DayCounts, KeptAnswer, today
from shortly.store.moments import to_ms
from shortly.store.redis import click_keys, keys
from shortly.store.redis.account_records import RedisRecords
from shortly.store.redis.click_calls import Call, cut, run_all
from shortly.store.redis.click_days import few_in, tally_of
from shortly.store.redis.click_folding import KEEP_S, TOPS_S
from shortly.store.redis.click_rows import VISITORS, hour_fields, row_of
from shortly.store.redis.client import Client
from shortly.store.redis.idempotency import ANSWER_MS
from shortly.store.redis.scripts import Argument, Script

SOME = 500
"""Commands or scripts that are sent together."""
DAYS = 100
"""Days, with up to 24 hours each, that are read together."""

PUT_ROW = Script.of_text(
    "put_row",
    """
-- Replaces a hash. KEYS: the hash, and what else it stands for. ARGV: fields and values.
redis.call('DEL', unpack(KEYS))
for from = 1, #ARGV, 1000 do
    redis.call('HSET', KEYS[1], unpack(ARGV, from, math.min(#ARGV, from + 999)))
end
return 1
""",
)
PUT_DAYS = Script.of_text("put_days", "return redis.call('SADD', KEYS[1], unpack(ARGV))")
PUT_FIELDS = Script.of_text("put_fields", "return redis.call('HSET', KEYS[1], unpack(ARGV))")
PUT_SALT = Script.of_text("put_salt", "return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])")
PUT_ANSWER = Script.of_text(
    "put_answer",
    f"""
redis.call('HSET', KEYS[1], unpack(ARGV))
return redis.call('PEXPIRE', KEYS[1], {ANSWER_MS})
""",
)
PUT_TOP = Script.of_text(
    "put_top",
    """
redis.call('ZADD', KEYS[1], unpack(ARGV, 2))
return redis.call('EXPIRE', KEYS[1], ARGV[1])
""",
)
PUT_TOTALS = Script.of_text(
    "put_totals",
    """
-- Sets totals. KEYS: their hash, the set of links whose totals the index does not know. ARGV: how many links; them;
-- fields and values.
local links = tonumber(ARGV[1])
if links > 0 then redis.call('SADD', KEYS[2], unpack(ARGV, 2, links + 1)) end
return redis.call('HSET', KEYS[1], unpack(ARGV, links + 2))
""",
)


class RedisLedger:
    """The ``Ledger`` of Redis, with a client of its own."""

    def __init__(self, client: Client) -> None:
        """Take a client that is not open."""
        self._client = client

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._client.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._client.close()

    async def records(self, now: datetime) -> AsyncIterator[list[Record]]:
        """See ``Ledger``."""
        store = RedisRecords(self._client)
        edge = b"-"
        while members := await self._client.read("ZRANGEBYLEX", keys.RECORD_GROUPS, edge, "+", "LIMIT", 0, 1):
            kind = members[0].partition(b"\0")[0]
            found: list[Record] = []
            while True:
                found = await store.list_records(
                    kind.decode(), "", now, after=found[-1].id if found else None, limit=SOME
                )
                yield found
                if len(found) < SOME:
                    break
            edge = b"[%b\x01" % kind  # beyond all that begins with this kind and a NUL

    async def taken(self) -> dict[int, int]:
        """See ``Ledger``."""
        replies = await self._client.read_many([("HGETALL", keys.taken(number)) for number in range(keys.PARTITIONS)])
        return {int(link_id): int(count) for reply in replies for link_id, count in reply.items()}

    async def put_taken(self, taken: Mapping[int, int]) -> None:
        """See ``Ledger``."""
        fields: defaultdict[str, list[Argument]] = defaultdict(list)
        for link_id, count in taken.items():
            fields[keys.taken(keys.home_of(link_id))] += (link_id, count)
        await self._run([(PUT_FIELDS, [key], some) for key, all_ in fields.items() for some in cut(all_, SOME * 2)])

    async def answers(self, now: datetime) -> AsyncIterator[list[KeptAnswer]]:
        """See ``Ledger``."""
        names = {name async for some in self._client.scan(keys.IDEMPOTENCIES) for name in some}
        for some in cut(sorted(names), SOME):
            replies = await self._client.read_many([("HGETALL", name) for name in some])
            found = [
                KeptAnswer(
                    name=name.rpartition(":")[2],
                    claimed_at_ms=int(kept[b"claimed_at"]),
                    fingerprint=kept[b"fingerprint"],
                    status=int(kept[b"status"]),
                    headers=kept[b"headers"] or b"{}",
                    body=kept[b"body"],
                )
                for name, kept in zip(some, replies, strict=True)
                if kept
            ]
            yield [item for item in found if item.status and item.claimed_at_ms > to_ms(now) - ANSWER_MS]

    async def put_answers(self, answers: Sequence[KeptAnswer]) -> None:
        """See ``Ledger``."""
        await self._run(
            [
                (
                    PUT_ANSWER,
                    [keys.idempotency(item.name)],
                    [
                        *("fingerprint", item.fingerprint, "status", item.status, "headers", item.headers),
                        *("body", item.body, "claimed_at", item.claimed_at_ms),
                    ],
                )
                for item in answers
            ]
        )

    async def salts(self) -> dict[int, bytes]:
        """See ``Ledger``."""
        days = range(today() - 1, today() + 2)
        salts = await self._client.read_many([("GET", click_keys.salt(day)) for day in days])
        return {day: salt for day, salt in zip(days, salts, strict=True) if salt is not None}

    async def put_salts(self, salts: Mapping[int, bytes]) -> None:
        """See ``Ledger``."""
        await self._run([(PUT_SALT, [click_keys.salt(day)], [salt, KEEP_S]) for day, salt in salts.items()])

    async def sums(self) -> list[int]:
        """See ``Ledger``."""
        found = {key async for some in self._client.scan(click_keys.days_of_sums()) for key in some}
        return sorted(int(key.rpartition(":")[2]) for key in found)

    async def days(self, link_ids: Sequence[int]) -> AsyncIterator[list[DayCounts]]:
        """See ``Ledger``; link by link."""
        due: list[tuple[int, int]] = []
        for some in cut(link_ids, SOME):
            replies = await self._client.read_many([("SMEMBERS", click_keys.days(link_id)) for link_id in some])
            due += ((link_id, int(day)) for link_id, days in zip(some, replies, strict=True) for day in days)
            while len(due) >= DAYS:
                yield await self._read_days(due[:DAYS])
                due = due[DAYS:]
        if due:
            yield await self._read_days(due)

    async def _read_days(self, places: Sequence[tuple[int, int]]) -> list[DayCounts]:
        commands: list[tuple[Argument | float, ...]] = []
        for link_id, day in places:
            commands.append(("GET", click_keys.packed_day(link_id, day)))
            commands.append(("HGETALL", click_keys.day_row(link_id, day)))
            commands.append(("HGET", click_keys.visitors_row(link_id, day), VISITORS))
            commands += (("HGETALL", click_keys.hour_row(link_id, day * 24 + hour)) for hour in range(24))
        rows = [row for some in cut(commands, SOME) for row in await self._client.read_many(some)]
        days = []
        for place, (link_id, day) in enumerate(places):
            packed, of_day, visitors, *of_hours = rows[place * 27 : place * 27 + 27]
            few = few_in(packed)
            days.append(
                DayCounts(
                    link_id=link_id,
                    day=day,
                    tally=tally_of(of_day, few.sums()),
                    visitors=int(visitors or 0) + few.visitors,
                    hours={
                        hour: tally_of(row, few.hours.get(hour, {}))
                        for hour, row in enumerate(of_hours)
                        if row or hour in few.hours
                    },
                )
            )
        return days

    async def put_days(self, days: Sequence[DayCounts]) -> None:
        """See ``Ledger``; the set that names the days is written first, so that nothing is kept that nobody finds."""
        of_links: defaultdict[int, list[Argument]] = defaultdict(list)
        for day in days:
            of_links[day.link_id].append(day.day)
        calls: list[Call] = [(PUT_DAYS, [click_keys.days(link_id)], args) for link_id, args in of_links.items()]
        for day in days:
            rows = {click_keys.day_row(day.link_id, day.day): row_of(day.tally)}
            for hour, tally in day.hours.items():
                row = rows[click_keys.hour_row(day.link_id, day.day * 24 + hour)] = row_of(tally)
                rows[click_keys.day_row(day.link_id, day.day)].update(hour_fields(hour, row))
            if day.visitors:
                rows.setdefault(click_keys.visitors_row(day.link_id, day.day), {})[VISITORS] = day.visitors
            replaced = {click_keys.day_row(day.link_id, day.day): [click_keys.packed_day(day.link_id, day.day)]}
            calls += (
                (PUT_ROW, [key, *replaced.get(key, ())], list(chain.from_iterable(row.items())))
                for key, row in rows.items()
            )
        await self._run(calls)

    async def put_top(self, sum_id: int, day: int, clicks: Mapping[int, int]) -> None:
        """See ``Ledger``; what is too much for a partition goes when its links are clicked again."""
        shares: defaultdict[int, list[Argument]] = defaultdict(list)
        for link_id, number in clicks.items():
            shares[keys.home_of(link_id)] += (number, link_id)
        await self._run(
            [(PUT_TOP, [click_keys.top(number, sum_id, day)], [TOPS_S, *share]) for number, share in shares.items()]
        )

    async def put_totals(self, totals: Mapping[int, Total]) -> None:
        """See ``Ledger``; lists by clicks know of them after the next ``fold``."""
        fields: defaultdict[tuple[str, str], list[Argument]] = defaultdict(list)
        links: defaultdict[tuple[str, str], list[Argument]] = defaultdict(list)
        for link_id, total in totals.items():
            key, field = click_keys.totals(link_id)
            place = key, click_keys.changed(click_keys.click_partition(link_id))
            fields[place] += (field, total.clicks)
            if total.bots:
                fields[place] += (f"{field}b", total.bots)
            if not is_sum(link_id):
                links[place].append(link_id)
        await self._run([(PUT_TOTALS, place, [len(links[place]), *links[place], *fields[place]]) for place in fields])

    async def _run(self, calls: Sequence[Call]) -> None:
        for some in cut(calls, SOME):
            await run_all(self._client, some, durable=True)
