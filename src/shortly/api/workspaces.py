"""Workspaces, their members, and invitations into them.

Callers are in one workspace, which people choose by the header ``X-Workspace``; the others do not exist for them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field, StrictInt

from shortly.accounts.fields import MAX_WORKSPACE_NAME
from shortly.accounts.people import Invitation, Member, Role, User, Workspace
from shortly.accounts.records import MAX_ID
from shortly.accounts.sessions import SignedIn
from shortly.api.access import WorkspaceId, known, needs, needs_there
from shortly.api.cursors import cursor_of, id_in
from shortly.api.link_bodies import Given
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, PerhapsPerson, Services
from shortly.api.users import Email, PageQuery, UserId
from shortly.errors import (
    AlreadyMember,
    Forbidden,
    InvalidCursor,
    InvalidInput,
    InvitationNotFound,
    LastAdmin,
    MemberNotFound,
    NameTaken,
    StorageFull,
    UserNotFound,
    WorkspaceInUse,
    WorkspaceNotFound,
    WorkspacesFull,
)

router = APIRouter(prefix="/api/v1/workspaces", tags=["workspaces"])

WorkspaceName = Annotated[str, Field(max_length=4 * MAX_WORKSPACE_NAME, examples=["Marketing"])]


class NewWorkspace(Given):
    """A workspace to be made, or the new name of one."""

    name: WorkspaceName


class NewMember(Given):
    """A user to be made a member."""

    user_id: Annotated[StrictInt, Field(ge=1, le=MAX_ID)]
    role: Role


class RoleChange(Given):
    """Another role."""

    role: Role


class NewInvitation(Given):
    """Whom to invite, as what."""

    email: Email
    role: Role


class WorkspaceOut(BaseModel):
    """A workspace."""

    id: int
    name: str
    created_at: datetime
    role: Role | None = Field(description="The person's own role there; null without a membership, and for keys.")

    @classmethod
    def of(cls, workspace: Workspace, role: Role | None = None) -> Self:
        """Return the workspace as it goes out."""
        return cls(id=workspace.id, name=workspace.name, created_at=workspace.created_at, role=role)


class WorkspaceList(BaseModel):
    """One page of workspaces."""

    items: list[WorkspaceOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


class WorkspaceQuery(PageQuery):
    """Which workspaces."""

    all: bool = Field(False, description="All of the installation, for those who look after it.")


class MemberOut(BaseModel):
    """A member of a workspace."""

    user_id: int
    email: str
    name: str
    role: Role
    enabled: bool
    created_at: datetime = Field(description="When they joined.")

    @classmethod
    def of(cls, user: User, member: Member) -> Self:
        """Return the member as they go out."""
        return cls(
            user_id=user.id,
            email=user.email,
            name=user.name,
            role=member.role,
            enabled=user.disabled_at is None,
            created_at=member.created_at,
        )


class MemberList(BaseModel):
    """One page of members."""

    items: list[MemberOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


class InvitationOut(BaseModel):
    """An open invitation."""

    id: int
    email: str
    role: Role
    invited_by: str = Field(examples=["user:7"])
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Return the invitation as it goes out, without anything that lets its reader accept it."""
        return cls(**{name: getattr(invitation, name) for name in InvitationOut.model_fields})


