"""Titles of target pages for links that were made without one: fetched afterwards, never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import structlog
from msgspec import structs

from shortly.errors import LinkChanged, ShortlyError
from shortly.links.fields import MAX_TITLE
from shortly.links.link import Link
from shortly.links.store import LinkStore
from shortly.outbound.client import Limits, Outbound
from shortly.outbound.html_title import title_of

log = structlog.get_logger("shortly.outbound")

AT_ONCE = 4
MAX_WAITING = 1_000
ATTEMPTS = 4
"""Writes of one title, when somebody edits the link at the same time."""
LIMITS = Limits(max_bytes=256 << 10, deadline_s=10)
ACCEPT = {"Accept": "text/html,application/xhtml+xml;q=0.9", "Accept-Language": "*"}


class Titles:
    """A few workers that give links their titles; what is still waiting at the end is forgotten.

    Args:
        store: Where the links are; open while ``async with`` lasts.
        outbound: Asks other servers.
        clock: Returns the present moment, aware.
    """

    def __init__(
        self, store: LinkStore, outbound: Outbound, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._outbound = outbound
        self._clock = clock
        self._waiting: asyncio.Queue[Link] = asyncio.Queue(MAX_WAITING)
        self._workers: list[asyncio.Task[None]] = []

    def wish(self, link: Link) -> None:
        """Ask for a new link's title; where too many wait already, the link goes without."""
        if not link.title and link.target.startswith(("http://", "https://")):
            with suppress(asyncio.QueueFull):
                self._waiting.put_nowait(link)

    async def settled(self) -> None:
        """Wait until every wish was seen to."""
        await self._waiting.join()

    async def _work(self) -> None:
        while True:
            link = await self._waiting.get()
            try:
                await self._name(link)
            except ShortlyError:
                pass  # the client has logged it, and the link works without
            except Exception as error:  # what a page made go wrong does not end the fetching of others
                log.error("fetching a title failed", exc_info=error)
            finally:
                self._waiting.task_done()

    async def _name(self, link: Link) -> None:
        answer = await self._outbound.get(link.target, headers=ACCEPT, limits=LIMITS, beginning=True)
        if answer.status != 200:
            return
        kind = answer.headers.get("content-type", "")
        title = await asyncio.to_thread(title_of, answer.body, kind, MAX_TITLE)
        for _ in range(ATTEMPTS if title else 0):
            now = await self._store.get_link(link.domain, link.slug)
            if now is None or now.id != link.id or now.title or now.target != link.target:
                return
            new = structs.replace(now, title=title, updated_at=max(self._moment(), now.updated_at))
            (outcome,) = await self._store.replace_links([(now, new)])
            if not isinstance(outcome, LinkChanged):
                return

    def _moment(self) -> datetime:
        now = self._clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def __aenter__(self) -> Self:
        """Start working."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(AT_ONCE)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at once."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
