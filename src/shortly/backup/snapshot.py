"""A copy of all that a store keeps, as the two databases of the embedded store, while Shortly goes on serving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING

from shortly.backup.archive import CLICKS, LINKS
from shortly.errors import BackupDamaged, BackupIncomplete, StoreDamaged
from shortly.store.migration.ledger import open_ledger
from shortly.store.migration.move import Compared, Move, Side, Told
from shortly.store.migration.progress import Progress
from shortly.store.opening import Place, open_place
from shortly.store.sqlite.connection import connect, store_errors
from shortly.store.sqlite.migrate import schema_version

if TYPE_CHECKING:
    from shortly.settings import Settings

SCHEMAS = {LINKS: "links", CLICKS: "clicks"}
PASSES = 3
ID_GAP = 1 << 20
"""Ids that are left out after a restore: the journal may have clicks of links that were made after the backup."""
COUNTED = {
    LINKS: {"links": "SELECT count(*) FROM links", "records": "SELECT count(*) FROM records"},
    CLICKS: {"clicks": "SELECT total(clicks) FROM totals WHERE link_id > 0", "visits": "SELECT count(*) FROM visits"},
}


def copy_sqlite(data_dir: Path, folder: Path) -> None:
    """Copy both databases by SQLite's backup API; writers go on meanwhile.

    Counts first: what was counted of a link that is not in the copy yet is dropped, but no link is without its counts.
    """
    for name in (CLICKS, LINKS):
        with (
            closing(connect(data_dir / name, readonly=True)) as source,
            closing(connect(folder / name)) as target,
            store_errors(target),
        ):
            with target.backup("main", source, "main") as backup:
                backup.step()  # in one go: in steps, it would begin anew with each write of others
            target.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, complete in itself


async def copy_redis(place: Place, folder: Path, settings: Settings, told: Told) -> None:
    """Copy what Redis keeps, pass by pass until nothing but what happens right now is missing, and compare everything.

    Raises:
        BackupIncomplete: Links or records differ still after the last pass.
    """
    data = folder / "copy"
    async with moving(place, data, settings) as (source, target):
        with Progress(folder, place, data) as progress:
            await Move(source, target, progress, told).run()
            for _ in range(PASSES):
                compared = await Move(source, target, progress, told, final=True).run()
                if all(item.same for item in compared):
                    break
        check(compared)
    await asyncio.to_thread(copy_sqlite, data, folder)


def check(compared: list[Compared]) -> None:
    """Refuse a copy that lacks links or records; counts of the last seconds may differ while people click."""
    wrong = [item.what for item in compared if not item.same and item.what in ("links", "records")]
    if wrong:
        raise BackupIncomplete(", ".join(wrong))


async def fill_redis(folder: Path, place: Place, settings: Settings, told: Told) -> None:
    """Copy the databases of a folder into an empty Redis, and compare everything.

    Raises:
        InvalidInput: It is not empty.
        BackupIncomplete: Something differs.
    """
    async with moving(folder, place, settings) as (source, target):
        with Progress(folder, folder, place) as progress:
            compared = await Move(source, target, progress, told, final=True).run()
    wrong = [item.what for item in compared if not item.same]
    if wrong:
        raise BackupIncomplete(", ".join(wrong))


@asynccontextmanager
async def moving(source: Place, target: Place, settings: Settings) -> AsyncIterator[tuple[Side, Side]]:
    """Open two stores with their ledgers."""
    async with (
        open_place(source, settings) as here,
        open_ledger(source, settings) as ledger_here,
        open_place(target, settings) as there,
        open_ledger(target, settings) as ledger_there,
    ):
        yield Side(here, ledger_here), Side(there, ledger_there)


def leave_gap(folder: Path) -> None:
    """Let new links begin with ids that no link can have had before the restore, so that none gets another's clicks."""
    with closing(connect(folder / LINKS)) as connection, store_errors(connection):
        connection.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'links'", (ID_GAP,))
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()


def schemas_of(folder: Path) -> dict[str, int]:
    """Return the schema versions of a folder's databases."""
    return {name: schema_version(folder / name, schema).current for name, schema in SCHEMAS.items()}


def counts_of(folder: Path) -> dict[str, int]:
    """Return how many links, records, clicks and visits a folder's databases have."""
    found = {}
    for name, queries in COUNTED.items():
        with closing(connect(folder / name, readonly=True)) as connection, store_errors(connection):
            for what, query in queries.items():
                found[what] = int(connection.execute(query).get)
    return found


def prove(folder: Path) -> None:
    """Let SQLite go through every page and index of a folder's databases, or raise ``BackupDamaged``."""
    for name, schema in SCHEMAS.items():
        try:
            with closing(connect(folder / name, readonly=True)) as connection, store_errors(connection):
                answer = connection.execute("PRAGMA integrity_check(1)").get
        except StoreDamaged:
            raise BackupDamaged from None
        if answer != "ok":
            raise BackupDamaged
        if not schema_version(folder / name, schema).current:
            raise BackupDamaged
