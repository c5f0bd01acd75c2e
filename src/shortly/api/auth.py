"""Signing in and out, the first person, one's own sessions and password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Request, Response, Security
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from shortly.accounts import access
from shortly.accounts.fields import MAX_EMAIL, MAX_LOCALE, MAX_PERSON_NAME
from shortly.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from shortly.accounts.people import User, email_key
from shortly.accounts.sessions import From, How, Session, SignedIn
from shortly.accounts.tickets import SECRET_LENGTH
from shortly.api.access import known as open_to_callers
from shortly.api.access import needs, public
from shortly.api.link_bodies import Given
from shortly.api.openapi import api_key_header, bearer, session_cookie
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, Facts, PerhapsPerson, Person, Services
from shortly.errors import (
    Busy,
    CrossSiteRequest,
    InvalidInput,
    RateLimited,
    SecondFactorNeeded,
    SecondFactorUnreadable,
    SessionNeeded,
    SessionNotFound,
    SetupDone,
    SignInRefused,
    StorageFull,
    TicketRefused,
    Unauthenticated,
    UserNotFound,
    WeakPassword,
    WrongCode,
    WrongPassword,
)

router = APIRouter(prefix="/api/v1", tags=["signing in"], generate_unique_id_function=lambda route: route.name)
known: list[Any] = [open_to_callers, Security(bearer), Security(api_key_header), Security(session_cookie)]


MAX_ID = 2**53 - 1
MAX_CODE = 64

Email = Annotated[str, Field(max_length=2 * MAX_EMAIL, examples=["ada@example.com"])]
Password = Annotated[str, Field(max_length=MAX_LENGTH)]
NewPassword = Annotated[
    str,
    Field(
        max_length=4 * MAX_LENGTH,
        description=f"{MIN_LENGTH} to {MAX_LENGTH} characters of any kind, but none of those that everybody tries.",
    ),
]
Token = Annotated[str, Field(max_length=2 * SECRET_LENGTH, description="From the one-time link, after `#token=`.")]


class SelfChanges(Given):
    """What somebody says of themselves; fields that are absent stay as they are."""

    name: Annotated[str, Field(max_length=4 * MAX_PERSON_NAME)] = ""
    locale: Annotated[str, Field(max_length=MAX_LOCALE, examples=["de"])] = ""

    def changes(self) -> dict[str, Any]:
        """Return what was given."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class SetupState(BaseModel):
    """Whether the first person is still awaited."""

    open: bool


class Methods(BaseModel):
    """What a sign-in page may offer."""

    setup: bool = Field(description="The first person is still awaited.")
    passkeys: bool = Field(description="Browsers allow passkeys at this address.")
    oidc: str | None = Field(description="Name of the identity provider; null: there is none.")
    password_by_mail: bool = Field(description="Who forgot the password can have a link mailed.")


class Elsewhere(BaseModel):
    """Where the browser goes on to sign out of the identity provider."""

    url: str


class NewSetup(Given):
    """The first person."""

    token: Token
    email: Email
    password: NewPassword
    name: Annotated[str, Field(max_length=4 * MAX_PERSON_NAME)] = ""


class NewSignIn(Given):
    """Who somebody is, and the proof."""

    email: Email
    password: Password
    code: Annotated[str, Field(max_length=MAX_CODE)] | None = Field(
        None, description="Of the authenticator app, or a recovery code; where a second factor was set up."
    )


class PasswordChange(Given):
    """The present password and the new one."""

    password: Password
    new_password: NewPassword


class Forgotten(Given):
    """Whose password was forgotten."""

    email: Email


class PasswordReset(Given):
    """A new password, and the right to set it."""

    token: Token
    password: NewPassword


class ResetLink(BaseModel):
    """A one-time link, to be handed over in person; it lives for 24 hours."""

    url: str


