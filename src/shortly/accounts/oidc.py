"""Coming in by OpenID Connect: authorization code flow with PKCE, bound to the browser that began it.

The browser is sent off with a one-time ticket as ``state``, and keeps a secret in a cookie. The proof key of PKCE and
the nonce are derived from that secret, so that neither the store nor any address ever holds them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from shortly.accounts.id_token import UnknownKey, check_id_token, is_same
from shortly.accounts.identities import Identities, Profile
from shortly.accounts.oidc_provider import Provider
from shortly.accounts.registry import Registry
from shortly.accounts.sessions import From, Sessions, SignedIn
from shortly.accounts.tickets import Tickets, digest_of, is_secret
from shortly.errors import IdentityRefused, RecordChanged, SignInRefused, TicketRefused

LIFETIME = timedelta(minutes=10)
"""How long somebody may take at the provider."""
HOME = "/app"
NEXT = re.compile(r"/app(?:/(?!\.{1,2}(?:[/?#]|$))[A-Za-z0-9._~@:+,=-]*)*(?:\?[A-Za-z0-9._~@:+,=&%/-]*)?")
"""Addresses of our own screens. Others lead elsewhere: short links do, and what browsers make of ``//`` and ``..``."""
MAX_NEXT = 512
MAX_CODE = 4_096
MAX_GROUPS = 1_000
MANY_FACTORS = "mfa"
"""Value of ``amr`` (RFC 8176) that tells of more than one proof."""


class Departure(NamedTuple):
    """Where the browser goes, and what it keeps meanwhile."""

    url: str
    secret: str


class Pending(Struct, frozen=True):
    """What is kept of a sign-in that is under way."""

    browser: str
    """Digest of what the browser keeps."""
    next: str


