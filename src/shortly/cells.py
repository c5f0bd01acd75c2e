"""Cells of CSV files that people open in spreadsheets: none is run as a formula, and all come back as they were."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula, or hides such a character from the eye."""


def harmless(text: str) -> str:
    """Return a text as a cell: what a spreadsheet would run has an apostrophe in front, and so has what looks so."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text


def original(cell: str) -> str:
    """Return the text that ``harmless`` made a cell of."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(FORMULA_STARTS) else cell


def joined(texts: Iterable[str]) -> str:
    """Return texts as one, with commas in between; one that has a comma itself is in quotation marks."""
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(texts)
    return line.getvalue()


def parts_of(text: str) -> list[str]:
    """Return the texts that ``joined`` made one of, or that somebody wrote down so; empty ones are left out."""
    try:
        cells = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:  # a line's end, or far too long
        cells = text.split(",")
    return [part for cell in cells if (part := cell.strip())]
