"""Pages of links: which way through the index answers a query soonest.

Three ways. A filter that few links meet, filters that have few in common, or a search that few can match, name their
candidates, which are read and sorted. A sort by creation behind a filter walks along the filter's own set, which has
that order. Everything else walks along the sort's set and skips what filters and search do not want. All of them
compare what the index knows, some hundred links at once, and read the links themselves only for the page.

A walk looks at so many links, and no more: a page that is not full by then says where to go on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.links.link import Link, LinkPage, LinkQuery
from shortly.store.cursor import TEXT_SORTS, Key, Position, cursor_after, position_of
from shortly.store.moments import to_ms
from shortly.store.redis import keys
from shortly.store.redis.click_calls import cut
from shortly.store.redis.client import Client
from shortly.store.redis.index import plain_prefix, text_member
from shortly.store.redis.records import Doc, doc_of, id_of, link_of, member_of, stored_doc
from shortly.store.redis.scripts import Argument, Script
from shortly.store.redis.search import (
    NO_GRAMS,
    Grams,
    Rows,
    find_rows,
    grams_to_walk_by,
    is_searchable,
    read_docs,
    read_scores,
)

FEW = 2_000
"""Candidates that are read and sorted rather than met on a walk."""
MANY = 50_000
"""Members of the smallest set, of those that several filters have, that the servers compare with the others at once."""
FEW_FOUND = 4_000
"""The same for those that a search finds."""
LOOK = 4
"""Times as many links as a page has are compared together."""
STEP = 2_000
"""Members of a set that one script call reads at most; the first calls read fewer."""
MOST = 3_000
"""Links that a walk looks at for one page."""
COUNTED_TAGS = 8
"""Of many tags in one query, those that are looked up; the others are compared."""
MOST_SETS = 3
"""Sets of filters that the servers look into on a walk."""
EVER: tuple[Argument, Argument] = ("-inf", "+inf")

SORTED = {
    "created_at": keys.BY_CREATED,
    "updated_at": keys.BY_UPDATED,
    "clicks": keys.BY_CLICKS,
    "slug": keys.BY_SLUG,
    "title": keys.BY_TITLE,
}
WALK = Script("postings", "walk")
IN_COMMON = Script("in_common")


class Candidates(NamedTuple):
    """A part of a sorted set that has all links which one filter wants."""

    key: str
    low: Argument = "-inf"
    """Smallest score."""
    high: Argument = "+inf"
    """Score to stay under."""
    by_creation: bool = True


class Hit(NamedTuple):
    """What the index knows of a link, with the key that the list is sorted by."""

    key: Key
    id: int
    doc: Doc


class Stretch(NamedTuple):
    """Neighbours in a sorted set."""

    length: int
    """How many members were looked at; fewer than were asked for at the set's end."""
    last: tuple[Key, int] | None
    """Where the next stretch begins behind."""
    hits: list[Hit]


class Some(NamedTuple):
    """Links of the list in their order, behind those that came before."""

    hits: Sequence[Hit]
    """All that are wanted are among them."""
    end: tuple[Key, int] | None = None
    """Where the walk had to end before the list did."""


