"""Who a request comes from: before anything else is looked at, everything below ``/api``, and ``/metrics``, is asked
for an API key or a session. Whoever it is stands in ``state["caller"]`` afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from msgspec import structs
from starlette.types import ASGIApp, Receive, Scope, Send

from shortly.accounts.access import RUNNING, Caller, Permission
from shortly.accounts.living import enter_workspace
from shortly.accounts.registry import Registry
from shortly.accounts.sessions import From, SignedIn
from shortly.api.cross_site import SAFE_METHODS, check_own_site
from shortly.api.origin import facts_of, peer_of
from shortly.api.services import Services
from shortly.errors import SecondFactorRequired, Unauthenticated, WorkspaceNotFound

PROTECTED = frozenset({"api", "metrics"})
"""First segments of the addresses that need a key or a session, whether anything is there or not."""
PUBLIC = frozenset(
    {
        "/api/v1/auth/methods",
        "/api/v1/auth/setup",
        "/api/v1/auth/sign-in",
        "/api/v1/auth/passkeys/sign-in",
        "/api/v1/auth/passkeys/sign-in/start",
        "/api/v1/auth/oidc/start",
        "/api/v1/auth/oidc/callback",
        "/api/v1/auth/password/forgot",
        "/api/v1/auth/password/reset",
        "/api/v1/invitations/accept",
    }
)
"""Addresses below those that strangers may use."""
PUBLIC_WITH_SESSION = frozenset({"/api/v1/invitations/accept"})
"""Those where it is looked at, too, whether somebody is signed in."""
PUBLIC_POSTS = frozenset({"/api/v1/reports"})
"""Those that strangers may only send something to."""
PUBLIC_READS = frozenset({"/api/v1/branding", "/api/v1/branding/logo"})
"""Those that strangers may only read."""
LINKS = "/api/v1/links"
AUTH = "/api/v1/auth/"
ANONYMOUS = "anonymous"
MAY_CREATE: frozenset[Permission] = frozenset({"links:write"})
"""What strangers have where ``ANONYMOUS_CREATE`` is on, for that one request; the route allows them a target alone."""
WORKSPACE = b"x-workspace"
MAX_DIGITS = 9


def is_public(method: str, path: str) -> bool:
    """Say whether strangers may ask for this."""
    return (
        path in PUBLIC
        or (path in PUBLIC_POSTS and method == "POST")
        or (path in PUBLIC_READS and method in ("GET", "HEAD"))
    )


class Authentication:
    """ASGI middleware: refuses requests without a valid key or session, and says of others who they come from.

    Args:
        app: What comes behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or raise ``Unauthenticated`` or ``CrossSiteRequest``."""
        if scope["type"] == "http" and scope["path"].lstrip("/").partition("/")[0] in PROTECTED:
            await identify(scope)
        await self.app(scope, receive, send)


async def identify(scope: Scope, *, noting: bool = True) -> None:
    """Write into ``scope["state"]`` who the request comes from.

    Args:
        scope: Of the request.
        noting: The session is used, so that it goes on; False: somebody only asks whether it is still there.

    Raises:
        Unauthenticated, CrossSiteRequest, SecondFactorRequired, WorkspaceNotFound: See their classes.
    """
    state, headers = scope["state"], scope["headers"]
    services: Services = state["services"]
    facts = state["facts"] = facts_of(scope, services.addresses)
    changes = scope["method"] not in SAFE_METHODS
    own_origin = services.settings.base_url
    if is_public(scope["method"], scope["path"]):
        token = services.cookie.read(headers) if scope["path"] in PUBLIC_WITH_SESSION else None
        if changes:
            check_own_site(headers, own_origin, with_cookie=token is not None)
        if token is not None:
            with suppress(Unauthenticated):
                state["signed_in"] = await services.entrance.sessions.resume(token)
        state["caller"] = Caller(actor=ANONYMOUS, origin=facts.origin)
        return
    secret = secret_of(headers)
    if secret is not None:
        caller = state["caller"] = await services.keys.authenticate(secret, origin=facts.origin)
        if (wanted := workspace_in(headers)) not in (None, caller.workspace_id):
            raise WorkspaceNotFound(str(wanted))
        return
    signed_in = None
    if services.trusted_header is not None:
        signed_in = await services.trusted_header.recognise(peer_of(scope), headers, facts)
    token = services.cookie.read(headers) if signed_in is None else None
    if signed_in is None and token is None:
        if not (services.settings.anonymous_create and scope["path"] == LINKS and scope["method"] == "POST"):
            raise Unauthenticated
        check_own_site(headers, own_origin, with_cookie=False)
        state["caller"] = Caller(actor=ANONYMOUS, permissions=MAY_CREATE, origin=facts.origin)
        return
    if changes:  # browsers add what the proxy knows people by as they add cookies
        check_own_site(headers, own_origin, with_cookie=True)
    if token is not None:
        signed_in = await services.entrance.sessions.resume(token, noting=noting)
    assert signed_in is not None  # noqa: S101
    state["signed_in"] = signed_in
    caller = await caller_of_person(services.entrance.registry, signed_in, headers, facts)
    if lacks_second_factor(services.settings.require_second_factor, signed_in, caller):
        if not scope["path"].startswith(AUTH):
            raise SecondFactorRequired
        caller = structs.replace(caller, permissions=frozenset())
    state["caller"] = caller


def lacks_second_factor(asked_of: Literal["off", "admins", "all"], signed_in: SignedIn, caller: Caller) -> bool:
    """Say whether somebody came in by less than the installation asks for."""
    if signed_in.session.second_factor or asked_of == "off":
        return False
    return asked_of == "all" or signed_in.user.admin or caller.permissions >= RUNNING


async def caller_of_person(
    registry: Registry, signed_in: SignedIn, headers: Iterable[tuple[bytes, bytes]], facts: From
) -> Caller:
    """Return a person as the caller in the workspace that the request names, or in their own oldest one.

    Raises:
        WorkspaceNotFound: There is none of that number, or the person does not belong to it.
    """
    return await enter_workspace(registry, signed_in.user, workspace_in(headers), facts.origin)


def workspace_in(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the workspace that the headers name; None: they name none; 0, which no workspace has: no number."""
    named = [value for name, value in headers if name == WORKSPACE]
    if not named:
        return None
    return int(named[-1]) if named[-1].isdigit() and len(named[-1]) <= MAX_DIGITS else 0


def secret_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the one key that the headers hold, or None when they hold none.

    Raises:
        Unauthenticated: There are two that differ, or credentials of another kind.
    """
    secrets = set()
    for name, value in headers:
        if name == b"x-api-key":
            secrets.add(value.strip())
        elif name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower() != b"bearer":
                raise Unauthenticated
            secrets.add(token.strip())
    if len(secrets) > 1:
        raise Unauthenticated
    return secrets.pop().decode("latin-1") if secrets else None
