"""Giving domains to workspaces, and taking them away. Who looks after the installation does so; others give back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec import Struct, structs

from shortly.accounts.access import Caller
from shortly.accounts.audit import Audit
from shortly.accounts.living import living_workspace
from shortly.accounts.people import of_workspace
from shortly.accounts.records import Change
from shortly.accounts.registry import Registry, adding, removing, replacing, touching, until_settled
from shortly.errors import DomainInUse, DomainNotFound, DomainTaken, InvalidInput, NameTaken
from shortly.links.domains import EVERYBODY, Domain, Domains, check_host

MAX_DOMAINS = 1_000

HasLinks = Callable[[str], Awaitable[bool]]
"""Says whether any link lives on a domain, archived ones too."""


class Served(Struct, frozen=True, kw_only=True):
    """A domain as people see it."""

    host: str
    workspace_id: int
    """``EVERYBODY`` or whose it is."""
    default: bool = False
    """It is the host of ``BASE_URL``."""
    configured: bool = False
    """The settings name it, so it is served whatever is done here."""
    created_at: datetime | None = None
    """None: there is no record of it."""


class DomainService:
    """Lists, adds, assigns and removes domains.

    Args:
        registry: Where records are kept.
        audit: Notes what is done, in the same write.
        domains: What this process knows of them; up to date after each change.
        has_links: What keeps a domain from being removed.
    """

    def __init__(self, registry: Registry, audit: Audit, domains: Domains, has_links: HasLinks) -> None:
        self._registry = registry
        self._audit = audit
        self._domains = domains
        self._has_links = has_links

    async def list_domains(self, caller: Caller, *, everywhere: bool = False) -> list[Served]:
        """Return the domains that the caller's workspace may use, by host; ``everywhere``: all of them.

        Raises:
            Forbidden: The caller may not see domains, or not those of others.
        """
        caller.require("installation" if everywhere else "domains:read")
        records = {domain.host: domain for domain in await self._registry.all(Domain)}
        hosts = {*records, *self._domains.configured} - {self._domains.base_host}
        served = [self._served(host, records.get(host)) for host in sorted(hosts)]
        first = Served(host=self._domains.base_host, workspace_id=EVERYBODY, default=True, configured=True)
        wanted = (EVERYBODY, caller.workspace_id)
        return [one for one in (first, *served) if everywhere or one.workspace_id in wanted]

    async def of_workspace(self, workspace_id: int) -> bool:
        """Say whether a workspace has domains of its own."""
        return bool(await self._registry.page(Domain, of_workspace(workspace_id), limit=1))

    async def add(self, caller: Caller, host: str, workspace_id: int = EVERYBODY) -> Served:
        """Serve one more host, for one workspace or for everybody.

        Raises:
            Forbidden: The caller does not look after the installation.
            InvalidInput: It is no host, or there are ``MAX_DOMAINS``.
            DomainTaken: It is served already.
            WorkspaceNotFound: There is no such workspace.
        """
        caller.require("installation")
        host = check_host(host)
        if host == self._domains.base_host or host in self._domains.configured:
            raise DomainTaken(host)
        if len(await self._registry.all(Domain)) >= MAX_DOMAINS:
            raise InvalidInput(f"An installation has at most {MAX_DOMAINS} domains.", field="host")

        async def attempt() -> Domain:
            new = self._registry.fresh(Domain(host=host, workspace_id=workspace_id, created_at=self._registry.now()))
            noted = self._audit.entry(caller, "domain.added", subject_of(host), workspace_id=workspace_id, name=host)
            try:
                await self._registry.write(adding(new), *await self._holding(workspace_id), noted)
            except NameTaken:
                raise DomainTaken(host) from None
            return new

        return await self._settle(await until_settled(attempt))

    async def assign(self, caller: Caller, host: str, workspace_id: int) -> Served:
        """Let one workspace alone use a domain from now on, or (``EVERYBODY``) all; links that are there stay.

        Raises:
            Forbidden: The caller does not look after the installation.
            DomainNotFound: There is none.
            DomainInUse: It is the host of ``BASE_URL``, which is everybody's.
            WorkspaceNotFound: There is no such workspace.
        """
        caller.require("installation")
        host = self._known(host)

        async def attempt() -> Domain:
            old = await self._registry.find(Domain, host)
            if old is None and host not in self._domains.configured:
                raise DomainNotFound(host)
            before = EVERYBODY if old is None else old.workspace_id
            fresh = self._registry.fresh(Domain(host=host, created_at=self._registry.now()))
            new = structs.replace(old or fresh, workspace_id=workspace_id)
            noted = self._audit.entry(
                caller,
                "domain.assigned",
                subject_of(host),
                workspace_id=workspace_id or before,
                name=host,
                workspace=workspace_id or None,
                workspace_before=before or None,
            )
            change: Change = adding(new) if old is None else replacing(old, new)
            await self._registry.write(change, *await self._holding(workspace_id), noted)
            return new

        return await self._settle(await until_settled(attempt))

    async def remove(self, caller: Caller, host: str) -> None:
        """Serve a host no longer; one that the settings name becomes everybody's instead.

        Whoever looks after the installation may do so with every domain, admins of a workspace with its own.

        Raises:
            Forbidden: The caller may not change domains, or not this one.
            DomainNotFound: There is none, or it is another workspace's.
            DomainInUse: It has links, or it is the settings alone that name it.
        """
        caller.require("domains:write")
        host = self._known(host)

        async def attempt() -> None:
            domain = await self._registry.find(Domain, host)
            workspace_id = EVERYBODY if domain is None else domain.workspace_id
            if not caller.may("installation") and workspace_id not in (EVERYBODY, caller.workspace_id):
                raise DomainNotFound(host)
            if domain is None:
                if host not in self._domains.configured:
                    raise DomainNotFound(host)
                caller.require("installation")
                raise DomainInUse(f"The domain {host!r} is named in EXTRA_DOMAINS; take it out there.")
            if workspace_id == EVERYBODY:
                caller.require("installation")
            if host not in self._domains.configured and await self._has_links(host):
                raise DomainInUse(f"The domain {host!r} has links; delete them first.")
            noted = self._audit.entry(caller, "domain.removed", subject_of(host), workspace_id=workspace_id, name=host)
            await self._registry.write(removing(domain), noted)

        await until_settled(attempt)
        await self._domains.refresh()

    async def _holding(self, workspace_id: int) -> list[Change]:
        """Return what fails a write when the workspace is deleted in between."""
        if workspace_id == EVERYBODY:
            return []
        return [touching(await living_workspace(self._registry, workspace_id))]

    async def _settle(self, domain: Domain) -> Served:
        await self._domains.refresh()
        return self._served(domain.host, domain)

    def _known(self, host: str) -> str:
        """Return the host as it is stored; one that could not be stored is none."""
        host = host.lower()
        if host not in self._domains:
            try:
                host = check_host(host)
            except InvalidInput:
                raise DomainNotFound(host[:128]) from None
        if host == self._domains.base_host:
            raise DomainInUse("The host of BASE_URL is everybody's.")
        return host

    def _served(self, host: str, domain: Domain | None) -> Served:
        return Served(
            host=host,
            workspace_id=EVERYBODY if domain is None else domain.workspace_id,
            configured=host in self._domains.configured,
            created_at=None if domain is None else domain.created_at,
        )


def subject_of(host: str) -> str:
    """Return a domain as a subject of the audit log."""
    return f"domain:{host}"
