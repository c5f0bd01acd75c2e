"""Whether a slug can still be had, for forms that say so while it is typed."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from shortly.api.access import needs
from shortly.api.paths import DomainQuery, SlugPath
from shortly.api.problems import problems
from shortly.api.services import Links
from shortly.errors import InvalidSlug, ReservedSlug, UnknownDomain

router = APIRouter(prefix="/api/v1/slugs", tags=["links"])


class SlugOut(BaseModel):
    """What is known of a slug."""

    slug: str = Field(examples=["spring"])
    free: bool = Field(description="No link has it, as slug or alias; somebody may still be quicker.")


@router.get(
    "/{slug:slug}",
    operation_id="check_slug",
    dependencies=[needs("links:read")],
    responses=problems(InvalidSlug, ReservedSlug, UnknownDomain),
)
async def check_slug(slug: SlugPath, links: Links, domain: DomainQuery = None) -> SlugOut:
    """Say whether a slug is free; one that no link can have is refused."""
    return SlugOut(slug=slug, free=await links.is_free(slug, domain=domain))
