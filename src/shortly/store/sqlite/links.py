"""Links in SQLite: point reads on the event loop, writes through the writer, and what memory may be believed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import apsw

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.errors import LinkChanged, LinkNotFound, SlugTaken
from shortly.links.attention import ConcernPage, ConcernQuery
from shortly.links.cache import LinkCache
from shortly.links.labels import LabelPage, LabelQuery
from shortly.links.link import Link, LinkPage, LinkQuery, Redirection
from shortly.links.store import Got, Wanted
from shortly.store.sqlite import link_writes
from shortly.store.sqlite.concerns import list_concerns
from shortly.store.sqlite.connection import store_errors
from shortly.store.sqlite.labels import list_labels
from shortly.store.sqlite.link_file import LinkFile
from shortly.store.sqlite.link_list import list_links
from shortly.store.sqlite.link_writes import SELECT_BY_ID
from shortly.store.sqlite.plain_links import find_plain
from shortly.store.sqlite.rows import LINK_COLUMNS, REDIRECTION_COLUMNS, link_of, redirection_of

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out")


class Step(Protocol[In, Out]):
    """A write of several links in one transaction, each with an outcome of its own."""

    def __call__(self, connection: apsw.Connection, *, items: Sequence[In], key: Callable[[str], str]) -> list[Out]:
        """``key`` turns a slug into what the table ``slugs`` has it by."""


CHUNK = 500
"""Links that one operation writes; more of them let others in between."""
NO_NUMBER = memoryview((1).to_bytes(8, "little")).cast("Q")
"""Stands in for the change counter while the store is closed: odd, so nothing is remembered."""

SELECT_REDIRECTION = f"""
SELECT {REDIRECTION_COLUMNS}
FROM slugs AS s JOIN links AS l ON l.id = s.link_id
WHERE s.domain = ? AND s.slug = ?
"""  # noqa: S608
SELECT_LINK = f"""
SELECT {LINK_COLUMNS}
FROM slugs AS s JOIN links AS l ON l.id = s.link_id
WHERE s.domain = ? AND s.slug = ?
"""  # noqa: S608
SELECT_GONE = "SELECT link_id FROM deleted_links WHERE deleted_at < ? ORDER BY deleted_at LIMIT 1000"
SELECT_TRASHED = f"""
SELECT {LINK_COLUMNS}
FROM links AS l INDEXED BY links_by_deletion
WHERE l.deleted_at IS NOT NULL AND l.deleted_at < ?
ORDER BY l.deleted_at
LIMIT 1000
"""  # noqa: S608
SELECT_REDIRECTION = " ".join(SELECT_REDIRECTION.split())  # the text is hashed at every use
SELECT_TAKEN = "SELECT taken FROM taken_clicks WHERE link_id = ?"


class LinkTables:
    """The ``LinkStore`` of SQLite."""

    def __init__(self, file: LinkFile, *, cache_links: int, case_insensitive: bool) -> None:
        self._link_file = file
        self._case_insensitive = case_insensitive
        self._cache = LinkCache(cache_links)
        self._number = NO_NUMBER
        self._number_seen = 0
        """What the change counter was, an even number, when the cache began to fill."""

    def _open_links(self) -> None:
        """Begin with an empty memory; the file is open."""
        self._cache.clear()
        self._number = self._link_file.changes.number
        self._number_seen = -1

    def _close_links(self) -> None:
        self._number = NO_NUMBER

    # --- the redirect's way --------------------------------------------------------------------------------------

    def remembered(self, domain: str, slug: str) -> Redirection | None:
        """See ``RedirectionStore``: two loads and a dictionary, no system call."""
        if self._number[0] != self._number_seen:
            return None
        return self._cache.get(domain, slug)

    async def get_redirection(self, domain: str, slug: str) -> Redirection | None:
        """See ``RedirectionStore``. Never waits, so that it costs no switch of tasks."""
        number = self._number[0]
        try:
            row = self._link_file.cursor.execute(SELECT_REDIRECTION, (domain, self._key(slug))).get
        except UnicodeEncodeError:  # lone surrogates: no link can have such a slug
            return None
        except apsw.Error:
            with store_errors(self._link_file.reader):
                raise
        if row is None:
            return None
        redirection = redirection_of(row)
        if number & 1:
            self._link_file.changes.repair()
        elif number == self._number[0]:  # no edit began while the row was read
            if number != self._number_seen:
                self._cache.clear()
                self._number_seen = number
            self._cache.put(domain, slug, redirection)
        return redirection

    async def take_click(self, link_id: int, domain: str, slug: str, max_clicks: int) -> bool:
        """See ``RedirectionStore``. Durable when it returns; a used-up link costs a point read only."""
        with store_errors(self._link_file.reader):
            taken = self._link_file.reader.execute(SELECT_TAKEN, (link_id,)).get or 0
        if taken >= max_clicks:  # the number never falls, so an old one is good enough to refuse
            return False
        return await self._link_file.writer.write(
            partial(link_writes.take_click, link_id=link_id, max_clicks=max_clicks)
        )

    # --- links ---------------------------------------------------------------------------------------------------

    async def get_link(self, domain: str, slug: str) -> Link | None:
        """See ``LinkStore``."""
        with store_errors(self._link_file.reader):
            try:
                row = self._link_file.reader.execute(SELECT_LINK, (domain, self._key(slug))).get
            except UnicodeEncodeError:
                return None
        return None if row is None else link_of(row)

    async def get_links(self, link_ids: Sequence[int]) -> dict[int, Link]:
        """See ``LinkStore``."""
        with store_errors(self._link_file.reader):
            found = [self._link_file.reader.execute(SELECT_BY_ID, (link_id,)).get for link_id in link_ids]
        return {link.id: link for link in map(link_of, filter(None, found))}

    async def add_links(self, links: Sequence[Link]) -> list[Link | SlugTaken]:
        """See ``LinkStore``. Needs no word to other processes: an unknown slug is remembered by none."""
        return await self._write_chunks(links, link_writes.add, edits=False)

    async def find_or_add_links(self, wanted: Sequence[Wanted]) -> list[Got | SlugTaken]:
        """See ``LinkStore``; looks and adds while nobody else writes."""
        return await self._write_chunks(wanted, link_writes.find_or_add, edits=False)

    async def replace_links(
        self, edits: Sequence[tuple[Link, Link]]
    ) -> list[Link | LinkChanged | LinkNotFound | SlugTaken]:
        """See ``LinkStore``."""
        return await self._write_chunks(edits, link_writes.replace, edits=True)

    async def delete_links(self, links: Sequence[Link]) -> list[LinkChanged | LinkNotFound | None]:
        """See ``LinkStore``."""
        return await self._write_chunks(links, link_writes.delete, edits=True)

    async def list_links(self, query: LinkQuery) -> LinkPage:
        """See ``LinkStore``; runs in a thread.

        A search compares casefolded texts, so ``STRASSE`` finds ``straße``; it does not know languages (a Turkish
        dotless i is a letter of its own) nor normal forms (é as one character does not find e with an accent).
        """
        return await asyncio.to_thread(list_links, self._link_file, query)

    async def list_labels(self, query: LabelQuery) -> LabelPage:
        """See ``LinkStore``; runs in a thread."""
        return await asyncio.to_thread(list_labels, self._link_file, query)

    async def list_concerns(self, query: ConcernQuery) -> ConcernPage:
        """See ``LinkStore``; runs in a thread."""
        return await asyncio.to_thread(list_concerns, self._link_file, query)

    async def find_link(self, domain: str, target: str, owner: str, workspace: int = FIRST_WORKSPACE) -> Link | None:
        """See ``LinkStore``; runs in a thread, as many links may lead to one target."""
        return await asyncio.to_thread(self._find_link, domain, target, owner, workspace)

    # --- deleted links -------------------------------------------------------------------------------------------

    async def trashed_links(self, before_ms: int) -> list[Link]:
        """See ``Store``; oldest first."""
        return await asyncio.to_thread(self._trashed_links, before_ms)

    async def gone_links(self, before_ms: int) -> list[int]:
        """See ``Store``; oldest first."""
        with store_errors(self._link_file.reader):
            rows: list[Any] = self._link_file.reader.execute(SELECT_GONE, (before_ms,)).fetchall()
        return [link_id for (link_id,) in rows]

    async def forget_links(self, link_ids: list[int]) -> None:
        """See ``Store``."""
        await self._link_file.writer.write(partial(link_writes.forget, link_ids=link_ids), rows=len(link_ids))

    # --- inside --------------------------------------------------------------------------------------------------

    def _key(self, slug: str) -> str:
        return slug.casefold() if self._case_insensitive else slug

    def _trashed_links(self, before_ms: int) -> list[Link]:
        with self._link_file.listing() as connection:
            return [link_of(row) for row in connection.execute(SELECT_TRASHED, (before_ms,))]

    def _find_link(self, domain: str, target: str, owner: str, workspace: int) -> Link | None:
        with self._link_file.listing() as connection:
            return find_plain(connection, domain, target, owner, workspace)

    async def _write_chunks(self, items: Sequence[In], step: Step[In, Out], *, edits: bool) -> list[Out]:
        """Write all chunks, also those after one that failed; then raise what the first one failed with."""
        chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
        answers = await asyncio.gather(
            *(
                self._link_file.writer.write(partial(step, items=chunk, key=self._key), rows=len(chunk), edits=edits)
                for chunk in chunks
            ),
            return_exceptions=True,
        )
        outcomes: list[Out] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            outcomes += answer
        return outcomes
