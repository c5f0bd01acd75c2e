"""API keys that were made before they became records go on working."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from msgspec import structs
from tests.store.redis_servers import RedisServer

from shortly.accounts.access import EVERYWHERE, OPERATOR, RUNNING
from shortly.accounts.audit import Audit
from shortly.accounts.keys import Key, KeyService, draw_key
from shortly.accounts.registry import Registry
from shortly.errors import KeyNameTaken, Unauthenticated
from shortly.redis_address import parse_address
from shortly.store import Store
from shortly.store.redis import RedisStore
from shortly.store.redis.client import Client
from shortly.store.redis.migrations import DAYS_ARE_PACKED, keys_become_records
from shortly.store.sqlite import SqliteStore
from shortly.store.sqlite.connection import connect
from shortly.store.sqlite.migrate import migrate, migrations_of

pytestmark = pytest.mark.anyio

MADE, USED, REVOKED = (datetime(2026, 10, day, 7, 8, 9, 12_000, tzinfo=UTC) for day in (1, 2, 30))
NOW = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = ("laptop", 'quoted "name" \\ ключ 🔑', "gone")
SECRETS = [draw_key() for _ in NAMES]
BEFORE = 3
"""The last migration of links.db before."""


def ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def old_keys() -> list[tuple[Any, ...]]:
    """Return id, name, hint, digest, creation, last use and revocation."""
    uses, ends = (ms(USED), None, None), (None, None, ms(REVOKED))
    return [
        (n + 3, NAMES[n], SECRETS[n][:8], sha256(SECRETS[n].encode()).digest(), ms(MADE), uses[n], ends[n])
        for n in range(3)
    ]


async def check(store: Store) -> None:
    registry = Registry(store, lambda: NOW)
    keys = KeyService(registry, Audit(registry, timedelta(days=1)))
    listed = await keys.list_keys(OPERATOR)
    assert [(key.id, key.name, key.created_at, key.last_used_at, key.revoked_at) for key in listed] == [
        (3, NAMES[0], MADE, USED, None),
        (4, NAMES[1], MADE, None, None),
        (5, NAMES[2], MADE, None, REVOKED),
    ]
    for key, secret in zip(listed[:2], SECRETS, strict=False):
        caller = await keys.authenticate(secret)
        assert (caller.actor, caller.workspace_id) == (f"key:{key.id}", 1)
        assert caller.permissions == RUNNING | EVERYWHERE
        with pytest.raises(KeyNameTaken):
            await keys.create(OPERATOR, key.name)
    with pytest.raises(Unauthenticated):
        await keys.authenticate(SECRETS[2])
    await keys.create(OPERATOR, "gone")
    await keys.revoke(OPERATOR, 3)
    with pytest.raises(Unauthenticated):
        await keys.authenticate(SECRETS[0])
    later = Registry(store, lambda: REVOKED + timedelta(days=90))
    assert await later.get(Key, 5) is None


async def test_keys_in_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "links.db"
    migrate(path, "links", steps=migrations_of("links")[:BEFORE])
    with closing(connect(path)) as connection:
        connection.executemany(
            "INSERT INTO api_keys (id, name, hint, digest, created_at, last_used_at, revoked_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            old_keys(),
        )
    async with SqliteStore(tmp_path) as store:
        await check(store)
        plain = await store.get_record("key", 4, NOW)
        assert plain is not None
        key = Key.of(plain)
        again = key.record()
        assert (plain.names, plain.groups, plain.expires_at) == (again.names, again.groups, again.expires_at)


def fill(server: RedisServer) -> None:
    with redis.Redis(host="127.0.0.1", port=server.port, password=server.password) as client:
        client.hset("schema:{meta}", mapping={"version": 1, "case_insensitive": 0, "made_at": 1})
        for key_id, name, hint, digest, made, used, revoked in old_keys():
            client.hset("k:{acct}:keys", str(key_id), msgspec.msgpack.encode([name, hint, digest, made, None, None]))
            if used:
                client.hset("k:{acct}:used", str(key_id), used)
            if revoked:
                client.hset("k:{acct}:revoked", str(key_id), revoked)


@pytest.mark.slow
async def test_keys_in_redis(redis_server: RedisServer) -> None:
    fill(redis_server)
    address = parse_address(redis_server.url)

    async def start() -> None:
        async with RedisStore(address):
            pass

    await asyncio.gather(*(start() for _ in range(4)))  # all replicas at once
    assert redis_server.command("HGET", "schema:{meta}", "version") == str(DAYS_ARE_PACKED - 1)  # that step waits
    async with RedisStore(address) as store:
        await check(store)


@pytest.mark.slow
async def test_the_step_may_run_again_after_keys_were_changed(redis_server: RedisServer) -> None:
    fill(redis_server)
    address = parse_address(redis_server.url)
    client = Client(address)
    async with RedisStore(address) as store:
        registry = Registry(store, lambda: NOW)
        keys = KeyService(registry, Audit(registry, timedelta(days=1)))
        await keys.revoke(OPERATOR, 3)
        before = [structs.replace(key, last_used_at=None) for key in await keys.list_keys(OPERATOR)]
        await client.open()
        try:
            await keys_become_records(client)
        finally:
            await client.close()
        assert [structs.replace(key, last_used_at=None) for key in await keys.list_keys(OPERATOR)] == before
        with pytest.raises(Unauthenticated):
            await keys.authenticate(SECRETS[0])
