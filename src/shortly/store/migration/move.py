"""Copies one store into another while the first goes on serving; repeated passes copy what has changed since.

Links get new ids, because an id says where in Redis a link lives; ``Progress`` knows which became which, and counts
and clicks taken follow it. Records keep theirs. A crash between a write and its note is harmless: a link that is in the
target already and is the same is taken for the copy that it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from shortly.accounts.records import MAX_CHANGES, Add, Change, Record, Remove
from shortly.clicks.store import TOP_DAYS, Total
from shortly.errors import InvalidInput, LinkNotFound, NameTaken, RecordChanged
from shortly.links.link import Link, LinkQuery, LinkState
from shortly.store import Store
from shortly.store.migration.ledger import Ledger, today
from shortly.store.migration.progress import Copy, Progress
from shortly.store.migration.proof import Sum, day_proof, link_proof, sum_of, total_proof
from shortly.store.migration.visits import copy_visits, each_hour

PAGE = 500
LINKS, RECORDS, TAKEN, VISITS, ANSWERS = "links", "records", "clicks taken", "visits", "idempotency keys"
COUNTS, TOTALS, PROOF = "counts", "totals", "comparison"

Told = Callable[[str, int], None]
"""Told the name of a stage and how many things more it has done."""


class Compared(Struct, frozen=True, kw_only=True):
    """One kind of data in both places."""

    what: Literal["links", "records", "clicks taken", "totals", "days of counts", "idempotency keys", "visits"]
    source: int
    target: int
    source_checksum: str
    target_checksum: str

    @property
    def same(self) -> bool:
        """Nothing differs."""
        return (self.source, self.source_checksum) == (self.target, self.target_checksum)


class Side(Struct, frozen=True):
    """A store and its ledger, both open."""

    store: Store
    ledger: Ledger


class Move:
    """One pass from a source to a target."""

    def __init__(
        self,
        source: Side,
        target: Side,
        progress: Progress,
        told: Told = lambda *_: None,
        *,
        final: bool = False,
    ) -> None:
        """``final``: nobody uses the stores, so that raw visits, which are many, are copied once."""
        self._final = final
        self._source = source
        self._target = target
        self._progress = progress
        self._told = told

    async def run(self) -> list[Compared]:
        """Copy all that is new or changed, remove what is gone, and compare everything.

        Raises:
            InvalidInput: The target has links, keys or people that are no copies, so it is another installation's.
            StoreUnavailable, StorageFull: Of either store; another pass goes on where this one ended.
        """
        if self._progress.is_new and await self._has_data():
            raise InvalidInput("The store to move to is not empty, and no move from the other one is under way.")
        self._progress.begin()
        await self._copy_records()
        await self._copy_links()
        await self._copy_taken()
        await self._copy_answers()
        if self._final:
            await self._copy_visits()
        await self._copy_counts()
        return await self._compare()

    async def _has_data(self) -> bool:
        if [True async for page in self._target.ledger.records(datetime.now(UTC)) if page]:
            return True
        if await self._target.ledger.sums():
            return True
        return bool([True async for page in each_page(self._target.store, limit=1) if page][:1])

    # --- records -------------------------------------------------------------------------------------------------

    async def _copy_records(self) -> None:
        """Take out of the target what is not as in the source, then add what is missing, with ids and versions.

        All that is to go goes first, so that its names are free.
        """
        now = datetime.now(UTC)
        gone = (Remove(there) async for here, there in self._pairs(now) if there is not None and here != there)
        async for some in groups_of(gone):
            await self._write(some, now)
        missing = (Add(here) async for here, there in self._pairs(now) if here is not None and there is None)
        async for some in groups_of(missing):
            await self._write(some, now)
            self._told(RECORDS, len(some))

    def _pairs(self, now: datetime) -> AsyncIterator[tuple[Record | None, Record | None]]:
        return paired(self._source.ledger.records(now), self._target.ledger.records(now))

    async def _write(self, changes: Sequence[Change], now: datetime) -> None:
        """Make the changes; what the source changed while it was read is left for another pass."""
        store = self._target.store
        try:
            await store.write_records(changes, now)
        except (NameTaken, RecordChanged):
            for change in changes:
                with suppress(NameTaken, RecordChanged):
                    await store.write_records([change], now)

    # --- links ---------------------------------------------------------------------------------------------------

    async def _copy_links(self) -> None:
        seen: set[int] = set()
        late: list[Link] = []
        async for page in each_page(self._source.store):
            seen.update(link.id for link in page)
            late += await self._copy_page(page)
            self._told(LINKS, len(page))
        await self._remove(self._progress.copies.keys() - seen)
        while late:  # those whose slugs belonged to a link that is gone, or was renamed
            again = await self._copy_page(late)
            if len(again) == len(late):
                raise InvalidInput(
                    f"The slug {again[0].slug!r} is in use in the store to move to, by another link; "
                    "if links are being edited right now, run the command again."
                )
            late = again

    async def _copy_page(self, links: Sequence[Link]) -> list[Link]:
        """Add or edit the links' copies; return those whose slugs another link has."""
        known = self._progress.copies
        new = [link for link in links if link.id not in known]
        late: list[Link] = []
        copies: list[Copy] = []
        outcomes = await self._target.store.add_links([self._fresh(link) for link in new])
        for link, outcome in zip(new, outcomes, strict=True):
            copy = outcome if isinstance(outcome, Link) else await self._same(link)
            if copy is None:
                late.append(link)
            else:
                copies.append(Copy(link.id, copy.id, link.version))
        for link in links:
            noted = known.get(link.id)
            if noted is not None and noted.version != link.version:
                if await self._edit(link, noted.target_id):
                    copies.append(noted._replace(version=link.version))
                else:
                    late.append(link)
        self._progress.note(copies)
        return late

    def _fresh(self, link: Link) -> Link:
        return replace(link, id=0)

    async def _same(self, link: Link) -> Link | None:
        """Return what the target has at the slug if that is this very link, copied without being noted."""
        found = await self._target.store.get_link(link.domain, link.slug)
        if found is None or link_proof(found) != link_proof(link):
            return None
        return found

    async def _edit(self, link: Link, target_id: int) -> bool:
        """Give the copy the link's fields, slug and aliases; False when another link has one of its slugs."""
        stored = await self._find_copy(link, target_id)
        if stored is None:
            raise InvalidInput(f"The copy of the link {link.slug!r} is gone from the store to move to.")
        names = {stored.slug, *stored.aliases}
        for slug in (*(alias for alias in link.aliases if alias not in names), link.slug):
            (outcome,) = await self._target.store.replace_links([(stored, replace(self._fresh(link), slug=slug))])
            if not isinstance(outcome, Link):
                return False
            stored = outcome
        return True

    async def _find_copy(self, link: Link, target_id: int) -> Link | None:
        """Return the copy of a link, which has at least one of its names: a rename keeps the old ones."""
        for slug in (link.slug, *link.aliases):
            found = await self._target.store.get_link(link.domain, slug)
            if found is not None and found.id == target_id:
                return found
        return None

    async def _remove(self, source_ids: set[int]) -> None:
        """Delete the copies of links that are gone."""
        if not source_ids:
            return
        gone = {self._progress.copies[source_id].target_id: source_id for source_id in source_ids}
        async for page in each_page(self._target.store):
            links = [replace(link, version=0) for link in page if link.id in gone]
            for outcome in await self._target.store.delete_links(links):
                if outcome is not None and not isinstance(outcome, LinkNotFound):
                    raise outcome
        self._progress.forget(source_ids)

    # --- clicks --------------------------------------------------------------------------------------------------

    def _targets(self, sums: Sequence[int] = ()) -> dict[int, int]:
        """Return the target's id by the source's; sums have the same everywhere."""
        links = {copy.source_id: copy.target_id for copy in self._progress.copies.values()}
        return {sum_id: sum_id for sum_id in sums} | links

    async def _copy_taken(self) -> None:
        targets = self._targets()
        taken = await self._source.ledger.taken()
        known = {targets[link_id]: count for link_id, count in taken.items() if link_id in targets}
        await self._target.ledger.put_taken(known)
        self._told(TAKEN, len(known))

    async def _copy_answers(self) -> None:
        now = datetime.now(UTC)
        async for answers in self._source.ledger.answers(now):
            await self._target.ledger.put_answers(answers)
            self._told(ANSWERS, len(answers))

    async def _copy_visits(self) -> None:
        """Copy raw visits, and the keys of today's visitors, so that who comes again is known again."""
        await self._target.ledger.put_salts(await self._source.ledger.salts())
        await copy_visits(
            self._source.store,
            self._target.store,
            await self._days_of_sums(self._source.ledger),
            self._targets(),
            partial(self._told, VISITS),
        )

    async def _days_of_sums(self, ledger: Ledger) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {sum_id: [] for sum_id in await ledger.sums()}
        async for days in ledger.days(list(found)):
            for day in days:
                found[day.link_id].append(day.day)
        return found

    async def _copy_counts(self) -> None:
        targets = self._targets(await self._source.ledger.sums())
        async for days in self._source.ledger.days(sorted(targets)):
            for day in days:
                day.link_id = targets[day.link_id]
            await self._target.ledger.put_days(days)
            self._told(COUNTS, len(days))
        await self._copy_tops(targets)
        for some in chunks(list(targets)):
            totals = await self._source.store.totals(some)
            await self._target.ledger.put_totals({targets[link_id]: total for link_id, total in totals.items()})
            self._told(TOTALS, len(some))
        await self._target.store.fold([])  # nothing, but lists by clicks hear of the totals

    async def _copy_tops(self, targets: dict[int, int]) -> None:
        """Copy the most clicked links of the last days."""
        until = today() + 2
        for sum_id in await self._source.ledger.sums():
            for day, top in (await self._source.store.top_days(sum_id, until - TOP_DAYS, until)).items():
                clicks = {targets[link_id]: number for link_id, number in top.clicks.items() if link_id in targets}
                if clicks:
                    await self._target.ledger.put_top(sum_id, day, clicks)

    # --- proof ---------------------------------------------------------------------------------------------------

    async def _compare(self) -> list[Compared]:
        """Read everything in both places once more."""
        sums = {*await self._source.ledger.sums(), *await self._target.ledger.sums()}
        targets = self._targets(sorted(sums))
        back = {target_id: source_id for source_id, target_id in targets.items()}
        now = datetime.now(UTC)
        records = [await self._sum_records(side, now) for side in (self._source, self._target)]
        links = [
            await self._sum_links(self._source.store),
            await self._sum_links(self._target.store),
        ]
        taken = [
            sum_of(
                (link_id, count) for link_id, count in (await self._source.ledger.taken()).items() if link_id in targets
            ),
            sum_of(
                (back[link_id], count)
                for link_id, count in (await self._target.ledger.taken()).items()
                if link_id in back
            ),
        ]
        same = {link_id: link_id for link_id in targets}
        totals = [await self._sum_totals(self._source, same), await self._sum_totals(self._target, back)]
        days = [await self._sum_days(self._source, same), await self._sum_days(self._target, back)]
        answers = [await self._sum_answers(side, now) for side in (self._source, self._target)]
        compared = [
            _compared("links", *links),
            _compared("records", *records),
            _compared("clicks taken", *taken),
            _compared("totals", *totals),
            _compared("days of counts", *days),
            _compared("idempotency keys", *answers),
        ]
        if self._final:
            visits = [await self._sum_visits(self._source, same), await self._sum_visits(self._target, back)]
            compared.append(_compared("visits", *visits))
        return compared

    async def _sum_answers(self, side: Side, now: datetime) -> Sum:
        total = Sum()
        async for answers in side.ledger.answers(now):
            for answer in answers:
                total.add(answer)
        return total

    async def _sum_visits(self, side: Side, names: dict[int, int]) -> Sum:
        total = Sum()
        for sum_id, days in (await self._days_of_sums(side.ledger)).items():
            async for visits in each_hour(side.store, sum_id, days):
                for visit in visits:
                    if visit.link_id in names:
                        total.add(replace(visit, link_id=names[visit.link_id]))
                self._told(PROOF, len(visits))
        return total

    async def _sum_links(self, store: Store) -> Sum:
        total = Sum()
        async for page in each_page(store):
            for link in page:
                total.add(link_proof(link))
            self._told(PROOF, len(page))
        return total

    async def _sum_records(self, side: Side, now: datetime) -> Sum:
        total = Sum()
        async for records in side.ledger.records(now):
            for record in records:
                total.add(record)
            self._told(PROOF, len(records))
        return total

    async def _sum_totals(self, side: Side, names: dict[int, int]) -> Sum:
        total = Sum()
        for some in chunks(list(names)):
            for link_id, counted in (await side.store.totals(some)).items():
                if counted != Total():
                    total.add(total_proof(names[link_id], counted))
            self._told(PROOF, len(some))
        return total

    async def _sum_days(self, side: Side, names: dict[int, int]) -> Sum:
        total = Sum()
        async for days in side.ledger.days(sorted(names)):
            for day in days:
                total.add(day_proof(names[day.link_id], day))
            self._told(PROOF, len(days))
        return total