class SessionOut(BaseModel):
    """Somebody's being signed in with one browser."""

    id: int
    current: bool = Field(description="It is the one that asks.")
    created_at: datetime
    seen_at: datetime = Field(description="To the minute.")
    expires_at: datetime = Field(description="If it is not used any more.")
    user_agent: str = Field(description="The browser's own words, shortened.")
    origin: str = Field(description="Network that it began in.", examples=["203.0.113.0"])
    how: How = Field(description="What identity was proven with.")
    second_factor: bool

    @classmethod
    def of(cls, session: Session, *, current: bool) -> Self:
        """Return a session as it is shown to its owner."""
        return cls(
            id=session.id,
            current=current,
            created_at=session.created_at,
            seen_at=session.seen_at,
            expires_at=session.expires_at,
            user_agent=session.user_agent,
            origin=session.origin,
            how=session.how,
            second_factor=session.second_factor,
        )


class Sessions(BaseModel):
    """All of one's own."""

    items: list[SessionOut]


class Ended(BaseModel):
    """How many sessions ended."""

    ended: int


class Myself(BaseModel):
    """The person who is signed in."""

    id: int
    email: str
    name: str
    admin: bool = Field(description="Looks after the whole installation.")
    locale: str

    @classmethod
    def of(cls, user: User) -> Self:
        """Return a user as they see themselves."""
        return cls(id=user.id, email=user.email, name=user.name, admin=user.admin, locale=user.locale)


class SignedInOut(BaseModel):
    """Who came in, by which session; the session's cookie comes with it."""

    user: Myself
    session: SessionOut

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        """Return what the browser is told of somebody who just came in."""
        return cls(user=Myself.of(signed_in.user), session=SessionOut.of(signed_in.session, current=True))


class Me(BaseModel):
    """Whom requests like this one come from."""

    actor: str = Field(examples=["user:7", "key:3"])
    user: Myself | None = Field(description="null for an API key.")
    session: SessionOut | None = Field(description="null for an API key.")
    workspace_id: int
    permissions: list[access.Permission]


async def welcome(services: Services, signed_in: SignedIn, facts: From, response: Response) -> SignedInOut:
    """Give somebody who came in their cookies, note it, and return what the browser is told."""
    session = signed_in.session
    services.cookie.set(response, signed_in.token)
    services.device_cookie.set(response, services.entrance.devices.issue(email_key(signed_in.user.email)))
    details = {"how": session.how, "second_factor": session.second_factor, "session": session.id}
    await note(services, signed_in.user.id, "user.signed_in", facts, **details)
    return SignedInOut.of(signed_in)


async def note(services: Services, user_id: int, action: str, facts: From, **details: Any) -> None:
    """Write down what somebody did, or had done to them, who was not signed in before."""
    caller = access.Caller(actor=f"user:{user_id}", user_id=user_id, workspace_id=0, origin=facts.origin)
    await services.audit.note(caller, action, f"user:{user_id}", **details)


async def note_own(services: Services, caller: access.Caller, person: SignedIn, action: str, **details: Any) -> None:
    """Write down what somebody did to their own ways of coming in."""
    await services.audit.note(caller, action, f"user:{person.user.id}", workspace_id=0, **details)


async def count_try(services: Services, account: str, request: Request, facts: From) -> None:
    """Count a sign-in for an account: a device that came in before by itself, so that no stranger can lock it out;
    others by network, and all of them together.

    Raises:
        RateLimited: There were too many.
    """
    token = None
    with suppress(Unauthenticated):
        token = services.device_cookie.read(request.scope["headers"])
    device = services.entrance.devices.name_of(token, account)
    await services.limits.take("account", f"{account} {device or facts.origin}")
    if device is None:
        await services.limits.take("strangers", account)


@contextmanager
def noting_refusals(services: Services, facts: From) -> Iterator[None]:
    """Write refused sign-ins of known users down; nobody waits for it, or the time it takes would tell who is known."""
    try:
        yield
    except (SignInRefused, WrongCode) as refusal:
        if refusal.user_id is not None:
            noted = note(services, refusal.user_id, "user.sign_in_refused", facts, reason=refusal.code)
            services.entrance.errands.start(noted)
        raise


