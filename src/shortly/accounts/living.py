"""Workspaces that are there: not deleted, and the first one always."""

from __future__ import annotations

from contextlib import suppress

from shortly.accounts.people import FIRST_WORKSPACE, Workspace
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
