"""Links on their way out, a page at a time: as CSV, or as JSON with an object in each line."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from io import StringIO
from typing import Any, Literal

from msgspec import structs

from shortly.cells import harmless, joined
from shortly.links.importing import COLUMNS
from shortly.links.link import Link, LinkPage, LinkQuery
from shortly.links.service import MAX_PAGE

ExportForm = Literal["csv", "json"]
ListLinks = Callable[[LinkQuery], Awaitable[LinkPage]]


def in_export_order(query: LinkQuery) -> LinkQuery:
    """Return the query for the first page of an export, the oldest links first."""
    return structs.replace(query, sort="created_at", descending=False, limit=MAX_PAGE, cursor=None)


async def pages(list_links: ListLinks, query: LinkQuery, first: LinkPage) -> AsyncIterator[list[Link]]:
    """Yield all links that fit, some hundred at a time, behind them the archived ones unless a state is asked for.

    Args:
        list_links: Reads a page.
        query: The first page's, as ``in_export_order`` returns it.
        first: The first page: who asks for it hears a refusal before the file begins.
    """
    page = first
    while True:
        if page.items:
            yield page.items
        if page.next_cursor is None:
            if query.state is not None:
                return
            query = structs.replace(query, state="archived")
        page = await list_links(structs.replace(query, cursor=page.next_cursor))


async def written(
    links: AsyncIterable[Sequence[Link]], form: ExportForm, columns: Sequence[str] = COLUMNS
) -> AsyncIterator[str]:
    """Yield the file, some links at a time, so that memory does not grow with it; lines of CSV end as RFC 4180 says."""
    if form == "csv":
        yield ",".join(columns) + "\r\n"
    async for some in links:
        rows = [
            {name: value for name in columns if (value := _value(link, name)) not in (None, "", [])} for link in some
        ]
        if form == "csv":
            text = StringIO()
            csv.writer(text).writerows([_cell(row.get(name)) for name in columns] for row in rows)
            yield text.getvalue()
        else:
            yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _value(link: Link, name: str) -> Any:
    """Return a field as JSON has it."""
    value = getattr(link, name)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _cell(value: Any) -> str:
    if isinstance(value, list):
        value = joined(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else harmless(str(value))