@router.get("/auth/methods", dependencies=[public])
async def get_methods(services: AllServices) -> Methods:
    """Say which ways to come in there are."""
    entrance = services.entrance
    return Methods(
        setup=await entrance.setup.is_open(),
        passkeys=entrance.passkeys.work,
        oidc=None if services.oidc is None else services.oidc.name,
        password_by_mail=entrance.sign_in.sends_mail,
    )


@router.get("/auth/setup", dependencies=[public])
async def get_setup(services: AllServices) -> SetupState:
    """Say whether the first person is still awaited."""
    return SetupState(open=await services.entrance.setup.is_open())


@router.post(
    "/auth/setup",
    dependencies=[public],
    status_code=201,
    responses=problems(SetupDone, TicketRefused, WeakPassword, InvalidInput, CrossSiteRequest, Busy),
)
async def set_up(new: NewSetup, services: AllServices, facts: Facts, response: Response) -> SignedInOut:
    """Become the first person, as admin of everything; afterwards this door is closed for good."""
    user = await services.entrance.setup.redeem(new.token, email=new.email, password=new.password, name=new.name)
    await note(services, user.id, "installation.set_up", facts, email=user.email)
    signed_in = await services.entrance.sessions.sign_in(user, "setup", second_factor=False, facts=facts)
    return await welcome(services, signed_in, facts, response)


@router.post(
    "/auth/sign-in",
    dependencies=[public],
    responses=problems(
        SignInRefused,
        SecondFactorNeeded,
        WrongCode,
        SecondFactorUnreadable,
        RateLimited,
        InvalidInput,
        CrossSiteRequest,
        Busy,
    ),
)
async def sign_in(
    new: NewSignIn, request: Request, services: AllServices, facts: Facts, response: Response
) -> SignedInOut:
    """Begin a session."""
    await count_try(services, email_key(new.email), request, facts)
    with noting_refusals(services, facts):
        signed_in = await services.entrance.sign_in.sign_in(new.email, new.password, facts, code=new.code)
    return await welcome(services, signed_in, facts, response)


@router.post(
    "/auth/sign-out",
    status_code=204,
    dependencies=known,
    responses={**problems(SessionNeeded, CrossSiteRequest), 200: {"model": Elsewhere}},
)
async def sign_out(person: Person, caller: Caller, services: AllServices) -> Response:
    """End this session, everywhere and at once; with 200 the answer says where to end the identity provider's, too."""
    session = person.session
    if session.id:  # a proxy that signs people in has no session here
        await services.entrance.sessions.end(session.id, person.user.id)
        await note_own(services, caller, person, "session.ended", session=session.id)
    url = await services.oidc.sign_out_url() if services.oidc is not None and session.how == "oidc" else None
    response = Response(status_code=204) if url is None else JSONResponse({"url": url})
    services.cookie.clear(response)
    return response


@router.get("/auth/me", dependencies=known)
async def get_me(caller: Caller, signed_in: PerhapsPerson) -> Me:
    """Say whom requests like this one come from, and what they may do."""
    return Me(
        actor=caller.actor,
        user=None if signed_in is None else Myself.of(signed_in.user),
        session=None if signed_in is None else SessionOut.of(signed_in.session, current=True),
        workspace_id=caller.workspace_id,
        permissions=sorted(caller.permissions),
    )


@router.patch(
    "/auth/me",
    dependencies=known,
    responses=problems(InvalidInput, RateLimited, SessionNeeded, CrossSiteRequest, Busy, StorageFull),
)
async def edit_me(given: SelfChanges, person: Person, caller: Caller, services: AllServices) -> Myself:
    """Change one's own name or language; an e-mail address is changed by those who look after the installation."""
    await services.limits.take("account", email_key(person.user.email))
    return Myself.of(await services.people.edit(caller, person.user.id, given.changes()))


