"""``blocked``: links whose targets came onto a blocklist after they were made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from shortly.cli import options
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.records import records_of
from shortly.cli.session import Session, run
from shortly.links.link import Link, LinkQuery, LinkState
from shortly.links.service import MAX_PAGE

COLUMNS = {"short_url": Column("link", wide=True), "target": Column("target", wide=True), "state": Column("state")}


def blocked(as_json: options.AsJson = False) -> None:
    """List links that lead to a host on a blocklist: they were made before it was on it, and go on redirecting."""

    async def work(session: Session) -> None:
        found = [link async for link in all_links(session) if session.links.is_blocked(link)]
        records = await records_of(session, found)
        if as_json:
            print_json({"items": records})
        else:
            print_table(list(COLUMNS.values()), [[record[field] for field in COLUMNS] for record in records])

    run(work, as_json=as_json)


async def all_links(session: Session) -> AsyncIterator[Link]:
    """Yield every link, archived ones too, a page at a time."""
    states: tuple[LinkState | None, ...] = (None, "archived")
    for state in states:
        cursor: str | None = None
        while True:
            query = LinkQuery(state=state, descending=False, limit=MAX_PAGE, cursor=cursor, now=datetime.now(UTC))
            page = await session.links.list_links(query)
            for link in page.items:
                yield link
            cursor = page.next_cursor
            if cursor is None:
                break
