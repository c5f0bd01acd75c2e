"""The seam between Shortly and its engines: the domains' small Protocols, joined once.

Every engine passes ``tests/store/test_contract.py``. A store is opened and closed by ``async with`` on the event
loop that uses it; two processes, or two loops, open two stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from shortly.accounts.records import RecordStore
from shortly.accounts.store import IdempotencyStore
from shortly.clicks.store import ClickStore
from shortly.links.link import Link
from shortly.links.store import LinkStore

if TYPE_CHECKING:
    from shortly.settings import Settings


class Store(LinkStore, ClickStore, RecordStore, IdempotencyStore, Protocol):
    """Everything that is kept, in one engine."""

    async def __aenter__(self) -> Self:
        """Open: check the schema's version (``StoreTooNew``, ``MigrationChanged``), bring it up to date, connect."""

    async def __aexit__(self, *_: object) -> None:
        """Finish writes under way and close."""

    async def ping(self) -> None:
        """Raise ``StoreUnavailable`` unless the store can be read and written right now."""

    async def warnings(self) -> list[str]:
        """Return what an operator should know about how safely the engine keeps things, a sentence each."""

    async def trashed_links(self, before_ms: int) -> list[Link]:
        """Return up to 1,000 links that were deleted before then and can be restored still, see ``Link.deleted_at``."""

    async def gone_links(self, before_ms: int) -> list[int]:
        """Return up to 1,000 ids of links that went for good before then and whose counts are still kept."""

    async def forget_links(self, link_ids: list[int]) -> None:
        """Forget deleted links whose counts are gone; called after ``prune``."""


def open_store(settings: Settings) -> Store:
    """Return the store that the settings name, not yet opened."""
    address = settings.redis_address
    if address is not None:
        from shortly.store.redis import RedisStore

        return RedisStore(
            address,
            cache_links=settings.cache_links,
            case_insensitive=settings.case_insensitive_slugs,
            stale_s=settings.cache_stale_s,
            wait_replicas=settings.redis_wait_replicas,
            wait_ms=settings.redis_wait_ms,
            wait_fsync=settings.redis_wait_fsync,
            folder=settings.data_dir,
        )
    from shortly.store.sqlite import SqliteStore

    return SqliteStore(
        settings.data_dir,
        cache_links=settings.cache_links,
        case_insensitive=settings.case_insensitive_slugs,
    )
