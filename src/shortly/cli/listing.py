"""``list``: a page of links, or all of them."""

from __future__ import annotations

import sys
from typing import Annotated, Any, get_args

import msgspec
import typer
from msgspec import structs

from shortly.cli import options
from shortly.cli.exits import say
from shortly.cli.output import Column, print_json, print_table, write_json
from shortly.cli.records import records_of
from shortly.cli.session import Session, run
from shortly.errors import InvalidInput
from shortly.links.link import LinkState, SortField

MAX_PAGE = 500
COLUMNS = {
    "short_url": Column("short url"),
    "target": Column("target", wide=True),
    "clicks": Column("clicks", numeric=True),
    "created_at": Column("created"),
    "title": Column("title", wide=True),
    "tags": Column("tags"),
}
"""Field -> column; in a pipe they are separated by tabs, in this order."""


def list_links(
    search: options.Search = "",
    tags: options.WithTags = None,
    folder: options.InFolder = None,
    domain: options.OnDomain = None,
    owner: options.OfOwner = None,
    workspace: options.AnyWorkspace = None,
    state: Annotated[
        LinkState | None, typer.Option(help="Only in this state; otherwise all but archived ones.")
    ] = None,
    created_since: options.CreatedSince = None,
    created_until: options.CreatedUntil = None,
    sort: Annotated[
        str, typer.Option(help=f"One of {', '.join(get_args(SortField))}; a - before it turns the order round.")
    ] = "-created_at",
    limit: Annotated[int, typer.Option(help=f"Links in a page, 1 to {MAX_PAGE}.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="The page that follows: next_cursor of the one before.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All pages.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """List links, newest first; in a pipe one tab-separated line each."""

    async def work(session: Session) -> None:
        query = options.narrowed(
            search=search,
            tags=tags,
            folder=folder,
            domain=domain,
            owner=owner,
            workspace=workspace,
            state=state,
            created_since=created_since,
            created_until=created_until,
            sort=sort_field(sort),
            descending=sort.startswith("-"),
            limit=MAX_PAGE if every else limit,
            cursor=cursor,
        )
        page = await session.links.list_links(query)
        records = await records_of(session, page.items)
        if every and as_json:
            write_json(b'{"items":[')
            separator = b""
            while True:
                if records:
                    write_json(separator + msgspec.json.encode(records)[1:-1])
                    separator = b","
                if page.next_cursor is None:
                    break
                page = await session.links.list_links(structs.replace(query, cursor=page.next_cursor))
                records = await records_of(session, page.items)
            write_json(b'],"next_cursor":null}\n')
        elif as_json:
            print_json({"items": records, "next_cursor": page.next_cursor})
        else:
            print_records(records)
            while every and page.next_cursor:
                page = await session.links.list_links(structs.replace(query, cursor=page.next_cursor))
                print_records(await records_of(session, page.items))
            if page.next_cursor and sys.stdout.isatty():
                say(f"There are more: --all, or --cursor {page.next_cursor}")

    run(work, as_json=as_json)


def sort_field(sort: str) -> SortField:
    """Return the field to sort by, or raise ``InvalidInput``."""
    for field in get_args(SortField):
        if sort.removeprefix("-") == field:
            return field  # type: ignore[no-any-return]  # get_args forgets the type of what it returns
    raise InvalidInput(f"Links can be sorted by {', '.join(get_args(SortField))}.", field="sort")


def print_records(records: list[dict[str, Any]]) -> None:
    """Print links as rows of a table."""
    print_table(list(COLUMNS.values()), [[record[field] for field in COLUMNS] for record in records])