class LinkList:
    """Reads lists; see ``LinkStore.list_links``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def page(self, query: LinkQuery) -> LinkPage:
        """Return one page."""
        after = position_of(query)
        wanted = Wanted(query)
        if not _is_encodable([query.search, *query.tags, query.folder, query.domain, query.owner]):
            return LinkPage([], None)
        found: list[tuple[Key, Link]] = []
        end: tuple[Key, int] | None = None
        async for step in self._hits(query, wanted, after):
            end = step.end
            for some in cut(step.hits, LOOK * query.limit):
                chosen = await self._with_state(query, [hit for hit in some if wanted.has(hit.doc)])
                while chosen and len(found) <= query.limit:
                    count = query.limit + 1 - len(found)
                    found += await self._read(chosen[:count], wanted)
                    chosen = chosen[count:]
                if len(found) > query.limit:
                    break
            if len(found) > query.limit:
                key, last = found[query.limit - 1]
                return LinkPage([link for _, link in found[: query.limit]], cursor_after(query, key, last.id))
        return LinkPage([link for _, link in found], cursor_after(query, *end) if end else None)

    async def find(self, domain: str, target: str, owner: str, workspace: int) -> Link | None:
        """Return a plain link, see ``LinkStore.find_link``."""
        prefix = plain_prefix(domain, target, owner, workspace)
        wanted = (domain, target, owner, workspace)
        start = b"[" + prefix
        while members := await self._client.read(
            "ZRANGEBYLEX", keys.PLAIN, start, b"[" + prefix + b"\xff" * 17, "LIMIT", 0, 20
        ):
            values = await self._client.read_many([("GET", keys.link(id_of(member))) for member in members])
            for value in filter(None, values):
                link = link_of(value)
                if doc_of(link).plain and (link.domain, link.target, link.owner, link.workspace) == wanted:
                    return link
            start = b"(" + members[-1]
        return None

    async def neighbours(
        self, key: str, *, descending: bool, count: int, low: Argument, high: Argument, also_in: Sequence[str]
    ) -> tuple[int, list[tuple[int, Doc]]]:
        """Return how many members of a set there are between two scores, up to ``count``, and what the index knows of
        those of them that are in other sets, too; by their scores."""
        stretch = await self._stretch(key, descending=descending, count=count, low=low, high=high, also_in=also_in)
        return stretch.length, [(hit.id, hit.doc) for hit in stretch.hits]

    # --- ways ----------------------------------------------------------------------------------------------------

    async def _hits(self, query: LinkQuery, wanted: Wanted, after: Position | None) -> AsyncIterator[Some]:
        """Yield the links behind the cursor."""
        sources = candidates_of(query)
        counts = await self._client.read_many(
            [("ZCOUNT", source.key, source.low, _under(source.high)) for source in sources]
        )
        counted = sorted(zip(counts, sources, strict=True), key=lambda pair: pair[0])
        best = counted[0] if counted else None
        if best is not None and best[0] <= FEW:
            few = best[1]
            stretch = await self._stretch(
                few.key, descending=False, count=2 * FEW, low=few.low, high=few.high, also_in=_sets(counted, few.key)
            )
            yield Some(await self._sorted(query, after, [(hit.id, hit.doc) for hit in stretch.hits]))
            return
        if best is not None and best[0] <= MANY:
            common = await self._in_common(_sets(counted, ""))
            if common is not None:
                yield Some(await self._sorted(query, after, common))
                return
        if is_searchable(wanted.needle):
            rows = await find_rows(self._client, wanted.needle, FEW_FOUND)
            if rows is not None and query.sort in TEXT_SORTS:
                yield Some(await self._sorted(query, after, list(await read_docs(self._client, rows))))
                return
            if rows is not None:
                async for some in self._by_score(query, after, rows):
                    yield some
                return
        key = SORTED[query.sort]
        low, high = EVER
        if query.sort == "created_at":
            low, high = _created(query)
            key = next((source.key for _, source in counted if source.by_creation), key)
        needle = wanted.needle if is_searchable(wanted.needle) else ""
        async for some in self._walk(query, after, key, low, high, _sets(counted, key), needle):
            yield some

    async def _by_score(self, query: LinkQuery, after: Position | None, rows: Sequence[Rows]) -> AsyncIterator[Some]:
        """Yield the links in some rows in the query's order, those behind the cursor only, read as they are needed."""
        found = await read_scores(self._client, SORTED[query.sort], rows)
        if query.sort == "clicks":
            places = [(score or 0, link_id) for link_id, score in found]
        else:
            places = [(score, link_id) for link_id, score in found if score is not None]
        for some in cut(_behind(query, after, places), LOOK * query.limit):
            docs = await self._client.read("HMGET", keys.DOCS, *(member_of(link_id) for _, link_id in some))
            yield Some(
                [
                    Hit(score, link_id, stored_doc(doc)[1])
                    for (score, link_id), doc in zip(some, docs, strict=True)
                    if doc is not None
                ]
            )

    async def _in_common(self, sets: Sequence[str]) -> list[tuple[int, Doc]] | None:
        """Return the links that are in all of several sets, or None when these are more than ``FEW``."""
        if len(sets) < 2:
            return None
        reply = await self._client.run(IN_COMMON, [keys.DOCS, *sets], [FEW])
        if reply == 0:
            return None
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return [(id_of(member), stored_doc(doc)[1]) for member, doc in pairs if doc is not None]

    async def _walk(
        self,
        query: LinkQuery,
        after: Position | None,
        key: str,
        low: Argument,
        high: Argument,
        also_in: Sequence[str],
        needle: str,
    ) -> AsyncIterator[Some]:
        grams = NO_GRAMS  # for the first stretch, which has a whole page of what nearly all links have
        left = MOST
        count = min(STEP, left, query.limit + query.limit // 4 + 8)
        behind = None if after is None else (after.key, after.id)
        while True:
            stretch = await self._stretch(
                key,
                descending=query.descending,
                count=count,
                low=low,
                high=high,
                behind=behind,
                texts=query.sort in TEXT_SORTS,
                also_in=also_in,
                grams=grams,
            )
            left -= count
            if stretch.length < count:
                yield Some(stretch.hits)
                return
            yield Some(stretch.hits, None if left else stretch.last)
            if not left:
                return
            if needle and grams is NO_GRAMS:
                grams = await grams_to_walk_by(self._client, needle)
            behind = stretch.last
            count = min(STEP, left, 4 * count)

    async def _sorted(self, query: LinkQuery, after: Position | None, docs: Sequence[tuple[int, Doc]]) -> Sequence[Hit]:
        """Return candidates in the query's order, those behind the cursor only."""
        keys_of: list[Any]
        if query.sort == "clicks":
            members = [member_of(link_id) for link_id, _ in docs]
            scores = await self._client.read("ZMSCORE", keys.BY_CLICKS, *members) if members else []
            keys_of = [int(score or 0) for score in scores]
        else:
            keys_of = [getattr(doc, query.sort) for _, doc in docs]
        of_ids = dict(docs)
        places = _behind(query, after, zip(keys_of, of_ids, strict=True))
        return [Hit(key, link_id, of_ids[link_id]) for key, link_id in places]

    async def _stretch(
        self,
        key: str,
        *,
        descending: bool,
        count: int,
        low: Argument,
        high: Argument,
        behind: tuple[Key, int] | None = None,
        texts: bool = False,
        also_in: Sequence[str] = (),
        grams: Grams = NO_GRAMS,
    ) -> Stretch:
        """Return a stretch of a sorted set with what the index knows of the links that are in other sets, too."""
        args: list[Argument] = ["text" if texts else "score", int(descending), count, grams.grams, grams.chunks]
        if texts:
            args.append("" if behind is None else text_member(str(behind[0]), behind[1]))
        else:
            args += (low, high)
            if behind is not None:
                args += (behind[0], member_of(behind[1]))
        length, last, score, *found = await self._client.run(WALK, [key, keys.DOCS, *also_in, *grams.postings], args)
        return Stretch(
            length,
            (_place_of(last, score, texts), id_of(last)) if length else None,
            [
                Hit(_place_of(member, score, texts), id_of(member), stored_doc(doc)[1])
                for member, score, doc in zip(found[::3], found[1::3], found[2::3], strict=True)
                if doc is not None
            ],
        )

    # --- the links themselves ------------------------------------------------------------------------------------

    async def _with_state(self, query: LinkQuery, hits: list[Hit]) -> list[Hit]:
        """Drop links whose state depends on clicks used up and is not the wanted one."""
        if query.state not in ("active", "exhausted"):
            return hits
        limited = [hit for hit in hits if hit.doc.max_clicks is not None]
        taken = await self._client.read_many([("HGET", keys.taken(keys.home_of(hit.id)), hit.id) for hit in limited])
        used_up = {
            hit.id
            for hit, count in zip(limited, taken, strict=True)
            if hit.doc.max_clicks is not None and hit.doc.max_clicks <= int(count or 0)
        }
        return [hit for hit in hits if (hit.id in used_up) == (query.state == "exhausted")]

    async def _read(self, hits: Sequence[Hit], wanted: Wanted) -> list[tuple[Key, Link]]:
        """Read links; one that is gone, or was changed into another than is wanted, is left out."""
        values = await self._client.read_many([("GET", keys.link(hit.id)) for hit in hits])
        found: list[tuple[Key, Link]] = []
        for hit, value in zip(hits, values, strict=True):
            if value is not None:
                link = link_of(value)
                if link.version == hit.doc.version or wanted.has(doc_of(link)):
                    found.append((hit.key, link))
        return found


class Wanted:
    """The filters of a query, but for clicks used up, as a test of what the index knows."""

    def __init__(self, query: LinkQuery) -> None:
        self.needle = query.search.casefold()
        self._tags = frozenset(query.tags)
        self._folder = query.folder
        self._domain = query.domain
        self._owner = query.owner
        self._workspace = query.workspace
        self._since = None if query.created_since is None else to_ms(query.created_since)
        self._until = None if query.created_until is None else to_ms(query.created_until)
        self._state = query.state
        self._archived = query.state == "archived"
        self._now = to_ms(query.now)

    def has(self, doc: Doc) -> bool:
        """Return whether the link is wanted, unless it is not for its clicks."""
        return (
            doc.deleted_at is None
            and doc.archived is self._archived
            and self._folder in (None, doc.folder)
            and self._domain in (None, doc.domain)
            and self._owner in (None, doc.owner)
            and self._workspace in (None, doc.workspace)
            and (not self._tags or self._tags.issubset(doc.tags))
            and (self._since is None or doc.created_at >= self._since)
            and (self._until is None or doc.created_at < self._until)
            and self._has_state(doc)
            and (not self.needle or any(self.needle in text for text in doc.texts()))
        )

    def _has_state(self, doc: Doc) -> bool:
        if self._state is None or self._state == "archived":
            return True
        scheduled = doc.valid_from is not None and doc.valid_from > self._now
        expired = doc.expires_at is not None and doc.expires_at <= self._now
        if self._state == "active":
            return doc.enabled and not doc.banned and not scheduled and not expired
        if self._state == "exhausted":
            return doc.max_clicks is not None
        if self._state == "disabled":
            return not doc.enabled
        if self._state == "banned":
            return doc.banned
        return scheduled if self._state == "scheduled" else expired


OF_STATE = {
    "exhausted": keys.LIMITED,
    "disabled": keys.DISABLED,
    "banned": keys.BANNED,
    "archived": keys.ARCHIVED,
}
"""State -> the set that has all links in it, and with LIMITED others, too."""


def candidates_of(query: LinkQuery) -> list[Candidates]:
    """Return the sets that the query's filters have in the index."""
    found = [Candidates(keys.tagged(tag)) for tag in list(dict.fromkeys(query.tags))[:COUNTED_TAGS]]
    for value, key in ((query.folder, keys.in_folder), (query.domain, keys.on_domain), (query.owner, keys.owned_by)):
        if value:  # the empty ones have no set
            found.append(Candidates(key(value)))
    if query.workspace is not None and query.workspace != FIRST_WORKSPACE:  # nor has the first workspace
        found.append(Candidates(keys.in_workspace(query.workspace)))
    now = to_ms(query.now)
    if query.state == "scheduled":
        found.append(Candidates(keys.STARTS, low=now + 1, by_creation=False))
    elif query.state == "expired":
        found.append(Candidates(keys.EXPIRIES, high=now + 1, by_creation=False))
    elif query.state is not None and query.state != "active":
        found.append(Candidates(OF_STATE[query.state]))
    if query.created_since is not None or query.created_until is not None:
        low, high = _created(query)
        found = [source._replace(low=low, high=high) if source.by_creation else source for source in found]
        found.append(Candidates(keys.BY_CREATED, low, high))
    return found


def _sets(counted: Sequence[tuple[int, Candidates]], walked: str) -> list[str]:
    """Return the sets that all wanted links are in but for the one that is walked, the smallest ones first."""
    return [source.key for _, source in counted if source.key not in (walked, keys.BY_CREATED)][:MOST_SETS]


def _behind(query: LinkQuery, after: Position | None, places: Iterable[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Return sort keys and ids in the query's order, those behind the cursor only."""
    if after is not None:
        start = (after.key, after.id)
        places = [place for place in places if (place < start if query.descending else place > start)]
    return sorted(places, reverse=query.descending)


def _place_of(member: bytes, score: bytes, texts: bool) -> Key:
    """Return what a member of a set is sorted by."""
    return member[:-9].decode() if texts else int(float(score))


def _created(query: LinkQuery) -> tuple[Argument, Argument]:
    return (
        "-inf" if query.created_since is None else to_ms(query.created_since),
        "+inf" if query.created_until is None else to_ms(query.created_until),
    )


def _under(score: Argument) -> str:
    return f"({score!s}"


def _is_encodable(texts: Iterable[str | None]) -> bool:
    """Return whether texts have no lone surrogates, which nothing that is stored has."""
    try:
        for text in texts:
            if text:
                text.encode()
    except UnicodeEncodeError:
        return False
    return True
