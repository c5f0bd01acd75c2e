"""``audit``: who did what to what, from where."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from shortly.cli import options
from shortly.cli.exits import say
from shortly.cli.moments import parse_moment
from shortly.cli.output import Column, print_json, print_table, write_json
from shortly.cli.session import Session, run

COLUMNS = {
    "at": Column("at"),
    "actor": Column("who"),
    "action": Column("did what"),
    "subject": Column("to what", wide=True),
    "workspace_id": Column("workspace", numeric=True),
    "origin": Column("from"),
    "details": Column("details", wide=True),
}
FIELDS = ("id", "user_id", *COLUMNS)


def audit(
    actor: Annotated[str | None, typer.Option(help="Only by this one, such as user:7, key:3 or cli.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as key.revoked.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only to this, such as link:/spring.")] = None,
    since: Annotated[str | None, typer.Option(help="At or after: 2026-12-31, -7d.")] = None,
    until: Annotated[str | None, typer.Option(help="Before.")] = None,
    workspace: Annotated[
        int | None, typer.Option(metavar="ID", min=0, max=65_535, help="Only of this one; 0: of the installation.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Entries.")] = 50,
    export: Annotated[
        bool, typer.Option("--export", help="All of them as JSON lines, oldest first; --limit does not matter.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show the audit log, newest first; or export it."""

    async def work(session: Session) -> None:
        from shortly.accounts.audit import AuditQuery

        query = AuditQuery(
            actor=actor,
            action=action,
            subject=subject,
            since=parse_moment(since, "since") if since else None,
            until=parse_moment(until, "until") if until else None,
            limit=limit,
        )
        if export:
            async for entries in session.audit.all(workspace, query):
                for entry in entries:
                    write_json(msgspec.json.encode(record_of(entry)), b"\n")
            return
        page = await session.audit.page(workspace, query)
        records = [record_of(entry) for entry in page.entries]
        if as_json:
            print_json({"items": records})
        else:
            rows = [[shown(record[field]) for field in COLUMNS] for record in records]
            print_table(list(COLUMNS.values()), rows)
        if page.next_after is not None:
            say("There are more: raise --limit, narrow the time, or use --export.")

    run(work, as_json=as_json)


def record_of(entry: Any) -> dict[str, Any]:
    """Return an entry under the API's names."""
    return {field: getattr(entry, field) for field in FIELDS}


def shown(value: Any) -> Any:
    """Return a cell; details as JSON."""
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode() if value else ""
    return value