async def each_page(store: Store, *, limit: int = PAGE) -> AsyncIterator[list[Link]]:
    """Yield all links, oldest first, then the archived ones."""
    states: tuple[LinkState | None, ...] = (None, "archived")
    for state in states:
        cursor = None
        while True:
            query = LinkQuery(state=state, descending=False, limit=limit, cursor=cursor, now=datetime.now(UTC))
            page = await store.list_links(query)
            yield page.items
            cursor = page.next_cursor
            if cursor is None:
                break


async def paired(
    left: AsyncIterator[list[Record]], right: AsyncIterator[list[Record]]
) -> AsyncIterator[tuple[Record | None, Record | None]]:
    """Yield the records of both by kind and id, None where one of them has none."""
    lefts, rights = flat(left), flat(right)
    one, other = await anext(lefts, None), await anext(rights, None)
    while one is not None or other is not None:
        if other is None or (one is not None and place_of(one) < place_of(other)):
            yield one, None
            one = await anext(lefts, None)
        elif one is None or place_of(other) < place_of(one):
            yield None, other
            other = await anext(rights, None)
        else:
            yield one, other
            one, other = await anext(lefts, None), await anext(rights, None)


async def flat(pages: AsyncIterator[list[Record]]) -> AsyncIterator[Record]:
    """Yield the records of all pages."""
    async for page in pages:
        for record in page:
            yield record


async def groups_of(changes: AsyncIterator[Change]) -> AsyncIterator[list[Change]]:
    """Yield changes, as many at once as a store takes."""
    some: list[Change] = []
    async for change in changes:
        some.append(change)
        if len(some) == MAX_CHANGES:
            yield some
            some = []
    if some:
        yield some


def place_of(record: Record) -> tuple[str, int]:
    """Return what records are ordered by."""
    return record.kind, record.id


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the ids, some hundred at once."""
    for start in range(0, len(ids), PAGE):
        yield ids[start : start + PAGE]


def _compared(what: Any, source: Sum, target: Sum) -> Compared:
    return Compared(
        what=what,
        source=source.count,
        target=target.count,
        source_checksum=source.hexadecimal,
        target_checksum=target.hexadecimal,
    )
