"""Idempotency keys in Redis, all in one slot."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shortly.accounts.store import SEED_BYTES, Answered, Claimed, idempotency_name
from shortly.store.moments import from_ms, to_ms
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.scripts import Argument, Script

CLAIM_MS = timedelta(seconds=60) // timedelta(milliseconds=1)
ANSWER_MS = timedelta(hours=24) // timedelta(milliseconds=1)

CLAIM_ANSWER = Script("claim_answer")
KEEP_ANSWER = Script("keep_answer")
RELEASE_ANSWER = Script("release_answer")
LAPSE_ANSWER = Script("lapse_answer")


_headers = msgspec.json.Decoder(dict[str, str])


class RedisIdempotency:
    """The ``IdempotencyStore`` of Redis."""

    def __init__(self, client: Client) -> None:
        """Take a client that somebody else opens and closes."""
        self._client = client

    async def claim(self, key: str, fingerprint: bytes, now: datetime) -> Answered | Claimed:
        """See ``IdempotencyStore``; both spans count from the claim."""
        args: list[Argument] = [fingerprint, to_ms(now), CLAIM_MS, ANSWER_MS, secrets.token_bytes(SEED_BYTES)]
        kept: list[Any] = await self._client.run_durably(CLAIM_ANSWER, [_name_of(key)], args)
        if len(kept) == 3:
            seed, since, again = kept
            return Claimed(seed=seed, since=from_ms(int(since)), again=bool(again))
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

    async def lapse(self, key: str) -> None:
        """See ``IdempotencyStore``."""
        await self._client.run_durably(LAPSE_ANSWER, [_name_of(key)], [CLAIM_MS])


def _name_of(key: str) -> str:
    return keys.idempotency(idempotency_name(key))
