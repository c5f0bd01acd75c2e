"""API keys: made, listed, renamed, rotated and revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from shortly.accounts.access import Scope
from shortly.accounts.keys import MAX_NAME, MAX_OVERLAP, MAX_RESTRICTION, SCOPES, Key
from shortly.accounts.records import MAX_ID
from shortly.accounts.registry import MAX_PAGE
from shortly.api.access import needs
from shortly.api.cursors import cursor_of, id_in
from shortly.api.link_bodies import Given
from shortly.api.moments import Moment
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, Services
from shortly.errors import (
    Forbidden,
    InvalidCursor,
    InvalidInput,
    KeyNameTaken,
    KeyNotFound,
    StorageFull,
    UnknownDomain,
)

router = APIRouter(prefix="/api/v1/keys", tags=["keys"])

Name = Annotated[str, Field(max_length=4 * MAX_NAME, examples=["reporting"])]
KeyId = Annotated[int, Path(ge=1, le=MAX_ID)]


class NewKey(Given):
    """A key to be made."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=2 * len(SCOPES))] = Field(
        description="What it is for. `admin`: all that an admin of the workspace may do.", examples=[["links:write"]]
    )
    only_domain: Annotated[str, Field(max_length=MAX_RESTRICTION)] | None = Field(
        None, description="It acts on links on this host only."
    )
    only_tag: Annotated[str, Field(max_length=MAX_RESTRICTION)] | None = Field(
        None, description="It acts on links with this tag only."
    )
    only_own: StrictBool = Field(False, description="It acts on links only that it made itself.")
    expires_at: Moment | None = Field(None, description="From this moment on it is refused.")
    installation: StrictBool = Field(
        False, description="It may also do what concerns all workspaces; with the scope `admin`."
    )


class KeyChanges(Given):
    """Fields to be changed; those that are absent stay as they are."""

    name: Name = ""
    expires_at: Moment | None = Field(None, description="Null: it does not expire.")


class Rotation(Given):
    """How a key gets another secret."""

    overlap_s: Annotated[StrictInt, Field(ge=0, le=int(MAX_OVERLAP.total_seconds()))] = Field(
        0, description="Seconds that the old secret goes on working; 0: it stops at once."
    )


class KeyOut(BaseModel):
    """An API key without its secret."""

    id: int
    name: str
    hint: str = Field(description="The first characters of the secret.", examples=["sly_4f9a"])
    scopes: list[Scope]
    only_domain: str | None
    only_tag: str | None
    only_own: bool
    installation: bool
    user_id: int | None = Field(description="Whose it is; null: it was made on the machine.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: Key, services: Services, /, **more: Any) -> Self:
        """Return the key as it goes out."""
        fields = {name: getattr(key, name) for name in KeyOut.model_fields}
        if key.only_domain == "":
            fields["only_domain"] = services.settings.base_host
        return cls(**{**fields, "scopes": list(key.scopes)}, **more)


class MadeKey(KeyOut):
    """A key with its secret, which is shown this once."""

    key: str = Field(description="The secret; keep it safe.")


class KeyList(BaseModel):
    """One page of keys."""

    items: list[KeyOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


class KeyQuery(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


@router.get(
    "", operation_id="list_keys", dependencies=[needs("keys:read")], responses=problems(Forbidden, InvalidCursor)
)
async def list_keys(query: Annotated[KeyQuery, Query()], services: AllServices, caller: Caller) -> KeyList:
    """List the workspace's keys, oldest first, those revoked in the last 90 days too."""
    found = await services.keys.list_keys(caller, after=id_in(query.cursor), limit=query.limit)
    items = [KeyOut.of(key, services) for key in found]
    return KeyList(items=items, next_cursor=cursor_of(found[-1].id) if len(found) == query.limit else None)


@router.post(
    "",
    status_code=201,
    operation_id="create_key",
    dependencies=[needs("keys:write")],
    responses=problems(Forbidden, InvalidInput, UnknownDomain, KeyNameTaken, StorageFull),
)
async def create_key(new: NewKey, services: AllServices, caller: Caller) -> MadeKey:
    """Make a key of the workspace. Nobody can give it more than they may do themselves."""
    domain = new.only_domain
    if domain is not None:
        domain = services.links.domains.open_to(domain, caller.workspace_id)
    key, secret = await services.keys.create(
        caller,
        new.name,
        scopes=new.scopes,
        only_domain=domain,
        only_tag=new.only_tag,
        only_own=new.only_own,
        expires_at=new.expires_at,
        installation=new.installation,
    )
    return MadeKey.of(key, services, key=secret)


@router.patch(
    "/{key_id}",
    operation_id="edit_key",
    dependencies=[needs("keys:write")],
    responses=problems(Forbidden, InvalidInput, KeyNotFound, KeyNameTaken, StorageFull),
)
async def edit_key(key_id: KeyId, changes: KeyChanges, services: AllServices, caller: Caller) -> KeyOut:
    """Rename one's own key, or change when it expires."""
    given = {name: getattr(changes, name) for name in changes.model_fields_set}
    return KeyOut.of(await services.keys.edit(caller, key_id, given), services)


@router.post(
    "/{key_id}/rotate",
    operation_id="rotate_key",
    dependencies=[needs("keys:write")],
    responses=problems(Forbidden, InvalidInput, KeyNotFound, StorageFull),
)
async def rotate_key(key_id: KeyId, services: AllServices, caller: Caller, rotation: Rotation | None = None) -> MadeKey:
    """Give one's own key another secret."""
    overlap = timedelta(seconds=rotation.overlap_s if rotation else 0)
    key, secret = await services.keys.rotate(caller, key_id, overlap=overlap)
    return MadeKey.of(key, services, key=secret)


@router.delete(
    "/{key_id}",
    status_code=204,
    operation_id="revoke_key",
    response_class=Response,
    dependencies=[needs("keys:write")],
    responses=problems(Forbidden, KeyNotFound, StorageFull),
)
async def revoke_key(key_id: KeyId, services: AllServices, caller: Caller) -> None:
    """Make a key of the workspace invalid at once, everywhere."""
    await services.keys.revoke(caller, key_id)
