"""Who may do what: the one place that decides. Doors ask it, services are called only with what it let through.

docs/permissions.md has the table of routes and roles; a test walks all of them and compares.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from shortly.accounts.people import FIRST_WORKSPACE, Member, Role, User
from shortly.errors import Forbidden, Unauthenticated

Permission = Literal[
    "links:read",
    "links:write",
    "stats:read",
    "stats:share",
    "domains:read",
    "domains:write",
    "users:read",
    "users:write",
    "keys:read",
    "keys:write",
    "audit:read",
    "reports:read",
    "reports:write",
    "workspace:write",
    "metrics:read",
    "installation",
]
"""``installation``: what concerns all workspaces: people, workspaces, settings; ``metrics:read``: the node's metrics.
The others concern one workspace."""

READING: frozenset[Permission] = frozenset({"links:read", "stats:read", "domains:read"})
EDITING: frozenset[Permission] = READING | {"links:write", "stats:share"}
RUNNING: frozenset[Permission] = EDITING | {
    "domains:write",
    "users:read",
    "users:write",
    "keys:read",
    "keys:write",
    "audit:read",
    "reports:read",
    "reports:write",
    "workspace:write",
}
EVERYWHERE: frozenset[Permission] = frozenset({"metrics:read", "installation"})
"""What concerns all workspaces; no role in one of them allows it."""
OF_ROLE: dict[Role, frozenset[Permission]] = {"viewer": READING, "editor": EDITING, "admin": RUNNING}

Scope = Literal["links:read", "links:write", "stats:read", "domains:*", "users:*", "metrics:read", "admin"]
OF_SCOPE: dict[Scope, frozenset[Permission]] = {
    "links:read": frozenset({"links:read"}),
    "links:write": frozenset({"links:read", "links:write"}),
    "stats:read": frozenset({"stats:read"}),
    "domains:*": frozenset({"domains:read", "domains:write"}),
    "users:*": frozenset({"users:read", "users:write"}),
    "metrics:read": frozenset({"metrics:read"}),
    "admin": RUNNING,
}


class Caller(Struct, frozen=True, kw_only=True):
    """Whoever a request or a command comes from, in one workspace."""

    actor: str
    """``user:7``, ``key:3``, ``cli`` or ``anonymous``: who it was, in links' ``owner`` and in the audit log."""
    user_id: int | None = None
    """The person: the one signed in, or the one whose key it is."""
    workspace_id: int = FIRST_WORKSPACE
    permissions: frozenset[Permission] = frozenset()
    only_domain: str | None = None
    """Acts on links of this domain only, which may be "" for the host of ``BASE_URL``."""
    only_tag: str | None = None
    """Acts on links with this tag only, and gives it to those that it makes."""
    only_own: bool = False
    """Acts on links that it made itself only."""
    origin: str = ""
    """The network that the request came from, such as ``203.0.113.0``; no address."""

    def may(self, permission: Permission) -> bool:
        """Say whether the caller has the permission at all."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise ``Forbidden`` unless the caller has the permission."""
        if permission not in self.permissions:
            raise Forbidden(permission)

    def require_giving(self, *roles: Role) -> None:
        """Raise ``Forbidden`` unless the caller may give and take these roles: nobody makes others more than they are.

        Whether they may change members at all is asked by ``users:write``.
        """
        if "admin" in roles:
            for permission in sorted(RUNNING - self.permissions):
                raise Forbidden(permission)

    @property
    def is_restricted(self) -> bool:
        """Whether the caller is for a part of the workspace's links only."""
        return self.only_own or self.only_domain is not None or self.only_tag is not None

    def covers(self, *, workspace_id: int, owner: str, domain: str, tags: Iterable[str]) -> bool:
        """Say whether something of this workspace, owner, domain and tags is among what the caller may see."""
        return (
            workspace_id == self.workspace_id
            and (not self.only_own or owner == self.actor)
            and (self.only_domain is None or domain == self.only_domain)
            and (self.only_tag is None or self.only_tag in tags)
        )


OPERATOR = Caller(actor="cli", permissions=RUNNING | EVERYWHERE)
"""Whoever can run commands on the machine: nothing is kept from them."""


def caller_for(user: User, member: Member | None, workspace_id: int, origin: str) -> Caller:
    """Return a person as the caller in a workspace.

    Args:
        user: Who is signed in.
        member: Their membership in that workspace; without one they may do nothing there, but for those who look
            after the installation: they are admins everywhere.
        workspace_id: The workspace; 0: none.
        origin: See ``Caller``.

    Raises:
        Unauthenticated: The user is disabled.
    """
    if user.disabled_at is not None:
        raise Unauthenticated
    permissions: frozenset[Permission] = frozenset()
    if user.admin:
        permissions = RUNNING | EVERYWHERE
    elif member is not None and (member.user_id, member.workspace_id) == (user.id, workspace_id):
        permissions = OF_ROLE[member.role]
    return Caller(
        actor=f"user:{user.id}",
        user_id=user.id,
        workspace_id=workspace_id,
        permissions=permissions,
        origin=origin,
    )
