"""Banned links."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from shortly.api.access import needs
from shortly.api.link_bodies import Given, LinkOut
from shortly.api.links import ETAG, answer
from shortly.api.paths import DomainQuery, SlugPath
from shortly.api.problems import problems
from shortly.api.services import AllServices, Links
from shortly.errors import Forbidden, InvalidInput, LinkChanged, LinkNotFound, StorageFull, UnknownDomain
from shortly.links.link import BanStatus
from shortly.links.service import MAX_REASON

router = APIRouter(prefix="/api/v1/links", tags=["abuse"], dependencies=[needs("reports:write")])

REFUSED = problems(LinkNotFound, UnknownDomain, LinkChanged, Forbidden, InvalidInput, StorageFull)


class NewBan(Given):
    """Why a link must lead nowhere."""

    status: BanStatus = Field(410, description="What visitors get: 410 gone, 451 for legal reasons.")
    reason: Annotated[str, Field(max_length=MAX_REASON)] = Field(
        "", description="For the link's own people; visitors are not told."
    )


@router.put("/{slug:slug}/ban", operation_id="ban_link", responses={200: {"headers": ETAG}, **REFUSED})
async def ban_link(
    slug: SlugPath, ban: NewBan, links: Links, services: AllServices, response: Response, domain: DomainQuery = None
) -> LinkOut:
    """Let a link lead nobody anywhere, whatever its own people do."""
    link = await links.ban(slug, status=ban.status, reason=ban.reason, domain=domain)
    return await answer(link, services, response)


@router.delete("/{slug:slug}/ban", operation_id="unban_link", responses={200: {"headers": ETAG}, **REFUSED})
async def unban_link(
    slug: SlugPath, links: Links, services: AllServices, response: Response, domain: DomainQuery = None
) -> LinkOut:
    """Lift a ban."""
    return await answer(await links.unban(slug, domain=domain), services, response)
