"""Workspaces, and who belongs to them as what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import structs

from shortly.accounts.access import Caller
from shortly.accounts.fields import check_workspace_name
from shortly.accounts.keys import Key
from shortly.accounts.living import living_workspace
from shortly.accounts.people import (
    FIRST_WORKSPACE,
    LIVING,
    MAX_WORKSPACES,
    Invitation,
    Member,
    Role,
    User,
    Workspace,
    admins_of,
    invited_by,
    member_key,
    of_user,
    of_workspace,
)
from shortly.accounts.records import Change
from shortly.accounts.registry import Noun, Registry, adding, removing, replacing, touching, until_settled
from shortly.accounts.users import AT_ONCE, Notes
from shortly.errors import (
    AlreadyMember,
    LastAdmin,
    MemberNotFound,
    NameTaken,
    UserNotFound,
    WorkspaceInUse,
    WorkspacesFull,
)

Has = Callable[[int], Awaitable[bool]]
"""Says whether a workspace has any of something."""


async def has_none(_: int) -> bool:
    """Say that no workspace has any."""
    return False


class WorkspaceService:
    """Makes, finds, renames and deletes workspaces, and looks after their members.

    Args:
        registry: Where they are kept.
        audit: Where it is noted.
        has_links: Whether it has links, archived ones too, which keep a workspace from being deleted.
        has_domains: Whether it has domains of its own, which do so as well.
        belongings: What is deleted with a workspace: everything of these kinds in the group ``of_workspace``.
    """

    def __init__(
        self,
        registry: Registry,
        audit: Notes,
        has_links: Has,
        has_domains: Has = has_none,
        belongings: Sequence[type[Noun]] = (Member, Invitation, Key),
    ) -> None:
        self._registry = registry
        self._audit = audit
        self._has_links = has_links
        self._has_domains = has_domains
        self._belongings = belongings

    # --- workspaces ------------------------------------------------------------------------------------------

    async def get(self, workspace_id: int) -> Workspace:
        """Return the workspace, or raise ``WorkspaceNotFound``; the first one is made when it is missing."""
        return await living_workspace(self._registry, workspace_id)

    async def list_workspaces(self, *, after: int | None = None, limit: int = 100) -> list[Workspace]:
        """Return up to ``limit`` workspaces with ids above ``after``, by their id."""
        await self.get(FIRST_WORKSPACE)
        return await self._registry.page(Workspace, LIVING, after=after, limit=limit)

    async def of_user(self, user_id: int) -> list[tuple[Workspace, Role]]:
        """Return the workspaces that a user belongs to, the oldest membership first."""
        members = await self._registry.all(Member, of_user(user_id))
        workspaces = await asyncio.gather(*(self._registry.get(Workspace, one.workspace_id) for one in members))
        found = zip(workspaces, members, strict=True)
        return [(one, member.role) for one, member in found if one is not None and one.deleted_at is None]

    async def create(self, by: Caller, name: str) -> Workspace:
        """Store a new workspace under the next number and return it.

        Raises:
            InvalidInput: The name is malformed.
            NameTaken: Another workspace has it.
            WorkspacesFull: There is no number left.
        """
        name = check_workspace_name(name)
        await self.get(FIRST_WORKSPACE)

        async def attempt() -> Workspace:
            (last,) = await self._registry.page(Workspace, descending=True, limit=1)
            if last.id >= MAX_WORKSPACES:
                raise WorkspacesFull(MAX_WORKSPACES)
            return await self._registry.add(Workspace(id=last.id + 1, name=name, created_at=self._registry.now()))

        workspace = await until_settled(attempt)
        await self._audit.note(by, "workspace.created", f"workspace:{workspace.id}", workspace_id=0, name=name)
        return workspace

    async def rename(self, by: Caller, workspace_id: int, name: str) -> Workspace:
        """Give a workspace another name and return it.

        Raises:
            WorkspaceNotFound: There is none.
            InvalidInput: The name is malformed.
            NameTaken: Another workspace has it.
        """
        name = check_workspace_name(name)

        async def attempt() -> tuple[Workspace, Workspace]:
            old = await self.get(workspace_id)
            return old, await self._registry.replace(old, structs.replace(old, name=name))

        old, new = await until_settled(attempt)
        if old.name != name:
            await self._audit.note(
                by,
                "workspace.renamed",
                f"workspace:{workspace_id}",
                workspace_id=workspace_id,
                name=name,
                name_before=old.name,
            )
        return new

    async def delete(self, by: Caller, workspace_id: int) -> None:
        """Delete a workspace without links and domains, with its members, invitations and keys.

        A link that is just being made there while this runs stays, and goes on redirecting.

        Raises:
            WorkspaceNotFound: There is none.
            WorkspaceInUse: It has links or domains, or is the first one.
        """
        workspace = await self.get(workspace_id)
        if workspace_id == FIRST_WORKSPACE:
            raise WorkspaceInUse("The first workspace cannot be deleted; rename it instead.")
        if await self._has_links(workspace_id):
            raise WorkspaceInUse("The workspace has links; delete them or move them elsewhere first.")

        async def attempt() -> None:
            workspace = await self.get(workspace_id)
            if await self._has_domains(workspace_id):
                raise WorkspaceInUse("The workspace has domains; assign them to another one or to all first.")
            belongings = [
                removing(noun)
                for kind in self._belongings
                for noun in await self._registry.all(kind, of_workspace(workspace_id))
            ]
            while len(belongings) > AT_ONCE:
                await self._registry.write(*belongings[:AT_ONCE])
                del belongings[:AT_ONCE]
            gone = structs.replace(workspace, deleted_at=self._registry.now())
            await self._registry.write(*belongings, replacing(workspace, gone))

        await until_settled(attempt)
        await self._audit.note(
            by, "workspace.deleted", f"workspace:{workspace_id}", workspace_id=0, name=workspace.name
        )

    # --- members ---------------------------------------------------------------------------------------------

    async def members(
        self, workspace_id: int, *, after: int | None = None, limit: int = 100
    ) -> list[tuple[User, Member]]:
        """Return up to ``limit`` members of a workspace with membership ids above ``after``, oldest first."""
        members = await self._registry.page(Member, of_workspace(workspace_id), after=after, limit=limit)
        users = await asyncio.gather(*(self._registry.get(User, member.user_id) for member in members))
        return [(user, member) for user, member in zip(users, members, strict=True) if user is not None]

    async def member(self, workspace_id: int, user_id: int) -> Member:
        """Return a membership, or raise ``MemberNotFound``."""
        member = await self._registry.find(Member, member_key(workspace_id, user_id))
        if member is None:
            raise MemberNotFound(str(user_id))
        return member

    async def role_of(self, user_id: int, workspace_id: int) -> Role | None:
        """Return a user's role in a workspace, or None without a membership."""
        member = await self._registry.find(Member, member_key(workspace_id, user_id))
        return None if member is None else member.role

    async def add_member(self, by: Caller, workspace_id: int, user_id: int, role: Role) -> Member:
        """Make a user a member of a workspace and return the membership.

        Raises:
            UserNotFound, WorkspaceNotFound: There is none.
            AlreadyMember: The user is one, in whatever role.
            Forbidden: The caller may not give this role.
        """
        by.require_giving(role)

        async def attempt() -> Member:
            workspace = await self.get(workspace_id)
            user = await self._registry.get(User, user_id)
            if user is None:
                raise UserNotFound(str(user_id))
            member = self._registry.fresh(
                Member(user_id=user_id, workspace_id=workspace_id, role=role, created_at=self._registry.now())
            )
            try:
                await self._registry.write(adding(member), touching(user), touching(workspace))
            except NameTaken:
                raise AlreadyMember from None
            return member

        member = await until_settled(attempt)
        await self._note(by, "member.added", member, role=role)
        return member

    async def change_role(self, by: Caller, workspace_id: int, user_id: int, role: Role) -> Member:
        """Give a member another role and return the membership; a former admin's invitations are taken back.

        Raises:
            MemberNotFound: There is no such membership.
            Forbidden: The caller may not give this role, or take the old one.
            LastAdmin: The workspace would have no admin, and the caller does not look after the installation.
        """

        async def attempt() -> tuple[Member, Member]:
            old = await self.member(workspace_id, user_id)
            by.require_giving(role, old.role)
            new = structs.replace(old, role=role)
            if new != old:
                leaving = await self._leaving(by, old) if old.role == "admin" else []
                await self._registry.write(replacing(old, new), *leaving)
            return old, new

        old, new = await until_settled(attempt)
        if old.role != role:
            await self._note(by, "member.role_changed", new, role=role, role_before=old.role)
        return new

    async def remove_member(self, by: Caller, workspace_id: int, user_id: int) -> None:
        """Take a user out of a workspace; their links stay, their invitations are taken back.

        Raises:
            MemberNotFound: There is no such membership.
            Forbidden: The caller may not take the role.
            LastAdmin: The workspace would have no admin, and the caller does not look after the installation.
        """

        async def attempt() -> Member:
            member = await self.member(workspace_id, user_id)
            by.require_giving(member.role)
            leaving = await self._leaving(by, member) if member.role == "admin" else []
            await self._registry.write(removing(member), *leaving)
            return member

        member = await until_settled(attempt)
        await self._note(by, "member.removed", member, role=member.role)

    async def _leaving(self, by: Caller, admin: Member) -> list[Change]:
        """Return what goes with an admin who leaves: their invitations, and another admin is held in place meanwhile.

        Raises:
            LastAdmin: There is no other.
        """
        invitations = await self._registry.all(Invitation, invited_by(admin.workspace_id, admin.user_id))
        changes: list[Change] = [removing(invitation) for invitation in invitations[:AT_ONCE]]
        if by.may("installation"):
            return changes
        for other in await self._registry.page(Member, admins_of(admin.workspace_id), limit=2):
            if other.id != admin.id:
                return [*changes, touching(other)]
        raise LastAdmin("workspace")

    async def _note(self, by: Caller, action: str, member: Member, **details: object) -> None:
        workspace_id = member.workspace_id
        await self._audit.note(by, action, f"user:{member.user_id}", workspace_id=workspace_id, **details)
