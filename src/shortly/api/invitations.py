"""Accepting an invitation: the door for people who have no account yet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from shortly.accounts.people import Role
from shortly.api.access import public
from shortly.api.link_bodies import Given
from shortly.api.problems import problems
from shortly.api.services import AllServices, Facts, PerhapsPerson
from shortly.api.users import Locale, Password, PersonName
from shortly.errors import (
    AlreadyMember,
    Busy,
    CrossSiteRequest,
    InvalidInput,
    InvitationNotFound,
    SignInFirst,
    StorageFull,
    WeakPassword,
)

router = APIRouter(prefix="/api/v1/invitations", tags=["workspaces"])

MAX_TOKEN = 128


class Acceptance(Given):
    """An invitation's token; with a password of somebody who has no account yet."""

    token: Annotated[
        str, Field(max_length=MAX_TOKEN, description="What stands behind the `#` of the invitation's link.")
    ]
    password: Password | None = None
    name: PersonName = ""
    locale: Locale = ""


class Joined(BaseModel):
    """Who joined what."""

    user_id: int
    email: str
    workspace_id: int
    role: Role


@router.post(
    "/accept",
    operation_id="accept_invitation",
    dependencies=[public],
    responses=problems(
        InvitationNotFound,
        SignInFirst,
        AlreadyMember,
        InvalidInput,
        WeakPassword,
        CrossSiteRequest,
        Busy,
        StorageFull,
    ),
)
async def accept_invitation(given: Acceptance, services: AllServices, person: PerhapsPerson, facts: Facts) -> Joined:
    """Join the workspace: with a new account and the password given here, or as the person signed in."""
    user, member = await services.invitations.accept(
        given.token,
        signed_in=person.user if person else None,
        password=given.password,
        name=given.name,
        locale=given.locale,
        origin=facts.origin,
    )
    return Joined(user_id=user.id, email=user.email, workspace_id=member.workspace_id, role=member.role)
