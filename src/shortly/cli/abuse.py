"""``ban``, ``unban`` and ``reports``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from shortly.cli import options
from shortly.cli.exits import say
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.records import record_of
from shortly.cli.session import Session, find_address, run
from shortly.errors import InvalidInput

if TYPE_CHECKING:
    from shortly.abuse.reports import Report

COLUMNS = {
    "id": Column("id", numeric=True),
    "short_url": Column("link", wide=True),
    "target": Column("target", wide=True),
    "reason": Column("reason"),
    "created_at": Column("reported"),
    "state": Column("state"),
    "details": Column("details", wide=True),
}


def ban(
    link: options.LinkName,
    domain: options.Domain = None,
    status: Annotated[int, typer.Option(help="What visitors get: 410 gone, 451 for legal reasons.")] = 410,
    reason: Annotated[str, typer.Option(help="For the link's own people; visitors are not told.")] = "",
    as_json: options.AsJson = False,
) -> None:
    """Let a link lead nobody anywhere, whatever its own people do."""

    async def work(session: Session) -> None:
        address = find_address(session, link, domain)
        banned = await session.links.ban(
            address.slug,
            status=status,  # type: ignore[arg-type]  # it is checked there
            reason=reason,
            by="cli",
            domain=address.domain,
        )
        await session.notes.banned(banned)
        if as_json:
            print_json(await record_of(session, banned))
        say(f"banned {session.short_url(banned)}")

    run(work, as_json=as_json)


def unban(link: options.LinkName, domain: options.Domain = None, as_json: options.AsJson = False) -> None:
    """Lift a link's ban."""

    async def work(session: Session) -> None:
        address = find_address(session, link, domain)
        lifted = await session.links.unban(address.slug, domain=address.domain)
        await session.notes.banned(lifted)
        if as_json:
            print_json(await record_of(session, lifted))
        say(f"{session.short_url(lifted)} is not banned")

    run(work, as_json=as_json)


def reports(
    state: Annotated[str, typer.Option(help="open, dismissed or acted; all: any.")] = "open",
    as_json: options.AsJson = False,
) -> None:
    """List reports of abuse, of all workspaces, oldest first."""

    async def work(session: Session) -> None:
        from shortly.abuse.reports import Report, State
        from shortly.accounts.registry import Registry

        if state not in (*get_args(State), "all"):
            raise InvalidInput("The state must be open, dismissed, acted or all.", field="state")
        found = await Registry(session.store).all(Report)
        records = [report_record(session, report) for report in found if state in ("all", report.state)]
        if as_json:
            print_json({"items": records})
        else:
            print_table(list(COLUMNS.values()), [[record[field] for field in COLUMNS] for record in records])

    run(work, as_json=as_json)


def report_record(session: Session, report: Report) -> dict[str, Any]:
    """Return a report under the API's names."""
    settings = session.settings
    return {
        "id": report.id,
        "workspace_id": report.workspace_id,
        "short_url": session.links.url_of(report.domain, report.slug, settings.base_url),
        "slug": report.slug,
        "domain": report.domain or settings.base_host,
        "target": report.target,
        "reason": report.reason,
        "details": report.details,
        "contact": report.contact,
        "created_at": report.created_at,
        "state": report.state,
        "note": report.note,
        "decided_by": report.decided_by,
        "decided_at": report.decided_at,
    }
