"""A store with clicks folded in, and the statistics service over it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from shortly.clicks.store import Batch, ClickStore
from shortly.clicks.visit import Visit
from shortly.stats.service import StatsService
from shortly.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 23, 12, 34, tzinfo=UTC)
"""A Monday."""

Fold = Callable[[Iterable[Visit]], Awaitable[None]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ClickStore]:
    async with SqliteStore(tmp_path) as store:
        yield store


@pytest.fixture
def fold(store: ClickStore) -> Fold:
    """Add visits to the counts."""
    segments = count()

    async def add(visits: Iterable[Visit]) -> None:
        some = list(enumerate(visits, start=1))
        await store.fold([Batch(segment=f"s{next(segments)}", start=0, end=len(some), visits=some)])

    return add


@pytest.fixture
def stats(store: ClickStore) -> StatsService:
    return StatsService(store, lambda: NOW)
