"""Keeps the index's order by clicks right: what was folded is written there, at once or a little later."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic

import structlog

from shortly.errors import ShortlyError
from shortly.store.redis.clicks import RedisClicks
from shortly.store.redis.index import Index, Plan

log = structlog.get_logger(__name__)

EVERY_S = 5.0
"""How often the index is told while clicks keep coming."""
LOOKS = 1_000
"""Times that one telling asks for what has changed, at most."""


class ClickOrder:
    """Used from one event loop; ``start`` and ``stop`` once."""

    def __init__(self, clicks: RedisClicks, index: Index) -> None:
        self._clicks = clicks
        self._index = index
        self._lock = asyncio.Lock()
        self._told_at = -EVERY_S
        self._late: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Leave to others what was not told."""
        if self._late is not None:
            self._late.cancel()
            with suppress(asyncio.CancelledError):
                await self._late

    async def folded(self) -> None:
        """Tell the index now, or in a while if it was told a moment ago; what fails is left to the next time."""
        if monotonic() - self._told_at >= EVERY_S:
            await self._tell_quietly()
        elif self._late is None or self._late.done():
            self._late = asyncio.create_task(self._tell_later())

    async def tell(self) -> None:
        """Tell the index all that it does not know.

        Raises:
            StoreUnavailable, StorageFull: It may know a part.
        """
        async with self._lock:
            self._told_at = monotonic()
            for _ in range(LOOKS):
                totals = await self._clicks.changed_totals()
                if not totals:
                    return
                plan = Plan()
                for link_id, total in totals.items():
                    plan.count(link_id, total.clicks)
                await self._index.apply(plan, ())
                await self._clicks.forget_changed(totals)

    async def _tell_later(self) -> None:
        await asyncio.sleep(max(0.0, self._told_at + EVERY_S - monotonic()))
        await self._tell_quietly()

    async def _tell_quietly(self) -> None:
        try:
            await self.tell()
        except ShortlyError:
            pass
        except Exception:
            log.exception("the order by clicks could not be brought up to date")
