"""The links of a workspace that are clicked most."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from shortly.api.access import needs
from shortly.api.problems import problems
from shortly.api.services import AllServices, Stats
from shortly.errors import InvalidInput
from shortly.stats.top import MAX_TOP_DAYS, MAX_TOP_LINKS

router = APIRouter(prefix="/api/v1/stats", tags=["statistics"], dependencies=[needs("stats:read")])


class TopQuery(BaseModel):
    """Of which days."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(1, ge=1, le=MAX_TOP_DAYS, description="UTC days, the present one being the last.")
    limit: int = Field(5, ge=1, le=MAX_TOP_LINKS)


class TopLinkOut(BaseModel):
    """A link and its clicks in these days."""

    slug: str = Field(examples=["spring"])
    domain: str = Field(description="Host that the slug lives on.", examples=["sho.rt"])
    short_url: str = Field(examples=["https://sho.rt/spring"])
    title: str
    clicks: int = Field(description="Redirects given, to bots too.")
    bots: int


class TopOut(BaseModel):
    """The links with the most human clicks, the first one first; those without any are left out."""

    items: list[TopLinkOut]
    complete: bool = Field(
        description="false: a link that was clicked a little on each day might have come before the last of these."
    )


@router.get("/top", operation_id="list_top_links", responses=problems(InvalidInput))
async def list_top_links(query: Annotated[TopQuery, Query()], stats: Stats, services: AllServices) -> TopOut:
    """List the links of the workspace that people clicked most today, or in the last days."""
    top = await stats.top(query.days, query.limit)
    settings = services.settings
    items = [
        TopLinkOut.model_construct(
            slug=link.slug,
            domain=link.domain or settings.base_host,
            short_url=services.links.short_url(link, settings.base_url),
            title=link.title,
            clicks=total.clicks,
            bots=total.bots,
        )
        for link, total in top.links
    ]
    return TopOut.model_construct(items=items, complete=top.complete)
