"""``migrate-store``: moves an installation to another store."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from shortly.cli import options
from shortly.cli.exits import REFUSED, refusals, say
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.session import plain_interrupts, read_settings
from shortly.errors import InvalidInput

if TYPE_CHECKING:
    from shortly.settings import Settings
    from shortly.store import Store
    from shortly.store.migration.move import Compared
    from shortly.store.opening import Place


def migrate_store(
    source: Annotated[
        str,
        typer.Argument(metavar="FROM", help="sqlite:///path/to/data_dir, or as STORE_URL; or env:NAME, or file:/path."),
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same, of an empty store.")],
    final: Annotated[
        bool, typer.Option("--final", help="Shortly is stopped everywhere: end with 1 unless both are the same.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Copy links, people, keys, the audit log and counts from one store to another, and compare the two.

    The source may serve meanwhile. Repeat the command as often as you like: it copies what is new or changed. To cut
    over, stop Shortly everywhere so that every click is counted, run it with --final, and start Shortly on the new
    store. Raw visits come along in the final pass. Not copied: the counts and visits of deleted links.
    """
    with refusals(as_json), plain_interrupts():
        compared = asyncio.run(move(read_settings(), source, target, final=final))
        same = all(item.same for item in compared)
        if as_json:
            items = [{**msgspec.to_builtins(item), "same": item.same} for item in compared]
            print_json({"same": same, "final": final, "items": items})
        else:
            columns = (Column("what"), Column("source", numeric=True), Column("target", numeric=True))
            rows = [
                (item.what, item.source, item.target, item.source_checksum[:16], item.target_checksum[:16], item.same)
                for item in compared
            ]
            print_table((*columns, Column("checksum"), Column("of target"), Column("same")), rows)
        if final and not same:
            say("error: The stores differ. Is Shortly stopped everywhere? Run the command again.")
            raise typer.Exit(REFUSED)
        if final:
            say("Both are the same. Start Shortly on the new store; keep the old one until you are content.")
        else:
            say("Copied. Differences are what happened meanwhile; stop Shortly and run this with --final to cut over.")


async def move(settings: Settings, source: str, target: str, *, final: bool) -> list[Compared]:
    """Do one pass, and return what was compared.

    Raises:
        InvalidInput: The places are not such that one can be moved to the other.
    """
    from shortly.store.migration.ledger import open_ledger
    from shortly.store.migration.move import Move, Side
    from shortly.store.migration.progress import Progress
    from shortly.store.opening import identity_of, open_place, place_of

    places = [place_of(told_unseen(url), settings) for url in (source, target)]
    if identity_of(places[0]) == identity_of(places[1]):
        raise InvalidInput("FROM and TO are the same store.")
    if isinstance(places[0], Path) and not (places[0] / "links.db").exists():
        raise InvalidInput(f"There is no store in {str(places[0])!r}.")
    async with AsyncExitStack() as opened:
        sides = []
        for place in places:
            store = await opened.enter_async_context(open_place(place, settings))
            sides.append(Side(store, await opened.enter_async_context(open_ledger(place, settings))))
        if final:
            await refuse_uncounted(settings, places[0], sides[0].store)
        progress = opened.enter_context(Progress(settings.data_dir, *places))
        told = opened.enter_context(watched())
        return await Move(sides[0], sides[1], progress, told, final=final).run()


def told_unseen(url: str) -> str:
    """Return the URL that ``env:NAME`` or ``file:/path`` stands for: arguments are seen by all users of a machine.

    Raises:
        InvalidInput: There is no such variable or file.
    """
    way, _, name = url.partition(":")
    if way == "env":
        if not os.environ.get(name):
            raise InvalidInput(f"The environment variable {name[:100]!r} is not set.")
        return os.environ[name].strip()
    if way == "file":
        try:
            return Path(name).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            raise InvalidInput(f"The file {name[:200]!r} cannot be read.") from None
    return url


async def refuse_uncounted(settings: Settings, source: Place, store: Store) -> None:
    """Refuse while clicks of the source's links lie in a journal of this node, or somebody drains one.

    Raises:
        InvalidInput: There are such clicks, whose link ids would mean other links in the new store.
    """
    from shortly.cli.checks import undrained
    from shortly.clicks.drain import LOCK
    from shortly.clicks.journal import is_locked, worker_folders

    folders: set[Path] = {settings.journal_dir}
    if isinstance(source, Path):
        folders.add(source / "journal")
    positions = await store.positions()
    for journal in folders:
        if is_locked(journal / LOCK):
            raise InvalidInput("Shortly is running here; stop it before the final pass.")
        for folder in worker_folders(journal):
            for segment in folder.segments:
                if undrained(segment, positions.get(folder.name_of(segment), 0))[0]:
                    raise InvalidInput(
                        "Clicks in the journal are not counted yet; start Shortly on the old store and stop it again."
                    )


@contextmanager
def watched() -> Iterator[Callable[[str, int], None]]:
    """Give a way to tell of work that is done, which is shown where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: tuple[Any, ...] = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=None)
            progress.advance(tasks[stage], done)

        yield tell
