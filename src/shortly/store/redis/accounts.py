"""API keys and idempotency keys in Redis, all in one slot."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortly.accounts.store import Answered, ApiKey
from shortly.errors import KeyNameTaken
from shortly.store.moments import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.scripts import Argument, Script

MINUTE_MS = 60_000
CLAIM_MS = timedelta(seconds=60) // timedelta(milliseconds=1)
ANSWER_MS = timedelta(hours=24) // timedelta(milliseconds=1)
REMEMBERED = 10_000
"""API keys of which a process knows when they were last used."""

ADD_KEY = Script("add_key")
GET_KEY = Script("get_key")
REVOKE_KEY = Script("revoke_key")
TOUCH_KEY = Script("touch_key")
CLAIM_ANSWER = Script("claim_answer")
KEEP_ANSWER = Script("keep_answer")
RELEASE_ANSWER = Script("release_answer")


class KeyRecord(Struct, frozen=True, array_like=True):
    """An API key as it was made. New fields go to the end, with defaults."""

    name: str
    hint: str
    digest: bytes
    created_at: int
    last_used_at: int | None
    revoked_at: int | None


_decode = msgspec.msgpack.Decoder(KeyRecord).decode
_headers = msgspec.json.Decoder(dict[str, str])


class RedisAccounts:
    """The ``AccountStore`` and ``IdempotencyStore`` of Redis."""

    def __init__(self, client: Client) -> None:
        """Take a client that somebody else opens and closes."""
        self._client = client
        self._used: dict[int, int] = {}
        """Key id -> the last minute that this process has noted."""

    async def add_key(self, key: ApiKey, digest: bytes) -> ApiKey:
        """See ``AccountStore``."""
        record = KeyRecord(
            key.name,
            key.hint,
            digest,
            to_ms(key.created_at),
            to_ms_or_none(key.last_used_at),
            to_ms_or_none(key.revoked_at),
        )
        key_id = await self._client.run_durably(
            ADD_KEY,
            [keys.KEY_IDS, keys.API_KEYS, keys.KEY_DIGESTS, keys.KEY_NAMES],
            [key.name, digest, msgspec.msgpack.encode(record)],
        )
        if not key_id:
            raise KeyNameTaken(key.name)
        return replace(key, id=int(key_id))

    async def get_key(self, digest: bytes) -> ApiKey | None:
        """See ``AccountStore``; never answers from memory."""
        found = await self._client.run(GET_KEY, [keys.API_KEYS, keys.KEY_DIGESTS, keys.KEY_USES], [digest])
        return _key_of(int(found[0]), found[1], found[2], None) if found else None

    async def list_keys(self) -> list[ApiKey]:
        """See ``AccountStore``."""
        records, uses, revocations = await self._client.read_many(
            [("HGETALL", keys.API_KEYS), ("HGETALL", keys.KEY_USES), ("HGETALL", keys.KEY_REVOCATIONS)]
        )
        listed = [
            _key_of(int(key_id), record, uses.get(key_id), revocations.get(key_id))
            for key_id, record in records.items()
        ]
        return sorted(listed, key=lambda key: (key.created_at, key.id))

    async def revoke_key(self, key_id: int, at: datetime) -> None:
        """See ``AccountStore``; a key that is revoked already keeps its time."""
        value = await self._client.read("HGET", keys.API_KEYS, key_id)
        if value is not None:
            record = _decode(value)
            await self._client.run_durably(
                REVOKE_KEY,
                [keys.API_KEYS, keys.KEY_DIGESTS, keys.KEY_NAMES, keys.KEY_REVOCATIONS],
                [key_id, to_ms(at), record.digest, record.name],
            )

    async def touch_key(self, key_id: int, at: datetime) -> None:
        """See ``AccountStore``; writes once a minute at most."""
        minute = to_ms(at) // MINUTE_MS * MINUTE_MS
        if self._used.get(key_id, 0) < minute:
            await self._client.run(TOUCH_KEY, [keys.API_KEYS, keys.KEY_USES], [key_id, minute])
            if len(self._used) >= REMEMBERED:
                self._used.clear()
            self._used[key_id] = minute

    async def claim(self, key: str, fingerprint: bytes, now: datetime) -> Answered | None:
        """See ``IdempotencyStore``; both spans count from the claim."""
        args: list[Argument] = [fingerprint, to_ms(now), CLAIM_MS, ANSWER_MS]
        kept: list[bytes] = await self._client.run_durably(CLAIM_ANSWER, [_name_of(key)], args)
        if not kept:
            return None
        first, status, headers, body = kept
        return Answered(
            fingerprint=first, status=int(status), headers=_headers.decode(headers) if headers else {}, body=body
        )

    async def answer(self, key: str, answered: Answered) -> None:
        """See ``IdempotencyStore``; does nothing when the claim lapsed and another request took the key."""
        headers = msgspec.json.encode(answered.headers)
        await self._client.run_durably(
            KEEP_ANSWER, [_name_of(key)], [answered.fingerprint, answered.status, headers, answered.body]
        )

    async def release(self, key: str) -> None:
        """See ``IdempotencyStore``."""
        await self._client.run_durably(RELEASE_ANSWER, [_name_of(key)], [])


def _name_of(key: str) -> str:
    return keys.idempotency(key.encode("utf-8", "surrogatepass"))


def _key_of(key_id: int, value: bytes, used: Any, revoked: Any) -> ApiKey:
    record = _decode(value)
    return ApiKey(
        id=key_id,
        name=record.name,
        hint=record.hint,
        created_at=from_ms(record.created_at),
        last_used_at=from_ms_or_none(int(used) if used else record.last_used_at),
        revoked_at=from_ms_or_none(int(revoked) if revoked else record.revoked_at),
    )
