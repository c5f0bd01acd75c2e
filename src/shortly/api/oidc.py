"""Signing in with an OpenID Connect provider: off to it, and back. Browsers come here by themselves, so every answer
leads on to a page; what went wrong is told to the sign-in page as ``?problem=`` and one stable word."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from shortly.accounts.access import Caller
from shortly.accounts.oidc import HOME, LIFETIME, Oidc
from shortly.api.access import public
from shortly.api.cookies import HostCookie
from shortly.api.services import AllServices, Facts, Services
from shortly.errors import IdentityRefused, ShortlyError, Unauthenticated

log = structlog.get_logger("shortly.oidc")
router = APIRouter(
    prefix="/api/v1/auth/oidc", tags=["signing in"], generate_unique_id_function=lambda route: route.name
)

SECURE_NAME = "__Host-shortly-oidc"
PLAIN_NAME = "shortly_oidc"
NOTED = frozenset({"disabled", "email_taken", "email_unverified", "invalid_token", "no_email", "no_role", "unknown"})
"""What only somebody comes to whom the provider gave something; strangers cannot fill the audit log."""
SEE_OTHER = 303


@router.get("/start", status_code=SEE_OTHER, response_class=RedirectResponse, dependencies=[public])
async def start_oidc(
    services: AllServices,
    wanted: Annotated[
        str, Query(alias="next", max_length=2048, description="One of our own screens, to be led to afterwards.")
    ] = HOME,
) -> RedirectResponse:
    """Send the browser to the identity provider."""
    try:
        departure = await provider_of(services).depart(wanted)
    except ShortlyError as refusal:
        return failed(refusal)
    response = RedirectResponse(departure.url, SEE_OTHER)
    cookie_of(services).set(response, departure.secret)
    return response


@router.get("/callback", status_code=SEE_OTHER, response_class=RedirectResponse, dependencies=[public])
async def finish_oidc(request: Request, services: AllServices, facts: Facts) -> RedirectResponse:
    """Take the browser back from the identity provider, and begin a session."""
    cookie = cookie_of(services)
    try:
        secret = cookie.read(request.scope["headers"])
        signed_in, wanted = await provider_of(services).arrive(request.query_params, secret, facts)
    except ShortlyError as refusal:
        reason = reason_of(refusal)
        if reason in NOTED and not (isinstance(refusal, IdentityRefused) and refusal.forged):
            stranger = Caller(actor="oidc", origin=facts.origin)
            await services.audit.note(stranger, "user.sign_in_refused", "", how="oidc", reason=reason)
        response = failed(refusal)
    else:
        user = signed_in.user
        caller = Caller(actor=f"user:{user.id}", user_id=user.id, origin=facts.origin)
        await services.audit.note(caller, "user.signed_in", f"user:{user.id}", how="oidc")
        response = RedirectResponse(wanted, SEE_OTHER)
        services.cookie.set(response, signed_in.token)
    cookie.clear(response)
    return response


def provider_of(services: Services) -> Oidc:
    """Return the provider, or raise ``IdentityRefused``."""
    if services.oidc is None:
        raise IdentityRefused("off")
    return services.oidc


def cookie_of(services: Services) -> HostCookie:
    """Return what binds a sign-in to the browser that began it."""
    return HostCookie(secure=services.settings.has_https, name=SECURE_NAME, plain_name=PLAIN_NAME, lifetime=LIFETIME)


def failed(refusal: ShortlyError) -> RedirectResponse:
    """Return the way back to the sign-in page."""
    reason = reason_of(refusal)
    log.warning("sign-in by the identity provider failed", reason=reason)
    return RedirectResponse(f"{HOME}/sign-in?problem={reason}", SEE_OTHER)


def reason_of(refusal: ShortlyError) -> str:
    """Return one stable word for what went wrong."""
    if isinstance(refusal, IdentityRefused):
        return refusal.reason
    return "expired" if isinstance(refusal, Unauthenticated) else refusal.code
