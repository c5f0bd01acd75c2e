"""What ``doctor`` looks at where Redis keeps the data; looking makes nothing there."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from shortly.cli.checks import Check
from shortly.redis_address import Address
from shortly.settings import Settings
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.installation import memory_of
from shortly.store.redis.migrations import MIGRATIONS
from shortly.store.redis.schema import is_lost
from shortly.store.redis.server_checks import server_warnings

LAG_S = 60
"""Age of what the index has not been told from which on something is slow."""


async def check_redis(settings: Settings, address: Address) -> AsyncIterator[Check]:
    """Look at the servers: do they answer, are they safe, what is on them, and is the index up to date?"""
    client = Client(address, wait_fsync=settings.redis_wait_fsync, track=False)
    began = time.perf_counter()
    await client.open()
    try:
        names = ", ".join(sorted(name for name, _ in await client.ask_each("PING")))
        yield Check("redis", "ok", f"{names} answered in {(time.perf_counter() - began) * 1000:.0f} ms.")
        warnings = await server_warnings(client)
        for warning in warnings:
            yield Check("redis server", "warning", warning, "See docs/redis.md, 'Servers'.")
        if not warnings:
            yield Check("redis server", "ok", "Nothing about the servers is known to lose data.")
        async for check in check_keys(client, settings, address):
            yield check
    finally:
        await client.close()


async def check_keys(client: Client, settings: Settings, address: Address) -> AsyncIterator[Check]:
    """Look whether the data are there, which key schema they have, and how far the index is behind."""
    newest = len(MIGRATIONS) + 1
    if await is_lost(client, memory_of(address, settings.data_dir).id()):
        yield Check(
            "data",
            "problem",
            "The store has lost data that were there, all or some of them, or holds others; it may have been flushed.",
            "Restore a backup; or go on with what is there by 'shortly doctor --begin-anew'.",
        )
        return
    kept = await client.read("HGETALL", keys.SCHEMA)
    version = int(kept.get(b"version", 0))
    if not kept:
        yield Check("keys", "ok", "Are made at the first start.")
        return
    if version > newest:
        yield Check(
            "keys",
            "problem",
            f"Key schema {version} was written by a newer version; this one knows {newest}.",
            "Install the newer version, or restore the backup made before the upgrade.",
        )
        return
    yield Check("keys", "ok", f"Key schema {version}.")
    age_s = await index_lag_s(client)
    if age_s < LAG_S:
        yield Check("index", "ok", "Lists and searches are up to date.")
    else:
        yield Check(
            "index",
            "warning",
            f"Lists and searches have been behind for {age_s:.0f} s.",
            "Start 'shortly serve', which catches up; if that does not help, run 'shortly doctor --repair'.",
        )


async def index_lag_s(client: Client) -> float:
    """Return the age of the oldest edit that lists do not know, 0 when they know all."""
    positions = await client.read("HGETALL", keys.POSITIONS)
    oldest = await client.read_many(
        [
            ("XRANGE", keys.outbox(number), b"(" + positions.get(b"%d" % number, b"0-0"), "+", "COUNT", 1)
            for number in range(keys.PARTITIONS)
        ]
    )
    made_ms = [int(entries[0][0].partition(b"-")[0]) for entries in oldest if entries]
    return max(0.0, time.time() - min(made_ms) / 1000) if made_ms else 0.0
