"""What a process needs to answer redirects, and shares with everything behind them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from shortly.accounts.registry import Registry
from shortly.branding.branding import DEFAULT, BrandingService
from shortly.clicks.journal import Journal
from shortly.clicks.store import ClickStore
from shortly.counters import Counters
from shortly.errors import ShortlyError
from shortly.links.domains import Domains
from shortly.redirect.pages import Pages, Shown
from shortly.redirect.visitor import DAY_MS, Addresses, Visitors
from shortly.settings import Settings
from shortly.store import open_store
from shortly.wiring import audit_log, served_domains

SALTS_EVERY_S = 600
BRANDING_EVERY_S = 2
DOMAINS_EVERY_S = 1


class Front:
    """The parts, by name.

    Args:
        settings: The installation's.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = open_store(settings)
        self.counters = Counters(settings.counters_dir)
        self.journal = Journal(
            settings.journal_dir,
            segment_bytes=settings.journal_segment_mb << 20,
            max_bytes=settings.journal_max_mb << 20,
            sync_ms=settings.journal_sync_ms,
        )
        self._salts: dict[int, bytes] = {}
        self.visitors = Visitors(self._salts)
        self.addresses = Addresses(settings.trusted_networks)
        registry = Registry(self.store, self.clock)
        self.domains = served_domains(settings, registry)
        self._branding = BrandingService(registry, audit_log(settings, registry))
        self.shown = Shown(Pages(blocked_by=settings.blocked_by_url or ""))
        self.started_at = self.clock()

    def clock(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the store and the journal, and keep up with what others change."""
        self.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with self.store:
            with self.counters, self.journal:
                self.counters.set("workers_running", 1)
                with contextlib.suppress(ShortlyError):  # without salts each process tells visitors apart by itself
                    await refresh_salts(self.store, self._salts)
                with contextlib.suppress(ShortlyError):
                    await self.domains.refresh()
                chores = [
                    asyncio.create_task(watch_domains(self.domains)),
                    asyncio.create_task(keep_up(self.store, self._salts, self.journal, self.counters)),
                    asyncio.create_task(watch_branding(self._branding, self.shown, self.settings.blocked_by_url or "")),
                ]
                try:
                    yield
                finally:
                    for chore in chores:
                        chore.cancel()
                    count_clicks(self.journal, self.counters)


async def keep_up(store: ClickStore, salts: dict[int, bytes], journal: Journal, counters: Counters) -> None:
    """Do a worker's chores: tomorrow's salt in time, and the journal's counts where ``/metrics`` finds them."""
    while True:
        for _ in range(SALTS_EVERY_S):
            await asyncio.sleep(1)
            count_clicks(journal, counters)
        with contextlib.suppress(ShortlyError):
            await refresh_salts(store, salts)


async def watch_branding(branding: BrandingService, shown: Shown, blocked_by: str) -> None:
    """Show public pages as they are to look by now: one point read every ``BRANDING_EVERY_S``."""
    seen = DEFAULT
    while True:
        with contextlib.suppress(ShortlyError):
            found = await branding.get()
            if found != seen:
                seen, shown.pages = found, Pages(found, blocked_by)
        await asyncio.sleep(BRANDING_EVERY_S)


async def watch_domains(domains: Domains) -> None:
    """Serve the hosts that are to be served by now: one list read every ``DOMAINS_EVERY_S``."""
    while True:
        await asyncio.sleep(DOMAINS_EVERY_S)
        with contextlib.suppress(ShortlyError):
            await domains.refresh()


async def refresh_salts(store: ClickStore, salts: dict[int, bytes]) -> None:
    """Fetch the salts of today and tomorrow, and forget those of days that are over."""
    today = int(time.time() * 1000) // DAY_MS
    for day in (today, today + 1):
        if day not in salts:
            salts[day] = await store.salt(day)
    for day in [day for day in salts if day < today]:
        del salts[day]


def count_clicks(journal: Journal, counters: Counters) -> None:
    """Move the journal's counts since the last call into the node's counters."""
    written, dropped = journal.take_counts()
    counters.add("clicks_written", written)
    counters.add("clicks_dropped", dropped)
