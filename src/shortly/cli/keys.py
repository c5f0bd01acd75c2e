"""``key create``, ``key list`` and ``key revoke``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from shortly.accounts.store import ApiKey
from shortly.cli import options
from shortly.cli.exits import say
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.session import Session, run

keys = typer.Typer(no_args_is_help=True, help="API keys.")

COLUMNS = {
    "id": Column("id", numeric=True),
    "name": Column("name", wide=True),
    "hint": Column("begins with"),
    "created_at": Column("created"),
    "last_used_at": Column("last used"),
    "revoked_at": Column("revoked"),
}


@keys.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for, such as reporting.")],
    as_json: options.AsJson = False,
) -> None:
    """Make an API key and print it, this once."""

    async def work(session: Session) -> None:
        key, secret = await session.keys.create(name)
        if as_json:
            print_json({**record_of(key), "key": secret})
        else:
            print(secret)
        say("Keep the key safe; it is not shown again.")

    run(work, as_json=as_json)


@keys.command("list")
def list_keys(as_json: options.AsJson = False) -> None:
    """List API keys, revoked ones too."""

    async def work(session: Session) -> None:
        records = [record_of(key) for key in await session.keys.list_keys()]
        if as_json:
            print_json({"items": records})
        else:
            print_table(list(COLUMNS.values()), [[record[field] for field in COLUMNS] for record in records])

    run(work, as_json=as_json)


@keys.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="The key's name, or its id.")],
    as_json: options.AsJson = False,
) -> None:
    """Make an API key invalid at once, everywhere."""

    async def work(session: Session) -> None:
        key = await session.keys.revoke(name)
        if as_json:
            print_json(record_of(key))
        say(f"revoked {key.name!r}")

    run(work, as_json=as_json)


def record_of(key: ApiKey) -> dict[str, Any]:
    """Return a key, without its secret, under the API's names."""
    return {field: getattr(key, field) for field in COLUMNS}
