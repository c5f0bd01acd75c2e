"""People, the workspaces that they work in, and who may do what there."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from shortly.accounts.fields import ascii_domain
from shortly.accounts.registry import Noun

Role = Literal["viewer", "editor", "admin"]

FIRST_WORKSPACE = 1
"""The workspace that every installation has; what was made before there were workspaces is in it."""
MAX_WORKSPACES = 65_535
"""Workspaces are numbered from 1, so that a click can carry its workspace in two bytes."""
ADMINS = "admins"
"""The group of the users who look after the installation and can sign in."""
LIVING = "living"
"""The group of the workspaces that are not deleted."""


class User(Noun, frozen=True, kw_only=True):
    """A person who can sign in."""

    KIND: ClassVar[str] = "user"

    email: str
    """As the person wrote it; compared casefolded."""
    name: str = ""
    password_hash: str | None = None
    """Argon2id; None: signs in by other means only."""
    admin: bool = False
    """Looks after the whole installation: all workspaces, all people, the settings."""
    created_at: datetime
    disabled_at: datetime | None = None
    """Cannot sign in, and open sessions and keys are refused."""
    signed_in_at: datetime | None = None
    locale: str = ""

    def names(self) -> tuple[str, ...]:
        """Return the e-mail address as it is compared."""
        return (email_key(self.email),)

    def groups(self) -> tuple[str, ...]:
        """Return whether the user is one of those who look after the installation."""
        return (ADMINS,) if self.is_keeper else ()

    @property
    def is_keeper(self) -> bool:
        """Whether the user can sign in and look after the installation; there is always one who can."""
        return self.admin and self.disabled_at is None


class Workspace(Noun, frozen=True, kw_only=True):
    """A team's links, tags, folders, domains and keys; its id is a small number, from 1.

    A deleted one is kept, without a name: its number is never given again, so nothing of it can turn up elsewhere.
    """

    KIND: ClassVar[str] = "workspace"

    name: str
    created_at: datetime
    deleted_at: datetime | None = None

    def names(self) -> tuple[str, ...]:
        """Return the name as it is compared."""
        return (self.name.casefold(),) if self.deleted_at is None else ()

    def groups(self) -> tuple[str, ...]:
        """Return whether it is still there."""
        return (LIVING,) if self.deleted_at is None else ()


class Member(Noun, frozen=True, kw_only=True):
    """That a user belongs to a workspace, and as what."""

    KIND: ClassVar[str] = "member"

    user_id: int
    workspace_id: int
    role: Role
    created_at: datetime

    def names(self) -> tuple[str, ...]:
        """Return the pair, of which there is one."""
        return (member_key(self.workspace_id, self.user_id),)

    def groups(self) -> tuple[str, ...]:
        """Return the user's memberships, and the workspace's members and admins."""
        groups = of_user(self.user_id), of_workspace(self.workspace_id)
        return (*groups, admins_of(self.workspace_id)) if self.role == "admin" else groups


class Invitation(Noun, frozen=True, kw_only=True):
    """That somebody with an e-mail address may join a workspace in a role."""

    KIND: ClassVar[str] = "invitation"

    workspace_id: int
    email: str
    role: Role
    digest: str
    """SHA-256 of the token, which is known to nobody but the one invited."""
    invited_by: str
    """A ``Caller.actor``."""
    inviter_id: int = 0
    """The user who invited, or whose key did; 0: the command line."""
    created_at: datetime
    expires_at: datetime

    def names(self) -> tuple[str, ...]:
        """Return the token's digest, and the pair of which there is one."""
        return self.digest, invitation_key(self.workspace_id, self.email)

    def groups(self) -> tuple[str, ...]:
        """Return the workspace's invitations, and those of one inviter there."""
        return of_workspace(self.workspace_id), invited_by(self.workspace_id, self.inviter_id)

    def expiry(self) -> datetime:
        """Return its end."""
        return self.expires_at


def email_key(email: str) -> str:
    """Return an e-mail address, or any text instead of one, as it is compared with others."""
    local, at, domain = email.strip().rpartition("@")
    return f"{local}{at}{ascii_domain(domain) or domain}".casefold()


def member_key(workspace_id: int, user_id: int) -> str:
    """Return the name by which a membership is found."""
    return f"{workspace_id}/{user_id}"


def of_user(user_id: int) -> str:
    """Return the group of what belongs to a user, for every noun that does."""
    return f"user:{user_id}"


def of_workspace(workspace_id: int) -> str:
    """Return the group of what belongs to a workspace, for every noun that does."""
    return f"workspace:{workspace_id}"


def admins_of(workspace_id: int) -> str:
    """Return the group of a workspace's memberships whose role is admin."""
    return f"admins:{workspace_id}"


def invitation_key(workspace_id: int, email: str) -> str:
    """Return the name of the one open invitation of an address into a workspace."""
    return f"{workspace_id}/{email_key(email)}"


def invited_by(workspace_id: int, user_id: int) -> str:
    """Return the group of one inviter's invitations into a workspace."""
    return f"inviter:{workspace_id}/{user_id}"
