"""``add --from FILE``: many links at once, a bad record never in the way of its neighbours."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from shortly.cli.exits import REFUSED, say
from shortly.cli.imports import Row, read_rows
from shortly.cli.output import problem, write_json
from shortly.cli.records import records_of
from shortly.cli.session import Session, run
from shortly.errors import InvalidInput, ShortlyError, WorkspaceNotFound
from shortly.links.importing import as_new
from shortly.links.link import Link

AT_ONCE = 1_000
"""Records handed to the service together; each is stored, or refused, by itself."""
Values = Mapping[str, Any]
"""Fields of a link to be made."""
T = TypeVar("T")


def add_from(source: Path, *, workspace: int, as_json: bool) -> None:
    """Make a link of each record, in the workspace unless it names one; ends with 1 when some were refused.

    On stdout: the short URL of each link that was made; with ``as_json`` an object {line, link, error} a record.
    On stderr: why a record was refused, and a summary; a progress bar where stderr is a terminal and stdout is not.
    """

    async def work(session: Session) -> None:
        made = refused = 0
        try:
            with rows_of(source) as rows:
                while chunk := [to_be_made(row) for row in islice(rows, AT_ONCE)]:
                    answers = await by_workspace(session, chunk, workspace, partial(store, session))
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


def to_be_made(row: Row) -> Row:
    """Return a row with the values that a link is made of, or why there is none."""
    if isinstance(row.values, InvalidInput):
        return row
    try:
        return row._replace(values=as_new(row.values))
    except InvalidInput as refusal:
        return row._replace(values=refusal)


async def store(session: Session, workspace: int, many: Sequence[Values]) -> list[Link | ShortlyError]:
    """Make links in a workspace."""
    stored = await session.links.create_many(many, workspace=workspace)
    await session.notes.created(stored)
    return stored


async def by_workspace(
    session: Session,
    rows: Sequence[Row],
    workspace: int,
    act: Callable[[int, Sequence[Values]], Awaitable[Sequence[T]]],
) -> list[T | InvalidInput | WorkspaceNotFound]:
    """Let ``act`` do something for the rows of each workspace, and return what became of each row, in their order.

    Rows that name none are of ``workspace``; those of one that is not there are refused.
    """
    answers: dict[int, T | InvalidInput | WorkspaceNotFound] = {}
    waiting: defaultdict[int, dict[int, Values]] = defaultdict(dict)
    for place, row in enumerate(rows):
        if isinstance(row.values, InvalidInput):
            answers[place] = row.values
        else:
            values = dict(row.values)
            waiting[values.pop("workspace", None) or workspace][place] = values
    for number, many in waiting.items():
        try:
            await session.check_workspace(number)
        except WorkspaceNotFound as unknown:
            answers.update(dict.fromkeys(many, unknown))
        else:
            answers.update(zip(many, await act(number, list(many.values())), strict=True))
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
def rows_of(source: Path) -> Iterator[Iterator[Row]]:
    """Open a file, ``-`` being stdin, and show how much of it has been read while its rows are consumed."""
    with ExitStack() as opened:
        stream = sys.stdin.buffer if str(source) == "-" else opened.enter_context(source.open("rb"))
        yield opened.enter_context(watched(read_rows(stream), stream))


@contextmanager
def watched(rows: Iterator[Row], stream: BinaryIO) -> Iterator[Iterator[Row]]:
    """Show how much of the stream has been read while the rows are consumed; messages go above the bar."""
    size = os.fstat(stream.fileno()).st_size if stream is not sys.stdin.buffer else 0

    def advance() -> Iterator[Row]:
        task = bar.add_task("0 links", total=size or None)
        for count, row in enumerate(rows, 1):
            if count % AT_ONCE == 1:
                bar.update(task, completed=stream.tell() if size else None, description=f"{count - 1} links")
            yield row

    with progress() as bar:
        yield advance()


def progress() -> Progress:
    """Return a bar on stderr where that is a terminal and stdout is not."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        disable=not sys.stderr.isatty() or sys.stdout.isatty(),
    )
