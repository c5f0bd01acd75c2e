"""Stores of every engine, empty and open, and further openings of the same data, as other processes have them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shortly.store import Store
from shortly.store.sqlite import SqliteStore

OpenStore = Callable[..., Store]
"""Returns a store on the test's data, not yet opened; takes ``cache_links`` and ``case_insensitive``."""


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Give the way to open the test's data, as often as wished."""
    engines: dict[str, OpenStore] = {"sqlite": lambda **options: SqliteStore(tmp_path / "data", **options)}
    return engines[request.param]


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    """Give an open, empty store."""
    async with open_store() as opened:
        yield opened