class Oidc:
    """Lets people in whom the provider vouches for.

    Args:
        provider: Who vouches.
        identities: Finds or makes users.
        tickets: Remembers who was sent off.
        sessions: Begins sessions.
        registry: Where tickets are kept.
        base_url: Where this installation is.
        scopes: What is asked for.
        groups_claim: Where the groups are, such as ``groups`` or ``realm_access.roles``.
        name: What the provider is called on the button.
    """

    def __init__(
        self,
        provider: Provider,
        identities: Identities,
        tickets: Tickets,
        sessions: Sessions,
        registry: Registry,
        *,
        base_url: str,
        scopes: str,
        groups_claim: str,
        name: str,
    ) -> None:
        self._provider = provider
        self._identities = identities
        self._tickets = tickets
        self._sessions = sessions
        self._registry = registry
        self._base_url = base_url
        self._redirect_uri = f"{base_url}/api/v1/auth/oidc/callback"
        self._scopes = scopes
        self._groups_claim = groups_claim
        self.name = name

    async def depart(self, wanted: str | None) -> Departure:
        """Return where to send a browser that wants to sign in; afterwards it comes back to ``wanted``.

        Raises:
            IdentityRefused: The provider cannot be asked.
        """
        description = await self._provider.description()
        secret = secrets.token_urlsafe(32)
        pending = Pending(digest_of(secret), local_path(wanted))
        state = await self._tickets.issue("oidc", LIFETIME, data=msgspec.json.encode(pending).decode())
        verifier = derive(secret, "verifier")
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._scopes,
            "state": state,
            "nonce": derive(secret, "nonce"),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return Departure(with_query(description.authorization_endpoint, query), secret)

    async def arrive(self, answer: Mapping[str, str], secret: str | None, facts: From) -> tuple[SignedIn, str]:
        """Begin a session for whoever comes back from the provider; return it, and where they wanted to go.

        Args:
            answer: The query that the provider sent the browser back with.
            secret: What the browser kept.
            facts: Where it comes from.

        Raises:
            IdentityRefused: They are not let in.
        """
        wanted = await self._use_up(answer.get("state", ""), secret)
        assert secret is not None  # noqa: S101
        description = await self._provider.description()
        issuer = answer.get("iss")
        if issuer is None and description.authorization_response_iss_parameter_supported:
            raise IdentityRefused("invalid_token", forged=True)
        if issuer is not None and issuer != description.issuer:
            raise IdentityRefused("invalid_token", forged=True)
        code = answer.get("code", "")
        if "error" in answer or not 0 < len(code) <= MAX_CODE:
            raise IdentityRefused("refused_there")
        tokens = await self._provider.tokens(code, verifier=derive(secret, "verifier"), redirect_uri=self._redirect_uri)
        claims = await self._claims(tokens.id_token, tokens.access_token, derive(secret, "nonce"))
        user = await self._identities.admit(await self._profile(claims, tokens.access_token), origin=facts.origin)
        strong = MANY_FACTORS in texts(claims.get("amr"))
        try:
            return await self._sessions.sign_in(user, "oidc", second_factor=strong, facts=facts), wanted
        except SignInRefused:
            raise IdentityRefused("disabled") from None

    async def sign_out_url(self) -> str | None:
        """Return where the browser ends its session at the provider, too; None: there is no such place."""
        try:
            url = (await self._provider.description()).end_session_endpoint
        except IdentityRefused:
            return None
        query = {
            "client_id": self._provider.client_id,
            "post_logout_redirect_uri": f"{self._base_url}{HOME}/sign-in",
        }
        return with_query(url, query) if url else None

    async def _use_up(self, state: str, secret: str | None) -> str:
        """Take the ticket of a sign-in away, before anything is asked of anybody, and return where it leads."""
        if secret is None or not is_secret(secret):
            raise IdentityRefused("expired")
        try:
            ticket = await self._tickets.find("oidc", state)
            pending = msgspec.json.decode(ticket.data, type=Pending)
            if not is_same(digest_of(secret), pending.browser):
                raise IdentityRefused("expired")
            await self._registry.remove(ticket)
        except (TicketRefused, RecordChanged):
            raise IdentityRefused("expired") from None
        return pending.next

    async def _claims(self, id_token: str, access_token: str, nonce: str) -> Mapping[str, Any]:
        description = await self._provider.description()

        def check(keys: Any) -> Mapping[str, Any]:
            return check_id_token(
                id_token,
                keys,
                algorithms=description.id_token_signing_alg_values_supported,
                issuer=description.issuer,
                client_id=self._provider.client_id,
                nonce=nonce,
                access_token=access_token,
                now=self._registry.now(),
            )

        keys = await self._provider.keys()
        try:
            return check(keys)
        except UnknownKey:
            try:
                return check(await self._provider.keys(instead_of=keys))
            except UnknownKey:
                raise IdentityRefused("invalid_token") from None

    async def _profile(self, claims: Mapping[str, Any], access_token: str) -> Profile:
        """Return what the provider says of somebody; what the token leaves out is asked for."""
        if "email" not in claims or claim_of(claims, self._groups_claim) is None:
            further = await self._provider.userinfo(access_token, claims["sub"])
            claims = {**further, **claims}
        return Profile(
            how="oidc",
            issuer=self._provider.issuer,
            subject=claims["sub"],
            email=text(claims.get("email")),
            email_verified=claims.get("email_verified") in (True, "true"),
            name=text(claims.get("name")) or text(claims.get("preferred_username")),
            groups=frozenset(texts(claim_of(claims, self._groups_claim))),
        )


def derive(secret: str, use: str) -> str:
    """Return a text of 43 characters that only the holder of a secret knows."""
    digest = hmac.digest(secret.encode(), f"shortly oidc {use}".encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def local_path(wanted: str | None) -> str:
    """Return an address of one of our own screens; the first one instead of any other address."""
    return wanted if wanted is not None and len(wanted) <= MAX_NEXT and NEXT.fullmatch(wanted) else HOME


def claim_of(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name, or by its path such as ``realm_access.roles``."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def text(claim: object) -> str:
    """Return a claim that is a text, or an empty one."""
    return claim if isinstance(claim, str) else ""


def texts(claim: object) -> Iterable[str]:
    """Return a claim that is a list of texts, or one text."""
    if isinstance(claim, str):
        return [claim]
    return [one for one in claim[:MAX_GROUPS] if isinstance(one, str)] if isinstance(claim, list) else []


def with_query(url: str, query: Mapping[str, str]) -> str:
    """Return an address with a query added to the one that it may have."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
