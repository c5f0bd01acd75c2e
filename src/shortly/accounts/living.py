"""Workspaces that are there: not deleted, and the first one always; and how people enter them."""

from __future__ import annotations

from contextlib import suppress

from shortly.accounts.access import Caller, caller_for
from shortly.accounts.people import FIRST_WORKSPACE, Member, User, Workspace, member_key, of_user
from shortly.accounts.registry import Registry
from shortly.errors import NameTaken, RecordChanged, WorkspaceNotFound

FIRST_NAME = "Default"
"""What the first workspace is called until somebody renames it."""


async def living_workspace(registry: Registry, workspace_id: int) -> Workspace:
    """Return a workspace; the first one is made when it is missing.

    Raises:
        WorkspaceNotFound: There is none, or it was deleted.
    """
    workspace = await registry.get(Workspace, workspace_id)
    if workspace is None and workspace_id == FIRST_WORKSPACE:
        with suppress(RecordChanged, NameTaken):  # somebody else made it just now
            return await registry.add(Workspace(id=FIRST_WORKSPACE, name=FIRST_NAME, created_at=registry.now()))
        workspace = await registry.get(Workspace, workspace_id)
    if workspace is None or workspace.deleted_at is not None:
        raise WorkspaceNotFound(str(workspace_id))
    return workspace


async def enter_workspace(registry: Registry, user: User, workspace_id: int | None, origin: str) -> Caller:
    """Return a person as the caller in the workspace that they ask for.

    Without one it is that of their oldest membership; for those who look after the installation the first one; for
    people without any membership none, where they may do nothing.

    Raises:
        Unauthenticated: The user is disabled.
        WorkspaceNotFound: They do not belong to it, or there is none.
    """
    if user.admin:
        workspace = await living_workspace(registry, FIRST_WORKSPACE if workspace_id is None else workspace_id)
        return caller_for(user, None, workspace.id, origin)
    if workspace_id is None:
        first = await registry.page(Member, of_user(user.id), limit=1)
        member = first[0] if first else None
    else:
        member = await registry.find(Member, member_key(workspace_id, user.id))
        if member is None:
            raise WorkspaceNotFound(str(workspace_id))
    return caller_for(user, member, member.workspace_id if member else 0, origin)
