"""The embedded engine: links and accounts in ``links.db``, clicks in ``clicks.db``; neither waits for the other."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import apsw

from shortly.errors import StoreUnavailable
from shortly.store.sqlite.account_records import RecordTables
from shortly.store.sqlite.clicks import ClickTables
from shortly.store.sqlite.connection import store_errors
from shortly.store.sqlite.idempotency import IdempotencyTable
from shortly.store.sqlite.link_file import LinkFile
from shortly.store.sqlite.links import LinkTables
from shortly.store.sqlite.migrate import migrate

if TYPE_CHECKING:
    from shortly.store import Store

PING_TIMEOUT_S = 5


class SqliteStore(LinkTables, RecordTables, IdempotencyTable, ClickTables):
    """Both databases of a data folder; any number of processes may have them open at once."""

    def __init__(self, data_dir: Path, *, cache_links: int = 100_000, case_insensitive: bool = False) -> None:
        """Take the folder, which opening makes (mode 0700) where it is missing, and two settings of the same names."""
        self._data_dir = data_dir
        self._links_path = data_dir / "links.db"
        self._clicks_path = data_dir / "clicks.db"
        self._file = LinkFile(self._links_path, self._clicks_path)
        LinkTables.__init__(self, self._file, cache_links=cache_links, case_insensitive=case_insensitive)
        RecordTables.__init__(self, self._file)
        IdempotencyTable.__init__(self, self._file)
        ClickTables.__init__(self, self._clicks_path)

    async def __aenter__(self) -> Self:
        """Open, see ``Store``.

        Raises:
            InvalidSettings: The installation was started with the other treatment of upper and lower case.
        """
        await asyncio.to_thread(self._prepare)
        await self._file.open(case_insensitive=self._case_insensitive)
        try:
            await self._open()
        except BaseException:
            await self._file.close()
            raise
        self._open_links()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish writes under way and close."""
        self._close_links()
        try:
            await self._file.close()  # first: its lists read the other database, too
        finally:
            await self._close()

    async def ping(self) -> None:
        """See ``Store``; writes one row, and waits for the disk no longer than ``PING_TIMEOUT_S``."""
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self._file.writer.write(partial(_beat, now_ms=time.time_ns() // 1_000_000))
        except TimeoutError:
            raise StoreUnavailable from None
        with store_errors(self._file.reader):
            self._file.reader.execute("SELECT at FROM heartbeat").fetchall()

    async def warnings(self) -> list[str]:
        """See ``Store``: nothing, as it keeps its files itself."""
        return []

    def _prepare(self) -> None:
        with store_errors():
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        migrate(self._links_path, "links")
        migrate(self._clicks_path, "clicks")


def _beat(connection: apsw.Connection, *, now_ms: int) -> None:
    connection.execute("INSERT OR REPLACE INTO heartbeat (id, at) VALUES (1, ?)", (now_ms,))


if TYPE_CHECKING:
    _: Store = SqliteStore(Path())  # the engine keeps the whole contract; mypy proves it here
