"""A redirect over a real store, for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.redirect.front import Front

from shortly.store import Store
from shortly.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Open an empty store."""
    async with SqliteStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def front(store: Store, tmp_path: Path) -> Iterator[Front]:
    """Open a redirect with the default settings."""
    made = Front(store, tmp_path)
    yield made
    made.close()
