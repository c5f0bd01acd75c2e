"""The steps of the key schema. Each is made while processes of the version before may serve, and may run twice.

What they write is spelled out here and not taken from the classes of today, which will change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

import msgspec
from msgspec import Struct

from shortly.accounts.records import Add, Record
from shortly.errors import NameTaken, RecordChanged
from shortly.store.moments import from_ms
from shortly.store.redis.account_records import RedisRecords
from shortly.store.redis.client import Client


class Migration(NamedTuple):
    """One step of the schema."""

    name: str
    make: Callable[[Client], Awaitable[None]]
    wait: timedelta = timedelta(0)
    """How long this version serves before the step is made: until then an update can be taken back. Nothing for a step
    that the version before understands, which goes on running and starting afterwards only if it knows the number."""


class OldKey(Struct, frozen=True, array_like=True):
    """An API key as it was kept in schema 1."""

    name: str
    hint: str
    digest: bytes
    created_at: int
    last_used_at: int | None
    revoked_at: int | None


_decode = msgspec.msgpack.Decoder(OldKey).decode
KEPT_AFTER = timedelta(days=90)


async def keys_become_records(client: Client) -> None:
    """Copy API keys to records, each with its id and all that it could do; a key that was copied is left as it is.

    The old ones stay where processes of the version before look for them. What those revoke while both versions run
    has to be revoked again.
    """
    old, uses, revocations = await client.read_many(
        [("HGETALL", "k:{acct}:keys"), ("HGETALL", "k:{acct}:used"), ("HGETALL", "k:{acct}:revoked")]
    )
    records = RedisRecords(client)
    for key_id, value in sorted(old.items(), key=lambda item: int(item[0])):
        used, revoked = uses.get(key_id), revocations.get(key_id)
        key = _decode(value)
        for name in (key.name, f"{key.name} {int(key_id)}"):  # a newer process may have given the name away meanwhile
            with suppress(NameTaken, RecordChanged):
                record = _record_of(int(key_id), key, name, int(used or 0), int(revoked or 0))
                await records.write_records([Add(record)], from_ms(0))


def _record_of(key_id: int, key: OldKey, name: str, used: int, revoked: int) -> Record:
    used, revoked = used or key.last_used_at or 0, revoked or key.revoked_at or 0
    digest = key.digest.hex()
    body = {
        "name": name,
        "hint": key.hint,
        "digest": digest,
        "scopes": ["admin"],
        "installation": True,
        "created_at": from_ms(key.created_at),
        "last_used_at": from_ms(used) if used else None,
        "revoked_at": from_ms(revoked) if revoked else None,
    }
    return Record(
        kind="key",
        id=key_id,
        body=msgspec.json.encode(body),
        names=() if revoked else (f"digest:{digest}", f"name:1/{name}"),
        groups=("workspace:1",),
        expires_at=from_ms(revoked) + KEPT_AFTER if revoked else None,
    )


async def days_are_packed(_: Client) -> None:
    """Change nothing: rows of counts stay as they are. The number keeps the version before, which does not see packed
    days (see ``click_days``), from starting on a store that may have some: none are packed before."""


DAYS_ARE_PACKED = 3
"""The schema from which on days are packed."""


MIGRATIONS: tuple[Migration, ...] = (
    Migration("API keys become records", keys_become_records),
    Migration("days with few clicks are packed", days_are_packed, wait=timedelta(days=1)),
)
"""The n-th leads from version n to n + 1; a step once released never changes. Version 1 is the first."""
