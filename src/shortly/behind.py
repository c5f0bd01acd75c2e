"""What stands behind the redirect: every service, the API, and the pages that need them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from shortly.accounts.entrance import Entrance
from shortly.accounts.keys import KeyService
from shortly.accounts.passes import Passes
from shortly.api.app import create_api
from shortly.api.password_page import PasswordPage
from shortly.api.preview import Preview
from shortly.api.services import JournalStatus, Services
from shortly.backup.known import KnownBackups
from shortly.branding.branding import BrandingService
from shortly.counters import read_counters
from shortly.first_start import begin
from shortly.front import Front
from shortly.outbound.titles import Titles
from shortly.redirect.redirect import ASGIApp
from shortly.redirect.visitor import Visitors
from shortly.stats.live import LiveService
from shortly.stats.service import StatsService
from shortly.wiring import audit_log, entrance, link_checks, link_service, outbound_client, rate_limits, teams, vouchers


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """The parts that requests are handed on to, and those that are opened and closed with them."""

    services: Services
    api: ASGIApp
    """Wants ``services`` in the ``state`` of each request."""
    preview: Preview
    lock: PasswordPage
    door: Entrance
    live: LiveService
    titles: Titles

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Behind]:
        """Open it, and close it in the reverse order."""
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self.services.limits.close)
            await opened.enter_async_context(self.titles)
            opened.push_async_callback(self.door.close)
            opened.push_async_callback(self.live.close)
            yield self

    async def begin(self) -> None:
        """Do what an installation's first start asks for."""
        await begin(self.services.settings, self.door.registry, self.door.secret, self.door.passwords)


def put_together(front: Front) -> Behind:
    """Return what stands behind the front's redirect, not yet opened."""
    settings, store, clock = front.settings, front.store, front.clock
    journal, counters, shown, addresses = front.journal, front.counters, front.shown, front.addresses
    limits = rate_limits(settings, lambda who: limit_key(front.visitors, who), counters)
    titles = Titles(store, outbound_client(settings), clock)
    door = entrance(settings, store, clock=clock)
    audit = audit_log(settings, door.registry)
    checks = link_checks(settings, store, door.registry)
    links = link_service(
        settings,
        store,
        front.domains,
        on_new=titles.wish if settings.fetch_titles else lambda _: None,
        hash_password=door.passwords.hash,
        checks=checks,
    )
    services_for_people = teams(settings, door.registry, links, audit, door.passwords, door.mail)
    people, workspaces, invitations, domains = services_for_people
    oidc, trusted_header = vouchers(settings, door, services_for_people, audit)
    live = LiveService(store, clock)
    passes = Passes(door.secret, clock, timedelta(minutes=settings.unlock_minutes))
    services = Services(
        settings=settings,
        store=store,
        links=links,
        checks=checks,
        stats=StatsService(store, clock, visit_days=settings.visit_retention_days),
        live=live,
        keys=KeyService(door.registry, audit),
        audit=audit,
        branding=BrandingService(door.registry, audit),
        shown=shown,
        people=people,
        workspaces=workspaces,
        invitations=invitations,
        domains=domains,
        oidc=oidc,
        trusted_header=trusted_header,
        limits=limits,
        entrance=door,
        addresses=addresses,
        counters=counters,
        read_counters=lambda: read_counters(settings.counters_dir),
        backups_known=KnownBackups(settings, door.registry, clock).look,
        journal_status=lambda: JournalStatus(refusing=journal.refusing, dropped=journal.dropped),
        started_at=front.started_at,
    )
    return Behind(
        services=services,
        api=create_api(settings),
        preview=Preview(links, shown, limits, addresses, settings),
        lock=PasswordPage(shown, limits, addresses, door.passwords, passes, settings),
        door=door,
        live=live,
        titles=titles,
    )


def limit_key(visitors: Visitors, who: str) -> str:
    """Return what Redis gets of a client's network or an account: a hash that nobody can look up after the day."""
    return visitors.hash_of(int(time.time() * 1000), who, b"limit")[:16].hex()
