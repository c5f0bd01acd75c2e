"""What idempotency keys need of a store."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from msgspec import Struct


class Answered(Struct, frozen=True, kw_only=True):
    """A stored answer to a request that carried an idempotency key; ``status`` 0: not answered yet."""

    fingerprint: bytes
    """SHA-256 of method, path, query and body of the first request."""
    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""


class Claimed(Struct, frozen=True, kw_only=True):
    """The right to carry a request out, under its idempotency key."""

    seed: bytes
    """Secret and random; the same for all who carry the request out, one after the other."""
    since: datetime
    """When the first of them took the key; in whole milliseconds."""
    again: bool
    """There was somebody before, who left no answer: what they did is not known."""


SEED_BYTES = 16


def idempotency_name(key: str) -> str:
    """Return the name that an idempotency key, which may be any text, is kept under: the same in every store."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()


class IdempotencyStore(Protocol):
    """Answers kept for clients that repeat a request because they did not hear the answer."""

    async def claim(self, key: str, fingerprint: bytes, now: datetime) -> Answered | Claimed:
        """Take the key for a request, or return what its first taker left: an answer, or one with status 0 while there
        is none yet. A claim without an answer lapses after 60 s, an answer after 24 h; whoever takes a lapsed claim for
        the same request carries on with its seed."""

    async def answer(self, key: str, answered: Answered) -> None:
        """Keep the answer under a claimed key."""

    async def release(self, key: str) -> None:
        """Give a claimed key up unanswered, after a refusal that wrote nothing."""

    async def lapse(self, key: str) -> None:
        """Let a claim lapse now, after a failure that may have written something."""
