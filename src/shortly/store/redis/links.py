"""The ``LinkStore`` of Redis: what redirects read, single links, and the way to lists and writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.errors import LinkChanged, LinkNotFound, ShortlyError, SlugTaken
from shortly.links.attention import ConcernPage, ConcernQuery
from shortly.links.labels import LabelPage, LabelQuery
from shortly.links.link import Link, LinkPage, LinkQuery
from shortly.links.store import Got, Wanted
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.concerns import list_concerns
from shortly.store.redis.find_or_add import FindOrAdd
from shortly.store.redis.installation import Installation
from shortly.store.redis.labels import list_labels
from shortly.store.redis.link_list import LinkList
from shortly.store.redis.link_writes import LinkWrites
from shortly.store.redis.outbox import Outbox, Totals
from shortly.store.redis.records import holder_of, id_of, link_of, names_of
from shortly.store.redis.redirections import Redirections
from shortly.store.redis.scripts import Script

GONE = 1000
"""Deleted links that are told at once."""

TAKE_CLICK = Script("take_click")
FORGET_LINKS = Script("forget_links")


class Underway:
    """Counts what is under way, for those who want to wait for its end."""

    def __init__(self) -> None:
        self._count = 0
        self._ended: asyncio.Future[None] | None = None

    async def __aenter__(self) -> None:
        self._count += 1

    async def __aexit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def end(self) -> None:
        """Wait until nothing is under way."""
        if self._count:
            self._ended = asyncio.get_running_loop().create_future()
            await self._ended


class RedisLinks:
    """Links and their index; ``totals`` tells how many clicks links have had."""

    def __init__(
        self,
        client: Client,
        installation: Installation,
        totals: Totals,
        *,
        cache_links: int,
        case_insensitive: bool,
        stale_s: float,
    ) -> None:
        self._client = client
        self._case_insensitive = case_insensitive
        self._outbox = Outbox(client, self._key, totals)
        self._redirections = Redirections(
            client, installation, self._key if case_insensitive else None, cache_links=cache_links, stale_s=stale_s
        )
        self._writes = LinkWrites(client, self._outbox, self._key, self._redirections.forget)
        self._writing = Underway()
        self._list = LinkList(client)
        self._find_or_add = FindOrAdd(client, self._writes, self._outbox, self._list.find)
        self.remembered = self._redirections.remembered
        """See ``RedirectionStore``."""
        self.get_redirection = self._redirections.get
        """See ``RedirectionStore``."""

    async def _open_links(self) -> None:
        """Begin; the client is open."""
        self._redirections.start()
        self._outbox.start()

    async def _close_links(self) -> None:
        """Finish writes under way."""
        await self._redirections.stop()
        await self._writing.end()
        await self._outbox.stop()

    # --- the redirect's way --------------------------------------------------------------------------------------

    async def take_click(self, link_id: int, domain: str, slug: str, max_clicks: int) -> bool:
        """See ``RedirectionStore``; as durable as the settings ask for."""
        partition = keys.home_of(link_id)
        return bool(await self._client.run_durably(TAKE_CLICK, [keys.taken(partition)], [link_id, max_clicks]))

    # --- links ---------------------------------------------------------------------------------------------------

    async def get_link(self, domain: str, slug: str) -> Link | None:
        """See ``LinkStore``; two reads, as the slug's entry says where the link is."""
        name = self._key(slug)
        try:
            entry = await self._client.read("GET", keys.redirection(domain, name))
        except UnicodeEncodeError:
            return None
        if entry is None:
            return None
        value = await self._client.read("GET", keys.link(holder_of(entry)))
        if value is None:
            return None
        link = link_of(value)
        return link if name in names_of(link, self._key) else None

    async def get_links(self, link_ids: Sequence[int]) -> dict[int, Link]:
        """See ``LinkStore``."""
        values = await self._client.read_many([("GET", keys.link(link_id)) for link_id in link_ids])
        return {link.id: link for link in map(link_of, filter(None, values))}

    async def add_links(self, links: Sequence[Link]) -> list[Link | SlugTaken]:
        """See ``LinkStore``."""
        async with self._writing:
            return await self._writes.add(links)

    async def find_or_add_links(self, wanted: Sequence[Wanted]) -> list[Got | SlugTaken]:
        """See ``LinkStore``."""
        async with self._writing:
            return await self._find_or_add(wanted)

    async def replace_links(
        self, edits: Sequence[tuple[Link, Link]]
    ) -> list[Link | LinkChanged | LinkNotFound | SlugTaken]:
        """See ``LinkStore``."""
        async with self._writing:
            return await self._writes.replace(edits)

    async def delete_links(self, links: Sequence[Link]) -> list[LinkChanged | LinkNotFound | None]:
        """See ``LinkStore``."""
        async with self._writing:
            return await self._writes.delete(links)

    async def list_links(self, query: LinkQuery) -> LinkPage:
        """See ``LinkStore``."""
        return await self._list.page(query)

    async def list_labels(self, query: LabelQuery) -> LabelPage:
        """See ``LinkStore``."""
        return await list_labels(self._client, query)

    async def list_concerns(self, query: ConcernQuery) -> ConcernPage:
        """See ``LinkStore``."""
        return await list_concerns(self._client, self._list, query)

    async def find_link(self, domain: str, target: str, owner: str, workspace: int = FIRST_WORKSPACE) -> Link | None:
        """See ``LinkStore``."""
        return await self._list.find(domain, target, owner, workspace)

    # --- deleted links -------------------------------------------------------------------------------------------

    async def trashed_links(self, before_ms: int) -> list[Link]:
        """See ``Store``; oldest first."""
        members = await self._client.read("ZRANGEBYSCORE", keys.TRASHED, "-inf", f"({before_ms}", "LIMIT", 0, GONE)
        values = await self._client.read_many([("GET", keys.link(id_of(member))) for member in members])
        links = [link_of(value) for value in values if value is not None]
        return [link for link in links if link.deleted_at is not None]

    async def gone_links(self, before_ms: int) -> list[int]:
        """See ``Store``; oldest first."""
        replies = await self._client.read_many(
            [
                ("ZRANGEBYSCORE", keys.deleted(partition), "-inf", f"({before_ms}", "WITHSCORES", "LIMIT", 0, GONE)
                for partition in range(keys.PARTITIONS)
            ]
        )
        gone = sorted((score, int(link_id)) for reply in replies for link_id, score in reply)
        return [link_id for _, link_id in gone[:GONE]]

    async def forget_links(self, link_ids: list[int]) -> None:
        """See ``Store``."""
        partitions: dict[int, list[int]] = {}
        for link_id in link_ids:
            partitions.setdefault(keys.home_of(link_id), []).append(link_id)
        outcomes = await self._client.run_many(
            [
                (FORGET_LINKS, [keys.deleted(partition), keys.taken(partition)], some)
                for partition, some in partitions.items()
            ],
            durable=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, ShortlyError):
                raise outcome

    # --- inside --------------------------------------------------------------------------------------------------

    def _key(self, slug: str) -> str:
        return slug.casefold() if self._case_insensitive else slug
