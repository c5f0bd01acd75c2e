"""Saved views of the list of links: one's own, wherever one signs in."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from shortly.accounts.records import MAX_ID
from shortly.accounts.views import MAX_NAME, MAX_QUERY, View, ViewService
from shortly.api.access import known
from shortly.api.link_bodies import Given
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, Person, Services
from shortly.errors import (
    CrossSiteRequest,
    InvalidInput,
    NameTaken,
    RecordChanged,
    SessionNeeded,
    StorageFull,
    ViewNotFound,
    ViewsFull,
)

router = APIRouter(prefix="/api/v1/views", tags=["links"], dependencies=[known])

OWN = (SessionNeeded, CrossSiteRequest)
ViewId = Annotated[int, Path(ge=1, le=MAX_ID)]
Name = Annotated[str, Field(max_length=MAX_NAME, examples=["Spring sale"])]
Query = Annotated[str, Field(max_length=MAX_QUERY, examples=["tag=spring&sort=-clicks"])]


class NewView(Given):
    """A view to save."""

    name: Name
    query: Query = ""


class ViewChanges(Given):
    """What shall be different."""

    name: Name | None = None
    query: Query | None = None


class ViewOut(BaseModel):
    """A saved view."""

    id: int
    name: str
    query: str = Field(description="What the address of the list has behind its question mark.")

    @classmethod
    def of(cls, view: View) -> Self:
        """Return it as it goes out."""
        return cls(id=view.id, name=view.name, query=view.query)


class ViewList(BaseModel):
    """All of one's own, oldest first."""

    items: list[ViewOut]


def service_of(services: Services) -> ViewService:
    """Return what keeps views."""
    return ViewService(services.entrance.registry)


@router.get("", operation_id="list_views", responses=problems(*OWN))
async def list_views(_: Person, caller: Caller, services: AllServices) -> ViewList:
    """List one's own saved views of the workspace."""
    return ViewList(items=[ViewOut.of(view) for view in await service_of(services).all(caller)])


@router.post(
    "",
    status_code=201,
    operation_id="save_view",
    responses=problems(InvalidInput, NameTaken, ViewsFull, StorageFull, *OWN),
)
async def save_view(new: NewView, _: Person, caller: Caller, services: AllServices) -> ViewOut:
    """Save a view."""
    return ViewOut.of(await service_of(services).save(caller, new.name, new.query))


@router.patch(
    "/{view_id}",
    operation_id="change_view",
    responses=problems(ViewNotFound, InvalidInput, NameTaken, RecordChanged, StorageFull, *OWN),
)
async def change_view(
    view_id: ViewId, changes: ViewChanges, _: Person, caller: Caller, services: AllServices
) -> ViewOut:
    """Change a saved view."""
    return ViewOut.of(await service_of(services).change(caller, view_id, name=changes.name, query=changes.query))


@router.delete(
    "/{view_id}",
    status_code=204,
    operation_id="delete_view",
    responses=problems(ViewNotFound, RecordChanged, StorageFull, *OWN),
)
async def delete_view(view_id: ViewId, _: Person, caller: Caller, services: AllServices) -> None:
    """Forget a saved view."""
    await service_of(services).remove(caller, view_id)
