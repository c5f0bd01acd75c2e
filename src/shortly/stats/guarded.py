"""Statistics as one caller may read them, see ``links.guarded``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shortly.accounts.access import Caller
from shortly.clicks.store import Total, VisitPage, every_link
from shortly.clicks.visit import Visit
from shortly.errors import Forbidden, LinkNotFound
from shortly.links.guarded import reach_of
from shortly.links.link import Link
from shortly.links.service import LinkService
from shortly.stats.breakdowns import DEFAULT_TOP
from shortly.stats.exports import Export
from shortly.stats.filtered import Filters
from shortly.stats.periods import PeriodQuery
from shortly.stats.service import NO_FILTERS, Page, StatsService
from shortly.stats.top import check_top_query, humans


class Top(Struct, frozen=True):
    """The links with the most human clicks, the first one first."""

    links: list[tuple[Link, Total]]
    complete: bool
    """No other link can have had more clicks than the last of these."""


class GuardedStats:
    """``StatsService`` for one caller: of a link, or without one of all links of the caller's workspace.

    All methods raise ``Forbidden`` without the permission ``stats:read``; for the whole workspace, too, when the caller
    is a key that is for a part of its links only.

    Args:
        service: All statistics.
        links: All links.
        caller: Whoever asks.
    """

    def __init__(self, service: StatsService, links: LinkService, caller: Caller) -> None:
        self._service = service
        self._links = links
        self._caller = caller
        self._reach = reach_of(caller)

    async def link(self, slug: str, *, domain: str | None = None) -> Link:
        """Return the link with this slug or alias, which who may read statistics may see; or ``LinkNotFound``."""
        self._caller.require("stats:read")
        return await self._links.get(slug, domain=domain, reach=self._reach)

    async def page(
        self,
        link: Link | None,
        query: PeriodQuery,
        *,
        dimensions: Sequence[str] | None = None,
        top: int = DEFAULT_TOP,
        filters: Filters = NO_FILTERS,
        before: bool = True,
    ) -> Page:
        """See ``StatsService``."""
        return await self._service.page(
            *self._counted(link), query, dimensions=dimensions, top=top, filters=filters, before=before
        )

    async def visits(
        self,
        link: Link | None,
        query: PeriodQuery,
        *,
        limit: int = 50,
        cursor: str | None = None,
        filters: Filters = NO_FILTERS,
        bots: bool = True,
    ) -> VisitPage:
        """See ``StatsService``."""
        return await self._service.visits(
            *self._counted(link), query, limit=limit, cursor=cursor, filters=filters, bots=bots
        )

    async def links_of(self, visits: Sequence[Visit]) -> dict[int, Link]:
        """Return the links of visits by their ids; those that are deleted or out of reach are missing."""
        return await self._links.get_many(sorted({visit.link_id for visit in visits}), reach=self._reach)

    async def export(
        self,
        link: Link | None,
        query: PeriodQuery,
        *,
        table: str,
        form: str = "csv",
        dimensions: Sequence[str] | None = None,
        filters: Filters = NO_FILTERS,
    ) -> Export:
        """See ``StatsService``."""
        return await self._service.export(
            *self._counted(link), query, table=table, form=form, dimensions=dimensions, filters=filters
        )

    async def top(self, days: int, limit: int) -> Top:
        """Return the links of the workspace that people clicked most in the last days.

        Raises:
            InvalidInput: See ``check_top_query``.
        """
        check_top_query(days, limit)
        sum_id, _ = self._counted(None)
        found = await self._service.top(sum_id, days)
        links = await self._links.get_many([top.link_id for top in found.links], reach=self._reach)
        known = [top for top in found.links if top.link_id in links and humans(top) > 0]
        told = [(links[top.link_id], top.total) for top in known[:limit]]
        return Top(told, found.below == 0 or (len(known) >= limit and humans(known[limit - 1]) >= found.below))

    def counted_as(self, link: Link | None) -> int:
        """Return what stands for a link, or for all of the workspace, where clicks are counted."""
        return self._counted(link)[0]

    def _counted(self, link: Link | None) -> tuple[int, datetime | None]:
        """Return what counts are kept by, and since when there are any."""
        self._caller.require("stats:read")
        if link is None:
            if self._caller.is_restricted:
                raise Forbidden("stats:read")
            return every_link(self._caller.workspace_id), None
        if not self._reach(link):
            raise LinkNotFound(link.slug)
        return link.id, link.created_at
