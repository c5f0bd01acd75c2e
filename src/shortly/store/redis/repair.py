"""Proves that the index is what the links say, and mends it where it is not; while Shortly serves, if need be.

Four proofs, each over all data, some hundred links at once: every entry of a slug leads to a link that names it, and
every slug of a link has one; every document is what its link says; every member of every sorted set is what a document
says, and the other way round; so is every posting. Suspects are looked at once more before anything is written, and the
writing is void if the index has learnt anything about them in the meantime.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from msgspec import Struct

from shortly.errors import ShortlyError
from shortly.links.link import Link
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.grams import CHUNK_ROWS, grams_of, labels_of
from shortly.store.redis.index import START, Move, Plan, entries_of
from shortly.store.redis.link_writes import LAPSE_MS, LinkWrites
from shortly.store.redis.outbox import SETTLE_SLUG, Outbox, Totals
from shortly.store.redis.records import (
    Doc,
    Key,
    doc_of,
    holder_of,
    id_of,
    link_of,
    member_of,
    names_of,
    pointer_of,
    says_the_same,
    stored_doc,
)
from shortly.store.redis.scripts import Argument, Script
from shortly.store.redis.search import rows_in

SOME = 250
"""Links that are looked at, or mended, together."""
MEMBERS = 1_000
TRIES = 10
"""Of mending links that are being edited at the same time."""

RAISE_IDS = Script("raise_ids")
TOUCH_OUTBOX = Script("entries", "touch_outbox")


class Report(Struct, frozen=True, kw_only=True):
    """What was found, and mended."""

    links: int = 0
    """How many there are."""
    slugs_restored: int = 0
    """Slugs of links that led nowhere."""
    slugs_freed: int = 0
    """Entries of slugs that no link named."""
    links_indexed: int = 0
    """Links that the index did not know as they are, or knew and are gone."""
    entries_dropped: int = 0
    """Entries of the index that no link has."""
    clicks_corrected: int = 0
    """Links whose place in the order by clicks was wrong."""

    @property
    def clean(self) -> bool:
        """Nothing had to be mended."""
        return self == Report(links=self.links)


class Repair:
    """One run over everything."""

    def __init__(self, client: Client, outbox: Outbox, writes: LinkWrites, key: Key, totals: Totals) -> None:
        self._client = client
        self._outbox = outbox
        self._writes = writes
        self._key = key
        self._totals = totals
        self._suspects: set[int] = set()
        self._strays: defaultdict[int, set[tuple[str, bytes]]] = defaultdict(set)
        """Link id -> sorted sets and members."""
        self._stray_postings: defaultdict[int, set[tuple[int, str]]] = defaultdict(set)
        """Link id, 0 for rows that no link has -> rows and grams."""
        self._counts = {"links": 0, "slugs_restored": 0, "slugs_freed": 0, "entries_dropped": 0, "clicks_corrected": 0}

    async def run(self) -> Report:
        """Prove and mend.

        Raises:
            StoreUnavailable, StorageFull: Not all was looked at.
        """
        await self._outbox.catch_up()
        await self._prove_links()
        await self._prove_slugs()
        await self._prove_documents()
        await self._prove_sets()
        await self._prove_postings()
        indexed = await self._mend()
        return Report(**self._counts, links_indexed=indexed)

    # --- slugs and links -----------------------------------------------------------------------------------------

    async def _prove_links(self) -> None:
        """Look whether all slugs of all links have an entry, and all links a document that says the same."""
        highest = 0
        async for some in _in_pieces(self._client.scan("l:{??}:*")):
            ids = sorted({int(key.rpartition(":")[2]) for key in some})
            links = await self._links(ids)
            docs = await self._docs(ids)
            for link in filter(None, links.values()):
                self._counts["links"] += 1
                highest = max(highest, link.id // keys.PARTITIONS)
                if docs[link.id] is None or docs[link.id][1] != doc_of(link):
                    self._suspects.add(link.id)
            for link in await self._without_entry(list(filter(None, links.values()))):
                self._counts["slugs_restored"] += await self._writes.restore(link.id)
        if highest:
            await self._client.run(RAISE_IDS, [keys.IDS], [highest])

    async def _without_entry(self, links: Sequence[Link]) -> list[Link]:
        """Return the links of which some slug does not lead to them."""
        expected = [(link, entry, value) for link in links for entry, value in self._writes.all_entries(link).items()]
        found = await self._client.read_many([("GET", entry) for _, entry, _ in expected])
        wrong = {
            link.id: link
            for (link, _, value), text in zip(expected, found, strict=True)
            if text is None or not (says_the_same(text, value) or (value[:1] == b"@" and holder_of(text) == link.id))
        }
        return list(wrong.values())

    async def _prove_slugs(self) -> None:
        """Look whether every entry of a slug leads to a link that names it."""
        async for some in _in_pieces(self._client.scan("r:{??}:*")):
            values = await self._client.read_many([("GET", key) for key in some])
            entries = [(key, value) for key, value in zip(some, values, strict=True) if value is not None]
            links = await self._links({holder_of(value) for _, value in entries})
            calls: list[tuple[Script, list[str], list[Argument]]] = []
            for key, value in entries:
                link = links[holder_of(value)]
                pointer = pointer_of(value)
                if link is not None and self._is_named(key, link):
                    if pointer and pointer.pending:
                        calls.append((SETTLE_SLUG, [key], [link.id, "confirm", ""]))
                elif not (pointer and pointer.pending and _age_ms(value) <= LAPSE_MS):
                    calls.append((SETTLE_SLUG, [key], [holder_of(value), "withdraw", value]))
            for outcome, (_, _, args) in zip(await self._client.run_many(calls), calls, strict=True):
                if isinstance(outcome, ShortlyError):
                    raise outcome
                self._counts["slugs_freed"] += outcome if args[1] == "withdraw" else 0

    def _is_named(self, key: str, link: Link) -> bool:
        domain, name = keys.slug_in(key)
        if key == keys.home_redirection(link.id):
            return True
        return domain == link.domain and name in names_of(link, self._key)

    # --- the index -----------------------------------------------------------------------------------------------

    async def _prove_documents(self) -> None:
        """Look whether every document has a link, and is in all sorted sets that it should be in, with its clicks."""
        async for docs in self._all_docs():
            links = await self._links(docs)
            wanted: defaultdict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
            for link_id, (_, doc) in docs.items():
                if links[link_id] is None:
                    self._suspects.add(link_id)
                for key, score, member in entries_of(link_id, doc):
                    wanted[key].append((link_id, score, member))
                for kind, name in labels_of(doc):
                    wanted[keys.labels(kind, doc.workspace)].append((link_id, 0, name.encode()))
                wanted[keys.BY_CLICKS].append((link_id, 0, member_of(link_id)))
            replies = await self._client.read_many(
                [("ZMSCORE", key, *(member for _, _, member in members)) for key, members in wanted.items()]
            )
            for (key, members), scores in zip(wanted.items(), replies, strict=True):
                for (link_id, score, _), found in zip(members, scores, strict=True):
                    if found is None or (key != keys.BY_CLICKS and int(found) != score):
                        self._suspects.add(link_id)
            await self._correct_clicks(list(docs), replies[list(wanted).index(keys.BY_CLICKS)])

    async def _correct_clicks(self, ids: Sequence[int], scores: Sequence[float | None]) -> None:
        """Compare the index's counts, which were read before, with the totals, which never fall."""
        totals = await self._totals(ids)
        plan = Plan()
        for link_id, score in zip(ids, scores, strict=True):
            clicks = totals[link_id].clicks if link_id in totals else 0
            if score is not None and score < clicks:
                plan.count(link_id, clicks)
            elif score is not None and score > clicks:
                plan.recount(link_id, clicks)
            else:
                continue
            self._counts["clicks_corrected"] += 1
        await self._outbox.index.apply(plan, ())

    async def _prove_sets(self) -> None:
        """Look whether every member of every sorted set is what its document says."""
        async for some in self._client.scan("x:{idx}:*"):
            for key in some:
                if not re.match(r"x:\{idx\}:(ids|rows|positions|docs|rows:.*|g:.*|labels:.*)$", key, re.DOTALL):
                    await self._prove_set(key)

    async def _prove_set(self, key: str) -> None:
        first = 0
        while members := await self._client.read("ZRANGE", key, first, first + MEMBERS - 1, "WITHSCORES"):
            first += MEMBERS
            docs = await self._docs([id_of(member) for member, _ in members])
            for member, score in members:
                found = docs[id_of(member)]
                if found is None or not _has_entry(id_of(member), found[1], key, member, int(score)):
                    self._strays[id_of(member)].add((key, member))

    async def _prove_postings(self) -> None:
        """Look chunk by chunk whether the postings are what the documents say."""
        chunks: defaultdict[int, list[str]] = defaultdict(list)
        async for some in self._client.scan("x:{idx}:g:*"):
            for key in some:
                chunks[int(key.split(":", 4)[3])].append(key)
        rows = int(await self._client.read("GET", keys.ROWS) or 0)
        for chunk in sorted({*chunks, *range(-(-rows // CHUNK_ROWS))}):
            await self._prove_chunk(chunk, chunks[chunk])

    async def _prove_chunk(self, chunk: int, postings: Sequence[str]) -> None:
        ids = await self._client.read("GET", keys.rows(chunk)) or b""
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        owners: dict[int, int] = {}
        for start in range(0, len(ids), 8 * MEMBERS):
            some = [id_of(ids[at : at + 8]) for at in range(start, min(start + 8 * MEMBERS, len(ids)), 8)]
            for link_id, found in (await self._docs(filter(None, some))).items():
                if found is not None and found[0] // CHUNK_ROWS == chunk:
                    owners[found[0] % CHUNK_ROWS] = link_id
                    for gram in grams_of(found[1]):
                        wanted[gram].add(found[0] % CHUNK_ROWS)
        prefix = keys.postings(chunk, "")
        names = [key.removeprefix(prefix) for key in postings]
        for start in range(0, len(names), SOME):
            some_names = names[start : start + SOME]
            texts = await self._client.read_many([("GET", prefix + name) for name in some_names])
            for name, text in zip(some_names, texts, strict=True):
                has = Counter(rows_in(text or b""))
                right = wanted.pop(name, set())
                self._suspects.update(owners[row] for row in right if has[row] != 1)
                for row in has.keys() - right:
                    self._stray_postings[owners.get(row, 0)].add((chunk * CHUNK_ROWS + row, name))
        for missing in wanted.values():
            self._suspects.update(owners[row] for row in missing)

    # --- mending -------------------------------------------------------------------------------------------------

    async def _mend(self) -> int:
        """Mend what the proofs found; return how many links that were."""
        plan = Plan()
        for row, gram in self._stray_postings.pop(0, ()):  # no link will ever have such a row
            plan.drop_posting(row, gram)
            self._counts["entries_dropped"] += 1
        await self._outbox.index.apply(plan, ())
        due = sorted(self._suspects | self._strays.keys() | self._stray_postings.keys())
        mended = 0
        for start in range(0, len(due), SOME):
            for _ in range(TRIES):
                done = await self._mend_some(due[start : start + SOME])
                if done is not None:
                    mended += done
                    break
        return mended

    async def _mend_some(self, ids: Sequence[int]) -> int | None:
        """Write these links' entries anew; None: the index was told something about them meanwhile."""
        moves = await self._touch(sorted({keys.home_of(link_id) for link_id in ids}))
        if moves is None:
            return None
        links, docs = await self._links(ids), await self._docs(ids)
        totals = await self._totals([link_id for link_id in ids if links[link_id]])
        plan = Plan()
        mended = dropped = 0
        for link_id in ids:
            link, found = links[link_id], docs[link_id]
            new = None if link is None else doc_of(link)
            for key, member in self._strays.get(link_id, ()):
                if new is None or not _has_entry(link_id, new, key, member, None):
                    plan.drop(key, member)
                    dropped += 1
            for row, gram in self._stray_postings.get(link_id, ()):
                if new is None or found is None or row != found[0] or gram not in grams_of(new):
                    plan.drop_posting(row, gram)
                    dropped += 1
            mended += link_id in self._suspects
            if new is not None and found is not None:
                plan.restore(link_id, found[0], found[1], new)
            elif new is not None:
                plan.add(link_id, new)
            elif found is not None:
                plan.remove(link_id, *found)
            if link_id in totals:
                plan.count(link_id, totals[link_id].clicks)
        if await self._outbox.index.apply(plan, moves):
            return None
        self._counts["entries_dropped"] += dropped
        return mended

    async def _touch(self, partitions: Sequence[int]) -> list[Move] | None:
        """Return steps that void all others that are being planned; None: the index does not know all entries yet."""
        replies = await self._client.run_many(
            [(TOUCH_OUTBOX, [keys.outbox(partition)], []) for partition in partitions], durable=True
        )
        moves = []
        for partition, reply in zip(partitions, replies, strict=True):
            if isinstance(reply, ShortlyError):
                raise reply
            moves.append(Move(partition, *reply))
        positions = await self._client.read("HMGET", keys.POSITIONS, *partitions)
        if [position or START for position in positions] == [move.start for move in moves]:
            return moves
        await self._outbox.catch_up()
        return None

    # --- reading -------------------------------------------------------------------------------------------------

    async def _links(self, ids: Iterable[int]) -> dict[int, Link | None]:
        wanted = list(ids)
        values = await self._client.read_many([("GET", keys.link(link_id)) for link_id in wanted])
        return {
            link_id: None if value is None else link_of(value) for link_id, value in zip(wanted, values, strict=True)
        }

    async def _docs(self, ids: Iterable[int]) -> dict[int, Any]:
        """Return row and document of each link, or None."""
        wanted = list(ids)
        if not wanted:
            return {}
        values = await self._client.read("HMGET", keys.DOCS, *map(member_of, wanted))
        return {
            link_id: None if value is None else stored_doc(value) for link_id, value in zip(wanted, values, strict=True)
        }

    async def _all_docs(self) -> AsyncIterator[dict[int, tuple[int, Doc]]]:
        cursor: int | bytes = 0
        while True:
            cursor, found = await self._client.read("HSCAN", keys.DOCS, cursor, "COUNT", SOME)
            if found:
                yield {id_of(found[at]): stored_doc(found[at + 1]) for at in range(0, len(found), 2)}
            if not int(cursor):
                return


async def _in_pieces(pages: AsyncIterator[list[str]]) -> AsyncIterator[list[str]]:
    async for page in pages:
        for start in range(0, len(page), SOME):
            yield page[start : start + SOME]


def _has_entry(link_id: int, doc: Doc, key: str, member: bytes, score: int | None) -> bool:
    """Return whether a document says that a sorted set has this member; ``score`` None: with any score."""
    if key == keys.BY_CLICKS:
        return member == member_of(link_id)
    return any((key, member) == entry[::2] and score in (None, entry[1]) for entry in entries_of(link_id, doc))


def _age_ms(value: bytes) -> int:
    """Return for how long a pending pointer has been there."""
    return time.time_ns() // 1_000_000 - int(value.partition(b":")[2])
