"""Statistics as text for other programs: CSV (RFC 4180) and JSON lines, in chunks of any size."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from shortly.cells import harmless
from shortly.errors import InvalidInput

ExportTable = Literal["series", "breakdowns", "visits"]
EXPORT_TABLES: tuple[ExportTable, ...] = get_args(ExportTable)
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
"""Format -> media type."""

Cell = str | int | float | datetime | None
Rows = AsyncIterator[Iterable[Sequence[Cell]]]
"""Rows, some at a time."""


class Export(Struct, frozen=True):
    """A table on its way out; what can be refused has been refused when it exists."""

    media_type: str
    extension: str
    """Of a file that holds it, without the dot."""
    chunks: AsyncIterator[str]
    """To be read once."""


def check_export(table: str, form: str) -> ExportTable:
    """Return the table; raise ``InvalidInput`` unless it and the format are known."""
    if form not in MEDIA_TYPES:
        raise InvalidInput(f"The format must be one of {', '.join(MEDIA_TYPES)}.", field="format")
    for known in EXPORT_TABLES:
        if table == known:
            return known
    raise InvalidInput(f"The table must be one of {', '.join(EXPORT_TABLES)}.", field="table")


def write_export(form: str, header: Sequence[str], rows: Rows) -> Export:
    """Return rows as text in one of ``MEDIA_TYPES``."""
    chunks = write_csv(header, rows) if form == "csv" else write_json_lines(header, rows)
    return Export(MEDIA_TYPES[form], form, chunks)


async def write_csv(header: Sequence[str], rows: Rows) -> AsyncIterator[str]:
    """Yield CSV with a header line; times are ISO 8601, None is empty.

    Texts that a spreadsheet would take for a formula get an apostrophe in front.
    """
    text = StringIO()
    lines = csv.writer(text)
    lines.writerow(header)
    async for some in rows:
        lines.writerows([csv_cell(cell) for cell in row] for row in some)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue()


async def write_json_lines(header: Sequence[str], rows: Rows) -> AsyncIterator[str]:
    """Yield a JSON object for each row, each in a line of its own; times are ISO 8601."""
    encoder = msgspec.json.Encoder()
    async for some in rows:
        yield encoder.encode_lines([dict(zip(header, row, strict=True)) for row in some]).decode()


def csv_cell(cell: Cell) -> Cell:
    """Return a cell as a spreadsheet may safely have it."""
    if isinstance(cell, datetime):
        return cell.isoformat()
    return harmless(cell) if isinstance(cell, str) else cell