class InvitationList(BaseModel):
    """One page of invitations."""

    items: list[InvitationOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


class MadeInvitation(InvitationOut):
    """A new invitation."""

    url: str | None = Field(
        description="The link to hand on, shown this once; null: it was sent by mail.",
        examples=["https://sho.rt/app/invitation#Y3c1..."],
    )


@router.get(
    "", operation_id="list_workspaces", dependencies=[known], responses=problems(Forbidden, InvalidInput, InvalidCursor)
)
async def list_workspaces(
    query: Annotated[WorkspaceQuery, Query()], services: AllServices, caller: Caller, person: PerhapsPerson
) -> WorkspaceList:
    """List one's own workspaces, the oldest membership first; for a key its one. With ``all``: every one, by number."""
    if query.all:
        caller.require("installation")
        found = await services.workspaces.list_workspaces(after=id_in(query.cursor), limit=query.limit)
        next_cursor = cursor_of(found[-1].id) if len(found) == query.limit else None
        return WorkspaceList(items=[WorkspaceOut.of(one) for one in found], next_cursor=next_cursor)
    if person is None:
        own = await services.workspaces.get(caller.workspace_id)
        return WorkspaceList(items=[WorkspaceOut.of(own)], next_cursor=None)
    mine = await services.workspaces.of_user(person.user.id)
    return WorkspaceList(items=[WorkspaceOut.of(one, role) for one, role in mine], next_cursor=None)


@router.post(
    "",
    status_code=201,
    operation_id="create_workspace",
    dependencies=[needs("installation")],
    responses=problems(Forbidden, InvalidInput, NameTaken, WorkspacesFull, StorageFull),
)
async def create_workspace(new: NewWorkspace, services: AllServices, caller: Caller) -> WorkspaceOut:
    """Make a workspace; it gets the next number."""
    return WorkspaceOut.of(await services.workspaces.create(caller, new.name))


@router.get(
    "/{workspace_id}",
    operation_id="get_workspace",
    dependencies=[needs_there()],
    responses=problems(WorkspaceNotFound),
)
async def get_workspace(workspace_id: WorkspaceId, services: AllServices, person: PerhapsPerson) -> WorkspaceOut:
    """Read the workspace that one is in."""
    return await tell(await services.workspaces.get(workspace_id), services, person)


@router.patch(
    "/{workspace_id}",
    operation_id="rename_workspace",
    dependencies=[needs_there("workspace:write")],
    responses=problems(Forbidden, WorkspaceNotFound, InvalidInput, NameTaken, StorageFull),
)
async def rename_workspace(
    workspace_id: WorkspaceId, new: NewWorkspace, services: AllServices, caller: Caller, person: PerhapsPerson
) -> WorkspaceOut:
    """Give the workspace another name."""
    return await tell(await services.workspaces.rename(caller, workspace_id, new.name), services, person)


async def tell(workspace: Workspace, services: Services, person: SignedIn | None) -> WorkspaceOut:
    """Return a workspace as it goes out to somebody."""
    role = await services.workspaces.role_of(person.user.id, workspace.id) if person else None
    return WorkspaceOut.of(workspace, role)


@router.delete(
    "/{workspace_id}",
    status_code=204,
    operation_id="delete_workspace",
    response_class=Response,
    dependencies=[needs_there("installation")],
    responses=problems(Forbidden, WorkspaceNotFound, WorkspaceInUse, StorageFull),
)
async def delete_workspace(workspace_id: WorkspaceId, services: AllServices, caller: Caller) -> None:
    """Delete a workspace without links, with its members, invitations and keys; its number is never given again."""
    await services.workspaces.delete(caller, workspace_id)


# --- members -------------------------------------------------------------------------------------------------


@router.get(
    "/{workspace_id}/members",
    operation_id="list_members",
    dependencies=[needs_there("users:read")],
    responses=problems(Forbidden, WorkspaceNotFound, InvalidInput, InvalidCursor),
)
async def list_members(
    workspace_id: WorkspaceId, query: Annotated[PageQuery, Query()], services: AllServices
) -> MemberList:
    """List the workspace's members, oldest first."""
    await services.workspaces.get(workspace_id)
    page = await services.workspaces.members(workspace_id, after=id_in(query.cursor), limit=query.limit)
    next_cursor = cursor_of(page[-1][1].id) if len(page) == query.limit else None
    return MemberList(items=[MemberOut.of(user, member) for user, member in page], next_cursor=next_cursor)


@router.post(
    "/{workspace_id}/members",
    status_code=201,
    operation_id="add_member",
    dependencies=[needs_there("installation")],
    responses=problems(Forbidden, WorkspaceNotFound, UserNotFound, AlreadyMember, InvalidInput, StorageFull),
)
async def add_member(workspace_id: WorkspaceId, new: NewMember, services: AllServices, caller: Caller) -> MemberOut:
    """Make a user a member; others than those who look after the installation invite people."""
    member = await services.workspaces.add_member(caller, workspace_id, new.user_id, new.role)
    return MemberOut.of(await services.people.get(new.user_id), member)


@router.patch(
    "/{workspace_id}/members/{user_id}",
    operation_id="change_role",
    dependencies=[needs_there("users:write")],
    responses=problems(Forbidden, WorkspaceNotFound, MemberNotFound, LastAdmin, InvalidInput, StorageFull),
)
async def change_role(
    workspace_id: WorkspaceId, user_id: UserId, new: RoleChange, services: AllServices, caller: Caller
) -> MemberOut:
    """Give a member another role; the role of an admin is given and taken by admins alone."""
    member = await services.workspaces.change_role(caller, workspace_id, user_id, new.role)
    return MemberOut.of(await services.people.get(user_id), member)


@router.delete(
    "/{workspace_id}/members/{user_id}",
    status_code=204,
    operation_id="remove_member",
    response_class=Response,
    dependencies=[needs_there("users:write")],
    responses=problems(Forbidden, WorkspaceNotFound, MemberNotFound, LastAdmin, StorageFull),
)
async def remove_member(workspace_id: WorkspaceId, user_id: UserId, services: AllServices, caller: Caller) -> None:
    """Take a user out of the workspace; their links stay."""
    await services.workspaces.remove_member(caller, workspace_id, user_id)


# --- invitations ---------------------------------------------------------------------------------------------


@router.get(
    "/{workspace_id}/invitations",
    operation_id="list_invitations",
    dependencies=[needs_there("users:read")],
    responses=problems(Forbidden, WorkspaceNotFound, InvalidInput, InvalidCursor),
)
async def list_invitations(
    workspace_id: WorkspaceId, query: Annotated[PageQuery, Query()], services: AllServices
) -> InvitationList:
    """List the workspace's open invitations, oldest first."""
    await services.workspaces.get(workspace_id)
    found = await services.invitations.list_invitations(workspace_id, after=id_in(query.cursor), limit=query.limit)
    next_cursor = cursor_of(found[-1].id) if len(found) == query.limit else None
    return InvitationList(items=[InvitationOut.of(one) for one in found], next_cursor=next_cursor)


@router.post(
    "/{workspace_id}/invitations",
    status_code=201,
    operation_id="invite_person",
    dependencies=[needs_there("users:write")],
    responses=problems(Forbidden, WorkspaceNotFound, AlreadyMember, InvalidInput, StorageFull),
)
async def invite(
    workspace_id: WorkspaceId, new: NewInvitation, services: AllServices, caller: Caller
) -> MadeInvitation:
    """Invite somebody for a week; an earlier invitation of theirs into this workspace is void from now on."""
    invited = await services.invitations.invite(caller, workspace_id, new.email, new.role)
    return MadeInvitation(**InvitationOut.of(invited.invitation).model_dump(), url=invited.link)


@router.delete(
    "/{workspace_id}/invitations/{invitation_id}",
    status_code=204,
    operation_id="withdraw_invitation",
    response_class=Response,
    dependencies=[needs_there("users:write")],
    responses=problems(Forbidden, WorkspaceNotFound, InvitationNotFound, StorageFull),
)
async def withdraw_invitation(
    workspace_id: WorkspaceId,
    invitation_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    services: AllServices,
    caller: Caller,
) -> None:
    """Take an invitation back."""
    await services.invitations.withdraw(caller, workspace_id, invitation_id)
