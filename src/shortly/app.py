"""The HTTP service, wired together: the redirect in front, the API behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from shortly.accounts.keys import KeyService
from shortly.accounts.passes import Passes
from shortly.api.app import create_api
from shortly.api.password_page import PasswordPage
from shortly.api.preview import Preview
from shortly.api.services import JournalStatus, Services
from shortly.backup.known import KnownBackups
from shortly.blocklists import BlocklistKeeper
from shortly.branding.branding import DEFAULT, BrandingService
from shortly.clicks.journal import Journal
from shortly.clicks.store import ClickStore
from shortly.counters import Counters, read_counters
from shortly.drainer import Drainer
from shortly.errors import ShortlyError
from shortly.first_start import begin
from shortly.links.domains import Domains
from shortly.logs import configure_logging
from shortly.outbound.titles import Titles
from shortly.redirect.pages import Pages, Shown
from shortly.redirect.redirect import ASGIApp, Redirect
from shortly.redirect.visitor import DAY_MS, Addresses, Visitors
from shortly.settings import Settings, load_settings
from shortly.stats.live import LiveService
from shortly.stats.service import StatsService
from shortly.store import open_store
from shortly.supervised import SUPERVISOR, leave_after
from shortly.wiring import (
    audit_log,
    entrance,
    link_service,
    outbound_client,
    rate_limits,
    served_domains,
    slug_rules,
    teams,
    vouchers,
)

SALTS_EVERY_S = 600
BRANDING_EVERY_S = 2
DOMAINS_EVERY_S = 1


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Return the whole service for any ASGI server; each of its processes drains the journal when no other does."""
    settings = settings or load_settings()
    configure_logging(settings.log_level, settings.log_format)
    return build(settings, drainer=Drainer(settings), keeper=BlocklistKeeper(settings))


def build(settings: Settings, *, drainer: Drainer | None, keeper: BlocklistKeeper | None = None) -> Redirect:
    """Return one process's service; what it is not given, a ``drainer`` or a ``keeper``, is somebody else's work."""
    store = open_store(settings)
    counters = Counters(settings.counters_dir)
    journal = Journal(
        settings.journal_dir,
        segment_bytes=settings.journal_segment_mb << 20,
        max_bytes=settings.journal_max_mb << 20,
        sync_ms=settings.journal_sync_ms,
    )
    salts: dict[int, bytes] = {}

    def clock() -> datetime:
        return datetime.now(UTC)

    visitors = Visitors(salts)
    limits = rate_limits(settings, lambda who: limit_key(visitors, who), counters)
    titles = Titles(store, outbound_client(settings), clock)
    door = entrance(settings, store, clock=clock)
    audit = audit_log(settings, door.registry)
    domains = served_domains(settings, door.registry)
    links = link_service(
        settings,
        store,
        domains,
        on_new=titles.wish if settings.fetch_titles else lambda _: None,
        hash_password=door.passwords.hash,
    )
    services_for_people = teams(settings, door.registry, links, audit, door.passwords, door.mail)
    people, workspaces, invitations, domain_service = services_for_people
    oidc, trusted_header = vouchers(settings, door, services_for_people, audit)
    addresses = Addresses(settings.trusted_networks)
    branding = BrandingService(door.registry, audit)
    shown = Shown(Pages(blocked_by=settings.blocked_by_url or ""))
    live = LiveService(store, clock)
    passes = Passes(door.secret, clock, timedelta(minutes=settings.unlock_minutes))
    services = Services(
        settings=settings,
        store=store,
        links=links,
        stats=StatsService(store, clock, visit_days=settings.visit_retention_days),
        live=live,
        keys=KeyService(door.registry, audit),
        audit=audit,
        branding=branding,
        shown=shown,
        people=people,
        workspaces=workspaces,
        invitations=invitations,
        domains=domain_service,
        oidc=oidc,
        trusted_header=trusted_header,
        limits=limits,
        entrance=door,
        addresses=addresses,
        counters=counters,
        read_counters=lambda: read_counters(settings.counters_dir),
        backups_known=KnownBackups(settings, door.registry, clock).look,
        journal_status=lambda: JournalStatus(refusing=journal.refusing, dropped=journal.dropped),
        started_at=clock(),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, object]]:
        async with contextlib.AsyncExitStack() as opened:
            if drainer:
                opened.push_async_callback(asyncio.to_thread, drainer.finish)
            opened.push_async_callback(limits.close)
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            await opened.enter_async_context(store)
            opened.enter_context(counters)
            opened.enter_context(journal)
            await opened.enter_async_context(titles)
            opened.push_async_callback(door.close)
            opened.push_async_callback(live.close)
            if SUPERVISOR in os.environ:
                leave_after(live.close)
            if drainer:
                drainer.start()
                await begin(settings, door.registry, door.secret, door.passwords)
            if keeper:
                keeper.start()
                opened.callback(keeper.finish)
            counters.set("workers_running", 1)
            with contextlib.suppress(ShortlyError):  # without salts visitors are still told apart, by each process
                await refresh_salts(store, salts)
            with contextlib.suppress(ShortlyError):
                await domains.refresh()
            chores = [
                asyncio.create_task(watch_domains(domains)),
                asyncio.create_task(keep_up(store, salts, journal, counters)),
                asyncio.create_task(watch_branding(branding, shown, settings.blocked_by_url or "")),
            ]
            try:
                yield {"services": services}
            finally:
                for chore in chores:
                    chore.cancel()
                count_clicks(journal, counters)

    return Redirect(
        store=store,
        journal=journal,
        slugs=slug_rules(settings),
        addresses=addresses,
        visitors=visitors,
        counters=counters,
        rest=create_api(settings, lifespan),
        domains=domains.by_header,
        country_header=settings.country_header or "",
        honour_dnt=settings.honour_dnt,
        wait_for_disk=settings.journal_sync_ms == 0,
        strict_transport=settings.strict_transport,
        shown=shown,
        preview=Preview(links, shown, limits, addresses, settings),
        lock=PasswordPage(shown, limits, addresses, door.passwords, passes, settings),
    )


def limit_key(visitors: Visitors, who: str) -> str:
    """Return what Redis gets of a client's network or an account: a hash that nobody can look up after the day."""
    return visitors.hash_of(int(time.time() * 1000), who, b"limit")[:16].hex()


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
