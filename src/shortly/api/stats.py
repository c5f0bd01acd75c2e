"""Statistics of one link and of all, and exports of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shortly.api.access import needs
from shortly.api.filters import Filtered
from shortly.api.link_bodies import MAX_DOMAIN
from shortly.api.paths import SlugPath
from shortly.api.problems import problems
from shortly.api.services import AllServices, Stats
from shortly.clicks.visit import DIMENSIONS
from shortly.errors import InvalidInput, LinkNotFound, RangeTooLarge, UnknownDomain
from shortly.links.link import Link
from shortly.stats.breakdowns import DEFAULT_TOP, MAX_TOP
from shortly.stats.exports import MEDIA_TYPES, Export, ExportTable
from shortly.stats.filtered import Sample
from shortly.stats.guarded import GuardedStats
from shortly.stats.periods import MAX_TEXT, PeriodQuery, Step
from shortly.stats.series import Bucket, Change, Summary
from shortly.stats.service import Page

router = APIRouter(prefix="/api/v1", tags=["statistics"], dependencies=[needs("stats:read")])

MAX_ZONE = 64
Dimension = Literal[DIMENSIONS]  # type: ignore[valid-type]
Form = Literal["csv", "jsonl"]


def split(values: object) -> object:
    """Return ``["a,b", "c"]`` as ``["a", "b", "c"]``."""
    if not isinstance(values, list):
        return values
    return [part for value in values for part in (value.split(",") if isinstance(value, str) else [value])]


OnDomain = Annotated[
    str | None, Field(max_length=MAX_DOMAIN, description="Host that the slug lives on; the default one if absent.")
]
Dimensions = Annotated[list[Dimension] | None, BeforeValidator(split)]


class Span(BaseModel):
    """A period: by name, or from ``since`` to ``until``; by neither it is the last 30 days."""

    model_config = ConfigDict(extra="forbid")

    period: str | None = Field(
        None,
        max_length=16,
        description="24h, today, yesterday, 7d, 30d, 90d, 12mo, month, year or all; days are those of `tz`.",
    )
    since: str | None = Field(None, max_length=MAX_TEXT, description="ISO 8601 date or time, inclusive; local to `tz`.")
    until: str | None = Field(None, max_length=MAX_TEXT, description="Likewise, exclusive; now, if absent.")
    tz: str = Field("UTC", max_length=MAX_ZONE, description="IANA time zone.", examples=["Europe/Berlin"])

    def query(self, step: str | None = None) -> PeriodQuery:
        """Return the period as ``StatsService`` takes it."""
        return PeriodQuery(period=self.period, since=self.since, until=self.until, tz=self.tz, step=step)


class SteppedSpan(Span):
    """A period cut into buckets."""

    step: str | None = Field(
        None, max_length=16, description="hour, day, week or month; chosen from the length if absent."
    )


class StatsQuery(Filtered, SteppedSpan):
    """What to say about a period; with filters about some of the visits that are kept, see `sample`."""

    compare: bool = Field(True, description="Compare with the period before.")
    dimensions: Dimensions = Field(
        None,
        description=f"What to break down by, comma-separated: {', '.join(DIMENSIONS)}. All, if absent.",
        max_length=50,
    )
    limit: int = Field(DEFAULT_TOP, ge=1, le=MAX_TOP, description="Values of each dimension; the rest is `(other)`.")


class LinkStatsQuery(StatsQuery):
    """What to say about a link."""

    domain: OnDomain = None


class ExportQuery(Filtered, SteppedSpan):
    """What to export; filters are for visits only."""

    table: ExportTable = "series"
    format: Form | None = Field(None, description="csv or jsonl; what `Accept` asks for if absent, else csv.")
    dimensions: Dimensions = Field(None, description="Of the table `breakdowns`; all, if absent.", max_length=50)


class LinkExportQuery(ExportQuery):
    """What to export of a link."""

    domain: OnDomain = None


class BucketOut(BaseModel):
    """The clicks of one step."""

    start: datetime = Field(description="Inclusive, in local time.")
    clicks: int = Field(description="Redirects given, to bots too.")
    bots: int
    visitors: int | None = Field(description="Sum of each day's unique humans; null where a day is cut.")


class SummaryOut(BaseModel):
    """A period's sums."""

    since: datetime
    until: datetime
    clicks: int
    bots: int
    humans: int
    visitors: int | None = Field(description="Sum of each day's unique humans; null where a day is cut.")


class ChangeOut(BaseModel):
    """The difference to the period before: 0.25 is a quarter more; null: not known."""

    clicks: float | None
    bots: float | None
    humans: float | None
    visitors: float | None


class ValueOut(BaseModel):
    """One value of a dimension."""

    value: str
    clicks: int
    share: float = Field(description="From 0 to 1.")


class SampleOut(BaseModel):
    """What filtered statistics were added up from: raw visits, the newest 20,000 at most."""

    visits: int = Field(description="How many were looked at.")
    since: datetime = Field(description="Before this moment nothing is known.")
    complete: bool = Field(description="The whole period is known, but for visitors who asked not to be kept.")

    @classmethod
    def of(cls, sample: Sample) -> Self:
        """Return it as it goes out."""
        since = datetime.fromtimestamp(sample.since_ms / 1000, UTC)
        return cls(visits=sample.read, since=since, complete=sample.complete)


