"""The link service over a real store, with a clock that the test winds."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.links.clock import Clock

from shortly.links.domains import Domains
from shortly.links.service import LinkService
from shortly.links.slug import SlugRules
from shortly.links.target import TargetRules
from shortly.store.sqlite import SqliteStore


@pytest.fixture
def clock() -> Clock:
    """Stand at a fixed moment."""
    return Clock(datetime(2026, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC), timedelta(seconds=1))


@pytest.fixture
async def links(tmp_path: Path, clock: Clock) -> AsyncIterator[LinkService]:
    """Open a service over an empty store."""
    async with SqliteStore(tmp_path) as store:
        yield LinkService(
            store,
            slugs=SlugRules(),
            targets=TargetRules(own_hosts=["sho.rt"]),
            domains=Domains("sho.rt", ["go.example"]),
            clock=clock,
        )
