"""Which version of the key schema the data have, and what the installation was started with."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog

from shortly.errors import InvalidSettings, StoreTooNew, StoreUnavailable
from shortly.store.redis.client import Client
from shortly.store.redis.keys import SCHEMA
from shortly.store.redis.migrations import MIGRATIONS, Migration
from shortly.store.redis.scripts import Script

log = structlog.get_logger(__name__)

SETTLE_SCHEMA = Script("settle_schema")
MOVE_SCHEMA = Script("move_schema")
PING = Script("ping")


async def settle_schema(
    client: Client, *, case_insensitive: bool, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Write the schema's version down at the first start, and bring older data up to date.

    Raises:
        StoreTooNew: A newer version of Shortly wrote the data.
        InvalidSettings: The installation was started with the other treatment of upper and lower case.
    """
    newest = len(migrations) + 1
    now_ms = time.time_ns() // 1_000_000
    before, kept = await client.run_durably(SETTLE_SCHEMA, [SCHEMA], [newest, int(case_insensitive), now_ms])
    if before > newest:
        raise StoreTooNew("Redis", before, newest)
    if bool(int(kept)) != case_insensitive:
        raise InvalidSettings(
            f"CASE_INSENSITIVE_SLUGS: this installation was started with {str(bool(int(kept))).lower()}, "
            "which cannot be changed afterwards."
        )
    for version in range(before, newest) if before else ():
        await migrations[version - 1].make(client)
        if await client.run_durably(MOVE_SCHEMA, [SCHEMA], [version, version + 1]):
            log.info("the store was migrated", to_schema=version + 1)


async def ping(client: Client) -> None:
    """Write, and look whether the installation's data are still there.

    Raises:
        StoreUnavailable: They are not, or nothing can be written.
    """
    if not await client.run(PING, [SCHEMA], [time.time_ns() // 1_000_000]):
        log.error("the store is empty: was it flushed? Restore a backup, or restart Shortly to begin anew")
        raise StoreUnavailable("The store has lost its data; see the log.")
