"""The first person: who makes the installation theirs, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from shortly.accounts.fields import check_email, check_person_name
from shortly.accounts.living import living_workspace
from shortly.accounts.passwords import Passwords
from shortly.accounts.people import FIRST_WORKSPACE, Member, User
from shortly.accounts.registry import Noun, Registry, adding, removing
from shortly.accounts.tickets import Ticket, Tickets
from shortly.errors import NameTaken, RecordChanged, SetupDone

LIFETIME = timedelta(hours=24)
DONE = "done"


class SetUp(Noun, frozen=True, kw_only=True):
    """That the door is closed: there is one of it, or none yet."""

    KIND: ClassVar[str] = "setup"

    at: datetime

    def names(self) -> tuple[str, ...]:
        """Return the one name."""
        return (DONE,)


class Setup:
    """The door for the first person. Once somebody has come in it stays closed, even when all users are deleted.

    Args:
        registry: Where people are kept.
        passwords: Makes hashes.
        tickets: Issues the links.
    """

    def __init__(self, registry: Registry, passwords: Passwords, tickets: Tickets) -> None:
        self._registry = registry
        self._passwords = passwords
        self._tickets = tickets

    async def is_open(self) -> bool:
        """Say whether the first person is still awaited."""
        if await self._registry.find(SetUp, DONE) is not None:
            return False
        if not await self._registry.page(User, limit=1):
            return True
        await self.close()  # somebody was let in by a command
        return False

    async def close(self) -> None:
        """Close the door for good."""
        try:
            await self._registry.add(SetUp(at=self._registry.now()))
        except NameTaken:
            return

    async def issue(self) -> str | None:
        """Return the secret of a new one-time link, or None when the door is closed; earlier links go on working."""
        return await self._tickets.issue("setup", LIFETIME) if await self.is_open() else None

    async def redeem(self, secret: str, *, email: str, password: str, name: str = "") -> User:
        """Let the holder of a link in, as admin of everything, and close the door.

        Raises:
            SetupDone: Somebody else was first.
            TicketRefused: The link was not issued here, or has expired.
            InvalidInput, WeakPassword: Nothing was changed.
        """
        if not await self.is_open():
            raise SetupDone
        return await self.make_first(
            email=email, password=password, name=name, ticket=await self._tickets.find("setup", secret)
        )

    async def make_first(self, *, email: str, password: str, name: str = "", ticket: Ticket | None = None) -> User:
        """Make the first user, with the first workspace, and close the door, all in one step.

        Raises:
            SetupDone: There is somebody already.
            InvalidInput, WeakPassword: Nothing was changed.
        """
        email, name = check_email(email), check_person_name(name)
        hashed = await self._passwords.take(password, email)
        now = self._registry.now()
        user = self._registry.fresh(User(email=email, name=name, password_hash=hashed, admin=True, created_at=now))
        member = Member(user_id=user.id, workspace_id=FIRST_WORKSPACE, role="admin", created_at=now)
        changes = [adding(self._registry.fresh(noun)) for noun in (SetUp(at=now), user, member)]
        await living_workspace(self._registry, FIRST_WORKSPACE)
        if not await self.is_open():
            raise SetupDone
        try:
            await self._registry.write(*changes, *([] if ticket is None else [removing(ticket)]))
        except (NameTaken, RecordChanged):
            raise SetupDone from None
        return user
