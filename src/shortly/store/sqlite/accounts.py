"""API keys and idempotency keys in SQLite, in the same file as the links."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import apsw
import msgspec
from msgspec.structs import replace

from shortly.accounts.store import Answered, ApiKey
from shortly.errors import KeyNameTaken
from shortly.store.moments import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from shortly.store.sqlite.connection import store_errors
from shortly.store.sqlite.link_file import LinkFile
from shortly.store.sqlite.rows import Row

MINUTE_MS = 60_000
CLAIM_MS = timedelta(seconds=60) // timedelta(milliseconds=1)
ANSWER_MS = timedelta(hours=24) // timedelta(milliseconds=1)
SWEEP = 100
"""Lapsed idempotency keys that each new claim removes."""

_headers = msgspec.json.Decoder(dict[str, str])


class AccountTables:
    """The ``AccountStore`` and ``IdempotencyStore`` of SQLite."""

    def __init__(self, file: LinkFile) -> None:
        self._account_file = file

    async def add_key(self, key: ApiKey, digest: bytes) -> ApiKey:
        """See ``AccountStore``."""
        return await self._account_file.writer.write(partial(_add_key, key=key, digest=digest))

    async def get_key(self, digest: bytes) -> ApiKey | None:
        """See ``AccountStore``; never waits, and never answers from memory."""
        reader = self._account_file.reader
        with store_errors(reader):
            row = reader.execute(
                """
                SELECT id, name, hint, created_at, last_used_at, revoked_at
                FROM api_keys WHERE digest = ? AND revoked_at IS NULL
                """,
                (digest,),
            ).get
        return None if row is None else _key_of(row)

    async def list_keys(self) -> list[ApiKey]:
        """See ``AccountStore``."""
        reader = self._account_file.reader
        with store_errors(reader):
            rows = reader.execute(
                "SELECT id, name, hint, created_at, last_used_at, revoked_at FROM api_keys ORDER BY created_at, id"
            ).fetchall()
        return [_key_of(row) for row in rows]

    async def revoke_key(self, key_id: int, at: datetime) -> None:
        """See ``AccountStore``; a key that is revoked already keeps its time."""
        await self._account_file.writer.write(partial(_revoke_key, key_id=key_id, at=to_ms(at)))

    async def touch_key(self, key_id: int, at: datetime) -> None:
        """See ``AccountStore``; writes once a minute at most."""
        minute = to_ms(at) // MINUTE_MS * MINUTE_MS
        reader = self._account_file.reader
        with store_errors(reader):
            last = reader.execute("SELECT COALESCE(last_used_at, 0) FROM api_keys WHERE id = ?", (key_id,)).get
        if last is not None and last < minute:
            await self._account_file.writer.write(partial(_touch_key, key_id=key_id, minute=minute))

    async def claim(self, key: str, fingerprint: bytes, now: datetime) -> Answered | None:
        """See ``IdempotencyStore``; both spans count from the claim."""
        return await self._account_file.writer.write(partial(_claim, key=key, fingerprint=fingerprint, now=to_ms(now)))

    async def answer(self, key: str, answered: Answered) -> None:
        """See ``IdempotencyStore``; does nothing when the claim lapsed and another request took the key."""
        await self._account_file.writer.write(partial(_answer, key=key, answered=answered))

    async def release(self, key: str) -> None:
        """See ``IdempotencyStore``."""
        await self._account_file.writer.write(partial(_release, key=key))


def _key_of(row: Row) -> ApiKey:
    return ApiKey(
        id=row[0],
        name=row[1],
        hint=row[2],
        created_at=from_ms(row[3]),
        last_used_at=from_ms_or_none(row[4]),
        revoked_at=from_ms_or_none(row[5]),
    )


def _add_key(connection: apsw.Connection, *, key: ApiKey, digest: bytes) -> ApiKey:
    if connection.execute("SELECT 1 FROM api_keys WHERE name = ? AND revoked_at IS NULL", (key.name,)).get:
        raise KeyNameTaken(key.name)
    connection.execute(
        """
        INSERT INTO api_keys (name, hint, digest, created_at, last_used_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?)
        """,
        (
            key.name,
            key.hint,
            digest,
            to_ms(key.created_at),
            to_ms_or_none(key.last_used_at),
            to_ms_or_none(key.revoked_at),
        ),
    )
    return replace(key, id=connection.last_insert_rowid())


def _revoke_key(connection: apsw.Connection, *, key_id: int, at: int) -> None:
    connection.execute("UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, key_id))


def _touch_key(connection: apsw.Connection, *, key_id: int, minute: int) -> None:
    connection.execute(
        "UPDATE api_keys SET last_used_at = ? WHERE id = ? AND COALESCE(last_used_at, 0) < ?", (minute, key_id, minute)
    )


def _claim(connection: apsw.Connection, *, key: str, fingerprint: bytes, now: int) -> Answered | None:
    connection.execute(
        """
        DELETE FROM idempotency WHERE key IN (
            SELECT key FROM idempotency WHERE claimed_at <= ? ORDER BY claimed_at LIMIT ?
        )
        """,
        (now - ANSWER_MS, SWEEP),
    )
    row = connection.execute(
        "SELECT fingerprint, status, headers, body, claimed_at FROM idempotency WHERE key = ?", (key,)
    ).get
    if row is not None:
        first, status, headers, body, claimed_at = row
        if claimed_at + (ANSWER_MS if status else CLAIM_MS) > now:
            return Answered(
                fingerprint=first, status=status, headers=_headers.decode(headers) if headers else {}, body=body or b""
            )
    connection.execute(
        """
        INSERT OR REPLACE INTO idempotency (key, fingerprint, claimed_at, status, headers, body)
        VALUES (?, ?, ?, 0, NULL, NULL)
        """,
        (key, fingerprint, now),
    )
    return None


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
