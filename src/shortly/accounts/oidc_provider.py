"""An OpenID Connect provider: where its doors are, which keys it signs with, and how it is asked."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import quote_plus, urlencode

import msgspec
import structlog
from joserfc.jwk import KeySet
from msgspec import Struct

from shortly.accounts.id_token import read_keys
from shortly.errors import IdentityRefused, OutboundFailed, OutboundRefused

log = structlog.get_logger(__name__)

FRESH = timedelta(hours=1)
"""How long the provider's own description and its keys are believed without asking again."""
AWAY = timedelta(seconds=5)
"""How long a provider that did not answer is left alone."""
KEYS_EVERY = timedelta(minutes=1)
"""How often keys are asked for at most because a token names one that is unknown."""
JSON = {"Accept": "application/json"}
T = TypeVar("T")


class Answer(Protocol):
    """What another server said."""

    @property
    def status(self) -> int:
        """Return its status."""

    @property
    def body(self) -> bytes:
        """Return its body."""


class Asking(Protocol):
    """The guarded client for requests to other servers."""

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch an address."""

    async def post(self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a body."""


class Description(Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    def addresses(self) -> list[str]:
        """Return all addresses that it names."""
        return [
            self.authorization_endpoint,
            self.token_endpoint,
            self.jwks_uri,
            *filter(None, (self.userinfo_endpoint, self.end_session_endpoint)),
        ]


class Tokens(Struct, frozen=True):
    """What a provider gives for a code."""

    id_token: str
    access_token: str = ""


class Provider:
    """One provider, asked as seldom as possible.

    Args:
        issuer: Its name, which is also where its description is found.
        client_id: What it knows this installation by.
        client_secret: The proof of that; None: PKCE alone has to do.
        ask: Asks other servers.
        clock: Returns the present moment, aware.
    """

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str | None,
        ask: Asking,
        clock: Callable[[], datetime],
    ) -> None:
        self.issuer = issuer.rstrip("/")
        self.client_id = client_id
        self._client_secret = client_secret
        self._ask = ask
        self._clock = clock
        self._description: tuple[Description, datetime] | None = None
        self._keys: tuple[KeySet, datetime] | None = None
        self._away_since: datetime | None = None
        self._asking = asyncio.Lock()

    async def description(self) -> Description:
        """Return what the provider says of itself; while it cannot be asked, what it said before.

        Raises:
            IdentityRefused: It cannot be asked, or speaks for somebody else.
        """
        async with self._asking:
            now = self._clock()
            if self._description is not None and now - self._description[1] < FRESH:
                return self._description[0]
            if self._away_since is not None and now - self._away_since < AWAY:
                raise IdentityRefused("provider_away")
            try:
                found = await self._fetch(f"{self.issuer}/.well-known/openid-configuration", Description)
                self._check(found)
            except IdentityRefused:
                if self._description is None:
                    self._away_since = self._clock()
                    raise
                self._description = self._description[0], now - FRESH + AWAY
                return self._description[0]
            self._description = found, now
            return found

    async def keys(self, *, instead_of: KeySet | None = None) -> KeySet:
        """Return the provider's keys.

        Args:
            instead_of: Those that lack one; others are asked for, unless that was done just now.

        Raises:
            IdentityRefused: It cannot be asked.
        """
        description = await self.description()
        async with self._asking:
            now = self._clock()
            if self._keys is not None:
                known, since = self._keys
                if now - since < (KEYS_EVERY if instead_of is known else FRESH):
                    return known
            found = read_keys(await self._fetch(description.jwks_uri, dict[str, Any]))
            self._keys = found, now
            return found

    async def tokens(self, code: str, *, verifier: str, redirect_uri: str) -> Tokens:
        """Return what a code is worth.

        Raises:
            IdentityRefused: Nothing, or the provider cannot be asked.
        """
        description = await self.description()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}
        methods = description.token_endpoint_auth_methods_supported
        if self._client_secret is None:
            form["client_id"] = self.client_id
        elif "client_secret_basic" in methods or "client_secret_post" not in methods:
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self._client_secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": self._client_secret}
        try:
            answer = await self._ask.post(description.token_endpoint, urlencode(form).encode(), headers=headers)
        except (OutboundFailed, OutboundRefused):
            raise IdentityRefused("provider_away") from None
        if answer.status >= 500:
            raise IdentityRefused("provider_away")
        if answer.status != 200:
            log.warning("the identity provider did not take the code", status=answer.status, why=why_of(answer.body))
            raise IdentityRefused("refused_there")
        return decode(answer.body, Tokens)

    async def userinfo(self, access_token: str, subject: str) -> Mapping[str, Any]:
        """Return further claims about somebody; none where the provider has no place for them.

        Raises:
            IdentityRefused: It cannot be asked, or tells of somebody else.
        """
        url = (await self.description()).userinfo_endpoint
        if not url or not access_token or not access_token.isascii() or not access_token.isprintable():
            return {}
        claims = await self._fetch(url, dict[str, Any], {"Authorization": f"Bearer {access_token}"})
        if claims.get("sub") != subject:
            raise IdentityRefused("invalid_token")
        return claims

    async def _fetch(self, url: str, form: type[T], headers: Mapping[str, str] | None = None) -> T:
        try:
            answer = await self._ask.get(url, headers={**JSON, **(headers or {})})
        except (OutboundFailed, OutboundRefused):
            raise IdentityRefused("provider_away") from None
        if answer.status != 200:
            log.warning("the identity provider did not answer properly", status=answer.status)
            raise IdentityRefused("provider_away")
        return decode(answer.body, form)

    def _check(self, found: Description) -> None:
        """Raise ``IdentityRefused`` unless a description is the provider's own, and leads nowhere in the clear."""
        schemes = ("https://",) if self.issuer.startswith("https://") else ("http://", "https://")
        if found.issuer.rstrip("/") != self.issuer:
            log.warning("the identity provider calls itself by another name", configured=self.issuer)
        elif all(address.startswith(schemes) for address in found.addresses()):
            return
        else:
            log.warning("the identity provider leads to addresses without TLS", configured=self.issuer)
        raise IdentityRefused("provider_away")


def decode(body: bytes, form: type[T]) -> T:
    """Return what JSON of a provider says, or raise ``IdentityRefused``."""
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        log.warning("the identity provider did not answer with the JSON that was expected")
        raise IdentityRefused("provider_away") from None


def why_of(body: bytes) -> str:
    """Return the code of an OAuth error, such as ``invalid_grant``."""
    try:
        return str(msgspec.json.decode(body, type=dict[str, Any]).get("error", ""))[:64]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
