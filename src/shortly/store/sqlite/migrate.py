"""Brings a database up to this version's schema: numbered SQL files, applied once, checked ever after.

The files are ``migrations/<name>/0001_what.sql`` and so on, without gaps. All that are missing are applied in one
transaction, so that a failure leaves the database as it was; a file once released never changes.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import apsw
import structlog

from shortly.errors import MigrationChanged, StoreTooNew
from shortly.store.sqlite.connection import connect, store_errors

log = structlog.get_logger()

MIGRATIONS_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at INTEGER NOT NULL -- unix milliseconds, UTC
) STRICT
"""


class Migration(NamedTuple):
    """One step of a schema."""

    number: int
    file: str
    sql: str

    @property
    def sha256(self) -> str:
        """The checksum that the database keeps, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class SchemaVersion(NamedTuple):
    """Where a database's schema is (0: empty or not there yet), and the newest that this version knows."""

    current: int
    newest: int


def migrate(path: Path, name: str, *, steps: Sequence[Migration] | None = None) -> None:
    """Make the database at ``path``, or bring it up to date; safe when several processes do it at once.

    A database that had a schema already is copied to ``<path>.before-000N.bak`` first, N being the first step applied.

    Args:
        path: The database file; its folder exists.
        name: Which schema; names the folder of its files, and the database in errors.
        steps: Instead of the package's files.

    Raises:
        StoreTooNew: A newer version of Shortly wrote the database.
        MigrationChanged: A step that was applied differs from the one known here.
        StorageFull, StoreUnavailable: Nothing was changed.
    """
    known = migrations_of(name) if steps is None else steps
    with closing(connect(path)) as connection, store_errors(connection):
        if _check(connection, name, known) == len(known):
            return
        connection.execute("PRAGMA foreign_keys = OFF")  # SQLite's rule for rebuilding tables; checked before COMMIT
        connection.execute("BEGIN EXCLUSIVE")
        try:
            current = _check(connection, name, known)  # again: another process may have been quicker
            if 0 < current < len(known):
                _back_up(path, Path(f"{path}.before-{current + 1:04}.bak"))
            for step in known[current:]:
                _apply(connection, step)
            if broken := connection.execute("PRAGMA foreign_key_check").fetchall():
                raise apsw.ConstraintError(f"migrations of {name} break {len(broken)} foreign keys")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if current < len(known):
            log.info("database migrated", database=name, from_schema=current, to_schema=len(known))


def schema_version(path: Path, name: str) -> SchemaVersion:
    """Return the version of the database at ``path`` without changing anything.

    Raises:
        MigrationChanged: A step that was applied differs from the one known here.
        StoreUnavailable: The database cannot be read.
    """
    known = migrations_of(name)
    if not path.exists():
        return SchemaVersion(0, len(known))
    with closing(connect(path, readonly=True)) as connection, store_errors(connection):
        try:
            return SchemaVersion(_check(connection, name, known), len(known))
        except StoreTooNew:
            return SchemaVersion(_user_version(connection), len(known))


def migrations_of(name: str) -> list[Migration]:
    """Return the package's migrations of one schema, in order; the n-th has the number n."""
    folder = files("shortly.store.sqlite") / "migrations" / name
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    steps = [Migration(int(entry.name[:4]), entry.name, entry.read_text(encoding="utf-8")) for entry in entries]
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        raise RuntimeError(f"the migrations of {name} are not numbered 1 to {len(steps)}")
    return steps


def _check(connection: apsw.Connection, name: str, known: Sequence[Migration]) -> int:
    """Return the database's schema version after comparing what was applied with what is known."""
    current = _user_version(connection)
    if current > len(known):
        raise StoreTooNew(name, current, len(known))
    if current:
        for number, sha256 in connection.execute("SELECT number, sha256 FROM migrations ORDER BY number"):
            if number <= len(known) and known[number - 1].sha256 != sha256:
                raise MigrationChanged(name, number)
    return current


def _user_version(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))


def _apply(connection: apsw.Connection, step: Migration) -> None:
    connection.execute(step.sql)
    connection.execute(MIGRATIONS_TABLE)
    connection.execute(
        "INSERT INTO migrations (number, file, sha256, applied_at) VALUES (?, ?, ?, ?)",
        (step.number, step.file, step.sha256, time.time_ns() // 1_000_000),
    )
    connection.execute(f"PRAGMA user_version = {step.number:d}")


def _back_up(path: Path, copy: Path) -> None:
    """Copy what is committed, through a reader of its own, while the caller's lock keeps writers out."""
    unfinished = copy.with_name(f"{copy.name}.tmp")
    unfinished.unlink(missing_ok=True)
    with closing(connect(path, readonly=True)) as source, closing(connect(unfinished)) as target:
        with target.backup("main", source, "main") as backup:
            backup.step()
        target.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, complete in itself
    os.replace(unfinished, copy)
    log.info("database backed up", file=copy.name)
