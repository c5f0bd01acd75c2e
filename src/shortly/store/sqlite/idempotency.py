"""Idempotency keys in SQLite, in the same file as the links."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import partial

import apsw
import msgspec

from shortly.accounts.store import SEED_BYTES, Answered, Claimed, idempotency_name
from shortly.store.moments import from_ms, to_ms
from shortly.store.sqlite.link_file import LinkFile

CLAIM_MS = timedelta(seconds=60) // timedelta(milliseconds=1)
ANSWER_MS = timedelta(hours=24) // timedelta(milliseconds=1)
SWEEP = 100
"""Lapsed idempotency keys that each new claim removes."""

_headers = msgspec.json.Decoder(dict[str, str])


class IdempotencyTable:
    """The ``IdempotencyStore`` of SQLite."""

    def __init__(self, file: LinkFile) -> None:
        self._answer_file = file

    async def claim(self, key: str, fingerprint: bytes, now: datetime) -> Answered | Claimed:
        """See ``IdempotencyStore``; both spans count from the claim."""
        seed = secrets.token_bytes(SEED_BYTES)
        return await self._answer_file.writer.write(
            partial(_claim, key=idempotency_name(key), fingerprint=fingerprint, seed=seed, now=to_ms(now))
        )

    async def answer(self, key: str, answered: Answered) -> None:
        """See ``IdempotencyStore``; does nothing when the claim lapsed and another request took the key."""
        await self._answer_file.writer.write(partial(_answer, key=idempotency_name(key), answered=answered))

    async def release(self, key: str) -> None:
        """See ``IdempotencyStore``."""
        await self._answer_file.writer.write(partial(_release, key=idempotency_name(key)))

    async def lapse(self, key: str) -> None:
        """See ``IdempotencyStore``."""
        await self._answer_file.writer.write(partial(_lapse, key=idempotency_name(key)))


def _claim(connection: apsw.Connection, *, key: str, fingerprint: bytes, seed: bytes, now: int) -> Answered | Claimed:
    connection.execute(
        """
        DELETE FROM idempotency WHERE key IN (
            SELECT key FROM idempotency WHERE claimed_at <= ? ORDER BY claimed_at LIMIT ?
        )
        """,
        (now - ANSWER_MS, SWEEP),
    )
    row = connection.execute(
        "SELECT fingerprint, status, headers, body, claimed_at, seed, since FROM idempotency WHERE key = ?", (key,)
    ).get
    again = False
    if row is not None:
        first, status, headers, body, claimed_at, first_seed, first_since = row
        if claimed_at + (ANSWER_MS if status else CLAIM_MS) > now:
            return Answered(
                fingerprint=first, status=status, headers=_headers.decode(headers) if headers else {}, body=body or b""
            )
        again = not status and first == fingerprint and first_seed is not None
    if again:
        seed, since = first_seed, first_since
    else:
        since = now
    connection.execute(
        """
        INSERT OR REPLACE INTO idempotency (key, fingerprint, claimed_at, status, headers, body, seed, since)
        VALUES (?, ?, ?, 0, NULL, NULL, ?, ?)
        """,
        (key, fingerprint, now, seed, since),
    )
    return Claimed(seed=seed, since=from_ms(since), again=again)


def _answer(connection: apsw.Connection, *, key: str, answered: Answered) -> None:
    connection.execute(
        "UPDATE idempotency SET status = ?, headers = ?, body = ? WHERE key = ? AND fingerprint = ? AND status = 0",
        (
            answered.status,
            msgspec.json.encode(answered.headers).decode(),
            answered.body,
            key,
            answered.fingerprint,
        ),
    )


def _release(connection: apsw.Connection, *, key: str) -> None:
    connection.execute("DELETE FROM idempotency WHERE key = ? AND status = 0", (key,))


def _lapse(connection: apsw.Connection, *, key: str) -> None:
    connection.execute(
        "UPDATE idempotency SET claimed_at = claimed_at - ? WHERE key = ? AND status = 0", (CLAIM_MS, key)
    )
