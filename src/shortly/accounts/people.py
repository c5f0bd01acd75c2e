"""People, the workspaces that they work in, and who may do what there."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from shortly.accounts.registry import Noun

Role = Literal["viewer", "editor", "admin"]

FIRST_WORKSPACE = 1
"""The workspace that every installation has; what was made before there were workspaces is in it."""
MAX_WORKSPACES = 65_535
"""Workspaces are numbered from 1, so that a click can carry its workspace in two bytes."""


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


class Workspace(Noun, frozen=True, kw_only=True):
    """A team's links, tags, folders, domains and keys; its id is a small number, from 1."""

    KIND: ClassVar[str] = "workspace"

    name: str
    created_at: datetime

    def names(self) -> tuple[str, ...]:
        """Return the name as it is compared."""
        return (self.name.casefold(),)


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
        """Return the user's memberships and the workspace's members."""
        return f"user:{self.user_id}", f"workspace:{self.workspace_id}"


def email_key(email: str) -> str:
    """Return an e-mail address as it is compared with others."""
    return email.strip().casefold()


def member_key(workspace_id: int, user_id: int) -> str:
    """Return the name by which a membership is found."""
    return f"{workspace_id}/{user_id}"
