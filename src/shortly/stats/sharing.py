"""Statistics of a link that its workspace shows to everybody who has an address that cannot be guessed."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import ClassVar

from msgspec import structs

from shortly.accounts.access import Caller
from shortly.accounts.audit import Audit, link_subject
from shortly.accounts.registry import Noun, Registry, adding, removing, replacing
from shortly.errors import InvalidInput, LinkNotFound, NotShared
from shortly.links.guarded import reach_of
from shortly.links.link import Link
from shortly.links.service import LinkService

TOKEN_BYTES = 24
MAX_TOKEN = 64
"""Characters of what is looked up."""


class Share(Noun, frozen=True, kw_only=True):
    """That a link's statistics are shown to everybody who knows the token.

    It is told from a later link with the same slug by the moment at which the link was made: ids change when a store
    is moved.
    """

    KIND: ClassVar[str] = "share"

    workspace_id: int
    domain: str
    slug: str
    """What the link had when it was shared; an alias of it since, perhaps."""
    link_created_at: datetime
    token: str
    created_at: datetime
    created_by: str
    """Such as ``user:7``."""
    expires_at: datetime | None = None

    def names(self) -> tuple[str, ...]:
        """Return what it is found by: the token, and the link."""
        return f"token:{self.token}", of_link(self.domain, self.slug)

    def groups(self) -> tuple[str, ...]:
        """Return the shares of the workspace."""
        return (f"workspace:{self.workspace_id}",)

    def expiry(self) -> datetime | None:
        """Return from when on nobody is shown anything."""
        return self.expires_at

    def is_of(self, link: Link) -> bool:
        """Say whether this is the link that was shared, and not a later one in its place."""
        return (self.workspace_id, self.domain, self.link_created_at) == (link.workspace, link.domain, link.created_at)


class Sharing:
    """Begins and ends shares, and finds what one shows.

    Args:
        registry: Where they are kept.
        links: All links.
        audit: Where it is noted who shares what.
    """

    def __init__(self, registry: Registry, links: LinkService, audit: Audit) -> None:
        self._registry = registry
        self._links = links
        self._audit = audit

    async def get(self, caller: Caller, slug: str, domain: str | None) -> Share:
        """Return a link's share.

        Raises:
            Forbidden: The caller may not read statistics.
            LinkNotFound, UnknownDomain: There is no such link.
            NotShared: It has none, or not any more.
        """
        caller.require("stats:read")
        link = await self._link(caller, slug, domain)
        share = await self._share_of(link)
        if share is None:
            raise NotShared(link.slug)
        return share

    async def share(self, caller: Caller, slug: str, domain: str | None, expires_at: datetime | None) -> Share:
        """Share a link's statistics until a moment, or for good; a share that there is keeps its address.

        Raises:
            Forbidden: The caller may not share.
            LinkNotFound, UnknownDomain: There is no such link.
            InvalidInput: The moment is over.
            NameTaken, RecordChanged: Somebody else shared it at this very moment.
        """
        caller.require("stats:share")
        if expires_at is not None and expires_at <= self._registry.now():
            raise InvalidInput("The share would be over already.", field="expires_at")
        link = await self._link(caller, slug, domain)
        until = None if expires_at is None else expires_at.isoformat()
        noted = self._audit.entry(
            caller, "link.shared", link_subject(link.domain, link.slug), workspace_id=link.workspace, until=until
        )
        known = await self._share_of(link)
        if known is not None:
            changed = structs.replace(known, expires_at=expires_at)
            await self._registry.write(replacing(known, changed), noted)
            return structs.replace(changed, version=known.version + 1)
        share = self._registry.fresh(
            Share(
                workspace_id=link.workspace,
                domain=link.domain,
                slug=link.slug,
                link_created_at=link.created_at,
                token=secrets.token_urlsafe(TOKEN_BYTES),
                created_at=self._registry.now(),
                created_by=caller.actor,
                expires_at=expires_at,
            )
        )
        of_another = await self._registry.find(Share, of_link(link.domain, link.slug))  # which is gone
        before = [] if of_another is None else [removing(of_another)]
        await self._registry.write(*before, adding(share), noted)
        return share

    async def end(self, caller: Caller, slug: str, domain: str | None) -> None:
        """End a link's share at once; its address never comes back. Errors as of ``get`` and ``share``."""
        caller.require("stats:share")
        link = await self._link(caller, slug, domain)
        share = await self._share_of(link)
        if share is None:
            raise NotShared(link.slug)
        noted = self._audit.entry(
            caller, "link.unshared", link_subject(link.domain, link.slug), workspace_id=link.workspace
        )
        await self._registry.write(removing(share), noted)

    async def shown(self, token: str) -> Link:
        """Return the link whose statistics everybody may see who has the token, or raise ``NotShared``.

        A banned link's are not shown.
        """
        share = await self._registry.find(Share, f"token:{token}") if len(token) <= MAX_TOKEN else None
        if share is not None:
            try:
                link = await self._links.get(share.slug, domain=share.domain)
            except LinkNotFound:
                raise NotShared(share.slug) from None
            if share.is_of(link) and link.ban is None:
                return link
        raise NotShared("")

    async def _link(self, caller: Caller, slug: str, domain: str | None) -> Link:
        return await self._links.get(slug, domain=domain, reach=reach_of(caller))

    async def _share_of(self, link: Link) -> Share | None:
        for slug in (link.slug, *link.aliases):
            share = await self._registry.find(Share, of_link(link.domain, slug))
            if share is not None and share.is_of(link):
                return share
        return None


def of_link(domain: str, slug: str) -> str:
    """Return the name of a link's share."""
    return f"link:{domain}/{slug}"
