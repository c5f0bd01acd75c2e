"""``domain add``, ``domain list``, ``domain assign`` and ``domain rm``: the hosts that links live on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortly.cli import options
from shortly.cli.exits import say
from shortly.cli.output import Column, print_json
from shortly.cli.session import Session, run
from shortly.cli.users import teams_of
from shortly.cli.workspaces import operator, show
from shortly.errors import InvalidInput

if TYPE_CHECKING:
    from shortly.links.domain_service import Served

domains = typer.Typer(no_args_is_help=True, help="Domains: hosts with slugs of their own, and whose they are.")

COLUMNS = {
    "host": Column("host", wide=True),
    "workspace_id": Column("workspace", numeric=True),
    "default": Column("default"),
    "configured": Column("by setting"),
    "created_at": Column("added"),
}

Host = Annotated[str, typer.Argument(metavar="HOST", help="Such as go.example.com.")]
ForWorkspace = Annotated[
    int | None, typer.Option("--workspace", metavar="ID", min=1, max=65_535, help="For this workspace alone.")
]
ForAll = Annotated[bool, typer.Option("--all", help="For all workspaces.")]


@domains.command("list")
def list_domains(as_json: options.AsJson = False) -> None:
    """List all domains with the workspace that each is for; without one it is everybody's."""

    async def work(session: Session) -> None:
        found = await teams_of(session).domains.list_domains(operator(), everywhere=True)
        show([record_of(one) for one in found], COLUMNS, as_json=as_json)

    run(work, as_json=as_json)


@domains.command()
def add(host: Host, workspace: ForWorkspace = None, as_json: options.AsJson = False) -> None:
    """Serve one more host, for one workspace or for all; DNS and certificates are up to you."""

    async def work(session: Session) -> None:
        served = await teams_of(session).domains.add(operator(), host, workspace or 0)
        tell(served, f"added {served.host}, for {whose(served)}", as_json=as_json)

    run(work, as_json=as_json)


@domains.command()
def assign(
    host: Host, workspace: ForWorkspace = None, everybody: ForAll = False, as_json: options.AsJson = False
) -> None:
    """Give a domain to one workspace or to all; links that live on it stay."""

    async def work(session: Session) -> None:
        if (workspace is not None) == everybody:
            raise InvalidInput("Give either --workspace ID or --all.", field="workspace")
        served = await teams_of(session).domains.assign(operator(), host, workspace or 0)
        tell(served, f"{served.host} is for {whose(served)} now", as_json=as_json)

    run(work, as_json=as_json)


@domains.command()
def rm(host: Host, as_json: options.AsJson = False) -> None:
    """Serve a host without links no longer; one that a setting names becomes everybody's."""

    async def work(session: Session) -> None:
        await teams_of(session).domains.remove(operator(), host)
        if as_json:
            print_json({"removed": host})
        say(f"removed {host}")

    run(work, as_json=as_json)


def tell(served: Served, message: str, *, as_json: bool) -> None:
    """Say what was done to a domain."""
    if as_json:
        print_json(record_of(served))
    say(message)


def whose(served: Served) -> str:
    """Return who may use a domain, in words."""
    return f"workspace {served.workspace_id}" if served.workspace_id else "all workspaces"


def record_of(served: Served) -> dict[str, Any]:
    """Return a domain under the API's names."""
    record = {field: getattr(served, field) for field in COLUMNS}
    return {**record, "workspace_id": served.workspace_id or None}
