"""An open store with its services, for the length of one command; a server may run beside it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from msgspec import structs

from shortly.cli.exits import refusals
from shortly.errors import InvalidInput

if TYPE_CHECKING:
    from shortly.accounts.audit import Audit
    from shortly.accounts.keys import KeyService
    from shortly.links.guarded import GuardedLinks
    from shortly.links.link import Link
    from shortly.links.notes import LinkNotes
    from shortly.links.service import LinkService
    from shortly.settings import Settings
    from shortly.stats.service import StatsService
    from shortly.store import Store


class Session(NamedTuple):
    """What a command works with."""

    settings: Settings
    store: Store
    links: LinkService
    stats: StatsService
    keys: KeyService
    audit: Audit

    @property
    def notes(self) -> LinkNotes:
        """Where it is noted what is done to links."""
        from shortly.accounts.access import OPERATOR
        from shortly.links.notes import LinkNotes

        return LinkNotes(self.audit, OPERATOR)

    def links_in(self, workspace: int) -> GuardedLinks:
        """Return the links of one workspace; what is done to them is noted."""
        from shortly.accounts.access import OPERATOR
        from shortly.links.guarded import GuardedLinks

        return GuardedLinks(self.links, structs.replace(OPERATOR, workspace_id=workspace), self.audit)

    async def check_workspace(self, number: int) -> None:
        """Raise ``WorkspaceNotFound`` for a number that no workspace has."""
        from shortly.accounts.living import living_workspace
        from shortly.accounts.registry import Registry

        await living_workspace(Registry(self.store), number)

    def short_url(self, link: Link) -> str:
        """Return a link's full address."""
        return self.links.short_url(link, self.settings.base_url)


class Address(NamedTuple):
    """Where a link lives."""

    slug: str
    domain: str | None


def run(work: Callable[[Session], Awaitable[None]], *, as_json: bool) -> None:
    """Open the store, do a command's work, close the store; refusals end the command."""

    async def do() -> None:
        async with opened() as session:
            await work(session)

    with refusals(as_json), plain_interrupts():
        asyncio.run(do())


@contextmanager
def plain_interrupts() -> Iterator[None]:
    """Let Ctrl-C interrupt a read that blocks, too; asyncio's own way waits for the event loop to get its turn."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@asynccontextmanager
async def opened() -> AsyncIterator[Session]:
    """Open what the settings name; an older store is brought up to date."""
    from shortly.accounts.keys import KeyService
    from shortly.accounts.registry import Registry
    from shortly.stats.service import StatsService
    from shortly.store import open_store
    from shortly.wiring import audit_log, link_service, served_domains

    settings = read_settings()
    async with open_store(settings) as store:
        registry = Registry(store)
        audit = audit_log(settings, registry)
        domains = served_domains(settings, registry)
        await domains.refresh()
        links, stats = link_service(settings, store, domains), StatsService(store)
        yield Session(settings, store, links, stats, KeyService(registry, audit), audit)


def read_settings() -> Settings:
    """Return the settings, and let only warnings through to stderr unless ``LOG_LEVEL`` says otherwise."""
    from shortly.logs import configure_logging
    from shortly.settings import load_settings

    settings = load_settings()
    level = settings.log_level if "log_level" in settings.model_fields_set else "warning"
    configure_logging(level, settings.log_format)
    return settings


def find_address(session: Session, link: str, domain: str | None) -> Address:
    """Return where a link lives that was named by its slug or by its whole short URL."""
    if "://" not in link:
        return Address(link, domain)
    try:
        parts = urlsplit(link)
        host, slug = parts.netloc.rpartition("@")[2], unquote(parts.path[1:], errors="strict")
    except ValueError:
        raise InvalidInput(f"{link[:128]!r} is neither a slug nor a short URL.", field="slug") from None
    session.links.domain_of(host)
    return Address(slug, host)
