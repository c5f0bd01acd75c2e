"""Tags and folders of a workspace, with how many links each has."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from shortly.api.access import needs
from shortly.api.problems import problems
from shortly.api.services import Links
from shortly.errors import InvalidInput
from shortly.links.fields import MAX_FOLDER
from shortly.links.labels import MAX_LABELS, LabelPage
from shortly.links.service import MAX_SEARCH

router = APIRouter(prefix="/api/v1", tags=["links"])


class LabelOut(BaseModel):
    """A tag or a folder."""

    name: str = Field(examples=["spring"])
    links: int = Field(description="How many links have it, archived ones among them.")


class LabelList(BaseModel):
    """One page, by name. With a search it may be short, or empty, though there is a next one."""

    items: list[LabelOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")

    @classmethod
    def of(cls, page: LabelPage) -> Self:
        """Return the page as it goes out."""
        return cls(
            items=[LabelOut(name=label.name, links=label.links) for label in page.items], next_cursor=page.next_after
        )


class LabelFilter(BaseModel):
    """Which of them."""

    model_config = ConfigDict(extra="forbid")

    search: str = Field("", max_length=MAX_SEARCH, description="Part of the name; case does not matter.")
    limit: int = Field(100, ge=1, le=MAX_LABELS)
    cursor: str = Field("", max_length=MAX_FOLDER, description="`next_cursor` of the page before.")


@router.get("/tags", operation_id="list_tags", dependencies=[needs("links:read")], responses=problems(InvalidInput))
async def list_tags(query: Annotated[LabelFilter, Query()], links: Links) -> LabelList:
    """List the workspace's tags; none for keys that are for a part of the links only."""
    return LabelList.of(await links.list_labels("tag", search=query.search, limit=query.limit, after=query.cursor))


@router.get(
    "/folders", operation_id="list_folders", dependencies=[needs("links:read")], responses=problems(InvalidInput)
)
async def list_folders(query: Annotated[LabelFilter, Query()], links: Links) -> LabelList:
    """List the workspace's folders; none for keys that are for a part of the links only."""
    return LabelList.of(await links.list_labels("folder", search=query.search, limit=query.limit, after=query.cursor))
