"""Sharing a link's statistics with everybody who has the address."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from shortly.api.access import needs
from shortly.api.limits import SHARED
from shortly.api.link_bodies import Given
from shortly.api.moments import Moment
from shortly.api.paths import DomainQuery, SlugPath
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, Services
from shortly.errors import (
    Forbidden,
    InvalidInput,
    LinkNotFound,
    NameTaken,
    NotShared,
    RecordChanged,
    StorageFull,
    UnknownDomain,
)
from shortly.stats.sharing import Share, Sharing

router = APIRouter(prefix="/api/v1/links", tags=["statistics"])


class NewShare(Given):
    """How long a page is shown."""

    expires_at: Moment | None = Field(None, description="From this moment on nobody is shown anything; null: never.")


class ShareOut(BaseModel):
    """A page that everybody is shown who has its address."""

    url: str = Field(examples=["https://sho.rt/shared/5dG0m1c"], description="Cannot be guessed, but passed on.")
    created_at: datetime
    created_by: str = Field(examples=["user:7"])
    expires_at: datetime | None

    @classmethod
    def of(cls, share: Share, services: Services) -> Self:
        """Return it as it goes out."""
        return cls(
            url=f"{services.settings.base_url}{SHARED}{share.token}",
            created_at=share.created_at,
            created_by=share.created_by,
            expires_at=share.expires_at,
        )


def service_of(services: Services) -> Sharing:
    """Return what begins and ends shares."""
    return Sharing(services.entrance.registry, services.links, services.audit)


@router.get(
    "/{slug:slug}/share",
    operation_id="get_share",
    dependencies=[needs("stats:read")],
    responses=problems(LinkNotFound, NotShared, UnknownDomain),
)
async def get_share(slug: SlugPath, caller: Caller, services: AllServices, domain: DomainQuery = None) -> ShareOut:
    """Read whether a link's statistics are shared, and at which address."""
    return ShareOut.of(await service_of(services).get(caller, slug, domain), services)


@router.put(
    "/{slug:slug}/share",
    operation_id="share_stats",
    dependencies=[needs("stats:share")],
    responses=problems(LinkNotFound, UnknownDomain, InvalidInput, NameTaken, RecordChanged, Forbidden, StorageFull),
)
async def share_stats(
    slug: SlugPath, new: NewShare, caller: Caller, services: AllServices, domain: DomainQuery = None
) -> ShareOut:
    """Share a link's statistics as a page for everybody who has its address: sums alone, and no single visits."""
    return ShareOut.of(await service_of(services).share(caller, slug, domain, new.expires_at), services)


@router.delete(
    "/{slug:slug}/share",
    status_code=204,
    operation_id="unshare_stats",
    dependencies=[needs("stats:share")],
    response_class=Response,
    responses=problems(LinkNotFound, NotShared, UnknownDomain, RecordChanged, Forbidden, StorageFull),
)
async def unshare_stats(slug: SlugPath, caller: Caller, services: AllServices, domain: DomainQuery = None) -> None:
    """End a share at once. Its address never comes back: sharing anew gives another one."""
    await service_of(services).end(caller, slug, domain)
