"""Passkeys: signing in by one, and those of the person who is signed in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from shortly.accounts.fields import MAX_PASSKEY_NAME
from shortly.accounts.passkeys import Passkey
from shortly.api.access import public
from shortly.api.auth import MAX_ID, SignedInOut, known, note_own, noting_refusals, welcome
from shortly.api.link_bodies import Given
from shortly.api.problems import problems
from shortly.api.second_factor import PROVING, Proof, prove
from shortly.api.services import AllServices, Caller, Facts, Person
from shortly.errors import (
    CrossSiteRequest,
    InvalidInput,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeysFull,
    PasskeyUnusable,
    RateLimited,
    RecordChanged,
    SessionNeeded,
    SignInRefused,
)

router = APIRouter(
    prefix="/api/v1/auth/passkeys", tags=["signing in"], generate_unique_id_function=lambda route: route.name
)

MAX_PART = 16_384
OWN_KINDS = (SessionNeeded, CrossSiteRequest)
"""Refusals of all that concerns one's own."""

PasskeyId = Annotated[int, Path(ge=1, le=MAX_ID)]
Name = Annotated[str, Field(max_length=4 * MAX_PASSKEY_NAME, examples=["Phone"])]
Part = Annotated[str, Field(max_length=MAX_PART)]


class FromBrowser(BaseModel):
    """What a browser says; later ones may say more, which is not looked at."""

    model_config = ConfigDict(extra="ignore")


class Attestation(FromBrowser):
    """What the device says of the key that it made; Base64url."""

    clientDataJSON: Part  # noqa: N815
    attestationObject: Part  # noqa: N815


class Assertion(FromBrowser):
    """What the device says to prove that it has the key; Base64url."""

    clientDataJSON: Part  # noqa: N815
    authenticatorData: Part  # noqa: N815
    signature: Part
    userHandle: Part | None = None  # noqa: N815


class NewCredential(FromBrowser):
    """A ``PublicKeyCredential`` as its ``toJSON()`` gives it; what is not needed is not looked at."""

    id: Part
    rawId: Part  # noqa: N815
    type: Annotated[str, Field(max_length=32)]
    response: Attestation


class Credential(FromBrowser):
    """The same, from signing in."""

    id: Part
    rawId: Part  # noqa: N815
    type: Annotated[str, Field(max_length=32)]
    response: Assertion


class NewPasskey(Given):
    """A passkey that a browser made, and what it shall be called."""

    name: Name
    credential: NewCredential


class PasskeySignIn(Given):
    """The passkey that somebody chose."""

    credential: Credential


class PasskeyName(Given):
    """What a passkey shall be called."""

    name: Name


class PasskeyOut(BaseModel):
    """One of one's own passkeys."""

    id: int
    name: str
    backed_up: bool = Field(description="Its maker keeps a copy, so that it outlives the device.")
    created_at: datetime
    used_at: datetime | None

    @classmethod
    def of(cls, passkey: Passkey) -> Self:
        """Return a passkey as its owner sees it."""
        return cls(
            id=passkey.id,
            name=passkey.name,
            backed_up=passkey.backed_up,
            created_at=passkey.created_at,
            used_at=passkey.used_at,
        )


class PasskeyList(BaseModel):
    """All of one's own."""

    items: list[PasskeyOut]


class Options(BaseModel):
    """What ``navigator.credentials`` is called with, in the JSON form of WebAuthn, level 3."""

    publicKey: dict[str, Any]  # noqa: N815


@router.post("/sign-in/start", dependencies=[public], responses=problems(CrossSiteRequest, RateLimited))
async def start_passkey_sign_in(services: AllServices) -> Options:
    """Ask for a passkey; the answer is for ``navigator.credentials.get`` and good for five minutes."""
    return Options(publicKey=await services.entrance.passkeys.challenge())


@router.post(
    "/sign-in",
    dependencies=[public],
    responses=problems(PasskeyRefused, SignInRefused, InvalidInput, CrossSiteRequest, RateLimited),
)
async def sign_in_by_passkey(
    given: PasskeySignIn, services: AllServices, facts: Facts, response: Response
) -> SignedInOut:
    """Begin a session by a passkey, which is a second factor, too."""
    credential = given.credential.model_dump(exclude_none=True)
    with noting_refusals(services, facts):
        signed_in = await services.entrance.passkeys.sign_in(credential, facts)
    return await welcome(services, signed_in, facts, response)


@router.post(
    "/start",
    dependencies=known,
    responses=problems(PasskeysFull, *PROVING, *OWN_KINDS),
)
async def start_passkey(given: Proof, person: Person, services: AllServices) -> Options:
    """Begin to make a passkey; the answer is for ``navigator.credentials.create`` and good for five minutes."""
    await prove(services, person, given.password)
    return Options(publicKey=await services.entrance.passkeys.start(person.user))


@router.post("", status_code=201, dependencies=known, responses=problems(PasskeyUnusable, InvalidInput, *OWN_KINDS))
async def add_passkey(given: NewPasskey, person: Person, caller: Caller, services: AllServices) -> PasskeyOut:
    """Keep the passkey that a browser made."""
    passkey = await services.entrance.passkeys.add(
        person.user, person.session, given.name, given.credential.model_dump(exclude_none=True)
    )
    await note_own(services, caller, person, "passkey.added", passkey=passkey.id, name=passkey.name)
    return PasskeyOut.of(passkey)


@router.get("", dependencies=known, responses=problems(*OWN_KINDS))
async def list_passkeys(person: Person, services: AllServices) -> PasskeyList:
    """List one's own passkeys, oldest first."""
    return PasskeyList(items=[PasskeyOut.of(one) for one in await services.entrance.passkeys.of(person.user.id)])


@router.patch(
    "/{passkey_id}",
    dependencies=known,
    responses=problems(PasskeyNotFound, InvalidInput, RecordChanged, *OWN_KINDS),
)
async def rename_passkey(
    passkey_id: PasskeyId, given: PasskeyName, person: Person, services: AllServices
) -> PasskeyOut:
    """Call one of one's own passkeys otherwise."""
    return PasskeyOut.of(await services.entrance.passkeys.rename(person.user.id, passkey_id, given.name))


@router.post(
    "/{passkey_id}/remove",
    status_code=204,
    dependencies=known,
    responses=problems(PasskeyNotFound, RecordChanged, *PROVING, *OWN_KINDS),
)
async def remove_passkey(
    passkey_id: PasskeyId, given: Proof, person: Person, caller: Caller, services: AllServices
) -> None:
    """Do without one of one's own passkeys; all of one's other sessions end."""
    await prove(services, person, given.password)
    await services.entrance.sign_in.remove_passkey(person, passkey_id)
    await note_own(services, caller, person, "passkey.removed", passkey=passkey_id)