@router.get("/auth/sessions", dependencies=known, responses=problems(SessionNeeded))
async def list_sessions(person: Person, services: AllServices) -> Sessions:
    """List one's own sessions, oldest first."""
    found = await services.entrance.sessions.of(person.user.id)
    return Sessions(items=[SessionOut.of(one, current=one.id == person.session.id) for one in found])


@router.delete(
    "/auth/sessions/{session_id}",
    status_code=204,
    dependencies=known,
    responses=problems(SessionNotFound, SessionNeeded, CrossSiteRequest),
)
async def end_session(
    session_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    person: Person,
    caller: Caller,
    services: AllServices,
    response: Response,
) -> None:
    """End one of one's own sessions, everywhere and at once."""
    await services.entrance.sessions.end(session_id, person.user.id)
    if session_id == person.session.id:
        services.cookie.clear(response)
    await note_own(services, caller, person, "session.ended", session=session_id)


@router.delete("/auth/sessions", dependencies=known, responses=problems(SessionNeeded, CrossSiteRequest))
async def end_other_sessions(person: Person, caller: Caller, services: AllServices) -> Ended:
    """End all of one's own sessions but this one."""
    ended = await services.entrance.sessions.end_all(person.user.id, but=person.session.id)
    await note_own(services, caller, person, "session.others_ended", count=ended)
    return Ended(ended=ended)


@router.post(
    "/auth/password",
    status_code=204,
    dependencies=known,
    responses=problems(WrongPassword, WeakPassword, RateLimited, SessionNeeded, CrossSiteRequest, Busy),
)
async def change_password(given: PasswordChange, person: Person, caller: Caller, services: AllServices) -> None:
    """Choose another password; all of one's other sessions end."""
    await services.limits.take("account", email_key(person.user.email))
    await services.entrance.sign_in.change_password(
        person.user, person.session, present=given.password, new=given.new_password
    )
    await note_own(services, caller, person, "password.changed")


@router.post(
    "/auth/password/forgot", status_code=202, dependencies=[public], responses=problems(InvalidInput, CrossSiteRequest)
)
async def forget_password(given: Forgotten, services: AllServices) -> None:
    """Have a link for a new password mailed; the answer is the same whether anybody has this address or not."""
    services.entrance.sign_in.forgot(given.email)


@router.post(
    "/auth/password/reset",
    status_code=204,
    dependencies=[public],
    responses=problems(TicketRefused, WeakPassword, InvalidInput, CrossSiteRequest, Busy),
)
async def reset_password(given: PasswordReset, services: AllServices, facts: Facts) -> None:
    """Choose a new password by a one-time link; all sessions end."""
    user = await services.entrance.sign_in.reset(given.token, given.password)
    await note(services, user.id, "password.reset", facts)


@router.delete(
    "/users/{user_id}/sessions",
    dependencies=[*known, needs("installation")],
    responses=problems(UserNotFound, CrossSiteRequest),
)
async def end_sessions_of_user(
    user_id: Annotated[int, Path(ge=1, le=MAX_ID)], caller: Caller, services: AllServices
) -> Ended:
    """End all sessions of somebody, everywhere and at once."""
    user = await services.people.get(user_id)
    ended = await services.entrance.sessions.end_all(user.id)
    await services.audit.note(caller, "session.all_ended", f"user:{user.id}", workspace_id=0, count=ended)
    return Ended(ended=ended)


@router.post(
    "/users/{user_id}/reset-link",
    status_code=201,
    dependencies=[*known, needs("installation")],
    responses=problems(UserNotFound, CrossSiteRequest),
)
async def make_reset_link(
    user_id: Annotated[int, Path(ge=1, le=MAX_ID)], caller: Caller, services: AllServices
) -> ResetLink:
    """Make a one-time link for somebody's new password, where there is no mail."""
    url = await services.entrance.sign_in.reset_link(user_id)
    await services.audit.note(caller, "password.reset_link_made", f"user:{user_id}", workspace_id=0)
    return ResetLink(url=url)
