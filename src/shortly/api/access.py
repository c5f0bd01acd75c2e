"""What a route asks of its callers; every route says so: ``needs``, ``needs_there``, ``known`` or ``public``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Request
from msgspec import structs

from shortly.accounts.access import Caller, Permission
from shortly.accounts.people import MAX_WORKSPACES
from shortly.errors import WorkspaceNotFound

WorkspaceId = Annotated[int, Path(ge=1, le=MAX_WORKSPACES, description="The workspace's number.")]


class Needs:
    """The dependency behind ``needs``; the permission is there for tests that walk the routes."""

    def __init__(self, permission: Permission) -> None:
        self.permission: Permission = permission

    async def __call__(self, request: Request) -> None:
        """Let the request through, or raise ``Forbidden``."""
        caller: Caller = request.state.caller
        caller.require(self.permission)


class NeedsThere:
    """The dependency behind ``needs_there``."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

    async def __call__(self, request: Request, workspace_id: WorkspaceId) -> None:
        """Let the request through, or raise ``WorkspaceNotFound`` or ``Forbidden``.

        Callers are in one workspace, and others do not exist for them; who looks after the installation is in all.
        """
        caller: Caller = request.state.caller
        if caller.may("installation"):
            caller = request.state.caller = structs.replace(caller, workspace_id=workspace_id)
        if caller.workspace_id != workspace_id:
            raise WorkspaceNotFound(str(workspace_id))
        if self.permission is not None:
            caller.require(self.permission)


async def open_to_the_known() -> None:
    """Let every request through; ``Authentication`` has refused those of strangers."""


async def open_to_everybody() -> None:
    """Let every request through."""


def needs(permission: Permission) -> Any:
    """Return the dependency of a route whose callers need a permission in their workspace."""
    return Depends(Needs(permission))


def needs_there(permission: Permission | None = None) -> Any:
    """Return the dependency of a route with a ``workspace_id`` in its address, whose callers have to be in it.

    Without a permission every caller of that workspace is let in.
    """
    return Depends(NeedsThere(permission))


known: Any = Depends(open_to_the_known)
"""The dependency of a route that every caller may use, since it is about themselves."""
public: Any = Depends(open_to_everybody)
"""The dependency of a route that strangers may use."""
