"""What commands print on stdout: JSON, a table on a terminal, tab-separated lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from shortly.errors import ShortlyError

BAR_WIDTH = 24
GAP = 2
MIN_WIDE = 8
EIGHTHS = " ▏▎▍▌▋▊▉"


class Column(NamedTuple):
    """A column of a table; ``wide`` ones give way when the terminal is narrow."""

    name: str
    numeric: bool = False
    wide: bool = False


def print_json(value: Any) -> None:
    """Print any value as one JSON document, indented on a terminal, in one line elsewhere."""
    text = msgspec.json.encode(value)
    write_json(msgspec.json.format(text, indent=2) if sys.stdout.isatty() else text, b"\n")


def write_json(*parts: bytes) -> None:
    """Write pieces of JSON, which is UTF-8 whatever the terminal speaks."""
    sys.stdout.flush()
    for part in parts:
        sys.stdout.buffer.write(part)


def write_text(text: str) -> None:
    """Write a piece of a file for other programs, which is UTF-8 whatever the terminal speaks."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())


def problem(refusal: ShortlyError) -> dict[str, str | None]:
    """Return a refusal as the object that ``--json`` prints."""
    return {"code": refusal.code, "detail": str(refusal), "field": refusal.field}


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Any]], *, folded: bool = False) -> None:
    """Print rows under a heading on a terminal; elsewhere tab-separated, without the heading.

    What does not fit the terminal is cut off, or ``folded`` into several lines.
    """
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(_cell(value).replace("\t", " ").replace("\n", " ") for value in row))
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(markup=False, highlight=False)
    cells = [[_cell(value) for value in row] for row in rows]
    needs = [max(map(cell_len, (column.name, *(row[n] for row in cells)))) for n, column in enumerate(columns)]
    widths = share_width(columns, needs, console.width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(
            Text(column.name),
            justify="right" if column.numeric else "left",
            no_wrap=not folded,
            overflow="fold" if folded else "ellipsis",
            width=width,
        )
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def share_width(columns: Sequence[Column], needs: Sequence[int], width: int) -> list[int]:
    """Return how wide each column is: as it needs, but the wide ones share what the others leave."""
    widths = list(needs)
    room = (
        width - GAP * (len(columns) - 1) - sum(n for n, column in zip(needs, columns, strict=True) if not column.wide)
    )
    wide = sorted((place for place, column in enumerate(columns) if column.wide), key=lambda place: needs[place])
    for left, place in zip(range(len(wide), 0, -1), wide, strict=True):
        widths[place] = max(MIN_WIDE, min(needs[place], room // left))
        room -= widths[place]
    return widths


def print_fields(record: dict[str, Any]) -> None:
    """Print one thing as a line for each of its fields that has a value."""
    shown = {name: value for name, value in record.items() if value is not None and value not in ("", (), [])}
    print_table([Column("field"), Column("value", wide=True)], list(shown.items()))


def bar(count: int, most: int) -> str:
    """Return a bar as long as ``count`` is among counts up to ``most``, at most ``BAR_WIDTH`` characters."""
    if not _can_draw():
        return "#" * round(BAR_WIDTH * count / most) if most else ""
    whole, eighths = divmod(round(BAR_WIDTH * 8 * count / most) if most else 0, 8)
    return "█" * whole + EIGHTHS[eighths].strip()


def _can_draw() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return (
                value.isoformat(sep=" ", timespec="minutes").replace("+00:00", "Z")
                if sys.stdout.isatty()
                else (value.isoformat().replace("+00:00", "Z"))
            )
        case list() | tuple():
            return ",".join(map(str, value))
        case float():
            return f"{value:.1%}"
        case _:
            return str(value)
