"""Clicks in SQLite: counts, raw visits, and the journal positions that make folding exact.

One process folds; any number reads. The database is another file than that of the links, so folding never makes a
redirect wait.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar

import apsw

from shortly.clicks.fold import DAY_MS, HOUR_MS, MOMENT_MS
from shortly.clicks.store import TOP_DAYS, Batch, TopDay, Total, VisitPage, is_sum
from shortly.clicks.visit import Tally
from shortly.errors import StoreUnavailable
from shortly.store.sqlite.click_folding import fold_batches
from shortly.store.sqlite.click_rows import (
    link_prefix,
    numbers,
    query,
    read_days,
    read_hours,
    read_moments,
    read_sum,
    read_totals,
    read_visits,
    visit_id,
)
from shortly.store.sqlite.click_spans import forget_spans, links_without, make_span, missing_spans, read_tally
from shortly.store.sqlite.click_tops import read_days_of, read_top_days
from shortly.store.sqlite.connection import connect, store_errors

PRUNE_ROWS = 5_000
"""Rows deleted in one transaction, which takes some tens of milliseconds."""
SPAN_LINKS = 10
"""Links whose sums over a span are made in one transaction; likewise."""
FOLD_CACHE_KIB = 65_536
MOMENTS_HOURS = 3
"""How long clicks by the moment are kept."""
CHECKPOINT_PAGES = 16_384
"""Pages (of 4 KiB) that the write-ahead log may reach before they are copied to their places: a page that many batches
touch is copied once."""

Answer = TypeVar("Answer")


class ClickTables:
    """The ``ClickStore`` of SQLite, on a database that ``migrate(path, "clicks")`` has brought up to date.

    ``fold``, ``forget_segments`` and ``prune`` work on the calling event loop's thread, which is the drain's own;
    everything else in threads, one read at a time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: apsw.Connection | None = None
        self._reading = Lock()
        self._writer: apsw.Connection | None = None

    async def _open(self) -> None:
        self._reader = await asyncio.to_thread(connect, self._path, readonly=True)

    async def _close(self) -> None:
        await asyncio.to_thread(self._close_connections)

    def _close_connections(self) -> None:
        with self._reading:
            for connection in (self._reader, self._writer):  # a reader that closes last leaves the WAL behind
                if connection is not None:
                    connection.close()
            self._writer = self._reader = None

    # --- the drain's side ------------------------------------------------------------------------------------

    async def positions(self) -> Mapping[str, int]:
        """See ``FoldStore``."""
        return dict(await self._read(lambda reader: query(reader, "SELECT segment, position FROM positions")))

    async def fold(self, batches: Sequence[Batch]) -> None:
        """See ``FoldStore``."""
        with self._writing() as writer:
            fold_batches(writer, batches)

    async def forget_segments(self, segments: Sequence[str]) -> None:
        """See ``FoldStore``."""
        with self._writing() as writer:
            writer.executemany("DELETE FROM positions WHERE segment = ?", [(segment,) for segment in segments])

    async def prune(self, *, now_ms: int, visits_before_ms: int, gone_links: Sequence[int]) -> None:
        """See ``FoldStore``; lets other tasks of the loop run between its steps."""
        yesterday = now_ms // DAY_MS - 1
        await self._delete("DELETE FROM salts WHERE day IN (SELECT day FROM salts WHERE day < ? LIMIT ?)", yesterday)
        await self._delete(
            "DELETE FROM visitors WHERE (day, who) IN (SELECT day, who FROM visitors WHERE day < ? LIMIT ?)",
            yesterday,
        )
        await self._delete(
            "DELETE FROM visits WHERE id IN (SELECT id FROM visits WHERE id < ? LIMIT ?)", visit_id(visits_before_ms)
        )
        before = (now_ms - MOMENTS_HOURS * HOUR_MS) // MOMENT_MS
        await self._delete(
            "DELETE FROM moments WHERE (moment, link_id) IN "
            "(SELECT moment, link_id FROM moments WHERE moment < ? LIMIT ?)",
            before,
        )
        await self._delete(
            "DELETE FROM day_tops WHERE (day, link_id) IN (SELECT day, link_id FROM day_tops WHERE day < ? LIMIT ?)",
            now_ms // DAY_MS + 2 - TOP_DAYS,
        )
        for link_id in gone_links:
            if not is_sum(link_id):
                await self._forget_link(link_id)
        await self._make_spans(before_day=yesterday)

    async def _make_spans(self, *, before_day: int) -> None:
        """Add up spans of days that are over, and quarters of these days, for links with many clicks."""
        for span in await self._read(lambda reader: missing_spans(reader, before_day)):
            links = await self._read(partial(links_without, span=span))
            for start in range(0, len(links), SPAN_LINKS):
                with self._writing() as writer:
                    for link_id in links[start : start + SPAN_LINKS]:
                        make_span(writer, span, link_id)
                await asyncio.sleep(0)

    async def _forget_link(self, link_id: int) -> None:
        """Delete everything about a link, its hours before the day that tells where they are."""
        await self._delete("DELETE FROM visits WHERE id IN (SELECT id FROM visits WHERE link_id = ? LIMIT ?)", link_id)
        days = await self._read(lambda reader: list(read_days(reader, link_id, 0, 1 << 62, "link_id")))
        for day, _ in days:
            await self._delete(
                "DELETE FROM visitors WHERE (day, who) IN "
                "(SELECT day, who FROM visitors WHERE day = ? AND who BETWEEN ? AND ? LIMIT ?)",
                day,
                link_prefix(link_id),
                link_prefix(link_id) + b"\xff" * 8,
            )
            with self._writing() as writer:
                hours = numbers(range(day * 24, day * 24 + 24))
                writer.execute(
                    "DELETE FROM link_hours WHERE hour IN (SELECT value FROM carray(?)) AND link_id = ?",
                    (hours, link_id),
                )
                writer.execute("DELETE FROM link_days WHERE day = ? AND link_id = ?", (day, link_id))
                forget_spans(writer, [day], [link_id])
        with self._writing() as writer:
            writer.execute("DELETE FROM totals WHERE link_id = ?", (link_id,))

    async def _delete(self, sql: str, *values: int | bytes) -> None:
        """Repeat a deletion, whose last parameter is its limit, in transactions of its own until nothing is left."""
        deleted = PRUNE_ROWS
        while deleted >= PRUNE_ROWS:
            with self._writing() as writer:
                writer.execute(sql, (*values, PRUNE_ROWS))
                deleted = writer.changes()
            await asyncio.sleep(0)

    # --- the readers' side -----------------------------------------------------------------------------------

    async def salt(self, day: int) -> bytes:
        """See ``ClickStore``."""
        if row := await self._read(lambda reader: query(reader, "SELECT salt FROM salts WHERE day = ?", day)):
            return bytes(row[0][0])
        return await asyncio.to_thread(self._make_salt, day)

    def _make_salt(self, day: int) -> bytes:
        """Make the salt unless another process is quicker, and return the one that is kept."""
        with closing(connect(self._path)) as writer, store_errors(writer):
            fresh = secrets.token_bytes(16)
            writer.execute("INSERT INTO salts VALUES (?, ?) ON CONFLICT DO NOTHING", (day, fresh))
            return bytes(query(writer, "SELECT salt FROM salts WHERE day = ?", day)[0][0])

    async def totals(self, link_ids: Sequence[int]) -> dict[int, Total]:
        """See ``ClickStore``."""
        return await self._read(lambda reader: read_totals(reader, link_ids))

    async def hours(self, link_id: int, since_hour: int, until_hour: int) -> dict[int, Total]:
        """See ``ClickStore``."""
        return await self._read(lambda reader: read_hours(reader, link_id, since_hour, until_hour))

    async def clicks_between(self, link_id: int, since_hour: int, until_hour: int) -> Total:
        """See ``ClickStore``."""
        return await self._read(lambda reader: read_sum(reader, link_id, since_hour, until_hour))

    async def moments(self, sum_id: int, since_moment: int, until_moment: int) -> dict[int, Total]:
        """See ``ClickStore``."""
        return await self._read(lambda reader: read_moments(reader, sum_id, since_moment, until_moment))

    async def top_days(self, sum_id: int, since_day: int, until_day: int) -> dict[int, TopDay]:
        """See ``ClickStore``."""
        return await self._read(lambda reader: read_top_days(reader, sum_id, since_day, until_day))

    async def days_of(self, link_ids: Sequence[int], since_day: int, until_day: int) -> dict[int, Total]:
        """See ``ClickStore``."""
        return await self._read(lambda reader: read_days_of(reader, link_ids, since_day, until_day))

    async def visitors(self, link_id: int, since_day: int, until_day: int) -> dict[int, int]:
        """See ``ClickStore``."""
        days = await self._read(lambda reader: list(read_days(reader, link_id, since_day, until_day, "visitors")))
        return {day: visitors for day, visitors in days if visitors}

    async def tally(self, link_id: int, since_hour: int, until_hour: int) -> Tally:
        """See ``ClickStore``; the hours before the first whole day and after the last one are read one by one."""
        return await self._read(lambda reader: read_tally(reader, link_id, since_hour, until_hour))

    async def visits(
        self, link_id: int, *, since_ms: int, until_ms: int, limit: int, cursor: str | None = None
    ) -> VisitPage:
        """See ``ClickStore``."""
        return await self._read(lambda reader: read_visits(reader, link_id, since_ms, until_ms, limit, cursor))

    # --- connections -----------------------------------------------------------------------------------------

    async def _read(self, read: Callable[[apsw.Connection], Answer]) -> Answer:
        return await asyncio.to_thread(self._read_in_thread, read)

    def _read_in_thread(self, read: Callable[[apsw.Connection], Answer]) -> Answer:
        """Give ``read`` a connection that sees one state of the database and no later ones."""
        with self._reading:
            if self._reader is None:
                raise StoreUnavailable
            with store_errors(self._reader):
                self._reader.execute("BEGIN")
                try:
                    return read(self._reader)
                finally:
                    self._reader.execute("COMMIT")

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        """Give a connection inside a transaction that is committed at the end, or rolled back after an error."""
        if self._writer is None:
            self._writer = self._connect_writer()
        writer = self._writer
        with store_errors(writer):
            try:
                writer.execute("BEGIN IMMEDIATE")
                yield writer
                writer.execute("COMMIT")
            except BaseException:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
                raise

    def _connect_writer(self) -> apsw.Connection:
        writer = connect(self._path)
        writer.execute(f"PRAGMA cache_size = -{FOLD_CACHE_KIB}")
        writer.wal_autocheckpoint(CHECKPOINT_PAGES)
        return writer
