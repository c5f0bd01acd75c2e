"""How the installation looks: read by everybody, since its pages show it; changed by who looks after it."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Request, Response
from pydantic import Base64Bytes, BaseModel, Field

from shortly.api.access import needs, public
from shortly.api.link_bodies import Given
from shortly.api.problems import NotFound, problems
from shortly.api.services import AllServices, Caller
from shortly.branding.branding import MAX_NAME, MAX_URL, Branding, Logo
from shortly.branding.logo import MAX_BYTES, MediaType
from shortly.errors import Forbidden, InvalidInput, StorageFull
from shortly.redirect.look import LOGO_PATH

everybody = APIRouter(prefix="/api/v1/branding", tags=["branding"], dependencies=[public])
router = APIRouter(prefix="/api/v1/branding", tags=["branding"], dependencies=[needs("installation")])

SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For the logo: whoever opens an SVG by itself gets a picture and nothing that runs."""
Address = Annotated[str, Field(max_length=MAX_URL, examples=["https://example.com/imprint"])]


class LogoIn(Given):
    """A picture."""

    media_type: MediaType
    data: Annotated[Base64Bytes, Field(max_length=2 * MAX_BYTES, description=f"Up to {MAX_BYTES} bytes, in Base64.")]


class BrandingChanges(Given):
    """What to change; what is not named stays."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = None
    accent: Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$", examples=["#1f6feb"])] | None = None
    home_url: Address | None = None
    imprint_url: Address | None = None
    privacy_url: Address | None = None
    logo: LogoIn | None = Field(None, description="null: no logo any more.")


class BrandingOut(BaseModel):
    """How the installation looks."""

    name: str
    accent: str = Field(description="`#rrggbb`.")
    home_url: str
    imprint_url: str
    privacy_url: str
    logo_url: str | None = Field(description="Address of the logo; another one whenever it changed.")

    @classmethod
    def of(cls, branding: Branding) -> Self:
        """Return the branding as it goes out."""
        return cls(
            name=branding.name,
            accent=branding.accent,
            home_url=branding.home_url,
            imprint_url=branding.imprint_url,
            privacy_url=branding.privacy_url,
            logo_url=f"{LOGO_PATH}?v={branding.version}" if branding.logo else None,
        )


@everybody.get("", operation_id="get_branding")
async def get_branding(services: AllServices) -> BrandingOut:
    """Return name, colour and links of the installation."""
    return BrandingOut.of(await services.branding.get())


@everybody.get(
    "/logo",
    operation_id="get_logo",
    response_class=Response,
    responses={200: {"content": {"image/png": {}, "image/svg+xml": {}}}, **problems(NotFound)},
)
async def get_logo(request: Request, services: AllServices) -> Response:
    """Return the installation's logo."""
    branding = await services.branding.get()
    if branding.logo is None:
        raise NotFound
    etag = f'"{branding.version}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=300", "Content-Security-Policy": SANDBOX}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(branding.logo.data, media_type=branding.logo.media_type, headers=headers)


@router.patch("", operation_id="change_branding", responses=problems(InvalidInput, Forbidden, StorageFull))
async def change_branding(changes: BrandingChanges, services: AllServices, caller: Caller) -> BrandingOut:
    """Change how the installation looks; all its pages follow within seconds."""
    given = {name: getattr(changes, name) for name in changes.model_fields_set}
    logo = given.get("logo")
    if logo is not None:
        given["logo"] = Logo(logo.media_type, logo.data)
    for name, value in given.items():
        if value is None and name != "logo":
            raise InvalidInput(f"The field {name!r} must not be null.", field=name)
    return BrandingOut.of(await services.branding.change(caller, given))
