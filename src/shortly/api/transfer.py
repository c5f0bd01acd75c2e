"""Links out of files and into them: steps of an import, and everything as one stream."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, SkipValidation, StrictBool

from shortly.api.access import needs
from shortly.api.bulk import check_entries
from shortly.api.link_bodies import Given, NewLink
from shortly.api.links import ListQuery
from shortly.api.problems import Problem, problem_of, problems
from shortly.api.services import AllServices, Caller, Links, Services
from shortly.errors import InvalidCursor, InvalidInput, RateLimited, ShortlyError, StorageFull, UnknownDomain
from shortly.links.exporting import ExportForm, in_export_order, pages, written
from shortly.links.importing import Existing, Imported, Outcome, import_rows

router = APIRouter(prefix="/api/v1", tags=["bulk"])

MAX_ROWS = 500
"""Each may bring a password of its own: more at once could take minutes to hash."""


class ImportedRow(NewLink):
    """A link to be made of a row."""

    has_password: StrictBool | None = Field(
        None, description="It had one where it comes from, which no export tells: `password` has to say it."
    )


class ImportStep(Given):
    """Some rows of a file."""

    rows: Annotated[list[SkipValidation[ImportedRow]], Field(min_length=1, max_length=MAX_ROWS)]
    existing: Existing = Field("skip", description="What becomes of a row whose slug is a link's already.")
    dry_run: bool = Field(False, description="Change nothing, and say what would become of each row.")


class ImportedOut(BaseModel):
    """What became of one row, or would."""

    outcome: Outcome
    short_url: str | None = None
    error: Problem | None = None


class ImportResults(BaseModel):
    """What became of all rows, in their order."""

    results: list[ImportedOut]


@router.post(
    "/imports",
    operation_id="import_links",
    dependencies=[needs("links:write")],
    responses=problems(InvalidInput, RateLimited, StorageFull),
)
async def import_links(step: ImportStep, links: Links, services: AllServices, caller: Caller) -> ImportResults:
    """Make links of rows of a file; the same rows can be sent again, and change nothing then."""
    if not step.dry_run:
        await services.limits.take("create", caller.actor)
    refused, checked = check_entries(step.rows, ImportedRow)
    rows = [new.values() for new in checked.values()]
    imported = await import_rows(links, rows, existing=step.existing, dry_run=step.dry_run) if rows else []
    outcomes: dict[int, Imported] = dict(zip(checked, imported, strict=True))
    for place, refusal in refused.items():
        if isinstance(refusal, ShortlyError):
            outcomes[place] = Imported("refused", refusal=refusal)
    return ImportResults(results=[out(outcomes[place], services, step) for place in sorted(outcomes)])


def out(imported: Imported, services: Services, step: ImportStep) -> ImportedOut:
    """Return what became of a row as it goes out; what was not made has no address."""
    link = None if step.dry_run and imported.outcome == "created" else imported.link
    return ImportedOut(
        outcome=imported.outcome,
        short_url=services.links.short_url(link, services.settings.base_url) if link else None,
        error=None if imported.refusal is None else Problem.model_validate(problem_of(imported.refusal)),
    )


class ExportQuery(ListQuery):
    """Which links, in which form."""

    format: ExportForm = Field("csv", description="json: one object in each line.")


@router.get(
    "/exports/links",
    operation_id="export_links",
    dependencies=[needs("links:read")],
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/csv": {}, "application/x-ndjson": {}}},
        **problems(InvalidInput, InvalidCursor, UnknownDomain),
    },
)
async def export_links(
    query: Annotated[ExportQuery, Query()], links: Links, services: AllServices
) -> StreamingResponse:
    """Return all links that fit as one file, archived ones too unless a state is asked for."""
    wanted = in_export_order(query.wanted(services.clock()))
    first = await links.list_links(wanted)  # a refusal is answered before the file begins
    is_csv = query.format == "csv"
    return StreamingResponse(
        written(pages(links.list_links, wanted, first), query.format),
        media_type="text/csv; charset=utf-8" if is_csv else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="links.{"csv" if is_csv else "jsonl"}"'},
    )
