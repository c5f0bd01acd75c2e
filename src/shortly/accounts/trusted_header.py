"""Coming in through a proxy that has signed people in already, and tells who they are in headers.

Each request is judged by its own headers. There is no session here, so whoever signs out at the proxy is out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from shortly.accounts.identities import Identities, Profile
from shortly.accounts.people import User, email_key
from shortly.accounts.registry import Registry
from shortly.accounts.sessions import From, Session, SignedIn, shorten
from shortly.errors import IdentityRefused, Unauthenticated

FRESH = timedelta(minutes=1)
"""How long somebody whose headers are the same is not looked at anew, but for whether they may still come in."""
MAX_REMEMBERED = 1_000
MAX_HEADER = 16_384
SEPARATORS = re.compile(r"[,|]")


class TrustedHeader:
    """Recognises people by the headers of a proxy.

    Args:
        registry: Where people are kept.
        identities: Finds or makes users.
        trusts: Says of the address at the other end of a connection whether it is the proxy's.
        user: Name of the header with the e-mail address.
        name: Name of the header with the person's name, if any.
        groups: Name of the header with the person's groups, if any.
    """

    def __init__(
        self,
        registry: Registry,
        identities: Identities,
        *,
        trusts: Callable[[str], bool],
        user: str,
        name: str | None,
        groups: str | None,
    ) -> None:
        self._registry = registry
        self._identities = identities
        self._trusts = trusts
        self._user, self._name, self._groups = (
            None if header is None else header.lower().encode() for header in (user, name, groups)
        )
        self._seen: dict[str, tuple[Profile, int, datetime]] = {}
        """By address: what the proxy said last, whose it was, and when."""

    async def recognise(self, peer: str, headers: Iterable[tuple[bytes, bytes]], facts: From) -> SignedIn | None:
        """Return whom the proxy vouches for; None: the request is not the proxy's, or the proxy vouches for nobody.

        Raises:
            Unauthenticated: One of the headers is there twice: one of them was smuggled in.
            IdentityRefused: The person is not let in.
        """
        if not self._trusts(peer):
            return None
        given = list(headers)
        email = value_of(given, self._user)
        if not email:
            return None
        profile = Profile(
            how="header",
            issuer="proxy",
            email=email_key(email),
            email_verified=True,
            name=value_of(given, self._name),
            groups=frozenset(filter(None, map(str.strip, SEPARATORS.split(value_of(given, self._groups))))),
        )
        user = await self._user_of(profile, facts)
        return SignedIn(user, self._session(user, facts), "")

    async def _user_of(self, profile: Profile, facts: From) -> User:
        now = self._registry.now()
        said, user_id, since = self._seen.get(profile.email, (None, 0, now))
        if said == profile and now - since < FRESH:
            user = await self._registry.get(User, user_id)
            if user is not None and email_key(user.email) == profile.email:
                if user.disabled_at is not None:
                    raise IdentityRefused("disabled")
                return user
        user = await self._identities.admit(profile, origin=facts.origin)
        if len(self._seen) >= MAX_REMEMBERED:
            self._seen.clear()
        self._seen[profile.email] = profile, user.id, now
        return user

    def _session(self, user: User, facts: From) -> Session:
        """Return what stands for a session, with the id that none has; never one that has only just begun."""
        now = self._registry.now()
        return Session(
            user_id=user.id,
            digest="",
            created_at=user.created_at,
            seen_at=now,
            expires_at=now,
            user_agent=shorten(facts.user_agent),
            origin=facts.origin,
            how="header",
        )


def value_of(headers: Iterable[tuple[bytes, bytes]], wanted: bytes | None) -> str:
    """Return the value of a header, or nothing.

    Raises:
        Unauthenticated: It is there twice, too long, or no text.
    """
    values = [value for name, value in headers if name == wanted]
    if not values:
        return ""
    if len(values) > 1 or len(values[0]) > MAX_HEADER:
        raise Unauthenticated
    try:
        return values[0].decode().strip()
    except UnicodeDecodeError:
        raise Unauthenticated from None
