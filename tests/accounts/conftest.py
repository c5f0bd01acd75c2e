"""Real stores; two teams on one store's data are two processes of one installation."""

from collections.abc import AsyncIterator

import pytest
from tests.accounts.teams import Clock, Team
from tests.store.conftest import OpenStore, open_store, patience
from tests.store.redis_servers import (
    redis_cluster,
    redis_server,
    session_redis_cluster,
    session_redis_server,
)

__all__ = [
    "open_store",
    "patience",
    "redis_cluster",
    "redis_server",
    "session_redis_cluster",
    "session_redis_server",
]


@pytest.fixture
def clock() -> Clock:
    """Stop the time."""
    return Clock()


@pytest.fixture
async def team(open_store: OpenStore, clock: Clock) -> AsyncIterator[Team]:
    """Open one process's services."""
    async with open_store() as store:
        yield Team(store, clock)


@pytest.fixture
async def other(team: Team, open_store: OpenStore, clock: Clock) -> AsyncIterator[Team]:
    """Open those of a second process."""
    async with open_store() as store:
        yield Team(store, clock)
