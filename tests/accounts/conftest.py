"""Real stores; two teams on one file are two processes of one installation."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.accounts.teams import Clock, Team

from shortly.store.sqlite import SqliteStore


@pytest.fixture
def clock() -> Clock:
    """Stop the time."""
    return Clock()


@pytest.fixture
async def team(tmp_path: Path, clock: Clock) -> AsyncIterator[Team]:
    """Open one process's services."""
    async with SqliteStore(tmp_path) as store:
        yield Team(store, clock)


@pytest.fixture
async def other(team: Team, tmp_path: Path, clock: Clock) -> AsyncIterator[Team]:
    """Open those of a second process."""
    async with SqliteStore(tmp_path) as store:
        yield Team(store, clock)
