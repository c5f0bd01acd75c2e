"""What brings the news of links from their partitions to the index, whichever process dies on the way.

Every script that changes links appends to the outbox of its partition, a stream of ``links`` (ids, with spaces between)
and ``names`` (MessagePack: slugs whose pointers in other partitions came or go). The index keeps how far it has read
each outbox in its own slot. Whoever applies an entry reads the link as it is now, so entries may be applied twice, and
one may stand for several.

The writer of a link applies at once, so that lists show it; what a crash left is found by a task of every process.
Entries stay for ``KEEP_MS`` after that: a server that comes back without its last second is told them again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
import structlog

from shortly.clicks.store import Total
from shortly.errors import ShortlyError
from shortly.links.link import Link
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.index import START, Index, Move, Plan
from shortly.store.redis.records import Key, doc_of, link_of, member_of, names_of, stored_doc
from shortly.store.redis.scripts import Script

log = structlog.get_logger(__name__)

CATCH_UP_S = 5.0
"""About how often each process looks for entries that nobody applied."""
KEEP_MS = 60_000
TRIM_EVERY_S = 30.0
ENTRIES = 100
"""Entries of one partition that are read at once."""
BATCH = 500
"""Links that one script call brings into the index, about; nobody else is served for the 40 ms that it takes."""
TELL_S = 3.0
"""How long a writer waits for the index."""

SETTLE_SLUG = Script("settle_slug")
TRIM_OUTBOX = Script("trim_outbox")


Totals = Callable[[Sequence[int]], Awaitable[dict[int, Total]]]
"""See ``ClickStore.totals``."""


class Added(NamedTuple):
    """New links of one partition, between two neighbouring entries of its outbox."""

    partition: int
    before: bytes
    after: bytes
    links: Sequence[Link]


class _Request(NamedTuple):
    added: Sequence[Added]
    partitions: frozenset[int]
    done: asyncio.Future[None]

    @property
    def links(self) -> int:
        """How many are new."""
        return sum(len(added.links) for added in self.added)


class Outbox:
    """Used from one event loop; ``start`` and ``stop`` once."""

    def __init__(self, client: Client, key: Key, totals: Totals) -> None:
        """``key`` turns slugs into what keys have them by, ``totals`` tells how many clicks links have had."""
        self.index = Index(client)
        self._client = client
        self._key = key
        self._totals = totals
        self._requests: list[_Request] = []
        self._working: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._trimmed = time.monotonic()

    def start(self) -> None:
        """Begin to look for what others left."""
        self._keeping = asyncio.create_task(self._keep_up())

    async def stop(self) -> None:
        """Finish what has been asked for."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        if self._working is not None:
            await asyncio.wait([self._working])

    # --- asked by writers ----------------------------------------------------------------------------------------

    def tell(self, added: Sequence[Added]) -> Coroutine[Any, Any, None]:
        """Bring new links into the index, or leave it to others when that is not possible now: they are stored.

        That begins with the call, and in the order of calls; what is returned waits for the end.
        """
        return self._wait(self._ask(added, ()))

    async def settle(self, partitions: Iterable[int]) -> None:
        """Apply everything that is in these partitions' outboxes now, or leave it to others."""
        await self._wait(self._ask((), partitions))

    def _ask(self, added: Sequence[Added], partitions: Iterable[int]) -> _Request | None:
        request = _Request(added, frozenset(partitions), asyncio.get_running_loop().create_future())
        if not request.added and not request.partitions:
            return None
        self._requests.append(request)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return request

    async def _wait(self, request: _Request | None) -> None:
        if request is None:
            return
        with suppress(ShortlyError, TimeoutError):
            async with asyncio.timeout(TELL_S):
                await asyncio.shield(request.done)

    # --- everything that was left --------------------------------------------------------------------------------

    async def catch_up(self) -> int:
        """Apply what nobody did; return how many partitions had something.

        Raises:
            StoreUnavailable, StorageFull: Not all was applied.
        """
        behind = await self._behind()
        await self._apply_entries(set(behind))
        return len(behind)

    async def trim(self, now_ms: int) -> None:
        """Drop entries that the index knows and that are older than ``KEEP_MS``."""
        positions = await self._client.read("HGETALL", keys.POSITIONS)
        oldest = b"%d-0" % max(0, now_ms - KEEP_MS)
        calls = [
            (TRIM_OUTBOX, [keys.outbox(int(partition))], [min(position, oldest, key=_order)])
            for partition, position in positions.items()
        ]
        await self._client.run_many(calls)

    async def _behind(self) -> dict[int, bytes]:
        """Return the partitions whose outbox has more than the index knows, and their positions."""
        positions = await self._client.read("HGETALL", keys.POSITIONS)
        lasts = await self._client.read_many(
            [("XREVRANGE", keys.outbox(partition), "+", "-", "COUNT", 1) for partition in range(keys.PARTITIONS)]
        )
        known = [positions.get(b"%d" % partition, START) for partition in range(keys.PARTITIONS)]
        return {
            partition: position
            for partition, (position, last) in enumerate(zip(known, lasts, strict=True))
            if last and last[0][0] != position
        }

    async def _keep_up(self) -> None:
        waiting: dict[int, bytes] = {}
        while True:
            try:
                behind = await self._behind()
                left = waiting.items() & behind.items()  # their writers have had time
                await self._apply_entries({partition for partition, _ in left})
                waiting = behind
                if time.monotonic() - self._trimmed > TRIM_EVERY_S:
                    self._trimmed = time.monotonic()
                    await self.trim(time.time_ns() // 1_000_000)
            except ShortlyError:
                pass  # the client has logged it
            except Exception:
                log.exception("the index could not be brought up to date")
            await asyncio.sleep(CATCH_UP_S * random.uniform(0.7, 1.3))  # noqa: S311

    # --- inside --------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Serve the requests that have come, some together: the next ones are prepared while the server works on those
        before, and handed to it as soon as it has done these."""
        before: asyncio.Task[None] | None = None
        while self._requests:
            serving = asyncio.create_task(self._serve(self._next(), before))
            if before is not None:
                await before
            before = serving
            if not self._requests:
                await before

    def _next(self) -> list[_Request]:
        """Return requests to be served together, those that came first."""
        requests = [self._requests.pop(0)]
        links = requests[0].links
        while self._requests and links + self._requests[0].links <= BATCH:
            requests.append(self._requests.pop(0))
            links += requests[-1].links
        return requests

    async def _serve(self, requests: Sequence[_Request], before: asyncio.Task[None] | None) -> None:
        """Do what was asked for, after those before, and say so; raises only what is no ``Exception``."""
        try:
            await self._apply(requests, before)
        except BaseException as error:
            for request in requests:
                if not request.done.done():
                    request.done.set_exception(error)
                    request.done.exception()  # its caller may have gone
            if not isinstance(error, Exception):
                raise
            if not isinstance(error, ShortlyError):
                log.exception("the index could not be brought up to date")
        else:
            for request in requests:
                if not request.done.done():
                    request.done.set_result(None)

    async def _apply(self, requests: Sequence[_Request], before: asyncio.Task[None] | None) -> None:
        slow = {partition for request in requests for partition in request.partitions}
        fast: dict[int, list[Added]] = {}
        for added in sorted((a for request in requests for a in request.added), key=lambda a: _order(a.after)):
            chain = fast.setdefault(added.partition, [])
            if chain and chain[-1].after != added.before:  # somebody else wrote in between
                slow.add(added.partition)
            chain.append(added)
        slow |= await self._apply_groups(
            _groups({partition: chain for partition, chain in fast.items() if partition not in slow}), before
        )
        if slow:
            await self._apply_entries(slow)

    async def _apply_groups(
        self, groups: Iterable[dict[int, list[Added]]], before: asyncio.Task[None] | None
    ) -> set[int]:
        """Apply groups in their order; return the partitions of which others have applied something."""
        moved: set[int] = set()
        applying: asyncio.Task[set[int]] | None = None
        planned = [(group, self._plan(group)) for group in groups]  # before whoever comes next plans anything
        try:
            for group, plan in planned:
                moves = await self._prepare(group, plan)
                if before is not None:
                    await before
                if applying is not None:
                    moved |= await applying
                applying = asyncio.create_task(self._apply_new(group, plan, moves))
        finally:
            if applying is not None:
                await asyncio.wait([applying])
        if before is not None:
            await before
        return moved if applying is None else moved | applying.result()

    async def _apply_new(self, group: dict[int, list[Added]], plan: Plan, moves: list[Move]) -> set[int]:
        """Apply a group of different partitions; return the partitions of which others have applied something."""
        moved: set[int] = set()
        while group and (others := await self.index.apply(plan, moves)):
            moved |= others
            group = {partition: chain for partition, chain in group.items() if partition not in others}
            plan = self._plan(group)
            moves = await self._prepare(group, plan)
        return moved

    def _plan(self, group: dict[int, list[Added]]) -> Plan:
        return self.index.plan(sum(len(added.links) for chain in group.values() for added in chain))

    async def _prepare(self, group: dict[int, list[Added]], plan: Plan) -> list[Move]:
        """Plan what brings new links into the index, and return the moves; the plan is ready to be sent then."""
        moves = []
        for partition, chain in group.items():
            moves.append(Move(partition, chain[0].before, chain[-1].after))
            for added in chain:
                for link in added.links:
                    plan.add(link.id, doc_of(link))
            await asyncio.sleep(0)  # others have their turn
        for _ in plan.spell():
            await asyncio.sleep(0)
        plan.compose(moves)
        return moves

    async def _apply_entries(self, partitions: set[int]) -> None:
        """Read on in these outboxes until nothing is left, whoever else does so at the same time."""
        left = set(partitions)
        while left:
            steps, left = await self._steps(left)
            if not steps:
                continue
            plan = self.index.plan()
            await self._gather(plan, steps)
            moved = await self.index.apply(plan, [step.move for step in steps])
            left |= {step.move.partition for step in steps if moved or step.more}
            if moved:
                await asyncio.sleep(random.uniform(0, 0.01))  # noqa: S311

    async def _steps(self, partitions: set[int]) -> tuple[list[_Step], set[int]]:
        """Return what is next in some of the partitions, and the partitions that were not looked at."""
        some = sorted(partitions)[:64]
        left = partitions.difference(some)
        positions = await self._client.read("HMGET", keys.POSITIONS, *some)
        found = await self._client.read_many(
            [
                ("XRANGE", keys.outbox(partition), position or "-", "+", "COUNT", ENTRIES + 1)
                for partition, position in zip(some, positions, strict=True)
            ]
        )
        steps: list[_Step] = []
        links = 0
        for partition, position, entries in zip(some, positions, found, strict=True):
            if links >= BATCH:
                left.add(partition)
                continue
            if position is not None:
                if entries and entries[0][0] == position:
                    entries = entries[1:]
                else:  # one of the servers has lost its last moments; the outbox is read from its beginning
                    entries = await self._client.read("XRANGE", keys.outbox(partition), "-", "+", "COUNT", ENTRIES)
            if entries:
                step = _Step.of(partition, position or START, entries)
                links += len(step.links)
                steps.append(step)
        return steps, left

    async def _gather(self, plan: Plan, steps: Sequence[_Step]) -> None:
        """Compare the links as they are with the documents, and plan what makes them equal."""
        ids = sorted({link_id for step in steps for link_id in step.links})
        stored: dict[int, Link | None] = {}
        if ids:
            *values, docs = await self._client.read_many(
                [*(("GET", keys.link(link_id)) for link_id in ids), ("HMGET", keys.DOCS, *map(member_of, ids))]
            )
            for link_id, value, doc in zip(ids, values, docs, strict=True):
                stored[link_id] = None if value is None else link_of(value)
                plan_change(plan, link_id, doc, stored[link_id])
            new = [link_id for link_id, doc in zip(ids, docs, strict=True) if doc is None and stored[link_id]]
            for link_id, total in (await self._totals(new)).items():
                plan.count(link_id, total.clicks)
        await self._settle_names(steps, stored)

    async def _settle_names(self, steps: Sequence[_Step], stored: dict[int, Link | None]) -> None:
        """Confirm the pointers that links name, and remove the others."""
        calls = []
        for step in steps:
            for link_id, domain, name in step.names:
                link = stored.get(link_id)
                named = link is not None and name in names_of(link, self._key)
                call = (
                    SETTLE_SLUG,
                    [keys.redirection(domain, name)],
                    [link_id, "confirm" if named else "release", ""],
                )
                calls.append(call)
        if calls:
            for outcome in await self._client.run_many(calls):
                if isinstance(outcome, ShortlyError):
                    raise outcome


class _Step(NamedTuple):
    """Some entries of one outbox."""

    move: Move
    links: list[int]
    names: list[tuple[int, str, str]]
    """Link id, domain and key of slugs in other partitions."""
    more: bool
    """There may be more entries."""

    @classmethod
    def of(cls, partition: int, start: bytes, entries: Sequence[Any]) -> _Step:
        links: list[int] = []
        names: list[tuple[int, str, str]] = []
        taken = 0
        for _, values in entries:
            if len(links) >= BATCH:
                break
            taken += 1
            fields = dict(zip(values[::2], values[1::2], strict=True))
            ids = [int(text) for text in fields.get(b"links", b"").split()]
            links += ids
            if fields.get(b"names"):
                for domain, name in msgspec.msgpack.decode(fields[b"names"], type=list[tuple[str, str]]):
                    names += [(link_id, domain, name) for link_id in ids]
        more = taken < len(entries) or len(entries) >= ENTRIES
        return cls(Move(partition, start, entries[taken - 1][0]), links, names, more)


def _groups(chains: dict[int, list[Added]]) -> Iterator[dict[int, list[Added]]]:
    """Yield the partitions, as many together as have about ``BATCH`` links."""
    group: dict[int, list[Added]] = {}
    links = 0
    for partition, chain in chains.items():
        group[partition] = chain
        links += sum(len(added.links) for added in chain)
        if links >= BATCH:
            yield group
            group, links = {}, 0
    if group:
        yield group


def plan_change(plan: Plan, link_id: int, doc: bytes | None, link: Link | None) -> None:
    """Plan what makes the index know a link as it is; ``doc`` is what it knows now, ``link`` None: it is gone."""
    if doc is None:
        if link is not None:
            plan.add(link_id, doc_of(link))
        return
    row, old = stored_doc(doc)
    if link is None:
        plan.remove(link_id, row, old)
    elif (new := doc_of(link)) != old:
        plan.change(link_id, row, old, new)


def encode_names(names: Sequence[tuple[str, str]]) -> bytes:
    """Return what an outbox says of slugs in other partitions: domains and keys."""
    return msgspec.msgpack.encode(names) if names else b""


def _order(entry: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry.partition(b"-")
    return int(milliseconds), int(number)
