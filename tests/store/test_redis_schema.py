"""Steps of the key schema that the version before would not understand wait until an update is here to stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from tests.store.fold_program import fold_all
from tests.store.redis_servers import RedisServer

from shortly.errors import StoreTooNew
from shortly.redis_address import parse_address
from shortly.store.redis import RedisStore, keys
from shortly.store.redis.client import Client
from shortly.store.redis.migrations import DAYS_ARE_PACKED, MIGRATIONS, Migration
from shortly.store.redis.schema import settle_schema

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE = MIGRATIONS[: DAYS_ARE_PACKED - 2]


async def nothing(_: Client) -> None:
    """Change nothing."""


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[Client]:
    """Give a client of an installation that the version before packed days has started."""
    client = Client(parse_address(redis_server.url))
    await client.open()
    try:
        assert (await settle_schema(client, case_insensitive=False, migrations=BEFORE)).version == 2
        yield client
    finally:
        await client.close()


async def start(client: Client, at: datetime) -> int:
    """Start a process of this version at a moment; return the schema that the data have then."""
    with time_machine.travel(at, tick=False):
        return (await settle_schema(client, case_insensitive=False)).version


async def serve(redis_server: RedisServer, begin: datetime, hours: int) -> None:
    """Have a process of this version look after the store from a moment on, every half hour."""
    with time_machine.travel(begin, tick=False) as now:
        async with RedisStore(parse_address(redis_server.url)) as store:
            for _ in range(2 * hours):
                now.shift(HOUR / 2)
                await store.ping()


async def comes_back(client: Client) -> bool:
    """Say whether a process of the version before starts."""
    try:
        await settle_schema(client, case_insensitive=False, migrations=BEFORE)
    except StoreTooNew:
        return False
    return True


async def test_the_version_before_can_come_back_for_a_day(redis_server: RedisServer, client: Client) -> None:
    await serve(redis_server, NOON, 23)
    assert await start(client, NOON + 23 * HOUR) == 2
    assert await comes_back(client)
    await serve(redis_server, NOON + 23 * HOUR, 2)
    assert await start(client, NOON + 25 * HOUR) == 3
    assert not await comes_back(client)


async def test_a_version_that_was_only_tried_counts_for_nothing(client: Client) -> None:
    assert await start(client, NOON) == 2  # where no visitor comes; it is refused
    week = NOON + timedelta(days=7)
    assert await start(client, week) == 2
    assert await start(client, week + HOUR / 2) == 2
    assert await comes_back(client)


async def test_a_new_installation_waits_for_nothing(redis_server: RedisServer) -> None:
    async with RedisStore(parse_address(redis_server.url)) as store:
        assert store.packs_days
    assert redis_server.command("HGET", keys.SCHEMA, "version") == str(len(MIGRATIONS) + 1)


async def test_steps_behind_one_that_waits_wait_with_it(client: Client) -> None:
    steps = (*BEFORE, Migration("waits", nothing, wait=HOUR), Migration("is next", nothing))
    assert (await settle_schema(client, case_insensitive=False, migrations=steps)).version == 2


async def test_days_are_packed_from_the_step_on(redis_server: RedisServer, client: Client) -> None:
    async with RedisStore(parse_address(redis_server.url)) as store:
        await fold_all(store, {"one/0": 50}, 50)
    assert redis_server.command("KEYS", "f:{*") == []
    assert redis_server.command("KEYS", "c:{*") != []
    redis_server.command("HSET", keys.SCHEMA, "version", DAYS_ARE_PACKED)
    async with RedisStore(parse_address(redis_server.url)) as store:
        await fold_all(store, {"two/0": 50}, 50)
    assert redis_server.command("KEYS", "f:{*") != []
