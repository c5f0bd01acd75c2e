"""Reports of abuse: taken from anybody, read and decided by admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from shortly.abuse.reports import MAX_CONTACT, MAX_DETAILS, MAX_NOTE, Decision, Reason, Report, ReportService, State
from shortly.accounts.records import MAX_ID
from shortly.api.access import needs, public
from shortly.api.cursors import cursor_of, id_in
from shortly.api.link_bodies import MAX_DOMAIN, Given
from shortly.api.paths import normal
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, Services
from shortly.errors import (
    CrossSiteRequest,
    Forbidden,
    InvalidCursor,
    InvalidInput,
    LinkNotFound,
    RateLimited,
    RecordChanged,
    ReportNotFound,
    StorageFull,
    UnknownDomain,
)
from shortly.links.slug import MAX_LENGTH as MAX_SLUG

strangers = APIRouter(prefix="/api/v1/reports", tags=["abuse"], dependencies=[public])
router = APIRouter(prefix="/api/v1/reports", tags=["abuse"])

MAX_SHORT_URL = 2_048


class NewReport(Given):
    """What is wrong with a link."""

    short_url: Annotated[str, Field(max_length=MAX_SHORT_URL, examples=["https://sho.rt/spring"])] | None = Field(
        None, description="The link; or else `slug`, and `domain` if need be."
    )
    slug: Annotated[str, Field(max_length=MAX_SLUG)] | None = None
    domain: Annotated[str, Field(max_length=MAX_DOMAIN)] | None = None
    reason: Reason
    details: Annotated[str, Field(max_length=MAX_DETAILS)] = ""
    contact: Annotated[str, Field(max_length=MAX_CONTACT)] = Field(
        "", description="How to reach you, if you want to be reached."
    )


class NewDecision(Given):
    """What became of a report."""

    state: Decision
    note: Annotated[str, Field(max_length=MAX_NOTE)] = Field("", description="Why.")


class ReportOut(BaseModel):
    """A report of abuse."""

    id: int
    short_url: str
    slug: str
    domain: str = Field(description="Host that the slug lives on.")
    target: str = Field(description="Where the link led when it was reported.")
    reason: Reason
    details: str
    contact: str
    created_at: datetime
    state: State
    note: str
    decided_by: str = Field(examples=["user:7"])
    decided_at: datetime | None

    @classmethod
    def of(cls, report: Report, services: Services) -> Self:
        """Return a report as admins see it."""
        settings = services.settings
        return cls(
            id=report.id,
            short_url=services.links.url_of(report.domain, report.slug, settings.base_url),
            slug=report.slug,
            domain=report.domain or settings.base_host,
            target=report.target,
            reason=report.reason,
            details=report.details,
            contact=report.contact,
            created_at=report.created_at,
            state=report.state,
            note=report.note,
            decided_by=report.decided_by,
            decided_at=report.decided_at,
        )


class Reports(BaseModel):
    """One page of reports."""

    items: list[ReportOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


class ReportQuery(BaseModel):
    """Which reports."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = Field(None, description="Without it: all.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=32, description="`next_cursor` of the page before.")


def service_of(services: Services) -> ReportService:
    """Return what takes reports in and decides on them."""
    return ReportService(services.entrance.registry, services.links, services.audit)


@strangers.post(
    "",
    status_code=202,
    operation_id="report_link",
    responses=problems(LinkNotFound, UnknownDomain, InvalidInput, RateLimited, CrossSiteRequest, StorageFull),
)
async def report_link(new: NewReport, services: AllServices) -> None:
    """Report a link that does harm. Nothing is kept of who reported it but what they write."""
    reports = service_of(services)
    if (new.short_url is None) == (new.slug is None):
        raise InvalidInput("Either a short_url or a slug is needed.", field="short_url")
    slug, domain = new.slug or "", new.domain
    if new.short_url is not None:
        slug, domain = reports.place_of(new.short_url)
    await reports.report(normal(slug), domain, reason=new.reason, details=new.details, contact=new.contact)


@router.get(
    "",
    operation_id="list_reports",
    dependencies=[needs("reports:read")],
    responses=problems(InvalidCursor, InvalidInput, Forbidden),
)
async def list_reports(query: Annotated[ReportQuery, Query()], services: AllServices, caller: Caller) -> Reports:
    """List reports of abuse, newest first, a page at a time."""
    found = await service_of(services).page(caller, state=query.state, after=id_in(query.cursor), limit=query.limit + 1)
    items = [ReportOut.of(report, services) for report in found[: query.limit]]
    return Reports(items=items, next_cursor=cursor_of(items[-1].id) if len(found) > query.limit else None)


@router.patch(
    "/{report_id}",
    operation_id="decide_report",
    dependencies=[needs("reports:write")],
    responses=problems(ReportNotFound, RecordChanged, InvalidInput, Forbidden, StorageFull),
)
async def decide_report(
    report_id: Annotated[int, Path(ge=1, le=MAX_ID)], given: NewDecision, services: AllServices, caller: Caller
) -> ReportOut:
    """Say what became of a report."""
    report = await service_of(services).decide(caller, report_id, given.state, given.note)
    return ReportOut.of(report, services)
