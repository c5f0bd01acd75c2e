"""Which version of the key schema the data have, whose data they are, and what the installation was started with."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog

from shortly.errors import InvalidSettings, ShortlyError, StoreEmptied, StoreTooNew
from shortly.store.redis.client import Client
from shortly.store.redis.keys import MARKS, SCHEMA
from shortly.store.redis.migrations import MIGRATIONS, Migration
from shortly.store.redis.scripts import Script

log = structlog.get_logger(__name__)

SETTLE_SCHEMA = Script("settle_schema")
MOVE_SCHEMA = Script("move_schema")
AWAIT_SCHEMA = Script("await_schema")
MARK = Script("mark")
NOTE_MARKED = Script("note_marked")
BEGIN_ANEW = Script("begin_anew")
LAPSE = timedelta(hours=1)
"""A version that was away for so long has not been serving: it was tried, or taken back."""


class Settled(NamedTuple):
    """What a process has opened."""

    id: str
    """The installation's."""
    version: int
    """The data's; lower than what this process knows while a step waits."""


async def settle_schema(
    client: Client,
    *,
    case_insensitive: bool,
    migrations: Sequence[Migration] = MIGRATIONS,
    known_id: str | None = None,
) -> Settled:
    """Write the schema's version down at the first start, bring older data up to date, and return whose they are.

    A step that waits (see ``Migration.wait``) is made by the first process that starts when this version has been
    serving for so long.

    Args:
        client: Is open.
        case_insensitive: What the settings say about slugs.
        migrations: Steps to this version's schema.
        known_id: The id that this node has met here before; None: it has never been here.

    Raises:
        StoreEmptied: Data that were here are gone, all or some, or others are here in their place.
        StoreTooNew: A newer version of Shortly wrote the data.
        InvalidSettings: The installation was started with the other treatment of upper and lower case.
    """
    newest = len(migrations) + 1
    marks = set(await client.texts(MARKS)) - {None}  # before the schema, which is written before them
    fresh = known_id is None and not marks
    args = (newest, int(case_insensitive), _now_ms(), known_id or secrets.token_hex(16), int(not fresh))
    before, kept, id_, marked = await client.run_durably(SETTLE_SCHEMA, [SCHEMA], args)
    if not before and not fresh:
        raise StoreEmptied
    if before > newest:
        raise StoreTooNew("Redis", before, newest)
    if known_id is not None and id_.decode() != known_id:
        raise StoreEmptied
    if bool(int(kept)) != case_insensitive:
        raise InvalidSettings(
            f"CASE_INSENSITIVE_SLUGS: this installation was started with {str(bool(int(kept))).lower()}, "
            "which cannot be changed afterwards."
        )
    if not int(marked):
        await _mark(client, id_)
    elif not await is_marked(client, id_):
        raise StoreEmptied
    version = before or newest
    while version < newest:
        migration = migrations[version - 1]
        if migration.wait and not await _has_served(client, newest, migration.wait):
            log.info("the store is migrated later: until then the version before can come back", name=migration.name)
            break
        await migration.make(client)
        version += 1
        if await client.run_durably(MOVE_SCHEMA, [SCHEMA], [version - 1, version]):
            log.info("the store was migrated", to_schema=version)
    return Settled(str(id_.decode()), version)


async def begin_anew(client: Client, *, case_insensitive: bool, known_id: str | None) -> str:
    """Take what the servers have, be it nothing, for all that there is; return the installation's id.

    Raises:
        StoreUnavailable: The servers do not answer.
    """
    args = (len(MIGRATIONS) + 1, int(case_insensitive), _now_ms(), known_id or secrets.token_hex(16))
    id_ = await client.run_durably(BEGIN_ANEW, [SCHEMA], args)
    await _mark(client, id_)
    return str(id_.decode())


async def is_lost(client: Client, known_id: str | None) -> bool:
    """Return whether data that were there are gone, all or some, or others are in their place; changes nothing.

    Raises:
        StoreUnavailable: Not all of them can be read.
    """
    marks = set(await client.texts(MARKS))
    id_, marked = await client.read("HMGET", SCHEMA, "id", "marked")
    if id_ is None:
        return known_id is not None or marks != {None}
    return bool((known_id is not None and id_.decode() != known_id) or (marked and marks != {id_}))


async def is_marked(client: Client, id_: bytes) -> bool:
    """Return whether every partition holds this installation's data.

    Raises:
        StoreUnavailable: Not all of them can be read.
    """
    return set(await client.texts(MARKS)) == {id_}


async def _has_served(client: Client, newest: int, wait: timedelta) -> bool:
    """Return whether processes that know this schema have been serving for that long, without a gap."""
    now = _now_ms()
    since = await client.run_durably(AWAIT_SCHEMA, [SCHEMA], [newest, now, LAPSE // timedelta(milliseconds=1)])
    return bool(now - int(since) >= wait // timedelta(milliseconds=1))


async def _mark(client: Client, id_: bytes) -> None:
    for outcome in await client.run_many([(MARK, [mark], [id_]) for mark in MARKS], durable=True):
        if isinstance(outcome, ShortlyError):
            raise outcome
    await client.run_durably(NOTE_MARKED, [SCHEMA], [id_])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
