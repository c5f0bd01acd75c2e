"""What API keys and idempotency keys need of a store."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class ApiKey(Struct, frozen=True, kw_only=True):
    """An API key without its secret; ``id`` is 0 until the store has given it one."""

    id: int = 0
    name: str
    hint: str
    """The first characters of the key, to tell keys apart."""
    created_at: datetime
    last_used_at: datetime | None = None
    """To the minute."""
    revoked_at: datetime | None = None


class Answered(Struct, frozen=True, kw_only=True):
    """A stored answer to a request that carried an idempotency key; ``status`` 0: not answered yet."""

    fingerprint: bytes
    """SHA-256 of method, path, query and body of the first request."""
    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""


class AccountStore(Protocol):
    """API keys, found by the SHA-256 of their secret."""

    async def add_key(self, key: ApiKey, digest: bytes) -> ApiKey:
        """Add a key and return it with its id; raise ``KeyNameTaken`` when a live key has its name."""

    async def get_key(self, digest: bytes) -> ApiKey | None:
        """Return the key with this digest unless it is revoked; one point read."""

    async def list_keys(self) -> list[ApiKey]:
        """Return all keys, revoked ones too, oldest first."""

    async def revoke_key(self, key_id: int, at: datetime) -> None:
        """Make the key invalid at once, in all processes."""

    async def touch_key(self, key_id: int, at: datetime) -> None:
        """Note that the key was used; may be lost in a crash."""


class IdempotencyStore(Protocol):
    """Answers kept for clients that repeat a request because they did not hear the answer."""

    async def claim(self, key: str, fingerprint: bytes, now: datetime) -> Answered | None:
        """Take the key for a request, or return what its first taker left: an answer, or one with status 0 while there
        is none yet. A claim without an answer lapses after 60 s, an answer after 24 h."""

    async def answer(self, key: str, answered: Answered) -> None:
        """Keep the answer under a claimed key."""

    async def release(self, key: str) -> None:
        """Give a claimed key up unanswered, after a failure that wrote nothing."""
