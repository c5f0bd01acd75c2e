"""``key create``, ``key list``, ``key rotate`` and ``key revoke``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import structs

from shortly.cli import options
from shortly.cli.exits import say
from shortly.cli.moments import parse_moment
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.session import Session, run

if TYPE_CHECKING:
    from shortly.accounts.access import Caller
    from shortly.accounts.keys import Key

keys = typer.Typer(no_args_is_help=True, help="API keys.")

COLUMNS = {
    "id": Column("id", numeric=True),
    "name": Column("name", wide=True),
    "hint": Column("begins with"),
    "created_at": Column("created"),
    "last_used_at": Column("last used"),
    "revoked_at": Column("revoked"),
    "expires_at": Column("expires"),
    "scopes": Column("scopes"),
}
FIELDS = (*COLUMNS, "only_domain", "only_tag", "only_own", "installation", "user_id", "workspace_id")

KeyName = Annotated[str, typer.Argument(metavar="NAME|ID", help="The key's name, or its id.")]
InWorkspace = Annotated[int, typer.Option("--workspace", metavar="ID", min=1, max=65_535, help="Of which workspace.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for, such as reporting.")],
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="links:read, links:write, stats:read, domains:*, users:*, metrics:read or admin; may be given several "
            "times. "
            "Without it: admin, or links:write and stats:read where the key is restricted.",
        ),
    ] = None,
    domain: Annotated[str | None, typer.Option(help="Only links on this host.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only links with this tag.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Only links that the key made itself.")] = False,
    expires: Annotated[str | None, typer.Option(help="When it stops: 2026-12-31, +30d. UTC without an offset.")] = None,
    installation: Annotated[
        bool | None,
        typer.Option(
            "--installation/--no-installation",
            help="What concerns all workspaces, such as metrics, too; by default when nothing else is asked for.",
        ),
    ] = None,
    workspace: InWorkspace = 1,
    as_json: options.AsJson = False,
) -> None:
    """Make an API key and print it, this once."""
    restricted = domain is not None or tag is not None or own
    plain = not restricted and not scopes and workspace == 1
    wanted: Any = scopes or (["links:write", "stats:read"] if restricted else ["admin"])

    async def work(session: Session) -> None:
        key, secret = await session.keys.create(
            operator_in(workspace),
            name,
            scopes=wanted,
            only_domain=None if domain is None else session.links.domains.open_to(domain, workspace),
            only_tag=tag,
            only_own=own,
            expires_at=parse_moment(expires, "expires") if expires else None,
            installation=plain if installation is None else installation,
        )
        if as_json:
            print_json({**record_of(key), "key": secret})
        else:
            print(secret)
        say("Keep the key safe; it is not shown again.")

    run(work, as_json=as_json)


@keys.command("list")
def list_keys(workspace: InWorkspace = 1, as_json: options.AsJson = False) -> None:
    """List API keys, those revoked in the last 90 days too."""

    async def work(session: Session) -> None:
        records = [record_of(key) for key in await session.keys.list_keys(operator_in(workspace))]
        if as_json:
            print_json({"items": records})
        else:
            print_table(list(COLUMNS.values()), [[record[field] for field in COLUMNS] for record in records])

    run(work, as_json=as_json)


@keys.command()
def rotate(
    name: KeyName,
    overlap_h: Annotated[
        int, typer.Option(min=0, max=24, help="Hours that the old secret goes on working; 0: it stops at once.")
    ] = 0,
    workspace: InWorkspace = 1,
    as_json: options.AsJson = False,
) -> None:
    """Give an API key another secret and print it, this once."""

    async def work(session: Session) -> None:
        caller = operator_in(workspace)
        found = await session.keys.named(caller, name)
        key, secret = await session.keys.rotate(caller, found.id, overlap=timedelta(hours=overlap_h))
        if as_json:
            print_json({**record_of(key), "key": secret})
        else:
            print(secret)
        say("Keep the key safe; it is not shown again.")

    run(work, as_json=as_json)


@keys.command()
def revoke(name: KeyName, workspace: InWorkspace = 1, as_json: options.AsJson = False) -> None:
    """Make an API key invalid at once, everywhere."""

    async def work(session: Session) -> None:
        caller = operator_in(workspace)
        found = await session.keys.named(caller, name)
        key = await session.keys.revoke(caller, found.id)
        if as_json:
            print_json(record_of(key))
        say(f"revoked {key.name!r}")

    run(work, as_json=as_json)


def operator_in(workspace_id: int) -> Caller:
    """Return who runs the command, in a workspace."""
    from shortly.accounts.access import OPERATOR

    return structs.replace(OPERATOR, workspace_id=workspace_id)


def record_of(key: Key) -> dict[str, Any]:
    """Return a key, without its secret, under the API's names."""
    return {field: getattr(key, field) for field in FIELDS}
