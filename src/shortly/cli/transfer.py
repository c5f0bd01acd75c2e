"""``export`` and ``import``: links out of an installation as a file, and such a file into one, as often as wished."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from shortly.cli import options
from shortly.cli.exits import REFUSED, say
from shortly.cli.output import problem, write_text
from shortly.cli.session import Session, run
from shortly.errors import InvalidInput
from shortly.links.exporting import ExportForm, in_export_order, pages, written
from shortly.links.importing import Existing, Imported, import_rows
from shortly.links.link import Link, LinkState
from shortly.links.pieces import PIECES, import_pieces, names_in

if TYPE_CHECKING:
    from shortly.cli.imports import Row
    from shortly.errors import ShortlyError

STDIN = Path("-")


def export(
    form: Annotated[ExportForm, typer.Option("--format", help="json: one object in each line.")] = "csv",
    search: options.Search = "",
    tags: options.WithTags = None,
    folder: options.InFolder = None,
    domain: options.OnDomain = None,
    owner: options.OfOwner = None,
    workspace: options.AnyWorkspace = None,
    state: Annotated[LinkState | None, typer.Option(help="Only in this state; otherwise archived ones, too.")] = None,
    created_since: options.CreatedSince = None,
    created_until: options.CreatedUntil = None,
) -> None:
    """Print all links that fit as a file that 'shortly import' takes, the oldest first."""

    async def work(session: Session) -> None:
        from shortly.cli.bulk import progress
        from shortly.cli.imports import FIELDS

        query = in_export_order(
            options.narrowed(
                search=search,
                tags=tags,
                folder=folder,
                domain=domain,
                owner=owner,
                workspace=workspace,
                state=state,
                created_since=created_since,
                created_until=created_until,
            )
        )
        count = 0

        async def counted(found: AsyncIterator[list[Link]]) -> AsyncIterator[list[Link]]:
            nonlocal count
            async for links in found:
                yield links
                count += len(links)
                bar.update(task, description=f"{count} links")

        first = await session.links.list_links(query)
        with progress() as bar:
            task = bar.add_task("0 links", total=None)
            async for text in written(counted(pages(session.links.list_links, query, first)), form, FIELDS):
                write_text(text)
        say(f"{count} links")

    run(work, as_json=False)


def import_links(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file with a header, or JSON lines; - reads stdin.")
    ],
    existing: Annotated[
        Existing, typer.Option(help="What becomes of a record whose slug is a link's already.")
    ] = "skip",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, and say what would become of each record.")
    ] = False,
    workspace: options.Workspace = 1,
    as_json: options.AsJson = False,
) -> None:
    """Make links of the records of a file, in the workspace unless they name one; the same file can come again.

    Prints what became of each record, and its short URL; ends with 1 when some were refused.
    """

    async def work(session: Session) -> None:
        from shortly.cli.bulk import AT_ONCE, by_workspace, rows_of

        async def take(number: int, many: Sequence[Any]) -> Sequence[Imported]:
            return await import_rows(session.links_in(number), many, existing=existing, dry_run=dry_run)

        async def take_piece(rows: Sequence[Row]) -> Sequence[Imported | ShortlyError]:
            return await by_workspace(session, rows, workspace, take)

        def names_of(rows: Sequence[Row]) -> set[str]:
            return names_in(row.values for row in rows if not isinstance(row.values, InvalidInput))

        counts: Counter[str] = Counter()
        try:
            with rows_of(source) as rows:
                pieces = iter(lambda: list(islice(rows, AT_ONCE)), [])
                at_once = 1 if source == STDIN else PIECES  # who writes to a pipe may wait for an answer
                async for piece, found in import_pieces(pieces, take_piece, names_of, at_once=at_once):
                    answers = [imported(answer) for answer in found]
                    counts.update(answer.outcome for answer in answers)
                    print_outcomes(session, piece, answers, dry_run=dry_run, as_json=as_json)
        finally:
            parts = [f"{counts[outcome]} {outcome}" for outcome in ("created", "overwritten", "exists", "refused")]
            say(f"{', '.join(parts)}{'; nothing was changed' if dry_run else ''}")
        if counts["refused"]:
            raise typer.Exit(REFUSED)

    run(work, as_json=as_json)


def imported(answer: Imported | ShortlyError) -> Imported:
    """Return what became of a record; of one that could not be read, too."""
    return answer if isinstance(answer, Imported) else Imported("refused", refusal=answer)


def print_outcomes(
    session: Session, rows: Sequence[Row], answers: Sequence[Imported], *, dry_run: bool, as_json: bool
) -> None:
    """Print a line for each record on stdout, and on stderr why one was refused."""
    for row, answer in zip(rows, answers, strict=True):
        is_there = answer.link is not None and not (dry_run and answer.outcome == "created")
        short_url = session.short_url(answer.link) if answer.link is not None and is_there else None
        if as_json:
            error = None if answer.refusal is None else problem(answer.refusal)
            item = {"line": row.line, "outcome": answer.outcome, "short_url": short_url, "error": error}
            write_text(msgspec.json.encode(item).decode() + "\n")
        else:
            print(f"{answer.outcome}\t{short_url or ''}")
            if answer.refusal is not None:
                say(f"line {row.line}: {answer.refusal}")
    sys.stdout.flush()
