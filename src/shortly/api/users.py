"""People, for those who look after the installation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from shortly.accounts.fields import MAX_EMAIL, MAX_LOCALE, MAX_PERSON_NAME
from shortly.accounts.passwords import MAX_LENGTH as MAX_PASSWORD
from shortly.accounts.people import MAX_WORKSPACES, Role, User
from shortly.accounts.records import MAX_ID
from shortly.accounts.registry import MAX_PAGE
from shortly.api.access import needs
from shortly.api.cursors import cursor_of, id_in
from shortly.api.link_bodies import Given
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller
from shortly.errors import (
    Busy,
    EmailTaken,
    Forbidden,
    InvalidCursor,
    InvalidInput,
    LastAdmin,
    StorageFull,
    UserNotFound,
    WeakPassword,
    WorkspaceNotFound,
)

router = APIRouter(
    prefix="/api/v1/users", tags=["people"], dependencies=[needs("installation")], responses=problems(Forbidden)
)

Email = Annotated[str, Field(max_length=2 * MAX_EMAIL, examples=["ada@example.com"])]
Password = Annotated[str, Field(max_length=4 * MAX_PASSWORD)]
PersonName = Annotated[str, Field(max_length=4 * MAX_PERSON_NAME)]
Locale = Annotated[str, Field(max_length=MAX_LOCALE, examples=["de"])]
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]


class NewUser(Given):
    """A user to be added."""

    email: Email
    name: PersonName = ""
    locale: Locale = ""
    password: Password | None = Field(None, description="Without one they choose it by a one-time link.")
    admin: StrictBool = Field(False, description="Looks after the whole installation.")
    workspace_id: Annotated[StrictInt, Field(ge=1, le=MAX_WORKSPACES)] | None = Field(
        None, description="Makes them a member of this workspace at once."
    )
    role: Role = Field("viewer", description="In that workspace.")


class UserChanges(Given):
    """Fields to be changed; those that are absent stay as they are."""

    email: Email = ""
    name: PersonName = ""
    locale: Locale = ""
    admin: StrictBool = False
    enabled: StrictBool = Field(False, description="false: cannot sign in; sessions and keys are refused at once.")

    def changes(self) -> dict[str, Any]:
        """Return what was given."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class UserOut(BaseModel):
    """Somebody who can sign in."""

    id: int
    email: str
    name: str
    locale: str
    admin: bool = Field(description="Looks after the whole installation.")
    enabled: bool
    has_password: bool
    created_at: datetime
    signed_in_at: datetime | None

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the user as they go out."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            locale=user.locale,
            admin=user.admin,
            enabled=user.disabled_at is None,
            has_password=user.password_hash is not None,
            created_at=user.created_at,
            signed_in_at=user.signed_in_at,
        )


class UserList(BaseModel):
    """One page of users."""

    items: list[UserOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


@router.get("", operation_id="list_users", responses=problems(InvalidInput, InvalidCursor))
async def list_users(query: Annotated[PageQuery, Query()], services: AllServices) -> UserList:
    """List all users, oldest first."""
    found = await services.people.list_users(after=id_in(query.cursor), limit=query.limit)
    return UserList(
        items=[UserOut.of(user) for user in found],
        next_cursor=cursor_of(found[-1].id) if len(found) == query.limit else None,
    )


@router.post(
    "",
    status_code=201,
    operation_id="create_user",
    responses=problems(InvalidInput, WeakPassword, EmailTaken, WorkspaceNotFound, Busy, StorageFull),
)
async def create_user(new: NewUser, services: AllServices, caller: Caller) -> UserOut:
    """Add a user; people can be invited into a workspace, too, and then choose their password themselves."""
    return UserOut.of(
        await services.people.add(
            caller,
            new.email,
            name=new.name,
            locale=new.locale,
            admin=new.admin,
            password=new.password,
            workspace_id=new.workspace_id,
            role=new.role,
        )
    )


@router.get("/{user_id}", operation_id="get_user", responses=problems(UserNotFound))
async def get_user(user_id: UserId, services: AllServices) -> UserOut:
    """Read a user."""
    return UserOut.of(await services.people.get(user_id))


@router.patch(
    "/{user_id}",
    operation_id="edit_user",
    responses=problems(UserNotFound, InvalidInput, EmailTaken, LastAdmin, StorageFull),
)
async def edit_user(user_id: UserId, changes: UserChanges, services: AllServices, caller: Caller) -> UserOut:
    """Change some fields of a user; somebody who looks after the installation is always left."""
    return UserOut.of(await services.people.edit(caller, user_id, changes.changes()))


@router.delete(
    "/{user_id}",
    status_code=204,
    operation_id="delete_user",
    response_class=Response,
    responses=problems(UserNotFound, LastAdmin, StorageFull),
)
async def delete_user(user_id: UserId, services: AllServices, caller: Caller) -> None:
    """Delete a user with their memberships, sessions and keys; their links stay."""
    await services.people.delete(caller, user_id)
