"""``add --from FILE``: many links at once, a bad record never in the way of its neighbours."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from shortly.cli.exits import REFUSED, say
from shortly.cli.imports import Row, read_rows
from shortly.cli.output import problem, write_json
from shortly.cli.records import records_of
from shortly.cli.session import Session, run
from shortly.errors import ShortlyError
from shortly.links.link import Link

AT_ONCE = 500
"""Records handed to the service together; each is stored, or refused, by itself."""


def add_from(source: Path, *, workspace: int, as_json: bool) -> None:
    """Make a link of each record, in the workspace unless it names one; ends with 1 when some were refused.

    On stdout: the short URL of each link that was made; with ``as_json`` an object {line, link, error} a record.
    On stderr: why a record was refused, and a summary; a progress bar where stderr is a terminal and stdout is not.
    """

    async def work(session: Session) -> None:
        made = refused = 0
        try:
            with ExitStack() as opened:
                stream = sys.stdin.buffer if str(source) == "-" else opened.enter_context(source.open("rb"))
                rows = opened.enter_context(watched(read_rows(stream), stream))
                while chunk := list(islice(rows, AT_ONCE)):
                    answers = await store(session, chunk, workspace)
                    made += sum(isinstance(answer, Link) for answer in answers)
                    refused += sum(isinstance(answer, ShortlyError) for answer in answers)
                    if as_json:
                        await print_objects(session, chunk, answers)
                    else:
                        print_lines(session, chunk, answers)
        finally:
            say(f"{made} made, {refused} refused")
        if refused:
            raise typer.Exit(REFUSED)

    run(work, as_json=as_json)


async def store(session: Session, rows: Sequence[Row], workspace: int) -> list[Link | ShortlyError]:
    """Return what became of each row, in their order."""
    answers: dict[int, Link | ShortlyError] = {}
    waiting: defaultdict[int, dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for place, row in enumerate(rows):
        if isinstance(row.values, ShortlyError):
            answers[place] = row.values
        else:
            values = dict(row.values)
            waiting[values.pop("workspace", None) or workspace][place] = values
    for number, many in waiting.items():
        stored = await session.links.create_many(list(many.values()), workspace=number)
        await session.notes.created(stored)
        answers.update(zip(many, stored, strict=True))
    return [answers[place] for place in range(len(rows))]


def print_lines(session: Session, rows: Sequence[Row], answers: Sequence[Link | ShortlyError]) -> None:
    """Print addresses on stdout, refusals on stderr."""
    for row, answer in zip(rows, answers, strict=True):
        if isinstance(answer, Link):
            print(session.short_url(answer))
        else:
            say(f"line {row.line}: {answer}")
    sys.stdout.flush()


async def print_objects(session: Session, rows: Sequence[Row], answers: Sequence[Link | ShortlyError]) -> None:
    """Print an object a row, one in a line."""
    records = iter(await records_of(session, [answer for answer in answers if isinstance(answer, Link)]))
    for row, answer in zip(rows, answers, strict=True):
        refused = isinstance(answer, ShortlyError)
        item = {
            "line": row.line,
            "link": None if refused else next(records),
            "error": problem(answer) if isinstance(answer, ShortlyError) else None,
        }
        write_json(msgspec.json.encode(item), b"\n")
    sys.stdout.flush()


@contextmanager
def watched(rows: Iterator[Row], stream: BinaryIO) -> Iterator[Iterator[Row]]:
    """Show how much of the stream has been read while the rows are consumed; messages go above the bar."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        disable=not sys.stderr.isatty() or sys.stdout.isatty(),
    )
    size = os.fstat(stream.fileno()).st_size if stream is not sys.stdin.buffer else 0

    def advance() -> Iterator[Row]:
        task = bar.add_task("0 links", total=size or None)
        for count, row in enumerate(rows, 1):
            if count % AT_ONCE == 1:
                bar.update(task, completed=stream.tell() if size else None, description=f"{count - 1} links")
            yield row

    with bar:
        yield advance()
