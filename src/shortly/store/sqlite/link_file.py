"""``links.db`` as one process has it open: a writer thread, a reader for the event loop, readers for lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import apsw

from shortly.errors import InvalidSettings
from shortly.store.sqlite.changes import ChangeCounter
from shortly.store.sqlite.connection import connect, store_errors
from shortly.store.sqlite.writer import Writer

POINT_CACHE_KIB = 8 * 1024
"""Room for the inner pages of the trees; leaves of many links come from the kernel's cache, which is as quick and which
all workers share."""
POINT_BUSY_MS = 250
"""How long a point read may hold the event loop up while another process repairs the database after a crash."""
LIST_CACHE_KIB = 16 * 1024


class LinkFile:
    """Links, API keys and idempotency keys share it; opened and closed on one event loop."""

    writer: Writer
    reader: apsw.Connection
    """For point reads on the event loop: read-only, a few microseconds each, no thread."""
    cursor: apsw.Cursor
    """The reader's, for statements that are read to their end at once: making one for each costs time."""
    changes: ChangeCounter
    """The readers' opening of the change counter."""

    def __init__(self, path: Path, clicks: Path) -> None:
        """Take the paths of both databases; lists sorted by clicks read the other one, too."""
        self._path = path
        self._clicks = clicks
        self._changes_path = path.with_name("links.changes")
        self._idle: list[apsw.Connection] = []

    async def open(self, *, case_insensitive: bool) -> None:
        """Connect to a database that is migrated already.

        Raises:
            InvalidSettings: The database was made with the other treatment of upper and lower case.
            StoreUnavailable, StorageFull: It cannot be opened.
        """
        self.writer = Writer(self._path, self._changes_path)
        await self.writer.open()
        try:
            await self.writer.write(partial(_settle_case, case_insensitive=case_insensitive))
            self.reader = connect(self._path, readonly=True)
            self.reader.set_busy_timeout(POINT_BUSY_MS)
            self.reader.execute(f"PRAGMA cache_size = -{POINT_CACHE_KIB:d}")
            self.cursor = self.reader.cursor()
            with store_errors():
                self.changes = ChangeCounter(self._changes_path)
        except BaseException:
            await self.writer.finish()
            self.writer.close()
            raise

    async def close(self) -> None:
        """Finish writes under way and disconnect."""
        await self.writer.finish()
        self.changes.close()
        self.reader.close()
        while self._idle:
            self._idle.pop().close()
        self.writer.close()  # after the readers: a read-only connection that closes last leaves the WAL behind

    @contextmanager
    def listing(self) -> Iterator[apsw.Connection]:
        """Lend a connection to the calling thread, with the other database attached as ``clicks``.

        One snapshot of ``links.db`` for all statements of the block.
        """
        connection = self._idle.pop() if self._idle else self._connect_for_lists()
        with store_errors(connection):
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")
                self._idle.append(connection)

    def _connect_for_lists(self) -> apsw.Connection:
        connection = connect(self._path, readonly=True)
        with store_errors(connection):
            connection.execute(f"PRAGMA cache_size = -{LIST_CACHE_KIB:d}")
            connection.execute("ATTACH ? AS clicks", (str(self._clicks),))  # read-only, as the connection is
        return connection


def _settle_case(connection: apsw.Connection, *, case_insensitive: bool) -> None:
    """Keep the mode of the first start; another one would make links unreachable."""
    connection.execute(
        "INSERT INTO installation (id, case_insensitive) VALUES (1, ?) ON CONFLICT DO NOTHING", (case_insensitive,)
    )
    kept = connection.execute("SELECT case_insensitive FROM installation").get
    if bool(kept) != case_insensitive:
        raise InvalidSettings(
            f"CASE_INSENSITIVE_SLUGS: this installation was started with {str(bool(kept)).lower()}, "
            "which cannot be changed afterwards."
        )
