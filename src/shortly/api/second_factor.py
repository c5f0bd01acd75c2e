"""The authenticator app of the person who is signed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from shortly.accounts.people import email_key
from shortly.accounts.sessions import SignedIn
from shortly.api.access import needs
from shortly.api.auth import MAX_CODE, MAX_ID, Password, known, note_own
from shortly.api.link_bodies import Given
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, Person, Services
from shortly.errors import (
    Busy,
    CrossSiteRequest,
    RateLimited,
    RecentSignInNeeded,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorRequired,
    SecondFactorUnreadable,
    SessionNeeded,
    UnconfirmedCode,
    UserNotFound,
    WrongPassword,
)

router = APIRouter(
    prefix="/api/v1",
    tags=["signing in"],
    dependencies=known,
    generate_unique_id_function=lambda route: route.name,
    responses=problems(SessionNeeded, CrossSiteRequest),
)


PROVING = (WrongPassword, SecondFactorRequired, RecentSignInNeeded, Busy, RateLimited)
"""Refusals of whoever wants to change how they come in."""


class Proof(Given):
    """The present password; null where there is none."""

    password: Password | None = None


class Code(Given):
    """A code that the app shows."""

    code: Annotated[str, Field(max_length=MAX_CODE, examples=["123456"])]


class TotpState(BaseModel):
    """Whether there is an authenticator app."""

    enabled: bool
    recovery_codes: int = Field(description="Recovery codes that were not used yet.")


class TotpStart(BaseModel):
    """What the app has to be given; nobody can read it back."""

    secret: str = Field(description="To type in.")
    uri: str = Field(description="To show as a QR code.")


class RecoveryCodes(BaseModel):
    """Each lets its owner in once when the app is lost; nobody can read them back."""

    recovery_codes: list[str]


async def prove(services: Services, person: SignedIn, password: str | None) -> None:
    """Let somebody pass who is about to change how they come in; see ``SignIn.check_present``."""
    await services.limits.take("account", email_key(person.user.email))
    await services.entrance.sign_in.check_present(person, password)


@router.get("/auth/totp")
async def get_totp(person: Person, services: AllServices) -> TotpState:
    """Say whether one has an authenticator app."""
    totp = await services.entrance.second_factor.of(person.user.id)
    return TotpState(enabled=totp is not None, recovery_codes=0 if totp is None else len(totp.recovery))


@router.post(
    "/auth/totp",
    status_code=201,
    responses=problems(*PROVING, SecondFactorExists),
)
async def start_totp(given: Proof, person: Person, services: AllServices) -> TotpStart:
    """Begin to set an authenticator app up; it counts once a code of it was sent."""
    await prove(services, person, given.password)
    enrolment = await services.entrance.second_factor.start(person.user)
    return TotpStart(secret=enrolment.secret, uri=enrolment.uri)


@router.post(
    "/auth/totp/confirm",
    responses=problems(UnconfirmedCode, SecondFactorExists, SecondFactorMissing, SecondFactorUnreadable, RateLimited),
)
async def confirm_totp(given: Code, person: Person, caller: Caller, services: AllServices) -> RecoveryCodes:
    """Let the authenticator app count from now on."""
    codes = await services.entrance.second_factor.confirm(person.user, person.session, given.code)
    await note_own(services, caller, person, "second_factor.added")
    return RecoveryCodes(recovery_codes=codes)


@router.post(
    "/auth/totp/recovery-codes",
    responses=problems(
        WrongPassword,
        SecondFactorRequired,
        RecentSignInNeeded,
        SecondFactorMissing,
        SecondFactorUnreadable,
        Busy,
        RateLimited,
    ),
)
async def renew_recovery_codes(given: Proof, person: Person, caller: Caller, services: AllServices) -> RecoveryCodes:
    """Make new recovery codes; the earlier ones are worth nothing any more."""
    await prove(services, person, given.password)
    codes = await services.entrance.second_factor.renew_codes(person.user.id)
    await note_own(services, caller, person, "recovery_codes.renewed")
    return RecoveryCodes(recovery_codes=codes)


@router.post(
    "/auth/totp/disable",
    status_code=204,
    responses=problems(*PROVING, SecondFactorMissing),
)
async def disable_totp(given: Proof, person: Person, caller: Caller, services: AllServices) -> None:
    """Do without the authenticator app; all of one's other sessions end."""
    await prove(services, person, given.password)
    await services.entrance.sign_in.remove_app(person)
    await note_own(services, caller, person, "second_factor.removed")


@router.post(
    "/users/{user_id}/second-factor/remove",
    status_code=204,
    dependencies=[needs("installation")],
    responses=problems(UserNotFound),
)
async def remove_second_factor(
    user_id: Annotated[int, Path(ge=1, le=MAX_ID)], caller: Caller, services: AllServices
) -> None:
    """Take the authenticator app and the passkeys away from somebody who lost them; all of their sessions end."""
    await services.entrance.sign_in.remove_factors_of(user_id)
    await services.audit.note(caller, "second_factor.removed", f"user:{user_id}", workspace_id=0)
