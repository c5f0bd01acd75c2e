"""Links as one caller may work with them: the one place where workspaces and the restrictions of keys are enforced.

What the caller does not cover does not exist for them, whatever is asked: it is not found, listed, searched, counted or
changed. Only that a slug is taken can be learnt, and that anybody can learn by following it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import structs

from shortly.accounts.access import OPERATOR, Caller
from shortly.accounts.audit import Audit
from shortly.errors import ShortlyError
from shortly.links.attempt import Attempt
from shortly.links.attention import Attention
from shortly.links.checks import LinkCheck, LinkChecks
from shortly.links.labels import LabelKind, LabelPage, LabelQuery
from shortly.links.link import BanStatus, Link, LinkPage, LinkQuery
from shortly.links.notes import LinkNotes
from shortly.links.service import Edit, LinkService, Reach, only
from shortly.links.store import Got


class GuardedLinks:
    """``LinkService`` for one caller, by the same methods; each raises ``Forbidden`` for a permission that is missing.

    Args:
        service: All links.
        caller: Whoever asks.
        audit: Where it is noted what they make, change and delete.
        attempt: The request that they ask in, if they may repeat it.
    """

    def __init__(self, service: LinkService, caller: Caller, audit: Audit, attempt: Attempt | None = None) -> None:
        self._service = service
        self._notes = LinkNotes(audit, caller)
        self._caller = caller
        self._owner = "" if caller.actor == OPERATOR.actor else caller.actor
        self._reach = reach_of(caller)
        self._attempt = attempt

    # --- making ----------------------------------------------------------------------------------------------

    async def create(self, values: Mapping[str, Any]) -> Link:
        """See ``LinkService``; the link belongs to the caller and the workspace, and gets the tag of a key that is for
        one tag only.

        Raises:
            OutOfReach: It would be outside of what the caller may work with.
        """
        return only(await self.create_many([values]))

    async def create_many(self, many: Sequence[Mapping[str, Any]]) -> list[Link | ShortlyError]:
        """See ``create``, and ``LinkService.create_many``."""
        caller = self._caller
        caller.require("links:write")
        outcomes = await self._service.create_many(
            [self._stamped(values) for values in many],
            owner=self._owner,
            workspace=caller.workspace_id,
            reach=self._reach,
            attempt=self._attempt,
        )
        await self._notes.created(outcomes)
        return outcomes

    async def find_or_create(self, values: Mapping[str, Any]) -> Got:
        """See ``create``, and ``LinkService.find_or_create_many``."""
        return only(await self.find_or_create_many([values]))

    async def find_or_create_many(self, many: Sequence[Mapping[str, Any]]) -> list[Got | ShortlyError]:
        """See ``create``, and ``LinkService.find_or_create_many``."""
        caller = self._caller
        caller.require("links:read")
        caller.require("links:write")
        outcomes = await self._service.find_or_create_many(
            [self._stamped(values) for values in many],
            owner=self._owner,
            workspace=caller.workspace_id,
            reach=self._reach,
            attempt=self._attempt,
        )
        await self._notes.created([one.link for one in outcomes if isinstance(one, Got) and one.is_new])
        return outcomes

    async def check_many(self, many: Sequence[Mapping[str, Any]]) -> list[Link | ShortlyError]:
        """See ``create_many``, and ``LinkService.check_many``."""
        caller = self._caller
        caller.require("links:write")
        return await self._service.check_many(
            [self._stamped(values) for values in many],
            owner=self._owner,
            workspace=caller.workspace_id,
            reach=self._reach,
        )

    def _stamped(self, values: Mapping[str, Any]) -> dict[str, Any]:
        stamped = dict(values)
        if self._caller.only_domain is not None and stamped.get("domain") is None:
            stamped["domain"] = self._caller.only_domain
        tags = stamped.get("tags") or ()
        if self._caller.only_tag is not None and isinstance(tags, list | tuple):  # others are refused later on
            stamped["tags"] = [*tags, self._caller.only_tag]
        return stamped

    async def find(self, target: str, *, domain: str | None = None) -> Link | None:
        """Return the caller's oldest plain link to this target, see ``LinkService``; None if it is out of reach."""
        caller = self._caller
        caller.require("links:read")
        if domain is None:
            domain = caller.only_domain
        link = await self._service.find(target, domain=domain, owner=self._owner, workspace=caller.workspace_id)
        return link if link is not None and self._reach(link) else None

    # --- reading ---------------------------------------------------------------------------------------------

    async def get(self, slug: str, *, domain: str | None = None) -> Link:
        """See ``LinkService``."""
        self._caller.require("links:read")
        return await self._service.get(slug, domain=domain, reach=self._reach)

    async def get_to_edit(self, slug: str, *, domain: str | None = None) -> Link:
        """Return a link as ``get`` does, to who may change it."""
        self._caller.require("links:write")
        return await self._service.get(slug, domain=domain, reach=self._reach)

    async def list_links(self, query: LinkQuery) -> LinkPage:
        """See ``LinkService``; a query for what is out of reach has an empty answer."""
        self._caller.require("links:read")
        narrowed = self._narrowed(query)
        return LinkPage([], None) if narrowed is None else await self._service.list_links(narrowed)

    async def list_labels(self, kind: LabelKind, *, search: str = "", limit: int = 100, after: str = "") -> LabelPage:
        """See ``LinkService``; empty for callers of a part of the links only, as counts would tell them of others."""
        caller = self._caller
        caller.require("links:read")
        if caller.is_restricted:
            return LabelPage([], None)
        return await self._service.list_labels(
            LabelQuery(kind=kind, workspace=caller.workspace_id, search=search, limit=limit, after=after)
        )

    async def attention(self, *, limit: int) -> Attention:
        """See ``LinkService``."""
        caller = self._caller
        caller.require("links:read")
        reach = self._reach if caller.is_restricted else None
        return await self._service.attention(caller.workspace_id, limit=limit, reach=reach)

    async def list_broken(
        self, checks: LinkChecks, *, after: int | None, limit: int, now: datetime
    ) -> tuple[list[tuple[Link, LinkCheck]], int | None]:
        """See ``LinkChecks.page_of_broken``; without those out of reach."""
        self._caller.require("links:read")
        found, last = await checks.page_of_broken(self._caller.workspace_id, after=after, limit=limit, now=now)
        return [(link, check) for link, check in found if self._reach(link)], last

    async def is_free(self, slug: str, *, domain: str | None = None) -> bool:
        """See ``LinkService``; also of slugs of others, as anybody learns by following them, but not on their domains.

        Raises:
            UnknownDomain: It is another workspace's.
        """
        self._caller.require("links:read")
        self._service.domains.open_to(domain, self._caller.workspace_id)
        return await self._service.is_free(slug, domain=domain, reach=self._reach)

    def _narrowed(self, query: LinkQuery) -> LinkQuery | None:
        """Return the query for the caller's links alone; None: it excludes all of them."""
        caller = self._caller
        domain, owner, tags = query.domain, query.owner, query.tags
        if caller.only_domain is not None:
            if domain is not None and self._service.domain_of(domain) != caller.only_domain:
                return None
            domain = caller.only_domain
        if caller.only_own:
            if owner is not None and owner != caller.actor:
                return None
            owner = caller.actor
        if caller.only_tag is not None and caller.only_tag not in tags:
            tags = (caller.only_tag, *tags)
        if query.workspace not in (None, caller.workspace_id):
            return None
        return structs.replace(query, workspace=caller.workspace_id, domain=domain, owner=owner, tags=tags)

    # --- changing --------------------------------------------------------------------------------------------

    async def edit(
        self, slug: str, changes: Mapping[str, Any], *, domain: str | None = None, version: int | None = None
    ) -> Link:
        """See ``LinkService``."""
        return only(await self.edit_many([Edit(slug, changes, domain, version)]))

    async def edit_many(self, edits: Sequence[Edit]) -> list[Link | ShortlyError]:
        """See ``LinkService``."""
        self._caller.require("links:write")
        outcomes = await self._service.edit_many(edits, reach=self._reach)
        await self._notes.edited(edits, outcomes)
        return outcomes

    async def delete(self, slug: str, *, domain: str | None = None, version: int | None = None) -> None:
        """See ``LinkService``."""
        only(await self.delete_many([Edit(slug, {}, domain, version)]))

    async def delete_many(self, edits: Sequence[Edit]) -> list[Link | ShortlyError]:
        """See ``LinkService``."""
        self._caller.require("links:write")
        outcomes = await self._service.delete_many(
            edits, reach=self._reach, banned=self._caller.may("reports:write"), attempt=self._attempt
        )
        await self._notes.deleted(outcomes)
        return outcomes

    async def restore_many(self, edits: Sequence[Edit]) -> list[Link | ShortlyError]:
        """See ``LinkService``."""
        self._caller.require("links:write")
        outcomes = await self._service.restore_many(edits, reach=self._reach)
        await self._notes.restored(outcomes)
        return outcomes

    # --- banning ---------------------------------------------------------------------------------------------

    async def ban(self, slug: str, *, status: BanStatus, reason: str, domain: str | None = None) -> Link:
        """See ``LinkService``."""
        self._caller.require("reports:write")
        link = await self._service.ban(
            slug, status=status, reason=reason, by=self._caller.actor, domain=domain, reach=self._reach
        )
        await self._notes.banned(link)
        return link

    async def unban(self, slug: str, *, domain: str | None = None) -> Link:
        """See ``LinkService``."""
        self._caller.require("reports:write")
        link = await self._service.unban(slug, domain=domain, reach=self._reach)
        await self._notes.banned(link)
        return link


def reach_of(caller: Caller) -> Reach:
    """Return which links exist for a caller."""

    def covers(link: Link) -> bool:
        return caller.covers(workspace_id=link.workspace, owner=link.owner, domain=link.domain, tags=link.tags)

    return covers