class StatsOut(SummaryOut):
    """Statistics of a period."""

    tz: str
    step: Step
    running: bool = Field(description="The last bucket is still filling.")
    series: list[BucketOut]
    breakdowns: dict[str, list[ValueOut]] = Field(description="Human clicks by dimension; bots by `bot`.")
    unknown: dict[str, int] = Field(description="Clicks without a value, by dimension; direct ones in `referrer`.")
    previous: SummaryOut | None = Field(
        description="The period of the same length before; null without `compare`, or where it is not known whole."
    )
    change: ChangeOut | None
    heatmap: list[list[int]] = Field(description="Human clicks: 7 weekdays from Monday on, of 24 local hours each.")
    sample: SampleOut | None = Field(description="With filters: what all of this was added up from.")

    @classmethod
    def of(cls, page: Page, *, compare: bool, **more: Any) -> Self:
        """Return a page of statistics as it goes out."""
        compare = compare and (page.sample is None or page.sample.comparable)
        return cls.model_construct(
            **more,
            **fields_of(page.summary),
            tz=page.tz,
            step=page.step,
            running=page.running,
            series=[BucketOut.model_construct(**fields_of(bucket)) for bucket in page.series],
            breakdowns={
                breakdown.dimension: [
                    ValueOut.model_construct(value=value.value, clicks=value.count, share=value.share)
                    for value in breakdown.values
                ]
                for breakdown in page.breakdowns
            },
            unknown={breakdown.dimension: breakdown.unknown for breakdown in page.breakdowns},
            previous=SummaryOut.model_construct(**fields_of(page.previous)) if compare else None,
            change=ChangeOut.model_construct(**fields_of(page.change)) if compare else None,
            heatmap=page.heat_map,
            sample=None if page.sample is None else SampleOut.of(page.sample),
        )


class LinkStatsOut(StatsOut):
    """Statistics of one link."""

    slug: str
    domain: str


def fields_of(struct: Bucket | Summary | Change) -> dict[str, Any]:
    """Return a struct's fields."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


OF_A_LINK = problems(LinkNotFound, UnknownDomain, InvalidInput, RangeTooLarge)
OF_ALL = problems(InvalidInput, RangeTooLarge)
TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The table; times are local. In CSV, texts that a spreadsheet would run have an apostrophe.",
        "content": {
            media_type.partition(";")[0]: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()
        },
    }
}


@router.get("/stats", operation_id="get_overall_stats", responses=OF_ALL)
async def get_overall_stats(query: Annotated[StatsQuery, Query()], stats: Stats) -> StatsOut:
    """Read the statistics of all links of the workspace together."""
    page = await read_page(None, query, stats)
    return StatsOut.of(page, compare=query.compare)


@router.get(
    "/stats/export",
    operation_id="export_overall_stats",
    response_class=StreamingResponse,
    responses={**TABLE, **OF_ALL},
)
async def export_overall_stats(
    query: Annotated[ExportQuery, Query()], stats: Stats, accept: Annotated[str, Header()] = ""
) -> StreamingResponse:
    """Export the statistics of all links of the workspace together."""
    return await export(None, query, stats, accept)


@router.get("/links/{slug:slug}/stats", operation_id="get_link_stats", responses=OF_A_LINK)
async def get_link_stats(
    slug: SlugPath, query: Annotated[LinkStatsQuery, Query()], stats: Stats, services: AllServices
) -> LinkStatsOut:
    """Read the statistics of a link."""
    link = await stats.link(slug, domain=query.domain)
    page = await read_page(link, query, stats)
    domain = link.domain or services.settings.base_host
    return LinkStatsOut.of(page, compare=query.compare, slug=link.slug, domain=domain)


@router.get(
    "/links/{slug:slug}/export",
    operation_id="export_link_stats",
    response_class=StreamingResponse,
    responses={**TABLE, **OF_A_LINK},
)
async def export_link_stats(
    slug: SlugPath,
    query: Annotated[LinkExportQuery, Query()],
    stats: Stats,
    accept: Annotated[str, Header(description="Picks the form where `format` does not.")] = "",
) -> StreamingResponse:
    """Export the statistics or the visits of a link."""
    return await export(await stats.link(slug, domain=query.domain), query, stats, accept)


async def read_page(link: Link | None, query: StatsQuery, stats: GuardedStats) -> Page:
    """Return what is asked for of a link, or of all."""
    return await stats.page(
        link,
        query.query(query.step),
        dimensions=query.dimensions,
        top=query.limit,
        filters=query.filters(),
        before=query.compare,
    )


async def export(link: Link | None, query: ExportQuery, stats: GuardedStats, accept: str) -> StreamingResponse:
    """Return a table of a link, or of all, in the form that is asked for."""
    table: Export = await stats.export(
        link,
        query.query(query.step),
        table=query.table,
        form=query.format or form_of(accept),
        dimensions=query.dimensions,
        filters=query.filters(),
    )
    file_name = f"shortly-{query.table}.{table.extension}"
    return StreamingResponse(
        table.chunks,
        media_type=table.media_type,
        headers={"Content-Disposition": f'attachment; filename="{file_name}"', "Vary": "Accept"},
    )


def form_of(accept: str) -> Form:
    """Return the form that an Accept header asks for: JSON lines when it names JSON, else CSV."""
    return "jsonl" if "json" in accept.lower() and "text/csv" not in accept.lower() else "csv"
