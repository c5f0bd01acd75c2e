"""Single visits of one link, and of all links of the workspace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from shortly.api.access import needs
from shortly.api.filters import Filtered
from shortly.api.paths import SlugPath
from shortly.api.problems import problems
from shortly.api.services import AllServices, Stats
from shortly.api.stats import OF_A_LINK, OF_ALL, OnDomain, Span
from shortly.clicks.visit import Visit
from shortly.errors import InvalidCursor, UnknownDomain
from shortly.stats.service import MAX_VISITS

router = APIRouter(prefix="/api/v1", tags=["statistics"], dependencies=[needs("stats:read")])


class VisitsQuery(Filtered, Span):
    """Which visits."""

    limit: int = Field(50, ge=1, le=MAX_VISITS)
    cursor: str | None = Field(None, max_length=2048, description="`next_cursor` of the page before.")
    bots: bool = Field(True, description="`false`: without visits of bots.")

    def which(self) -> dict[str, Any]:
        """Return how the list of visits is narrowed and paged."""
        return {"limit": self.limit, "cursor": self.cursor, "filters": self.filters(), "bots": self.bots}


class LinkVisitsQuery(VisitsQuery):
    """Which visits of a link."""

    domain: OnDomain = None


class VisitOut(BaseModel):
    """One visit; what is not known is empty."""

    at: datetime
    refused: str = Field(description="Why the visitor got no redirect; empty: they got it.")
    bot: str = Field(description="The bot's name; empty: a human.")
    referrer: str
    country: str
    region: str
    city: str
    browser: str
    os: str
    device: str
    language: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str

    @classmethod
    def of(cls, visit: Visit, **more: Any) -> Self:
        """Return a visit as it goes out, without anything that tells visitors apart."""
        values = {name: getattr(visit, name) for name in VisitOut.model_fields if name != "at"}
        return cls.model_construct(at=datetime.fromtimestamp(visit.at_ms / 1000, UTC), **values, **more)


class VisitList(BaseModel):
    """One page of visits, newest first; with filters or without bots it may be short though there is a next one."""

    items: list[VisitOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


class OverallVisitOut(VisitOut):
    """One visit of one of the links."""

    slug: str | None = Field(description="The link's, as it is now; null: it was deleted.")
    domain: str | None = Field(description="Host that the slug lives on.")


class OverallVisitList(BaseModel):
    """One page of visits of all links, newest first; as short as those of one link may be."""

    items: list[OverallVisitOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


@router.get(
    "/stats/visits",
    operation_id="list_overall_visits",
    responses={**OF_ALL, **problems(InvalidCursor)},
)
async def list_overall_visits(
    query: Annotated[VisitsQuery, Query()], stats: Stats, services: AllServices
) -> OverallVisitList:
    """List single visits of all links of the workspace, newest first, bots and refused ones among them."""
    page = await stats.visits(None, query.query(), **query.which())
    links = await stats.links_of(page.items)
    items = []
    for visit in page.items:
        link = links.get(visit.link_id)
        domain = None if link is None else link.domain or services.settings.base_host
        items.append(OverallVisitOut.of(visit, slug=None if link is None else link.slug, domain=domain))
    return OverallVisitList.model_construct(items=items, next_cursor=page.next_cursor)


@router.get(
    "/links/{slug:slug}/visits",
    operation_id="list_link_visits",
    responses={**OF_A_LINK, **problems(InvalidCursor, UnknownDomain)},
)
async def list_link_visits(slug: SlugPath, query: Annotated[LinkVisitsQuery, Query()], stats: Stats) -> VisitList:
    """List single visits of a link, newest first, bots and refused ones among them."""
    link = await stats.link(slug, domain=query.domain)
    page = await stats.visits(link, query.query(), **query.which())
    return VisitList.model_construct(items=[VisitOut.of(visit) for visit in page.items], next_cursor=page.next_cursor)
