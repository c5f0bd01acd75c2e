"""Stores of every engine, empty and open, and further openings of the same data, as other processes have them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from tests.store.redis_servers import (
    redis_cluster,
    redis_managed,
    redis_sentinels,
    redis_server,
    session_redis_cluster,
    session_redis_managed,
    session_redis_sentinels,
    session_redis_server,
)

from shortly.redis_address import parse_address
from shortly.store import Store
from shortly.store.redis import RedisStore
from shortly.store.sqlite import SqliteStore

__all__ = [
    "redis_cluster",
    "redis_managed",
    "redis_sentinels",
    "redis_server",
    "session_redis_cluster",
    "session_redis_managed",
    "session_redis_sentinels",
    "session_redis_server",
]

OpenStore = Callable[..., Store]
"""Returns a store on the test's data, not yet opened; takes ``cache_links`` and ``case_insensitive``."""

SERVERS = {"redis": "redis_server", "redis-cluster": "redis_cluster"}
EVERY = {**SERVERS, "redis-sentinel": "redis_sentinels", "redis-managed": "redis_managed"}
STORES = EVERY if os.environ.get("SHORTLY_TEST_EVERY_REDIS") else SERVERS
"""Those that the contract is held to; all of them in `make test-redis`."""


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give reads of Redis more time than visitors do, for tests that are not about time."""
    monkeypatch.setattr("shortly.store.redis.client.READ_DEADLINE_S", 10.0)


@pytest.fixture(params=["sqlite", *(pytest.param(name, marks=pytest.mark.slow) for name in STORES)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Give the way to open the test's data, as often as wished."""
    if request.param == "sqlite":
        return partial(SqliteStore, tmp_path / "data")
    request.getfixturevalue("patience")
    return partial(RedisStore, parse_address(request.getfixturevalue(STORES[request.param]).url))


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    """Give an open, empty store."""
    async with open_store() as opened:
        yield opened
