"""The ledger of the embedded store; works on the calling thread, in short steps."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import apsw

from shortly.accounts.records import Record
from shortly.clicks.fold import sum_of
from shortly.clicks.store import EVERY_LINK, Total
from shortly.clicks.visit import Tally
from shortly.store.migration.ledger import DayCounts, KeptAnswer, today
from shortly.store.moments import to_ms
from shortly.store.sqlite.account_records import record_of
from shortly.store.sqlite.click_rows import numbers, pack, query, tally_in, unpack_hours
from shortly.store.sqlite.click_tops import put_top
from shortly.store.sqlite.connection import connect, store_errors
from shortly.store.sqlite.idempotency import ANSWER_MS

ROWS = 500

SELECT_RECORDS = """
SELECT kind, id, version, expires_at, names, groups, body FROM records
WHERE (kind, id) > (?, ?) ORDER BY kind, id LIMIT ?
"""
SELECT_ANSWERS = """
SELECT key, fingerprint, claimed_at, status, headers, body FROM idempotency
WHERE key > ? AND claimed_at > ? AND status > 0 ORDER BY key LIMIT ?
"""
INSERT_ANSWER = """
INSERT OR REPLACE INTO idempotency (key, fingerprint, claimed_at, status, headers, body) VALUES (?, ?, ?, ?, ?, ?)
"""
SELECT_DAYS = """
SELECT day, link_id, clicks, bots, visitors, hours, dimensions FROM link_days
WHERE (day, link_id) > (?, ?) ORDER BY day, link_id LIMIT ?
"""
SELECT_HOURS = """
SELECT hour, link_id, clicks, bots, dimensions FROM carray(?) AS wanted
CROSS JOIN link_hours ON hour = wanted.value AND link_id IN (SELECT value FROM carray(?))
"""


class SqliteLedger:
    """The ``Ledger`` of a data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._links: apsw.Connection
        self._clicks: apsw.Connection

    async def __aenter__(self) -> Self:
        """Connect."""
        self._links = connect(self._folder / "links.db")
        self._clicks = connect(self._folder / "clicks.db")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        self._links.close()
        self._clicks.close()

    async def records(self, now: datetime) -> AsyncIterator[list[Record]]:
        """See ``Ledger``."""
        last: tuple[str, int] = ("", 0)
        while True:
            with store_errors(self._links):
                found = [record_of(row) for row in query(self._links, SELECT_RECORDS, *last, ROWS)]
            if not found:
                return
            last = found[-1].kind, found[-1].id
            yield [record for record in found if record.expires_at is None or record.expires_at > now]
            await asyncio.sleep(0)

    async def taken(self) -> dict[int, int]:
        """See ``Ledger``."""
        with store_errors(self._links):
            return dict(query(self._links, "SELECT link_id, taken FROM taken_clicks"))

    async def put_taken(self, taken: Mapping[int, int]) -> None:
        """See ``Ledger``."""
        with store_errors(self._links), self._links:
            self._links.executemany("INSERT OR REPLACE INTO taken_clicks VALUES (?, ?)", list(taken.items()))

    async def answers(self, now: datetime) -> AsyncIterator[list[KeptAnswer]]:
        """See ``Ledger``."""
        last = ""
        while True:
            with store_errors(self._links):
                rows = query(self._links, SELECT_ANSWERS, last, to_ms(now) - ANSWER_MS, ROWS)
            if not rows:
                return
            last = rows[-1][0]
            yield [
                KeptAnswer(
                    name=name,
                    claimed_at_ms=claimed_at,
                    fingerprint=fingerprint,
                    status=status,
                    headers=(headers or "{}").encode(),
                    body=body or b"",
                )
                for name, fingerprint, claimed_at, status, headers, body in rows
            ]
            await asyncio.sleep(0)

    async def put_answers(self, answers: Sequence[KeptAnswer]) -> None:
        """See ``Ledger``."""
        rows = [
            (item.name, item.fingerprint, item.claimed_at_ms, item.status, item.headers.decode(), item.body)
            for item in answers
        ]
        with store_errors(self._links), self._links:
            self._links.executemany(INSERT_ANSWER, rows)

    async def salts(self) -> dict[int, bytes]:
        """See ``Ledger``."""
        with store_errors(self._clicks):
            return dict(query(self._clicks, "SELECT day, salt FROM salts WHERE day >= ?", today() - 1))

    async def put_salts(self, salts: Mapping[int, bytes]) -> None:
        """See ``Ledger``."""
        with store_errors(self._clicks), self._clicks:
            self._clicks.executemany("INSERT OR REPLACE INTO salts VALUES (?, ?)", list(salts.items()))

    async def sums(self) -> list[int]:
        """See ``Ledger``."""
        with store_errors(self._clicks):
            sql = "SELECT DISTINCT link_id FROM link_days WHERE link_id <= ? ORDER BY link_id"
            return [sum_id for (sum_id,) in query(self._clicks, sql, EVERY_LINK)]

    async def days(self, link_ids: Sequence[int]) -> AsyncIterator[list[DayCounts]]:
        """See ``Ledger``; in the order of the table."""
        wanted = set(link_ids)
        last = (-1, -1)
        while True:
            with store_errors(self._clicks):
                rows = query(self._clicks, SELECT_DAYS, *last, ROWS)
                if not rows:
                    return
                found = {row[:2]: _day_in(*row) for row in rows if row[1] in wanted}
                self._add_hours(found)
            last = rows[-1][:2]
            yield list(found.values())
            await asyncio.sleep(0)

    def _add_hours(self, found: Mapping[tuple[int, int], DayCounts]) -> None:
        links: defaultdict[int, list[int]] = defaultdict(list)
        for day, link_id in found:
            links[day].append(link_id)
        for day, link_ids in links.items():
            hours = numbers(range(day * 24, day * 24 + 24))
            for hour, link_id, *row in query(self._clicks, SELECT_HOURS, hours, numbers(link_ids)):
                found[day, link_id].hours[hour % 24] = tally_in(*row)

    async def put_days(self, days: Sequence[DayCounts]) -> None:
        """See ``Ledger``."""
        hour_rows = [
            (day.day * 24 + hour, day.link_id, *_columns(tally)) for day in days for hour, tally in day.hours.items()
        ]
        day_rows = [
            (
                day.day,
                day.link_id,
                day.tally.clicks,
                day.tally.bots,
                day.visitors,
                pack({hour: Tally(tally.clicks, tally.bots) for hour, tally in day.hours.items() if tally.clicks}),
                pack(day.tally.dimensions),
            )
            for day in days
        ]
        with store_errors(self._clicks), self._clicks:
            self._clicks.execute("DELETE FROM link_spans")  # they only save adding days up
            self._clicks.executemany("INSERT OR REPLACE INTO link_hours VALUES (?, ?, ?, ?, ?)", hour_rows)
            self._clicks.executemany("INSERT OR REPLACE INTO link_days VALUES (?, ?, ?, ?, ?, ?, ?)", day_rows)

    async def put_top(self, sum_id: int, day: int, clicks: Mapping[int, int]) -> None:
        """See ``Ledger``."""
        with store_errors(self._clicks), self._clicks:
            put_top(self._clicks, day, sum_id, clicks)

    async def put_totals(self, totals: Mapping[int, Total]) -> None:
        """See ``Ledger``."""
        rows = [(link_id, total.clicks, total.bots) for link_id, total in totals.items()]
        with store_errors(self._clicks), self._clicks:
            self._clicks.executemany("INSERT OR REPLACE INTO totals VALUES (?, ?, ?)", rows)


def _day_in(
    day: int, link_id: int, clicks: int, bots: int, visitors: int, hours: bytes, dimensions: bytes | None
) -> DayCounts:
    """Return the day in a row; the hours of a day with many clicks have rows of their own."""
    if dimensions is not None:
        tally = tally_in(clicks, bots, dimensions)
        return DayCounts(link_id=link_id, day=day, tally=tally, visitors=visitors, hours={})
    few = unpack_hours(hours)
    return DayCounts(link_id=link_id, day=day, tally=sum_of(few.values()), visitors=visitors, hours=few)


def _columns(tally: Tally) -> tuple[int, int, bytes]:
    return tally.clicks, tally.bots, pack(tally.dimensions)
