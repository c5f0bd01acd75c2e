"""What a move has to copy and services never see: all records, clicks taken, and counts as they are kept."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from msgspec import Struct

from shortly.accounts.records import Record
from shortly.clicks.store import Total
from shortly.clicks.visit import Tally
from shortly.store.opening import Place

if TYPE_CHECKING:
    from shortly.settings import Settings


class DayCounts(Struct, kw_only=True):
    """One link's counts of one day."""

    link_id: int
    """Or what stands for a sum, see ``every_link``."""
    day: int
    tally: Tally
    visitors: int
    hours: dict[int, Tally]
    """Hour of the day, 0 to 23 -> its counts; without those in which nobody came."""


class KeptAnswer(Struct, frozen=True, kw_only=True):
    """An answer that is kept for the one who repeats a request."""

    name: str
    """See ``idempotency_name``."""
    claimed_at_ms: int
    fingerprint: bytes
    status: int
    headers: bytes
    """A JSON object."""
    body: bytes


class Ledger(AbstractAsyncContextManager["Ledger"], Protocol):
    """Opened beside the store that brought the data up to date. Writes set values and add nothing, so that they may be
    repeated; nobody may be counting clicks into the store that they are written to."""

    async def __aenter__(self) -> Self:
        """Connect."""

    def records(self, now: datetime) -> AsyncIterator[list[Record]]:
        """Yield all living records by kind and id, some hundred at once."""

    async def taken(self) -> dict[int, int]:
        """Return how many of its ``max_clicks`` each link has used up."""

    async def put_taken(self, taken: Mapping[int, int]) -> None:
        """Set them."""

    def answers(self, now: datetime) -> AsyncIterator[list[KeptAnswer]]:
        """Yield all answers under idempotency keys that are still good, in any order."""

    async def put_answers(self, answers: Sequence[KeptAnswer]) -> None:
        """Set them."""

    async def salts(self) -> dict[int, bytes]:
        """Return the keys of the visitor hashes by day, those of yesterday, today and tomorrow that there are."""

    async def put_salts(self, salts: Mapping[int, bytes]) -> None:
        """Set them."""

    async def sums(self) -> list[int]:
        """Return what stands for the sums of all workspaces that have counts, see ``every_link``."""

    def days(self, link_ids: Sequence[int]) -> AsyncIterator[list[DayCounts]]:
        """Yield all counts of these links, some hundred days at once, in any order."""

    async def put_days(self, days: Sequence[DayCounts]) -> None:
        """Set the counts of these days and their hours."""

    async def put_top(self, sum_id: int, day: int, clicks: Mapping[int, int]) -> None:
        """Set the human clicks of a day's most clicked links, see ``ClickStore.top_days``."""

    async def put_totals(self, totals: Mapping[int, Total]) -> None:
        """Set all-time totals."""


def today() -> int:
    """Return the day that it is, UTC."""
    return int(time.time()) // 86_400


def open_ledger(place: Place, settings: Settings) -> Ledger:
    """Return the ledger of a place, not yet opened."""
    if isinstance(place, Path):
        from shortly.store.migration.sqlite_ledger import SqliteLedger

        return SqliteLedger(place)
    from shortly.store.migration.redis_ledger import RedisLedger
    from shortly.store.redis.client import Client

    client = Client(
        place,
        wait_replicas=settings.redis_wait_replicas,
        wait_ms=settings.redis_wait_ms,
        wait_fsync=settings.redis_wait_fsync,
        track=False,
    )
    return RedisLedger(client)
