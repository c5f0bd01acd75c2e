"""One-time links: whoever holds the secret of a ticket may do one thing, once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from shortly.accounts.people import of_user
from shortly.accounts.registry import Noun, Registry
from shortly.errors import TicketRefused

Use = Literal["setup", "reset", "passkey_add", "passkey_sign_in", "oidc"]

SECRET_BYTES = 32
SECRET_LENGTH = 43


class Ticket(Noun, frozen=True, kw_only=True):
    """The right to do one thing once. It is used up by removing it in the same write as what it allows."""

    KIND: ClassVar[str] = "ticket"

    use: Use
    digest: str
    """SHA-256 of its secret."""
    user_id: int = 0
    """Whom it is about; 0: nobody yet."""
    data: str = ""
    """What else its use needs to know."""
    created_at: datetime
    expires_at: datetime

    def names(self) -> tuple[str, ...]:
        """Return what its secret leads to."""
        return (f"{self.use}:{self.digest}",)

    def groups(self) -> tuple[str, ...]:
        """Return all tickets of this use for this user, and what belongs to the user."""
        group = group_of(self.use, self.user_id)
        return (group, of_user(self.user_id)) if self.user_id else (group,)

    def expiry(self) -> datetime:
        """Return its end."""
        return self.expires_at


class Tickets:
    """Issues and finds tickets.

    Args:
        registry: Where they are kept.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def issue(self, use: Use, lifetime: timedelta, *, user_id: int = 0, data: str = "") -> str:
        """Store a new ticket and return its secret, which nobody can read back."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = self._registry.now()
        await self._registry.add(
            Ticket(
                use=use,
                digest=digest_of(secret),
                user_id=user_id,
                data=data,
                created_at=now,
                expires_at=now + lifetime,
            )
        )
        return secret

    async def find(self, use: Use, secret: str) -> Ticket:
        """Return the ticket with this secret; it is still there afterwards.

        Raises:
            TicketRefused: There is none, it has expired, or it was used.
        """
        ticket = await self._registry.find(Ticket, f"{use}:{digest_of(secret)}") if is_secret(secret) else None
        if ticket is None:
            raise TicketRefused
        return ticket

    async def of(self, use: Use, user_id: int) -> list[Ticket]:
        """Return the newest tickets of a use for a user."""
        return await self._registry.page(Ticket, group_of(use, user_id), limit=100, descending=True)


def group_of(use: Use, user_id: int) -> str:
    """Return the list that a ticket is in."""
    return f"{use}:{user_id}"


def is_secret(text: str) -> bool:
    """Say whether a text has the form of a ticket's secret."""
    return len(text) == SECRET_LENGTH and text.isascii()


def digest_of(secret: str) -> str:
    """Return what is stored of a secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
