"""An installation's people, over real stores: what tests of users, workspaces and invitations start from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shortly.accounts.access import OPERATOR, Caller, caller_for
from shortly.accounts.invitations import InvitationService
from shortly.accounts.living import enter_workspace
from shortly.accounts.people import Role, User
from shortly.accounts.records import RecordStore
from shortly.accounts.registry import Registry
from shortly.accounts.users import PeopleService
from shortly.accounts.workspaces import WorkspaceService
from shortly.errors import InvalidInput


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Notebook:
    """An audit log in memory."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str, str, dict[str, Any]]] = []

    async def note(
        self, caller: Caller, action: str, subject: str = "", *, workspace_id: int | None = None, **details: Any
    ) -> None:
        """Write down who did what to what."""
        self.notes.append((caller.actor, action, subject, details))

    def actions(self) -> list[str]:
        """Return what was done."""
        return [action for _, action, _, _ in self.notes]


class Letters:
    """A mail server's place: keeps what it is given, while it ``works``."""

    def __init__(self) -> None:
        self.works = False
        self.sent: list[tuple[str, str, str]] = []
        self.refusal: Exception | None = None

    async def send(self, to: str, subject: str, text: str) -> None:
        """Take one message, or refuse it."""
        if self.refusal:
            raise self.refusal
        self.sent.append((to, subject, text))


async def hash_password(password: str, email: str) -> str:
    """Stand for Argon2id, which would take a tenth of a second each time."""
    if len(password) < 10:
        raise InvalidInput("The password is too short.", field="password")
    return f"hash of {password}"


class Team:
    """The services of one process, and ways to fill them."""

    def __init__(self, store: RecordStore, clock: Clock, *, occupied: Sequence[int] = ()) -> None:
        self.registry = Registry(store, clock)
        self.audit = Notebook()
        self.letters = Letters()
        self.occupied = set(occupied)
        self.people = PeopleService(self.registry, self.audit, hash_password)
        self.workspaces = WorkspaceService(self.registry, self.audit, self._has_links)
        self.invitations = InvitationService(
            self.registry, self.audit, self.letters, hash_password, base_url="https://s.example"
        )

    async def _has_links(self, workspace_id: int) -> bool:
        return workspace_id in self.occupied

    async def user(self, name: str, workspace_id: int | None = None, role: Role = "viewer", **fields: Any) -> User:
        """Add a user."""
        return await self.people.add(OPERATOR, f"{name}@example.com", workspace_id=workspace_id, role=role, **fields)

    async def caller(self, user: User, workspace_id: int) -> Caller:
        """Return a user as the caller in a workspace."""
        return await enter_workspace(self.registry, await self.people.get(user.id), workspace_id, "")

    async def token(self, email: str, workspace_id: int, role: Role = "editor", by: Caller = OPERATOR) -> str:
        """Invite somebody and return the token."""
        link = (await self.invitations.invite(by, workspace_id, email, role)).link
        assert link is not None
        return link.partition("#")[2]

    async def roles(self, workspace_id: int) -> dict[str, Role]:
        """Return who is what in a workspace."""
        return {user.email: member.role for user, member in await self.workspaces.members(workspace_id)}


def person(user: User) -> Caller:
    """Return a user as a caller without any permission."""
    return caller_for(user, None, 0, "")
