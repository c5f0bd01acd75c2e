"""The engine on Redis or Valkey: one server, a primary with sentinels, or a Cluster; any number of replicas of Shortly.

A redirect asks its memory, and else one key. Everything atomic about a link is one script in the link's home partition.
Lists and searches read an index in one slot, which outboxes keep right. Clicks are folded partition by partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from shortly.clicks.store import Batch
from shortly.errors import StoreUnavailable
from shortly.redis_address import Address
from shortly.store.redis.account_records import RedisRecords
from shortly.store.redis.click_order import ClickOrder
from shortly.store.redis.clicks import RedisClicks
from shortly.store.redis.client import Client
from shortly.store.redis.idempotency import RedisIdempotency
from shortly.store.redis.installation import Installation, memory_of
from shortly.store.redis.links import RedisLinks
from shortly.store.redis.migrations import DAYS_ARE_PACKED
from shortly.store.redis.repair import Repair, Report
from shortly.store.redis.server_checks import server_warnings

if TYPE_CHECKING:
    from shortly.store import Store

PING_TIMEOUT_S = 5


class RedisStore(RedisLinks, RedisRecords, RedisIdempotency, RedisClicks):
    """All keys of one installation; any number of processes may have it open at once."""

    def __init__(
        self,
        address: Address,
        *,
        cache_links: int = 100_000,
        case_insensitive: bool = False,
        wait_replicas: int = 0,
        wait_ms: int = 1000,
        wait_fsync: bool = False,
        stale_s: float = 3600.0,
        folder: Path | None = None,
    ) -> None:
        """Take where the servers are, and settings of the same names.

        Args:
            stale_s: How long remembered links go on redirecting while the store is away.
            folder: Where this node remembers whose data it has met, so that it notices when they are gone.
        """
        self._client = Client(
            address,
            wait_replicas=wait_replicas,
            wait_ms=wait_ms,
            wait_fsync=wait_fsync,
            track=cache_links > 0,
        )
        memory = memory_of(address, folder) if folder is not None else None
        self._installation = Installation(self._client, memory)
        RedisClicks.__init__(self, self._client)
        RedisRecords.__init__(self, self._client)
        RedisIdempotency.__init__(self, self._client)
        RedisLinks.__init__(
            self,
            self._client,
            self._installation,
            self.totals,
            cache_links=cache_links,
            case_insensitive=case_insensitive,
            stale_s=stale_s,
        )
        self._client.on_invalidate = self._redirections.changed
        self._client.on_redirect = self._redirections.elsewhere
        self._click_order = ClickOrder(self, self._outbox.index)

    async def __aenter__(self) -> Self:
        """Open, see ``Store``.

        Raises:
            InvalidSettings: The installation was started with the other treatment of upper and lower case, or the
                server refuses the user name or the password.
            StoreEmptied: Data that were there are gone.
            StoreUnavailable: The store does not answer.
        """
        await self._client.open()
        try:
            await self._installation.open(case_insensitive=self._case_insensitive)
            self.packs_days = self._installation.version >= DAYS_ARE_PACKED
        except BaseException:
            await self._client.close()
            raise
        await self._open_links()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish writes under way and close."""
        try:
            await self._close_links()
            await self._click_order.stop()
        finally:
            await self._client.close()

    async def ping(self) -> None:
        """See ``Store``; writes one field, and waits no longer than ``PING_TIMEOUT_S``."""
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self._installation.ping()
        except TimeoutError:
            raise StoreUnavailable from None

    async def warnings(self) -> list[str]:
        """See ``Store``: what of the servers' own settings may lose data."""
        return await server_warnings(self._client)

    async def repair(self) -> Report:
        """Prove that slugs and lists are what the links say, and mend them where they are not.

        Raises:
            StoreUnavailable, StorageFull: Not all was looked at.
        """
        await self._click_order.tell()
        return await Repair(self._client, self._outbox, self._writes, self._key, self.totals).run()

    async def fold(self, batches: Sequence[Batch]) -> None:
        """See ``FoldStore``; lists by clicks know of it at once, or some seconds later while clicks keep coming."""
        await super().fold(batches)
        await self._click_order.folded()


if TYPE_CHECKING:
    _: Store = RedisStore(Address())  # the engine keeps the whole contract; mypy proves it here
