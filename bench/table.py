"""The table that the benchmark ends with: Markdown that also reads well in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
"""What the README shows between these lines, the benchmark has written."""


class Row(Struct, frozen=True, kw_only=True):
    """One thing that was measured."""

    stage: str
    what: str
    measured: str
    target: str = ""
    met: bool | None = None
    """None: there is no target."""
    data: dict[str, Any] = {}
    """The samples behind it, for ``--json``."""


def verdict(row: Row) -> str:
    """Return the word for whether the target was met."""
    return "" if row.met is None else "yes" if row.met else "**missed**"


def draw(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table with aligned columns."""
    cells = [("what", "measured", "target", "met?")]
    cells += [(row.what, row.measured, row.target, verdict(row)) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def write_between_marks(readme: Path, text: str) -> None:
    """Replace what the README shows of the last benchmark."""
    before, found, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"{readme} has no place for the table: {BEGIN} ... {END}")
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
