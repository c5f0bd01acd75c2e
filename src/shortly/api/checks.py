"""Whether the targets of links still answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from shortly.api.access import needs
from shortly.api.cursors import cursor_of, id_in
from shortly.api.link_bodies import NO_TOTAL, LinkOut
from shortly.api.paths import DomainQuery, SlugPath
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, Links
from shortly.errors import InvalidCursor, InvalidInput, LinkNotFound, RateLimited, StorageFull, UnknownDomain
from shortly.links.checks import BROKEN_AFTER, LinkCheck, Said

router = APIRouter(prefix="/api/v1", tags=["links"])

MAX_PAGE = 100
SAID = (
    "What its server said: answers; bad_status: 404, 410 or 5xx; no_answer, unknown_name, too_slow, certificate: "
    "nothing; led_on: it redirects without end; not_asked: it may not be asked from here."
)


class TroubleOut(BaseModel):
    """That a link's target did not answer."""

    said: Said = Field(description=SAID)
    status: int | None = Field(description="The HTTP status, if it answered.")
    failures: int = Field(description=f"In a row, an hour apart at least; from {BROKEN_AFTER} on the link is broken.")
    broken: bool
    since: datetime = Field(description="The first of these failures.")
    checked_at: datetime

    @classmethod
    def of(cls, check: LinkCheck) -> Self:
        """Return it as it goes out."""
        return cls.model_construct(
            said=check.said,
            status=check.status,
            failures=check.failures,
            broken=check.broken,
            since=check.since,
            checked_at=check.at,
        )


class KnownOut(BaseModel):
    """What is known of a link's target."""

    trouble: TroubleOut | None = Field(description="null: nothing is known to be wrong with it.")


class CheckOut(KnownOut):
    """What came of asking a link's target."""

    said: Said = Field(description=SAID)
    status: int | None = Field(description="The HTTP status, if it answered.")
    checked_at: datetime


class BrokenQuery(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=MAX_PAGE, description="There may be fewer, even none, and a next page.")
    cursor: str | None = Field(None, max_length=32, description="`next_cursor` of the page before.")


class BrokenOut(BaseModel):
    """A broken link."""

    link: LinkOut
    trouble: TroubleOut


class BrokenList(BaseModel):
    """A page of broken links."""

    items: list[BrokenOut]
    next_cursor: str | None = Field(description="For the next page; null: this was the last one.")


@router.get(
    "/checks/{slug:slug}",
    operation_id="get_link_check",
    dependencies=[needs("links:read")],
    responses=problems(LinkNotFound, UnknownDomain),
)
async def get_link_check(slug: SlugPath, links: Links, services: AllServices, domain: DomainQuery = None) -> KnownOut:
    """Read what is known to be wrong with a link's target. It is not asked."""
    known = await services.checks.known(await links.get(slug, domain=domain))
    return KnownOut.model_construct(trouble=None if known is None else TroubleOut.of(known))


@router.post(
    "/checks/{slug:slug}",
    operation_id="check_link",
    dependencies=[needs("links:write")],
    responses=problems(LinkNotFound, UnknownDomain, RateLimited, StorageFull),
)
async def check_link(
    slug: SlugPath, links: Links, services: AllServices, caller: Caller, domain: DomainQuery = None
) -> CheckOut:
    """Ask a link's target whether it still answers. That takes seconds where it does not."""
    link = await links.get_to_edit(slug, domain=domain)
    await services.limits.take("check", caller.actor)
    finding, check = await services.checks.check(link)
    return CheckOut.model_construct(
        said=finding.said,
        status=finding.status,
        checked_at=services.clock() if check is None else check.at,
        trouble=None if check is None else TroubleOut.of(check),
    )


@router.get(
    "/attention/broken",
    operation_id="list_broken_links",
    dependencies=[needs("links:read")],
    responses=problems(InvalidInput, InvalidCursor),
)
async def list_broken_links(query: Annotated[BrokenQuery, Query()], links: Links, services: AllServices) -> BrokenList:
    """List all links whose targets no longer answer, those made last first, a page at a time."""
    now = services.clock()
    found, last = await links.list_broken(services.checks, after=id_in(query.cursor), limit=query.limit, now=now)
    totals = await services.store.totals([link.id for link, _ in found])
    items = [
        BrokenOut.model_construct(
            link=LinkOut.of(link, services, now, totals.get(link.id, NO_TOTAL)), trouble=TroubleOut.of(check)
        )
        for link, check in found
    ]
    return BrokenList.model_construct(items=items, next_cursor=None if last is None else cursor_of(last))
