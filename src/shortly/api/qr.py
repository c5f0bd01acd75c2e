"""QR codes of links: for whoever works with them, and at ``/{slug}/qr`` for everybody who has the link."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shortly.api.access import needs
from shortly.api.paths import DomainQuery, SlugPath
from shortly.api.problems import problems
from shortly.api.services import AllServices, Links, Services
from shortly.errors import InvalidInput, LinkNotFound, UnknownDomain
from shortly.links.link import Link
from shortly.links.qr import MAX_BORDER, MAX_SIZE, MIN_SIZE, ErrorLevel, QrFormat, QrStyle, check_style, qr_code

router = APIRouter(prefix="/api/v1/links", tags=["links"])
public_router = APIRouter(include_in_schema=False)

MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
PICTURES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/svg+xml": {}, "image/png": {}}, "description": "The picture."}
}
AN_HOUR = "public, max-age=3600"
"""A picture depends on nothing but the address that it was asked for at; only that there is such a link can change."""


class StyleQuery(BaseModel):
    """How the code looks."""

    model_config = ConfigDict(extra="ignore")

    format: QrFormat = "svg"
    size: int = Field(512, ge=MIN_SIZE, le=MAX_SIZE, description="Pixels, at most.")
    error: ErrorLevel = Field("m", description="How much of it may be covered: 7, 15, 25 or 30 %.")
    dark: str = Field("#000000", max_length=7)
    light: str = Field("#ffffff", max_length=11, description="Or `transparent`.")
    border: int = Field(4, ge=0, le=MAX_BORDER, description="Modules of quiet space; scanners want 4.")

    def style(self) -> QrStyle:
        """Return the style, or raise ``InvalidInput``."""
        return check_style(
            QrStyle(self.format, self.size, self.error, self.dark.lower(), self.light.lower(), self.border)
        )


Style = Annotated[StyleQuery, Query()]


@router.get(
    "/{slug:slug}/qr",
    operation_id="get_link_qr",
    dependencies=[needs("links:read")],
    response_class=Response,
    responses={**PICTURES, **problems(LinkNotFound, InvalidInput, UnknownDomain)},
)
async def get_link_qr(
    slug: SlugPath, style: Style, links: Links, services: AllServices, domain: DomainQuery = None
) -> Response:
    """Draw the link's QR code."""
    return await picture(await links.get(slug, domain=domain), style.style(), services, "no-store")


@public_router.api_route("/{slug:slug}/qr", methods=["GET", "HEAD"], operation_id="public_qr", response_class=Response)
async def public_qr(slug: SlugPath, style: Style, request: Request, services: AllServices) -> Response:
    """Draw a link's QR code for everybody, who could do so themselves; bounded, and remembered."""
    host = request.headers.get("host", "").lower()
    domain = host if host in services.links.domains else None
    return await picture(await services.links.get(slug, domain=domain), style.style(), services, AN_HOUR)


async def picture(link: Link, style: QrStyle, services: Services, caching: str) -> Response:
    """Return the picture, drawn in a thread, as a large one takes some time."""
    url = services.links.short_url(link, services.settings.base_url)
    body = await asyncio.to_thread(qr_code, url, style)
    return Response(body, media_type=MEDIA_TYPES[style.format], headers={"Cache-Control": caching})
